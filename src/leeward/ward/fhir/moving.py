"""Where patients lie and who turns out to be another, from Patient.link and from the Encounters of each patient."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Literal

import msgspec

from leeward.ward.arrivals import Held, Move
from leeward.ward.fhir.posted import known

Said = Mapping[str, Any]
Find = Callable[[str], Said | None]
"""A resource that is referred to, as it is known now."""


class Place(msgspec.Struct, frozen=True):
    """Where somebody lies, by their stays; `here` False: they have left."""

    here: bool
    unit: str | None = None
    bed: str | None = None


def merged(said: Said, before: Said | None, patient: str, at: datetime, numbers: str = "") -> list[Move]:
    """Who is the same person from now on, and who is not any more, by the links of a Patient, and by its `numbers`.

    numbers: the system of the identifiers that name a person by the hospital's own number.
    """
    now, then = _absorbed(said, patient, numbers), _absorbed(before or {}, patient, numbers)
    why = "FHIR Patient.link or identifier" if numbers else "FHIR Patient.link"
    parted = [Move(kind="unmerged", patient=one, other=other, at=at, reason=why) for one, other in sorted(then - now)]
    return parted + [
        Move(kind="merged", patient=one, other=other, at=at, reason=why) for one, other in sorted(now - then)
    ]


def linked(said: Said, patient: str, numbers: str = "") -> set[str]:
    """Everybody whom a Patient's links, or its numbers, declare the same person."""
    return {one for pair in _absorbed(said, patient, numbers) for one in pair}


def _absorbed(said: Said, patient: str, numbers: str) -> set[tuple[str, str]]:
    """Who is absorbed by whom: a Patient by the hospital's number that it bears, unless it bears two."""
    listed = said.get("identifier") or () if numbers else ()
    borne = {str(one["value"]) for one in listed if one.get("system") == numbers and one.get("value")}
    made = {(patient, borne.pop())} if len(borne) == 1 and patient not in borne else set()
    for link in said.get("link") or ():
        kind, _, other = str((link.get("other") or {}).get("reference") or "").partition("/")
        if kind != "Patient" or other in ("", patient):
            continue
        if link.get("type") == "replaced-by":
            made.add((patient, other))
        elif link.get("type") == "replaces":
            made.add((other, patient))
    return made


def label(said: Said, at: datetime) -> str | None:
    """Initials, and the age in years where the day of birth is known."""
    names = [name for name in said.get("name") or () if isinstance(name, dict)]
    name = next((one for one in names if one.get("use") in ("official", "usual")), names[0] if names else {})
    given = name.get("given") or [""]
    initials = "".join(part.strip()[:1].upper() for part in (str(given[0]), str(name.get("family") or "")) if part)
    if not initials:
        return None
    try:
        born = date.fromisoformat(str(said.get("birthDate") or ""))
    except ValueError:
        return initials
    return f"{initials}, {at.year - born.year - ((at.month, at.day) < (born.month, born.day))}"


def called(patient: str, text: str | None, held: Held | None, at: datetime) -> list[Move]:
    """What the board calls somebody from now on, wherever they are."""
    if text is None or (held is not None and held.label == text):
        return []
    gone = held is not None and held.discharged_at is not None
    return [Move(kind="discharged" if gone else "placed", patient=patient, label=text, at=at)]


def placed(
    patient: str, encounters: Iterable[Said], held: Held | None, find: Find, at: datetime
) -> list[Move]:  # fmt: skip
    """Where somebody lies from now on, by all their stays; nothing where that is what is known already."""
    place = _place(encounters, find)
    if place is None:
        return []
    gone = held is not None and held.discharged_at is not None
    known_ = held is not None and (held.unit, held.bed or None) == (place.unit, place.bed)
    if known_ and gone is not place.here:
        return []
    # A patient who moves to a unit without a bed lies in no bed any more.
    bed = (place.bed or "") if place.unit else place.bed
    kind: Literal["placed", "discharged"] = "placed" if place.here else "discharged"
    return [Move(kind=kind, patient=patient, unit=place.unit, bed=bed, at=at)]


def _place(encounters: Iterable[Said], find: Find) -> Place | None:
    """Where the latest stay that goes on is; gone, from where it was, when all have ended; nothing without any."""
    stays = known().stays
    inside = [one for one in encounters if (one.get("class") or {}).get("code") in stays.classes]
    here = [one for one in inside if one.get("status") in stays.present]
    ended = [one for one in inside if one.get("status") in stays.gone]
    if not here and not ended:
        return None
    latest = max(here or ended, key=lambda one: (str((one.get("period") or {}).get("start") or ""), str(one.get("id"))))
    locations = [one for one in latest.get("location") or () if isinstance(one, dict)]
    now = [one for one in locations if one.get("status") == "active"] or [
        one for one in locations
        if one.get("status") in (None, "planned") and not (one.get("period") or {}).get("end")
    ]  # fmt: skip
    return _unit_and_bed(now or locations[-1:], find, here=bool(here))


def _unit_and_bed(locations: Sequence[Said], find: Find, *, here: bool) -> Place:
    """Unit and bed of the places of a stay: what each is called, and in what it lies."""
    stays, found = known().stays, dict[str, str]()
    for one in locations:
        reference = (one.get("location") or {}).get("reference")
        steps = 0
        said: Said | None = find(str(reference)) if reference else None
        name = (one.get("location") or {}).get("display") or (said or {}).get("name")
        kind = _physical(one) or _physical(said or {})
        while name and steps <= len(stays.units) + len(stays.beds):
            which = "unit" if kind in stays.units else "bed" if kind in stays.beds else None
            if which is None and steps == 0 and kind is None:
                which = "unit"
            if which:
                found.setdefault(which, str(name))
            reference = ((said or {}).get("partOf") or {}).get("reference")
            said = find(str(reference)) if reference else None
            name, kind, steps = (said or {}).get("name"), _physical(said or {}), steps + 1
    return Place(here=here, unit=found.get("unit"), bed=found.get("bed"))


def _physical(said: Said) -> str | None:
    """Which kind of place it is."""
    for coding in (said.get("physicalType") or {}).get("coding") or ():
        code = coding.get("code")
        if isinstance(code, str):
            return code
    return None
