"""From what was done to what is answered: status, headers, and a resource or an OperationOutcome."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from urllib.parse import parse_qsl

import structlog
from starlette.requests import Request
from starlette.responses import Response

from leeward.record.settings import Refused
from leeward.ward.arrivals import Arrival
from leeward.ward.fhir import bundles
from leeward.ward.fhir import posted as p
from leeward.ward.fhir.desk import Desk
from leeward.ward.fhir.outcomes import Issue, Unfit, outcome, sent, unfit
from leeward.ward.fhir.wishes import Done, Wish

log = structlog.get_logger(__name__)
FORM = "application/x-www-form-urlencoded"
refused_requests: Counter[tuple[str, str]] = Counter()
"""How many requests, or entries of them, were refused since this worker began, by feed and code."""


def count(desk: Desk, fault: Unfit) -> None:
    """Count a refusal, and note it without anything of the request."""
    for code in {issue.code for issue in fault.issues} or {"processing"}:
        refused_requests[desk.feed(), code] += 1
    log.info("fhir-refused", status=fault.status, codes=sorted({issue.code for issue in fault.issues}))


def preference(request: Request) -> str | None:
    """What the sender wants back: minimal, representation or OperationOutcome."""
    for said in request.headers.get("prefer", "").replace(";", ",").split(","):
        name, _, value = said.strip().partition("=")
        if name == "return" and value in ("minimal", "representation", "OperationOutcome"):
            return value
    return None


def written(wish: Callable[[bytes], Wish]) -> Callable[[Desk, bytes], Response]:
    """A route that writes one resource."""

    def route(desk: Desk, body: bytes) -> Response:
        wanted = wish(body)
        if wanted.method != "DELETE" and not body:
            raise unfit(400, "required", "There is no resource in the body.")
        return _written(desk, desk.write(wanted))

    return route


def _written(desk: Desk, done: Done) -> Response:
    """What became of a resource. What was refused of it is told whatever the sender prefers."""
    headers = {
        "Location": f"{desk.home}/{done.reference}/_history/{done.version}", "ETag": f'W/"{done.version}"',
        "Last-Modified": done.at.strftime("%a, %d %b %Y %H:%M:%S GMT"),
    }  # fmt: skip
    if done.status == 204:
        return sent(204, None, {"ETag": headers["ETag"]})
    wants = preference(desk.request)
    if wants == "representation":
        reasons = sorted({one.reason or one.code for one in done.issues})
        headers |= {"Warning": ", ".join(f'299 - "{reason}"' for reason in reasons)} if reasons else {}
        return sent(done.status, p.dressed(done.body, done.id, done.version, done.at), headers)
    if wants == "minimal" and not done.issues:
        return sent(done.status, None, headers)
    return sent(done.status, outcome(done.issues), headers)


def bundle(desk: Desk, body: bytes) -> Response:
    """A batch or a transaction."""
    return sent(200, bundles.answered(desk, body, full=preference(desk.request) == "representation"))


def notification(desk: Desk, body: bytes) -> Response:
    """What another server tells. What cannot be taken is kept apart with its reason; if nothing can, it is refused."""
    if not body:
        says = "A notification without resources: there was nothing to take in."
        return sent(200, outcome([Issue("incomplete", says, severity="warning")]))
    told, hints = bundles.notified(desk, body)
    bad = [one for one in told if isinstance(one, Unfit)]
    done = [one for one in told if isinstance(one, Done)]
    for fault in bad:
        count(desk, fault)
    if bad:
        lost = [Refused("fhir-" + one.code, None, None, one.at, desk.feed(), one.at) for f in bad for one in f.issues]
        person = desk.world.access.person_of(desk.request)
        desk.world.intake.take(Arrival(door="fhir", source=desk.feed(), by=person.id), lost)
    issues = [*hints, *(i for one in bad for i in one.issues), *(i for one in done for i in one.issues)]
    return sent(bad[0].status if bad and not done else 200, outcome(issues))


def read(desk: Desk, kind: str, id_: str) -> Response:
    """A resource as it stands now."""
    body, version = desk.read(kind, id_)
    headers = {} if version is None else {"ETag": f'W/"{version}"'}
    if version is not None and desk.request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    return sent(200, body, headers)


def found(desk: Desk, kind: str, asked: list[tuple[str, str]], *, posted: bool) -> Response:
    """What was sought."""
    return sent(200, desk.search(kind, [one for one in asked if one[0] != "_format"], posted=posted))


def form(request: Request, body: bytes) -> list[tuple[str, str]]:
    """The question of a form, and of the address beside it. Raises Unfit."""
    try:
        said = parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=100)
        return [*parse_qsl(request.url.query, keep_blank_values=True), *said]
    except (UnicodeDecodeError, ValueError):
        raise unfit(400, "structure", "This is no form.") from None
