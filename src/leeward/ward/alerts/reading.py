"""From a look to signs: what of an answer, of look-alikes, of what is due and of the feed may have to be told.

Every sign is a range. Where what raised a sign has only grown old, the sign is not lower: it cannot be told.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from leeward.cohort.answer import Answer, Grade
from leeward.knowledge.vocabulary import quantities
from leeward.plan.around import Watch, monitoring
from leeward.plan.monitoring import Check
from leeward.recognition.features import stands_as
from leeward.report.words import grade, scale
from leeward.report.words import words as vocabulary
from leeward.scales import astct_2019_crs
from leeward.scales.older_crs import ASTCT
from leeward.ward.alerts.record import TRIGGER, of
from leeward.ward.alerts.signs import Basis, Held, Kind, Sign
from leeward.ward.alerts.words import Spelling
from leeward.ward.look import Look, supported
from leeward.ward.standing import running, standing

_MOVES = ("oxygen-device", "oxygen-flow", "systolic-bp", "body-temperature")
"""The findings of a grade of CRS that are no drugs, the weightiest first."""
HYPOXIA = ("untreated-hypoxia", "low-saturation-oxygen-unknown")
"""The alarms of a low saturation: one thing to tell, whether the device is known or not."""
_LOW = "alarm/untreated-hypoxia"
OPEN, FEVER = "open/crs", "body-temperature"
AGES = ("body-temperature", "systolic-bp", "oxygen-device", "ice-score", "capd-score", "consciousness")
"""What a grade can lack because it grew old; the rest is on record or is not."""
NOT_TOLD = ("re-grade",)
"""Checks that are not told when overdue: the grade is worked out here whenever something changes."""
SOURCE = {"crs": "ASTCT 2019 (Lee et al.), CRS", "icans": "ASTCT 2019 (Lee et al.), ICANS"}
LOOKED = frozenset({"crs", "icans", "alarm", "open", "widened", "check", "marked"})
"""The parts that every look at a patient shows."""


def signs(look: Look, held: Sequence[Held], words: Spelling, overdue_wait_s: float) -> list[Sign]:
    """What one look shows of grades, alarms, widened answers and checks; `held`: what was told before."""
    made = [sign for syndrome in ("crs", "icans") for sign in _graded(look.answer, syndrome, words)]
    made += _alarms(look, held, words)
    if expected(look):
        widened = [sign for syndrome in ("crs", "icans") for sign in _widened(look, syndrome, words)]
        told = any(one.about == OPEN for one in held) or all(sign.about != "widened/crs" for sign in widened)
        made += [*widened, *(_open(look, words) if told else ())]
    return made + _overdue(look, words, overdue_wait_s)


def expected(look: Look) -> bool:
    """Whether somebody is expected to chart: a schedule still runs, none is on file, or something is graded."""
    checks = [check for check in look.watched.checks if check.state in ("next", "due", "overdue", "ended")]
    running = not checks or any(check.state != "ended" and check.applies is not False for check in checks)
    return bool(look.answer.triggers) and (running or any((one.at_least or 0) > 0 for one in look.answer.now.values()))


# ---------------------------------------------------------------- grades


def _graded(answer: Answer, syndrome: str, words: Spelling) -> list[Sign]:
    """The grade as a sign; none where nothing can be graded."""
    now = answer.now[syndrome]
    if now.at_least is None or now.at_most is None:
        return []
    since, was = _run(answer, syndrome, now.at_least)
    dose = _dose(answer, since)
    first = syndrome == "crs" and now.at_least == 1 and _first_fever(answer, dose, since)
    kind: Kind = "first-fever" if first else "icans-sign" if syndrome == "icans" else "rising-grade"
    reasons = sorted((of(one) for one in now.because), key=lambda one: (_weight(one, first), one.at))
    because = (*reasons, *dose)
    missing = f"; {words.missing(now.missing)} not known" if now.missing else ""
    rises = f"{grade(*was)} → {grade(now.at_least, now.at_most)}" if was else grade(now.at_least, now.at_most)
    begun = f" since {words.time(since)}" if since else ""
    name = scale(syndrome).name
    head = f"first fever after {dose[0].value}: {name} {rises}" if first else f"{name} {rises}{begun}"
    said = words.text(head, [words.basis(one) for one in reasons], missing)
    return [Sign(about=syndrome, kind=kind, at_least=now.at_least, at_most=now.at_most, says=said, since=since,
                 because=because if now.at_least else (), missing=tuple(now.missing),
                 source=SOURCE[syndrome])]  # fmt: skip


def _run(answer: Answer, syndrome: str, least: int) -> tuple[datetime | None, tuple[int, int] | None]:
    """Since when a grade has been at least this, and the range before that; null where it always was."""
    course = [one for one in answer.course if one.syndrome == syndrome and one.scale == ASTCT]
    since: datetime | None = None
    for one in reversed(course):
        if one.at_least < least:
            return since, (one.at_least, one.at_most)
        since = one.at
    return since, None


def _dose(answer: Answer, since: datetime | None) -> tuple[Basis, ...]:
    """The latest therapy before a sign began: without it nothing would be graded."""
    given = [one for one in answer.triggers if since is None or one.at <= since] or answer.triggers
    last = max(given, key=lambda one: (one.at, one.name), default=None)
    return () if last is None else (Basis(quantity=TRIGGER, at=last.at, value=last.name),)


def _first_fever(answer: Answer, dose: tuple[Basis, ...], begun: datetime | None) -> bool:
    """Whether the CRS of this dose began with what holds now, a fever."""
    since = [one for one in answer.episodes if one.syndrome == "crs" and one.scale == ASTCT]
    since = [one for one in since if not dose or one.onset >= dose[0].at]
    return bool(dose) and len(since) == 1 and not since[0].masked and since[0].onset == begun


def _weight(one: Basis, fever: bool) -> int:
    """What moves a grade most is named first; of a first fever the temperature; last what may only mask one."""
    limits = astct_2019_crs.limits()
    if one.quantity in limits.waiver.drugs:
        return len(_MOVES) + 1
    if one.quantity not in _MOVES:
        return 0  # vasopressors, and the signs of the nervous system
    if one.value == "room-air":
        return len(_MOVES)
    return -1 if fever and one.quantity == "body-temperature" else _MOVES.index(one.quantity)


def _widened(look: Look, syndrome: str, words: Spelling) -> list[Sign]:
    """An answer that was told more narrowly before: something on record grew too old, or a new value left it open."""
    now: Grade = look.answer.now[syndrome]
    if now.at_least is None or now.at_most is None or now.at_least == now.at_most:
        return []
    since, narrower = _narrower(look.answer, syndrome, now.at_least, now.at_most)
    if not narrower:
        return []
    dosed = min((one.at for one in look.answer.triggers), default=None)
    newest = {name: newest_at(look.findings, (name,), look.at) for name in now.missing if name in AGES}
    old = {name: at for name, at in newest.items() if at is not None and (dosed is None or at >= dosed)}
    head = f"{scale(syndrome).name} can be told only as {grade(now.at_least, now.at_most)}"
    head += f" since {words.time(since)}" if since else ""
    if old:
        head += ", data too old"
    rest = [f"{words.missing([name])} last at {words.time(at)}" for name, at in old.items()]
    rest += [f"{words.missing([name])} not known" for name in now.missing if name not in old]
    return [Sign(about=f"widened/{syndrome}", kind="answer-widened", at_least=now.at_most, at_most=now.at_most,
                 says=words.text(head, rest), missing=tuple(now.missing) or ("what would narrow it",), since=since,
                 covers=frozenset(old), can_wait=bool(old),
                 source="how long a value stands: knowledge/carry.toml")]  # fmt: skip


def _open(look: Look, words: Spelling) -> list[Sign]:
    """Support that would be a high grade with a fever, where no temperature counts: the grade cannot be told at all."""
    now, given = look.answer.now["crs"], supported(look)
    grades = astct_2019_crs.limits().grades
    if given < min(grades.one_vasopressor, grades.positive_pressure) or FEVER not in now.missing:
        return []
    found = [Basis(quantity=one.quantity, at=one.at, value=one.low if one.low == one.high else None,
                   unit=quantities()[one.quantity].unit)
             for one in running(look.findings, look.at, vocabulary().groups.infusions)]  # fmt: skip
    device = standing(look.findings, look.at).get("oxygen-device")
    found += [Basis(quantity=device.quantity, at=device.at, value=device.text)] if device else []
    last = newest_at(look.findings, (FEVER,), look.at)
    when = f"last at {words.time(last)}" if last else "never charted"
    head = f"{scale('crs').name} {grade(now.at_least or 0, now.at_most or 0)}, temperature {when}"
    return [Sign(about=OPEN, kind="grade-open", at_least=given, at_most=max(given, now.at_most or 0),
                 says=words.text(head, [f"grade {given} with a fever", *map(words.basis, found)]),
                 because=tuple(found), missing=(FEVER,), covers=frozenset({FEVER}), can_wait=True,
                 source=SOURCE["crs"])]  # fmt: skip


def _narrower(answer: Answer, syndrome: str, least: int, most: int) -> tuple[datetime | None, bool]:
    """Since when a grade may have been this high, and whether it was told as lower while it was at least this."""
    since: datetime | None = None
    course = [one for one in answer.course if one.syndrome == syndrome and one.scale == ASTCT]
    for one in reversed(course):
        if one.at_least < least:
            return since, False
        if one.at_most < most:
            return since, True
        since = one.at if one.at_most >= most and one.at_least != one.at_most else since
    return since, False


# ---------------------------------------------------------------- look-alikes and what is due


def _alarms(look: Look, held: Sequence[Held], words: Spelling) -> list[Sign]:
    """The alarms of recognition that hold, and those told before whose finding has only grown old."""
    made = {sign.about: sign for sign in (_alarm(one, look, words) for one in look.lookalikes.get("alarms", []))}
    return [*made.values(), *cannot_tell([one for one in held if one.about not in made], look)]


def _alarm(one: dict[str, Any], look: Look, words: Spelling) -> Sign:
    """One alarm, resting on what was charted."""
    found = one["because"]
    at = datetime.fromisoformat(found["at"])
    name = stands_as(found["quantity"])
    charted = _charted(look.findings, name, at) if name != found["quantity"] else found["value"]
    unit = quantities()[name].unit if name in quantities() else None
    because = Basis(quantity=name, at=at, value=charted, unit=unit)
    low = one["id"] in HYPOXIA
    kind: Kind = "untreated-hypoxia" if low else "look-alike"
    shown = words.basis(because) if name in quantities() else f"since {words.time(at)}"
    said = words.text(one["title"], [shown], f"; {found['reason']}")
    return Sign(about=_LOW if low else f"alarm/{one['id']}", kind=kind, at_least=1, at_most=1, since=at, says=said,
                because=(because, *(_support(look, at) if low else ())), source=found["source"])  # fmt: skip


def _support(look: Look, at: datetime) -> tuple[Basis, ...]:
    """The room air that a low saturation was charted on: corrected to oxygen, there was no untreated hypoxia."""
    device = standing(look.findings, at).get("oxygen-device")
    return () if device is None else (Basis(quantity="oxygen-device", at=device.at, value=device.text),)


def cannot_tell(held: Iterable[Held], look: Look) -> list[Sign]:
    """What was told of an alarm that is not raised now and of which nothing newer was charted.

    Oxygen that is charted after a low saturation is such news: it is treated, whatever the next saturation will be.
    """
    kept = []
    for one in held:
        names = tuple({basis.quantity for basis in one.because if basis.quantity in quantities()} - {"oxygen-device"})
        last = newest_at(look.findings, names, look.at) if names else None
        told = max((basis.at for basis in one.because if basis.quantity in names), default=look.at)
        if one.about == _LOW and _treated(look, told):
            continue
        if one.about.startswith("alarm/") and last is not None and last <= told:
            kept.append(Sign(about=one.about, kind=one.kind, at_least=0, at_most=one.level, source="", missing=names,
                             says="Nothing newer was charted"))  # fmt: skip
    return kept


def _treated(look: Look, since: datetime) -> bool:
    """Whether oxygen was charted after a moment."""
    device = standing(look.findings, look.at).get("oxygen-device")
    return device is not None and device.text != "room-air" and device.at > since


def _overdue(look: Look, words: Spelling, wait_s: float) -> list[Sign]:
    """Checks past their interval, once for each set of quantities, by the source whose interval ran out first.

    An interval that is only recalled is told to nobody; no board shows it either.
    """
    lines = {line.id: line for line in monitoring().watch}
    late: dict[tuple[str, ...], Check] = {}
    for check in look.watched.checks:
        said = (check.overdue_hours or 0.0) * span_s(hours=1) >= wait_s
        told = check.id not in NOT_TOLD and check.evidence != "recalled"
        if check.state == "overdue" and check.applies and said and told:
            late.setdefault(tuple(sorted(_asked(lines[check.id]))), check)
    return [_late(check, lines[check.id], words) for check in late.values()]


def _late(check: Check, line: Watch, words: Spelling) -> Sign:
    """One overdue check; overdue by a whole interval is worse."""
    over = check.overdue_hours or 0.0
    level = 2 if line.every_hours is not None and over >= line.every_hours else 1
    last = f"last at {words.time(check.last_at)}" if check.last_at else "none since the dose"
    head = f"{check.title} overdue" + (f" since {words.time(check.next_at)}" if check.next_at else "")
    said = words.text(head, [last, f"every {line.every_hours:g} h ({check.source})"])
    asked = tuple(_asked(line))
    return Sign(about=f"check/{check.id}", kind="overdue-check", at_least=level, at_most=level, says=said,
                since=check.next_at, missing=asked, covers=frozenset(asked), source=check.source)  # fmt: skip


def _asked(line: Watch) -> tuple[str, ...]:
    """The quantities of a check."""
    return (*line.quantities, *line.any_of)


# ---------------------------------------------------------------- the record


def newest_at(findings: pa.Table, names: Sequence[str], at: datetime) -> datetime | None:
    """When one of some quantities was last measured, up to a moment; what was taken back does not count."""
    wanted = pc.and_(
        pc.is_in(findings["quantity"], pa.array(names, pa.string())), pc.not_equal(findings["status"], "withdrawn")
    )
    wanted = pc.and_(wanted, pc.less_equal(findings["measured_at"], pa.scalar(at, findings["measured_at"].type)))
    found: datetime | None = pc.max(findings.filter(wanted)["measured_at"]).as_py()
    return found


def _charted(findings: pa.Table, name: str, at: datetime) -> float | None:
    """The number charted then, where it is exact."""
    same = pc.and_(
        pc.equal(findings["quantity"], name),
        pc.equal(findings["measured_at"], pa.scalar(at, findings["measured_at"].type)),
    )
    rows = [row for row in findings.filter(same).to_pylist() if row["status"] != "withdrawn"]
    last = max(rows, key=lambda row: (row["version"] or "", row["received_at"] or at), default=None)
    return None if last is None or last["low"] != last["high"] else last["low"]


def span_s(*, hours: float) -> float:
    """Hours in seconds."""
    return timedelta(hours=hours).total_seconds()
