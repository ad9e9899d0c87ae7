"""The refusals of the service: a status and a body that is the same whatever the reason; the reason is in the audit."""

from __future__ import annotations

from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import Scope

SAID = {
    400: "The request cannot be understood.",
    401: "Sign in to see this.",
    403: "This is not open to you.",
    404: "There is nothing here.",
    503: "The audit cannot be written, so there is no answer.",
}
"""What stands in the body of each refusal, and nothing else."""
FHIR_CODES = {400: "invalid", 401: "login", 403: "forbidden", 404: "not-found", 408: "timeout", 413: "too-long",
              415: "not-supported", 429: "throttled", 500: "exception", 503: "transient"}  # fmt: skip
"""The same as FHIR's issue types (http://hl7.org/fhir/issue-type)."""


class Refusal(HTTPException):
    """A request that is not answered.

    A patient who does not exist and one whom the person may not see are the same 404; every fault of a token is the
    same 401.
    """

    def __init__(self, status: int) -> None:
        headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
        super().__init__(status_code=status, detail=SAID[status], headers=headers)


def answer(scope: Scope, refusal: HTTPException) -> Response:
    """A refusal as whoever asked reads it: FHIR's own shape, a page with the way to sign in, or JSON."""
    status, said = refusal.status_code, str(refusal.detail)
    headers = dict(refusal.headers or {})
    if scope["path"].startswith("/fhir"):
        issue = {"severity": "error", "code": FHIR_CODES.get(status, "processing"), "diagnostics": said}
        body = {"resourceType": "OperationOutcome", "issue": [issue]}
        return JSONResponse(body, status, headers, media_type="application/fhir+json")
    if scope["method"] == "GET" and "text/html" in Headers(scope=scope).get("accept", ""):
        way = f'<p><a href="{_sign_in(scope)}">Sign in</a></p>' if status == 401 else '<p><a href="/">The ward</a></p>'
        return HTMLResponse(bare(said, way), status, headers)
    return JSONResponse({"detail": said}, status, headers)


def bare(title: str, more: str) -> str:
    """A page for who is not, or no longer, signed in: nothing of the ward stands in it."""
    return (
        '<!doctype html><html lang="en-GB"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{title}</title><link rel="stylesheet" href="/static/leeward.css">'
        f"<main><section><h1>{title}</h1>{more}</section></main></html>"
    )


def _sign_in(scope: Scope) -> str:
    """The way to sign in and back to the address that was asked for."""
    query = scope["query_string"].decode("latin-1")
    there = scope["path"] + (f"?{query}" if query else "")
    return f"/sign-in?then={quote(there)}"


def told(scope: Scope, status: int, said: str, headers: dict[str, str] | None = None) -> Response:
    """A refusal of a limit: whoever is refused may know why, for the words hold nothing of theirs."""
    return answer(scope, HTTPException(status, said, headers))
