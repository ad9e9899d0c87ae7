"""One patient from what a client sent, graded in memory; nothing of it is kept after the answer."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from leeward.cohort import guidance
from leeward.cohort.answer import Answer, answer, units
from leeward.cohort.bedside import Bedside, Rows
from leeward.cohort.courses import refused_by_patient
from leeward.cohort.engine import Question
from leeward.knowledge.guidelines import InUse, in_use
from leeward.plan import fires
from leeward.plan.patient import Patient
from leeward.plan.plan import NOTHING_LOST, facts_of, lost
from leeward.plan.suggestions import Disagreement, Situation, disagreements, situation
from leeward.recognition import lookalikes as room
from leeward.record.fhir.in_memory import from_bytes
from leeward.record.settings import Settings
from leeward.record.spool import Record
from leeward.scales.older_crs import ASTCT
from leeward.ward.cards.request import Refused

DIFFERENCES = "disagreements"


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What is said of the patient now. `lookalikes`: the object of recognition.lookalikes.as_json.

    `lacking`: what did not arrive, in words; `open_grade`: some of it bears on the grade, and any is possible.
    """

    patient: str
    answer: Answer
    lookalikes: dict[str, Any]
    differences: list[Disagreement]
    lacking: tuple[str, ...] = ()
    open_grade: bool = False


class Considered(msgspec.Struct, frozen=True, kw_only=True):
    """What an order is held against: the patient's facts, and the rules that hold now. None: nothing is graded."""

    patient: str
    facts: Patient | None
    now: Situation | None
    lacking: tuple[str, ...] = ()


class Eyes:
    """Answers, with every statement prepared once, from the guidelines in use when it was made.

    `drugs`: those whose orders are looked at.
    """

    def __init__(self, *, room_air: bool, drugs: Iterable[str]) -> None:
        held = in_use()
        self._room_air, self._scales = room_air, guidance.scales(held=held)
        every = fires.rules(held=held)
        self._differ = tuple(rule for rule in every if rule.guideline.nature == DIFFERENCES)
        self._about = tuple(rule for rule in every if _about(rule, frozenset(drugs)))
        self._course = Bedside(room_air=room_air, lookalikes=True, cells=fires.cells(self._differ, ASTCT))

    @cached_property
    def _ordering(self) -> Bedside:
        """What orders are held against; made when the first order comes, or by `warm`."""
        cells = fires.cells(self._about, ASTCT)
        return Bedside(room_air=self._room_air, scales=self._scales, cells=cells)

    def warm(self) -> None:
        """Compile everything."""
        _ = self._ordering

    def see(self, findings: pa.Table, refusals: pa.Table, patient: str, at: datetime) -> Seen:
        """A patient's grades, look-alikes and where sources differ."""
        question = Question(as_of=at, room_air=self._room_air)
        rows = self._course.tables(findings, question)
        refused = refused_by_patient(refusals).get(patient, {})
        said = answer(patient, rows, question, refused, units())
        other = room.as_json({name: rows[name] for name in room.STEPS})
        graded = any((grade.at_most or 0) > 0 for grade in said.now.values())
        held = self._held(rows, self._differ, frozenset()) if graded else None
        differ = [] if held is None else disagreements(held)
        return Seen(patient=patient, answer=said, lookalikes=other, differences=differ)

    def consider(self, findings: pa.Table, refusals: pa.Table, patient: str, at: datetime) -> Considered:
        """What an order for a patient is held against."""
        question = Question(as_of=at, room_air=self._room_air, scales=self._scales)
        rows = self._ordering.tables(findings, question)
        missing = lost(refusals.to_pylist()).get(patient, NOTHING_LOST)
        now = self._held(rows, self._about, missing.drugs)
        facts = None if now is None else now.patient
        return Considered(patient=patient, facts=facts, now=now)

    @staticmethod
    def _held(rows: Rows, rules: tuple[fires.Rule, ...], missing: frozenset[str]) -> Situation | None:
        """The rules that hold now, and the facts of the patient; None where nothing is graded."""
        states = rows["plan_state"]
        if not states:
            return None
        facts = facts_of(states[0], rows["plan_given"], missing)
        return situation(states, rows["plan_fired"], facts, rules)


def _about(rule: fires.Rule, drugs: frozenset[str]) -> bool:
    """Whether a rule does something with one of some drugs."""
    if rule.guideline.nature == DIFFERENCES:
        return False
    doses = rule.guideline.doses
    named = ((action.drug, doses[action.dose].drug if action.dose else None) for action in rule.row.do)
    return any(drug in drugs for pair in named for drug in pair)


def eyes(*, room_air: bool, drugs: frozenset[str]) -> Eyes:
    """Made once for a process, and again when other guidelines are in use: compiling takes a second or two."""
    return _eyes(room_air, drugs, in_use())


@lru_cache(maxsize=2)
def _eyes(room_air: bool, drugs: frozenset[str], _: InUse) -> Eyes:
    made = Eyes(room_air=room_air, drugs=drugs)
    # What is kept for good need not be searched for garbage: a search of all of it takes longer than an answer.
    gc.collect()
    gc.freeze()
    return made


def read(texts: Mapping[str, bytes], settings: Settings, patient: str) -> Record:
    """What the client sent, as findings. Raises Refused where any of it is somebody else's, or nobody's."""
    record = from_bytes(texts, settings)
    for table in (record.findings, record.refusals):
        others = table.filter(pc.not_equal(table["patient"], patient))
        if others.num_rows:
            where = others["source"][0].as_py()
            raise Refused(422, "business-rule", f"{where}: holds something of another patient than context.patientId")
    nobody = record.refusals.filter(pc.is_in(record.refusals["reason"], value_set=pa.array(_NOBODYS)))
    if nobody.num_rows:
        raise Refused(422, "business-rule", f"{nobody['source'][0].as_py()}: holds something of no known patient")
    return record


def reaches_back(record: Record, part: str, to: datetime) -> bool:
    """Whether what came of a part is newest first and goes back to a moment: then only older values are missing."""
    mine = pc.or_(pc.equal(record.findings["source"], part), pc.starts_with(record.findings["source"], f"{part} page "))
    times = record.findings.filter(mine)["measured_at"].to_pylist()
    return bool(times) and times == sorted(times, reverse=True) and times[-1] <= to


_NOBODYS = ["patient-missing", "ambiguous-patient"]
