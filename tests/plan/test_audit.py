"""Looking back: which steps a source asked for when a grade was first reached, and what became of each."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from tests.plan.bedside import ADULT, FEVER, GIVEN, HYPOTENSION, Charted, write

from leeward.api import question
from leeward.cohort import audit
from leeward.plan.audit import Step, Summary, verdict
from leeward.record.errors import BadSetting
from leeward.record.read import read

TOCILIZUMAB: Charted = (37, "tocilizumab", 560)


def looked_back(folder: Path, source: str = "asco-2021", within: float | None = None) -> list[Step]:
    """Every step that was due in a folder's patients."""
    record = read(folder)
    return list(audit.steps(record, question(record), audit.source(source), within_hours=within))


def of(steps: list[Step], quantity: str, grade: int) -> list[tuple[str, float | None]]:
    """Verdict and hours of the steps of one quantity at one grade."""
    return [(step.verdict, step.hours) for step in steps if step.quantity == quantity and step.grade == grade]


def test_taken_and_how_late(tmp_path: Path) -> None:
    """Tocilizumab an hour after grade 2: taken; late where half an hour is asked for, not where the hour itself is."""
    write(tmp_path, *ADULT, *HYPOTENSION, TOCILIZUMAB)
    assert of(looked_back(tmp_path), "tocilizumab", 2) == [("taken", 1.0)]
    assert of(looked_back(tmp_path, within=0.5), "tocilizumab", 2) == [("late", 1.0)]
    assert of(looked_back(tmp_path, within=1.0), "tocilizumab", 2) == [("taken", 1.0)]


def test_not_on_record_is_its_own_answer(tmp_path: Path) -> None:
    """A step that nothing shows is not on record, and has no hours."""
    write(tmp_path, *ADULT, *HYPOTENSION)
    assert of(looked_back(tmp_path, within=1.0), "tocilizumab", 2) == [("not on record", None)]


def test_before_the_grade(tmp_path: Path) -> None:
    """Cultures minutes before the charted fever belong to it; those of two days before do not."""
    write(tmp_path, *ADULT, *FEVER, (29.9, "blood-culture", "pending"))
    assert of(looked_back(tmp_path), "blood-culture", 1) == [("given before", None)]
    write(tmp_path, *ADULT, *FEVER, (-20, "blood-culture", "negative"))
    assert of(looked_back(tmp_path), "blood-culture", 1) == [("not on record", None)]


def test_known_by_its_day(tmp_path: Path) -> None:
    """A dose of which only the day is known was taken, at an hour that nobody knows: neither late nor in time."""
    path = write(tmp_path, *ADULT, *HYPOTENSION)
    day = f"{GIVEN.year}-01-12"
    path.write_text(path.read_text() + f"A,{day}T00:00:00+00:00,{day}T23:59:59+00:00,tocilizumab,560,mg,\n")
    assert of(looked_back(tmp_path, within=1.0), "tocilizumab", 2) == [("taken at an hour not known", None)]


def test_a_grade_that_is_not_sure_asks_for_nothing(tmp_path: Path) -> None:
    """With no pressure or oxygen charted the grade is 1 to 4: only what grade 1 asks for was surely due."""
    write(tmp_path, *ADULT, (30, "body-temperature", 38.6))
    assert {step.grade for step in looked_back(tmp_path)} == {1}


def test_ventilation_is_not_any_oxygen(tmp_path: Path) -> None:
    """Room air does not show that somebody was ventilated."""
    severe: tuple[Charted, ...] = (*ADULT, *HYPOTENSION, (38, "oxygen-device", "room-air"), (38, "systolic-bp", 70))
    path = write(tmp_path, *severe)
    lines = [f"A,2024-01-12T00:00:00+00:00,2024-01-12T02:00:00+00:00,{drug},5,ug/min," for drug in
             ("norepinephrine", "epinephrine")]  # fmt: skip
    path.write_text(path.read_text() + "\n".join(lines) + "\n")
    assert ("not on record", None) in of(looked_back(tmp_path), "oxygen-device", 4)
    assert "taken" not in {said for said, _ in of(looked_back(tmp_path), "oxygen-device", 4)}


def test_some_patients_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Holding the rules of one patient at a time changes no answer and no order."""
    for name in ("C", "A", "B"):
        write(tmp_path, *ADULT, *HYPOTENSION, TOCILIZUMAB, patient=name)
    together = looked_back(tmp_path)
    monkeypatch.setattr(audit, "_PARTS", audit._PARTS.replace(str(audit.PATIENTS_AT_ONCE), "1"))
    assert looked_back(tmp_path) == together
    assert [step.patient for step in together] == sorted(step.patient for step in together)
    assert {step.patient for step in together} == {"A", "B", "C"}


def test_the_cohort(tmp_path: Path) -> None:
    """Two patients at grade 2, one treated after an hour: due in two, taken in one, not on record in one."""
    write(tmp_path, *ADULT, *HYPOTENSION, TOCILIZUMAB, patient="A")
    write(tmp_path, *ADULT, *HYPOTENSION, patient="B")
    lines: list[Summary] = [
        one for one in audit.summary(looked_back(tmp_path)) if (one.quantity, one.grade) == ("tocilizumab", 2)
    ]
    assert [(one.due, one.taken, one.late, one.not_on_record, one.median_hours) for one in lines] == [(2, 1, 0, 1, 1.0)]


def test_an_object_per_patient(tmp_path: Path) -> None:
    """As JSON: a line per patient with their steps, or the cohort's figures."""
    write(tmp_path, *ADULT, *FEVER)
    steps, source = looked_back(tmp_path), audit.source("asco-2021")
    [line] = [msgspec.json.decode(line) for line in audit.lines(steps, source)]
    assert (line["patient"], line["source_id"], len(line["steps"])) == ("A", "asco-2021", len(steps))
    assert len(list(audit.lines(steps, source, cohort=True))) == len(audit.summary(steps))


def test_unknown_source() -> None:
    """A source that nobody knows is refused with those there are."""
    with pytest.raises(BadSetting, match="asco-2021"):
        audit.source("asco-1999")


@pytest.mark.parametrize(
    ("hours", "day", "before", "within", "said"),
    [
        (0.0, False, False, 0.0, "taken"),
        (4.0, False, True, 4.0, "taken"),
        (4.001, False, True, 4.0, "late"),
        (99.0, False, False, None, "taken"),
        (None, True, True, 4.0, "taken at an hour not known"),
        (None, False, True, 4.0, "given before"),
        (None, False, False, 4.0, "not on record"),
    ],
)
def test_verdicts(hours: float | None, day: bool, before: bool, within: float | None, said: str) -> None:
    """At the limit a step is in time; what took no hours is one of three answers."""
    assert verdict(hours, day=day, before=before, within_hours=within) == said
