"""The door: statements in, findings or refusals out. The only place where units, words, codes and times are read.

Every statement is decided on once; of several reasons against it the first is given, in the order in which
`Admission` asks. A drug that was given, an infusion that ran and an oxygen device stay findings even where amount
or word cannot be read: that it was given is known, how much is not. Such a finding has null bounds and the text as
written (a device: `unrecognised`), and its refusal is listed beside it.
"""

from __future__ import annotations

from functools import lru_cache

import pyarrow as pa

from leeward.knowledge.vocabulary import quantities
from leeward.record import times
from leeward.record.admission import Admission
from leeward.record.amounts import Amounts
from leeward.record.codes import Codes, Meaning
from leeward.record.columns import Encoded
from leeward.record.schema import REFUSAL
from leeward.record.settings import Refused, Settings
from leeward.record.words import DEVICE, UNRECOGNISED, Words

__all__ = ["Door", "Refused", "Settings"]

REMEMBERED_MAX = 200_000
"""Distinct codes, words or units remembered; beyond, memory is emptied and filled again."""


@lru_cache(maxsize=16)
def _vocabulary(local: tuple[str, ...]) -> tuple[Codes, Words]:
    codes = Codes(local)
    return codes, Words(codes.locals)


class Door:
    """Admits the statements of one source."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.codes, self._words = _vocabulary(settings.local)
        self._clock = times.Clock(settings.zone, settings.now)
        self._amounts = Amounts()
        self._meanings: dict[tuple[str | None, ...], Meaning | None] = {}
        self._spoken: dict[tuple[Meaning | None, str | None, str | None], tuple[str | None, str | None]] = {}

    def admit(self, batch: pa.RecordBatch | pa.Table) -> tuple[pa.Table, pa.Table]:
        """Findings and refusals of a batch of statements."""
        if isinstance(batch, pa.Table):
            whole = batch.combine_chunks().to_batches()
            batch = whole[0] if whole else pa.RecordBatch.from_pylist([], batch.schema)
        return Admission(batch, self.meanings, self.spoken, self._amounts, self._clock).decide()

    def refuse(self, refused: Refused) -> pa.Table:
        """A reader's own refusal as a row."""
        return pa.Table.from_pylist([{name: getattr(refused, name) for name in REFUSAL.names}], REFUSAL)

    def meanings(self, said: Encoded) -> Encoded:
        """What each (quantity, system, code) stands for."""
        if len(self._meanings) > REMEMBERED_MAX:
            self._meanings.clear()
        return Encoded(said.index, [self._meaning(key) for key in said.words])

    def _meaning(self, key: tuple[str | None, ...]) -> Meaning | None:
        """A quantity that the format itself names comes before a code."""
        if key not in self._meanings:
            quantity, system, code = key
            if quantity is not None:
                self._meanings[key] = Meaning(quantity) if quantity in quantities() else None
            else:
                self._meanings[key] = self.codes.meaning(system, code)
        return self._meanings[key]

    def spoken(self, said: Encoded) -> Encoded:
        """For each (meaning, text, value) of a quantity made of words: the normal word, and a reason against it."""
        if len(self._spoken) > REMEMBERED_MAX:
            self._spoken.clear()
        for key in said.words:
            if key not in self._spoken:
                self._spoken[key] = self._speak(*key)
        return Encoded(said.index, [self._spoken[key] for key in said.words])

    def _speak(self, meaning: Meaning | None, text: str | None, value: str | None) -> tuple[str | None, str | None]:
        if meaning is None:
            return None, None
        quantity = quantities()[meaning.quantity]
        said = meaning.text or text or value
        if quantity.kind in ("number", "dose", "rate"):
            return None, None
        if said is None:
            return quantity.absent_word, None if quantity.absent_word else "not-measured"
        if quantity.kind == "date":
            # A birth of which only year or month is known is kept as it is spelt: an interval, not its first day.
            return (said[:10], None) if times.is_date((said + "-01-01")[:10]) else (None, "impossible-time")
        word = meaning.text or self._word(meaning.quantity, said)
        if word is not None:
            return word, None
        # An unknown device ends what stood before it; an unknown therapy grades nothing.
        return UNRECOGNISED if meaning.quantity == DEVICE else None, "word-unknown"

    def _word(self, quantity: str, word: str) -> str | None:
        """The normal word for a record's word; a code (`system|code`) is taken for its word."""
        system, bar, code = word.partition("|")
        coded = self.codes.meaning(system, code) if bar else None
        if coded is not None and coded.quantity == quantity and coded.text is not None:
            return coded.text
        return self._words.normal(quantity, word)
