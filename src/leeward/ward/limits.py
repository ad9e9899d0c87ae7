"""What stands around every route: limits before anything is parsed, headers, faults without a word of the patient."""

from __future__ import annotations

import secrets
import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import Protocol
from urllib.parse import urlsplit

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from leeward.ward.access.answers import Answers
from leeward.ward.access.known import credential, digest
from leeward.ward.access.refusal import told
from leeward.ward.access.settings import address_of, sign_in
from leeward.ward.bodies import Bodies
from leeward.ward.logs import narrow
from leeward.ward.settings import WardSettings
from leeward.ward.world import World

log = structlog.get_logger(__name__)

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""Pages load our own files and nothing else, run no script that stands in the page, and stand in nobody's frame."""
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""What every answer carries where its route says nothing else."""
TLS_ONLY = "max-age=31536000"
SAFE = ("GET", "HEAD", "OPTIONS")
HEALTH = "/health"
ALL, STRANGERS = "all", "strangers"
"""Places that requests under way take."""


def guard(app: FastAPI, world: World) -> None:
    """Put the limits around the application's routes; the last one added stands outermost."""
    if not structlog.is_configured():
        narrow()
    app.add_middleware(Answers, world=world)
    app.add_middleware(Bodies, settings=world.settings)
    app.add_middleware(Pace, settings=world.settings, access=world.access)
    app.add_middleware(Neighbours, settings=world.settings)
    app.add_middleware(Faults)
    app.add_middleware(Clothes, secure=sign_in(world.settings).secure)
    app.add_exception_handler(RequestValidationError, _invalid)


async def _invalid(_request: Request, error: Exception) -> Response:
    """What was wrong with a request, without repeating what it held."""
    assert isinstance(error, RequestValidationError)
    found = [
        {"at": [part for part in one["loc"] if isinstance(part, int)] + [one["loc"][0]], "what": one["type"]}
        for one in error.errors()
    ]
    return JSONResponse({"detail": "The request cannot be understood.", "found": found}, 422)


class Clothes:
    """Gives every answer its headers."""

    def __init__(self, app: ASGIApp, *, secure: bool) -> None:
        self._app = app
        self._headers = HEADERS | ({"Strict-Transport-Security": TLS_ONLY} if secure else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, as ASGI has it; websockets are not spoken."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000})
            return

        async def clothed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, clothed)


class Faults:
    """Answers a fault of ours with an id; what happened stands in the log under it, without any value."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, as ASGI has it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, started_s, status = False, time.monotonic(), 0

        async def watched(message: Message) -> None:
            nonlocal begun, status
            if message["type"] == "http.response.start":
                begun, status = True, message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception:
            status, name = 500, secrets.token_hex(8)
            log.exception("fault", id=name, route=_pattern(scope))
            if not begun:
                await told(scope, 500, f"A fault of ours; in the log it is {name}.")(scope, receive, send)
        taken_ms = round((time.monotonic() - started_s) * 1000)
        log.info("answered", method=scope["method"], route=_pattern(scope), status=status, ms=taken_ms)


def _pattern(scope: Scope) -> str:
    """The pattern of the route, which names no patient; an address without a route is not told."""
    return str(getattr(scope.get("route"), "path", None) or "-")


class Neighbours:
    """Refuses what another site has a browser send, by a name or from a page that is not ours; and headers too long."""

    def __init__(self, app: ASGIApp, *, settings: WardSettings) -> None:
        self._app = app
        self._header_bytes = settings.number("limits", "header_bytes")
        home = urlsplit(address_of(settings)).hostname
        self._names = {home, settings.address, "localhost", "127.0.0.1", "::1", *sign_in(settings).names}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, as ASGI has it."""
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            if sum(len(name) + len(value) for name, value in scope["headers"]) > self._header_bytes:
                await told(scope, 431, "The headers are too long.")(scope, receive, send)
                return
            if not self._ours(headers.get("host", "")):
                await told(scope, 400, "This service does not go by that name.")(scope, receive, send)
                return
            if scope["method"] not in SAFE and "authorization" not in headers and _foreign(headers):
                await told(scope, 403, "This is not open to you.")(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _ours(self, host: str) -> bool:
        """Whether a name is one of ours; a name without a dot is of this network, and no outside page can take it."""
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        return name in self._names or (name != "" and "." not in name and ":" not in name)


def _foreign(headers: Headers) -> bool:
    """Whether a browser says that another site's page asks."""
    if headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
        return True
    said = headers.get("origin")
    return said is not None and urlsplit(said).netloc != headers.get("host")


class Knows(Protocol):
    """What tells somebody who is known here from a stranger, before anything is asked of a route (`access.Access`)."""

    def is_known(self, secret: str) -> bool:
        """Whether somebody was known lately by what a request brings."""

    def has_session(self, request: HTTPConnection) -> bool:
        """Whether a request brings what an open session goes by: slower, and true of a worker that has just begun."""


class Pace:
    """How often one client, and one address, may ask, and how many requests are under way at once.

    Nobody is known yet when a request comes here. Whoever has shown a session or a token that counts has places that
    no stranger takes; strangers share theirs by address. `/health` waits for no place, and its pace is its own.
    """

    def __init__(
        self, app: ASGIApp, *, settings: WardSettings, access: Knows, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._app, self._monotonic, self._access = app, monotonic, access
        number = settings.number
        self._burst, self._most = number("limits", "burst"), int(number("limits", "clients"))
        self._minute = {
            "client": number("limits", "requests_a_minute"),
            "address": number("limits", "address_a_minute"),
        }
        self._at_once, self._strangers = number("limits", "at_once"), number("limits", "strangers_at_once")
        self._one_stranger = number("limits", "stranger_at_once")
        self._under_way: Counter[str] = Counter()
        self._left: OrderedDict[tuple[str, str], tuple[float, float]] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, as ASGI has it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        left, again_s = self._taken(scope)
        said = {
            "RateLimit-Policy": f'"client";q={self._minute["client"]:.0f};w=60',
            "RateLimit": f'"client";r={max(left, 0):.0f};t={again_s:.0f}',
        }
        if left < 0:
            late = told(scope, 429, "Too often; come back later.", said | {"Retry-After": f"{max(again_s, 1):.0f}"})
            await late(scope, receive, send)
            return
        places = await self._places(scope)
        if places is None:
            busy = told(scope, 503, "Too much at once; come back in a moment.", {"Retry-After": "1"})
            await busy(scope, receive, send)
            return

        async def paced(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(said)
            await send(message)

        self._under_way.update(places)
        try:
            await self._app(scope, receive, paced)
        finally:
            self._under_way.subtract(places)
            self._under_way += Counter()  # an address that has nothing under way is forgotten

    async def _places(self, scope: Scope) -> tuple[str, ...] | None:
        """Which places a request takes; None: it finds none."""
        if scope["path"] == HEALTH:
            return ()
        under_way, request = self._under_way, HTTPConnection(scope)
        if under_way[ALL] >= self._at_once:
            return None
        if self._access.is_known(credential(request.headers)):
            return (ALL,)
        mine = f"stranger {_address(scope)}"
        if under_way[STRANGERS] < self._strangers and under_way[mine] < self._one_stranger:
            return (ALL, STRANGERS, mine)
        # A worker that has just started knows nobody: before somebody is turned away it looks.
        return (ALL,) if await run_in_threadpool(self._access.has_session, request) else None

    def _taken(self, scope: Scope) -> tuple[float, float]:
        """Take one from what the client and its address have left: the lesser, and the seconds until all is back."""
        address = _address(scope)
        client = address + digest(credential(Headers(scope=scope))).hex()
        if scope["path"] == HEALTH:
            found = [self._one("client", f"{HEALTH} {address}")]
        else:
            found = [self._one("address", address), self._one("client", client)]
        left = min(found)
        return left, (self._burst - max(left, 0)) * 60 / self._minute["client"]

    def _one(self, kind: str, name: str) -> float:
        """What one of them has left after this request; below nothing: it asks too often, and nothing is taken."""
        now_s, rate_s = self._monotonic(), self._minute[kind] / 60
        full = self._burst * self._minute[kind] / self._minute["client"]
        left, since_s = self._left.pop((kind, name), (full, now_s))
        left = min(full, left + (now_s - since_s) * rate_s)
        self._left[kind, name] = (left - 1 if left >= 1 else left, now_s)
        while len(self._left) > self._most:
            self._left.popitem(last=False)
        return left - 1


def _address(scope: Scope) -> str:
    """Where a request comes from."""
    return str((scope.get("client") or ("-",))[0])
