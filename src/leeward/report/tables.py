"""The course in numbers, day by day and at every change of a grade, for those who do not see the chart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from leeward.report import words
from leeward.report.answer import Answer
from leeward.report.clock import Clock, seconds
from leeward.report.grades import Stretch, lacking, stretches
from leeward.report.layout import extent
from leeward.report.oxygen import support
from leeward.report.tracks import FOREVER_S, Bar, Row, Tracks, inside, upto
from leeward.report.words import DAY_S


class Told(NamedTuple):
    """A figure and when it was charted, in words and as the second at which its findings stand."""

    figure: str
    when: str = ""
    at_s: int | None = None


class Day(NamedTuple):
    """One day of the course at its worst."""

    name: str
    date: str
    temperature: Told
    pressure: Told
    oxygen: Told
    infusions: list[str]
    given: list[str]
    neurology: Told
    grades: list[str]  # one per syndrome

    @property
    def charted(self) -> bool:
        """Whether anything was charted on this day."""
        figures = (self.temperature, self.pressure, self.oxygen, self.neurology)
        return bool(self.infusions or self.given) or any(told != NOTHING for told in figures)


class Change(NamedTuple):
    """One change of a grade, with what was known of the patient at that moment."""

    at: str
    since: str
    syndrome: str
    grade: str
    missing: str
    temperature: Told
    pressure: Told
    oxygen: str
    infusions: str


NOTHING = Told("not charted")


def days(answer: Answer, tracks: Tracks, clock: Clock) -> list[Day]:
    """Each day since the first therapy (each calendar day without one) that the drawing shows."""
    first_s, last_s = extent(answer, tracks, clock)
    first_s, last_s = max(first_s, tracks.first_s or first_s), min(last_s, clock.as_of_s)
    origin_s = clock.trigger_s
    if origin_s is None:
        local = clock.local(first_s)
        origin_s = first_s - local.hour * words.HOUR_S - local.minute * words.MINUTE_S - local.second
    numbers = range((first_s - origin_s) // DAY_S, (last_s - origin_s) // DAY_S + 1)
    held = {syndrome: stretches(answer, syndrome, clock) for syndrome in answer.syndromes}
    return _together(
        [_day(number, origin_s + number * DAY_S, tracks, clock, list(held.values())) for number in numbers]
    )


def _together(days_: list[Day]) -> list[Day]:
    """Days on which nothing was charted, as one row where they follow each other."""
    made: list[Day] = []
    for day in days_:
        last = made[-1] if made else None
        if last and day[2:] == last[2:] and not day.charted:
            first = (last.name or last.date).split(" to ")[0]
            both = f"{first} to {day.name or day.date}"
            made[-1] = last._replace(name=both) if last.name else last._replace(date=both)
        else:
            made.append(day)
    return made


def _day(number: int, from_s: int, tracks: Tracks, clock: Clock, held: list[list[Stretch]]) -> Day:
    """The worst of twenty-four hours."""
    until_s = from_s + DAY_S
    temperatures = inside(tracks.temperature, from_s, until_s)
    pressures = [bar for bar in inside(tracks.pressure, from_s, until_s) if bar.systolic is not None]
    scores = [row for row in inside(tracks.neurology, from_s, until_s) if row.quantity in ("ice-score", "capd-score")]
    warmest = max(temperatures, key=lambda row: row.value or 0, default=None)
    lowest = min(pressures, key=lambda bar: bar.systolic or 0, default=None)
    worst = min(scores, key=lambda row: (row.value or 0) * (1 if row.quantity == "ice-score" else -1), default=None)
    return Day(
        name=f"day {number}".replace("-", "−") if clock.trigger_s is not None else "",
        date=clock.moment(from_s) if clock.trigger_s is not None else clock.day(from_s),
        temperature=_finding(warmest, clock),
        pressure=_bar(lowest, clock),
        oxygen=_most(tracks, from_s, until_s, clock),
        infusions=_ran(tracks, from_s, until_s),
        given=_given(inside(tracks.given, from_s, until_s), clock),
        neurology=_score(worst, clock),
        grades=[_worst_grade(stretches_, from_s, until_s) for stretches_ in held],
    )


def _finding(row: Row | None, clock: Clock) -> Told:
    """A finding's number with its time."""
    if row is None:
        return NOTHING
    told = words.measure(words.between(row.quantity, row.low, row.high), words.unit_of(row.quantity))
    return Told(told, clock.moment(row.at_s), row.at_s)


def _score(row: Row | None, clock: Clock) -> Told:
    """A neurological score by name."""
    if row is None:
        return NOTHING
    name = words.quantity(row.quantity).name.removesuffix(" score")
    return Told(f"{name} {words.between(row.quantity, row.low, row.high)}", clock.moment(row.at_s), row.at_s)


def _bar(bar: Bar | None, clock: Clock) -> Told:
    """A blood pressure with its time."""
    if bar is None:
        return NOTHING
    return Told(pressure(bar), clock.moment(bar.at_s), bar.at_s)


def pressure(bar: Bar) -> str:
    """A blood pressure as it is spoken."""
    systolic, diastolic = (words.number(value) if value is not None else "–" for value in bar[1:3])
    return f"{systolic}/{diastolic} mmHg"


def _most(tracks: Tracks, from_s: int, until_s: int, clock: Clock) -> Told:
    """The most oxygen support of a stretch, with when it began."""
    held = [band for band in tracks.oxygen if band.device and band.from_s < until_s and band.until_s >= from_s]
    if not held:
        return NOTHING
    most = max(held, key=lambda band: (words.device(band.device).step, band.flow or (0.0, 0.0)))
    return Told(support(most), f"from {clock.moment(most.from_s)}", most.from_s)


def _ran(tracks: Tracks, from_s: int, until_s: int) -> list[str]:
    """Infusions of a stretch, each with its highest rate."""
    rates = [rate for rate in tracks.rates if rate.from_s < until_s and rate.until_s > from_s]
    made = []
    for drug in dict.fromkeys(rate.drug for rate in rates):
        most = max((rate.high for rate in rates if rate.drug == drug and rate.high is not None), default=None)
        told = words.measure(words.between(drug, most, most), words.unit_of(drug)) or "rate not known"
        made.append(
            f"{words.quantity(drug).name}, at most {told}"
            if most is not None
            else f"{words.quantity(drug).name}, {told}"
        )
    return made


def _given(rows: Sequence[Row], clock: Clock) -> list[str]:
    """Doses of a stretch, drug by drug, with their times."""
    made = []
    for drug in dict.fromkeys(row.quantity for row in rows):
        doses = [row for row in rows if row.quantity == drug]
        told = [
            words.measure(words.between(drug, row.low, row.high), words.unit_of(drug)) or "dose not known"
            for row in doses
        ]
        times = [clock.time(row.at_s) for row in doses]
        same = len(set(told)) == 1
        parts = (
            [f"{told[0]} at {', '.join(times)}"] if same else [f"{a} at {b}" for a, b in zip(told, times, strict=True)]
        )
        made.append(f"{words.quantity(drug).name} {', '.join(parts)}")
    return made


def _worst_grade(held: list[Stretch], from_s: int, until_s: int) -> str:
    """The worst grade of a stretch of time, as a range where its worst moment is one."""
    inside = [stretch for stretch in held if stretch.from_s < until_s and stretch.until_s > from_s]
    if not inside:
        return "not graded"
    return words.grade(max(stretch.at_least for stretch in inside), max(stretch.at_most for stretch in inside))


def changes(answer: Answer, tracks: Tracks, clock: Clock) -> list[Change]:
    """Every change of every grade, in order of time."""
    held = {
        (stretch.from_s, syndrome): stretch
        for syndrome in answer.syndromes
        for stretch in stretches(answer, syndrome, clock)
    }
    order = sorted(answer.course, key=lambda change: (change.at, answer.syndromes.index(change.syndrome)))
    return [
        Change(
            clock.moment(at_s),
            clock.since(at_s),
            words.scale(change.syndrome).name,
            words.grade(change.at_least, change.at_most),
            _missing(held.get((at_s, change.syndrome)), tracks, clock),
            _latest_temperature(tracks, at_s),
            _latest_pressure(tracks, at_s),
            _supported(tracks, at_s),
            _running(tracks, at_s),
        )
        for change, at_s in ((change, seconds(change.at)) for change in order)
    ]


def _missing(stretch: Stretch | None, tracks: Tracks, clock: Clock) -> str:
    """What was missing in a stretch; since when, where it lasts to the answer's moment."""
    if stretch is None:
        return ""
    lasting = stretch.until_s == clock.as_of_s
    return ", ".join(
        lacking(item, tracks, clock) if lasting else words.quantity(item.quantity).name for item in stretch.missing
    )


def _latest_temperature(tracks: Tracks, at_s: int) -> Told:
    """The temperature that stood at a moment, with its age."""
    count = upto(tracks.temperature, at_s)
    last = tracks.temperature[count - 1] if count else None
    if last is None or at_s - last.at_s > tracks.stands_s("body-temperature", last.at_s):
        return NOTHING
    told = words.measure(words.between("body-temperature", last.low, last.high), words.unit_of("body-temperature"))
    return Told(told, _old(at_s - last.at_s), last.at_s)


def _latest_pressure(tracks: Tracks, at_s: int) -> Told:
    """The blood pressure that stood at a moment, with its age."""
    earlier = reversed(tracks.pressure[: upto(tracks.pressure, at_s)])
    last = next((bar for bar in earlier if bar.systolic is not None), None)
    if last is None or at_s - last.at_s > tracks.stands_s("systolic-bp", last.at_s):
        return NOTHING
    return Told(pressure(last), _old(at_s - last.at_s), last.at_s)


def _old(gone_s: int) -> str:
    """An age beside a figure; nothing for what was charted at that very moment."""
    return f"{words.span(gone_s)} old" if gone_s >= words.MINUTE_S else "then"


def _supported(tracks: Tracks, at_s: int) -> str:
    """The oxygen support at a moment."""
    held = [band for band in tracks.oxygen if band.from_s <= at_s and (at_s < band.until_s or band.from_s == at_s)]
    return support(held[-1]) if held and held[-1].device else "not charted"


def _running(tracks: Tracks, at_s: int) -> str:
    """The infusions that ran at a moment, with their rates."""
    made = []
    for rate in tracks.rates:
        if rate.from_s <= at_s < min(rate.until_s, FOREVER_S):
            told = words.measure(words.between(rate.drug, rate.low, rate.high), words.unit_of(rate.drug))
            made.append(f"{words.quantity(rate.drug).name} {told or 'at an unknown rate'}")
    return ", ".join(made) or "none charted"
