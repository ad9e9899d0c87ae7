"""One patient's plan, warm: the guidelines' cells are kept in the engine beside the prepared statements."""

from __future__ import annotations

import atexit
import gc
from functools import lru_cache

import msgspec
import pyarrow as pa

from leeward.cohort import guidance
from leeward.cohort.bedside import Bedside
from leeward.cohort.engine import Question
from leeward.knowledge.guidelines import Guideline, InUse, in_use
from leeward.plan import fires
from leeward.plan.plan import NOTHING_LOST, Lost, Plan
from leeward.scales.older_crs import ASTCT


class Adviser:
    """Plans of one patient at a time, from the guidelines in use when it was made, whatever is taken meanwhile.

    `protocol`: a centre's own file, read before all others.
    """

    def __init__(self, *, room_air: bool = False, protocol: Guideline | None = None) -> None:
        held = in_use()
        self._protocol, self._edition = protocol or held.protocol, held.edition
        extra = (self._protocol,) if self._protocol else ()
        self._rules, self._scales = fires.rules(extra, held), guidance.scales(extra, held)
        self._bedside = Bedside(room_air=room_air, scales=self._scales, cells=fires.cells(self._rules, ASTCT))

    def plan(self, patient: str, findings: pa.Table, question: Question, missing: Lost = NOTHING_LOST) -> Plan:
        """The plan of a patient from their findings (FINDING); `missing`: what of their record was not understood."""
        question = msgspec.structs.replace(question, scales=self._scales)
        rows = self._bedside.tables(findings, question)
        made = guidance.plan_of_rows(patient, rows, self._rules, question, missing, self._protocol)
        return msgspec.structs.replace(made, edition=self._edition)


def adviser(*, room_air: bool) -> Adviser:
    """The adviser on the guidelines in use, made once and kept until others are taken."""
    return _adviser(room_air, in_use())


@lru_cache(maxsize=2)
def _adviser(room_air: bool, _: InUse) -> Adviser:
    made = Adviser(room_air=room_air)
    # What is kept for good need not be searched for garbage: a search of all of it takes longer than a plan.
    gc.collect()
    gc.freeze()
    atexit.register(gc.unfreeze)
    return made
