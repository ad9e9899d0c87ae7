"""Bundles that are sent: transactions (all or nothing), batches (each by itself), notifications of another server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from leeward.ward.fhir import posted as p
from leeward.ward.fhir.desk import Desk
from leeward.ward.fhir.outcomes import Issue, Unfit, outcome, unfit
from leeward.ward.fhir.wishes import Done, Wish

_METHODS = {"POST", "PUT", "DELETE", "GET"}


class Request(msgspec.Struct):
    """What an entry asks for."""

    method: str | None = None
    url: str | None = None
    if_none_exist: str | None = msgspec.field(default=None, name="ifNoneExist")
    if_match: str | None = msgspec.field(default=None, name="ifMatch")
    if_none_match: str | None = msgspec.field(default=None, name="ifNoneMatch")
    if_modified_since: str | None = msgspec.field(default=None, name="ifModifiedSince")


class Entry(msgspec.Struct):
    """One entry, its resource as it was spelt."""

    full_url: str | None = msgspec.field(default=None, name="fullUrl")
    resource: msgspec.Raw = msgspec.Raw()
    request: Request | None = None


class Sent(msgspec.Struct):
    """A Bundle as it was sent."""

    resource_type: str | None = msgspec.field(default=None, name="resourceType")
    type: str | None = None
    entry: list[Entry] = []


Answered = Done | Unfit | bytes
"""What became of an entry: written, refused, or read."""


def decoded(body: bytes, most: int) -> Sent:
    """A Bundle from its bytes. Raises Unfit."""
    if p.read(body).get("resourceType") != "Bundle":
        raise unfit(400, "structure", "A Bundle is sent here.", "resourceType")
    try:
        made = msgspec.json.decode(body, type=Sent)
    except (msgspec.DecodeError, RecursionError):
        raise unfit(400, "structure", "The Bundle has another shape than FHIR R4 gives it.", "Bundle") from None
    if len(made.entry) > most:
        raise unfit(413, "too-costly", f"A Bundle may have {most} entries; send it in parts.", "Bundle.entry")
    return made


def answered(desk: Desk, body: bytes, *, full: bool) -> bytes:
    """What became of a batch or transaction, as a Bundle. full: with the resources. Raises Unfit."""
    sent = decoded(body, int(desk.world.settings.number("fhir", "bundle_entries")))
    if sent.type not in ("batch", "transaction"):
        raise unfit(400, "not-supported", "Bundles of type batch or transaction are taken in.", "Bundle.type")
    told = _transaction(desk, sent.entry) if sent.type == "transaction" else _batch(desk, sent.entry)
    entries = [_entry(desk, one, full=full) for one in told]
    made: dict[str, Any] = {"resourceType": "Bundle", "type": f"{sent.type}-response"}
    return msgspec.json.encode(made | ({"entry": entries} if entries else {}))


def _transaction(desk: Desk, entries: Sequence[Entry]) -> list[Answered]:
    """Writes first, in one transaction; reads see them."""
    wishes = [_wish(entry, number) for number, entry in enumerate(entries)]
    named = [(wish.kind, wish.id) for wish in wishes if wish is not None and wish.id is not None]
    if len(named) > len(set(named)):
        raise unfit(400, "duplicate", "A transaction names a resource once.", "Bundle.entry")
    written = iter(desk.writing().whole([wish for wish in wishes if wish is not None]))
    made: list[Answered] = [next(written) if wish is not None else b"" for wish in wishes]
    for number, entry in enumerate(entries):
        if wishes[number] is None:
            try:
                made[number] = desk.asked((entry.request and entry.request.url) or "")
            except Unfit as fault:
                made[number] = fault.within(f"Bundle.entry[{number}]")
    return made


def _batch(desk: Desk, entries: Sequence[Entry]) -> list[Answered]:
    """Each by itself, in their order."""
    made: list[Answered] = [b""] * len(entries)
    wishes: dict[int, Wish] = {}
    for number, entry in enumerate(entries):
        try:
            wish = _wish(entry, number)
            if wish is not None:
                wishes[number] = wish
        except Unfit as fault:
            made[number] = fault
    for number, done in zip(wishes, desk.writing().each(list(wishes.values())), strict=True):
        made[number] = done
    for number, entry in enumerate(entries):
        if number not in wishes and not isinstance(made[number], Unfit):
            try:
                made[number] = desk.asked((entry.request and entry.request.url) or "")
            except Unfit as fault:
                made[number] = fault.within(f"Bundle.entry[{number}]")
    return made


def _wish(entry: Entry, number: int) -> Wish | None:
    """What an entry wants written; None: it reads. Raises Unfit."""
    place, asked = f"Bundle.entry[{number}]", entry.request
    if asked is None or asked.method not in _METHODS or not asked.url:
        raise unfit(400, "required", "An entry says POST, PUT, DELETE or GET, and where.", f"{place}.request")
    if asked.if_none_match is not None or asked.if_modified_since is not None:
        raise unfit(400, "not-supported", "This condition is not read.", f"{place}.request")
    if asked.method == "GET":
        return None
    path, _, query = asked.url.partition("?")
    kind, _, id_ = path.strip("/").partition("/")
    body = bytes(entry.resource) or None
    if asked.method != "DELETE" and body is None:
        raise unfit(400, "required", "There is no resource in the entry.", f"{place}.resource")
    if (asked.method == "POST") is bool(id_ or query) and not (asked.method == "PUT" and query and not id_):
        raise unfit(400, "value", "POST names a type, PUT and DELETE a resource.", f"{place}.request.url")
    where = asked.if_none_exist if asked.method == "POST" else query or None
    if asked.method == "DELETE" and query:
        raise unfit(400, "not-supported", "What is taken back is named by its id.", f"{place}.request.url")
    return Wish(
        method=asked.method, kind=kind, id=id_ or None, body=body, where=where,  # type: ignore[arg-type]
        if_match=asked.if_match, address=entry.full_url, place=f"{place}.resource",
    )  # fmt: skip


def _entry(desk: Desk, one: Answered, *, full: bool) -> dict[str, Any]:
    """An entry of the answer."""
    if isinstance(one, bytes):
        return {"resource": msgspec.Raw(one), "response": {"status": "200"}}
    if isinstance(one, Unfit):
        return {"response": {"status": str(one.status), "outcome": outcome(one.issues)}}
    response: dict[str, Any] = {
        "status": str(one.status), "location": f"{desk.home}/{one.reference}/_history/{one.version}",
        "etag": f'W/"{one.version}"', "lastModified": p.stamp(one.at),
    }  # fmt: skip
    if one.issues:
        response["outcome"] = outcome(one.issues)
    if full and one.status != 204:
        held = msgspec.Raw(p.dressed(one.body, one.id, one.version, one.at))
        return {"fullUrl": f"{desk.home}/{one.reference}", "resource": held, "response": response}
    return {"response": response}


# ---------------------------------------------------------------- notifications


def notified(desk: Desk, body: bytes) -> tuple[list[Answered], list[Issue]]:
    """What a server's Subscription tells us: a Bundle of what changed, or one resource. Each counts by itself.

    Raises Unfit where nothing of it can be read.
    """
    if p.read(body).get("resourceType") != "Bundle":
        kind = str(p.read(body)["resourceType"]) if isinstance(p.read(body).get("resourceType"), str) else ""
        if kind == "Parameters":
            return [], [_hint("A notification without resources: there was nothing to take in.")]
        return list(desk.writing().each([_told(body, None, "")])), []
    sent = decoded(body, int(desk.world.settings.number("fhir", "bundle_entries")))
    if sent.type not in ("history", "subscription-notification", "searchset", "collection"):
        raise unfit(400, "not-supported", "A notification is a Bundle of type history.", "Bundle.type")
    wishes, hints, bad = [], [], list[Answered]()
    for number, entry in enumerate(sent.entry):
        place = f"Bundle.entry[{number}].resource"
        try:
            wish = _of_notification(entry, place)
        except Unfit as fault:
            bad.append(fault.within(place))
            continue
        if wish is not None:
            wishes.append(wish)
        elif not _is_status(entry):
            hints.append(_hint("An entry without its resource: have the server send full resources.", place))
    return [*bad, *desk.writing().each(wishes)], hints


def _hint(says: str, at: str | None = None) -> Issue:
    return Issue("incomplete", says, at, "warning")


def _is_status(entry: Entry) -> bool:
    """Whether an entry is about the Subscription itself."""
    return bytes(entry.resource) != b"" and p.read(bytes(entry.resource)).get("resourceType") in (
        "Parameters", "SubscriptionStatus",
    )  # fmt: skip


def _of_notification(entry: Entry, place: str) -> Wish | None:
    """What an entry of a notification wants written; None: nothing."""
    asked = entry.request or Request()
    if asked.method == "DELETE":
        kind, _, id_ = (asked.url or "").partition("/")
        return Wish(method="DELETE", kind=kind, id=id_ or None, place=place)
    if bytes(entry.resource) == b"" or _is_status(entry):
        return None
    return _told(bytes(entry.resource), entry.full_url, place)


def _told(body: bytes, address: str | None, place: str) -> Wish:
    """A resource of another server, kept under the id it has there. Raises Unfit."""
    said = p.read(body)
    kind, id_ = said.get("resourceType"), said.get("id")
    if not isinstance(kind, str) or not isinstance(id_, str):
        raise unfit(422, "required", "A resource of a notification has a type and an id.", "id")
    return Wish(method="PUT", kind=kind, id=id_, body=body, address=address, place=place)
