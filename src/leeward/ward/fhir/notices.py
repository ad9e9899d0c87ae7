"""What a Subscription's receiver is told, as the R4 backport of Subscriptions has it: never a value, only addresses."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec

from leeward.ward.fhir.posted import stamp

PROFILE = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-subscription-status-r4"
CONTENT = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-payload-content"
CONTENTS = ("empty", "id-only")
"""How much of what changed a notice names; whole resources would carry values out of the ward."""
Kind = Literal["handshake", "event-notification", "query-status"]
Said = dict[str, Any]


def content(channel: Said) -> str | None:
    """What a channel asks for: nothing at all, `empty`, `id-only` (where it does not say), or what is not offered."""
    if channel.get("payload") is None:
        return None
    extensions = (channel.get("_payload") or {}).get("extension") or ()
    asked = [one.get("valueCode") for one in extensions if isinstance(one, dict) and one.get("url") == CONTENT]
    return str(asked[0]) if asked else "id-only"


def status(
    home: str, reference: str, kind: Kind, state: str, told: int, events: Sequence[tuple[int, datetime, str]] = ()
) -> Said:
    """The state of a Subscription. told: how many notices there have been; events: number, moment and address."""
    parameters: list[Said] = [
        {"name": "subscription", "valueReference": {"reference": f"{home}/{reference}"}},
        {"name": "status", "valueCode": state}, {"name": "type", "valueCode": kind},
        {"name": "events-since-subscription-start", "valueString": str(told)},
    ]  # fmt: skip
    parameters += [
        {"name": "notification-event", "part": [
            {"name": "event-number", "valueString": str(number)}, {"name": "timestamp", "valueInstant": stamp(at)},
            {"name": "focus", "valueReference": {"reference": address}},
        ]}
        for number, at, address in events
    ]  # fmt: skip
    return {"resourceType": "Parameters", "meta": {"profile": [PROFILE]}, "parameter": parameters}


def bundle(home: str, reference: str, said: Said, at: datetime, addresses: Iterable[str] = ()) -> Said:
    """A notice: the Subscription's state first, then the addresses of what changed."""
    first = {"resource": said, "request": {"method": "GET", "url": f"{reference}/$status"},
             "response": {"status": "200"}}  # fmt: skip
    entries = [
        {"fullUrl": address, "request": {"method": "PUT", "url": address.removeprefix(f"{home}/")},
         "response": {"status": "200"}}
        for address in addresses
    ]  # fmt: skip
    return {"resourceType": "Bundle", "type": "history", "timestamp": stamp(at), "entry": [first, *entries]}


def body(content_: str | None, said: Said) -> msgspec.Raw:
    """A notice as it is sent; nothing at all where the channel asks for no payload."""
    return msgspec.Raw(b"" if content_ is None else msgspec.json.encode(said))
