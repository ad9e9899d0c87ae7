"""One look at some patients: the course on every scale, scores, look-alikes, what is due, and what sources say."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from functools import cache
from threading import Lock
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from leeward.cohort import lookalikes, parts, watching
from leeward.cohort.agreement import Comparison, compared
from leeward.cohort.answer import Answer, answer, units
from leeward.cohort.bedside import SIGNS_SHOWN, Bedside
from leeward.cohort.bedside_plan import Adviser, adviser
from leeward.cohort.courses import Stream, graded, refused_by_patient
from leeward.cohort.engine import Question, answered
from leeward.cohort.parts import Part
from leeward.plan.monitoring import Watched
from leeward.plan.plan import NOTHING_LOST, Plan, lost
from leeward.recognition import lookalikes as room
from leeward.record.spool import Record
from leeward.scales.older_crs import SCALES
from leeward.ward.arrivals import Held
from leeward.ward.marks import Mark, known_then, standing_marks, without


class Unmarked(msgspec.Struct, frozen=True, kw_only=True):
    """What would be answered if nobody had marked another cause, and how each part of a definition would be graded."""

    answer: Answer
    parts: tuple[Part, ...]

    def least(self, syndrome: str) -> int:
        """The grade that is sure; 0 where nothing is graded."""
        return self.answer.now[syndrome].at_least or 0

    def part(self, name: str) -> Part | None:
        """One part of the definition of CRS; None where it has none of that name."""
        return next((one for one in self.parts if (one.syndrome, one.name) == ("crs", name)), None)


class Marked(msgspec.Struct, frozen=True, kw_only=True):
    """The marks that stand; without them, the answer now and the one when each was made, from what was known then."""

    marks: tuple[Mark, ...]
    now: Unmarked
    then: tuple[Unmarked, ...]


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """What is said of one patient at one moment, from what was known then.

    lookalikes: the object of recognition.lookalikes.as_json. silent: it comes of a backlog, and nobody is told of what
    has passed. parts: which part of each definition gave which grade. plan: only where it was asked for. marked: only
    while a mark of another cause stands.
    """

    patient: str
    at: datetime
    answer: Answer
    lookalikes: dict[str, Any]
    watched: Watched
    findings: pa.Table
    parts: tuple[Part, ...] = ()
    held: Held | None = None
    silent: bool = False
    plan: Plan | None = None
    marked: Marked | None = None


def supported(look: Look) -> int:
    """The grade of CRS that pressure and oxygen would give with a fever, where the grade may be that; else 0."""
    most = look.answer.now["crs"].at_most
    given = [one.at_least for one in look.parts if one.syndrome == "crs" and one.name != "fever"]
    return min(max(given, default=0), most or 0)


_TURN = Lock()


@cache
def _compiled(*, room_air: bool) -> Bedside:
    return Bedside(room_air=room_air, scales=SCALES, scores=True, lookalikes=True, watched=True, parts=True)


def _bedside(*, room_air: bool) -> Bedside:
    """The bedside of a process, compiled once and kept, whoever asks first."""
    with _TURN:
        return _compiled(room_air=room_air)


class Looker:
    """Looks, with every statement prepared. `room_air`: no device charted means room air, as the centre declares."""

    def __init__(self, *, room_air: bool = False, zone: str = "UTC") -> None:
        self._room_air, self._zone = room_air, UTC if zone == "UTC" else ZoneInfo(zone)

    @property
    def zone(self) -> tzinfo:
        """Whose clock and days the ward lives by."""
        return self._zone

    def warm(self) -> None:
        """Compile everything; the first look would else wait for it."""
        self._ready()
        self._adviser()

    def _ready(self) -> Bedside:
        return _bedside(room_air=self._room_air)

    def _adviser(self) -> Adviser:
        return adviser(room_air=self._room_air)

    def _question(self, at: datetime) -> Question:
        return Question(as_of=at, room_air=self._room_air, scales=SCALES, scores=True)

    def one(self, record: Record, patient: str, at: datetime) -> Look:
        """One patient of a record."""
        question = self._question(at)
        findings = _of(record.findings, patient)
        rows = self._ready().tables(findings, question)
        refused = refused_by_patient(record.refusals).get(patient, {})
        said = answer(patient, rows, question, refused, units())
        mine = {name: rows[name] for name in room.STEPS}
        watched = watching.watched_of(patient, rows, question, zone=self._zone, region=None, refused=refused)
        return Look(
            patient=patient, at=at, answer=said, lookalikes=room.as_json(mine), watched=watched, findings=findings,
            parts=parts.told(rows), marked=self._marked(patient, findings, at, refused),
        )  # fmt: skip

    def _marked(self, patient: str, findings: pa.Table, at: datetime, refused: dict[str, int]) -> Marked | None:
        """What marks take out of the grade; None where none stands."""
        marks = standing_marks(findings, at)
        if not marks:
            return None

        def graded_at(known: pa.Table, moment: datetime) -> Unmarked:
            question = self._question(moment)
            rows = self._ready().tables(without(known), question)
            return Unmarked(answer=answer(patient, rows, question, refused, units()), parts=parts.told(rows))

        then = tuple(graded_at(known_then(findings, one.made_at), one.made_at) for one in marks)
        return Marked(marks=marks, now=graded_at(findings, at), then=then)

    def compared(self, record: Record, patient: str, at: datetime) -> Comparison:
        """One patient on every scale of CRS, and the rules that make the scales differ."""
        rows = self._ready().tables(_of(record.findings, patient), self._question(at))
        changes = [row for row in rows["course"] if row["syndrome"] == "crs"]
        return compared(patient, *(sorted(held, key=lambda row: row["at_s"]) for held in (changes, rows[SIGNS_SHOWN])))

    def many(self, record: Record, patients: Sequence[str], at: datetime) -> list[Look]:
        """Many patients of a record in one run."""
        question = self._question(at)
        con = graded(record, question)
        beside = dict(lookalikes.answered(con, question))
        refused = refused_by_patient(record.refusals)
        watching.run(con, question)
        due = {one.patient: one for one in
               watching.answered(con, refused, question, zone=self._zone, region=None)}  # fmt: skip
        for name, sql in parts.compiled():
            con.execute(f"create table {name} as {sql}")
        streams = {name: Stream(con, name) for name in (*answered(question), *parts.STEPS)}
        known, looks = units(), []
        for patient in sorted(patients):
            rows = {name: stream.of(patient) for name, stream in streams.items()}
            said = answer(patient, rows, question, refused.get(patient, {}), known)
            if patient in due:
                findings = _of(record.findings, patient)
                looks.append(Look(patient=patient, at=at, answer=said, lookalikes=beside.get(patient, {}),
                                  watched=due[patient], findings=findings, parts=parts.told(rows),
                                  marked=self._marked(patient, findings, at, refused.get(patient, {}))))  # fmt: skip
        return looks

    def plan(self, record: Record, patient: str, at: datetime) -> Plan:
        """What each published source says of one patient."""
        missing = lost(record.refusals.to_pylist()).get(patient, NOTHING_LOST)
        return self._adviser().plan(patient, _of(record.findings, patient), self._question(at), missing)


def _of(findings: pa.Table, patient: str) -> pa.Table:
    """One patient's rows."""
    return findings.filter(pc.equal(findings["patient"], patient))
