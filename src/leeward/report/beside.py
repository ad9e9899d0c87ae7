"""What a reader is told beside the answer: which part gave which grade, and what else it could be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from leeward.cohort import lookalikes, parts
from leeward.cohort.courses import graded
from leeward.cohort.engine import Question
from leeward.cohort.parts import Part
from leeward.record.spool import Record


class Beside(msgspec.Struct, frozen=True):
    """All of it for one patient; `lookalikes` is the object of `leeward lookalikes --json`."""

    parts: tuple[Part, ...] = ()
    lookalikes: Mapping[str, Any] | None = None


NOTHING = Beside()


def beside(record: Record, question: Question) -> dict[str, Beside]:
    """By patient; the plan runs once more for it."""
    con = graded(record, question, reasons=False)
    made: dict[str, dict[str, list[Any]]] = {}
    for name, sql in parts.compiled():
        for row in con.sql(sql).to_arrow_table().to_pylist():
            made.setdefault(row["patient"], {}).setdefault(name, []).append(row)
    return {patient: Beside(parts.told(made.get(patient, {})), said)
            for patient, said in lookalikes.answered(con, question)}  # fmt: skip
