"""RDE: what was ordered, and never counts as given. RAS: what was given, as doses and as infusions that run."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from leeward.knowledge.vocabulary import ORDERED, quantities
from leeward.record import units
from leeward.record.fhir.resources import Concept
from leeward.record.fhir.words import Chosen
from leeward.ward.hl7.fields import concept, elements, said, whole
from leeward.ward.hl7.moments import iso
from leeward.ward.hl7.people import patient
from leeward.ward.hl7.reading import Reading
from leeward.ward.hl7.vocabulary import Refusal, vocabulary

_PER = re.compile(r"([A-Z])([0-9]*)")


class Amount(msgspec.Struct, frozen=True):
    """A dose or a rate as the record spells it."""

    value: str | None
    unit: str | None
    is_rate: bool


_DRUG_AT = {"RXE": 2, "RXC": 2, "RXO": 1}
"""Where the segments of an order name the drug."""


def of_any_kind(to: Reading) -> None:
    """An order for anything: read where it is for a drug; one for a test or a meal says nothing that is read."""
    if any(name in _DRUG_AT for name, _ in elements(to.message)):
        ordered(to)


def ordered(to: Reading) -> None:
    """Every drug of every order (RXE-2, RXC-2; RXO-1 where it is not encoded yet)."""
    whose, order, number = patient(to.message, to.sender), None, 0
    for name, segment in elements(to.message):
        if name == "ORC":
            order = segment
        elif name in _DRUG_AT:
            number += 1
            if order is None:
                raise Refusal("segment-order", name)
            _ordered(concept(segment, _DRUG_AT[name]), order, whose, f"{name} {number}", to)
    if not number:
        raise Refusal("segment-missing", "RXE")


def _ordered(drug: Concept | None, order: Any, whose: str, place: str, to: Reading) -> None:
    """Refused as no dose, whatever the drug; of the drugs that a plan doses it is a finding of its own beside that."""
    chosen = to.chosen(drug, whose, place, drug=True)
    if chosen is None:
        return
    at, control = vocabulary().version.drugs, said(order, 1) or ""
    start = iso(said(order, at[1]) or said(to.header, vocabulary().version.last[1]))
    common = {"start": start, "version": to.version(at, order)}
    to.say(whose, place, system=chosen.system, code=chosen.code, status="order", **common)
    stands, called_off = (control in vocabulary().ordered[name] for name in ("stands", "called_off"))
    record = to.record(_number(order), f"{ORDERED}-{chosen.quantity}", None)
    if chosen.quantity in quantities()[ORDERED].words and (stands or (called_off and record)):
        status = None if stands else "withdrawn"
        to.say(whose, place, quantity=ORDERED, text=chosen.quantity, status=status, record=record, **common)


def _number(order: Any) -> str | None:
    """The filler's number of an order, else the placer's."""
    placed = said(order, 2)
    return said(order, 3) or (placed and f"placer {placed}")


def given(to: Reading) -> None:
    """Every administration (RXA) with the route that is said after it (RXR)."""
    whose, order = patient(to.message, to.sender), None
    listed: list[list[Any]] = []
    of_order: list[list[Any]] = []
    for name, segment in elements(to.message):
        if name == "ORC":
            order, of_order = segment, []
        elif name == "RXA":
            of_order.append([segment, order, None])
            listed.append(of_order[-1])
        elif name == "RXR":
            for one in of_order:
                one[2] = one[2] or segment
    if not listed:
        raise Refusal("segment-missing", "RXA")
    for number, (rxa, its_order, route) in enumerate(listed, start=1):
        _given(rxa, its_order, route, whose, f"RXA {number}", to)


def _given(rxa: Any, order: Any, route: Any, whose: str, place: str, to: Reading) -> None:
    """One administration as a statement."""
    chosen = to.chosen(concept(rxa, 5), whose, place, drug=True)
    if chosen is None:
        return
    amount, start = _amount(rxa, chosen, to), iso(said(rxa, 3))
    counters = ".".join(said(rxa, number) or "0" for number in (1, 2))
    spoken = concept(route, 1) if route is not None else None
    at = vocabulary().version.drugs
    reported = said(rxa, 22) or said(to.header, vocabulary().version.last[1])
    to.say(
        whose, place, system=chosen.system, code=chosen.code, value=amount.value,
        unit=amount.unit, start=start, end=_end(rxa, start, chosen, amount), reported=iso(reported),
        status=_status(rxa), site=to.words.text(spoken) if spoken else None,
        record=to.record(_number(order) if order is not None else None, counters, start),
        version=to.version(at, order),
    )  # fmt: skip


def _end(rxa: Any, start: str | None, chosen: Chosen, amount: Amount) -> str | None:
    """When it ended. A rate that ends as it begins was charted at one time, as RXA-4 must be filled, and runs on."""
    end = iso(said(rxa, 4))
    if chosen.is_rate and amount.is_rate:
        return None if end == start else end
    return start if chosen.is_rate and end is None else end


def _status(rxa: Any) -> str:
    """Whether it was given (RXA-20), and whether this adds, changes or takes back (RXA-21)."""
    done, action = said(rxa, 20), said(rxa, 21)
    was = vocabulary().completion.get(done, "unknown") if done else "final"
    does = vocabulary().action.get(action, "unknown") if action else "final"
    if was == "not-done" and does == "corrected":
        return "entered-in-error"  # charted as given before
    return does if was == "final" or does == "entered-in-error" else was


def _amount(rxa: Any, chosen: Chosen, to: Reading) -> Amount:
    """A dose, or a rate: so much (RXA-6, RXA-7) per so long (RXA-12), or in a unit that is one of a rate."""
    value, unit, per = whole(rxa, 6), to.unit(concept(rxa, 7)), said(rxa, 12)
    if per is None:
        return Amount(value, unit, is_rate=_is_rate(chosen, value, unit))
    found = _PER.fullmatch(per)
    time = vocabulary().per.get(found[1]) if found else None
    if found is None or time is None or unit is None:
        return Amount(value, f"{unit} per {per}", is_rate=True)  # in no unit that is known
    try:
        spelt = value if found[2] in ("", "1") or value is None else f"{Decimal(value) / Decimal(found[2]):f}"
    except (InvalidOperation, ZeroDivisionError):
        spelt = f"{value}:{found[2]}"
    return Amount(spelt, f"{unit}/{time}", is_rate=True)


def _is_rate(chosen: Chosen, value: str | None, unit: str | None) -> bool:
    """Whether an amount of a drug that runs is a rate; nothing at all, and a rate of nothing, ends an infusion."""
    if not chosen.is_rate or chosen.quantity is None:
        return False
    return value == "0" or units.conversion(quantities()[chosen.quantity], unit).outcome in ("exact", "weight")
