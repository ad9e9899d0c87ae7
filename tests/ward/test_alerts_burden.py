"""Row 38: how often somebody is told, and how often rightly, in replays; held to a baseline that is signed for."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from .replays import Replayed, generated, replayed, samples

BASELINE = Path(__file__).with_name("alerts_baseline.toml")
PATIENTS, DAYS = 4, 8
"""Of the virtual ward: as many as a night has time for."""


class Signed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who accepted the numbers, when and why."""

    who: str
    on: str
    why: str


class Numbers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one cohort may not exceed, and below what it may not fall. under_way: alerts within a course, if known."""

    physiological: int
    technical: int
    borne_out: int
    patient_days: float
    under_way: int = 0


class Baseline(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The numbers of both cohorts. largest_delay_hours: from the start of a hidden course to its first alert."""

    samples: Numbers
    virtual: Numbers
    largest_delay_hours: float
    signed: list[Signed]


def baseline() -> Baseline:
    """As it stands."""
    return msgspec.toml.decode(BASELINE.read_bytes(), type=Baseline)


def held(made: Replayed, most: Numbers) -> None:
    """No more alerts a day than were signed for, of either class, and no smaller share of them borne out."""
    right = sum(one.risen or one.treated for one in made.worth)
    said = f"{len(made.worth)} of the patient, {made.technical} technical, {right} borne out in {made.days:.2f} days"
    slack = 1e-9
    assert len(made.worth) / made.days <= most.physiological / most.patient_days + slack, said
    assert made.technical / made.days <= most.technical / most.patient_days + slack, said
    assert right / len(made.worth) >= most.borne_out / most.physiological - slack, said
    under_way = sum(one.ill is True for one in made.worth)
    assert under_way / len(made.worth) >= most.under_way / most.physiological - slack, f"{said}; {under_way} under way"


@pytest.mark.slow
def test_38_nobody_is_told_more_often_or_less_rightly_than_was_signed_for(tmp_path: Path) -> None:
    """The published patients: alerts per patient-day by class, and the share of them that was borne out in a day."""
    courses = list(samples())
    made = replayed(courses, tmp_path)
    held(made, baseline().samples)
    assert len(made.worth) >= len(courses) / 2, "an alert that never comes is no better"


@pytest.mark.slow
def test_38_alerts_of_a_virtual_ward_fall_into_courses_that_are_under_way(tmp_path: Path) -> None:
    """Where it is known who is ill and since when: also that each of them is told of, and how soon."""
    pytest.importorskip("bench.ward", reason="the bench is not beside the tests")
    made = replayed(generated(PATIENTS, DAYS), tmp_path)
    held(made, baseline().virtual)
    assert None not in made.began, "a course under way that nobody was told of"
    assert max(hours for hours in made.began if hours is not None) <= baseline().largest_delay_hours + 1e-9


def test_38_a_worse_replay_is_noticed() -> None:
    """One alert more, or one fewer borne out, than was signed for."""
    from .replays import Worth

    right, wrong = (Worth(kind="rising-grade", risen=held_, treated=False, ill=None) for held_ in (True, False))
    most = Numbers(physiological=2, technical=3, borne_out=1, patient_days=2.0)
    held(Replayed(days=2.0, technical=3, worth=[right, wrong]), most)
    for days, technical, worth in ((1.9, 3, [right, wrong]), (2.0, 4, [right, wrong]), (2.0, 3, [wrong, wrong])):
        with pytest.raises(AssertionError, match="borne out in"):
            held(Replayed(days=days, technical=technical, worth=worth), most)
