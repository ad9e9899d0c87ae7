"""The checklist before a dose: what each item asks by source, and what the record shows for it.

Nothing missing counts as done: an item is done only by a finding, and by none that says it is not so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import ibis
import ibis.expr.types as ir
import msgspec

from leeward.knowledge import vocabulary
from leeward.knowledge.therapies import Therapy
from leeward.plan.around import Checklist, Item, Says, Sign, checklist, speaks_of
from leeward.timeline.settings import HOUR_S

BIRTH = "birth-date"
_MARKS = ("risk-mark", "ordered")
"""Quantities of which several words hold side by side."""


class Shown(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A finding that an item rests on."""

    quantity: str
    at: datetime
    value: float | None = None
    unit: str | None = None
    to: float | None = None
    word: str | None = None
    too_old: bool = False


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """One item: `state` is done, defers, doubt, against, partly, old or open, and `told` its words."""

    id: str
    title: str
    state: str
    told: str
    because: list[Shown]
    missing: list[str]
    asks: list[Says]


def newest(known: ir.Table, asked: ir.Table) -> ir.Table:
    """The newest finding of each quantity (of marks: of each word) up to a moment, and of numbers reached.

    `asked`: patient, at_s. Gives patient, quantity, kind (newest, a mark's word, reached), at_s, low, high, texts.
    """
    rows = known.drop("until_s").join(asked.select("patient", moment_s=asked.at_s), "patient")
    # A date of birth needs no time, and holds whenever it was written down.
    at_s = ibis.ifelse(rows.quantity == BIRTH, rows.moment_s, rows.at_s)
    rows = rows.mutate(at_s=at_s)
    rows = rows.filter((rows.at_s <= rows.moment_s) & rows.quantity.isin(sorted(quantities())))
    # What is pending is no result, and must not hide the one before it.
    rows = rows.filter(rows.text.isnull() | (rows.text != "pending"))
    word = ibis.ifelse(rows.quantity.isin(list(_MARKS)), rows.text, "newest")
    every = rows.select("patient", "quantity", "at_s", "low", "high", "text", kind=word.fill_null("newest"))
    both = every
    for sign in _reached():
        assert sign.at_least is not None
        hot = rows.filter((rows.quantity == sign.quantity) & (rows.high >= sign.at_least.value))
        reached = ibis.literal("reached")
        both = both.union(hot.select("patient", "quantity", "at_s", "low", "high", "text", kind=reached))
    last = ibis.window(group_by=[both.patient, both.quantity, both.kind])
    both = both.mutate(last_s=both.at_s.max().over(last))
    both = both.filter(both.at_s == both.last_s)
    return both.group_by(["patient", "quantity", "kind", "at_s"]).agg(
        low=both.low.min(), high=both.high.max(), text=both.text.min(), text_to=both.text.max()
    )


def quantities() -> set[str]:
    """Every quantity that an item is read from, and what says when a patient was born."""
    found = {BIRTH}
    for item in checklist().item:
        found |= item.reads
    return found


def _reached() -> list[Sign]:
    """Signs that are a number reached."""
    return [one for item in checklist().item for one in item.suggests if one.at_least is not None]


def checked(product: Therapy, rows: Sequence[Mapping[str, Any]], day: date | None, before: datetime) -> list[Checked]:
    """Every item that speaks of a product; `rows` of `newest` for one patient, `before` the moment they count to."""
    held = checklist()
    found = {(row["quantity"], row["kind"]): row for row in rows}
    return [
        _checked(item, held, found, product, day, before)
        for item in held.item
        if speaks_of(item.classes, (), product)
    ]  # fmt: skip


Found = Mapping[tuple[str, str], Mapping[str, Any]]


def _checked(
    item: Item, held: Checklist, found: Found, product: Therapy, day: date | None, before: datetime
) -> Checked:
    """One item."""
    oldest_s = before.timestamp() - held.within[item.within].value * HOUR_S
    state, because, missing = _state(item, found, oldest_s)
    told = held.words["cleared" if item.clears and state == "done" else state]
    return Checked(
        id=item.id, title=item.title, state=state, told=told, because=because, missing=missing,
        asks=[one for one in item.asks if one.of(product, day)],
    )  # fmt: skip


def _state(item: Item, found: Found, oldest_s: float) -> tuple[str, list[Shown], list[str]]:
    """What the record shows: the state, the findings it rests on, what is missing."""
    if item.defers:
        return _infection(item, found, oldest_s)
    if item.any_of:
        seen = [one for name in item.any_of if (one := _finding(name, found, oldest_s)) is not None]
        fresh = [one for one in seen if not one.too_old]
        state = "done" if fresh else "old" if seen else "open"
        return state, fresh or seen, [] if fresh else [" or ".join(item.any_of).replace("=", " ")]
    every = {name: _finding(name, found, oldest_s) for name in item.needs}
    seen = [one for one in every.values() if one is not None]
    missing = [name for name, one in every.items() if one is None or one.too_old]
    if any(_sign(one, found, oldest_s) is not None for one in item.against):
        return "against", seen, missing
    if not missing:
        return "done", seen, []
    fresh = [one for one in seen if not one.too_old]
    return ("partly" if fresh else "old" if seen else "open"), seen, missing


def _finding(name: str, found: Found, oldest_s: float) -> Shown | None:
    """The newest finding of `crp` or of `ordered=levetiracetam`."""
    quantity, _, word = name.partition("=")
    row = found.get((quantity, word or "newest"))
    return None if row is None else _shown(row, oldest_s)


def _shown(row: Mapping[str, Any], oldest_s: float) -> Shown:
    """A finding as an answer shows it; two values at one moment stay a range."""
    low, high = row["low"], row["high"]
    at = datetime.fromtimestamp(row["at_s"], UTC)
    word = row["text"] if row["text"] == row["text_to"] else f"{row['text']}, {row['text_to']}"
    measured = vocabulary.quantities().get(row["quantity"])
    unit = measured.unit if measured and low is not None else None
    return Shown(
        quantity=row["quantity"], at=at, value=low, unit=unit, to=high if high != low else None, word=word,
        too_old=row["at_s"] < oldest_s,
    )  # fmt: skip


def _infection(item: Item, found: Found, oldest_s: float) -> tuple[str, list[Shown], list[str]]:
    """A clinician's newest mark decides; findings that speak for it leave the item in doubt; without either it is open.

    Of two marks at one moment the one that defers stands.
    """
    defers, clears, suggests = (
        [shown for one in signs if (shown := _sign(one, found, oldest_s)) is not None]
        for signs in (item.defers, item.clears, item.suggests)
    )
    latest = max(clears, key=lambda one: one.at, default=None)
    against = [one for one in defers if latest is None or one.at >= latest.at]
    if against:
        return "defers", [*against, *suggests], []
    newer = [one for one in suggests if latest is None or one.at > latest.at]
    if newer:
        return "doubt", [*newer, *clears], [] if clears else ["risk-mark"]
    # What a mark outweighs is still shown: who reads it judges whether the mark knew of it.
    return ("done", [*clears, *suggests], []) if clears else ("open", [], ["risk-mark"])


def _sign(one: Sign, found: Found, oldest_s: float) -> Shown | None:
    """The finding that is a sign, unless it is too old to speak of today."""
    kind = "reached" if one.at_least else (one.word or "newest") if one.quantity in _MARKS else "newest"
    row = found.get((one.quantity, kind))
    if row is None or row["at_s"] < oldest_s:
        return None
    if one.word is not None and one.word not in (row["text"], row["text_to"]):
        return None
    if one.at_most is not None and row["low"] > one.at_most.value:
        return None
    return _shown(row, oldest_s)
