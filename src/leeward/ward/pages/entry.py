"""What is charted on the page: a form read into statements, its faults in words, corrections of one's own entries."""

from __future__ import annotations

import math
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pyarrow as pa
from sqlalchemy import select

from leeward.knowledge.loader import read
from leeward.knowledge.vocabulary import quantities
from leeward.record import times
from leeward.record.schema import STATEMENT
from leeward.report import words
from leeward.report.clock import Clock, seconds
from leeward.ward import tables as t
from leeward.ward.access import Person
from leeward.ward.arrivals import Arrival, Receipt
from leeward.ward.pages.patient import figure
from leeward.ward.rows import moment as moment_of

if TYPE_CHECKING:
    from leeward.ward.world import World

SOURCE = "bedside"
SHOWN = 12
"""So many entries are offered for correction, the newest first."""
RECORD_BYTES = 9
REASON_LETTERS = 200
PERCENT = 100
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
    devices: list[str]


class Form(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """entry.toml."""

    ice: list[Item]
    numbers: dict[str, str]
    choices: Choices


class Said(msgspec.Struct, kw_only=True):
    """A form that came back: what it held, what is wrong with which field, what became of it."""

    values: dict[str, str] = {}
    wrong: dict[str, str] = {}
    told: str = ""
    refused: list[str] = []


@cache
def form() -> Form:
    """What the form offers."""
    return read(Path(__file__).with_name("entry.toml"), Form)


def kinds() -> dict[str, Any]:
    """The same for a template."""
    held = form().choices
    return {
        "ice": [(one.id, one.name, one.most) for one in form().ice],
        "devices": [(one, words.device(one).name) for one in held.devices],
        "consciousness": held.consciousness, "seizure": held.seizure, "weakness": held.weakness, "signs": held.signs,
    }  # fmt: skip


def chart(world: World, patient: str, person: Person, filled: Mapping[str, str]) -> Said:
    """Take what a form holds in through the ward's intake; nothing is taken where a field is wrong."""
    said = Said(values=dict(filled))
    at = _moment(world, filled.get("at", ""), said)
    rows = [*_numbers(filled, said), *_words(filled), *_ice(filled, said), *_attribution(filled, person, said)]
    if not said.wrong and not rows:
        said.wrong["at"] = "Nothing is filled in."
    if said.wrong or at is None:
        many = "field is" if len(said.wrong) == 1 else "fields are"
        said.told = f"Nothing was charted: {len(said.wrong)} {many} wrong. {' '.join(said.wrong.values())}"
        return said
    spelt = at.isoformat()
    receipt = _take(world, person, [
        row | {"patient": patient, "start": spelt, "record": f"{SOURCE}-{secrets.token_urlsafe(RECORD_BYTES)}",
               "version": "1", "status": "final", "source": SOURCE, "place": "form at the bedside"}
        for row in rows
    ])  # fmt: skip
    return _told(receipt, len(rows))


def again(world: World, patient: str, person: Person, record: str, filled: Mapping[str, str]) -> Said:
    """Correct or take back an entry of one's own, as a newer version of the same record."""
    said = Said()
    mine = next((one for one in entries(world, patient, person) if one["record"] == record and one["mine"]), None)
    if mine is None or str(mine["version"]) != filled.get("version"):
        said.wrong["again"] = "gone"
        said.told = "Nothing was changed: this entry is not yours, or it was changed meanwhile."
        return said
    row = {"patient": patient, "quantity": mine["quantity"], "start": mine["start"], "record": record, "source": SOURCE,
           "place": "correction at the bedside", "version": str(int(mine["version"]) + 1)}  # fmt: skip
    if filled.get("do") == "withdraw":
        receipt = _take(world, person, [row | mine["said"] | {"status": "entered-in-error"}])
    else:
        value = _number(filled.get("value", ""))
        if value is None:
            said.wrong["again"] = "value"
            said.told = "Nothing was changed: the new value is not a number."
            return said
        receipt = _take(world, person, [row | {"status": "corrected", "value": value, "unit": mine["unit"]}])
    return _told(receipt, 1)


def _take(world: World, person: Person, rows: list[dict[str, Any]]) -> Receipt:
    """Through the only way in."""
    batch = pa.RecordBatch.from_pylist([{name: row.get(name) for name in STATEMENT.names} for row in rows], STATEMENT)
    message = secrets.token_urlsafe(RECORD_BYTES)
    return world.intake.take(Arrival(door=SOURCE, source=SOURCE, message=message, by=person.id), [batch])


def _told(receipt: Receipt, asked: int) -> Said:
    """What became of so many values; why one was not taken comes before how many were."""
    told = words.words().refusals
    refused = [
        f"{words.capital(words.quantity(row['quantity']).name) if row['quantity'] else 'A value'}: "
        f"{told.get(row['reason'], row['reason'])}{' (' + _written(row['detail']) + ')' if row['detail'] else ''}."
        for row in receipt.refusals
    ]
    taken = asked - len(refused)
    charted = f"{taken} {'value is' if taken == 1 else 'values are'} charted."
    more = f"{len(refused)} not understood, and not used." if refused else ""
    return Said(told=" ".join(filter(None, [*refused, more, charted])), refused=refused)


def _written(detail: str) -> str:
    """What was typed, in the units of the bedside, and in which unit it would make sense."""
    typed, _, likely = detail.partition(": likely ")
    figure, _, code = typed.partition(" ")
    printed = words.measure(figure, words.unit(code))
    if likely == "1" and code == "%":
        return f"{printed}: likely a fraction: enter {float(figure) * PERCENT:g}"
    if likely == "%" and code == "1":
        return f"{printed}: likely in percent: enter {float(figure) / PERCENT:g}"
    return f"{printed}: likely {words.unit(likely)}" if likely else printed


def _moment(world: World, spelt: str, said: Said) -> datetime | None:
    """When it was measured, by the ward's clock."""
    try:
        at = datetime.fromisoformat(spelt)
    except ValueError:
        said.wrong["at"] = "This is not a date and time."
        return None
    at = at.replace(tzinfo=times.zone(world.settings.zone)) if at.tzinfo is None else at
    if at > world.clock.now():
        said.wrong["at"] = "This lies in the future."
        return None
    return at.astimezone(UTC)


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


def _attribution(filled: Mapping[str, str], person: Person, said: Said) -> list[dict[str, Any]]:
    """A clinician's mark, with their name and reason."""
    sign, reason = filled.get("attribution", ""), filled.get("reason", "").strip()
    if not sign and not reason:
        return []
    if not sign or not reason:
        said.wrong["reason"] = "A mark needs both the sign and the cause."
        return []
    if not person.may("override"):
        said.wrong["reason"] = "Only a clinician may mark another cause."
        return []
    return [{"quantity": "attribution", "text": f"{sign}={reason[:REASON_LETTERS]} ({person.name})"}]


def entries(world: World, patient: str, person: Person) -> list[dict[str, Any]]:
    """What was charted at the bedside lately, the newest first; `mine`: entered by this person and still standing."""
    f, c = t.findings.c, t.arrivals.c
    asked = select(f.quantity, f.measured_at, f.low, f.high, f.text, f.status, f.record, f.version, c.by)
    asked = asked.join(t.arrivals, c.seq == f.arrival).join(t.patients, t.patients.c.seq == f.patient_key)
    asked = asked.where(t.patients.c.patient == patient, f.source == SOURCE).order_by(f.received_at.desc())
    with world.engine.connect() as connection:
        found = connection.execute(asked.limit(4 * SHOWN)).all()
    newest: dict[str, Any] = {}
    for row in found:
        held = newest.get(row.record)
        if held is None or int(row.version or 0) > int(held.version or 0):
            newest[row.record] = row
    clock = Clock(seconds(world.clock.now()), times.zone(world.settings.zone), None)
    return [_entry(row, clock, person) for row in list(newest.values())[:SHOWN]]


def _entry(row: Any, clock: Clock, person: Person) -> dict[str, Any]:
    """One entry as the page lists it."""
    at = moment_of(row.measured_at)
    unit = quantities()[row.quantity].unit if row.low is not None else None
    value = None if row.low is None else f"{row.low:g}"
    return {
        "at": clock.short(seconds(at)), "name": words.quantity(row.quantity).name, "figure": figure(row), "by": row.by,
        "status": row.status, "record": row.record, "version": row.version or "1", "quantity": row.quantity,
        "unit": unit, "start": at.isoformat(), "said": {"value": value, "unit": unit, "text": row.text},
        "mine": row.by == person.id and row.status != "withdrawn",
    }  # fmt: skip
