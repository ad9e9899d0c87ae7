"""What is charted on the page: a form read into statements, and its faults in words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from leeward.knowledge.loader import read
from leeward.report import words
from leeward.ward.access import Person
from leeward.ward.pages import charted
from leeward.ward.pages.charted import SOURCE
from leeward.ward.pages.moments import Doubt, typed

if TYPE_CHECKING:
    from leeward.ward.world import World

REASON_LETTERS = 200
AS_IT_IS = "pressures-as-they-are"
"""The box that is ticked where a diastolic above the systolic pressure was measured so."""


class Item(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One item of ICE and the points it has."""

    id: str
    name: str
    most: int


class Choices(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Words a form offers, each with how it reads; devices by the words of report/."""

    consciousness: list[tuple[str, str]]
    seizure: list[tuple[str, str]]
    weakness: list[tuple[str, str]]
    signs: list[tuple[str, str]]
    mark_hours: list[float]
    devices: list[str]


class Form(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """entry.toml."""

    ice: list[Item]
    numbers: dict[str, str]
    choices: Choices


class Said(msgspec.Struct, kw_only=True):
    """A form that came back: what it held, what is wrong with which field, what became of it.

    which: the two moments of an hour that came twice. once: the word under which it is taken. again: it was before.
    """

    values: dict[str, str] = {}
    wrong: dict[str, str] = {}
    told: str = ""
    refused: list[str] = []
    which: list[tuple[str, str]] = []
    once: str = ""
    again: bool = False


@cache
def form() -> Form:
    """What the form offers."""
    return read(Path(__file__).with_name("entry.toml"), Form)


def kinds(world: World) -> dict[str, Any]:
    """The same for a template; `once`: a new form's own word."""
    held = form().choices
    most = world.settings.number("bedside", "mark_most_hours")
    return {
        "ice": [(one.id, one.name, one.most) for one in form().ice],
        "devices": [(one, words.device(one).name) for one in held.devices],
        "consciousness": held.consciousness, "seizure": held.seizure, "weakness": held.weakness, "signs": held.signs,
        "mark_hours": [(f"{one:g}", f"{one:g} h") for one in held.mark_hours if one <= most],
        "once": charted.word(""), "bedside": SOURCE,
    }  # fmt: skip


def chart(world: World, patient: str, person: Person, filled: Mapping[str, str]) -> Said:
    """Take what a form holds in through the ward's intake; nothing is taken where a field is wrong.

    A form bears a word of its own, under which it is taken once, however often it is sent.
    """
    said = Said(values=dict(filled), once=charted.word(filled.get("once", "")))
    at = _moment(world, filled, said)
    rows = [*_numbers(filled, said), *_words(filled), *_ice(filled, said)]
    rows += _attribution(world, filled, person, at, said)
    if not said.wrong and not rows:
        said.wrong["at"] = "Nothing is filled in."
    if said.wrong or at is None:
        many = "field is" if len(said.wrong) == 1 else "fields are"
        said.told = f"Nothing was charted: {len(said.wrong)} {many} wrong. {' '.join(said.wrong.values())}"
        return said
    if charted.arrived(world, said.once):
        said.again = True
        return said
    spelt = at.isoformat()
    charted.take(world, person, said.once, [
        row | {"patient": patient, "start": spelt, "record": f"{SOURCE}-{said.once}-{row['quantity']}",
               "version": "1", "status": "final", "source": SOURCE, "place": "form at the bedside"}
        for row in rows
    ])  # fmt: skip
    return said


def came(world: World, patient: str, person: Person, once: str, *, again: bool) -> Said:
    """What became of a form that was sent before, for the page that is read after it."""
    found = charted.became(world, patient, person, once, again=again)
    return Said(told=found.told, refused=list(found.refused))


def _moment(world: World, filled: Mapping[str, str], said: Said) -> datetime | None:
    """When it was measured, by the ward's clock; an hour that came twice is asked for again."""
    try:
        at = typed(filled.get("at", ""), world.settings.zone, filled.get("which", ""))
    except Doubt as doubt:
        said.wrong["at"], said.which = doubt.says, list(doubt.choices)
        return None
    if at > world.clock.now():
        said.wrong["at"] = "This lies in the future."
        return None
    return at


def _number(spelt: str) -> str | None:
    """A number as it is typed, a comma for a point; None where it is none."""
    tidy = spelt.strip().replace(",", ".")
    try:
        return tidy if math.isfinite(float(tidy)) else None
    except ValueError:
        return None


def _numbers(filled: Mapping[str, str], said: Said) -> list[dict[str, Any]]:
    """The numbers of a form."""
    made = []
    for name, unit in form().numbers.items():
        spelt = filled.get(name, "").strip()
        if not spelt:
            continue
        value = _number(spelt)
        if value is None:
            said.wrong[name] = f"“{spelt[:12]}” is not a number."
        else:
            made.append({"quantity": name, "value": value, "unit": unit})
    _turned({row["quantity"]: float(row["value"]) for row in made}, filled, said)
    return made


def _turned(held: Mapping[str, float], filled: Mapping[str, str], said: Said) -> None:
    """Ask again where the diastolic pressure is above the systolic; ticked, both are charted as they are."""
    if "diastolic-bp" in held and held["diastolic-bp"] > held.get("systolic-bp", math.inf) and AS_IT_IS not in filled:
        said.wrong["pressures"] = "Diastolic is above systolic: tick to chart it as it is."


def _words(filled: Mapping[str, str]) -> list[dict[str, Any]]:
    """The words of a form; the door refuses those that it does not know."""
    names = ("oxygen-device", "consciousness", "seizure", "motor-weakness")
    return [{"quantity": name, "text": filled[name]} for name in names if filled.get(name)]


def _ice(filled: Mapping[str, str], said: Said) -> list[dict[str, Any]]:
    """ICE from its items: all of them, or none."""
    given = {one.id: filled.get(one.id, "") for one in form().ice}
    if not any(given.values()):
        return []
    if not all(given.values()):
        lacking = [one.name for one in form().ice if not given[one.id]]
        said.wrong["ice"] = f"ICE needs every item; not filled in: {words.listed(lacking)}."
        return []
    for one in form().ice:
        if not given[one.id].isdecimal() or int(given[one.id]) > one.most:
            said.wrong["ice"] = f"ICE, {one.name}: 0 to {one.most}."
            return []
    return [{"quantity": "ice-score", "value": str(sum(map(int, given.values()))), "unit": "{score}"}]


def _attribution(
    world: World, filled: Mapping[str, str], person: Person, at: datetime | None, said: Said
) -> list[dict[str, Any]]:  # fmt: skip
    """A clinician's mark, with their name, their reason, and until when it stands."""
    sign, reason = filled.get("attribution", ""), filled.get("reason", "").strip()
    if not sign and not reason:
        return []
    if not sign or not reason:
        said.wrong["reason"] = "A mark needs both the sign and the cause."
    elif not person.may("override"):
        said.wrong["reason"] = "Only a clinician may mark another cause."
    hours, most = _number(filled.get("mark-hours", "")), world.settings.number("bedside", "mark_most_hours")
    if hours is None or not 0 < float(hours) <= most:
        said.wrong["mark-hours"] = f"A mark needs an end: within {most:g} hours."
        return []
    if at is None or "reason" in said.wrong:
        return []
    end = at + timedelta(hours=float(hours))
    return [{"quantity": "attribution", "text": f"{sign}={reason[:REASON_LETTERS]} ({person.name})",
             "end": end.isoformat()}]  # fmt: skip
