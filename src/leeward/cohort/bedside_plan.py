"""One patient's plan, warm: the guidelines' cells are kept in the engine beside the prepared statements."""

from __future__ import annotations

import atexit
import gc
from functools import cache

import msgspec
import pyarrow as pa

from leeward.cohort import guidance
from leeward.cohort.bedside import Bedside
from leeward.cohort.engine import Question
from leeward.knowledge.guidelines import Guideline
from leeward.plan import fires
from leeward.plan.plan import NOTHING_LOST, Lost, Plan
from leeward.scales.older_crs import ASTCT


class Adviser:
    """Plans of one patient at a time; `protocol`: a centre's own file, read before all others."""

    def __init__(self, *, room_air: bool = False, protocol: Guideline | None = None) -> None:
        extra = (protocol,) if protocol else ()
        self._protocol, self._rules, self._scales = protocol, fires.rules(extra), guidance.scales(extra)
        self._bedside = Bedside(room_air=room_air, scales=self._scales, cells=fires.cells(self._rules, ASTCT))

    def plan(self, patient: str, findings: pa.Table, question: Question, missing: Lost = NOTHING_LOST) -> Plan:
        """The plan of a patient from their findings (FINDING); `missing`: what of their record was not understood."""
        question = msgspec.structs.replace(question, scales=self._scales)
        rows = self._bedside.tables(findings, question)
        return guidance.plan_of_rows(patient, rows, self._rules, question, missing, self._protocol)


@cache
def adviser(*, room_air: bool) -> Adviser:
    """The adviser on published sources, made once and kept."""
    made = Adviser(room_air=room_air)
    # What is kept for good need not be searched for garbage: a search of all of it takes longer than a plan.
    gc.collect()
    gc.freeze()
    atexit.register(gc.unfreeze)
    return made
