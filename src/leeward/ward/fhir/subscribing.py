"""Subscriptions that others have with us: told of every change of a grade, by address only, through the webhooks.

A Subscription is `requested` until its receiver has taken a handshake, then `active`; in `error` while messages to it
fail, until one goes through; `off` once its own end has come.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import msgspec
from sqlalchemy import Connection, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from leeward.scales.older_crs import ASTCT
from leeward.ward import tables as t
from leeward.ward.alerts.rows import queue, writing
from leeward.ward.arrivals import Arrival
from leeward.ward.fhir import notices
from leeward.ward.fhir import posted as p
from leeward.ward.fhir.out.course import GRADE, KINDS, short, spelt
from leeward.ward.fhir.outcomes import unfit
from leeward.ward.resources import Kept, Overtaken, Resources, Version, keep
from leeward.ward.rows import moment
from leeward.ward.settings import Webhook
from leeward.ward.worker import Worker

if TYPE_CHECKING:
    from leeward.ward.fhir.desk import Desk
    from leeward.ward.world import World

KIND = "Subscription"
STATE = "fhir-subscriptions"
"""Under which name the number of the last answer is remembered of which receivers were told."""
USUAL = (f"{ASTCT}-crs", f"{ASTCT}-icans")
"""The scales that are told of where none is asked for."""
ENDED = "ended"
"""What a message is that waited when its Subscription ended: it is sent to nobody."""


class Subscribing:
    """Keeps Subscriptions, and queues what their receivers are told."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._resources = Resources(world.engine)
        self._worker = Worker("subscriptions", self.once, world.settings.number("feed", "poll_ms") / 1000)

    # ------------------------------------------------------------ kept

    def create(self, desk: Desk, body: bytes) -> Version:
        """A new Subscription, for grades and to a listed address; its receiver is sent a handshake. Raises Unfit."""
        one = p.parsed(body, extra=KIND)
        self._checked(one.said)
        if len(self._resources.of_kind(KIND)) >= self._world.settings.number("fhir", "subscriptions_most"):
            raise unfit(422, "too-costly", "There are as many Subscriptions as there may be.")
        one.put("status", "requested")
        id_ = "s" + p.digest(one.said).hex()
        one.put("id", id_)
        held = self._resources.current(KIND, id_)
        if held is None or held.deleted:
            self._keep(desk, id_, one.body, p.digest(one.said), deleted=False)
            held = self.read(id_)
            self._shake_hands(held)
        return held

    def read(self, id_: str) -> Version:
        """A Subscription. Raises Unfit."""
        held = self._resources.current(KIND, id_)
        if held is None:
            raise unfit(404, "not-found", "There is nothing here.")
        if held.deleted:
            raise unfit(410, "deleted", "It was ended.")
        return held

    def end(self, desk: Desk, id_: str) -> None:
        """End a Subscription; what still waits for its receiver is not sent. Raises Unfit."""
        held = self.read(id_)
        self._keep(desk, id_, held.body, held.digest, deleted=True)
        with writing(self._world.engine) as connection:
            waits = _of(held) & t.outbox.c.delivered_at.is_(None)
            connection.execute(update(t.outbox).where(waits).values(next_at=None, kind=ENDED))

    def state(self, id_: str) -> dict[str, Any]:
        """How a Subscription stands, as $status tells it. Raises Unfit."""
        held, home = self.read(id_), f"{self._world.access.home}/fhir"
        said = notices.status(home, held.reference, "query-status", _status(held), self._told(held))
        return {"resourceType": "Bundle", "type": "searchset", "total": 1,
                "entry": [{"resource": said, "search": {"mode": "match"}}]}  # fmt: skip

    def _keep(self, desk: Desk, id_: str, body: bytes, digest: bytes, *, deleted: bool) -> None:
        number = len(self._resources.history(KIND, id_)) + 1
        kept = Kept(kind=KIND, id=id_, version=number, ordered=p.stamp(self._world.clock.now()), digest=digest,
                    body=body, deleted=deleted)  # fmt: skip
        by = self._world.access.person_of(desk.request).id
        self._world.intake.take(Arrival(door="fhir", source=desk.feed(), by=by), [], [], [kept])

    def _checked(self, said: dict[str, Any]) -> None:
        """Raises Unfit for what is not told, or to whom."""
        path, _, query = str(said.get("criteria") or "").partition("?")
        asked = dict(parse_qsl(query))
        if path != "Observation" or asked.pop("category", "").rpartition("|")[2] != GRADE or set(asked) - {"code"}:
            says = f"Grades are told: Observation?category={GRADE}, with code where one scale is wanted."
            raise unfit(422, "not-supported", says, "Subscription.criteria")
        if "end" in said and not p.is_instant(said["end"]):
            raise unfit(422, "value", "The end is no instant with an offset.", "Subscription.end")
        channel = said.get("channel")
        channel = channel if isinstance(channel, dict) else {}
        if channel.get("type") != "rest-hook" or channel.get("payload") not in (None, "application/fhir+json"):
            raise unfit(422, "not-supported", "The channel is rest-hook, with FHIR as JSON.", "Subscription.channel")
        if notices.content(channel) not in (None, *notices.CONTENTS):
            says = "A notice names what changed (id-only) or nothing (empty); values are read at their addresses."
            raise unfit(422, "not-supported", says, "Subscription.channel.payload.extension")
        if channel.get("header"):
            says = "No headers of the sender's are kept, for they may hold secrets; what is sent is signed."
            raise unfit(422, "not-supported", says, "Subscription.channel.header")
        if channel.get("endpoint") not in {hook.url for hook in self._world.settings.webhooks}:
            says = "The address is none of the receivers that the centre lists."
            raise unfit(422, "security", says, "Subscription.channel.endpoint")

    # ------------------------------------------------------------ told

    @asynccontextmanager
    async def life(self, _app: Any) -> AsyncIterator[None]:
        """Watch for new answers while the application runs, where there is anybody to tell."""
        if self._world.settings.webhooks:
            self._worker.start()
        yield
        self._worker.stop()

    def once(self) -> int:
        """Queue what is new for every Subscription; how many messages it was."""
        now, queued = self._world.clock.now(), 0
        subscriptions = [self._settled(held) for held in self._resources.of_kind(KIND)]
        with writing(self._world.engine) as connection:
            new = _decisions(connection, self._before(connection))
            if not new:
                return 0
            units = {one.patient: one.unit for one in self._world.store.held([row.patient for row in new])}
            for held in (one for one in subscriptions if _status(one) != "off" and _is_met(connection, one)):
                since = self._asked_at(held)
                for row in new:
                    if moment(row.decided_at) >= since:
                        queued += self._queue(connection, held, row, units.get(row.patient), now)
            self._remember(connection, new[-1].seq)
        if queued:
            self._world.alerts.send()
        return queued

    def _before(self, connection: Connection) -> int:
        """The last answer of which receivers were told."""
        found = connection.execute(select(t.alert_states.c.state).where(t.alert_states.c.subject == STATE)).scalar()
        return 0 if found is None else int(msgspec.json.decode(found))

    def _remember(self, connection: Connection, seq: int) -> None:
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        row = {"subject": STATE, "state": msgspec.json.encode(seq)}
        made = dialect.insert(t.alert_states).values(row)
        connection.execute(made.on_conflict_do_update(index_elements=["subject"], set_={"state": row["state"]}))

    def _queue(self, connection: Connection, held: Version, row: Any, unit: str | None, at: datetime) -> int:
        """One answer for one Subscription, where it is of the receiver's units."""
        said, hook = msgspec.json.decode(held.body), self._receiver(held)
        if hook is None or (hook.units and unit is not None and unit not in hook.units):
            return 0
        code = dict(parse_qsl(said["criteria"].partition("?")[2])).get("code", "").rpartition("|")[2]
        body = self._notice(held, [code] if code else list(USUAL), row.handle, moment(row.decided_at))
        queue(connection, None, f"{held.reference}/{row.seq}", [hook.name], "grades", body, at)
        return 1

    def _receiver(self, held: Version) -> Webhook | None:
        """The receiver that a Subscription names, while the centre lists it."""
        url = msgspec.json.decode(held.body)["channel"]["endpoint"]
        return next((hook for hook in self._world.settings.webhooks if hook.url == url), None)

    def _notice(self, held: Version, scales: list[str], handle: str, at: datetime) -> msgspec.Raw:
        """What one receiver is told of one answer, as far as it asked: the addresses of the grades, and no value."""
        home, number = f"{self._world.access.home}/fhir", self._told(held) + 1
        ids = [f"lw{KINDS['Observation']}.{short(scale)}.{handle}.{spelt(at)}" for scale in scales]
        asked = notices.content(msgspec.json.decode(held.body)["channel"])
        addresses = [f"{home}/Observation/{id_}" for id_ in ids] if asked == "id-only" else []
        events = [(number, at, address) for address in addresses]
        said = notices.status(home, held.reference, "event-notification", "active", number, events)
        return notices.body(asked, notices.bundle(home, held.reference, said, self._world.clock.now(), addresses))

    # ------------------------------------------------------------ how it goes

    def _shake_hands(self, held: Version) -> None:
        """Ask the receiver whether it is there; until it has answered, nothing else is sent."""
        home, hook, now = f"{self._world.access.home}/fhir", self._receiver(held), self._world.clock.now()
        asked = notices.content(msgspec.json.decode(held.body)["channel"])
        said = notices.status(home, held.reference, "handshake", "requested", 0)
        body = notices.body(asked, notices.bundle(home, held.reference, said, now))
        with writing(self._world.engine) as connection:
            queue(
                connection,
                None,
                f"{held.reference}/{held.version}",
                [hook.name] if hook else [],
                "handshake",
                body,
                now,
            )
        self._world.alerts.send()

    def _asked_at(self, held: Version) -> datetime:
        """When it was asked for, last."""
        return max(one.received_at for one in self._resources.history(KIND, held.id) if _status(one) == "requested")

    def _told(self, held: Version) -> int:
        """How many notices there have been since it was asked for."""
        c = t.outbox.c
        with self._world.engine.connect() as connection:
            first = select(func.max(c.seq)).where(_of(held) & (c.kind == "handshake")).scalar_subquery()
            asked = select(func.count()).where(_of(held) & (c.kind == "grades") & (c.seq > first))
            return int(connection.execute(asked).scalar_one())

    def _settled(self, held: Version) -> Version:
        """A Subscription as it stands by what became of its messages; another state than before is written down."""
        before, said = _status(held), msgspec.json.decode(held.body)
        state, error = self._became(held, before)
        if "end" in said and datetime.fromisoformat(said["end"]) <= self._world.clock.now():
            state, error = "off", None
        if state == before:
            return held
        said |= {"status": state} | ({"error": error} if error else {})
        if error is None:
            said.pop("error", None)
        kept = Kept(kind=KIND, id=held.id, version=held.version + 1, ordered=p.stamp(self._world.clock.now()),
                    digest=p.digest(said), body=msgspec.json.encode(said))  # fmt: skip
        with suppress(Overtaken), writing(self._world.engine) as connection:  # another worker has written it down
            keep(connection, [kept], {}, self._world.clock.now())
        return self._resources.current(KIND, held.id) or held

    def _became(self, held: Version, before: str) -> tuple[str, str | None]:
        """The state that its messages say, and in error what failed."""
        c, tries = t.outbox.c, self._world.settings.number("fhir", "subscription_tries")
        asked = select(c.seq, c.kind, c.attempts, c.next_at).where(_of(held) & c.delivered_at.is_(None))
        with self._world.engine.connect() as connection:
            waits = [row for row in connection.execute(asked) if row.kind != ENDED]
            failed = [row for row in waits if row.attempts > tries]  # the last one may be under way
            last = max((row.seq for row in failed), default=0)
            later = select(func.count()).where(_of(held) & c.delivered_at.is_not(None) & (c.seq > last))
            through = bool(failed) and bool(connection.execute(later).scalar_one())
        if self._receiver(held) is None:
            return "error", "The centre no longer lists this address."
        if [row for row in failed if row.next_at is not None or not through]:
            return (
                "error",
                f"Not accepted by the receiver after {tries:g} attempts; it is tried on, as a webhook is.",
            )
        if before == "requested" and [row for row in waits if row.kind == "handshake"]:
            return before, None
        return "active", None


def _of(held: Version) -> Any:
    """The condition that a message is one of a Subscription's."""
    return t.outbox.c.alert.is_(None) & t.outbox.c.key.startswith(f"{held.reference}/", autoescape=True)


def _is_met(connection: Connection, held: Version) -> bool:
    """Whether the receiver has taken the handshake of the last time it was asked for."""
    c = t.outbox.c
    asked = select(c.delivered_at).where(_of(held) & (c.kind == "handshake")).order_by(c.seq.desc()).limit(1)
    return connection.execute(asked).scalar() is not None


def _status(held: Version) -> str:
    """requested, active, error or off."""
    return str(msgspec.json.decode(held.body)["status"])


def _decisions(connection: Connection, seq: int) -> list[Any]:
    """What was answered after a decision: number, moment, and whose, in order."""
    c = t.decisions.c
    asked = select(c.seq, c.decided_at, t.patients.c.handle, t.patients.c.patient)
    asked = asked.join(t.patients, t.patients.c.seq == c.patient_key).where(c.seq > seq).order_by(c.seq)
    return list(connection.execute(asked).all())
