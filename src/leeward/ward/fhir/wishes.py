"""What a request asks to be written, and what became of it; and which id each resource goes by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Any, Literal
from urllib.parse import parse_qsl

import msgspec

from leeward.ward.arrivals import Move
from leeward.ward.fhir import posted as p
from leeward.ward.fhir.outcomes import Issue, Unfit, unfit
from leeward.ward.resources import Kept, Resources, Version

PASSES = 4
"""How often entries that name each other are gone through before one is named as it stands."""


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """One create, update or deletion. where: conditional, by identifier. place: of the entry in its Bundle."""

    method: Literal["POST", "PUT", "DELETE"]
    kind: str
    id: str | None = None
    body: bytes | None = None
    where: str | None = None
    if_match: str | None = None
    address: str | None = None
    place: str = ""


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a wish: the version that stands for it, and what is worth knowing."""

    status: int
    kind: str
    id: str
    version: int
    at: datetime
    body: bytes
    issues: list[Issue] = []

    @property
    def reference(self) -> str:
        """What others call it."""
        return f"{self.kind}/{self.id}"


class Item(msgspec.Struct, kw_only=True):
    """A wish on its way. existing: what stands for it, so that nothing is written. reading: the body as it is read."""

    wish: Wish
    number: int
    posted: p.Posted | None = None
    id: str | None = None
    existing: Kept | None = None
    before: Version | None = None
    patient: str | None = None
    kept: Kept | None = None
    reading: bytes | None = None
    newest: bool = True
    moves: list[Move] = []
    issues: list[Issue] = []

    @property
    def reference(self) -> str:
        """What others call it."""
        return f"{self.wish.kind}/{self.id}"


def sought(query: str) -> str:
    """The identifier that a condition names: `identifier=system|value` and nothing beside it. Raises Unfit."""
    said = parse_qsl(query, keep_blank_values=True)
    if len(said) != 1 or said[0][0] != "identifier" or not said[0][1].rpartition("|")[2]:
        raise unfit(400, "not-supported", "A condition names one identifier: identifier=system|value.")
    return said[0][1]


def only(found: Sequence[Version], at: str | None = None) -> Version | None:
    """The one that a condition found. Raises Unfit where there are several."""
    if len(found) > 1:
        raise unfit(412, "multiple-matches", "More than one resource bears that identifier.", at)
    return found[0] if found else None


class Names:
    """Gives every item the id it goes by, and follows references between entries."""

    def __init__(self, resources: Resources, feed: str, servers: tuple[str, ...]) -> None:
        self._resources, self._feed, self._servers = resources, feed, servers
        self._by_address: dict[str, str] = {}

    def name(self, items: Sequence[Item], failed: Callable[[Item, Unfit], None]) -> None:
        """Name every item; one that another names comes first, so that the same request gives the same ids."""
        waiting = [item for item in items if item.posted is not None]
        addresses = {item.wish.address for item in waiting if item.wish.address}
        for turn in range(PASSES):
            for item in list(waiting):
                assert item.posted is not None
                open_ = (set(p.references(item.posted.said)) & addresses) - set(self._by_address)
                if open_ and turn < PASSES - 1 and item.wish.method == "POST" and item.wish.where is None:
                    continue
                waiting.remove(item)
                try:
                    self._named(item)
                except Unfit as error:
                    failed(item, error)
        for item in items:
            if item.posted is not None:
                try:
                    item.posted = self._followed(item.posted, last=True)
                except Unfit as error:
                    failed(item, error)

    def _named(self, item: Item) -> None:
        wish = item.wish
        assert item.posted is not None
        item.posted = self._followed(item.posted, last=False)
        if wish.where is not None:
            item.existing = only(self._resources.named(wish.kind, sought(wish.where)))
        if wish.method == "PUT":
            item.id = self._for_update(item)
        elif item.existing is not None:
            item.id = item.existing.id
        else:
            said = sought(wish.where) if wish.where else p.digest(item.posted.said).hex()
            item.id = "l" + blake2b(repr((self._feed, wish.kind, said)).encode(), digest_size=15).hexdigest()
        item.posted.put("id", item.id)
        item.posted.id = item.id
        if wish.address:
            self._by_address[wish.address] = item.reference

    def _for_update(self, item: Item) -> str:
        """The id of what is updated; a condition may find it, else the resource brings its own."""
        assert item.posted is not None
        wish, own, found = item.wish, item.posted.id, item.existing
        item.existing = None
        wanted = wish.id or (found.id if found else None) or own
        if wanted is None:
            said = sought(wish.where or "")
            return "l" + blake2b(repr((self._feed, wish.kind, said)).encode(), digest_size=15).hexdigest()
        if (own is not None and own != wanted) or (own is None and wish.id is not None):
            raise unfit(400, "value", "The resource's id is not the one it is sent to.", f"{wish.kind}.id")
        return wanted

    def _followed(self, one: p.Posted, *, last: bool) -> p.Posted:
        """A resource whose references name what they mean here. last: none may be left open."""

        def meant(reference: str) -> str:
            if reference in self._by_address:
                return self._by_address[reference]
            if "?" in reference:
                return self._conditional(reference)
            if last and reference.startswith("urn:"):
                says = "A reference names no entry of this request."
                raise unfit(422, "not-found", says, one.kind)
            return p.relative(reference, self._servers)

        body = p.rewritten(one.body, meant)
        parts = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
        said: dict[str, Any] = p.read(body)
        return p.Posted(kind=one.kind, id=one.id, parts=parts, said=said)

    def _conditional(self, reference: str) -> str:
        """A reference by identifier, as a transaction may have it."""
        kind, _, query = reference.partition("?")
        found = only(self._resources.named(kind, sought(query))) if kind in p.KINDS else None
        if found is None:
            raise unfit(412, "not-found", "A reference by identifier finds nothing.")
        return found.reference
