"""Alerts of a ward: from what arrives to what is told, kept in the store, by number of the fault."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from leeward.ward import tables
from leeward.ward.alerts import Alerts
from leeward.ward.alerts.alert import Body
from leeward.ward.alerts.signs import STANDING
from leeward.ward.arrivals import Move
from leeward.ward.clock import SetClock
from leeward.ward.world import World

from .bedside import Patient
from .taken import take

TEXT_MOST = 140
ORDERS = re.compile(
    r"\b(give|administer|start|stop|call|treat|check|measure|must|should|urgent|alarm|warning)\b", re.IGNORECASE
)


@pytest.fixture
def patient(world: World, clock: SetClock) -> Patient:
    """Two hours after a dose, with a normal round of vital signs and a full ICE score."""
    made = Patient(world, clock)
    made.round(ice=10, consciousness="awake")
    assert made.told() == []
    return made


def test_first_fever_is_told_once_with_what_it_rests_on(patient: Patient) -> None:
    """From what to what, since when, by which finding; the same again is nothing new."""
    patient.clock.advance(timedelta(hours=1))
    patient.round(temperature=38.4)
    what, kind, text = patient.told()[0]
    assert (what, kind) == ("opened", "first-fever")
    assert text.startswith("First fever after axicabtagene ciloleucel: CRS 0 → 1, temperature 38.4 °C at 13:00")
    patient.clock.advance(timedelta(hours=1))
    patient.round(temperature=38.6)
    assert patient.told() == []
    alert = patient.open()[0]
    assert {basis.quantity for basis in alert.signs[0].because} >= {"body-temperature", "trigger"}
    assert (alert.standing, alert.told, len(alert.edition)) == (STANDING, "untold", 16)


def test_35_a_rise_is_told_though_the_alert_before_was_quieted_and_acknowledged(patient: Patient) -> None:
    """Quieting is of one alert, and ends by itself."""
    patient.round(temperature=38.4)
    patient.told()
    first = patient.open()[0]
    alerts, far = patient.world.alerts, patient.clock.now() + timedelta(days=9)
    quiet = alerts.quiet(first.id, "nurse", far)
    assert quiet is not None
    assert quiet.quiet_until == patient.clock.now() + timedelta(minutes=120)
    alerts.acknowledge(first.id, "nurse")
    patient.told()
    patient.clock.advance(timedelta(minutes=1))
    patient.round(temperature=38.4, pressure=85)
    assert patient.kinds() == [("opened", "rising-grade"), ("overtaken", "first-fever")]
    assert [(one.level, one.told, one.quiet_until) for one in patient.open()] == [(2, "untold", None)]


def test_icans_hypoxia_and_ferritin_are_told_each_once(patient: Patient) -> None:
    """What opens together is told together, the worst first."""
    patient.clock.advance(timedelta(minutes=30))
    patient.chart(ferritin=500)
    patient.later(hours=1)
    patient.chart(ice=6, saturation=86, ferritin=1600)
    assert patient.kinds() == [("opened", "icans-sign")]
    alert = patient.open()[0]
    assert [sign.kind for sign in alert.signs] == ["icans-sign", "untreated-hypoxia", "look-alike"]
    assert alert.text.endswith("(and 2 more)")
    assert alert.signs[0].says.startswith("ICANS 0 → 2")
    assert patient.told() == []


def test_23_a_correction_is_followed_up(patient: Patient) -> None:
    """A pressure of 58 was 128: the alert is withdrawn at once and says what holds now."""
    patient.round(temperature=38.4)
    patient.told()
    patient.world.alerts.acknowledge(patient.open()[0].id, "nurse")
    patient.told()
    patient.clock.advance(timedelta(minutes=5))
    record = patient.chart(pressure=58)
    assert patient.kinds() == [("opened", "rising-grade"), ("overtaken", "first-fever")]
    patient.clock.advance(timedelta(minutes=5))
    patient.chart(
        pressure=128, record=record, version="2", status="corrected", at=patient.clock.now() - timedelta(minutes=5)
    )
    what, kind, text = patient.told()[0]
    assert (what, kind) == ("withdrawn", "rising-grade")
    assert "taken back. Now: First fever" in text
    assert patient.open() == []


def test_23_a_correction_buries_no_fever_that_nobody_has_seen(patient: Patient) -> None:
    """The rise overtook the first fever; withdrawn, it leaves the fever open, untold and escalating as before."""
    patient.round(temperature=38.4)
    patient.told()
    patient.clock.advance(timedelta(minutes=5))
    at, record = patient.clock.now(), patient.chart(pressure=58)
    patient.told()
    patient.clock.advance(timedelta(minutes=5))
    patient.chart(pressure=128, record=record, version="2", status="corrected", at=at)
    assert patient.kinds() == [("withdrawn", "rising-grade"), ("opened", "first-fever")]
    assert [(one.kind, one.level, one.told) for one in patient.open()] == [("first-fever", 1, "untold")]
    patient.later(minutes=2)
    assert patient.told() == []


def test_23_an_older_message_that_comes_later_changes_nothing(patient: Patient) -> None:
    """The newest version counts, not the last arrival."""
    patient.chart(temperature=38.4, record="x", version="2", status="corrected")
    patient.told()
    patient.clock.advance(timedelta(minutes=1))
    patient.chart(temperature=36.6, record="x", version="1", at=patient.clock.now() - timedelta(minutes=1))
    assert patient.told() == []
    assert len(patient.open()) == 1


def test_24_what_was_entered_in_error_leaves_no_alert(patient: Patient) -> None:
    """Not of the patient, and not of a dose that never was."""
    record = patient.chart(temperature=38.9)
    assert patient.kinds() == [("opened", "first-fever")]
    at = patient.clock.now()
    patient.clock.advance(timedelta(minutes=1))
    patient.chart(temperature=38.9, record=record, version="2", status="withdrawn", at=at)
    assert patient.kinds() == [("withdrawn", "first-fever")]
    assert [(one.closed, one.open) for one in patient.world.alerts.of("007")] == [("withdrawn", False)]


def test_24_a_look_alike_whose_finding_was_taken_back_is_withdrawn(patient: Patient) -> None:
    """And one whose finding only grew old stays: nobody knows better yet."""
    patient.clock.advance(timedelta(minutes=1))
    patient.chart(temperature=38.4)
    patient.told()
    patient.clock.advance(timedelta(minutes=1))
    record, at = patient.chart(saturation=86), patient.clock.now()
    assert patient.kinds() == [("opened", "untreated-hypoxia")]
    patient.clock.advance(timedelta(hours=9))
    patient.told()
    assert "untreated-hypoxia" in {one.kind for one in patient.open()}
    patient.chart(saturation=96, record=record, version="2", status="corrected", at=at)
    assert ("withdrawn", "untreated-hypoxia") in patient.kinds()


def test_21_a_late_result_is_judged_by_now(patient: Patient) -> None:
    """A pressure of six hours ago fills in history; a fever of an hour ago still holds, and says since when."""
    patient.later(hours=6)
    patient.round()
    patient.told()
    patient.chart(temperature=39.0, pressure=80, at=patient.clock.now() - timedelta(hours=6))
    assert [kind for what, kind in patient.kinds() if what == "opened"] == []
    patient.clock.advance(timedelta(hours=1))
    patient.chart(temperature=38.4, at=patient.clock.now() - timedelta(minutes=30))
    opened = [text for what, _, text in patient.told() if what == "opened"]
    assert [text for text in opened if "CRS 0 → 1 since 18:30" in text]
    assert patient.open()[0].opened_at == patient.clock.now()


def test_a_new_value_that_leaves_the_grade_open_is_told_at_once(patient: Patient) -> None:
    """Oxygen by cannula, its flow not charted: 1 becomes 2 to 3; told as a rise to 2, and what is missing named."""
    patient.round(temperature=38.4)
    patient.told()
    patient.clock.advance(timedelta(minutes=1))
    patient.chart(oxygen="nasal-cannula")
    what, kind, text = patient.told()[0]
    assert (what, kind) == ("opened", "rising-grade")
    assert text.startswith("CRS 1 → 2 to 3")
    assert "oxygen flow not known" in text


def test_an_overdue_check_is_told_once_and_worse_when_missed_twice(patient: Patient) -> None:
    """ICE twice a day (ASCO): half an hour after twelve hours, and again after another twelve."""
    heard = []
    for hours in (4, 4, 4, 0.49, 0.01, 3.5, 4, 3.99, 0.01):
        patient.clock.advance(timedelta(hours=hours))
        patient.round()
        patient.told()
        checks = {sign for one in patient.open() for sign in one.signs if sign.about == "check/neurology"}
        heard.append(max((sign.at_least for sign in checks), default=0))
        text = max((sign.says for sign in checks), default="")
        assert not checks or text.startswith("ICE, or CAPD in a child overdue since ")
        assert not checks or text.endswith("last at 5 Mar 12:00, every 12 h (ASCO 2021)")
    assert heard == [0, 0, 0, 0, 1, 1, 1, 1, 2]


def test_a_check_that_is_only_recalled_is_told_to_nobody(patient: Patient) -> None:
    """No board shows it either: blood each day stands in no source that was read."""
    patient.chart(ferritin=300)
    told = []
    for _ in range(8):
        patient.clock.advance(timedelta(hours=4))
        patient.round(ice=10)
        told += patient.told()
    late = {check.id: check for check in patient.world.grader.look("007").watched.checks if check.state == "overdue"}
    assert late["blood"].evidence == "recalled"
    assert [text for _, kind, text in told if kind == "overdue-check"] == []
    assert [sign.about for one in patient.open() for sign in one.signs if sign.about == "check/blood"] == []


@pytest.mark.parametrize(
    ("charted", "words"),
    [
        ({"oxygen": "ventilator"}, "ventilator at 12:01"),
        ({"oxygen": "non-rebreather"}, "non-rebreather mask at 12:01"),
        ({"oxygen": "nasal-cannula", "flow": 2}, "nasal cannula at 12:01"),
        ({"oxygen": "room-air", "pressure": 84}, "room air at 12:01"),
        ({"saturation": 86}, "SpO2 86 % at 12:01"),
        ({"ferritin": 1600}, "ferritin 1600 µg/L at 12:01"),
    ],
)
def test_an_alert_speaks_as_the_board_does(patient: Patient, charted: dict[str, float | str], words: str) -> None:
    """No abbreviation of a drawing, no code of a unit."""
    patient.chart(ferritin=500, at=patient.clock.now() - timedelta(minutes=30))
    patient.clock.advance(timedelta(minutes=1))
    patient.chart(temperature=38.4, **charted)  # type: ignore[arg-type]
    assert patient.told()
    said = " | ".join(sign.says for sign in patient.open()[0].signs)
    assert words in said
    assert not re.search(r"oxygen device|\bvent\b|NRB|ug/|\[|room-air|non-rebreather at", said), said


def test_36_a_backlog_of_many_patients(world: World, clock: SetClock) -> None:
    """History is silent; one alert for each patient, of what holds now, the worst first; one notice of the feed."""
    people = [Patient(world, clock, f"p{number}", since_hours=8) for number in range(20)]
    people[0].told()
    for number, one in enumerate(people):
        one.chart(at=clock.now() - timedelta(hours=6), silent=True, temperature=39.0, pressure=80, saturation=86,
                  oxygen="nasal-cannula", flow=9)  # fmt: skip
        one.chart(at=clock.now() - timedelta(minutes=1), silent=True, temperature=38.4 if number % 2 == 0 else 36.9,
                  oxygen="room-air", saturation=97, pressure=85 if number % 5 == 0 else 120)  # fmt: skip
    world.grader.once()
    opened = [one for one in world.alerts.open() if one.patient is not None]
    assert opened == []
    assert [one.kind for one in world.alerts.open()] == ["backlog"]
    clock.advance(timedelta(seconds=6))
    world.alerts.catch_up()
    people[0].graded()
    opened = [one for one in world.alerts.open() if one.patient is not None]
    assert len({one.patient for one in opened}) == len(opened) == 10
    levels = [
        event.body["level"] for event in world.store.events_after(0) if event.kind == "alert-opened" and event.patient
    ]
    assert levels == sorted(levels, reverse=True)
    assert set(levels) == {1, 2}
    assert sum(event.body.get("kind") == "backlog" for event in world.store.events_after(0)) == 1


def test_36_a_replay_message_by_message_is_known_as_a_backlog(world: World, clock: SetClock) -> None:
    """From the five hundredth late value of a minute on; what is of now is never part of it."""
    patient = Patient(world, clock, since_hours=12)
    for minute in range(0, 200, 2):
        patient.round(at=clock.now() - timedelta(hours=7, minutes=-minute), temperature=39.5)
    assert set(world.store.claim_changed(9).values()) == {False}  # the first few hundred were told of
    patient.round(at=clock.now() - timedelta(hours=3), pressure=70)
    assert world.store.claim_changed(9) == {"007": True}
    patient.round()
    assert world.store.claim_changed(9) == {"007": False}


def test_51_a_restart_changes_nothing(patient: Patient) -> None:
    """What is remembered stands in the store: nothing is told twice, nothing is lost."""
    patient.round(temperature=38.4, saturation=86)
    patient.told()
    before = patient.open()
    for _ in range(3):
        patient.world.alerts = Alerts(patient.world)
        patient.later(minutes=1)
    assert patient.told() == []
    assert [one.id for one in patient.open()] == [one.id for one in before]


def test_two_workers_tell_of_a_change_once(patient: Patient) -> None:
    """Both look at the same findings before either has written."""
    look = patient.world.grader.look("007")
    patient.round(temperature=38.4)
    look = patient.world.grader.look("007")
    first, second = Alerts(patient.world), Alerts(patient.world)
    assert [change.what for change in first.consider([look])] == ["opened"]
    assert second.consider([look]) == []


def test_who_has_left_has_no_open_alert(patient: Patient) -> None:
    """Discharged, or merged into another: closed, and said."""
    patient.round(temperature=38.4)
    patient.told()
    patient.discharge()
    Patient(patient.world, patient.clock, "008")
    assert ("left", "first-fever") in patient.kinds()
    assert patient.open() == []


def test_26_a_merged_patient_is_told_of_as_the_one_who_is_kept(patient: Patient) -> None:
    """The finding counts for the person; the alert of the identifier that is gone closes."""
    other = Patient(patient.world, patient.clock, "008")
    other.round(temperature=38.4)
    assert other.kinds() == [("opened", "first-fever")]
    take(patient.world, moves=[Move(kind="merged", patient="008", other="007", at=patient.clock.now(), reason="same")])
    assert ("opened", "first-fever") in patient.kinds()
    assert other.open() == []


def test_39_every_text_is_short_says_what_it_rests_on_and_orders_nothing(patient: Patient, world: World) -> None:
    """Of every kind that these tests can raise; and a body without a basis cannot be made."""
    patient.chart(ferritin=500)
    patient.later(hours=2)
    patient.round(temperature=38.9, pressure=80, saturation=84, ice=3, ferritin=2000)
    patient.told()
    patient.later(hours=14)
    patient.told()
    alerts = [*world.alerts.open(), *world.alerts.closed_lately()]
    assert {one.kind_class for one in alerts} == {"physiological", "technical"}
    for one in alerts:
        for text in (one.text, *(sign.says for sign in one.signs)):
            assert len(text) < TEXT_MOST
            assert not ORDERS.search(text.replace("ICE, or CAPD in a child overdue", "")), text
        assert all(sign.because or sign.missing for sign in one.signs)
        assert all(sign.source for sign in one.signs)
    with pytest.raises(ValueError, match="edition"):
        Body(text="CRS 3", signs=(), edition="x", kind_class="physiological")


def test_nothing_is_written_when_nothing_changes(patient: Patient) -> None:
    """A look each minute that says the same adds no row."""
    patient.round(temperature=38.4)
    patient.told()

    def count() -> int:
        with patient.world.engine.connect() as connection:
            return int(connection.execute(select(func.count()).select_from(tables.alert_events)).scalar_one())

    before = count()
    for _ in range(5):
        patient.later(minutes=2)
    assert count() == before
