"""Cards on an order that is drafted: interval, caps and dose by weight of each source. No order is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

from leeward.knowledge import edition
from leeward.report import words
from leeward.ward.cards.card import (
    Basis,
    Card,
    Cited,
    Origin,
    bullets,
    compared,
    escaped,
    fitting,
    origin,
    plain_text,
    stamp,
)
from leeward.ward.cards.course_cards import Number
from leeward.ward.cards.drafts import Order
from leeward.ward.cards.order_check import SEVERE, Checked, Finding, Kind, Source, checked
from leeward.ward.cards.order_most import is_steroid
from leeward.ward.cards.seen import Considered

_TOLD: tuple[Kind, ...] = ("held", "above", "often", "differs", "missing", "unread", "perhaps")
"""What a summary tells first."""
_OVERRIDES = ("other-reason", "own-protocol", "benefit", "value-wrong")


def order_cards(orders: Sequence[Order], seen: Considered, at: datetime, number: Number, home: str) -> list[Card]:
    """One for each order of which some source says something, or of a steroid of which none does while CRS is graded.

    None where nothing is graded or nothing is held. `home`: our own address, where the sources can be read.
    """
    if seen.now is None or seen.facts is None:
        return []
    many = Counter(order.drug for order in orders)
    made = []
    for order in orders:
        held = checked(order, seen.now, number("cds_hooks", "dose_differs_percent"))
        card = _card(held, seen, at, many[order.drug], int(number("cds_hooks", "lines_most")), home)
        if card is not None:
            made.append(card)
    made.sort(key=lambda card: card.indicator != "warning")
    return made[: int(number("cds_hooks", "cards_most"))]


def _card(held: Checked, seen: Considered, at: datetime, many: int, most: int, home: str) -> Card | None:
    """The card of one order; None where there is nothing to say of it."""
    first = next((found for kind in _TOLD for found in held.of(kind)), None)
    unsaid = not held.sources and is_steroid(held.order.drug) and _graded(seen)
    if not (first or unsaid or (held.sources and (many > 1 or seen.lacking))):
        return None
    source = next((one for one in held.sources if first is None or one.id == first.guideline), None)
    severe = first is not None and first.kind in SEVERE
    drug = words.capital(words.quantity(held.order.drug).name)
    return Card(
        name=f"order-{held.order.name}-{held.order.drug}", indicator="warning" if severe or many > 1 else "info",
        overrides=_OVERRIDES, summary=_summary(held, first, drug, many, seen.lacking),
        lines=tuple(_lines(held, drug, many, seen, most)),
        basis=Basis(
            findings=(_ordered(held.order, at), *_before(held.order, seen)), edition=edition(),
            rule=f"guidelines/{source.id}" if source else "guidelines",
            source=_origin(source) if source else compared(home), missing=(*seen.lacking, *held.missing), as_of=at,
        ),
    )  # fmt: skip


def _graded(seen: Considered) -> bool:
    """Whether CRS is graded above 0 for certain on some scale."""
    worst: dict[str, list[int]] = {}
    for (scale, _), grade in (seen.now.grades if seen.now else {}).items():
        worst.setdefault(scale, []).append(grade)
    return any(min(grades) > 0 for grades in worst.values())


def _origin(source: Source) -> Origin:
    """The publication, under the name by which answers call it."""
    return origin(source.key, words.capital(source.speaks_as))


def _summary(held: Checked, first: Finding | None, drug: str, many: int, lacking: Sequence[str]) -> str:
    """The most telling thing, of whom, and how many sources say alike."""
    order = plain_text(held.order.spelt) if held.order.amount else ""  # no text of the record but what was understood
    head = f"{drug} {order}".strip()
    if not held.sources:
        return fitting(
            f"{head}: no source read gives it in this state", f"{drug}: no source read gives it in this state"
        )
    if first is None:
        if many > 1:
            return f"{drug}: {many} orders of it stand in this draft"
        return fitting(f"{head}: not compared with {words.listed(list(lacking))}, which did not arrive", drug)
    alike = len({one.guideline for one in held.of(first.kind)}) - 1
    more = f" ({alike} more source{'s' if alike > 1 else ''} likewise)" if alike else ""
    says = words.capital(first.says) if first.kind in ("held", "above", "often", "differs") else first.says
    if first.kind == "missing":
        says = f"not on record: {says}; {'sources' if alike else first.source} cannot be compared in full"
        more = ""
    elif first.kind == "unread":
        says, more = f"{says}; its amount was compared with no source", ""
    elif first.kind == "perhaps":
        says = f"perhaps held back: {says}"
    return fitting(f"{head}: {says}{more}", f"{head}: {says}", f"{drug}: {says}")


def _lines(held: Checked, drug: str, many: int, seen: Considered, most: int) -> list[str]:
    """Each source, what it gives, what it holds back, what is left; then what was given before."""
    lines = [f"**{escaped(drug)} {escaped(held.order.spelt)}** as drafted, beside what published sources give.", ""]
    lines += [f"{many} orders of it stand in this draft.", ""] if many > 1 else []
    now = [one for one in held.sources if one.now]
    limits = ("held", "above")
    others = [one for one in held.sources if not one.now and any(found.kind in limits for found in one.findings)]
    lines += (
        ["Given by a source in this state:", ""] if now else ["No source that was read gives it in this state.", ""]
    )
    lines += [line for one in now[:most] for line in _source(one)]
    lines += bullets([f"and {len(now) - most} more sources"] if len(now) > most else [])
    lines += ["", "Limits of sources that do not speak of this state:", ""] if others else []
    lines += [line for one in others[:most] for line in _source(one)]
    doses = _before(held.order, seen)
    lines += ["", "Given before, on record:", ""]
    lines += bullets([_dose(one) for one in doses if one.quantity == held.order.drug][-most:] or ["none"])
    lines += ["", *bullets(f"not arrived: {escaped(one)}" for one in seen.lacking)] if seen.lacking else []
    warned = dict.fromkeys(text for one in now for text in one.warnings)
    lines += ["", *bullets(escaped(text) for text in warned)] if warned else []
    return [*lines, "", "Sources are alternatives; a dose against another reason than CRS or ICANS is not judged here."]


def _source(one: Source) -> list[str]:
    """One source in a few lines."""
    left = f"; {escaped(one.remaining)}" if one.remaining else ""
    known = words.words().evidence.get(one.evidence, one.evidence)  # type: ignore[call-overload]
    lines = bullets([f"**{escaped(words.capital(one.speaks_as))}**: {escaped(one.gives)}{left} ({escaped(known)})"])
    return lines + [f"  - {_KINDS[found.kind]}{escaped(found.says)}" for found in one.findings]


_KINDS: dict[Kind, str] = {
    "held": "", "above": "", "often": "", "differs": "", "missing": "not on record: ", "unread": "",
    "perhaps": "perhaps: ",
}  # fmt: skip


def _ordered(order: Order, at: datetime) -> Cited:
    """The order itself, as a finding of this moment."""
    return Cited(order.drug, f"ordered: {order.spelt}" if order.spelt else "ordered", None, at, order.name)


def _before(order: Order, seen: Considered) -> tuple[Cited, ...]:
    """What was given before, and the weight, as findings."""
    facts = seen.facts
    if facts is None:
        return ()
    unit = words.unit_of(order.drug)
    doses = [
        Cited(order.drug, one.amount_low if one.measured else None, unit, datetime.fromtimestamp(one.at_s, UTC))
        for one in facts.history(order.drug) or ()
    ]
    weight = []
    if facts.weight_kg is not None and facts.weight_at_s is not None:
        weight = [Cited("body-weight", facts.weight_kg, "kg", datetime.fromtimestamp(facts.weight_at_s, UTC))]
    return (*doses, *weight)


def _dose(one: Cited) -> str:
    """A dose that was given."""
    amount = (
        words.measure(words.number(one.value), one.unit or "") if isinstance(one.value, float) else "amount not told"
    )
    return f"{escaped(amount)}, {stamp(one.at)}"
