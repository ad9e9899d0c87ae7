"""ORU: each OBX as a statement, in the version of the report (OBR) in which it stands."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from leeward.knowledge.vocabulary import quantities
from leeward.record.fhir.observation import UPPER_LIMIT
from leeward.record.fhir.words import Chosen
from leeward.ward.hl7.fields import NULL, component, concept, elements, repetitions, said, whole
from leeward.ward.hl7.moments import iso
from leeward.ward.hl7.people import patient
from leeward.ward.hl7.reading import TAKES_BACK, Reading
from leeward.ward.hl7.vocabulary import Refusal, vocabulary

_CODED, _PLAIN, _NOTES, _TIMES = ("CE", "CWE", "CNE", "CF"), ("NM", "ST", "IS", "ID"), ("TX", "FT"), ("DT", "TS", "DTM")
_RANGE = re.compile(r"\s*(?:-?[0-9.]+\s*-\s*|<=?\s*)([0-9]+(?:\.[0-9]+)?)\s*")


class Report(msgspec.Struct, frozen=True):
    """An OBR and the ORC before it, with what its results share."""

    order: Any
    request: Any
    version: str
    reported: str | None


class Value(msgspec.Struct, frozen=True):
    """What OBX-5 says: a number as spelt, or a word."""

    value: str | None = None
    text: str | None = None
    comparator: str | None = None


def read(to: Reading) -> None:
    """Every result of the message."""
    whose, order, report, number = patient(to.message, to.sender), None, None, 0
    for name, segment in elements(to.message):
        if name == "ORC":
            order = segment
        elif name == "OBR":
            report, order = _report(order, segment, to), None
        elif name == "OBX":
            number += 1
            if report is None:
                raise Refusal("segment-order", "OBX")
            _result(segment, report, whose, f"OBX {number}", to)
    if report is None:
        raise Refusal("segment-missing", "OBR")


def _report(order: Any, request: Any, to: Reading) -> Report:
    version = to.version(vocabulary().version.results, request)
    reported = said(request, vocabulary().version.results[1]) or said(to.header, vocabulary().version.last[1])
    return Report(order, request, version, iso(reported))


def _result(obx: Any, report: Report, whose: str, place: str, to: Reading) -> None:
    """One OBX as a statement."""
    letter = said(obx, 11) or said(report.request, 25)
    has_value = whole(obx, 5) is not None
    if letter in vocabulary().status_only["letters"] and not has_value:
        to.refuse("status-only", whose, place, "made final without its value")
        return
    chosen = to.chosen(concept(obx, 3), whose, place)
    if chosen is None:
        return
    status = vocabulary().status.get(letter or "", "unknown")
    if letter in vocabulary().status_only["letters"]:
        status = "final"
    if whole(obx, 5) == NULL and status not in TAKES_BACK:
        status = "absent"
    measured = said(obx, 14)
    start = iso(measured or said(report.request, 7))
    until = None if measured else iso(said(report.request, 8))
    named = to.record(_filler(obx, report), _part(obx), start)
    value = _value(obx, to) if has_value and status != "absent" else Value()
    common = {"start": start, "end": until if until != start else None, "reported": report.reported,
              "version": report.version, "status": status}  # fmt: skip
    to.say(
        whose, place, system=chosen.system, code=chosen.code, value=value.value,
        text=value.text, comparator=value.comparator, unit=to.unit(concept(obx, 6)), site=_site(obx, to), record=named,
        **common,
    )  # fmt: skip
    _upper_limit(obx, chosen, whose, place, to, common | {"record": named and f"{named}#upper-limit"})


def _filler(obx: Any, report: Report) -> str | None:
    """The number under which the filler keeps this result, else the placer's number of the order."""
    numbers = (said(obx, 21), said(report.request, 3), report.order and said(report.order, 3))
    placed = said(report.request, 2) or (report.order and said(report.order, 2))
    return next((number for number in numbers if number), placed and f"placer {placed}")


def _part(obx: Any) -> str:
    """Which result of the report it is: its first code and its sub-id, as the standard tells corrections."""
    code, sub_id = said(obx, 3) or said(obx, 3, 4) or said(obx, 3, 2) or "?", said(obx, 4)
    return f"{code}.{sub_id}" if sub_id else code


def _value(obx: Any, to: Reading) -> Value:
    """OBX-5 by its type (OBX-2); a number stays as spelt, and several values are none."""
    kind, listed = said(obx, 2), repetitions(obx, 5)
    if len(listed) > 1:
        return Value(text="(several values)")
    if kind == "SN":
        comparator, first, between, second = (component(obx, listed[0], part) for part in (1, 2, 3, 4))
        return Value("".join(part for part in (first, between, second) if part) or None, comparator=comparator)
    if kind in _PLAIN:
        beyond = {vocabulary().flag["below"], vocabulary().flag["above"]}
        flags = [sign for repetition in repetitions(obx, 8) if (sign := component(obx, repetition, 1)) in beyond]
        return Value(whole(obx, 5), comparator=flags[0] if flags and kind == "NM" else None)
    if kind in _CODED:
        spoken = concept(obx, 5)
        return Value(text=to.words.text(spoken) if spoken else None)
    if kind in _TIMES:
        return Value(text=iso(said(obx, 5)))
    return Value(text=whole(obx, 5) if kind in _NOTES else f"({kind or 'no type of value'})")


def _site(obx: Any, to: Reading) -> str | None:
    """Where and how it was measured: site (OBX-20) and method (OBX-17)."""
    told = [to.words.text(found) for number in (20, 17) if (found := concept(obx, number)) is not None]
    return ", ".join(word for word in told if word) or None


def _upper_limit(obx: Any, chosen: Chosen, whose: str, place: str, to: Reading, common: dict[str, str | None]) -> None:
    """The upper limit of normal that the laboratory prints in OBX-7, where it is read at all."""
    name = f"{chosen.quantity}{UPPER_LIMIT}"
    found = _RANGE.fullmatch(whole(obx, 7) or "") if name in quantities() else None
    if found:
        to.say(whose, place, quantity=name, value=found[1], unit=to.unit(concept(obx, 6)), **common)
