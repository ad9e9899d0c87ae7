"""One reading of one input: what has been learnt so far, and where statements and refusals are put."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec

from leeward.record.codes import Codes
from leeward.record.fhir.people import Patients, why_nobody
from leeward.record.fhir.resources import Concept, Head, Meta, Period, Reference, Resource
from leeward.record.fhir.rows import Kind, Row, Rows
from leeward.record.fhir.words import Chosen, Words
from leeward.record.settings import Refused, Settings
from leeward.record.words import Words as Devices

if TYPE_CHECKING:
    import pyarrow as pa

WAITING_MAX = 100_000
"""Resources that may wait for one they refer to and that has not been read yet."""
SHELF_MAX = 1_000_000
"""Medications, devices and places remembered for others to refer to."""


class Shelf:
    """What other resources refer to: medications, devices, places, by type and id or by address."""

    def __init__(self) -> None:
        self._held: dict[str, Any] = {}
        self._in_bundle: dict[str, Any] = {}

    def enter_bundle(self) -> None:
        """Within a bundle its own resources come first."""
        self._in_bundle.clear()

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Within a bundle inside another both are looked through, its own first."""
        outer = dict(self._in_bundle)
        yield
        self._in_bundle = outer

    def put(self, resource: Resource, address: str | None, meaning: Any) -> None:
        """Keep what a resource means; two that differ under one id mean nothing outside their bundle."""
        key = f"{resource.resourceType}/{resource.id}"
        if address:
            self._in_bundle[address] = meaning
            self._in_bundle[key] = meaning
        if key in self._held and self._held[key] != meaning:
            self._held[key] = None
        elif len(self._held) < SHELF_MAX:
            self._held[key] = meaning

    def find(self, reference: Reference | None) -> Any:
        """What a reference means; None if its resource was not read, or two of them differ."""
        spelt = (reference.reference if reference else None) or ""
        if spelt in self._in_bundle:
            return self._in_bundle[spelt]
        parts = spelt.partition("/_history/")[0].split("/")
        return self._held.get("/".join(parts[-2:]))


@lru_cache(maxsize=16)
def _vocabulary(local: tuple[str, ...]) -> tuple[Words, Devices]:
    """The words of sources that use these code systems: the same codes return with every input, so they are kept."""
    codes = Codes(local)
    return Words(codes), Devices(codes.locals)


class Reading:
    """What one input has told so far."""

    def __init__(self, settings: Settings) -> None:
        self.local = settings.local
        self.words, self.devices = _vocabulary(settings.local)
        self.patients = Patients()
        self.shelf = Shelf()
        self.rows = Rows()
        self.line = 0
        self.unread: Counter[str] = Counter()
        self.waiting: list[tuple[str, str, int, Callable[[bool], bool]]] = []

    def patient(self, subject: Reference | None) -> str | None:
        """Whose a resource is; None, and refused, if nobody's."""
        found = self.patients.of(subject)
        if found is None:
            self.refuse("patient-missing", why_nobody(subject))
        return found

    def refuse(self, reason: str, detail: str | None = None, patient: str | None = None) -> None:
        """List the resource at hand, or part of it, as refused."""
        self.rows.refuse(reason, self.line, detail, patient)

    def say(
        self,
        patient: str,
        kind: Kind,
        *,
        value: str | None = None,
        start: str | None = None,
        reported: str | None = None,
        record: str | None = None,
        version: str | None = None,
    ) -> None:
        """One statement of the resource at hand."""
        number = self.rows.kind(kind)
        self.rows.flat += Row(patient, self.line, number, value, start, reported, record, version)

    def agreed(self, chosen: Chosen, patient: str) -> bool:
        """Whether the codings of one concept mean one thing; refused if not."""
        if chosen.disagree:
            self.refuse("codes-disagree", f"{chosen.system}|{chosen.code} and another code beside it", patient)
        return not chosen.disagree

    def take(self) -> Iterator[pa.RecordBatch | Refused]:
        """Hand on everything held, save what belongs to a patient whom the id does not tell from another."""
        yield from self.rows.take(self.patients.ambiguous)

    def later(self, attempt: Callable[[bool], bool]) -> None:
        """Try now; if what the resource refers to has not been read, try again when everything has been.

        `attempt` is told whether this is the last time, and tells whether it is done.
        """
        if not attempt(len(self.waiting) >= WAITING_MAX):
            self.waiting.append((self.rows.source, self.rows.where, self.line, attempt))

    def last_attempts(self) -> Iterator[pa.RecordBatch | Refused]:
        """What waited for another resource that never came."""
        for source, where, line, attempt in self.waiting:
            if source != self.rows.source:
                yield from self.take()
            self.rows.source, self.line = source, line
            self.rows.stand(where)
            attempt(True)
            if self.rows.full:
                yield from self.take()
        yield from self.take()


def version_of(meta: Meta | None) -> str | None:
    """When this version came about, else its number."""
    return (meta.lastUpdated or meta.versionId) if meta is not None else None


def record_of(resource: Resource) -> str | None:
    """The source's own name for a resource."""
    return f"{resource.resourceType}/{resource.id}" if resource.id else None


def within(time: str | None, period: Period | None) -> tuple[str | None, str | None]:
    """Start and end of a time or a period."""
    if time is not None or period is None:
        return time, None
    return period.start, period.end


def contained(resource: Resource, reference: str | None) -> bytes | None:
    """The resource that another one carries inside and refers to by `#id`."""
    if not reference or not reference.startswith("#") or not bytes(resource.contained):
        return None
    for inside in msgspec.json.decode(resource.contained, type=list[msgspec.Raw]):
        if msgspec.json.decode(inside, type=Head).id == reference[1:]:
            return bytes(inside)
    return None


def spoken(concepts: list[Concept | None], words: Words) -> str | None:
    """Several concepts as one text."""
    told = [word for c in concepts if c is not None and (word := words.text(c))]
    return ", ".join(told) or None
