"""One batch on its way through the door: reasons against each statement, then findings and refusals."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from leeward.knowledge.vocabulary import Quantity, quantities
from leeward.record import times
from leeward.record.amounts import Amounts
from leeward.record.codes import Meaning
from leeward.record.columns import Encoded, Flags, combine, encode, strings
from leeward.record.schema import FINDING, INSTANT, REFUSAL
from leeward.record.words import DEVICE, STATES, UNREADABLE, status

TIMELESS_US = times.microseconds(datetime(1900, 1, 1, tzinfo=UTC))
"""When a timeless finding (date of birth, sex) is said to be measured."""

CANCELLED = "cancelled"
Details = Callable[[npt.NDArray[np.intp]], pa.Array]
Reading = Callable[[Encoded], Encoded]


class Admission:
    """Decides on every row of one batch."""

    def __init__(
        self, batch: pa.RecordBatch, meanings: Reading, spoken: Reading, amounts: Amounts, clock: times.Clock
    ) -> None:
        self._batch, self._spoken, self._amounts, self._clock = batch, spoken, amounts, clock
        self._said = combine(*(self._column(name) for name in ("quantity", "system", "code")))
        self._meaning = meanings(self._said)
        self._state = self._column("status").each(lambda word: STATES.index(status(word)), np.int8)
        self._value, self._text, self._unit = (self._column(name) for name in ("value", "text", "unit"))
        self._reasons: list[tuple[str, Details]] = []
        self._reason = np.full(len(batch), -1, np.int8)

    def decide(self) -> tuple[pa.Table, pa.Table]:
        """Findings and refusals."""
        self._refuse_unusable()
        self._read_times()
        unsettled = self._reason == -1
        self._measure()
        self._listen()
        withdrawn = self._is("withdrawn")
        self._reason[unsettled & withdrawn] = -1  # a withdrawal needs no readable value
        stays = self._of(lambda q, m: q.kind in ("dose", "rate") or m.quantity == DEVICE)
        admitted = unsettled & ((self._reason == -1) | stays)
        newer = self._unreadable_newer(admitted)
        return self._findings(admitted | newer, newer), self._refusals()

    def _column(self, name: str) -> Encoded:
        return encode(self._batch.column(name))

    def _of(self, what: Callable[[Quantity, Meaning], Any], kind: Any = bool) -> npt.NDArray[Any]:
        """Something about each row's quantity; false or empty where the quantity is unknown."""
        known = quantities()
        return self._meaning.each(lambda m: what(known[m.quantity], m) if m is not None else kind(), kind)

    def _is(self, state: str) -> Flags:
        return np.asarray(self._state == STATES.index(state))

    def _refuse(self, rows: Flags, reason: str, details: Details | None = None) -> None:
        """Give a reason to those rows that have none yet."""
        rows = rows & (self._reason == -1)
        if rows.any():
            self._reason[rows] = len(self._reasons)
            self._reasons.append((reason, details or _no_details))

    def _spelt(self, column: str) -> Details:
        return lambda rows: self._batch.column(column).take(pa.array(rows))

    def _refuse_unusable(self) -> None:
        """Whom and what it is about, and whether it says anything."""
        self._refuse(~self._column("patient").said, "patient-missing", self._codes)
        self._refuse(self._meaning.each(lambda m: m is None, bool), "code-unknown", self._codes)
        if (self._state != STATES.index("final")).any():
            self._refuse(self._is("unusable"), "status-not-usable", self._spelt("status"))
            self._refuse(self._is("order"), "order-only")
            self._refuse(self._is("absent"), "not-measured", self._spelt("text"))

    def _codes(self, rows: npt.NDArray[np.intp]) -> pa.Array:
        """Quantity, or system|code, or the text in their place, as the record spells it."""
        spelt = [w[0] or "|".join(filter(None, w[1:])) or "no code" for w in self._said.words]
        return strings(spelt, self._said.index[rows])

    def _read_times(self) -> None:
        start, end, self._reported, self._received = (
            self._clock.read(self._batch.column(name)) for name in ("start", "end", "reported", "received")
        )
        has_end = self._column("end").said
        stretch = self._of(lambda q, _: q.kind in ("rate", "interval"))
        self._at_us, reason = start.at_us.copy(), start.reason.copy()
        self._until_us = np.where(stretch, times.MISSING, start.until_us)
        if has_end.any():
            ended = np.where(end.until_us != times.MISSING, end.until_us, end.at_us)
            self._until_us = np.where(has_end, ended, self._until_us)
        if (reason == times.NO_TIME).any():
            self._stand_in(reason)
        self._refuse_times(reason, "start")
        planned = self._of(lambda q, _: q.ends_ahead) & (end.reason == times.FUTURE)
        self._refuse_times(np.where(has_end & ~planned, end.reason, times.OK), "end")
        backwards = has_end & (self._until_us != times.MISSING) & (self._until_us < self._at_us)
        self._refuse(backwards, "end-before-start", self._spelt("end"))
        since = self._of(lambda _, m: _first_day_us(m), np.int64)
        self._refuse(self._at_us < since, "code-unknown", self._codes)

    def _stand_in(self, reason: npt.NDArray[np.int8]) -> None:
        """Times where none is needed: of what is true at any time, and of withdrawals, which name a record."""
        for stands_in in (self._reported, self._received):
            rows = (reason == times.NO_TIME) & self._is("withdrawn") & (stands_in.at_us != times.MISSING)
            self._at_us[rows], reason[rows] = stands_in.at_us[rows], times.OK
        rows = (reason == times.NO_TIME) & (self._of(lambda q, _: q.timeless) | self._is("withdrawn"))
        self._at_us[rows], reason[rows] = TIMELESS_US, times.OK

    def _refuse_times(self, reason: npt.NDArray[np.int8], column: str) -> None:
        if (reason != times.OK).any():
            for code, name in enumerate(times.REASONS):
                if name is not None:
                    self._refuse(reason == code, name, self._spelt(column))

    def _measure(self) -> None:
        """Numbers into the quantity's unit."""
        comparator = self._column("comparator")
        read = self._amounts.read(self._meaning, self._value, self._unit, comparator, self._text)
        self._low, self._high = read.low, read.high
        for problem in read.problems:
            self._refuse(problem.rows, problem.reason, problem.detail)

    def _listen(self) -> None:
        """Words into the quantity's vocabulary."""
        spoken = self._of(lambda q, _: q.kind in ("word", "interval", "date"))
        said = combine(self._meaning.where(spoken), self._text.where(spoken), self._value.where(spoken))
        self._word = self._spoken(said)
        for reason in ("word-unknown", "not-measured", "impossible-time"):
            rows = np.array([pair[1] == reason for pair in self._word.words], bool)[self._word.index]
            self._refuse(rows, reason, lambda rows: strings([w[1] or w[2] for w in said.words], said.index[rows]))

    def _unreadable_newer(self, admitted: Flags) -> Flags:
        """Refused statements that bear a record's id and version: what they replace must not stand any longer."""
        refused = (self._reason != -1) & ~admitted & (self._at_us != times.MISSING)
        if not refused.any():
            return np.asarray(refused)
        identified = _valid(self._batch.column("record")) & _valid(self._batch.column("version"))
        cancelled = self._column("status").each(lambda word: str(word).lower() == CANCELLED, bool)
        usable = (~self._is("unusable") & ~self._is("order")) | cancelled
        understood = self._of(lambda _q, _m: True) & self._column("patient").said
        return np.asarray(refused & identified & usable & understood)

    def _findings(self, admitted: Flags, newer: Flags) -> pa.Table:
        rows = np.flatnonzero(admitted)
        taken = self._batch if len(rows) == len(self._batch) else self._batch.take(pa.array(rows))
        state = np.where(newer, STATES.index("withdrawn"), self._state)[rows]
        columns = {
            "patient": taken.column("patient"),
            "quantity": self._quantity(rows),
            "measured_at": _instants(self._at_us[rows]),
            "measured_until": _instants(self._until_us[rows]),
            "reported_at": _instants(self._reported.at_us[rows]),
            "received_at": _instants(self._received.at_us[rows]),
            "low": pa.array(self._low[rows], from_pandas=True),
            "high": pa.array(self._high[rows], from_pandas=True),
            "text": self._words(rows, newer),
            "site": self._site(rows),
            "status": strings(STATES, state.astype(np.intp)),
            "revised": pa.array(np.zeros(len(rows), bool)),
        }
        own = {name: taken.column(name) for name in ("record", "version", "source", "place")}
        return pa.Table.from_arrays([{**columns, **own}[name] for name in FINDING.names], schema=FINDING)

    def _quantity(self, rows: npt.NDArray[np.intp]) -> pa.Array:
        return strings([m.quantity if m else None for m in self._meaning.words], self._meaning.index[rows])

    def _words(self, rows: npt.NDArray[np.intp], newer: Flags) -> pa.Array:
        """Normal words; for a drug whose amount could not be read, amount and unit as written."""
        words = strings([word for word, _ in self._word.words], self._word.index[rows])
        unread = (self._reason != -1) & self._of(lambda q, _: q.kind in ("dose", "rate"))
        if unread[rows].any():
            written = combine(self._value, self._unit)
            spelt = strings([" ".join(p for p in w if p) or None for w in written.words], written.index[rows])
            words = pc.if_else(pa.array(unread[rows]), spelt, words)
        return pc.if_else(pa.array(newer[rows]), UNREADABLE, words) if newer.any() else words

    def _site(self, rows: npt.NDArray[np.intp]) -> pa.Array:
        """Where it was measured: as the record says, else as the code says."""
        by_code = strings([m.site if m else None for m in self._meaning.words], self._meaning.index[rows])
        own = self._column("site")
        return pc.coalesce(strings(own.words, own.index[rows]), by_code)

    def _refusals(self) -> pa.Table:
        parts = []
        for code, (reason, details) in enumerate(self._reasons):
            rows = np.flatnonzero(self._reason == code)
            if len(rows):
                taken = self._batch.take(pa.array(rows))
                columns = [
                    taken.column("patient"),
                    pa.array([reason]).take(pa.array(np.zeros(len(rows), np.int8))),
                    self._quantity(rows),
                    details(rows),
                    taken.column("source"),
                    taken.column("place"),
                ]
                parts.append(pa.Table.from_arrays(columns, schema=REFUSAL))
        return pa.concat_tables(parts) if parts else REFUSAL.empty_table()


def _no_details(rows: npt.NDArray[np.intp]) -> pa.Array:
    return pa.nulls(len(rows), pa.string())


def _first_day_us(meaning: Meaning) -> int:
    """From when on a code means what it means; before, it meant something else."""
    if meaning.since is None:
        return times.MISSING
    return times.microseconds(datetime(meaning.since.year, meaning.since.month, meaning.since.day, tzinfo=UTC))


def _valid(column: pa.Array) -> Flags:
    return np.asarray(column.is_valid().to_numpy(zero_copy_only=False), bool)


def _instants(at_us: npt.NDArray[np.int64]) -> pa.Array:
    return pa.array(at_us, pa.int64(), mask=at_us == times.MISSING).cast(INSTANT)
