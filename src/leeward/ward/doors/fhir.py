"""FHIR R4 over REST: every address of it, and what each answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import parse_qsl

from fastapi import APIRouter, Depends, FastAPI, Path, Request
from fastapi.exception_handlers import http_exception_handler
from starlette.concurrency import run_in_threadpool
from starlette.convertors import StringConvertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.responses import Response

from leeward.ward.fhir import answers as a
from leeward.ward.fhir import posted as p
from leeward.ward.fhir.capability import statement
from leeward.ward.fhir.desk import Desk
from leeward.ward.fhir.outcomes import FHIR, Unfit, refused, sent, unfit
from leeward.ward.fhir.settings import FhirSettings, fhir_settings
from leeward.ward.fhir.subscribing import Subscribing
from leeward.ward.fhir.wishes import Wish

if TYPE_CHECKING:  # the world mounts this
    from leeward.ward.world import World


class _Kind(StringConvertor):
    """A type of FHIR, as it stands in an address; `metadata` and `$notification` are none."""

    regex = "[A-Z][A-Za-z]{1,63}"


class _Id(StringConvertor):
    """An id, as it stands in an address."""

    regex = r"[A-Za-z0-9\-.]{1,64}"


register_url_convertor("fhirtype", _Kind())
register_url_convertor("fhirid", _Id())
Kind = Annotated[str, Path(pattern="^[A-Z][A-Za-z]{1,63}$")]
Id = Annotated[str, Path(pattern=r"^[A-Za-z0-9\-.]{1,64}$")]
_ANY = {"content": {FHIR: {"schema": {"type": "object", "required": ["resourceType"]}}}}
_SAID = {
    200: "As asked", 201: "Made", 204: "Done", 400: "Not understood", 401: "Nobody", 403: "Not open", 404: "Nothing",
    405: "Not offered", 406: "Not as JSON", 408: "Too slow", 409: "In conflict", 410: "Taken back",
    412: "Condition not met", 413: "Too large", 415: "Not JSON", 422: "Refused", 429: "Too often",
    503: "No audit, or too much at once",
}  # fmt: skip
_FAULTS = (400, 401, 403, 404, 405, 406, 408, 409, 410, 412, 413, 415, 422, 429, 503)
Route = Callable[[Desk, bytes], Response]


def _told(*fine: int) -> dict[int | str, dict[str, Any]]:
    """What a route may answer: FHIR always, an OperationOutcome where it refuses."""
    return {code: {"description": _SAID[code]} | ({} if code == 204 else _ANY) for code in (*fine, *_FAULTS)}


def _body(kind: str = FHIR) -> dict[str, Any]:
    """What a route is sent."""
    shape: dict[str, Any] = {"type": "object"}
    if kind != FHIR:
        shape["additionalProperties"] = {"type": "string"}
    return {"requestBody": {"required": True, "content": {kind: {"schema": shape}}}}


def router(world: World) -> APIRouter:
    """Every address of FHIR. Raises BadSetting where the section `fhir` of the settings cannot be used."""
    settings = fhir_settings(world.settings.fhir)
    subscribing = Subscribing(world)
    made = APIRouter(prefix="/fhir", tags=["fhir"], lifespan=subscribing.life, default_response_class=Response)
    front = Front(world, settings)
    _whole(made, front)
    _subscriptions(made, front, subscribing)
    _written(made, front)
    _read(made, front)
    return made


def install(app: FastAPI, _world: World) -> None:
    """Put what the framework itself refuses below /fhir into FHIR's own shape."""

    async def refused_here(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if request.url.path.startswith("/fhir"):
            code = {404: "not-found", 405: "not-supported"}.get(error.status_code, "processing")
            return refused(unfit(error.status_code, code, str(error.detail)))
        return await http_exception_handler(request, error)

    app.add_exception_handler(HTTPException, refused_here)


class Front:
    """Runs what a route does in a thread, counts what is refused, and answers in FHIR's words."""

    def __init__(self, world: World, settings: FhirSettings) -> None:
        self.world, self.settings = world, settings

    async def run(self, request: Request, route: Route, *, feed: str | None = None) -> Response:
        """The answer to one request."""
        body = await request.body()
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        desk = Desk(self.world, self.settings, request, feed)
        try:
            _format(request)
            if body and request.method in ("POST", "PUT") and kind not in (FHIR, "application/json", a.FORM):
                raise unfit(415, "not-supported", "FHIR is sent as JSON: application/fhir+json.")
            return await run_in_threadpool(route, desk, body)
        except Unfit as fault:
            a.count(desk, fault)
            return refused(fault)


def _format(request: Request) -> None:
    """Raises Unfit for another format than JSON. Accept is not refused: an answer in JSON is better than none."""
    said = request.query_params.get("_format")
    if said is not None and said not in ("json", "application/json", FHIR):
        raise unfit(406, "not-supported", "Answers are JSON: application/fhir+json.", "http._format")


def _whole(made: APIRouter, front: Front) -> None:
    """The service itself: what it can do, Bundles, notifications."""
    may, world = front.world.access.may, front.world

    @made.get("/metadata", dependencies=[Depends(may("open"))], responses=_told(200))
    async def metadata(request: Request) -> Response:
        """What this service takes in, seeks and says."""
        home, hooks = f"{world.access.home}/fhir", bool(world.settings.webhooks)
        said = statement(home, world.clock.now(), hooks=hooks)
        return await front.run(request, lambda _desk, _body: sent(200, said))

    @made.post("", dependencies=[Depends(may("write"))], responses=_told(200), openapi_extra=_body())
    async def bundle(request: Request) -> Response:
        """A batch, each entry by itself; or a transaction, all or nothing."""
        return await front.run(request, a.bundle)

    @made.post("/$notification", dependencies=[Depends(may("write"))], responses=_told(200), openapi_extra=_body())
    async def notification(request: Request) -> Response:
        """What another server's Subscription tells us."""
        return await front.run(request, a.notification)

    @made.post("/$notification/{feed:fhirid}", dependencies=[Depends(may("write"))], responses=_told(200),
               openapi_extra=_body())  # fmt: skip
    async def notification_of(request: Request, feed: Id) -> Response:
        """The same, of a feed that the settings name."""
        if feed not in world.settings.sources:
            return refused(unfit(404, "not-found", "There is nothing here."))
        return await front.run(request, a.notification, feed=feed)


def _written(made: APIRouter, front: Front) -> None:
    """What is brought in, one by one."""
    write = [Depends(front.world.access.may("write"))]

    @made.post("/{kind:fhirtype}", dependencies=write, responses=_told(200, 201), openapi_extra=_body())
    async def create(request: Request, kind: Kind) -> Response:
        """A new resource; with If-None-Exist, unless one of that identifier is there."""
        where = request.headers.get("if-none-exist")
        return await front.run(request, a.written(lambda body: Wish(method="POST", kind=kind, body=body, where=where)))

    @made.put("/{kind:fhirtype}", dependencies=write, responses=_told(200, 201), openapi_extra=_body())
    async def update_where(request: Request, kind: Kind) -> Response:
        """A newer version of the resource of an identifier; of a Patient only within a Bundle."""
        query = request.url.query

        def wish(body: bytes) -> Wish:
            if kind == "Patient":
                says = "A patient's identifier is sent in a body: as an entry of a Bundle."
                raise unfit(400, "security", says, "http.identifier")
            if not query:
                raise unfit(400, "required", "An update names an id, or an identifier.")
            return Wish(method="PUT", kind=kind, body=body, where=query, if_match=request.headers.get("if-match"))

        return await front.run(request, a.written(wish))

    @made.put("/{kind:fhirtype}/{id:fhirid}", dependencies=write, responses=_told(200, 201), openapi_extra=_body())
    async def update(request: Request, kind: Kind, id: Id) -> Response:  # noqa: A002  FHIR's own word
        """A newer version of a resource, or a resource under an id of the sender's."""
        match = request.headers.get("if-match")
        return await front.run(
            request, a.written(lambda body: Wish(method="PUT", kind=kind, id=id, body=body, if_match=match))
        )

    @made.delete("/{kind:fhirtype}/{id:fhirid}", dependencies=write, responses=_told(204))
    async def take_back(request: Request, kind: Kind, id: Id) -> Response:  # noqa: A002
        """Take a resource back, as entered in error; it stays in the history."""
        match = request.headers.get("if-match")
        return await front.run(request, a.written(lambda _: Wish(method="DELETE", kind=kind, id=id, if_match=match)))


def _read(made: APIRouter, front: Front) -> None:
    """What is read."""
    see = [Depends(front.world.access.may("read"))]

    @made.get("/{kind:fhirtype}", dependencies=see, responses=_told(200))
    async def search(request: Request, kind: Kind) -> Response:
        """What is sought of one patient, who goes by the handle."""
        asked = parse_qsl(request.url.query, keep_blank_values=True)
        return await front.run(request, lambda desk, _: a.found(desk, kind, asked, posted=False))

    @made.post("/{kind:fhirtype}/_search", dependencies=see, responses=_told(200), openapi_extra=_body(a.FORM))
    async def search_by_form(request: Request, kind: Kind) -> Response:
        """The same, asked in a body, where ids and identifiers may stand."""
        return await front.run(request, lambda desk, body: a.found(desk, kind, a.form(request, body), posted=True))

    @made.get("/{kind:fhirtype}/{id:fhirid}", dependencies=see, responses=_told(200))
    async def read(request: Request, kind: Kind, id: Id) -> Response:  # noqa: A002
        """A resource as it stands now."""
        return await front.run(request, lambda desk, _: a.read(desk, kind, id))

    @made.get("/{kind:fhirtype}/{id:fhirid}/_history", dependencies=see, responses=_told(200))
    async def history(request: Request, kind: Kind, id: Id) -> Response:  # noqa: A002
        """Every version of a resource."""
        return await front.run(request, lambda desk, _: sent(200, desk.history(kind, id)))

    @made.get("/{kind:fhirtype}/{id:fhirid}/_history/{version:fhirid}", dependencies=see, responses=_told(200))
    async def version_of(request: Request, kind: Kind, id: Id, version: Id) -> Response:  # noqa: A002
        """One version of a resource."""
        return await front.run(
            request, lambda desk, _: sent(200, desk.version(kind, id, version), {"ETag": f'W/"{version}"'})
        )


def _subscriptions(made: APIRouter, front: Front, subscribing: Subscribing) -> None:
    """Subscriptions that others have with us; before the routes of all types, of which they are none."""
    export = [Depends(front.world.access.may("export"))]

    @made.post("/Subscription", dependencies=export, responses=_told(201), openapi_extra=_body())
    async def subscribe(request: Request) -> Response:
        """A new Subscription to grades, to a receiver that the centre lists."""

        def route(desk: Desk, body: bytes) -> Response:
            held = subscribing.create(desk, body)
            made = p.dressed(held.body, held.id, held.version, held.received_at)
            return sent(201, made, {"Location": f"{desk.home}/{held.reference}"})

        return await front.run(request, route)

    @made.get("/Subscription/{id:fhirid}", dependencies=export, responses=_told(200))
    async def subscription(request: Request, id: Id) -> Response:  # noqa: A002
        """A Subscription."""

        def route(_desk: Desk, _body: bytes) -> Response:
            held = subscribing.read(id)
            return sent(200, p.dressed(held.body, held.id, held.version, held.received_at))

        return await front.run(request, route)

    @made.get("/Subscription/{id:fhirid}/$status", dependencies=export, responses=_told(200))
    async def subscription_status(request: Request, id: Id) -> Response:  # noqa: A002
        """How a Subscription stands, and how many notices there have been."""
        return await front.run(request, lambda _desk, _body: sent(200, subscribing.state(id)))

    @made.delete("/Subscription/{id:fhirid}", dependencies=export, responses=_told(204))
    async def unsubscribe(request: Request, id: Id) -> Response:  # noqa: A002
        """End a Subscription."""

        def route(desk: Desk, _body: bytes) -> Response:
            subscribing.end(desk, id)
            return sent(204, None)

        return await front.run(request, route)
