"""Every product across the nights in which the clocks change: days by the calendar, hours by the world."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from leeward.knowledge.therapies import treatments
from leeward.plan import stay
from leeward.plan.around import monitoring
from leeward.plan.monitoring import Bedside, Given, watched
from leeward.plan.prepare import Asked, Preparation, prepared
from leeward.plan.schedule import Start

BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
CHANGES = [
    pytest.param(date(2026, 3, 29), BERLIN, -1, id="Berlin, spring"),
    pytest.param(date(2026, 10, 25), BERLIN, 1, id="Berlin, autumn"),
    pytest.param(date(2026, 3, 8), NEW_YORK, -1, id="New York, spring"),
    pytest.param(date(2026, 11, 1), NEW_YORK, 1, id="New York, autumn"),
]
TEN = time(10)


def at_ten(product: Any, night: date, zone: ZoneInfo, days_before: int) -> Preparation:
    """A dose at ten in the morning, so many days before the change."""
    start = Start(day=night - timedelta(days=days_before), zone=zone, at=TEN)
    return prepared("A", Asked(product=product, start=start), [], [], None)


@pytest.mark.parametrize(("night", "zone", "longer"), CHANGES)
@pytest.mark.parametrize("product", treatments(), ids=lambda one: one.inn)
def test_every_dose_keeps_its_time_of_day(product: Any, night: date, zone: ZoneInfo, longer: int) -> None:
    """Whichever step falls behind the change stands at ten on the wall, an hour off in the world."""
    one = at_ten(product, night, zone, days_before=2)
    assert one.refused is None
    assert one.at is not None
    dated = [step for line in one.step_up for step in line.steps if step.at is not None and step.day is not None]
    for step in dated:
        assert step.at is not None
        assert step.day is not None
        assert (step.at.date(), step.at.time()) == (step.day, TEN)
        days = step.day - one.at.date()
        late = timedelta(hours=longer if step.day >= night else 0)
        assert step.at.astimezone(UTC) - one.at.astimezone(UTC) == days + late
    every = [line for line in product.schedule if any(dose.when for dose in line.doses)]
    assert bool(dated) == bool(every)


@pytest.mark.parametrize(("night", "zone", "longer"), CHANGES)
@pytest.mark.parametrize("product", treatments(), ids=lambda one: one.inn)
def test_rules_in_hours_are_hours_and_rules_in_days_are_days(
    product: Any, night: date, zone: ZoneInfo, longer: int
) -> None:
    """From a dose the day before the change."""
    one = at_ten(product, night, zone, days_before=1)
    for each in one.stay:
        if each.rule.hours:
            assert each.until_at is not None
            assert each.from_at is not None
            assert each.until_at.astimezone(UTC) - each.from_at.astimezone(UTC) == timedelta(hours=each.rule.hours)
            wall = each.until_at.replace(tzinfo=None) - each.from_at.replace(tzinfo=None)
            # Rules of less than a day may end before the change.
            assert each.rule.hours < 24 or wall == timedelta(hours=each.rule.hours - longer)
        if each.rule.days:
            assert each.until_day == night + timedelta(days=each.rule.days - 1)
    assert len(one.stay) == len(stay.rules(product.inn, night - timedelta(days=1), None))


@pytest.mark.parametrize(("night", "zone", "longer"), CHANGES)
@pytest.mark.parametrize("product", treatments(), ids=lambda one: one.inn)
def test_checks_are_due_after_elapsed_hours(product: Any, night: date, zone: ZoneInfo, longer: int) -> None:
    """The first check after a dose in the evening before: so many hours of the world later, whatever the wall says."""
    dose = datetime.combine(night - timedelta(days=1), time(22), zone)
    dose_s = int(dose.timestamp())
    made = watched(Bedside(patient="A", as_of_s=dose_s, zone=zone, doses=[Given(product.inn, dose_s)]))
    every = {line.id: line.every_hours for line in monitoring().watch}
    dated = [check for check in made.checks if check.next_at is not None]
    for check in dated:
        hours = every[check.id]
        assert hours is not None
        assert check.next_at == dose.astimezone(UTC) + timedelta(hours=hours)
    assert dated, "re-grading is asked of every therapy"
    assert longer in (-1, 1)
