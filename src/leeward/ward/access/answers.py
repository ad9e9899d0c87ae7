"""Around all routes: no answer leaves before the audit has it, and no route answers that asked nobody's leave."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from leeward.ward.access.asked import ASKED, Asked
from leeward.ward.access.refusal import Refusal, answer

if TYPE_CHECKING:  # the world holds what this asks
    from leeward.ward.world import World

log = structlog.get_logger(__name__)

OPEN = ("/static/", "/openapi.json", "/favicon.ico")
"""Files of our own, the same for everybody; every other answer is somebody's, or its route says `may("open")`."""


REDIRECTED = (307, 308)
"""An address spelt with one slash too many is sent to its right spelling, where leave is asked."""


class AnsweredAlready(Exception):
    """Ends a route whose answer was replaced by a refusal."""


class Answers:
    """Settles with the audit when an answer begins; where that fails, the answer is a 503 without content."""

    def __init__(self, app: ASGIApp, world: World) -> None:
        self._app, self._world = app, world

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, as ASGI has it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        held = Asked(kept=True)
        scope[ASKED] = held
        refused = False

        async def settled(message: Message) -> None:
            nonlocal refused
            if message["type"] == "http.response.start":
                refusal = await self._wanting(scope, held, int(message["status"]))
                if refusal is not None:
                    refused = True
                    await answer(scope, refusal)(scope, receive, send)
            if refused:
                raise AnsweredAlready  # so that a stream that would never end is not read on
            await send(message)

        try:
            await self._app(scope, receive, settled)
        except Exception:
            if not refused:
                raise
        finally:
            if held.form is not None:
                await held.form.close()

    async def _wanting(self, scope: Scope, held: Asked, status: int) -> Refusal | None:
        """Why an answer may not leave; None when it may."""
        if held.owed is not None:
            try:
                await run_in_threadpool(self._world.access.settle, held)
            except Refusal as refusal:
                return refusal
        if status >= 400 or status in REDIRECTED or held.settled or held.is_open or scope["path"].startswith(OPEN):
            return None
        log.critical("answer-without-leave", route=getattr(scope.get("route"), "path", None))
        return Refusal(503)
