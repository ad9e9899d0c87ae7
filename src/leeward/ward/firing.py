"""How often rules fire: grades given, alerts opened and findings received each day (UTC), held against their own usual.

A count of rare things by chance is a Poisson count: the limits are its exact quantiles, as far out as so many standard
deviations of a normal one (knowledge/ward.toml, quality). Where even a day without any is chance, several days are
counted together; what is too rare for a week of them is said to be too rare to tell.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import datetime
from typing import Literal

import msgspec
from sqlalchemy import Connection, Engine, func, select

from leeward.report import words
from leeward.ward import tables as t
from leeward.ward.alerts.signs import spoken
from leeward.ward.rows import microseconds

Group = Literal["grades", "alerts", "findings"]
Number = Callable[[str, str], float]
Counts = dict[tuple[Group, str, str], Counter[int]]
DAY_US = 86_400_000_000


class Chart(msgspec.Struct, frozen=True, kw_only=True):
    """One control chart: counts a day (the last is today so far), limits where the days suffice, what it says.

    group: what is counted; of: whose (a syndrome, a source); name: which. loud: it lies outside its limits. grave: it
    stopped, or fires so often that its meaning must have changed.
    """

    group: Group
    of: str
    name: str
    counts: list[int]
    mean: float | None = None
    low: int | None = None
    high: int | None = None
    says: str = ""
    loud: bool = False
    grave: bool = False


def charts(engine: Engine, number: Number, now: datetime) -> list[Chart]:
    """Every chart, those that say something first."""
    today = microseconds(now) // DAY_US
    counted: Counts = defaultdict(Counter)
    with engine.connect() as connection:
        for count in (_grades, _alerts, _findings):
            count(connection, (today - int(number("quality", "days"))) * DAY_US, counted)
    made = [_chart(key, counts, today, number) for key, counts in counted.items()]
    return sorted(made, key=lambda one: (not one.loud, one.group != "grades", one.group, one.of, one.name))


def _grades(connection: Connection, since: int, counted: Counts) -> None:
    """Answers that said something new, by the least grade of each syndrome."""
    d = t.decisions.c
    day = (d.decided_at - d.decided_at % DAY_US) / DAY_US
    for syndrome, low in (("CRS", d.crs_low), ("ICANS", d.icans_low)):
        asked = select(low, day.label("day"), func.count()).where(d.decided_at >= since).group_by(low, "day")
        for grade, when, count in connection.execute(asked):
            said = "not graded" if grade is None else f"at least {grade}"
            counted["grades", syndrome, said][int(when)] += count


def _alerts(connection: Connection, since: int, counted: Counts) -> None:
    """Alerts by the kind that they were opened as."""
    a = t.alerts.c
    day = (a.opened_at - a.opened_at % DAY_US) / DAY_US
    asked = select(a.kind, day.label("day"), func.count()).where(a.opened_at >= since).group_by(a.kind, "day")
    for kind, when, count in connection.execute(asked):
        counted["alerts", "told", spoken(kind)][int(when)] += count


def _findings(connection: Connection, since: int, counted: Counts) -> None:
    """Findings by source and quantity, by the day on which they reached us."""
    f, c = t.findings.c, t.arrivals.c
    day = (f.received_at - f.received_at % DAY_US) / DAY_US
    asked = select(c.source, f.quantity, day.label("day"), func.count()).join(t.arrivals, c.seq == f.arrival)
    for source, quantity, when, count in connection.execute(
        asked.where(f.received_at >= since).group_by(c.source, f.quantity, "day")
    ):
        counted["findings", source, words.quantity(quantity).name][int(when)] += count


def _chart(key: tuple[Group, str, str], counts: Counter[int], today: int, number: Number) -> Chart:
    """One of them, from its first day with anything on."""
    group, of, name = key
    series = [counts.get(day, 0) for day in range(min(counts), today + 1)]
    before, last = series[:-2], series[-2] if len(series) > 1 else 0
    made = Chart(group=group, of=of, name=name, counts=series)
    if len(before) < number("quality", "least_days"):
        return msgspec.structs.replace(made, says=f"{len(series) - 1} complete days: too few for limits")
    mean = sum(before) / len(before)
    low, high = limits(mean, number("quality", "sigmas"))
    made = msgspec.structs.replace(made, mean=mean, low=low, high=high)
    if last > high:
        often = last / mean
        grave = often >= number("quality", "more_often")
        says = f"{'fires ' if grave else ''}{often:.1f} times as often as usual"
        return msgspec.structs.replace(made, says=says, loud=True, grave=grave)
    if 0 < last < low:
        return msgspec.structs.replace(made, says=f"rarer than usual: {last}, usually {mean:.0f}", loud=True)
    return _silent(made, series[:-1], number)


def _silent(made: Chart, whole: list[int], number: Number) -> Chart:
    """Whether it has stopped: as many days without any as are no chance, by what the days before them were."""
    empty = next((days for days, count in enumerate(reversed(whole)) if count), len(whole))
    usual = whole[: len(whole) - empty]
    mean = sum(usual) / len(usual) if usual else 0.0
    wait = days_of_silence(mean, number("quality", "sigmas"))
    if wait is None or wait > number("quality", "stop_days_most"):
        return msgspec.structs.replace(made, says="too rare to tell whether it has stopped")
    if empty >= wait:
        since = "on the last complete day" if empty == 1 else f"for {empty} complete days"
        return msgspec.structs.replace(made, says=f"stopped: none {since}", loud=True, grave=True)
    return msgspec.structs.replace(made, says="within its limits")


def limits(mean: float, sigmas: float) -> tuple[int, int]:
    """Between which a Poisson count of this mean lies, but for tails as small as a normal one's beyond the sigmas."""
    from scipy.stats import norm, poisson  # type: ignore[import-untyped]  # a second to load, and asked once a day

    tail = norm.sf(sigmas)
    return int(poisson.ppf(tail, mean)), int(poisson.isf(tail, mean))


def days_of_silence(mean: float, sigmas: float) -> int | None:
    """So many days in a row without any are no chance; null where there usually are none."""
    from scipy.stats import norm

    return math.ceil(-norm.logsf(sigmas) / mean) if mean > 0 else None
