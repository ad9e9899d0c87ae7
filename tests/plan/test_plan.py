"""What a plan says of a patient, from the record on: doses, what blocks them, ranges, what comes next."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from tests.plan.bedside import ADULT, FEVER, HYPOTENSION, NORMAL, Charted, of, planned, write

import leeward
from leeward.knowledge.guidelines import guidelines
from leeward.record.errors import BadSetting

ASCO = "asco-2021"


def test_dose_with_its_arithmetic(tmp_path: Path) -> None:
    """Grade 2 in an adult of 70 kg: ASCO 2021's tocilizumab, what remains, and how it was worked out."""
    dose = of(planned(tmp_path, *ADULT, *HYPOTENSION), ASCO, "tocilizumab")[0]
    assert (dose.dose, dose.unit, dose.route, dose.interval_hours) == (560.0, "mg", "intravenous", 8.0)
    assert (dose.blocked, dose.remaining_doses, dose.needs) == (None, 4, [])
    assert dose.arithmetic is not None
    assert "8 mg/kg x 70 kg = 560 mg" in dose.arithmetic


@pytest.mark.parametrize("missing", ["body-weight", "age-years"])
def test_no_weight_or_age_no_dose(tmp_path: Path, missing: str) -> None:
    """Without weight or age no source's dose is worked out, and the answer names what is missing."""
    plan = planned(tmp_path, *(one for one in ADULT if one[1] != missing), *HYPOTENSION)
    doses = [one for one in plan.suggestions if one.blocked is not None]
    assert all(one.dose is None for one in plan.suggestions)
    assert doses
    assert all({"body-weight": "weight", "age-years": "age"}[missing] in str(one.blocked) for one in doses)


def test_interval_holds_back(tmp_path: Path) -> None:
    """Seven hours after tocilizumab the next is held back, with when it no longer is; after eight hours it is not."""
    early: tuple[Charted, ...] = (*ADULT, *HYPOTENSION, (37, "tocilizumab", 560), (44, "systolic-bp", 84))
    held = of(planned(tmp_path, *early, (44, "oxygen-device", "room-air")), ASCO, "tocilizumab")
    assert [one.blocked is not None and "at least 8 h apart" in one.blocked for one in held] == [True]
    assert held[0].earliest is not None
    assert held[0].earliest.isoformat() == "2024-01-12T07:00:00+00:00"
    later = (*early, (45, "systolic-bp", 84), (45, "oxygen-device", "room-air"))
    assert [one.blocked for one in of(planned(tmp_path, *later), ASCO, "tocilizumab")] == [None]


def test_cap_of_the_day_and_of_the_episode(tmp_path: Path) -> None:
    """Three doses in 24 h, and four in the episode, hold back the next by ASCO 2021."""
    signs: tuple[Charted, ...] = tuple((hour, "systolic-bp", 84) for hour in (40, 44, 48, 52, 56, 60, 64, 68, 72, 76))
    three = (*ADULT, *HYPOTENSION, *signs[:5], *((hour, "tocilizumab", 560) for hour in (37, 45, 53)))
    told = of(planned(tmp_path, *three), ASCO)
    assert not [one for one in told if one.drug == "tocilizumab" and one.dose is not None and one.blocked is None]
    four = (*ADULT, *HYPOTENSION, *signs, *((hour, "tocilizumab", 560) for hour in (37, 45, 53, 62)))
    told = of(planned(tmp_path, *four), ASCO)
    assert not [one for one in told if one.drug == "tocilizumab" and one.dose is not None and one.blocked is None]


def test_a_range_of_grades_gives_both_ends(tmp_path: Path) -> None:
    """With no oxygen charted the grade is 1 to 4: what holds at each end is said, and which end it is."""
    plan = planned(tmp_path, *ADULT, (30, "body-temperature", 38.6), (30, "systolic-bp", 118), (30, "ice-score", 10))
    told = {tuple(one.ends): one for one in of(plan, ASCO)}
    assert [(one.at_least, one.at_most) for one in plan.crs if one.scale == "astct-2019"] == [(1, 4)]
    assert {("mildest",), ("worst",), ("mildest", "worst")} <= set(told)


def test_a_grade_of_one_scale_drives_no_other_table(tmp_path: Path) -> None:
    """What a source says for a grade is said for a grade of its own scale, never for ASTCT's in its place."""
    plan = planned(tmp_path, *ADULT, *HYPOTENSION)
    scales = {one.id: one.scale for one in guidelines()}
    ranges = {one.scale: (one.at_least, one.at_most) for one in plan.crs}
    graded = [one for one in plan.suggestions if one.grade is not None]
    assert all(one.scale == scales[one.source_id] for one in graded)
    assert all(ranges[one.scale or ""][0] <= (one.grade or 0) <= ranges[one.scale or ""][1] for one in graded)
    assert {"astct-2019", "cartox-2018"} <= {one.scale for one in graded}


def test_what_is_recalled_stands_apart_and_without_a_dose(tmp_path: Path) -> None:
    """What is only recalled of a source is no suggestion, and no dose is worked out from it."""
    plan = planned(tmp_path, *ADULT, *HYPOTENSION)
    assert plan.recalled
    assert all(one.evidence == "recalled" and one.dose is None for one in plan.recalled)
    assert all(one.evidence != "recalled" for one in plan.suggestions)


def test_what_comes_next(tmp_path: Path) -> None:
    """A grade 2 unchanged for 19 h after tocilizumab: in 5 h a source has it managed as grade 3."""
    signs: tuple[Charted, ...] = tuple((hour, "systolic-bp", 84) for hour in (40, 44, 48, 52, 56))
    plan = planned(tmp_path, *ADULT, *HYPOTENSION, (37, "tocilizumab", 560), *signs,
                   (56, "oxygen-device", "room-air"))  # fmt: skip
    told = {(one.source_id, one.in_hours) for one in plan.later}
    assert ("eho-2020", 5.0) in told


def test_managed_as_the_next_grade(tmp_path: Path) -> None:
    """Once that source has it managed as grade 3, what it says of grade 3 is said, marked so."""
    signs: tuple[Charted, ...] = tuple((hour, "systolic-bp", 84) for hour in (40, 44, 48, 52, 56, 60, 62))
    plan = planned(tmp_path, *ADULT, *HYPOTENSION, (37, "tocilizumab", 560), *signs,
                   (62, "oxygen-device", "room-air"))  # fmt: skip
    told = [one for one in of(plan, "uf-health-2026") if one.as_grade == 3]
    assert "escalate" in {one.kind for one in told}
    assert "care" in {one.kind for one in told}


def test_disagreements_are_never_hidden(tmp_path: Path) -> None:
    """At grade 2 the question of the first drug is told with every side, recalled ones marked."""
    plan = planned(tmp_path, *ADULT, *HYPOTENSION)
    first = next(one for one in plan.disagreements if one.id == "d03")
    assert len(first.sides) >= 3
    assert "recalled" in {side.evidence for side in first.sides}


def test_nccn_is_named_and_not_repeated(tmp_path: Path) -> None:
    """NCCN is somewhere to look, with no dose, drug or grade action of its own."""
    told = of(planned(tmp_path, *ADULT, *HYPOTENSION), "nccn")
    assert [(one.kind, one.drug) for one in told] == [("consult", None)]


def test_own_protocol_comes_first(tmp_path: Path) -> None:
    """A centre's own protocol is read before all sources, with its own limits."""
    own = Path(leeward.__file__).parent / "samples" / "protocol-example.toml"
    course = leeward.grade(write(tmp_path, *ADULT, *HYPOTENSION, (37, "tocilizumab", 560)))[0]
    plan = leeward.plan(course, protocol=own)
    assert plan.suggestions[0].source == "Example protocol"
    dose = of(plan, "protocol-example", "tocilizumab")[0]
    assert dose.remaining_doses == 2


def test_a_child_by_weight(tmp_path: Path) -> None:
    """A child of 18 kg: 12 mg/kg; and no source's adult dose without an age."""
    child: tuple[Charted, ...] = ((-24, "body-weight", 18), (-24, "age-years", 6))
    dose = of(planned(tmp_path, *child, *HYPOTENSION[1:], (30, "body-temperature", 38.6)), ASCO, "tocilizumab")
    assert [one.dose for one in dose if one.blocked is None] == [216.0]


def test_nobody_without_a_therapy(tmp_path: Path) -> None:
    """Without a therapy on record nothing is graded, and the plan says so and nothing else."""
    path = write(tmp_path, *ADULT, *FEVER)
    path.write_text("\n".join(line for line in path.read_text().splitlines() if "trigger" not in line) + "\n")
    plan = leeward.plan(leeward.grade(path)[0])
    assert (plan.suggestions, plan.as_of) == ([], None)
    assert plan.not_graded is not None


def test_a_course_from_elsewhere_is_refused(tmp_path: Path) -> None:
    """A course that was not graded here has no record to plan from, and that is said."""
    answer = leeward.grade(write(tmp_path, *ADULT, *FEVER))[0]
    copied = msgspec.convert(msgspec.to_builtins(answer), type(answer))
    with pytest.raises(BadSetting, match=r"leeward\.grade"):
        leeward.plan(copied)


def test_without_crs_no_drug(tmp_path: Path) -> None:
    """No fever, no sign: at best there is no CRS on any scale, and no source gives a drug for it."""
    plan = planned(tmp_path, *ADULT, (30, "body-temperature", 36.8), *NORMAL)
    told = [one for one in plan.suggestions if one.dose is not None and not one.needs and "mildest" in one.ends]
    assert told == []


def test_iec_hs_from_the_record(tmp_path: Path) -> None:
    """Ferritin above 10,000 with two toxic organs counted after CRS: IEC-HS is suspected for certain, not perhaps."""
    labs: tuple[Charted, ...] = ((37, "ferritin", 10001), (37, "organ-toxicities", 2))
    told = {one.row: one.needs for one in planned(tmp_path, *ADULT, *HYPOTENSION, *labs).suggestions}
    assert told["spanish-unit/iec-hs"] == []
    one_organ: tuple[Charted, ...] = ((37, "ferritin", 10001), (37, "organ-toxicities", 1))
    told = {one.row: one.needs for one in planned(tmp_path, *ADULT, *HYPOTENSION, *one_organ).suggestions}
    assert "spanish-unit/iec-hs" not in told


def test_no_dose_before_a_judgement(tmp_path: Path) -> None:
    """A dose for HLH waits until a clinician has charted the grade of IEC-HS; then it is worked out."""
    waiting = [one for one in of(planned(tmp_path, *ADULT, *HYPOTENSION), "hlh-doses") if one.unit is not None]
    assert waiting
    assert all(one.dose is None and "before it is known" in str(one.blocked) for one in waiting)
    plan = planned(tmp_path, *ADULT, *HYPOTENSION, (37, "iec-hs-grade", 2))
    assert [one.needs for one in of(plan, "hlh-doses", "anakinra")] == [[]]
    assert of(plan, "hlh-doses", "anakinra")[0].dose is not None
