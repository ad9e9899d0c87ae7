"""Row 14: what is silent is said, of a patient, an analyte, a source and everybody, and it ends on fresh data only."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from leeward.ward.clock import SetClock
from leeward.ward.pages import board
from leeward.ward.settings import Source, WardSettings
from leeward.ward.world import World

from .bedside import Patient


@pytest.fixture
def patient(world: World, clock: SetClock) -> Patient:
    """Two hours after a dose, with a normal round of vital signs and a full ICE score."""
    made = Patient(world, clock)
    made.round(ice=10, consciousness="awake")
    assert made.told() == []
    return made


def test_14_what_is_no_longer_held_is_no_longer_said(patient: Patient) -> None:
    """One alert tells of a silent feed and of a late check; heard again, it tells of the check alone."""
    other = Patient(patient.world, patient.clock, "008")
    patient.clock.advance(timedelta(hours=14))
    other.round()
    patient.graded()
    both = next(one for one in patient.world.alerts.open() if one.kind == "feed-silent" and one.patient)
    assert {sign.kind for sign in both.signs} == {"feed-silent", "overdue-check"}
    assert board.silence(patient.world, patient.name).startswith("nothing received")
    patient.round()
    patient.graded()
    now = patient.world.alerts.one(both.id)
    assert now is not None
    assert (now.open, now.kind, {sign.kind for sign in now.signs}) == (True, "overdue-check", {"overdue-check"})
    assert "received" not in now.text
    assert now.text in [one.text for one in patient.world.alerts.open()]
    assert board.silence(patient.world, patient.name) == ""


def test_14_one_patient_unheard(patient: Patient, world: World, clock: SetClock) -> None:
    """A monitor that sent each minute is silent: told in ten minutes; an old value clears nothing, a fresh one does."""
    other = Patient(world, clock, "008")
    for _ in range(15):
        clock.advance(timedelta(minutes=1))
        patient.round()
        other.round()
    patient.told()
    for minute in range(1, 12):
        clock.advance(timedelta(minutes=1))
        other.round()
        heard = patient.kinds()
        assert heard == ([("opened", "feed-silent")] if minute == 10 else [])
    patient.chart(temperature=36.8, at=clock.now() - timedelta(minutes=11, seconds=30))
    assert patient.told() == []
    assert patient.open()[0].text.startswith("No vital signs received since 12:15: ")
    patient.round()
    assert patient.kinds() == [("resolved", "feed-silent")]
    assert [one.kind for one in other.open()] == []


def test_14_one_analyte_of_one_patient(patient: Patient, world: World, clock: SetClock) -> None:
    """The probe is off, the heart rate goes on: told in ten minutes, then the cuff with it; each clears alone."""
    other = Patient(world, clock, "008")

    def pass_minutes(count: int, **charted: float) -> list[tuple[str, str]]:
        told = []
        for _ in range(count):
            clock.advance(timedelta(minutes=2))
            other.round()
            patient.chart(temperature=36.9, heart=80, oxygen="room-air", **charted)  # type: ignore[arg-type]
            told += [(what, text) for what, kind, text in patient.told() if kind == "feed-silent"]
        return told

    pass_minutes(8, saturation=97, pressure=120)
    told = pass_minutes(6, pressure=120)
    assert told == [("opened", "No SpO2 received since 12:16: other vital signs still come")]
    assert board.silence(world, patient.name) == ""
    told = pass_minutes(6)
    assert [what for what, _ in told] == ["opened", "overtaken"]
    assert told[0][1] == "No systolic pressure received since 12:28: other vital signs still come (and 1 more)"
    silent = [one for one in patient.open() if one.kind == "feed-silent"]
    assert [{sign.about for sign in one.signs} for one in silent] == [
        {"silent/analyte/spo2", "silent/analyte/systolic-bp"}]  # fmt: skip
    assert [what for what, _ in pass_minutes(1, saturation=97)] == ["resolved"]
    assert [one.text for one in patient.open() if one.kind == "feed-silent"] == [
        "No systolic pressure received since 12:28: other vital signs still come"]  # fmt: skip
    pass_minutes(1, saturation=97, pressure=120)
    assert [one.kind for one in patient.open()] == []
    assert pass_minutes(7, pressure=120) == []  # it came and went: that is told no more until it is regular again


def test_14_what_came_once_is_no_feed(tmp_path: Path, clock: SetClock) -> None:
    """A late entry at the bedside, a file that was taken in: their silence says nothing; a named feed's is told."""
    hl7 = {"senders": [{"application": "LAB", "source": "lab", "numbers": "order"}]}
    database, monitor = f"sqlite:///{tmp_path / 'ward.db'}", {"monitor": Source()}
    world = World(WardSettings(database=database, demo=True, sources=monitor, hl7=hl7), clock)
    patient = Patient(world, clock)
    for source in ("bedside", "back.csv", "monitor", "lab"):
        patient.chart(temperature=36.9, source=source, at=clock.now() - timedelta(hours=9))
    patient.round(source="ward round")
    patient.graded()
    told = {sign.about for one in world.alerts.open() for sign in one.signs if sign.kind == "feed-silent"}
    assert told == {"silent/source/monitor", "silent/source/lab"}
    world.engine.dispose()


def test_14_one_analyte_of_everybody_and_then_everything(patient: Patient, world: World, clock: SetClock) -> None:
    """No saturation of anybody: one alert of the ward; nothing at all: one, and none for each patient."""
    other = Patient(world, clock, "008")
    for _ in range(15):
        clock.advance(timedelta(minutes=1))
        patient.round()
        other.round()
    patient.told()
    rest = {"temperature": 36.9, "pressure": 120, "heart": 80, "breaths": 16, "oxygen": "room-air"}
    for _ in range(11):
        clock.advance(timedelta(minutes=1))
        patient.chart(**rest)  # type: ignore[arg-type]
        other.chart(**rest)  # type: ignore[arg-type]
        patient.graded()
    assert [(what, text) for what, _, text in patient.told()] == [
        ("opened", "No SpO2 received of any patient since 12:15: grades rest on older values")]  # fmt: skip
    clock.advance(timedelta(minutes=30))
    heard = patient.told()
    assert [(what, kind) for what, kind, _ in heard if what == "opened"] == [("opened", "feed-silent")]
    assert "Nothing received of any patient since 12:26" in heard[0][2]
    assert patient.open() + other.open() == []
    assert {one.patient for one in world.alerts.open()} == {None}


def test_14_an_answer_that_grew_old_is_told_and_the_grade_never_drops(patient: Patient) -> None:
    """Five hours without a pressure: the grade is a range, the alert of the fever stays, the widening is told."""
    patient.round(temperature=38.4)
    patient.told()
    for _ in range(10):
        patient.clock.advance(timedelta(minutes=30))
        patient.chart(temperature=38.4, saturation=97, oxygen="room-air", heart=80, breaths=16)
        patient.graded()
    told = [(what, kind, text) for what, kind, text in patient.told() if kind == "answer-widened"]
    assert [(what, kind) for what, kind, _ in told] == [("opened", "answer-widened")]
    assert told[0][2].startswith("CRS can be told only as 1 to ")
    assert "blood pressure last at 12:00" in told[0][2]
    assert {one.kind for one in patient.open()} >= {"first-fever", "answer-widened"}
    patient.round(temperature=38.4)
    assert ("resolved", "answer-widened") not in patient.kinds()
    patient.later(minutes=61)
    assert ("resolved", "answer-widened") in patient.kinds()
