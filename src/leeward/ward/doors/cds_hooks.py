"""CDS Hooks 2.0 over HTTP: what is offered, what is answered, and what became of the cards (docs/cds-hooks.md)."""

from __future__ import annotations

from typing import Any

import msgspec
import pyarrow as pa
from fastapi import APIRouter, Depends, FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from leeward.ward.access.bearers import HOOKS
from leeward.ward.access.refusal import Refusal
from leeward.ward.cards.drafts import watched
from leeward.ward.cards.request import Feedback, Refused, feedbacks_of, outcome, request_of
from leeward.ward.cards.seen import eyes
from leeward.ward.cards.service import Hooks
from leeward.ward.cards.services import SERVICES, Service
from leeward.ward.cards.settings import cds_hooks
from leeward.ward.world import World

COMMENT_MOST = 500
"""So much of what somebody writes about a card is kept in the audit."""


def router(world: World) -> APIRouter:
    """Discovery, the services, and feedback."""
    routes = APIRouter(tags=["CDS Hooks"])
    hooks = Hooks(world.settings, world.clock)
    access = world.access

    @routes.get(HOOKS, dependencies=[Depends(access.may("open"))])
    def services() -> Response:
        """What is offered, and what each service wants to be sent."""
        return _json({"services": [service.as_json() for service in SERVICES.values()]})

    @routes.post(f"{HOOKS}/{{service}}", dependencies=[Depends(access.may("grade"))])
    async def call(service: str, request: Request) -> Response:
        """The cards of one call; an OperationOutcome says why there are none."""
        body = await request.body()
        return await run_in_threadpool(_called, world, hooks, request, _service(service), body)

    @routes.post(f"{HOOKS}/{{service}}/feedback", dependencies=[Depends(access.may("grade"))])
    async def feedback(service: str, request: Request) -> Response:
        """What became of cards, kept in the audit."""
        body = await request.body()
        return await run_in_threadpool(_told, world, request, _service(service), body)

    return routes


def install(app: FastAPI, world: World) -> None:
    """Let the listed web pages call these addresses, and no others, from a browser."""
    app.add_middleware(Pages, world=world, origins=cds_hooks(world.settings).origins)


def warm(world: World) -> None:
    """Compile what answers; the first call would else wait for it some seconds."""
    eyes(room_air=world.settings.room_air, drugs=watched()).warm()


def _service(name: str) -> Service:
    """A service by its name; another name is no address here."""
    if name not in SERVICES:
        raise Refusal(404)
    return SERVICES[name]


def _called(world: World, hooks: Hooks, request: Request, service: Service, body: bytes) -> Response:
    """One call, answered."""
    try:
        asked = request_of(body, service)
        why = f"CDS Hooks {service.hook} {asked.hookInstance}"
        world.access.admit(request, "grade", patient=asked.patient, why=why)

        def joined(patient: str) -> pa.Table | None:
            try:
                world.access.admit(request, "grade", patient=patient, why=f"{why}, joined")
            except Refusal as refusal:
                if refusal.status_code != 404:
                    raise
                return None
            return world.store.known([patient]).findings

        return _json(hooks.answer(service, asked, joined))
    except Refused as refused:
        return _json(outcome(refused.code, refused.why), refused.status)


def _told(world: World, request: Request, service: Service, body: bytes) -> Response:
    """Feedback, written down."""
    try:
        for one in feedbacks_of(body).feedback:
            world.access.admit(request, "grade", why=_feedback(service, one))
    except Refused as refused:
        return _json(outcome(refused.code, refused.why), refused.status)
    return _json({})


def _feedback(service: Service, one: Feedback) -> str:
    """One card's fate as the audit keeps it; the card's id is made of the call's, which the audit has as well."""
    reason: Any = (one.overrideReason or {}).get("reason") or {}
    code = reason.get("code") if isinstance(reason, dict) else None
    comment = (one.overrideReason or {}).get("userComment")
    said = [f"CDS Hooks feedback, {service.hook}: card {one.card} {one.outcome} at {one.outcomeTimestamp[:40]}"]
    said += [f"reason {str(code)[:40]}"] if code else []
    said += [f"comment: {comment[:COMMENT_MOST]}"] if isinstance(comment, str) else []
    return "; ".join(said)


def _json(body: Any, status: int = 200) -> Response:
    """An answer."""
    return Response(msgspec.json.encode(body), status, media_type="application/json")


class Pages(CORSMiddleware):
    """Answers a browser's question whether a listed page may call; every other address is left as it is."""

    def __init__(self, app: ASGIApp, *, world: World, origins: tuple[str, ...]) -> None:
        super().__init__(
            app, allow_origins=origins, allow_methods=["GET", "POST"], allow_headers=["authorization", "content-type"]
        )
        self._open, self._plain = world.access.may("open"), app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, as ASGI has it."""
        path = scope.get("path", "")
        if scope["type"] != "http" or not (path == HOOKS or path.startswith(f"{HOOKS}/")):
            await self._plain(scope, receive, send)
            return
        if scope["method"] == "OPTIONS":
            await self._open(Request(scope))  # a browser asks without a token, and is told of no patient
        await super().__call__(scope, receive, send)
