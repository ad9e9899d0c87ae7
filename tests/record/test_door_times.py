"""Times at the door: faults 16 to 19 of the bar for trusted systems, each with its number."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leeward.record import times
from leeward.record.errors import UnknownLocal, UnknownZone
from tests.record.doorstep import AT, Doorstep, said

TEMPERATURE = {"quantity": "body-temperature", "value": "38.5", "unit": "Cel"}


def at(doorstep: Doorstep, start: str) -> object:
    """When a temperature charted at a time was measured, or why it is refused."""
    findings, refusals = doorstep.admit(said(**TEMPERATURE, start=start))
    return findings[0]["measured_at"] if findings else refusals[0]["reason"]


def test_16_the_repeated_hour_with_offsets_is_two_instants() -> None:
    """01:30 twice on the autumn night, an hour apart, in order."""
    first = at(Doorstep(), "2026-11-01T01:30:00-04:00")
    second = at(Doorstep(), "2026-11-01T01:30:00-05:00")
    assert isinstance(first, datetime)
    assert isinstance(second, datetime)
    assert second - first == timedelta(hours=1)


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        ("2026-11-01T01:30:00", "ambiguous-time"),
        ("2026-11-01 01:00", "ambiguous-time"),
        ("2026-11-01T00:59:59", datetime(2026, 11, 1, 4, 59, 59, tzinfo=UTC)),
        ("2026-11-01T02:00:00", datetime(2026, 11, 1, 7, 0, tzinfo=UTC)),
        ("2026-03-08T02:30:00", "impossible-time"),
        ("2026-03-08T03:00:00", datetime(2026, 3, 8, 7, 0, tzinfo=UTC)),
        ("2026-07-01T12:00", datetime(2026, 7, 1, 16, 0, tzinfo=UTC)),
    ],
)
def test_16_local_times_in_a_zone_exist_exactly_once_or_are_refused(start: str, expected: object) -> None:
    """Without an offset the repeated hour is ambiguous and the skipped one impossible."""
    assert at(Doorstep(zone="America/New_York"), start) == expected


@given(
    moment=st.datetimes(min_value=datetime(1995, 1, 1), max_value=datetime(2090, 1, 1)),  # noqa: DTZ001 - local
    zone=st.sampled_from(
        ["America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kolkata", "America/St_Johns"]
    ),
)
def test_16_every_local_time_agrees_with_the_zone_database(moment: datetime, zone: str) -> None:
    """The fast path by whole days and the slow one by single times give what the database says."""
    found = at(Doorstep(zone=zone), moment.isoformat())
    early, late = (moment.replace(tzinfo=ZoneInfo(zone), fold=fold) for fold in (0, 1))
    if early.utcoffset() == late.utcoffset():
        assert found == early.astimezone(UTC)
    else:
        assert found in {"ambiguous-time", "impossible-time"}


def test_17_a_time_without_zone_needs_one_configured() -> None:
    """None configured: refused; a fixed offset or a zone: read."""
    assert at(Doorstep(), "2026-03-01T08:00:00") == "ambiguous-time"
    assert at(Doorstep(zone="-05:00"), "2026-03-01T08:00:00") == datetime(2026, 3, 1, 13, tzinfo=UTC)
    assert at(Doorstep(zone="-05:00"), "2026-03-01T08:00:00Z") == datetime(2026, 3, 1, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "begin", "end"),
    [
        ("2026-03-01", "2026-03-01T00:00", "2026-03-02T00:00"),
        ("2026-03-01T08", "2026-03-01T08:00", "2026-03-01T09:00"),
        ("2026-02", "2026-02-01T00:00", "2026-03-01T00:00"),
        ("2026-12", "2026-12-01T00:00", "2027-01-01T00:00"),
        ("2026", "2026-01-01T00:00", "2027-01-01T00:00"),
    ],
)
def test_18_a_coarse_time_is_the_stretch_it_leaves_open(start: str, begin: str, end: str) -> None:
    """A date is a day, not midnight."""
    finding = Doorstep(zone="+01:00").finding(**TEMPERATURE, start=start)
    assert finding["measured_at"] == datetime.fromisoformat(f"{begin}+01:00")
    assert finding["measured_until"] == datetime.fromisoformat(f"{end}+01:00")


def test_18_a_date_needs_a_zone_too() -> None:
    """Which instants a day holds depends on where it was."""
    assert at(Doorstep(), "2026-03-01") == "ambiguous-time"
    assert at(Doorstep(), "2026-03-01Z") == datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "start",
    [
        "2026-02-30T08:00:00Z",
        "2026-13-01T08:00:00Z",
        "2026-03-01T24:30:00Z",
        "2026-03-01T08:60:00Z",
        "yesterday",
        "01/03/2026",
        "2026-02-29",
        "20260301",
        "1753-01-01T00:00:00Z",
        "2026-03-01T08:00:00+25:00",
    ],
)
def test_times_that_cannot_be_are_refused(start: str) -> None:
    """Thirtieth of February, placeholders, and what is no time."""
    assert at(Doorstep(zone="UTC"), start) == "impossible-time"


@pytest.mark.parametrize("start", [None, "", "  "])
def test_a_time_that_is_missing_is_refused(start: str | None) -> None:
    """Nothing is dated by guess."""
    assert Doorstep().refusal(**TEMPERATURE, start=start)["reason"] == "time-missing"


@pytest.mark.parametrize(
    "start",
    [
        "2026-03-01T08:00:00.123456789Z",
        "2026-03-01t08:00:00.123456z",
        "2026-03-01 08:00:00,1234567+00:00",
        "2026-03-01T13:30:00.123456+05:30",
        "2026-03-01T08:00:00.123456+0000",
    ],
)
def test_spellings_of_one_instant_are_one_instant(start: str) -> None:
    """Fractions finer than a microsecond are cut, offsets applied."""
    assert at(Doorstep(), start) == datetime(2026, 3, 1, 8, 0, 0, 123456, tzinfo=UTC)


def test_mixed_spellings_in_one_batch_do_not_disturb_each_other() -> None:
    """One bad time refuses one row."""
    spelt = [AT, "2026-03-01T08:00:00", "2026-03-01", "rubbish", "2026-02-30T08:00:00Z", None]
    doorstep = Doorstep(zone="UTC")
    findings, refusals = doorstep.admit(*(said(**{**TEMPERATURE, "start": start}) for start in spelt))
    assert [f["measured_at"].hour for f in findings] == [8, 8, 0]
    assert sorted(r["reason"] for r in refusals) == ["impossible-time", "impossible-time", "time-missing"]


def test_19_a_time_in_the_future_is_refused_beyond_the_tolerance() -> None:
    """A clock may be half an hour fast; a day ahead is an error, and it does not grade."""
    now = datetime(2026, 3, 1, 8, tzinfo=UTC)
    assert at(Doorstep(now=now), "2026-03-01T08:24:00Z") == now + timedelta(minutes=24)
    assert at(Doorstep(now=now), "2026-03-02T08:00:00Z") == "future-time"


def test_an_interval_that_ends_before_it_begins_is_refused() -> None:
    """No order of two clock readings is guessed."""
    refusal = Doorstep().refusal(quantity="care-setting", text="icu", end="2026-03-01T07:00:00Z")
    assert refusal["reason"] == "end-before-start"


def test_an_infusion_with_no_end_has_none() -> None:
    """An open end stays open, even on a date."""
    finding = Doorstep(zone="UTC").finding(quantity="norepinephrine", value="5", unit="ug/min", start="2026-03-01")
    assert finding["measured_until"] is None


def test_unknown_settings_are_named() -> None:
    """A zone or a local system that does not exist is an error with the name in it."""
    with pytest.raises(UnknownZone, match="Mars/Olympus"):
        Doorstep(zone="Mars/Olympus")
    with pytest.raises(UnknownLocal, match="mimic-iv"):
        Doorstep(local=("nowhere",))


def test_fixed_offsets_are_zones() -> None:
    """-05:00, UTC-5's written form, and UTC itself."""
    assert times.zone("-05:00") == timezone(timedelta(hours=-5))
    assert times.zone("UTC") == UTC
