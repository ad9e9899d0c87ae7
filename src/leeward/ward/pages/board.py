"""The ward at a glance: each patient's row in words, sorted by need, and the filters that hide some of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from threading import Lock
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import msgspec

from leeward.report import words
from leeward.report.clock import Clock, seconds
from leeward.report.grades import lacks
from leeward.ward.access import Person
from leeward.ward.alerts.alert import Alert
from leeward.ward.arrivals import Held
from leeward.ward.look import Look
from leeward.ward.pages.paper import ago, since_dose, wall
from leeward.ward.row import Due, Lane, Left, Row, read, row_of
from leeward.ward.standing import Seen

if TYPE_CHECKING:
    from leeward.ward.world import World

SHOWS = {
    "": "everybody", "grade-2": "grade 2 or more for sure", "missing": "something is missing",
    "risen": "grade has risen", "overdue": "a check is overdue", "untold": "an alert nobody has seen",
}  # fmt: skip
"""What the board can be narrowed to."""
GRADE_2 = 2
EVERYBODY = "silent/all"
"""What an alert is about where nothing is received of anybody."""
UNHEARD = ("silent/patient", EVERYBODY)
"""What an alert is about where nothing is received of a patient."""
NEVER = "nothing was ever received"
WAYS = {"up": ("↑", "risen"), "down": ("↓", "fallen"), "wider": ("↔", "less sure"), "narrower": ("→", "surer")}
"""How a range went, as a sign and as a word: neither stands alone."""
DRUGS_SHOWN = 4
OTHERWISE_SHOWN = 2


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """A figure in a cell, and the moment its age is counted from; `warn`: it is missing or too late."""

    figure: str
    at: datetime | None = None
    age: str = ""
    small: str = ""
    title: str = ""
    warn: bool = False


class Chip(msgspec.Struct, frozen=True, kw_only=True):
    """A grade in a cell: its range, which way it went and since when, what is missing."""

    at_least: int | None
    at_most: int | None
    since: str = ""
    sign: str = ""
    way: str = ""
    small: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One row as a template shows it."""

    handle: str
    unit: str
    bed: str
    label: str
    graded_at: datetime | None = None
    therapy: str = ""
    since: str = ""
    crs: Chip | None = None
    icans: Chip | None = None
    temperature: Told | None = None
    pressure: Told | None = None
    oxygen: Told | None = None
    saturation: Told | None = None
    given: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    otherwise: tuple[str, ...] = ()
    alarms: tuple[str, ...] = ()
    due: tuple[Told, ...] = ()
    refused: int = 0
    untold: int = 0
    unheard: str = ""
    tags: tuple[str, ...] = ()
    need: tuple[float | str, ...] = ()


_LINES: WeakKeyDictionary[World, dict[str, tuple[tuple[object, ...], Line]]] = WeakKeyDictionary()
"""What was last shown of each patient of a ward, and from what."""
MINUTE_S = 60


def together(world: World, person: Person) -> list[tuple[Held, Line]]:
    """Everybody on the ward whom somebody may see, each with their row, by need.

    Worked out once for all boards that ask between two events, and anew each second of the ward.
    """
    mark = (world.store.last_event(), int(world.clock.now().timestamp()))
    with _TURN:
        before = _TOGETHER.get(world)
        if before is None or before[0] != mark:
            held = {one.handle: one for one in world.present()}
            made = [(held[line.handle], line) for line in lines(world, held.values())]
            before = _TOGETHER[world] = (mark, made)
    return [(one, line) for one, line in before[1] if person.may_see(frozenset({one.patient}), one.unit)]


_TOGETHER: WeakKeyDictionary[World, tuple[tuple[int, int], list[tuple[Held, Line]]]] = WeakKeyDictionary()
_TURN = Lock()


def present(world: World, person: Person) -> list[Held]:
    """Who is on the ward and theirs to see."""
    return [one for one in world.present() if person.may_see(frozenset({one.patient}), one.unit)]


def lines(world: World, people: Iterable[Held]) -> list[Line]:
    """Rows in words, by need. A row of which nothing changed is remembered for a minute: ages are told in minutes."""
    held = list(people)
    now = world.clock.now()
    kept = world.store.board([one.patient for one in held])
    by: dict[str | None, list[Alert]] = {}
    for alert in world.alerts.open():
        by.setdefault(alert.patient, []).append(alert)
    of_all = [one for one in by.get(None, []) if _of_all(one)]
    remembered = _LINES.setdefault(world, {})
    made = []
    for one in held:
        mine = [*by.get(one.patient, []), *of_all]
        mark = (kept.get(one.patient), one, tuple(mine), int(now.timestamp()) // MINUTE_S)
        before = remembered.get(one.handle)
        if before is None or before[0] != mark:
            row = read(kept[one.patient]) if one.patient in kept else None
            before = remembered[one.handle] = (mark, told(world, one, row, mine, now))
        made.append(before[1])
    for handle in remembered.keys() - {one.handle for one in held} if len(remembered) > 2 * len(held) else ():
        del remembered[handle]
    return sorted(made, key=lambda one: one.need)


def told(world: World, held: Held, row: Row | None, alerts: Sequence[Alert], now: datetime) -> Line:
    """One patient's row in words, at a moment; `alerts`: those that are open."""
    waiting = Counter(one.kind_class for one in alerts if one.told == "untold" and one.patient)
    bed = held.bed or "–"
    label = held.label or "not named"
    unheard = _unheard(alerts, wall(world, now)) or (NEVER if row is not None and not row.heard else "")
    untold, first = waiting.total(), (int(not unheard), int(not waiting["physiological"]))
    if row is None:
        return Line(handle=held.handle, unit=held.unit or "", bed=bed, label=label, untold=untold, unheard=unheard,
                    need=(2.0, 0.0, 0.0, *first, bed))  # fmt: skip
    clock = wall(world, now, row.dose_at)
    crs, icans = _chip(row.crs, clock, now, row.supported), _chip(row.icans, clock, now)
    return Line(
        handle=held.handle, unit=held.unit or "", bed=bed, label=label, graded_at=row.at, therapy=_therapy(row),
        since=since_dose(row.dose_at, now) if row.dose_at else "", crs=crs, icans=_scored(icans, row, now),
        temperature=_temperature(row, now), pressure=_pressure(row, now), oxygen=_oxygen(row, now),
        saturation=_figure(row.saturation, now), given=_given(row, now), left=_left(row, clock, now),
        otherwise=tuple(row.otherwise), alarms=tuple(row.alarms), due=tuple(_due(one, clock, now) for one in row.due),
        refused=row.refused, untold=untold, unheard=unheard, tags=_tags(row, untold, now),
        need=(*row.need[:3], *first, *row.need[3:], bed),
    )  # fmt: skip


def fresh(world: World, look: Look, held: Held) -> Line:
    """A patient's row as a look of this moment has it, what is left of doses included; alerts are not in it."""
    return told(world, held, msgspec.convert(row_of(look, None), Row), [], look.at)


def silence(world: World, patient: str) -> str:
    """Since when nothing is received of a patient, or of anybody; nothing where the patient is heard."""
    told_of = [one for one in world.alerts.open() if one.patient == patient or _of_all(one)]
    return _unheard(told_of, wall(world))


def _of_all(alert: Alert) -> bool:
    """Whether it says that nothing is received of anybody."""
    return alert.patient is None and any(sign.about == EVERYBODY for sign in alert.signs)


def _unheard(alerts: Sequence[Alert], clock: Clock) -> str:
    """Since when nothing is received, of the patient or of anybody; nothing where the patient is heard."""
    silent = [(sign.since, one.patient) for one in alerts for sign in one.signs
              if sign.about in UNHEARD and sign.since]  # fmt: skip
    if not silent:
        return ""
    since, patient = min(silent, key=lambda one: one[0])
    return f"nothing received {'' if patient else 'of any patient '}since {clock.short(seconds(since))}"


def _tags(row: Row, untold: int, now: datetime) -> tuple[str, ...]:
    """By which filters the row stays."""
    lanes = (row.crs, row.icans)
    held = {
        "grade-2": any((lane.at_least or 0) >= GRADE_2 for lane in lanes),
        "missing": any(lane.missing for lane in lanes),
        "risen": any(lane.way == "up" for lane in lanes),
        "overdue": any(one.sure and one.at < now for one in row.due),
        "untold": bool(untold),
    }
    return tuple(name for name, holds in held.items() if holds)


def _therapy(row: Row) -> str:
    """The product, with the number of its dose where there were several."""
    if row.product is None:
        return ""
    return f"{row.product}, dose {row.doses}" if row.doses > 1 else row.product


def _chip(lane: Lane, clock: Clock, now: datetime, supported: int = 0) -> Chip:
    """A syndrome's grade, how long it has been so, and what is missing; `supported`: what it would be with a fever."""
    if lane.at_least is None:
        return Chip(at_least=None, at_most=None, small=("no therapy on record",))
    stood = [f"{words.span((now - lane.since).total_seconds())} at {words.grade(lane.at_least, lane.at_most)}"] if (
        lane.since) else []  # fmt: skip
    stood += [f"{words.grade(*lane.was)} before"] if lane.was is not None else []
    small = [", ".join(stood)] if stood else []
    if lane.stood is not None and lane.stood > lane.at_least:
        small.append(f"{lane.stood} was sure, and nothing rules it out")
    if supported > max(lane.at_least, lane.stood or 0):
        small.append(f"{supported} with a fever")
    if lane.corrected is not None and lane.corrected_at is not None:
        shown = clock.short(seconds(lane.corrected_at))
        small.append(f"corrected: {words.grade(*lane.corrected)} was shown until {shown}")
    sign, way = WAYS[lane.way] if lane.way else ("", "")
    since = clock.short(seconds(lane.since)) if lane.since else ""
    return Chip(at_least=lane.at_least, at_most=lane.at_most, sign=sign, way=way, since=since, small=tuple(small),
                missing=_missing(lane, clock))  # fmt: skip


def _missing(lane: Lane, clock: Clock) -> tuple[str, ...]:
    """What is missing in words; things missing for equally long share a sentence."""
    by_tail: dict[str, list[str]] = {}
    for one in lane.missing:
        said = lacks(one.quantity, seconds(one.since) if one.since else None, one.text, clock)
        held = words.quantity(one.quantity)
        name = held.lack or held.name
        tail = said.removeprefix(name) if said.startswith(name) else ""
        by_tail.setdefault(tail, []).append(name if tail else said)
    return tuple(words.listed(names) + tail for tail, names in by_tail.items())


def _scored(chip: Chip, row: Row, now: datetime) -> Chip:
    """The grade of ICANS with the score it rests on."""
    if row.score is None or row.score.low is None:
        return chip
    name = "ICE" if row.score.quantity == "ice-score" else "CAPD"
    said = f"{name} {words.between(row.score.quantity, row.score.low, row.score.high)}, {ago(row.score.at, now)}"
    return msgspec.structs.replace(chip, small=(said, *chip.small))


def _figure(seen: Seen | None, now: datetime) -> Told | None:
    """A number with its unit and age."""
    if seen is None:
        return None
    figure = words.between(seen.quantity, seen.low, seen.high) or seen.text or "on record"
    return Told(figure=words.measure(figure, words.unit_of(seen.quantity)), at=seen.at, age=ago(seen.at, now))


def _temperature(row: Row, now: datetime) -> Told:
    """The last temperature, and whether it no longer counts."""
    seen = _figure(row.temperature, now)
    late = any(one.quantity == "body-temperature" for one in row.crs.missing)
    return msgspec.structs.replace(seen, warn=late) if seen else Told(figure="never charted", warn=True)


def _pressure(row: Row, now: datetime) -> Told:
    """The last pressure, with the vasopressors that run."""
    drugs = [
        words.measure(
            f"{words.quantity(one.quantity).name} {words.between(one.quantity, one.low, one.high)}".strip(),
            words.unit_of(one.quantity) if one.low is not None else "",
        )
        for one in row.vasopressors
    ]
    small = "; ".join(drugs)
    held = row.pressure
    late = any(one.quantity == "systolic-bp" for one in row.crs.missing)
    if held is None:
        return Told(figure="never charted", small=small, warn=True)
    both = "/".join("–" if one is None else words.number(one) for one in (held.systolic, held.diastolic))
    figure = both if both != "–/–" else f"mean {words.number(held.mean or 0)}"
    return Told(figure=figure, at=held.at, age=ago(held.at, now), small=small, warn=late)


def _oxygen(row: Row, now: datetime) -> Told:
    """The device with its flow and fraction; what is missing in words."""
    lack = next((one for one in row.crs.missing if one.quantity in ("oxygen-device", "oxygen-flow")), None)
    if row.device is None and row.flow is None:
        return Told(figure="never charted" if lack else "not charted", warn=True)
    device = words.device(row.device.text).name if row.device else "oxygen"
    more = [
        words.measure(words.between(one.quantity, one.low, one.high), words.unit_of(one.quantity))
        for one in (row.flow,)
        if one is not None and one.high
    ]
    more += [f"FiO2 {words.between('fio2', row.fio2.low, row.fio2.high)}"] if row.fio2 else []
    at = max(one.at for one in (row.device, row.flow) if one is not None)
    return Told(figure=" ".join([device, *more]), at=at, age=ago(at, now), warn=lack is not None)


def _given(row: Row, now: datetime) -> tuple[str, ...]:
    """Drugs and how often, the last time of each."""
    said = [
        f"{words.quantity(one.drug).name} {one.times}{' times' if one.times > 1 else ' time'}, {ago(one.last_at, now)}"
        for one in row.given
    ]
    return (*said[:DRUGS_SHOWN], *([f"and {len(said) - DRUGS_SHOWN} more"] if len(said) > DRUGS_SHOWN else []))


def _left(row: Row, clock: Clock, now: datetime) -> tuple[str, ...]:
    """What a source's limits leave of a drug already given, or of the one it names first."""
    known = {one.drug for one in row.given}
    shown = [one for one in row.left if one.drug in known] or list(row.left[:1])
    return tuple(_left_said(one, clock, now) for one in shown)


def _left_said(one: Left, clock: Clock, now: datetime) -> str:
    """One drug's."""
    parts = [f"{one.doses} of the episode left"] if one.doses is not None else []
    if one.earliest is not None and one.earliest > now:
        parts.append(f"next not before {clock.short(seconds(one.earliest))}")
    return f"{one.drug}: {', '.join(parts) or 'no limit holds it back'} ({one.source})"


def _due(one: Due, clock: Clock, now: datetime) -> Told:
    """One check: when it is due, what of it was never charted, or for how long it has been overdue."""
    late_s = (now - one.at).total_seconds()
    when = [f"{_names(one.never)} never charted"] if one.never else []
    when += [f"{_names(one.not_since)} not charted since the therapy"] if one.not_since else []
    if late_s <= 0:
        when = [f"due {clock.short(seconds(one.at))}"]
    elif not when:
        when = [f"overdue {words.span(late_s)}"]
    sure = "" if one.sure else "; may apply"
    return Told(title=one.title, figure=f"{one.title}: {'; '.join(when)}", small=f"{one.source}{sure}",
                warn=late_s > 0 and one.sure)  # fmt: skip


def _names(lacking: tuple[str, ...]) -> str:
    """What a check lacks, in words; one of several would do where they are joined by "or"."""
    return words.listed([" or ".join(words.quantity(name).name for name in one.split(" or ")) for one in lacking])
