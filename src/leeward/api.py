"""The doors of the package for Python: read, grade, explain, plan."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from pathlib import Path

from leeward.cohort.answer import Answer
from leeward.cohort.bedside_plan import Adviser, adviser
from leeward.cohort.courses import answers, findings_of
from leeward.cohort.engine import Question
from leeward.knowledge.guidelines import read_guideline
from leeward.plan.plan import NOTHING_LOST, Plan, lost
from leeward.record.errors import BadSetting
from leeward.record.read import Record, read
from leeward.report.beside import NOTHING, beside
from leeward.report.explain import explained
from leeward.scales.older_crs import ASTCT, SCALES
from leeward.timeline.settings import SETTINGS

__all__ = ["explain", "grade", "plan", "question", "read"]

_ASKED_OF = "asked_of"
"""Under what an answer remembers its record and question."""
ROOM_AIR = "no-device-means-room-air"
"""What a source declares when it never charts room air."""


def question(
    record: Record,
    *,
    as_of: datetime | None = None,
    assume_trigger: datetime | str | None = None,
    room_air: bool | None = None,
    scale: str = ASTCT,
) -> Question:
    """What is asked of a record: as of when, and under which assumptions (see `grade`)."""
    for moment in (as_of, assume_trigger):
        if isinstance(moment, datetime) and moment.tzinfo is None:
            raise BadSetting(f"{moment.isoformat()} has no zone: write it with an offset, such as +00:00")
    setting = assume_trigger if isinstance(assume_trigger, str) else None
    if setting is not None and setting not in SETTINGS:
        raise BadSetting(f"'{setting}' is neither a time nor a setting ({', '.join(SETTINGS)})")
    if scale not in (*SCALES, "all"):
        raise BadSetting(f"no scale '{scale}'; there is {', '.join(SCALES)}, and all")
    return Question(
        as_of=as_of,
        assumed_trigger=assume_trigger if isinstance(assume_trigger, datetime) else None,
        assumed_setting=setting,
        room_air=ROOM_AIR in record.declares if room_air is None else room_air,
        scales=SCALES if scale == "all" else (scale,),
        scores=scale == "all",
    )


def grade(
    source: str | Path | Record,
    *,
    as_of: datetime | None = None,
    assume_trigger: datetime | str | None = None,
    room_air: bool | None = None,
    scale: str = ASTCT,
) -> list[Answer]:
    """The graded course of every patient in a record, in order of their ids.

    source: a record from `read`, or a path to read.
    as_of: answer with what was known at that moment (with zone); else with all that is on record.
    assume_trigger: grade as if every patient had been given a therapy at that moment (with zone), or on first arrival
        in a setting ("icu", "ward", "home"); the answer says so. Without it, patients without a trigger are not graded.
    room_air: no oxygen device charted means room air; else only where the source declares it. The answer says so.
    scale: the scale of CRS that episodes and course are graded on, or "all".

    Raises what `read` raises, and BadSetting.
    """
    record = source if isinstance(source, Record) else read(source)
    asked = question(record, as_of=as_of, assume_trigger=assume_trigger, room_air=room_air, scale=scale)
    found = list(answers(record, asked))
    for answer in found:
        answer.__dict__[_ASKED_OF] = (record, asked)
    return found


def explain(
    source: str | Path | Record, patient: str, *, at: datetime | None = None, zone: tzinfo = UTC,
    **assumed: datetime | str | bool | None,
) -> str:  # fmt: skip
    """In words, why a patient has this grade at a moment (the last one on record when none is given).

    Takes the assumptions of `grade` as well; times are told in `zone`. Raises BadSetting where the record has no such
    patient.
    """
    record = source if isinstance(source, Record) else read(source)
    asked = question(record, as_of=at, **assumed)  # type: ignore[arg-type]
    found = [answer for answer in answers(record, asked) if answer.patient == patient]
    if not found:
        raise BadSetting(f"no patient '{patient}' in this record")
    return explained(found[0], beside(record, asked).get(patient, NOTHING), zone)


def plan(course: Answer, *, protocol: str | Path | None = None) -> Plan:
    """What each published source says to do for one patient, at the moment the course speaks for (docs/plan.md).

    course: an answer of `grade`. protocol: a centre's own file, read before all others (docs/protocol.md).
    A patient who is not graded has a plan that says nothing but why. The course is graded on every scale that some
    source uses, whichever it was asked on.

    Raises BadSetting for a course that does not come from `grade`, BadKnowledge for a protocol that cannot be used.
    """
    asked_of = course.__dict__.get(_ASKED_OF)
    if asked_of is None:
        raise BadSetting("a plan is made from a course that leeward.grade has returned in this process")
    record, asked = asked_of
    own = read_guideline(Path(protocol)) if protocol is not None else None
    ready = Adviser(room_air=asked.room_air, protocol=own) if own else adviser(room_air=asked.room_air)
    missing = lost(record.refusals.to_pylist()).get(course.patient, NOTHING_LOST)
    return ready.plan(course.patient, findings_of(record, course.patient), asked, missing)
