"""RiskAssessment for each published risk score before a therapy and early after it, as `leeward risk` says it.

A score is said where it was made for the moment, or may have been, and the record holds something that it is made of.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from leeward.cohort.answer import Because
from leeward.cohort.engine import Question
from leeward.cohort.risk import Asked, answers
from leeward.report.words import between, listed, measure, quantity, unit, words
from leeward.risk.definitions import Moment, moments
from leeward.ward.fhir.out.course import SCORE, STANDING, Course, Resource, coded, maker, rests_on
from leeward.ward.fhir.out.risks import spelt_range

if TYPE_CHECKING:
    from leeward.ward.world import World

Score = Mapping[str, Any]


def risks(world: World, course: Course) -> Iterator[tuple[str, Resource, list[Because]]]:
    """Each score of a patient by name and moment, with the findings that it is made of."""
    record = world.store.known([course.look.patient], known_at=course.look.at)
    for moment in moments().values():
        if not _has_begun(course, moment):
            continue
        for _, said in answers(record, Question(as_of=course.look.at), Asked(at=moment.id)):
            for name, score in sorted(said["scores"].items()):
                if score["applies"] is not False and score["inputs"]:
                    because = list(_because(score, course.look.findings))
                    yield f"{name}@{moment.id}", _assessment(course, name, moment, score, because), because


def _has_begun(course: Course, moment: Moment) -> bool:
    """Whether the window of a moment has begun; before a therapy is given, those that lie before it."""
    given = max((one.at for one in course.look.answer.triggers), default=None)
    opens = timedelta(hours=moment.until_hours - moment.reach_hours)
    return moment.until_hours < 0 if given is None else given + opens <= course.look.at


def _because(score: Score, findings: pa.Table) -> Iterator[Because]:
    """The findings that a score is made of; one that came by FHIR by the resource that it came from."""
    for one in score["inputs"]:
        if one["quantity"] is None or one["at"] is None:
            continue
        at = datetime.fromisoformat(one["at"])
        value = one.get("word") or (one["at_least"] if one["at_least"] == one["at_most"] else None)
        yield Because(quantity=one["quantity"], value=value, unit=one["unit"], at=at,
                      place=_place(findings, one["quantity"], at))  # fmt: skip


def _place(findings: pa.Table, name: str, at: datetime) -> str | None:
    """Where the record has a finding; None where several say it."""
    rows = findings.select(["quantity", "measured_at", "place"]).to_pylist()
    found = {row["place"] for row in rows if (row["quantity"], row["measured_at"]) == (name, at)}
    return found.pop() if len(found) == 1 else None


def _assessment(course: Course, name: str, moment: Moment, score: Score, because: list[Because]) -> Resource:
    """One score at one moment."""
    code = coded(SCORE, name, f"{score['title']}, {moment.title}")
    made: Resource = {
        "resourceType": "RiskAssessment", "id": course.id("RiskAssessment", f"{name}@{moment.id}"),
        "status": "final" if not score["missing"] else "preliminary", "method": code, "code": code,
        "subject": course.subject, "occurrenceDateTime": course.at, "performer": maker(course.look.answer.edition),
        "basis": [rests_on(one) for one in because],
        "prediction": [{
            "outcome": {"text": score["outcome"]},
            "qualitativeRisk": {"text": spelt_range(score["at_least"], score["at_most"])},
            "rationale": "; ".join([score["formula"], *_cuts(score)]),
        }],
        "note": [{"text": text} for text in (*_notes(score), STANDING)],
    }  # fmt: skip
    return made if because else {key: held for key, held in made.items() if key != "basis"}


def _cuts(score: Score) -> Iterator[str]:
    """Each published cut, and whether it is passed."""
    for one in score.get("cuts", ()):
        met = {(1, 1): "yes", (0, 0): "no"}.get((one["met"]["at_least"], one["met"]["at_most"]), "cannot be told")
        yield f"above {one['above']:g}: {met} ({one['says']})"


def _notes(score: Score) -> Iterator[str]:
    """What is missing, whether it fits, who says it, how it fared elsewhere."""
    if score["missing"]:
        yield f"Missing, and never taken as normal: {listed([quantity(name).name for name in score['missing']])}."
    yield f"Made of: {listed([_value(one) for one in score['inputs']])}."
    if score["why"]:
        yield f"Whether it was made for this patient cannot be told: {'; '.join(score['why'])}."
    yield f"Made in: {score['population']}."
    yield f"Source: {score['citation']}. Known by: {words().evidence[score['evidence']]}."
    for one in score["performance"]:
        said = f"{one['metric']} {one['value']:g}" if one.get("value") is not None else one["metric"]
        yield f"Published: {said}, {one['about']} ({one['cite']}; {words().evidence[one['evidence']]})."
    yield from score["notes"]


def _value(one: Mapping[str, Any]) -> str:
    """A value that a score was made of."""
    name = one["quantity"] or one["input"]
    figure = one.get("word") or between(name, one["at_least"], one["at_most"])
    return f"{quantity(name).name} {measure(figure, unit(one['unit']))}".strip()
