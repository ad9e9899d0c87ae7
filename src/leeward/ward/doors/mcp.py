"""The Model Context Protocol over streamable HTTP, at /mcp: the read-only tools of ward/tools for agents."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from mcp.server.transport_security import TransportSecuritySettings
from starlette.requests import Request
from starlette.routing import Mount
from starlette.types import ASGIApp, Receive, Scope, Send

from leeward.ward.access import Person
from leeward.ward.access.refusal import Refusal, answer
from leeward.ward.tools.server import make_server
from leeward.ward.world import World

PATH = "/mcp"


def install(app: FastAPI, world: World) -> None:
    """Mounts the tools and lets their sessions live as long as the application does."""

    def caller(request: Request | None) -> Person:
        assert request is not None  # over HTTP every call comes with one
        return world.access.person_of(request)

    server = make_server(world, caller)
    # Names and origins are checked around all routes already (limits.Neighbours).
    guarded = TransportSecuritySettings(enable_dns_rebinding_protection=False)
    inner = server.streamable_http_app(
        streamable_http_path="/", json_response=True, stateless_http=True, transport_security=guarded
    )
    app.router.routes.append(Mount(PATH, app=Leave(inner, world)))
    before = app.router.lifespan_context

    @asynccontextmanager
    async def life(asked: FastAPI) -> AsyncIterator[Any]:
        async with server.session_manager.run(), before(asked) as state:
            yield state

    app.router.lifespan_context = life


class Leave:
    """Asks who it is before anything of the protocol is read; what each tool tells is audited by the tool."""

    def __init__(self, app: ASGIApp, world: World) -> None:
        self._app, self._may = app, world.access.may("read")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, as ASGI has it."""
        try:
            await self._may(Request(scope, receive))
        except Refusal as refusal:
            await answer(scope, refusal)(scope, receive, send)
            return
        await self._app(scope, receive, send)
