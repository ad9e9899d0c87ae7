"""A record's answers as a folder of pages."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from leeward.cohort.courses import Tell, answers, findings_of
from leeward.cohort.engine import Question
from leeward.cohort.guidance import plans
from leeward.knowledge.guidelines import Guideline
from leeward.plan.plan import Plan
from leeward.record.spool import Record
from leeward.report.beside import NOTHING, beside
from leeward.report.page import index_page, page, page_name


def write_pages(
    record: Record, question: Question, folder: Path, *, tell: Tell | None = None, protocol: Guideline | None = None
) -> Path:
    """One page per patient and an index, in the record's local time where it has a zone; returns the index's path.

    `protocol`: a centre's own, whose words come first in each plan.
    """
    zone = record.settings.zone
    folder.mkdir(parents=True, exist_ok=True)
    listed = []
    others = beside(record, question)
    planned = PlansInOrder(plans(record, question, protocol=protocol))
    for answer in answers(record, question, tell=tell):
        told = msgspec.to_builtins(answer, str_keys=True)
        plan = planned.of(answer.patient)
        written = page(
            told, findings_of(record, answer.patient), zone=zone, plan=plan, beside=others.get(answer.patient, NOTHING)
        )
        (folder / page_name(answer.patient)).write_text(written, encoding="utf-8")
        listed.append(told)
    index = folder / "index.html"
    index.write_text(index_page(listed, zone=zone), encoding="utf-8")
    return index


class PlansInOrder:
    """Plans in order of patients, beside answers in the same order; who is not graded has none."""

    def __init__(self, found: Iterable[Plan]) -> None:
        self._rest = iter(found)
        self._next = next(self._rest, None)

    def of(self, patient: str) -> Plan | None:
        """The plan of one patient; patients must be asked for in order."""
        while self._next is not None and self._next.patient < patient:
            self._next = next(self._rest, None)
        return self._next if self._next is not None and self._next.patient == patient else None
