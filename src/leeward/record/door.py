"""The door: statements in, findings or refusals out. The only place where units, words, codes and times are read.

Every statement is decided on once. The first reason that holds, in the order of `_verdict`, is the one given.
A drug that was given and an infusion that ran stay findings even where their amount cannot be read: that the
drug was given is known, how much is not (low and high are null), and the refusal is listed beside it.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from leeward.knowledge.vocabulary import quantities
from leeward.record import times
from leeward.record.amounts import Amounts
from leeward.record.codes import Codes, Meaning
from leeward.record.columns import Encoded, Flags, combine, encode, strings
from leeward.record.schema import FINDING, INSTANT, REFUSAL
from leeward.record.settings import Refused, Settings
from leeward.record.words import DEVICE, TRIGGER, UNRECOGNISED, Words, status

__all__ = ["Door", "Refused", "Settings"]

TIMELESS_US = -2_208_988_800_000_000
"""When a timeless finding (date of birth, sex) is said to be measured: 1900-01-01."""

Reasons = npt.NDArray[np.object_]


class Door:
    """Admits statements of one source."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.codes = Codes(settings.local)
        self._words = Words(self.codes.locals)
        self._clock = times.Clock(settings.zone, settings.now)
        self._amounts = Amounts()
        self._meanings: dict[tuple[str | None, ...], Meaning | None] = {}
        self._normal: dict[tuple[str, str], str | None] = {}

    def admit(self, batch: pa.RecordBatch | pa.Table) -> tuple[pa.Table, pa.Table]:
        """Findings and refusals of a batch of statements."""
        if isinstance(batch, pa.Table):
            batch = batch.combine_chunks().to_batches()[0] if len(batch) else pa.RecordBatch.from_pylist([], batch.schema)
        return _Admission(self, batch).result()

    def refuse(self, refused: Refused) -> pa.Table:
        """A reader's own refusal as a row."""
        row = {name: getattr(refused, name) for name in REFUSAL.names}
        return pa.Table.from_pylist([row], REFUSAL)

    def meaning(self, key: tuple[str | None, ...]) -> Meaning | None:
        """What (quantity, system, code) stands for; a quantity the format itself names comes first."""
        if key not in self._meanings:
            quantity, system, code = key
            if quantity is not None:
                self._meanings[key] = Meaning(quantity) if quantity in quantities() else None
            else:
                self._meanings[key] = self.codes.meaning(system, code)
        return self._meanings[key]

    def word(self, quantity: str, word: str) -> str | None:
        """The normal word of a quantity for a record's word; a code (`system|code`) is taken for its word."""
        key = (quantity, word)
        if key not in self._normal:
            system, bar, code = word.partition("|")
            coded = self.codes.meaning(system, code) if bar else None
            fits = coded is not None and coded.quantity == quantity
            self._normal[key] = coded.text if coded and fits else self._words.normal(quantity, word)
        return self._normal[key]


class _Admission:
    """One batch on its way through the door."""

    def __init__(self, door: Door, batch: pa.RecordBatch) -> None:
        self.door, self.batch, self.rows = door, batch, len(batch)
        self.said = combine(*(encode(batch.column(c)) for c in ("quantity", "system", "code")))
        self.meaning = Encoded(self.said.index, [door.meaning(w) for w in self.said.words])
        self.quantity = self.meaning.each(lambda m: m.quantity if m else None, object)
        self.kind = self.meaning.each(lambda m: quantities()[m.quantity].kind if m else "", object)
        self.state = encode(batch.column("status")).each(status, object)
        self.value, self.text = encode(batch.column("value")), encode(batch.column("text"))
        self.unit = encode(batch.column("unit"))
        self.reason: Reasons = np.full(self.rows, None, object)
        self.detail: Reasons = np.full(self.rows, None, object)
        self.amount = np.isin(self.kind, ("number", "dose", "rate"))
        self.given = np.isin(self.kind, ("dose", "rate"))

    def result(self) -> tuple[pa.Table, pa.Table]:
        """Decide on every row, then write both tables."""
        self._patient_code_and_status()
        self._times()
        settled = self.reason != None  # noqa: E711 - compared row by row
        self._measure()
        self._word()
        withdrawn = self.state == "withdrawn"
        unread = (self.reason != None) & ~settled  # noqa: E711 - compared row by row
        self.reason[unread & withdrawn] = None  # a withdrawal needs no readable value
        stays = (self.quantity == DEVICE) | (self.quantity == TRIGGER) | self.given
        admitted = ~settled & ((self.reason == None) | stays)  # noqa: E711 - compared row by row
        return self._findings(admitted), self._refusals()

    def refuse(self, where: Flags, reason: str, detail: Reasons | None = None) -> None:
        """Give a reason to the rows that have none yet."""
        rows = where & (self.reason == None)  # noqa: E711 - compared row by row
        if rows.any():
            self.reason[rows] = reason
            if detail is not None:
                self.detail[rows] = detail[rows]

    def _patient_code_and_status(self) -> None:
        patient = self.batch.column("patient")
        self.refuse(np.asarray(encode(patient).index == -1) | ~encode(patient).said, "patient-missing")
        unknown = self.meaning.each(lambda m: m is None, bool)
        if unknown.any():
            self.refuse(unknown, "code-unknown", _spelt(self.said))
        if (self.state != "final").any():
            self.refuse(self.state == "unusable", "status-not-usable", encode(self.batch.column("status")).each(str, object))
            self.refuse(self.state == "order", "order-only")
            self.refuse(self.state == "absent", "not-measured", self.text.each(lambda w: w, object))

    def _times(self) -> None:
        read = self.door._clock.read  # noqa: SLF001 - the door and its admission are one
        start, end = read(self.batch.column("start")), read(self.batch.column("end"))
        self.reported, self.received = read(self.batch.column("reported")), read(self.batch.column("received"))
        self.at_us = start.at_us
        no_end = ~encode(self.batch.column("end")).said
        interval = np.isin(self.kind, ("rate", "interval"))
        self.until_us = np.where(no_end, np.where(interval, times.MISSING, start.until_us),
                                 np.where(end.until_us != times.MISSING, end.until_us, end.at_us))
        reason = start.reason.copy()
        timeless = self.meaning.each(lambda m: m is not None and quantities()[m.quantity].timeless, bool)
        lost = (reason == times.NO_TIME) & (self.state == "withdrawn")
        for other in (self.reported, self.received):
            self.at_us = np.where(lost & (self.at_us == times.MISSING), other.at_us, self.at_us)
        reason[lost & (self.at_us != times.MISSING)] = times.OK
        self.at_us = np.where(timeless & (reason == times.NO_TIME), TIMELESS_US, self.at_us)
        reason[timeless & (reason == times.NO_TIME)] = times.OK
        spelt = self.batch.column("start"), self.batch.column("end")
        self._refuse_times(reason, spelt[0])
        self._refuse_times(np.where(no_end, times.OK, end.reason), spelt[1])
        backwards = (self.until_us != times.MISSING) & (self.until_us < self.at_us)
        if backwards.any():
            self.refuse(backwards, "end-before-start", np.array(spelt[1].to_pylist(), object))

    def _refuse_times(self, reason: npt.NDArray[np.int8], spelt: pa.Array) -> None:
        bad = reason != times.OK
        if bad.any():
            words = np.array(spelt.to_pylist(), object)
            for code, name in enumerate(times.REASONS):
                if name is not None:
                    self.refuse(bad & (reason == code), name, words)

    def _measure(self) -> None:
        """Numbers into the quantity's unit."""
        comparator = encode(self.batch.column("comparator"))
        self.low, self.high, problems = self.door._amounts.read(  # noqa: SLF001 - the door and its admission are one
            self.amount, self.meaning, self.value, self.unit, comparator, self.text
        )
        for reason, (rows, detail) in problems.items():
            self.refuse(rows, reason, detail)

    def _word(self) -> None:
        """Words into the quantity's vocabulary; a word nobody knows is refused (and a device then stands unrecognised)."""
        wordy = np.isin(self.kind, ("word", "interval", "date"))
        self.words = np.full(self.rows, None, object)
        if not wordy.any():
            return
        spoken = combine(self.meaning, self.text, self.value)
        normal = Encoded(spoken.index, [self._normal(*parts) for parts in spoken.words])
        self.words[wordy] = normal.each(lambda pair: pair[0], object)[wordy]
        for reason in ("word-unknown", "not-measured", "impossible-time"):
            rows = wordy & normal.each(lambda pair, reason=reason: pair[1] == reason, bool)
            if rows.any():
                self.refuse(rows, reason, spoken.each(lambda parts: parts[1] or parts[2], object))

    def _normal(self, meaning: Meaning | None, text: str | None, value: str | None) -> tuple[str | None, str | None]:
        """The normal word and the reason why there is none."""
        if meaning is None or quantities()[meaning.quantity].kind in ("number", "dose", "rate"):
            return None, None
        quantity = quantities()[meaning.quantity]
        said = meaning.text or text or value
        if said is None:
            return quantity.absent_word, None if quantity.absent_word else "not-measured"
        if quantity.kind == "date":
            return (said[:10], None) if _is_date(said) else (None, "impossible-time")
        word = meaning.text or self.door.word(meaning.quantity, said)
        if word is not None:
            return word, None
        kept = {DEVICE: UNRECOGNISED, TRIGGER: said.strip()}
        return kept.get(meaning.quantity), "word-unknown"

    def _findings(self, admitted: Flags) -> pa.Table:
        """The rows that are understood, or understood in part."""
        rows = np.flatnonzero(admitted)
        site = self.meaning.each(lambda m: m.site if m else None, object)
        taken = self.batch.take(pa.array(rows))
        own = encode(taken.column("site"))
        spelt = np.where(self.given & (self.reason != None), self._as_written(), self.words)  # noqa: E711 - row by row
        columns = {
            "patient": taken.column("patient"),
            "quantity": _strings(self.quantity[rows]),
            "measured_at": _instants(self.at_us[rows]),
            "measured_until": _instants(self.until_us[rows]),
            "reported_at": _instants(self.reported.at_us[rows]),
            "received_at": _instants(self.received.at_us[rows]),
            "low": pa.array(self.low[rows], from_pandas=True),
            "high": pa.array(self.high[rows], from_pandas=True),
            "text": _strings(spelt[rows]),
            "site": strings(own.words, own.index) if own.said.any() else _strings(site[rows]),
            "status": _strings(self.state[rows]),
            "record": taken.column("record"),
            "version": taken.column("version"),
            "revised": pa.array(np.zeros(len(rows), bool)),
            "source": taken.column("source"),
            "place": taken.column("place"),
        }
        return pa.Table.from_arrays([columns[name] for name in FINDING.names], schema=FINDING)

    def _as_written(self) -> Reasons:
        """Amount and unit as the record wrote them, where they could not be read."""
        def written(parts: tuple[str | None, ...]) -> str | None:
            return " ".join(p for p in parts if p) or None

        return combine(self.value, self.unit).each(written, object) if self.given.any() else self.words

    def _refusals(self) -> pa.Table:
        rows = np.flatnonzero(self.reason != None)  # noqa: E711 - compared row by row
        taken = self.batch.take(pa.array(rows))
        columns = {
            "patient": taken.column("patient"),
            "reason": _strings(self.reason[rows]),
            "quantity": _strings(self.quantity[rows]),
            "detail": _strings(self.detail[rows]),
            "source": taken.column("source"),
            "place": taken.column("place"),
        }
        return pa.Table.from_arrays([columns[name] for name in REFUSAL.names], schema=REFUSAL)


def _spelt(said: Encoded) -> Reasons:
    """Quantity or system|code as the record spells it."""
    return said.each(lambda w: w[0] or "|".join(p or "" for p in w[1:]), object)


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text[:10])
    except ValueError:
        return False
    return True


def _strings(words: Reasons) -> pa.Array:
    return pa.array(words, pa.string())


def _instants(at_us: npt.NDArray[np.int64]) -> pa.Array:
    return pa.array(at_us, pa.int64(), mask=at_us == times.MISSING).cast(INSTANT)
