"""Subscriptions that others have with us: told of every change of a grade, by address only, through the webhooks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from threading import Event as Flag
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import msgspec
import structlog
from sqlalchemy import select

from leeward.ward import tables as t
from leeward.ward.arrivals import Arrival
from leeward.ward.fhir import posted as p
from leeward.ward.fhir.out.course import GRADE, KINDS, short, spelt
from leeward.ward.fhir.outcomes import unfit
from leeward.ward.resources import Kept, Resources, Version
from leeward.ward.rows import moment

if TYPE_CHECKING:
    from leeward.ward.fhir.desk import Desk
    from leeward.ward.world import World

log = structlog.get_logger(__name__)
KIND = "Subscription"
PROFILE = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-subscription-status-r4"


class Subscribing:
    """Keeps Subscriptions, and queues what their receivers are told."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._resources = Resources(world.engine)
        self._stop = Flag()
        self._told: int | None = None

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
        thread = None
        if self._world.settings.webhooks:
            thread = Thread(target=self._run, name="subscriptions", daemon=True)
            thread.start()
        yield
        self._stop.set()
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        pause_s = self._world.settings.number("feed", "poll_ms") / 1000
        while not self._stop.wait(pause_s):
            try:
                self.once()
            except Exception as error:  # noqa: BLE001  the watch must outlive a fault, and say that it has one
                log.error("subscriptions-failed", reason=type(error).__name__)  # noqa: TRY400  it may hold values

    def once(self) -> int:
        """Queue what is new for every Subscription; how many messages it was."""
        raise NotImplementedError

    def notice(self, held: Version, number: int, scales: list[str], handle: str, at: Any) -> bytes:
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


def decisions_after(world: World, seq: int) -> list[Any]:
    """What was answered since: number, handle, unit-less, moment, in order."""
    c = t.decisions.c
    asked = select(c.seq, t.patients.c.handle, t.patients.c.patient, c.decided_at)
    asked = asked.join(t.patients, t.patients.c.seq == c.patient_key).where(c.seq > seq).order_by(c.seq)
    with world.engine.connect() as connection:
        return [(row.seq, row.handle, row.patient, moment(row.decided_at)) for row in connection.execute(asked)]
