"""ADT: who comes, lies where, goes, turns out to be another; and what is true of them at any time."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from leeward.record.fhir.words import place as intensive
from leeward.ward.arrivals import Move
from leeward.ward.hl7.fields import elements, said, subcomponent
from leeward.ward.hl7.moments import iso
from leeward.ward.hl7.people import MRG_IDENTIFIERS, PID_IDENTIFIERS, identifier, label, patient, timeless
from leeward.ward.hl7.reading import Reading
from leeward.ward.hl7.vocabulary import Does, Refusal, vocabulary

_EVENT_AT, _PLACE, _CLASS, _LEFT_AT = 6, 3, 2, 45


def read(does: Does, to: Reading, merged_into: Any) -> None:
    """One event. `merged_into`: who stands for a patient now, by the store."""
    if does == "by-hand":
        raise Refusal("by-hand", "MSH-9")
    at = _recorded(to)
    if does == "merged":
        _merged(at, to)
    elif does == "parted":
        _parted(at, to, merged_into)
    else:
        _one(does, at, to)


def _recorded(to: Reading) -> datetime:
    """When the event was recorded: what was recorded later knows more, whenever it occurred."""
    event, last = vocabulary().version.people, vocabulary().version.last
    segment = _first("EVN", to)
    own = to.moments.instant(said(segment, event[1]), f"{event[0]}-{event[1]}") if segment is not None else None
    at = own or to.moments.instant(said(to.header, last[1]), f"{last[0]}-{last[1]}")
    if at is None:
        raise Refusal("time-missing", "EVN-2")
    return at


def _first(name: str, to: Reading) -> Any:
    return next((segment for found, segment in elements(to.message) if found == name), None)


def _one(does: Does, at: datetime, to: Reading) -> None:
    """An event of one patient."""
    whose, visit = patient(to.message, to.sender), _first("PV1", to)
    person = _first("PID", to)
    _timeless(person, whose, to)
    if visit is None:
        if does != "updated":
            raise Refusal("segment-missing", "PV1")
        return
    called = label(person, to.listening, at)
    if does in ("discharged", "never-came"):
        to.moves.append(Move(kind="discharged", patient=whose, at=at))
    elif does != "updated" or (said(visit, _PLACE) and not said(visit, _LEFT_AT)):
        unit = subcomponent(visit, _PLACE, 1)
        # A patient who moves to a unit without a bed lies in no bed any more.
        bed = "-".join(part for part in (said(visit, _PLACE, 2), said(visit, _PLACE, 3)) if part)
        to.moves.append(
            Move(kind="placed", patient=whose, at=at, unit=unit, bed=bed if unit else bed or None, label=called)
        )
    _stay(does, whose, visit, to)


def _timeless(person: Any, whose: str, to: Reading) -> None:
    """Birth, sex and death."""
    version = to.version(vocabulary().version.people, _first("EVN", to))
    for quantity, word, start in timeless(person):
        to.say(whose, "PID 1", quantity=quantity, text=word, start=start, version=version,
               record=f"{to.sender.source}/PID#{quantity}")  # fmt: skip


def _stay(does: Does, whose: str, visit: Any, to: Reading) -> None:
    """Whether the patient is cared for in intensive care or on a ward from now on; it lasts until the next is told."""
    event = _first("EVN", to)
    occurred = said(event, _EVENT_AT) if event is not None else None
    recorded = said(event, vocabulary().version.people[1]) if event is not None else None
    is_undone = does in ("never-came", "moved-back") and occurred is not None
    if does in ("updated", "discharged") or (does == "never-came" and not is_undone):
        return
    start = iso(occurred or recorded or said(to.header, vocabulary().version.last[1]))
    unit, class_ = subcomponent(visit, _PLACE, 1), said(visit, _CLASS)
    setting = intensive(unit, ()) or ("ward" if class_ in vocabulary().class_["ward"] else None)
    if setting is None and not is_undone:
        return
    to.say(
        whose, "PV1 1", quantity="care-setting", text=setting or "ward", start=start,
        status="entered-in-error" if is_undone else None, record=f"{to.sender.source}/place@{start}",
        version=to.version(vocabulary().version.people, event),
    )  # fmt: skip


def _merged(at: datetime, to: Reading) -> None:
    """Each PID is who stays, the MRG after it who is the same person."""
    person = None
    for name, segment in elements(to.message):
        if name == "PID":
            person = segment
        elif name == "MRG":
            if person is None:
                raise Refusal("segment-order", "MRG")
            kept = identifier(person, PID_IDENTIFIERS, to.sender)
            absorbed = identifier(segment, MRG_IDENTIFIERS, to.sender)
            if kept == absorbed:
                raise Refusal("same-patient", "MRG-1")
            to.moves.append(Move(kind="merged", patient=absorbed, other=kept, at=at, reason="HL7 A40"))
    if not to.moves:
        raise Refusal("segment-missing", "MRG")


def _parted(at: datetime, to: Reading, merged_into: Any) -> None:
    """Two PIDs that are not one person after all; done where one was merged into the other."""
    people = [
        identifier(segment, PID_IDENTIFIERS, to.sender) for name, segment in elements(to.message) if name == "PID"
    ]
    if len(people) != 2:
        raise Refusal("segment-missing", "PID")
    for absorbed, kept in (people, people[::-1]):
        if merged_into(absorbed) == kept:
            to.moves.append(Move(kind="unmerged", patient=absorbed, other=kept, at=at, reason="HL7 A37"))
            return
    raise Refusal("not-merged", "PID-3")
