"""What was charted at the bedside: kept once under a form's own word, told, corrected, taken back; marks ended."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec
import pyarrow as pa
from sqlalchemy import func, select

from leeward.knowledge.vocabulary import quantities
from leeward.record import times
from leeward.record.schema import STATEMENT
from leeward.report import words
from leeward.report.clock import Clock, seconds
from leeward.ward import tables as t
from leeward.ward.access import Person
from leeward.ward.arrivals import Arrival
from leeward.ward.look import Look
from leeward.ward.marks import QUANTITY, Mark
from leeward.ward.pages.patient import figure
from leeward.ward.rows import moment as moment_of

if TYPE_CHECKING:
    from leeward.ward.world import World

SOURCE = "bedside"
SHOWN = 12
"""So many entries are offered for correction, the newest first."""
WORD_BYTES = 9
WORD = re.compile(r"[A-Za-z0-9_-]{12,24}")
REASON_LETTERS = 200
PERCENT = 100
WITHDRAWN = "withdrawn"


class Became(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a form: in words, and why some of it was not taken."""

    told: str = ""
    refused: tuple[str, ...] = ()


def word(sent: str) -> str:
    """The word that a form bears, or a new one."""
    return sent if WORD.fullmatch(sent) else secrets.token_urlsafe(WORD_BYTES)


# ---------------------------------------------------------------- kept


def take(world: World, person: Person, once: str, rows: list[dict[str, Any]]) -> None:
    """Through the only way in."""
    batch = pa.RecordBatch.from_pylist([{name: row.get(name) for name in STATEMENT.names} for row in rows], STATEMENT)
    world.intake.take(Arrival(door=SOURCE, source=SOURCE, message=once, by=person.id), [batch])


def arrived(world: World, once: str) -> bool:
    """Whether a form was taken before."""
    c = t.arrivals.c
    with world.engine.connect() as connection:
        return connection.execute(select(c.seq).where(c.source == SOURCE, c.message == once)).first() is not None


def became(world: World, patient: str, person: Person, once: str, *, again: bool = False) -> Became:
    """What became of a form of this person's, by its word: why something was not taken comes first."""
    c, people = t.arrivals.c, world.store.same_as(patient)
    mine = select(c.seq).where(c.source == SOURCE, c.message == once, c.by == person.id).scalar_subquery()
    keys = select(t.patients.c.seq).where(t.patients.c.patient.in_(people))
    f, r = t.findings.c, t.refusals.c
    kept = select(f.status, func.count()).where(f.arrival == mine, f.patient_key.in_(keys)).group_by(f.status)
    lost = select(r.reason, r.quantity, r.detail).where(r.arrival == mine, r.patient_key.in_(keys)).order_by(r.seq)
    with world.engine.connect() as connection:
        taken: dict[str, int] = {row[0]: row[1] for row in connection.execute(kept)}
        refused = tuple(_refused(*row) for row in connection.execute(lost))
    if not taken and not refused:
        return Became()
    # A version that was refused stands as withdrawn, so that what it was to replace is not believed any longer.
    count = sum(many for status, many in taken.items() if not (refused and status == WITHDRAWN))
    said = f"{count} {'value is' if count == 1 else 'values are'} charted."
    more = f"{len(refused)} not understood, and not used." if refused else ""
    twice = "This form was sent more than once, and taken once, as it was sent first." if again else ""
    return Became(told=" ".join(filter(None, [twice, *refused, more, said])), refused=refused)


def _refused(reason: str, quantity: str | None, detail: str | None) -> str:
    """One value that was not taken."""
    name = words.capital(words.quantity(quantity).name) if quantity else "A value"
    return f"{name}: {words.words().refusals.get(reason, reason)}{f' ({_written(detail)})' if detail else ''}."


def _written(detail: str) -> str:
    """What was typed, in the units of the bedside, and in which unit it would make sense."""
    typed, _, likely = detail.partition(": likely ")
    number, _, code = typed.partition(" ")
    printed = words.measure(number, words.unit(code))
    if likely == "1" and code == "%":
        return f"{printed}: likely a fraction: enter {float(number) * PERCENT:g}"
    if likely == "%" and code == "1":
        return f"{printed}: likely in percent: enter {float(number) / PERCENT:g}"
    return f"{printed}: likely {words.unit(likely)}" if likely else printed


# ---------------------------------------------------------------- shown, and changed


def entries(world: World, patient: str, person: Person) -> list[dict[str, Any]]:
    """What was charted at the bedside lately, the newest first; `mine`: entered by this person and still standing."""
    f, c, people = t.findings.c, t.arrivals.c, world.store.same_as(patient)
    asked = select(t.patients.c.patient, f.quantity, f.measured_at, f.measured_until, f.low, f.high, f.text, f.status,
                   f.record, f.version, c.by)  # fmt: skip
    asked = asked.join(t.arrivals, c.seq == f.arrival).join(t.patients, t.patients.c.seq == f.patient_key)
    asked = asked.where(t.patients.c.patient.in_(people), f.source == SOURCE).order_by(f.received_at.desc())
    with world.engine.connect() as connection:
        found = connection.execute(asked.limit(4 * SHOWN)).all()
    newest: dict[str, Any] = {}
    for row in found:
        held = newest.get(row.record)
        if held is None or int(row.version or 0) > int(held.version or 0):
            newest[row.record] = row
    clock = Clock(seconds(world.clock.now()), times.zone(world.settings.zone), None)
    return [_entry(row, clock, person) for row in list(newest.values())[:SHOWN]]


def _entry(row: Any, clock: Clock, person: Person) -> dict[str, Any]:
    """One entry as the page lists it."""
    at = moment_of(row.measured_at)
    unit = quantities()[row.quantity].unit if row.low is not None else None
    value = None if row.low is None else f"{row.low:g}"
    end = None if row.measured_until is None else moment_of(row.measured_until).isoformat()
    return {
        "at": clock.short(seconds(at)), "name": words.quantity(row.quantity).name, "figure": figure(row), "by": row.by,
        "status": row.status, "record": row.record, "version": row.version or "1", "quantity": row.quantity,
        "unit": unit, "start": at.isoformat(), "patient": row.patient,
        "said": {"value": value, "unit": unit, "text": row.text, "end": end},
        "mine": row.by == person.id and row.status != WITHDRAWN,
    }  # fmt: skip


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    """A correction that was sent: the word under which it was taken, or why nothing was changed."""

    once: str = ""
    wrong: str = ""


def again(world: World, patient: str, person: Person, record: str, filled: Mapping[str, str]) -> Changed:
    """Correct or take back an entry of one's own, as a newer version of the same record."""
    mine = next((one for one in entries(world, patient, person) if one["record"] == record and one["mine"]), None)
    if mine is None or str(mine["version"]) != filled.get("version"):
        return Changed(wrong="Nothing was changed: this entry is not yours, or it was changed meanwhile.")
    row = _newer(mine["patient"], mine["quantity"], mine["start"], record, mine["version"])
    if filled.get("do") == "withdraw":
        row |= mine["said"] | {"status": "entered-in-error"}
    else:
        value = filled.get("value", "").strip().replace(",", ".")
        if re.fullmatch(r"[+-]?[0-9]*\.?[0-9]+", value) is None:
            return Changed(wrong="Nothing was changed: the new value is not a number.")
        row |= {"status": "corrected", "value": value, "unit": mine["unit"]}
    once = word("")
    take(world, person, once, [row])
    return Changed(once=once)


def _newer(patient: str, quantity: str, start: str, record: str, version: str) -> dict[str, Any]:
    """A newer version of a record, still without what it says."""
    return {"patient": patient, "quantity": quantity, "start": start, "record": record, "source": SOURCE,
            "place": "correction at the bedside", "version": str(int(version) + 1)}  # fmt: skip


# ---------------------------------------------------------------- marks of another cause


def end_mark(world: World, patient: str, person: Person, record: str, filled: Mapping[str, str]) -> Changed:
    """End a mark now, by any clinician, with name and reason, as a newer version; who made it stays on record."""
    now, reason = world.clock.now(), filled.get("reason", "").strip()[:REASON_LETTERS]
    held = world.grader.look(patient).marked
    mark = next((one for one in held.marks if one.record == record) if held else iter(()), None)
    if mark is None or not _can_end(mark) or mark.version != filled.get("version"):
        return Changed(wrong="Nothing was changed: this mark does not stand any longer, or it was changed meanwhile.")
    if not person.may("override"):
        return Changed(wrong="Nothing was changed: only a clinician may end a mark.")
    if not reason:
        return Changed(wrong="Nothing was changed: ending a mark needs a reason.")
    once = word("")
    row = _newer(_owner(world, patient, record), QUANTITY, mark.at.isoformat(), record, mark.version or "1")
    said = f"{mark.sign}={mark.cause}; ended by {person.name}: {reason}"
    take(world, person, once, [row | {"status": "corrected", "text": said, "end": now.isoformat()}])
    return Changed(once=once)


def _can_end(mark: Mark) -> bool:
    """Whether a mark was made here; one that another system sent is ended there, else it would come again."""
    return mark.source == SOURCE and mark.record is not None


def _owner(world: World, patient: str, record: str) -> str:
    """Under which identifier a record was charted."""
    people = world.store.same_as(patient)
    asked = select(t.patients.c.patient).join(t.findings, t.findings.c.patient_key == t.patients.c.seq)
    asked = asked.where(t.patients.c.patient.in_(people), t.findings.c.record == record)
    with world.engine.connect() as connection:
        return str(connection.execute(asked).scalars().first())


SIGNS = {"fever": "Fever", "hypotension": "Low pressure", "hypoxia": "Need of oxygen", "neurological": "Neurology"}


def marks(look: Look, clock: Clock) -> list[dict[str, Any]]:
    """What is marked, by whom, until when, and what would be graded without it."""
    held, made = look.marked, []
    if held is None:
        return []
    for one in held.marks:
        with_, without = (said.now[one.syndrome] for said in (look.answer, held.now.answer))
        bare = words.grade(without.at_least, without.at_most)
        made.append({
            "sign": SIGNS.get(one.sign, one.sign), "cause": one.cause, "since": clock.short(seconds(one.at)),
            "until": clock.short(seconds(one.until)) if one.until else "",
            "without": bare, "name": words.scale(one.syndrome).name,
            "changes": (with_.at_least, with_.at_most) != (without.at_least, without.at_most),
            "record": one.record if _can_end(one) else None, "version": one.version or "1", "source": one.source or "",
        })  # fmt: skip
    return made
