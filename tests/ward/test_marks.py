"""Row 35 for a clinician's mark of another cause: it takes a sign out of the grade, and never hides that it rose."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from leeward.ward.clock import SetClock
from leeward.ward.marks import standing_marks
from leeward.ward.world import World

from .bedside import Patient
from .taken import said, take


@pytest.fixture
def patient(world: World, clock: SetClock) -> Patient:
    """Fever and a pressure of 80, told as grade 2."""
    made = Patient(world, clock)
    made.round(temperature=38.5, pressure=80, ice=10, consciousness="awake")
    assert [kind for _, kind in made.kinds()] == ["rising-grade"]
    made.later(minutes=1)
    return made


def mark(patient: Patient, sign: str, hours: float | None = 6, at: datetime | None = None) -> None:
    """A clinician says that a sign has another cause."""
    at = at or patient.clock.now()
    end = {} if hours is None else {"end": (at + timedelta(hours=hours)).isoformat()}
    take(patient.world, said(patient.name, "attribution", at, f"{sign}=anaesthesia (Dr A)", record=f"mark {sign}",
                             version="1", status="final", **end))  # fmt: skip
    patient.later(minutes=1)


def least(patient: Patient) -> int | None:
    """The grade of CRS that is sure now."""
    return patient.world.grader.look(patient.name).answer.now["crs"].at_least


def test_35_a_mark_hides_neither_a_worse_value_nor_a_first_vasopressor(patient: Patient) -> None:
    """Pressure 80, marked; then 60 and noradrenaline at once: one alert, which says that a mark stands."""
    mark(patient, "hypotension")
    assert least(patient) == 1
    assert patient.kinds() == []  # whoever marked it knew of the 80
    patient.clock.advance(timedelta(minutes=20))
    patient.chart(pressure=60)
    take(patient.world, said(patient.name, "norepinephrine", patient.clock.now(), 20, "ug/min"))
    told = [(kind, text) for what, kind, text in patient.told() if what == "opened"]
    assert [kind for kind, _ in told] == ["marked-rise"]
    assert told[0][1].startswith(
        "CRS would be 2 → 3 while low pressure is marked as of another cause: noradrenaline 20"
    )
    assert "anaesthesia" not in told[0][1]  # what somebody wrote freely leaves no ward
    assert least(patient) == 1


@pytest.mark.parametrize(("pressure", "told"), [(80, 0), (76, 0), (75, 1), (60, 1), (88, 0)])
def test_35_a_worse_value_alone_is_told_once(patient: Patient, pressure: int, told: int) -> None:
    """From the difference in knowledge/ward.toml on; the same again is nothing new, and so much lower again is."""
    mark(patient, "hypotension")
    patient.told()
    for _ in range(2):
        patient.clock.advance(timedelta(minutes=5))
        patient.chart(pressure=pressure)
    assert [kind for what, kind in patient.kinds() if what == "opened"] == ["marked-rise"] * told
    patient.clock.advance(timedelta(minutes=5))
    patient.chart(pressure=pressure - 20)
    assert [kind for what, kind in patient.kinds() if what == "opened"] == ["marked-rise"]


def test_35_a_rise_hidden_by_another_part_is_told(patient: Patient) -> None:
    """High flow makes it grade 3 already; the vasopressor under the mark is told all the same."""
    patient.chart(oxygen="high-flow-nasal-cannula", flow=40)
    patient.told()
    mark(patient, "hypotension")
    assert least(patient) == 3
    take(patient.world, said(patient.name, "norepinephrine", patient.clock.now(), 20, "ug/min"))
    told = [text for what, kind, text in patient.told() if (what, kind) == ("opened", "marked-rise")]
    assert len(told) == 1
    assert told[0].startswith("Low pressure grew worse while marked as of another cause: noradrenaline 20")


@pytest.mark.parametrize(
    ("sign", "worse"),
    [("fever", {"temperature": 39.6}), ("hypoxia", {"oxygen": "nasal-cannula", "flow": 2}),
     ("hypoxia", {"saturation": 93}), ("neurological", {"ice": 8}), ("neurological", {"consciousness": "unarousable"})],
)  # fmt: skip
def test_35_every_sign_that_can_be_marked(patient: Patient, sign: str, worse: dict[str, float | str]) -> None:
    """Fever, oxygen, saturation, ICE and consciousness."""
    mark(patient, sign)
    patient.told()
    patient.clock.advance(timedelta(minutes=5))
    patient.chart(**worse)  # type: ignore[arg-type]
    told = [text for what, kind, text in patient.told() if (what, kind) == ("opened", "marked-rise")]
    assert len(told) == 1
    assert "marked as of another cause" in told[0]


def test_35_a_mark_of_fever_hides_no_pressure(patient: Patient, world: World, clock: SetClock) -> None:
    """Without fever there is no CRS at all; what the pressure would make of it is told."""
    other = Patient(world, clock, "008")
    other.round(temperature=38.5)
    other.later(minutes=1)
    mark(other, "fever")
    other.told()
    clock.advance(timedelta(minutes=5))
    other.chart(pressure=70)
    assert [kind for what, kind in other.kinds() if what == "opened"] == ["marked-rise"]


def test_35_a_late_value_that_the_mark_did_not_know_is_told(patient: Patient) -> None:
    """Measured before the mark was made, and received after it."""
    measured = patient.clock.now()
    patient.clock.advance(timedelta(minutes=5))
    mark(patient, "hypotension")
    patient.told()
    patient.chart(at=measured, pressure=60)
    assert [kind for what, kind in patient.kinds() if what == "opened"] == ["marked-rise"]


def test_35_a_mark_ends_by_itself_and_what_it_hid_is_told(patient: Patient) -> None:
    """Its end may lie ahead; when it has come, the sign counts again."""
    mark(patient, "hypotension", hours=2)
    assert standing_marks(patient.world.store.findings_of(patient.name), patient.clock.now())
    patient.later(hours=1, minutes=50)
    patient.round(temperature=38.5, pressure=80)
    patient.told()
    patient.later(minutes=15)
    assert not standing_marks(patient.world.store.findings_of(patient.name), patient.clock.now())
    assert least(patient) == 2
    assert "rising-grade" in [kind for what, kind in patient.kinds() if what == "opened"]


def test_a_mark_brought_in_by_a_file_keeps_its_own_end(patient: Patient) -> None:
    """An open one stands open."""
    mark(patient, "hypotension", hours=None)
    found = standing_marks(patient.world.store.findings_of(patient.name), patient.clock.now())
    assert [(one.sign, one.until) for one in found] == [("hypotension", None)]
