"""A block of bytes in, its acknowledgements out: nothing is acknowledged as taken before the store has it durably."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import count
from secrets import token_hex
from threading import Lock
from typing import Any

import hl7
import structlog
from msgspec.structs import replace

from leeward.record.codes import Codes
from leeward.record.fhir.words import Words
from leeward.record.settings import Refused
from leeward.ward.arrivals import Arrival
from leeward.ward.audit import AuditDown, Entry
from leeward.ward.clock import Clock
from leeward.ward.hl7 import answer, drugs, moves, results
from leeward.ward.hl7.answer import Trouble
from leeward.ward.hl7.fields import said
from leeward.ward.hl7.moments import Moments
from leeward.ward.hl7.reading import Reading
from leeward.ward.hl7.senders import Listening, Sender
from leeward.ward.hl7.text import AS_BYTES, Limits, charset_of, header, messages
from leeward.ward.hl7.vocabulary import Refusal, vocabulary
from leeward.ward.intake import Intake
from leeward.ward.settings import WardSettings
from leeward.ward.store import Store

log = structlog.get_logger(__name__)
_BY_DESIGN = "order-only"
"""An order is no dose: that is no fault of its sender."""
_KIND_MAX = 20
_DEFAULT = "ASCII"
_READS = {
    "results": results.read, "orders": drugs.ordered, "orders-of-any-kind": drugs.of_any_kind, "given": drugs.given,
}  # fmt: skip


class Receiver:
    """Takes what senders of HL7 v2 bring, and tells them what became of it."""

    def __init__(
        self, intake: Intake, store: Store, settings: WardSettings, clock: Clock, listening: Listening
    ) -> None:
        self._intake, self._store, self._settings, self._clock = intake, store, settings, clock
        self.listening = listening
        # One message at a time: the store takes one at a time anyway, and what is remembered is filled by one thread.
        self._turn = Lock()
        self.counts: Counter[tuple[str, str, str]] = Counter()
        self._vocabularies: dict[str, tuple[Codes, Words]] = {}
        self._started, self._numbers = token_hex(4), count(1)
        number = self.number
        self.limits = Limits(number("message_bytes"), number("segments"), number("pieces"))

    def number(self, name: str) -> int:
        """A limit of knowledge/ward.toml, or the centre's own."""
        return int(self._settings.number("hl7", name))

    def receive(self, block: bytes) -> list[bytes]:
        """The acknowledgements of one block, after everything in it is durable or refused."""
        first = None
        try:
            first = header(block)
            sender = self._sender(first)
            charset = charset_of(first, sender.charset if sender else _DEFAULT)
            listed, is_batch = messages(block, self.limits, charset)
        except Refusal as refusal:
            return _encoded(self.refused(refusal, first), AS_BYTES)
        except (hl7.HL7Exception, ValueError, IndexError, AssertionError):
            # The library met something that no limit and no check above names.
            return _encoded(self.refused(Refusal("not-hl7")), AS_BYTES)
        with self._turn:
            told = [self._one(message) for message in listed]
        return _encoded([_batch(listed, told)] if is_batch else told[0], vocabulary().charset[charset])

    def refused(self, refusal: Refusal, first: Any = None) -> list[str]:
        """What is answered to a block of which nothing is read."""
        return self._answer(first, "", refusal.told.answer, [answer.of(refusal)])

    def _one(self, message: Any) -> list[str]:
        """The acknowledgements of one message."""
        first, source = message[0], ""
        try:
            sender = self._known(first)
            source = sender.source
            return self._take(message, sender)
        except Refusal as refusal:
            return self._answer(first, source, refusal.told.answer, [answer.of(refusal)])
        except AuditDown:
            log.critical("audit-down")
            down = Refusal("audit-down")
            return self._answer(first, source, down.told.answer, [answer.of(down)])
        except Exception as error:  # noqa: BLE001  whatever it is, the sender must know that nothing was kept
            # Neither its words nor its trace: they may hold what a field held.
            log.error("hl7 message not kept", source=source, error=type(error).__name__)  # noqa: TRY400
            failed = Refusal("internal-error")
            return self._answer(first, source, failed.told.answer, [answer.of(failed)])

    def _known(self, first: Any) -> Sender:
        sender = self._sender(first)
        if sender is None:
            raise Refusal("sender-unknown", "MSH-3")
        return sender

    def _sender(self, first: Any) -> Sender | None:
        return None if first is None else self.listening.sender(said(first, 3), said(first, 4))

    def _take(self, message: Any, sender: Sender) -> list[str]:
        """Read it, keep it, answer. Raises Refusal, once that it was refused is kept."""
        first = message[0]
        arrival = Arrival(door="hl7", source=sender.source, message=said(first, 10))
        kind = f"{said(first, 9)}^{said(first, 9, 2)}"[:_KIND_MAX]
        sent = Entry("write", sender.source, "integrator", detail=f"hl7 {kind} {said(first, 10)}")
        codes, words = self._vocabulary(sender.source)
        to = Reading(message, sender, self.listening, codes, words, self._moments(sender.source))
        try:
            does = _does(first, sender)
            if does in _READS:
                _READS[does](to)
            elif does is not None:
                moves.read(does, to, self._merged_into)
        except Refusal as refusal:
            # Kept apart with its reason, so that it is counted and seen here, and not only by the sender.
            lost = Refused(refusal.reason, None, None, kind, sender.source, refusal.place)
            why = refusal.reason
            self._intake.take(arrival, [lost], audited=replace(sent, outcome="refused", why=why))
            raise
        receipt = self._intake.take(arrival, to.told(), to.moves, audited=sent)
        if does is None:
            return self._answer(first, sender.source, "AA", (), counted="ignored")
        told = (answer.warning(row) for row in receipt.refusals if row["reason"] != _BY_DESIGN)
        return self._answer(first, sender.source, "AA", list(dict.fromkeys(told))[: self.number("errors_told")])

    def _vocabulary(self, source: str) -> tuple[Codes, Words]:
        """The codes and words of a feed, remembered: the same return with every message."""
        if source not in self._vocabularies:
            codes = Codes(self._settings.source(source).local)
            self._vocabularies[source] = codes, Words(codes)
        return self._vocabularies[source]

    def _moments(self, source: str) -> Moments:
        return Moments(self._intake.reading(source))

    def _merged_into(self, patient: str) -> str | None:
        held = self._store.patient(patient)
        return held.merged_into if held else None

    def _answer(
        self, first: Any, source: str, code: str, troubles: Sequence[Trouble], *, counted: str = ""
    ) -> list[str]:
        """Count it, note it without anything of the message, and say it. counted: as what, where there is no reason."""
        reason = troubles[0].reason if troubles else counted
        self.counts[source, code, reason] += 1
        log.info("hl7 message", source=source, answer=code, reason=reason)
        number = f"{self._started}{next(self._numbers)}"
        return answer.answers(first, code, troubles, self._clock.now(), number)


def _encoded(told: Iterable[str], codec: str) -> list[bytes]:
    """In the sender's character set; a sign that it lacks is not worth a lost answer."""
    return [text.encode(codec, "replace") for text in told]


def _does(first: Any, sender: Sender) -> Any:
    """What is done for a message; None: it is taken, and nothing in it is read. Raises Refusal."""
    if not said(first, 10):
        raise Refusal("control-id-missing", "MSH-10")
    if said(first, 11) != sender.processing:
        raise Refusal("processing-id", "MSH-11")
    if said(first, 12) not in vocabulary().versions["read"]:
        raise Refusal("version-id", "MSH-12")
    kind = f"{said(first, 9)}^{said(first, 9, 2)}"
    if kind in vocabulary().passed["messages"] or kind in sender.ignored:
        return None
    if kind not in vocabulary().message:
        types = {known.partition("^")[0] for known in vocabulary().message}
        raise Refusal("event-code" if said(first, 9) in types else "message-type", "MSH-9")
    return vocabulary().message[kind]


def _batch(listed: Sequence[Any], told: Sequence[Sequence[str]]) -> str:
    """The acknowledgements of a batch, as a batch."""
    flat = [re.sub(r"\r$", "", text) for texts in told for text in texts]
    first = listed[0][0] if listed else hl7.parse("MSH|^~\\&|\r")[0]
    opening = f"BHS{first[1]}{first[2]}"
    return "\r".join([opening, *flat, f"BTS{first[1]}{len(flat)}", ""])
