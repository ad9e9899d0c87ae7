"""From a patient's findings to what a chart draws: points, bars, stretches and marks, each with its times.

A value is carried for as long as `knowledge/carry.toml` lets it stand and no longer: past that there is a gap.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from typing import NamedTuple, Protocol, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from leeward.report.sourced import default_setting, stands_s
from leeward.report.stood import State, stood
from leeward.report.words import words

FOREVER_S = 2**40


class Timed(Protocol):
    """Anything that stands at a moment."""

    @property
    def at_s(self) -> int:
        """Seconds since 1970 in UTC."""


T = TypeVar("T", bound=Timed)


def inside(rows: Sequence[T], from_s: float, until_s: float) -> Sequence[T]:
    """Rows of one stretch, from its start to just before its end; they must be in order of time."""
    left = bisect_left(rows, from_s, key=lambda row: row.at_s)
    return rows[left : bisect_left(rows, until_s, lo=left, key=lambda row: row.at_s)]


def upto(rows: Sequence[T], at_s: float) -> int:
    """How many rows there are up to and at a moment."""
    return bisect_right(rows, at_s, key=lambda row: row.at_s)


class Row(NamedTuple):
    """One finding as drawn."""

    quantity: str
    at_s: int
    until_s: int | None
    low: float | None
    high: float | None
    text: str | None

    @property
    def value(self) -> float | None:
        """The number to draw: the bound that is finite, the middle where both are."""
        if self.low == self.high:
            return self.low
        ends = [end for end in (self.low, self.high) if end is not None and math.isfinite(end)]
        return sum(ends) / len(ends) if ends else None


class Bar(NamedTuple):
    """A blood pressure; where several share one place on the page, the lowest of each and the highest systolic."""

    at_s: int
    systolic: float | None
    diastolic: float | None
    mean: float | None
    highest: float | None = None  # systolic, where it is not the one above


class Band(NamedTuple):
    """Oxygen support over a stretch; device None: charted once, and past its age limit here."""

    from_s: int
    until_s: int
    device: str | None
    flow: tuple[float, float] | None
    fio2: tuple[float, float] | None


class Rate(NamedTuple):
    """One infusion at one rate; `sure_until_s` is earlier than `until_s` where no end was charted."""

    drug: str
    from_s: int
    sure_until_s: int
    until_s: int
    low: float | None
    high: float | None


@dataclass
class Tracks:
    """Everything the chart and the tables draw from the findings of one patient, in order of time."""

    temperature: list[Row] = field(default_factory=list)
    pressure: list[Bar] = field(default_factory=list)
    oxygen: list[Band] = field(default_factory=list)
    rates: list[Rate] = field(default_factory=list)
    given: list[Row] = field(default_factory=list)
    neurology: list[Row] = field(default_factory=list)
    marks: list[Row] = field(default_factory=list)
    setting: list[Row] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)  # all of them
    drawn: list[Row] = field(default_factory=list)  # those that a drawing shows
    first_s: int | None = None  # when the first was measured
    last_s: int | None = None  # when the last was, or ended

    def last_of(self, names: Iterable[str]) -> Row | None:
        """The last finding of any of these quantities."""
        wanted = set(names)
        return next((row for row in reversed(self.rows) if row.quantity in wanted), None)

    def stands_s(self, name: str, at_s: int) -> int:
        """How long a value of this kind, charted at this moment, stands: by the setting the patient was in."""
        where = [row.text for row in self.setting if row.at_s <= at_s < (row.until_s or FOREVER_S)]
        return stands_s(name, where[-1] or default_setting() if where else default_setting())


def tracks(findings: pa.Table, as_of_s: int | None) -> Tracks:
    """The tracks of one patient as known at a moment, or (None) all that is on record."""
    known, states = stood(findings, as_of_s)
    rows = sorted(_rows(known), key=lambda row: (row.at_s, row.quantity))
    groups = words().groups
    shown = {*groups.curves, *groups.oxygen, *groups.infusions, *groups.given, *groups.neurology, *groups.marks}
    drawn = [row for row in rows if row.quantity in shown]
    last_s = max((max(row.at_s, row.until_s or 0) for row in drawn), default=None)
    as_of_s = as_of_s if as_of_s is not None else last_s or 0
    made = Tracks(
        temperature=[row for row in rows if row.quantity == "body-temperature" and row.value is not None],
        pressure=_pressure(rows),
        rates=_rates([row for row in rows if row.quantity in groups.infusions], as_of_s),
        given=[row for row in rows if row.quantity in groups.given],
        neurology=[row for row in rows if row.quantity in groups.neurology],
        marks=[row for row in rows if row.quantity in groups.marks],
        setting=[row for row in rows if row.quantity == "care-setting"],
        rows=rows,
        drawn=drawn,
        first_s=drawn[0].at_s if drawn else None,
        last_s=last_s,
    )
    made.oxygen = _oxygen(rows, states, lambda at_s: made.stands_s("oxygen", at_s), as_of_s)
    return made


_DRAWN = ("quantity", "low", "high", "text")


def _rows(findings: pa.Table) -> list[Row]:
    """The table's rows as the chart needs them, times in whole seconds."""
    columns = {name: findings[name].to_pylist() for name in _DRAWN}
    for name in ("measured_at", "measured_until"):
        columns[name] = pc.divide(findings[name].cast(pa.int64()), 1_000_000).to_pylist()
    order = ("quantity", "measured_at", "measured_until", "low", "high", "text")
    return [Row(*values) for values in zip(*(columns[name] for name in order), strict=True)]


def _pressure(rows: list[Row]) -> list[Bar]:
    """Systolic, diastolic and mean pressure charted at one moment, as one bar each."""
    wanted = ("systolic-bp", "diastolic-bp", "mean-bp")
    bars: list[Bar] = []
    charted = [row for row in rows if row.quantity in wanted and row.value is not None]
    for at_s, group in groupby(charted, key=lambda row: row.at_s):
        values: dict[str, list[float]] = {name: [] for name in wanted}
        for row in group:
            values[row.quantity].append(row.value or 0.0)
        for place in range(max(len(held) for held in values.values())):
            one = [held[place] if place < len(held) else None for held in values.values()]
            bars.append(Bar(at_s, *one))
    return bars


def _rates(rows: list[Row], as_of_s: int) -> list[Rate]:
    """Infusions, rate by rate; without a charted end one surely runs for its age limit, possibly until it is again."""
    limit_s = stands_s("infusion-without-end", "ward")
    made = []
    for drug, group in groupby(sorted(rows, key=lambda row: (row.quantity, row.at_s)), key=lambda row: row.quantity):
        charted = list(group)
        again = [row.at_s for row in charted[1:]] + [as_of_s]
        for row, again_s in zip(charted, again, strict=True):
            if row.high == 0:  # a rate of zero is a stop
                continue
            until_s = min(again_s if row.until_s is None else row.until_s, as_of_s)
            sure_s = min(until_s, row.at_s + limit_s) if row.until_s is None else until_s
            made.append(Rate(drug, row.at_s, sure_s, until_s, row.low, row.high))
    return sorted(made, key=lambda rate: (rate.from_s, rate.drug))


def _oxygen(rows: list[Row], states: list[State], stands: Callable[[int], int], as_of_s: int) -> list[Band]:
    """The timeline's states with the fraction charted beside each, until the next one or too old; then no device."""
    shares = {row.at_s: (row.low or 0.0, row.high or 0.0) for row in rows if row.quantity == "fio2" and row.value}
    told = {state.at_s: state for state in states}
    bands: list[Band] = []
    device, flow, fio2 = None, None, None
    moments = sorted({*shares, *told})
    for at_s, next_s in pairwise([*moments, as_of_s]):
        if at_s in told:
            fio2 = fio2 if told[at_s].device == device else None
            device, flow = told[at_s].device, told[at_s].flow
        fio2 = shares.get(at_s, fio2)
        old_s = at_s + stands(at_s)
        if device is not None:
            bands.append(Band(at_s, min(next_s, old_s), device, flow, fio2))
        if next_s > old_s or (device is None and at_s in told):
            bands.append(Band(at_s if device is None else old_s, next_s, None, None, None))
    return _joined(bands)


def _joined(bands: list[Band]) -> list[Band]:
    """Neighbouring bands of one state as one."""
    made: list[Band] = []
    for band in bands:
        if made and made[-1].until_s == band.from_s and made[-1][2:] == band[2:]:
            made[-1] = made[-1]._replace(until_s=band.until_s)
        elif band.until_s > band.from_s or band.until_s == band.from_s:
            made.append(band)
    return made


def spoken(bands: list[Band], narrow_s: float) -> list[Band]:
    """Bands as they can be drawn: of one device, those too narrow to tell apart as one, with their range of flows."""
    made: list[Band] = []
    for band in bands:
        held = made[-1] if made else None
        short = held and min(held.until_s - held.from_s, band.until_s - band.from_s) < narrow_s
        if held and short and held.device == band.device and held.until_s == band.from_s:
            made[-1] = Band(
                held.from_s, band.until_s, band.device, _both(held.flow, band.flow), _both(held.fio2, band.fio2)
            )
        else:
            made.append(band)
    return made


def _both(one: tuple[float, float] | None, other: tuple[float, float] | None) -> tuple[float, float] | None:
    """A range that holds both."""
    held = [ends for ends in (one, other) if ends is not None]
    return (min(ends[0] for ends in held), max(ends[1] for ends in held)) if held else None


def stepped(rates: list[Rate], step_s: float) -> list[Rate]:
    """Rates of one drug as they can be drawn: those that touch, and are equal or within one step, at the highest."""
    made: list[Rate] = []
    for rate in rates:
        held = made[-1] if made else None
        close = held and (rate.from_s - held.from_s < step_s or rate[4:] == held[4:])
        if held and close and rate.from_s <= held.until_s and held.sure_until_s == held.until_s:
            highest = max((value for value in (held.high, rate.high) if value is not None), default=None)
            lowest = min((value for value in (held.low, rate.low) if value is not None), default=None)
            made[-1] = Rate(rate.drug, held.from_s, rate.sure_until_s, rate.until_s, lowest, highest)
        else:
            made.append(rate)
    return made


def stretches(rows: list[Row], stands: Callable[[int], int]) -> list[list[Row]]:
    """Points that a line may join: from one to the next no longer than the earlier one stands."""
    made = [[row] for row in rows[:1]]
    for earlier, later in pairwise(rows):
        if later.at_s - earlier.at_s <= stands(earlier.at_s):
            made[-1].append(later)
        else:
            made.append([later])
    return made


def thinned(rows: list[Row], step_s: float) -> list[Row]:
    """First, lowest, highest and last of each step: what a line of one-step resolution cannot tell from all of them."""
    made: list[Row] = []
    for _, group in groupby(rows, key=lambda row: row.at_s // step_s):
        held = list(group)
        kept = {held[0], min(held, key=lambda row: row.value or 0), max(held, key=lambda row: row.value or 0), held[-1]}
        made += sorted(kept, key=lambda row: row.at_s)
    return made


def bundled(bars: list[Bar], step_s: float) -> list[Bar]:
    """Bars that would share one place on the page as one: a low pressure must not hide behind a higher one."""
    made: list[Bar] = []
    for _, group in groupby(bars, key=lambda bar: bar.at_s // step_s):
        held = list(group)
        systolic, diastolic, mean = (_lowest(values) for values in zip(*(bar[1:4] for bar in held), strict=True))
        highest = max((bar.systolic for bar in held if bar.systolic is not None), default=None)
        made.append(Bar(held[len(held) // 2].at_s, systolic, diastolic, mean, highest))
    return made


def _lowest(values: Iterable[float | None]) -> float | None:
    """The lowest of those that were charted."""
    return min((value for value in values if value is not None), default=None)
