"""Provenance for each resource of ours: who decided, by which edition, from which findings."""

from __future__ import annotations

from collections.abc import Iterable

from leeward.cohort.answer import Because
from leeward.ward.fhir.out.course import Course, Resource, coded, maker, rests_on

_TYPE = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"


def provenance(course: Course, kind: str, what: str, because: Iterable[Because]) -> Resource:
    """Where a resource comes from. Without findings it rests on there being none."""
    told = [{"role": "source", "what": rests_on(one)} for one in because]
    return {
        "resourceType": "Provenance", "id": course.id(kind, what, provenance=True),
        "target": [{"reference": f"{kind}/{course.id(kind, what)}"}], "occurredDateTime": course.at,
        "recorded": course.at,
        "agent": [{"type": coded(_TYPE, "assembler"), "who": maker(course.look.answer.edition)}],
        "entity": told or [{"role": "source", "what": {"display": "the findings on record as known at that moment"}}],
    }  # fmt: skip
