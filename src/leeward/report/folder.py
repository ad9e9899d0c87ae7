"""A record's answers as a folder of pages."""

from __future__ import annotations

from pathlib import Path

import msgspec

from leeward.cohort.courses import Tell, answers, findings_of
from leeward.cohort.engine import Question
from leeward.record.spool import Record
from leeward.report.page import index_page, page, page_name


def write_pages(record: Record, question: Question, folder: Path, *, tell: Tell | None = None) -> Path:
    """One page per patient and an index, in the record's local time where it has a zone; returns the index's path."""
    zone = record.settings.zone
    folder.mkdir(parents=True, exist_ok=True)
    listed = []
    for answer in answers(record, question, tell=tell):
        told = msgspec.to_builtins(answer, str_keys=True)
        written = page(told, findings_of(record, answer.patient), zone=zone)
        (folder / page_name(answer.patient)).write_text(written, encoding="utf-8")
        listed.append(told)
    index = folder / "index.html"
    index.write_text(index_page(listed, zone=zone), encoding="utf-8")
    return index
