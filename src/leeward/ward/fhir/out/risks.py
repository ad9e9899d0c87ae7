"""RiskAssessment for each score at the bedside: its range, what is missing, its own probability where it has one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from leeward.report.words import listed, quantity, words
from leeward.ward.fhir.out.course import SCORE, STANDING, Course, Resource, coded, maker, title

_PER_CENT = {"system": "http://unitsofmeasure.org", "code": "%", "unit": "%"}


def scores(course: Course) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every score of a patient by name."""
    yield from course.look.answer.scores.items()


def assessment(course: Course, name: str, score: Mapping[str, Any]) -> Resource:
    """One score."""
    lacks = [quantity(name).name for name in score.get("missing") or ()]
    notes = [f"Missing, and never taken as normal: {listed(lacks)}."] if lacks else []
    notes += [f"Known by: {words().evidence[score['evidence']]}."] if score.get("evidence") else []
    return {
        "resourceType": "RiskAssessment", "id": course.id("RiskAssessment", name), "status": "final",
        "method": coded(SCORE, name, title(name)), "code": coded(SCORE, name, title(name)),
        "subject": course.subject, "occurrenceDateTime": course.at, "performer": maker(course.look.answer.edition),
        "prediction": [_prediction(score)], "note": [{"text": text} for text in [*notes, STANDING]],
    }  # fmt: skip


def spelt_range(low: float | None, high: float | None) -> str:
    """A score as a number, a range, or open to one side."""
    if low is None or high is None:
        sides = [f"at least {low:g}" if low is not None else "", f"at most {high:g}" if high is not None else ""]
        return next(filter(None, sides), "cannot be told")
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"


def _prediction(score: Mapping[str, Any]) -> Resource:
    """What it says: the score in words, and its own probability as a range."""
    made: Resource = {"qualitativeRisk": {"text": spelt_range(score.get("at_least"), score.get("at_most"))}}
    parts = {name: held for name, held in score.items() if isinstance(held, dict) and "at_least" in held}
    probability = parts.pop("probability", None)
    if probability and None not in (probability["at_least"], probability["at_most"]):
        ends = (("low", probability["at_least"]), ("high", probability["at_most"]))
        made["probabilityRange"] = {end: {"value": round(value * 100, 4), **_PER_CENT} for end, value in ends}
    if parts:
        said = (f"{name}: {spelt_range(held['at_least'], held['at_most'])}" for name, held in parts.items())
        made["rationale"] = "; ".join(said)
    return made
