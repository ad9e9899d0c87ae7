"""The stream of what happens (server-sent events): a board that hears no beat for a few seconds knows it is blind.

The stream opens with `hello` (the edition of knowledge, the server's time) and with the alerts that are open; then come
events in order, each with its number, from the last one that the page has seen on; `beat` says the server's time every
few seconds and has no number. When the ward takes another edition, `hello` is said again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Header, HTTPException, Request
from sse_starlette.event import ServerSentEvent
from sse_starlette.sse import EventSourceResponse

from leeward.knowledge import edition
from leeward.ward.access.people import Person
from leeward.ward.access.refusal import Refusal
from leeward.ward.alerts import Alert
from leeward.ward.arrivals import Event
from leeward.ward.doors.alerts import sees, shown, theirs
from leeward.ward.world import World

ON_RECORD = {"alerts-open": "shown", "alert-opened": "shown", "alert-withdrawn": "withdrawal-shown"}
"""What is put on record of an alert, for each person, once their open board has been sent it."""
NEVER_S = 10**6
"""The library's own beat is a comment, which no page can hear; ours is an event."""


def router(world: World) -> APIRouter:
    """The one route of the stream."""
    routes = APIRouter(tags=["events"])
    reader = Depends(world.access.may("read"))
    open_streams: set[object] = set()

    @routes.get("/events", response_class=EventSourceResponse, summary="What happens, as it happens")
    async def events(
        request: Request,
        person: Person = reader,
        last_event_id: Annotated[str | None, Header(max_length=20)] = None,
    ) -> EventSourceResponse:
        """Server-sent events of the patients that the caller may see; `Last-Event-ID` resumes."""
        if len(open_streams) >= world.settings.number("feed", "streams_most"):
            raise HTTPException(503, "Too many boards are open; try again soon.", {"Retry-After": "5"})
        stream = Stream(world, person, request, last_event_id)

        async def told() -> AsyncIterator[ServerSentEvent]:
            open_streams.add(stream)
            try:
                async for one in stream.events():
                    yield one
            finally:
                open_streams.discard(stream)

        return EventSourceResponse(
            told(), ping=NEVER_S, send_timeout=world.settings.number("feed", "send_timeout_s"),
            headers={"cache-control": "no-store", "x-accel-buffering": "no"},
        )  # fmt: skip

    return routes


def _on_record(one: Alert, person: Person) -> set[str]:
    """What somebody's boards have been sent of an alert."""
    return {event.what for event in one.happened if event.person == person.id} & {*ON_RECORD.values()}


def _withdrawn(one: Alert) -> dict[str, Any]:
    """That an alert was withdrawn, as it was told when it happened."""
    said = next((event.text for event in one.happened if event.what == "withdrawn"), None)
    return {"alert": one.id, "what": "withdrawn", "at": one.closed_at, "patient": one.handle, "unit": one.unit,
            "kind": one.kind, "class": one.kind_class, "level": one.level, "text": said, "open": False}  # fmt: skip


class Stream:
    """What one listener hears."""

    def __init__(self, world: World, person: Person, request: Request, last: str | None) -> None:
        self._world, self._person, self._request = world, person, request
        self._told: frozenset[str] = frozenset()
        self._last = int(last) if last is not None and last.isascii() and last.isdigit() else None

    async def events(self) -> AsyncIterator[ServerSentEvent]:
        """Hello, what was missed, then everything as it happens, while they may listen; a beat between."""
        newest = await asyncio.to_thread(self._world.store.last_event)
        start, lost = self._resumed(newest)
        known = edition()
        yield self._hello(known, start, reload=lost)
        for kind, told, alerts in await asyncio.to_thread(self._opening, fresh=start == newest):
            yield self._said(kind, told)
            await asyncio.to_thread(self._delivered, kind, [one.id for one in alerts])
        every_s, heard_s = self._world.settings.number("feed", "heartbeat_s"), asyncio.get_running_loop().time()
        async for found in self._world.feed.after(start):
            heard = await asyncio.to_thread(self._heard, found)
            if heard is None:
                return
            for event, body in heard:
                yield self._said(event.kind, body, number=event.seq)
            start = found[-1].seq if found else start
            # Whoever asks for what comes next has taken these.
            for what in sorted({event.kind for event, _ in heard} & ON_RECORD.keys()):
                sent = [body["alert"] for event, body in heard if event.kind == what]
                await asyncio.to_thread(self._delivered, what, sent)
            if known != edition():
                known = edition()
                yield self._hello(known, start, reload=False)
            if asyncio.get_running_loop().time() - heard_s >= every_s:
                heard_s = asyncio.get_running_loop().time()
                if not await asyncio.to_thread(self._may_listen):
                    return
                yield self._said("beat", self._beat())

    def _resumed(self, newest: int) -> tuple[int, bool]:
        """After which event the listener goes on, and whether too much was missed to be told again."""
        missed = 0 if self._last is None else newest - self._last
        lost = missed < 0 or missed > self._world.settings.number("feed", "resume_most")
        return newest if self._last is None or lost else self._last, lost

    def _hello(self, known: str, last: int, *, reload: bool) -> ServerSentEvent:
        """What holds: at the beginning, and again when another edition is in use."""
        said = {"edition": known, "last": last, "reload": reload, **self._beat()}
        return self._said("hello", said, retry=int(self._world.settings.number("feed", "retry_ms")))

    def _opening(self, *, fresh: bool) -> list[tuple[str, dict[str, Any], list[Alert]]]:
        """What whoever opens a board is told of at once: what is open; and what they had been shown and was withdrawn.

        fresh: nothing that was missed comes again as it happened. What cannot be audited is not told.
        """
        world, person = self._world, self._person
        open_ = [one for one in world.alerts.open() if sees(world, person, one)]
        lately = [one for one in world.alerts.closed_lately() if fresh and sees(world, person, one)]
        gone = [one for one in lately if one.closed == "withdrawn" and _on_record(one, person) == {"shown"}]
        if not self._audited([one.patient for one in (*open_, *gone)]):
            return []
        return [("alerts-open", {"alerts": [shown(one) for one in open_]}, open_),
                *(("alert-withdrawn", _withdrawn(one), [one]) for one in gone)]  # fmt: skip

    def _delivered(self, kind: str, ids: Sequence[int]) -> None:
        """Put on record that this person's board has been sent it."""
        self._world.alerts.shown(ids, self._person.id, ON_RECORD[kind])

    def _beat(self) -> dict[str, Any]:
        """The server's time: a page never trusts its own."""
        return {"now": self._world.clock.now(), "trouble": self._world.grader.trouble}

    def _may_listen(self) -> bool:
        """Whether the listener is still who they were, and may still look: a session ends while its stream is open."""
        return self._world.access.is_still(self._request, self._person)

    def _audited(self, patients: Iterable[str | None]) -> bool:
        """Tell the audit whom this stream shows, each once; whether that could be written: else nothing is said."""
        new = frozenset(filter(None, patients)) - self._told
        try:
            if new:
                self._world.access.showed(self._request, new)
        except Refusal:
            return False
        self._told |= new
        return True

    def _heard(self, found: Sequence[Event]) -> list[tuple[Event, dict[str, Any]]] | None:
        """What of some events this listener hears, on record in the audit at once; None where that cannot be."""
        heard = [(event, body) for event in found if (body := self._seen(event)) is not None]
        return heard if self._audited([event.patient for event, _ in heard]) else None

    def _seen(self, event: Event) -> dict[str, Any] | None:
        """An event as this listener may hear it; None: it is of nobody of theirs."""
        person, store = self._person, self._world.store
        if event.patient is not None:
            if not theirs(self._world, person, event.patient, event.unit):
                return None
            return event.body
        if "patients" not in event.body or not person.limited:
            return event.body
        if person.units is not None and event.unit not in person.units:
            return None
        mine = event.body["patients"]
        if person.patients is not None:
            known = {store.handle_of(patient) for patient in person.patients}
            mine = [handle for handle in mine if handle in known]
        return {**event.body, "patients": mine} if mine else None

    @staticmethod
    def _said(
        kind: str, body: dict[str, Any], *, number: int | None = None, retry: int | None = None
    ) -> ServerSentEvent:
        """One event as it goes out."""
        return ServerSentEvent(
            msgspec.json.encode(body).decode(), event=kind, id=None if number is None else str(number), retry=retry
        )
