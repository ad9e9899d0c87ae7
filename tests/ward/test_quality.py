"""Row 29: a rule that stops firing, or fires far too often, is seen by its control chart, and told."""

from __future__ import annotations

import math
from collections import Counter
from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from leeward.ward.arrivals import Decision
from leeward.ward.clock import SetClock
from leeward.ward.firing import _chart, charts, days_of_silence, limits
from leeward.ward.world import World

from .conftest import NOW
from .taken import said, take


def chances(mean: float, most: int) -> float:
    """The chance of at most so many, by the definition of a Poisson count."""
    return sum(math.exp(-mean) * mean**count / math.factorial(count) for count in range(most + 1))


@pytest.mark.parametrize("mean", [0.4, 2.0, 6.7, 9.0, 20.0, 80.0])
def test_the_limits_are_exact_tails(mean: float) -> None:
    """Below the lower and above the upper one lies less than beyond three sigmas; one step inwards, more."""
    tail = 0.5 * math.erfc(3 / math.sqrt(2))
    low, high = limits(mean, 3)
    assert chances(mean, low - 1) < tail <= chances(mean, low)
    assert 1 - chances(mean, high) <= tail < 1 - chances(mean, high - 1)
    assert (low > 0) is (chances(mean, 0) < tail)
    assert days_of_silence(mean, 3) == next(days for days in range(1, 99) if chances(mean * days, 0) <= tail)


@pytest.mark.parametrize(
    ("usual", "last", "says", "loud", "grave"),
    [
        (20, [0], "stopped: none on the last complete day", True, True),
        (8, [0], "stopped: none on the last complete day", True, True),
        (2, [0], "within its limits", False, False),
        (2, [0, 0, 0], "within its limits", False, False),
        (2, [0, 0, 0, 0], "stopped: none for 4 complete days", True, True),
        (20, [20], "within its limits", False, False),
        (20, [110], "fires 5.5 times as often as usual", True, True),
        (20, [40], "2.0 times as often as usual", True, False),
        (20, [5], "rarer than usual: 5, usually 20", True, False),
    ],
)  # fmt: skip
def test_29_what_a_chart_says(world: World, usual: int, last: list[int], says: str, loud: bool, grave: bool) -> None:
    """A stop is seen for small means too, after as many days as are no chance; today so far counts towards nothing."""
    counts = Counter(dict(enumerate([usual] * 12 + last)))
    chart = _chart(("alerts", "told", "first fever"), counts, len(counts), world.settings.number)
    assert (chart.says, chart.loud, chart.grave) == (says, loud, grave)


def test_29_what_is_too_rare_to_tell_says_so(world: World) -> None:
    """One in four days: a week without it is chance. A few days are no chart."""
    counts = Counter(dict.fromkeys(range(0, 24, 4), 1))
    chart = _chart(("alerts", "told", "look alike"), counts, 25, world.settings.number)
    assert chart.says == "too rare to tell whether it has stopped"
    assert _chart(("alerts", "told", "x"), Counter({5: 9}), 8, world.settings.number).says == (
        "3 complete days: too few for limits")  # fmt: skip


def test_29_a_rule_that_stops_is_told_once_counted_and_kept(world: World, client: TestClient, clock: SetClock) -> None:
    """Grades, alerts and findings a day, each on its chart: on the page, as an event, as a metric, as one alert."""
    patient = "P0"
    for day in range(12):
        rows = [said(f"P{place}", "spo2", clock.now(), 95, "%") for place in range(20 if day < 11 else 0)]
        take(world, *rows, said(patient, "heart-rate", clock.now(), 80, "/min"), message=f"day {day}")
        world.store.save_decisions(
            [Decision(patient=patient, decided_at=clock.now(), crs_low=1, crs_high=1, icans_low=0, icans_high=0,
                      edition="e", answer=b"{}", said=bytes([day, place])) for place in range(9 if day < 11 else 0)]
        )  # fmt: skip
        clock.advance(timedelta(days=1))
    found = {(one.group, one.of, one.name): one for one in charts(world.engine, world.settings.number, clock.now())}
    assert found["grades", "CRS", "at least 1"].says == "stopped: none on the last complete day"
    assert found["findings", "monitor", "SpO2"].grave
    assert not found["findings", "monitor", "heart rate"].loud
    told = world.alerts.look_at_rules()
    assert [(one.what, one.kind) for one in told] == [("opened", "rule-firing")]
    (alert,) = [one for one in world.alerts.open() if one.kind == "rule-firing"]
    assert alert.patient is None
    assert {sign.about for sign in alert.signs} == {
        "firing/grades/CRS/at least 1", "firing/grades/ICANS/at least 0", "firing/findings/monitor/SpO2"}  # fmt: skip
    assert "stopped: none on the last complete day" in alert.text
    assert world.alerts.look_at_rules() == []
    (event,) = [one for one in world.store.events_after(0) if one.kind == "control-charts"]
    assert {one["name"] for one in event.body["charts"]} == {"at least 1", "at least 0", "SpO2"}
    assert 'leeward_charts_outside_limits{counts="grades"} 2.0' in client.get("/metrics").text
    page = client.get("/quality").text
    assert "Stopped: none on the last complete day" in page
    assert page.index("Grades, CRS") < page.index("Findings, monitor")
    clock.advance(timedelta(days=1))
    world.alerts.look_at_rules()
    assert [one.kind for one in world.alerts.open()] == ["rule-firing"]  # it is still silent
    assert clock.now() > NOW
