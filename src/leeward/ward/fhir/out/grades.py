"""Observation for each grade: the number where it is sure, the range where it is not, and why it is one."""

from __future__ import annotations

from collections.abc import Iterator

from leeward.cohort.answer import Grade
from leeward.scales.older_crs import ASTCT
from leeward.ward.fhir.out.course import (
    ABSENT,
    BOUND,
    CATEGORY,
    GRADE,
    SCALE,
    STANDING,
    Course,
    Resource,
    coded,
    maker,
    title,
)
from leeward.ward.fhir.out.findings import Known


def grades(course: Course) -> Iterator[tuple[str, Grade]]:
    """Every grade of a patient by the scale's own name."""
    answer = course.look.answer
    for syndrome, grade in answer.now.items():
        yield f"{ASTCT}-{syndrome}", grade
    for scale, grade in answer.scales.items():
        yield f"{scale}-crs" if not scale.endswith("-crs") else scale, grade


def observation(course: Course, scale: str, grade: Grade, known: Known) -> Resource:
    """One grade. A range is a Range and two components; what nothing can be graded of says that it is unknown."""
    said: Resource = {
        "resourceType": "Observation", "id": course.id("Observation", scale), "status": "final",
        "category": [coded(CATEGORY, GRADE)], "code": coded(SCALE, scale, title(scale)),
        "subject": course.subject, "effectiveDateTime": course.at, "issued": course.at,
        "device": maker(course.look.answer.edition), "note": [{"text": text} for text in _notes(grade)],
        "component": [_bound("at-least", grade.at_least), _bound("at-most", grade.at_most)],
    }  # fmt: skip
    derived = [{"reference": name} for name in sorted({known.reference(one) or "" for one in grade.because} - {""})]
    return said | _value(grade) | ({"derivedFrom": derived} if derived else {})


def _value(grade: Grade) -> Resource:
    if grade.at_least is None or grade.at_most is None:
        return {"dataAbsentReason": coded(ABSENT, "unknown", "nothing can be graded")}
    if grade.at_least == grade.at_most:
        return {"valueInteger": grade.at_least}
    return {"valueRange": {"low": {"value": grade.at_least}, "high": {"value": grade.at_most}}}


def _bound(name: str, value: int | None) -> Resource:
    """One end of the range."""
    held: Resource = {"dataAbsentReason": coded(ABSENT, "unknown")} if value is None else {"valueInteger": value}
    return {"code": coded(BOUND, name)} | held


def _notes(grade: Grade) -> Iterator[str]:
    if grade.missing:
        yield f"Missing: {', '.join(grade.missing)}."
    if grade.evidence:
        yield f"Known by: {grade.evidence}."
    yield STANDING
