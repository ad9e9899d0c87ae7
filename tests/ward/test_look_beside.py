"""What a page shows beside the grade comes of the warm bedside, and is what a whole run over the record says."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from importlib import resources
from pathlib import Path

import pytest

from leeward.cohort.agreement import comparison
from leeward.cohort.courses import graded
from leeward.cohort.engine import Question
from leeward.record.read import Record, read
from leeward.report.beside import beside
from leeward.scales.older_crs import SCALES
from leeward.ward.look import Looker

SAMPLES = sorted(Path(str(resources.files("leeward.samples"))).glob("*.csv"))
SOME = [file if place % 4 == 0 else pytest.param(file, marks=pytest.mark.slow) for place, file in enumerate(SAMPLES)]
AT = datetime(2031, 1, 1, tzinfo=UTC)
"""After everything in the samples."""


@cache
def looker() -> Looker:
    """One for all samples."""
    return Looker()


def patient_of(record: Record) -> str:
    """Whose record it is."""
    name = record.findings["patient"][0].as_py()
    assert isinstance(name, str)
    return name


@pytest.mark.parametrize("file", SOME, ids=lambda file: file.stem)
def test_why_scales_differ_is_the_same_warm_and_in_a_whole_run(file: Path) -> None:
    """Course, differences and rules of every sample patient, on every scale."""
    record = read(file)
    patient, question = patient_of(record), Question(as_of=AT, scales=SCALES)
    con = graded(record, question, reasons=False)
    assert looker().compared(record, patient, AT) == comparison(con, patient)


@pytest.mark.parametrize("file", SOME, ids=lambda file: file.stem)
def test_the_parts_of_a_grade_are_the_same_warm_and_in_a_whole_run(file: Path) -> None:
    """Fever, pressure and oxygen; the domains of ICANS; at a moment when they still count."""
    record = read(file)
    last = max(record.findings["measured_at"].to_pylist())
    made = looker().one(record, patient_of(record), last).parts
    assert made == beside(record, Question(as_of=last))[patient_of(record)].parts
    assert {part.name for part in made if part.syndrome == "crs"} in ({"fever", "pressure", "oxygen"}, set())


def test_some_samples_differ() -> None:
    """Else the first test would compare nothing."""
    found = [looker().compared(record, patient_of(record), AT).differences for record in map(read, SAMPLES)]
    assert sum(1 for one in found if one) >= 5
