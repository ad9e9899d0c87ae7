"""What a client sent with its call, and what had to be asked for: four ways a prefetch key can stand, four answers.

sent      read as it is
null      the client looked and there is nothing: counts as nothing on record, and the card says so
absent    asked for at the client's FHIR server, where that is listed and a token came; else 412
refused   an OperationOutcome instead of data: 412, with the client's own reason code

What a listed server did not answer in time leaves its part missing, and the grade open; a part of the client's own
that breaks off (a page with a next one) is followed there, or open as well.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from leeward.ward.cards.fhir_server import FhirServers, within_server
from leeward.ward.cards.request import Refused, Request
from leeward.ward.cards.services import PATIENT, Service

NULL = b"null"


class Lost(msgspec.Struct, frozen=True):
    """A part that did not come, or not whole. `part`: its prefetch key."""

    part: str
    why: str


class Gathered(msgspec.Struct, frozen=True, kw_only=True):
    """Everything there is: resources and Bundles by name, keys under which nothing is recorded, parts that are lost."""

    texts: dict[str, bytes]
    nothing: tuple[str, ...] = ()
    lost: tuple[Lost, ...] = ()


class _Issue(msgspec.Struct):
    code: str = "unknown"


class _Link(msgspec.Struct):
    relation: str = ""
    url: str = ""


class _Head(msgspec.Struct):
    """As much of a prefetched value as tells what it is."""

    resourceType: str = ""  # noqa: N815  as FHIR spells it
    id: str | None = None
    issue: list[_Issue] | None = None
    link: list[_Link] | None = None


_head = msgspec.json.Decoder(_Head)


def gathered(request: Request, service: Service, servers: FhirServers) -> Gathered:
    """What the service needs for this call. Raises Refused(412) where that cannot be had, and 422, 400."""
    sent = request.prefetch or {}
    unknown = sorted(sent.keys() - service.prefetch.keys())
    if unknown:
        raise Refused(400, "value", "prefetch: a key that this service did not ask for")
    texts: dict[str, bytes] = {}
    nothing: list[str] = []
    further: dict[str, str] = {}
    for key in service.prefetch:
        if key not in sent:
            continue
        text = bytes(sent[key])
        if text.strip() == NULL:
            nothing.append(key)
            continue
        head = _looked(key, text, request)
        texts[key] = text
        onward = next((link.url for link in head.link or () if link.relation == "next"), None)
        if onward is not None:
            further[key] = onward
    absent = {
        key: asked.template.replace(PATIENT, request.patient)
        for key, asked in service.prefetch.items()
        if key not in sent
    }
    pages, lost = _asked(request, servers, absent) if absent else ({}, [])
    more, lost_more = _followed(request, servers, further)
    return Gathered(texts=texts | pages | more, nothing=tuple(nothing), lost=(*lost, *lost_more))


def _looked(key: str, text: bytes, request: Request) -> _Head:
    """What a prefetched value is; raises Refused where it is none, a refusal, or somebody else."""
    try:
        head: _Head = _head.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Refused(400, "structure", f"prefetch.{key}: neither null nor a FHIR resource") from None
    if head.resourceType == "OperationOutcome":
        code = _issue_code(head)
        raise Refused(412, code, f"prefetch.{key}: the client could not fetch it ({code})")
    if head.resourceType == "Patient" and head.id != request.patient:
        raise Refused(422, "business-rule", f"prefetch.{key}: is another patient than context.patientId")
    if not head.resourceType:
        raise Refused(400, "structure", f"prefetch.{key}: neither null nor a FHIR resource")
    return head


_ISSUES = (
    "invalid structure required value invariant security login unknown expired forbidden suppressed processing "
    "not-supported duplicate multiple-matches not-found deleted too-long code-invalid extension too-costly "
    "business-rule conflict transient lock-error no-store exception timeout incomplete throttled informational"
)
_CODES = frozenset(_ISSUES.split())


def _issue_code(head: _Head) -> str:
    """The first code of an OperationOutcome, one of FHIR's own; its free text is not repeated."""
    found = next((one.code for one in head.issue or ()), "unknown")
    return found if found in _CODES else "unknown"


def _asked(
    request: Request, servers: FhirServers, absent: Mapping[str, str], first: int = 0
) -> tuple[dict[str, bytes], list[Lost]]:
    """What was not sent, from the client's FHIR server. Raises Refused(412) where it cannot be asked."""
    address, token = request.fhirServer, request.fhirAuthorization
    keys = ", ".join(absent)
    if address is None or token is None:
        raise Refused(412, "required", f"prefetch: without {keys}, and without a FHIR server and its token")
    if not servers.lists(address):
        raise Refused(412, "security", f"prefetch: without {keys}; fhirServer is not one that this centre has listed")
    if token.patient is not None and token.patient != request.patient:
        raise Refused(422, "business-rule", "fhirAuthorization: the token is for another patient")
    texts: dict[str, bytes] = {}
    lost: list[Lost] = []
    for key, found in servers.fetch(address, token.access_token, absent).items():
        texts |= {_page_name(key, number): page for number, page in enumerate(found.pages, first)}
        if found.why is not None:
            lost.append(Lost(key, found.why))
        else:
            _not_refused(key, found.pages)
    return texts, lost


def _followed(
    request: Request, servers: FhirServers, further: Mapping[str, str]
) -> tuple[dict[str, bytes], list[Lost]]:
    """The further pages of what was sent, where they lie on a listed server; those that do not are lost."""
    address, token = request.fhirServer, request.fhirAuthorization
    if address is None or token is None or not servers.lists(address):
        return {}, [Lost(key, "further pages were not sent") for key in further]
    here = {key: asked for key, url in further.items() if (asked := within_server(url, address)) is not None}
    lost = [Lost(key, "its next page is said to lie elsewhere") for key in further if key not in here]
    pages, more = _asked(request, servers, here, first=1) if here else ({}, [])
    return pages, lost + more


def _page_name(key: str, number: int) -> str:
    """How a page is named in findings: by its key, further pages with their number."""
    return key if number == 0 else f"{key} page {number + 1}"


def _not_refused(key: str, pages: tuple[bytes, ...]) -> None:
    """Raises Refused(412) where the server answered with a refusal in place of data."""
    for page in pages:
        head = _head.decode(page)
        if head.resourceType == "OperationOutcome":
            code = _issue_code(head)
            raise Refused(412, code, f"{key}: the FHIR server could not tell it ({code})")
