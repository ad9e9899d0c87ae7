"""The book of alerts: hears of every look, keeps what the machine tells, and answers who has been told of what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, or_, select

from leeward.knowledge import edition
from leeward.ward import firing
from leeward.ward import tables as t
from leeward.ward.alerts import escalation, feeds, rows, rules
from leeward.ward.alerts.alert import Alert
from leeward.ward.alerts.courier import Courier
from leeward.ward.alerts.machine import consider
from leeward.ward.alerts.marked import marked
from leeward.ward.alerts.reading import LOOKED, expected, signs
from leeward.ward.alerts.record import gone
from leeward.ward.alerts.signs import Change, Seen, Sign, State, Waits
from leeward.ward.alerts.telling import Subject, tell
from leeward.ward.alerts.words import Spelling
from leeward.ward.look import Look
from leeward.ward.rows import microseconds
from leeward.ward.worker import Worker

if TYPE_CHECKING:
    from leeward.ward.world import World

REMEMBERED_S = 10
"""For how long an alert that nothing became of is remembered as it was shown."""
FEEDS, RULES = frozenset({"silent", "backlog"}), frozenset({"firing"})
"""The parts of the ward as a whole that are looked at together."""
WATCH_EVERY_S = 1.0
"""How often it is asked whether somebody has waited too long; the waits themselves are set in knowledge."""


class Alerts:
    """What is told in one ward. Several workers may share a store: each change is told by whoever writes it first."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._number = world.settings.number
        self._feeds = feeds.Feeds(feeds.limits(self._number), feeds.named(world.settings))
        self._courier = Courier(world)
        self._behind: dict[str, float] = {}
        self._rules_on: date | None = None
        self.rules: list[firing.Chart] = []
        self._worker = Worker("alerts", self._watch, WATCH_EVERY_S)
        self._open: dict[int | None, tuple[tuple[object, ...], tuple[Alert, ...]]] = {}
        self._turn = Lock()

    def start(self) -> None:
        """Begin to send, to remind and to escalate."""
        self._courier.start()
        self._worker.start()

    def stop(self) -> None:
        """End, after what is being done."""
        self._worker.stop()
        self._courier.stop()

    def send(self) -> None:
        """Something waits for a receiver."""
        self._courier.tell()

    def _watch(self) -> int:
        """What time alone brings."""
        self.catch_up()
        if self._world.grader.passes:  # after a start the ward's own patients are graded first
            self.look_at_rules()
        self.escalate()
        return 0

    # ------------------------------------------------------------ in

    def consider(self, looks: Sequence[Look]) -> list[Change]:
        """Hear of looks at some patients: what is new is told, and on record when this returns."""
        if not looks:
            return []
        now = self._world.clock.now()
        for look in looks:
            self._feeds.note(look)
            if look.silent:
                self._behind[look.patient] = self._world.clock.monotonic()
        present = {held.patient: held for held in self._world.present()}
        self._feeds.forget(present)
        told = self._ward(looks, now)
        told += self._patients([look for look in looks if look.patient in present], now)
        self._leave(set(present), now)
        self.send()
        return told

    def _ward(self, looks: Sequence[Look], now: datetime) -> list[Change]:
        """The feeds of the whole ward, and a backlog."""
        with self._world.engine.connect() as connection:
            before = rows.states(connection, [rows.WARD]).get(rows.WARD, State())
        words = self._words(now)
        seen = tuple(self._feeds.ward(now, before.held, words) + feeds.backlog(looks, words))
        return self._keep({rows.WARD: (Subject(), seen, before, FEEDS)}, now)

    def look_at_rules(self) -> list[Change]:
        """Once a day: whether a rule has stopped or fires far too often, as its control chart of complete days says."""
        now = self._world.clock.now()
        if self._rules_on == now.date():
            return []
        self._rules_on, self.rules = now.date(), firing.charts(self._world.engine, self._number, now)
        loud = [one for one in self.rules if one.loud]
        if loud:
            said = [{"group": one.group, "of": one.of, "name": one.name, "says": one.says} for one in loud]
            self._world.store.add_event("control-charts", None, None, {"day": str(now.date()), "charts": said})
        with self._world.engine.connect() as connection:
            before = rows.states(connection, [rows.WARD]).get(rows.WARD, State())
        seen = tuple(rules.signs(loud, self._words(now)))
        told = self._keep({rows.WARD: (Subject(), seen, before, RULES)}, now)
        self.send()
        return told

    def _patients(self, looks: Sequence[Look], now: datetime) -> list[Change]:
        """Each patient's signs, under what the ward's own alerts already say."""
        with self._world.engine.connect() as connection:
            keys = rows.keys(connection, [look.patient for look in looks])
            before = rows.states(connection, [str(key) for key in keys.values()])
        words = self._words(now)
        asked = {}
        for look in looks:
            subject = Subject(patient_key=keys[look.patient], handle=look.held.handle if look.held else None,
                              unit=look.held.unit if look.held else None)  # fmt: skip
            state = before.get(str(subject), State())
            asked[str(subject)] = (subject, self._signs(look, state, now, words), state, look)
        return self._keep(asked, now)

    def _leave(self, present: set[str], now: datetime) -> None:
        """Close what is open of those who have left the ward, or turned out to be another."""
        with self._world.engine.connect() as connection:
            left = rows.remembered(connection) - present
        if left:
            with rows.writing(self._world.engine) as connection:
                escalation.leave(connection, rows.keys(connection, sorted(left)), now, self._most())

    def _signs(self, look: Look, before: State, now: datetime, words: Spelling) -> tuple[Sign, ...]:
        """What one look shows, its feed included."""
        wait_s = self._seconds("overdue_wait_minutes")
        made = signs(look, before.held, words, wait_s)
        made += marked(look, words, lambda name: self._number("alerts", name))
        if expected(look):
            made += self._feeds.patient(look.patient, now, before.held, words)
        return tuple(made)

    def _keep(
        self, asked: Mapping[str, tuple[Subject, tuple[Sign, ...], State, Look | frozenset[str]]], now: datetime
    ) -> list[Change]:  # fmt: skip
        """What the machine says of each, written with what it remembers; the worst is told first."""
        waits, covered = self._waits(), self._covered() if rows.WARD not in asked else frozenset()
        with self._world.engine.connect() as connection:
            known = rows.acknowledged(connection, asked)
        seen = {key: _seen(signs, before, look, covered, known[key]) for key, (_, signs, before, look) in asked.items()}
        news = {key: consider(before, seen[key], now, waits) for key, (_, _, before, _) in asked.items()}
        new = sorted(key for key, (after, _) in news.items() if after != asked[key][2])
        if not new:
            return []
        with rows.writing(self._world.engine) as connection:
            rows.begin_states(connection, new)
            there = rows.states(connection, new, lock=True)
            told: list[tuple[Subject, Change]] = []
            for key in new:
                subject, made, _, look = asked[key]
                # another worker may have told of it meanwhile
                fresh = _seen(made, there[key], look, covered, known[key])
                after, changes = consider(there[key], fresh, now, waits)
                rows.save_state(connection, key, after)
                told += [(subject, change) for change in changes]
            told.sort(key=lambda one: (-one[1].level, one[1].what == "overtaken"))  # what overtakes is there first
            for subject, change in told:
                tell(connection, subject, change, self._world.settings, edition(), self._most())
        return [change for _, change in told]

    # ------------------------------------------------------------ out

    def of(self, patient: str) -> list[Alert]:
        """The alerts of one patient: open ones, and those that closed lately."""
        since = self._world.clock.now() - timedelta(hours=self._number("alerts", "shown_closed_hours"))
        return self._alerts((t.patients.c.patient == patient) & or_(~rows.is_closed(), rows.closed_since(since)))

    def open(self) -> list[Alert]:
        """Every alert that is open, those of the ward as a whole among them.

        Of patients of whom nothing was told since the last call, it is remembered: many boards ask, and few change.
        """
        now = self._world.clock.now()
        tick = int(now.timestamp() // REMEMBERED_S)  # whether one has waited too long changes by itself
        with self._turn, self._world.engine.connect() as connection:
            marks = {key: (tick, *mark) for key, mark in rows.marks(connection).items()}
            new = [key for key, mark in marks.items() if self._open.get(key, ((), ()))[0] != mark]
            for key, found in self._read(connection, new).items():
                self._open[key] = (marks[key], found)
            for key in self._open.keys() - marks.keys():
                del self._open[key]
            return sorted((one for _, held in self._open.values() for one in held), key=lambda one: one.id)

    def _read(self, connection: Connection, keys: Sequence[int | None]) -> dict[int | None, tuple[Alert, ...]]:
        """The open alerts of some patients, by their keys."""
        made: dict[int | None, tuple[Alert, ...]] = {}
        of = t.alerts.c.patient_key
        numbered = connection.execute(select(t.alerts.c.seq, of).where(~rows.is_closed())).all()
        whose: dict[int, int | None] = {row[0]: row[1] for row in numbered}
        named = [key for key in keys if key is not None]
        wanted = of.in_(named) | of.is_(None) if None in keys else of.in_(named)
        for one in self._told(connection, ~rows.is_closed() & wanted) if keys else ():
            made[whose[one.id]] = (*made.get(whose[one.id], ()), one)
        return made

    def untold(self, patients: Sequence[str]) -> dict[str, int]:
        """Of some patients, how many open alerts no receiver has accepted and nobody acknowledged."""
        asked = set(patients)
        return Counter(one.patient for one in self.open() if one.told == "untold" and one.patient in asked)

    def closed_lately(self) -> list[Alert]:
        """Alerts that were withdrawn, settled or overtaken lately: the next shift reads what became of them."""
        since = self._world.clock.now() - timedelta(hours=self._number("alerts", "shown_closed_hours"))
        return self._alerts(rows.closed_since(since))

    def one(self, alert_id: int) -> Alert | None:
        """One alert."""
        return next(iter(self._alerts(t.alerts.c.seq == alert_id)), None)

    def _alerts(self, wanted: object) -> list[Alert]:
        with self._world.engine.connect() as connection:
            return self._told(connection, wanted)

    def _told(self, connection: Connection, wanted: object) -> list[Alert]:
        """The alerts that meet a condition, as they are now."""
        return rows.alerts(connection, wanted, self._world.clock.now(), self._patience(), self._most())

    # ------------------------------------------------------------ what people do

    def acknowledge(self, alert_id: int, person: str) -> Alert | None:
        """Somebody has seen it; it goes no further. Nothing else is quieted."""
        self._done(alert_id, "acknowledged", person, None)
        return self.one(alert_id)

    def quiet(self, alert_id: int, person: str, until: datetime) -> Alert | None:
        """Nobody is reminded of this alert before then, at most as long as the ward allows; it ends by itself."""
        most = self._world.clock.now() + timedelta(minutes=self._number("alerts", "quiet_most_minutes"))
        self._done(alert_id, "quieted", person, min(until, most).isoformat())
        return self.one(alert_id)

    def _done(self, alert_id: int, what: str, person: str, said: str | None) -> None:
        """Write down what a person did, and let the boards know."""
        now = self._world.clock.now()
        with rows.writing(self._world.engine) as connection:
            found = self._told(connection, t.alerts.c.seq == alert_id)
            if not found or not found[0].open:
                return
            rows.add_event(connection, alert_id, what, now, person=person, said=said)
            escalation.announce(connection, found[0], f"alert-{what}", now)

    def shown(self, alert_ids: Sequence[int], person: str, what: str = "shown") -> None:
        """Alerts went out to somebody's open board: on record once for each person, and no proof that they saw it."""
        with self._world.engine.connect() as connection:
            new = set(alert_ids) - rows.having(connection, alert_ids, what, person)
        if not new:
            return
        now = self._world.clock.now()
        with rows.writing(self._world.engine) as connection:
            first = sorted(new - rows.having(connection, sorted(new), "shown"))
            for alert_id in sorted(new - rows.having(connection, sorted(new), what, person)):
                rows.add_event(connection, alert_id, what, now, person=person)
            escalation.announce_shown(connection, first if what == "shown" else [], now)

    def catch_up(self) -> None:
        """Have everybody of a backlog looked at together once nothing more of it comes: the worst is told first."""
        now_s = self._world.clock.monotonic()
        if self._behind and now_s - max(self._behind.values()) >= self._number("alerts", "catch_up_quiet_s"):
            self._world.store.mark(dict.fromkeys(self._behind, False))
            self._behind.clear()
            self._world.grader.tell()

    def escalate(self) -> None:
        """Tell the next receiver of what nobody acknowledged in time; remind of what was quieted, once that ends."""
        now = self._world.clock.now()
        before = microseconds(now - min(self._patience().values()))
        with self._world.engine.connect() as connection:
            wanted = ~rows.is_closed() & or_(t.alerts.c.opened_at <= before, t.alerts.c.opened_at > microseconds(now))
            waiting = self._told(connection, wanted)
        due = [one for one in waiting if escalation.is_due(one, now, self._patience(), self._world.settings)]
        if due:
            with rows.writing(self._world.engine) as connection:
                for one in due:
                    escalation.step(connection, one, now, self._world.settings, self._most())
            self.send()

    # ------------------------------------------------------------ numbers

    def _seconds(self, name: str) -> float:
        return timedelta(minutes=self._number("alerts", name)).total_seconds()

    def _most(self) -> int:
        return int(self._number("alerts", "text_most"))

    def _words(self, now: datetime) -> Spelling:
        return Spelling(now, ZoneInfo(self._world.settings.zone), self._most())

    def _waits(self) -> Waits:
        return Waits(
            settle_s=self._seconds("settle_minutes"), settle_grade_1_s=self._seconds("settle_grade_1_minutes"),
            settle_feed_s=self._seconds("settle_feed_minutes"), widened_s=self._seconds("widened_wait_minutes"),
            behind_s=self._number("alerts", "catch_up_most_s"),
        )  # fmt: skip

    def _patience(self) -> dict[str, timedelta]:
        return {"physiological": timedelta(minutes=self._number("alerts", "escalate_minutes")),
                "technical": timedelta(minutes=self._number("alerts", "escalate_technical_minutes"))}  # fmt: skip

    def _covered(self) -> frozenset[str]:
        """The quantities of which an open alert of the whole ward says that they are not seen."""
        with self._world.engine.connect() as connection:
            ward = rows.states(connection, [rows.WARD]).get(rows.WARD, State())
        return frozenset().union(*(held.covers for held in ward.held if held.alert is not None))


def _seen(
    signs: tuple[Sign, ...], before: State, look: Look | frozenset[str], covered: frozenset[str], known: frozenset[int]
) -> Seen:  # fmt: skip
    """Signs as the machine takes them, with those of the findings behind open alerts that no longer stand.

    look: at a patient, or the parts of the ward that were looked at.
    """
    if isinstance(look, frozenset):
        return Seen(signs=signs, looked=look, acknowledged=known)
    rest_on = {basis for held in before.held for basis in held.because}
    doses = [trigger.at for trigger in look.answer.triggers]
    lost = gone(rest_on, look.findings, doses, look.at) if rest_on else frozenset()
    return Seen(signs=signs, looked=LOOKED | {"silent"}, gone=lost, silent=look.silent, covered=covered,
                acknowledged=known)  # fmt: skip
