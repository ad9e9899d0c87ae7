"""Signing in and out: the hospital's provider, an EHR's launch, tokens for other systems, what we say of ourselves."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from html import escape
from typing import Any
from urllib.parse import parse_qs

from fastapi import APIRouter, Depends, FastAPI, Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from leeward.ward.access.asked import asked_of
from leeward.ward.access.bearers import HOOKS, TOKEN
from leeward.ward.access.claims import SCOPES
from leeward.ward.access.flow import BACK, NotSignedIn
from leeward.ward.access.people import NOBODY, Person
from leeward.ward.access.refusal import Refusal, answer, bare
from leeward.ward.access.sessions import SECRET_BYTES, digest
from leeward.ward.access.tokens import SMART, BadToken
from leeward.ward.audit import AuditDown, Entry
from leeward.ward.limits import guard
from leeward.ward.world import World

RESOURCE = "/.well-known/oauth-protected-resource"
"""Where RFC 9728 has us say for whom a token must be made."""


def router(world: World) -> APIRouter:
    """Every address of signing in."""
    made = APIRouter(tags=["sign-in"])
    _browsers(made, world)
    _back(made, world)
    _out(made, world)
    _systems(made, world)
    _ourselves(made, world)
    return made


def install(app: FastAPI, world: World) -> None:
    """Put the limits and the audit around every route, and refusals into their constant words."""

    async def refused(request: Request, refusal: Exception) -> Response:
        assert isinstance(refusal, Refusal)
        made = answer(request.scope, refusal)
        if refusal.status_code == 401:  # RFC 9728: where a program finds out who gives tokens for us
            made.headers["WWW-Authenticate"] = f'Bearer resource_metadata="{world.access.home}{RESOURCE}"'
        return made

    async def unwritten(request: Request, _error: Exception) -> Response:
        return answer(request.scope, Refusal(503))

    app.add_exception_handler(Refusal, refused)
    app.add_exception_handler(AuditDown, unwritten)
    guard(app, world)


def _browsers(made: APIRouter, world: World) -> None:
    """The way to a provider or an EHR."""
    access, is_open = world.access, Depends(world.access.may("open"))

    def sent(request: Request, way: Callable[[str], str]) -> Response:
        """Send the browser out, with a cookie that only it will bring back."""
        browser = secrets.token_urlsafe(SECRET_BYTES)
        try:
            there = way(digest(browser).hex())
        except NotSignedIn as error:
            return _failed(world, request, error)
        answer = RedirectResponse(there, 303)
        answer.set_cookie(f"{access.cookie}-out", browser, httponly=True, secure=access.said.secure, samesite="lax")
        return answer

    @made.get("/sign-in", dependencies=[is_open])
    def sign_in(request: Request, then: str = "/") -> Response:
        """To the hospital's provider."""
        if not access.said.somebody:
            return RedirectResponse("/", 303)
        if access.said.oidc is None:
            return sent(
                request, lambda browser: access.flow.to_ehr(access.said.smart[0].iss, None, _ours(then), browser)
            )
        return sent(request, lambda browser: access.flow.to_provider(_ours(then), browser))

    @made.get("/launch", dependencies=[is_open])
    def launch(request: Request, iss: str, launch: str | None = None) -> Response:
        """SMART: an EHR opens us for its patient (`launch`), or a person asks to begin from here."""
        return sent(request, lambda browser: access.flow.to_ehr(iss, launch, "/", browser))


def _back(made: APIRouter, world: World) -> None:
    """The way back from a provider or an EHR."""
    access = world.access

    @made.get(BACK, dependencies=[Depends(access.may("open"))])
    def back(request: Request, state: str = "", code: str = "") -> Response:
        """From the provider, with a code that is worth one session."""
        browser = request.cookies.get(f"{access.cookie}-out", "")
        try:
            secret, held, then = access.flow.back(state, code, digest(browser).hex())
        except NotSignedIn as error:
            return _failed(world, request, error)
        patient = next(iter(held.person.patients)) if held.person.patients else None
        access.write(Entry("sign-in", held.person.id, held.person.role, patient, detail=held.how))
        answer = RedirectResponse(then, 303)
        answer.set_cookie(access.cookie, secret, httponly=True, secure=access.said.secure, samesite="lax")
        answer.delete_cookie(f"{access.cookie}-out", httponly=True, secure=access.said.secure, samesite="lax")
        return answer


def _out(made: APIRouter, world: World) -> None:
    """Who one is, and leaving."""
    access = world.access
    is_open, reader = Depends(access.may("open")), Depends(access.may("read"))

    @made.get("/me")
    def me(request: Request, person: Person = is_open) -> dict[str, Any]:
        """Who sits here, and the word that every form must carry; nobody where nobody is signed in."""
        try:
            who = access.person_of(request) if access.cookie in request.cookies or not access.said.somebody else person
        except Refusal:
            who = person
        asked_of(request).is_open = True
        return {"name": who.name, "role": None if who is NOBODY else who.role, "csrf": access.form_word(request)}

    @made.post("/me", status_code=204)
    def here(person: Person = reader) -> None:
        """Somebody sits here: a page says so when it is touched, and the session lasts on. A page alone keeps none."""
        del person

    @made.post("/sign-out")
    def sign_out(request: Request, person: Person = reader) -> Response:
        """End the session here, and say where to end it at the provider."""
        secret = request.cookies.get(access.cookie, "")
        session = access.sessions.find(secret) if secret else None
        access.sessions.close(secret)
        access.write(Entry("sign-out", person.id, person.role))
        asked_of(request).owed, asked_of(request).settled = None, True
        there = session.goodbye if session and session.goodbye else ""
        more = f'<p><a href="{escape(there)}">Also at the provider</a></p>' if there.startswith("http") else ""
        said = bare("Signed out", f'{more}<p><a href="/sign-in">Sign in</a></p>')
        gone = HTMLResponse(said, headers={"Clear-Site-Data": '"cache"'})
        gone.delete_cookie(access.cookie, httponly=True, secure=access.said.secure, samesite="lax")
        return gone


def _systems(made: APIRouter, world: World) -> None:
    """Tokens for other systems."""
    access = world.access

    @made.post(TOKEN, dependencies=[Depends(access.may("open"))])
    async def token(request: Request) -> JSONResponse:
        """SMART backend services: a short-lived token for an assertion signed with a listed key."""
        said = parse_qs((await request.body()).decode("utf-8", "replace"), max_num_fields=SECRET_BYTES)
        form = {key: values[0] for key, values in said.items() if len(values) == 1}
        no_store = {"Cache-Control": "no-store", "Pragma": "no-cache"}
        try:
            given, person = access.bearers.given(form)
        except BadToken as error:
            access.nobody(request, "token", str(error))
            return JSONResponse({"error": "invalid_client"}, 401, no_store)
        access.write(Entry("token", person.id, person.role, detail=given["scope"]))
        return JSONResponse(given, 200, no_store)


def _ourselves(made: APIRouter, world: World) -> None:
    """What we say of ourselves, so that others can find how to come in."""
    access, is_open = world.access, Depends(world.access.may("open"))

    @made.get("/.well-known/smart-configuration", dependencies=[is_open])
    @made.get("/fhir/.well-known/smart-configuration", dependencies=[is_open])
    def smart() -> dict[str, Any]:
        """SMART App Launch 2.2: how a backend service asks us for a token."""
        return {
            "token_endpoint": access.home + TOKEN,
            "token_endpoint_auth_methods_supported": ["private_key_jwt"],
            "token_endpoint_auth_signing_alg_values_supported": list(SMART),
            "grant_types_supported": ["client_credentials"],
            "scopes_supported": list(SCOPES),
            "capabilities": ["client-confidential-asymmetric", "permission-v1", "permission-v2"],
        }

    @made.get(RESOURCE, dependencies=[is_open])
    @made.get(f"{RESOURCE}/{{door}}", dependencies=[is_open])
    def resource(door: str = "") -> dict[str, Any]:
        """RFC 9728: for whom a token must be made to be taken here."""
        return {
            "resource": f"{access.home}/{door}".rstrip("/"),
            "authorization_servers": [one.issuer for one in access.said.tokens],
            "bearer_methods_supported": ["header"],
            "resource_name": "Leeward",
            "hooks": access.home + HOOKS,
        }


def _ours(then: str) -> str:
    """Where to go after signing in: a page of ours, whatever was asked for."""
    safe = then.startswith("/") and not then.startswith(("//", "/\\")) and then.isprintable()
    return then if safe else "/"


def _failed(world: World, request: Request, error: NotSignedIn) -> Response:
    """Nobody came in; why stands in the audit only."""
    world.access.nobody(request, "sign-in", str(error))
    return answer(request.scope, Refusal(401))
