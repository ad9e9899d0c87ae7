"""Observation for a finding that came by another door than FHIR, so that a grade can name what it was derived from.

Its id is a hash, with the patient's handle and the moment at which it reached us; it tells nothing of the patient, and
gives the same Observation for good. Drugs are no observations: an answer names them in words only.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

from leeward.cohort.answer import Because
from leeward.knowledge.vocabulary import TRIGGER, quantities
from leeward.ward.fhir.out.course import KINDS, Course, Resource, coded, is_resource, spelt, utc

QUANTITY = "urn:leeward:quantity"
UCUM = "http://unitsofmeasure.org"
OBSERVED = ("number", "word")
"""Kinds of quantities that are observed, where others are given, ordered, or hold of a person for life."""
STATUS = {"withdrawn": "entered-in-error", "preliminary": "preliminary", "corrected": "corrected"}
_INFINITE = (float("inf"), float("-inf"))


class Known:
    """The findings of a patient as known at a moment, by what of them an answer cites."""

    def __init__(self, course: Course) -> None:
        self._course = course
        self._rows: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
        for row in course.look.findings.to_pylist():
            self._rows.setdefault((row["quantity"], row["measured_at"], row["place"]), []).append(row)

    def reference(self, because: Because) -> str | None:
        """The Observation behind a reason: the one it came as, or ours; None of a drug and of what was worked out."""
        if is_resource(because.place):
            return because.place if str(because.place).startswith("Observation/") else None
        rows = self._rows.get((because.quantity, because.at, because.place), [])
        found = max((row for row in rows if is_observed(row)), default=None,
                    key=lambda row: (because.value in (row["low"], row["text"]), row["status"] != "withdrawn",
                                     row["version"] or ""))  # fmt: skip
        return None if found is None else f"Observation/{name(self._course, found)}"


def is_observed(row: dict[str, Any]) -> bool:
    """Whether a finding is an observation."""
    held = quantities().get(row["quantity"])
    return held is not None and held.kind in OBSERVED and row["quantity"] != TRIGGER


def name(course: Course, row: dict[str, Any]) -> str:
    """The id of a finding's Observation."""
    return f"lw{KINDS['Finding']}.{_hashed(course, row)}.{course.handle}.{spelt(row['received_at'])}"


def _hashed(course: Course, row: dict[str, Any]) -> str:
    """Which of the findings that reached us at a moment it is."""
    said = [row[one] for one in ("quantity", "low", "high", "text", "status", "record", "version", "source", "place")]
    return blake2b(repr((course.look.patient, row["measured_at"], *said)).encode(), digest_size=10).hexdigest()


def observation(course: Course, what: str) -> Resource | None:
    """The finding of a name, as it reached us; `course`: as known then. None where there is none."""
    rows = course.look.findings.to_pylist()
    found = next((row for row in rows if is_observed(row) and _hashed(course, row) == what), None)
    if found is None:
        return None
    held = quantities()[found["quantity"]]
    until = found["measured_until"]
    when = {"effectivePeriod": {"start": utc(found["measured_at"]), "end": utc(until)}} if until else {
        "effectiveDateTime": utc(found["measured_at"])}  # fmt: skip
    return {
        "resourceType": "Observation", "id": name(course, found), "status": STATUS.get(found["status"], "final"),
        "code": coded(QUANTITY, found["quantity"], held.title), "subject": course.subject, **when,
        "issued": utc(found["reported_at"] or found["received_at"]), **_value(found, held.unit),
        **({"bodySite": {"text": found["site"]}} if found["site"] else {}),
    }  # fmt: skip


def _value(row: dict[str, Any], unit: str | None) -> Resource:
    """What was found: a number, between which two, or a word."""
    if row["low"] is None:
        return {"valueString": row["text"]} if row["text"] else {}
    code = {"unit": unit, "system": UCUM, "code": unit} if unit else {}
    if row["low"] == row["high"]:
        return {"valueQuantity": {"value": row["low"]} | code}
    ends = {end: {"value": row[end]} | code for end in ("low", "high") if row[end] not in _INFINITE}
    return {"valueRange": ends}
