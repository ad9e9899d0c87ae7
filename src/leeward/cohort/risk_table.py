"""Scores beside what came after, as a CSV for `leeward validate`: an outcome only where it is sure."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from leeward.cohort import courses, risk
from leeward.cohort.answer import Answer
from leeward.cohort.engine import Question
from leeward.cohort.risk import Asked
from leeward.record.spool import Record
from leeward.risk.definitions import adapters, rules
from leeward.scales.older_crs import ASTCT

OUTCOMES = tuple(f"{syndrome}_{grade}_or_more" for syndrome in ("crs", "icans") for grade in (2, 3))
"""Columns of outcomes: 1, 0, or empty where the grade is not sure or was reached before the moment of the scores."""


def to_csv(record: Record, question: Question, asked: Asked, file: Path) -> int:
    """Writes the table and returns the number of patients. Raises OSError where it cannot be written."""
    graded = courses.answers(record, question)
    course = next(graded, None)
    scores = [*sorted(rules()), *sorted({one.score for one in asked.coefficients} & set(adapters()))]
    columns = ["patient", "product", "disease", "age", *scores, *OUTCOMES]
    count = 0
    with file.open("w", encoding="utf-8", newline="") as out:
        rows = csv.DictWriter(out, columns)
        rows.writeheader()
        for patient, answer in risk.answers(record, question, asked):
            # Both come in order of the patients' ids, so that neither is held whole.
            while course is not None and course.patient < patient:
                course = next(graded, None)
            mine = course if course is not None and course.patient == patient else None
            rows.writerow(_row(answer, mine, scores))
            count += 1
    return count


def _row(answer: Mapping[str, Any], course: Answer | None, scores: list[str]) -> dict[str, Any]:
    """One patient; a score that is a range or does not apply stands empty."""
    made: dict[str, Any] = {
        "patient": courses.harmless(answer["patient"]),
        "product": answer["infusion"]["product"],
        "disease": answer["disease"],
        "age": answer["age"]["at_least"],
    }
    for name in scores:
        one = answer["scores"][name]
        made[name] = None if one["applies"] is False else one["value"]
    until = answer["window"]["until"]
    moment = datetime.fromisoformat(until) if until else None
    for name in OUTCOMES:
        syndrome, grade = name.split("_")[:2]
        made[name] = _outcome(course, syndrome, int(grade), moment) if course is not None and moment else None
    return made


def _outcome(course: Answer, syndrome: str, grade: int, moment: datetime) -> int | None:
    """Whether so severe a grade was reached after the moment: only where it is sure either way."""
    changes = [one for one in course.course if one.syndrome == syndrome and one.scale == ASTCT]
    sure = [one.at for one in changes if one.at_least >= grade]
    if sure:
        return 1 if min(sure) > moment else None
    after = [one.at_most for one in changes]
    return 0 if after and max(after) < grade else _by_peaks(course, syndrome, grade)


def _by_peaks(course: Answer, syndrome: str, grade: int) -> int | None:
    """By the peaks of charted episodes, where the course between charts is open."""
    peaks = [one.peak.at_most for one in course.episodes if one.syndrome == syndrome and one.scale == ASTCT]
    return 0 if peaks and max(peaks) < grade else None
