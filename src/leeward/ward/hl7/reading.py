"""One message while it is read: whose it is, from which feed, which version; and what it says so far."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from leeward.record.codes import Codes
from leeward.record.fhir.resources import Concept, Quantity
from leeward.record.fhir.words import Chosen, Words
from leeward.record.schema import STATEMENT
from leeward.record.settings import Refused
from leeward.ward.arrivals import Move
from leeward.ward.hl7.fields import said
from leeward.ward.hl7.moments import Moments, written
from leeward.ward.hl7.senders import Listening, Sender
from leeward.ward.hl7.vocabulary import FieldAt, Refusal, vocabulary

TAKES_BACK = ("entered-in-error", "corrected", "amended", "appended")
"""Statuses that speak of an earlier version, so that the record must be named."""
OF_MESSAGE = " of message "
TEXT_MAX = 200
"""Characters of a word; longer ones are notes, which are not read."""


class Reading:
    """What one message has told so far."""

    def __init__(
        self, message: Any, sender: Sender, listening: Listening, codes: Codes, words: Words, moments: Moments
    ) -> None:
        self.message, self.header, self.sender, self.listening = message, message[0], sender, listening
        self.codes, self.words, self.moments = codes, words, moments
        self.moves: list[Move] = []
        self._rows: list[dict[str, str | None]] = []
        self._refused: list[Refused] = []
        self._named: dict[str, dict[str, str | None]] = {}

    def say(self, patient: str, place: str, **stated: str | None) -> None:
        """One statement; `stated` are columns of STATEMENT. Raises Refusal where two known ones of one name differ."""
        text = stated.get("text")
        row = stated | {"patient": patient, "source": self.sender.source, "text": text and text[:TEXT_MAX]}
        record = row.get("record")
        if record is None and row.get("status") in TAKES_BACK:
            raise Refusal("record-missing", place)
        known = row.get("quantity") or self.codes.meaning(row.get("system"), row.get("code"))
        if record is not None and known and self._named.setdefault(record, row) != row:
            raise Refusal("record-repeated", place)
        self._rows.append(row | {"place": self._found_at(place)})

    def refuse(self, reason: str, patient: str, place: str, detail: str | None = None) -> None:
        """List part of the message as refused."""
        self._refused.append(Refused(reason, patient, None, detail, self.sender.source, self._found_at(place)))

    def _found_at(self, place: str) -> str:
        """Where something stands, for whoever looks for it in the sender's own archive."""
        return f"{place}{OF_MESSAGE}{said(self.header, 10)}"

    def told(self) -> Iterator[pa.RecordBatch | Refused]:
        """Everything said, as the intake takes it."""
        if self._rows:
            rows = [{name: row.get(name) for name in STATEMENT.names} for row in self._rows]
            yield pa.RecordBatch.from_pylist(rows, STATEMENT)
        yield from self._refused

    def version(self, at: FieldAt, segment: Any) -> str:
        """The version of what a segment says, as text that sorts: its own time, then the message's. Raises Refusal."""
        own = self.moments.instant(said(segment, at[1]), f"{at[0]}-{at[1]}") if segment is not None else None
        last = vocabulary().version.last
        sent = self.moments.instant(said(self.header, last[1]), f"{last[0]}-{last[1]}")
        if own is None and sent is None:
            raise Refusal("version-missing", f"{last[0]}-{last[1]}")
        return " ".join(written(moment) for moment in (own or sent, sent or own) if moment is not None)

    def record(self, filler: str | None, part: str, start: str | None) -> str | None:
        """The sender's own name of a statement; None without a filler number."""
        if filler is None:
            return None
        name = f"{self.sender.source}/{filler}#{part}"
        return f"{name}@{start}" if self.sender.numbers == "session" else name

    def chosen(self, concept: Concept | None, patient: str, place: str, *, drug: bool = False) -> Chosen | None:
        """The coding to read; None, and refused, where the codings of one concept mean different things."""
        chosen = self.words.chosen(concept, drug=drug)
        if chosen.disagree:
            self.refuse("codes-disagree", patient, place, f"{chosen.system}|{chosen.code} and another code beside it")
            return None
        return chosen

    def unit(self, concept: Concept | None) -> str | None:
        """The spelling of a unit: the UCUM one where several are given."""
        if concept is None:
            return None
        codings = concept.coding or []
        best = next((c for c in codings if c.system == "ucum"), codings[0] if codings else None)
        if best is None:
            return concept.text
        return self.words.unit(Quantity(unit=best.display, system=best.system, code=best.code))
