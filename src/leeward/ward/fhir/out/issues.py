"""DetectedIssue: signs that no grade shows, doses that something holds back, what was refused and grades nothing."""

from __future__ import annotations

from collections.abc import Iterator

from leeward.plan.suggestions import Suggestion
from leeward.ward.fhir.out.course import ISSUE, STANDING, Course, Resource, coded, maker

WITH_PLAN = True


def issues(course: Course) -> Iterator[tuple[str, Resource]]:
    """Every issue of a patient by name; those of doses only where the plan was looked at."""
    look = course.look
    for alarm in look.lookalikes.get("alarms", ()):
        name = f"sign-{alarm['id']}"
        yield name, _issue(course, name, "sign", str(alarm["title"]), str(alarm.get("advice") or ""))
    for one in _held_back(look.plan.suggestions if look.plan is not None else ()):
        name = f"held-{one.row}-{one.drug}-{one.as_grade}-{one.scale}-{one.grade}"
        yield name, _issue(course, name, "dose-held-back", f"{one.drug}: {one.source}", one.blocked or "")
    for reason, number in sorted(look.answer.refused.items()):
        name = f"refused-{reason}"
        says = f"{number} on record could not be understood and grades nothing"
        yield name, _issue(course, name, "refused", f"refused: {reason}", says)


def _held_back(suggestions: tuple[Suggestion, ...] | list[Suggestion]) -> list[Suggestion]:
    """Doses that a source names and something on record speaks against, each reason once."""
    found = {(one.drug, one.blocked): one for one in reversed(suggestions) if one.drug and one.blocked}
    return list(reversed(found.values()))


def _issue(course: Course, name: str, code: str, what: str, detail: str) -> Resource:
    """One issue. No severity is claimed: how bad it is, is for the reader."""
    return {
        "resourceType": "DetectedIssue", "id": course.id("DetectedIssue", name), "status": "final",
        "code": coded(ISSUE, code, what), "patient": course.subject, "identifiedDateTime": course.at,
        "author": maker(course.look.answer.edition), "detail": " ".join(part for part in (detail, STANDING) if part),
    }  # fmt: skip
