"""Subscriptions that others have with us: told of every change of a grade, by address only, through the webhooks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import msgspec
from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from leeward.scales.older_crs import ASTCT
from leeward.ward import tables as t
from leeward.ward.alerts.rows import queue, writing
from leeward.ward.arrivals import Arrival
from leeward.ward.fhir import posted as p
from leeward.ward.fhir.out.course import GRADE, KINDS, short, spelt
from leeward.ward.fhir.outcomes import unfit
from leeward.ward.resources import Kept, Resources, Version
from leeward.ward.rows import moment
from leeward.ward.worker import Worker

if TYPE_CHECKING:
    from leeward.ward.fhir.desk import Desk
    from leeward.ward.world import World

KIND = "Subscription"
STATE = "fhir-subscriptions"
"""Under which name the number of the last answer is remembered of which receivers were told."""
USUAL = (f"{ASTCT}-crs", f"{ASTCT}-icans")
"""The scales that are told of where none is asked for."""
PROFILE = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-subscription-status-r4"


class Subscribing:
    """Keeps Subscriptions, and queues what their receivers are told."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._resources = Resources(world.engine)
        self._worker = Worker("subscriptions", self.once, world.settings.number("feed", "poll_ms") / 1000)

    # ------------------------------------------------------------ kept

    def create(self, desk: Desk, body: bytes) -> Version:
        """A new Subscription, for grades and to a listed address only. Raises Unfit."""
        one = p.parsed(body, extra=KIND)
        self._checked(one.said)
        if len(self._resources.of_kind(KIND)) >= self._world.settings.number("fhir", "subscriptions_most"):
            raise unfit(422, "too-costly", "There are as many Subscriptions as there may be.")
        one.put("status", "active")
        id_ = "s" + p.digest(one.said).hex()
        one.put("id", id_)
        held = self._resources.current(KIND, id_)
        if held is None or held.deleted:
            self._keep(desk, id_, one.body, p.digest(one.said), deleted=False)
        made = self._resources.current(KIND, id_)
        assert made is not None
        return made

    def read(self, id_: str) -> Version:
        """A Subscription. Raises Unfit."""
        held = self._resources.current(KIND, id_)
        if held is None:
            raise unfit(404, "not-found", "There is nothing here.")
        if held.deleted:
            raise unfit(410, "deleted", "It was ended.")
        return held

    def end(self, desk: Desk, id_: str) -> None:
        """End a Subscription. Raises Unfit."""
        held = self.read(id_)
        self._keep(desk, id_, held.body, held.digest, deleted=True)

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
        channel = said.get("channel")
        channel = channel if isinstance(channel, dict) else {}
        if channel.get("type") != "rest-hook" or channel.get("payload") not in (None, "application/fhir+json"):
            raise unfit(422, "not-supported", "The channel is rest-hook, with FHIR as JSON.", "Subscription.channel")
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
        subscriptions = self._resources.of_kind(KIND)
        with writing(self._world.engine) as connection:
            before = self._before(connection)
            new = _decisions(connection, before)
            if not new:
                return 0
            units = {one.patient: one.unit for one in self._world.store.held([row.patient for row in new])}
            for row in new if subscriptions else ():
                for held in subscriptions:
                    if held.seq and moment(row.decided_at) >= held.received_at:
                        queued += self._queue(connection, held, row, units.get(row.patient), now)
            self._remember(connection, new[-1].seq)
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
        said = msgspec.json.decode(held.body)
        code = dict(parse_qsl(said["criteria"].partition("?")[2])).get("code", "").rpartition("|")[2]
        hooks = [
            hook for hook in self._world.settings.webhooks
            if hook.url == said["channel"]["endpoint"] and (not hook.units or unit is None or unit in hook.units)
        ]  # fmt: skip
        scales = [code] if code else list(USUAL)
        body = msgspec.Raw(self.notice(held, row.seq, scales, row.handle, moment(row.decided_at)))
        key = f"{held.reference}/{row.seq}"
        queue(connection, None, key, [hook.name for hook in hooks[:1]], "grades", body, at)
        return len(hooks[:1])

    def notice(self, held: Version, number: int, scales: list[str], handle: str, at: datetime) -> bytes:
        """What one receiver is told of one answer: the addresses of the grades, and no value."""
        home = f"{self._world.access.home}/fhir"
        status = {
            "resourceType": "Parameters", "meta": {"profile": [PROFILE]},
            "parameter": [
                {"name": "subscription", "valueReference": {"reference": f"{home}/{held.reference}"}},
                {"name": "status", "valueCode": "active"}, {"name": "type", "valueCode": "event-notification"},
                {"name": "events-since-subscription-start", "valueString": str(number)},
            ],
        }  # fmt: skip
        ids = [f"lw{KINDS['Observation']}.{short(scale)}.{handle}.{spelt(at)}" for scale in scales]
        entries = [
            {"fullUrl": f"{home}/Observation/{id_}", "request": {"method": "PUT", "url": f"Observation/{id_}"},
             "response": {"status": "200"}}
            for id_ in ids
        ]  # fmt: skip
        first = {"resource": status, "request": {"method": "GET", "url": f"{held.reference}/$status"},
                 "response": {"status": "200"}}  # fmt: skip
        return msgspec.json.encode({
            "resourceType": "Bundle", "type": "history", "timestamp": p.stamp(self._world.clock.now()),
            "entry": [first, *entries],
        })  # fmt: skip


def _decisions(connection: Connection, seq: int) -> list[Any]:
    """What was answered after a decision: number, moment, and whose, in order."""
    c = t.decisions.c
    asked = select(c.seq, c.decided_at, t.patients.c.handle, t.patients.c.patient)
    asked = asked.join(t.patients, t.patients.c.seq == c.patient_key).where(c.seq > seq).order_by(c.seq)
    return list(connection.execute(asked).all())
