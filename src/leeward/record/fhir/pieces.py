"""One piece of a large file of Observations, read without the rest of the record: in this process or in another one.

It imports nothing that is slow to start: the columns of a piece are handed on as bytes.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from struct import pack
from typing import Any, NamedTuple, cast

from leeward.record.fhir.dispatch import READ, UNREADABLE
from leeward.record.fhir.files import blocks
from leeward.record.fhir.people import Patients
from leeward.record.fhir.plain import tell
from leeward.record.fhir.reading import Reading
from leeward.record.fhir.rows import WIDTH, Row
from leeward.record.settings import Settings

LEFT_MAX = 10_000
"""Lines that may be left over from a piece, or refused; one with more of them is left to the reader of all types."""

_LETTERS_MAX = 2**30
_KIND = "Observation"
_decode, _read = READ[_KIND][0].decode, READ[_KIND][1]


class NotSuch(Exception):
    """A piece that must be read another way."""


class Packed(NamedTuple):
    """A column of texts: all letters, the length of each text in bytes, and which rows have one (None: all)."""

    letters: bytes
    lengths: bytes
    said: bytes | None


class Told(NamedTuple):
    """What a piece says. Its lines are numbered from 1."""

    lines: int
    columns: dict[str, Packed]
    kind: bytes
    line: bytes
    kinds: list[tuple[str | None, ...]]
    refused: list[tuple[str, str | None, str | None, int]]  # reason, patient, detail, line
    left: list[tuple[int, bytes]]  # lines that are no Observation, or cannot be read
    bases: dict[str, str]
    ambiguous: set[str]


class Pieces:
    """Reads pieces, remembering words from one to the next."""

    def __init__(self, local: Iterable[str]) -> None:
        self._to = Reading(Settings(local=tuple(local)))

    def read(self, path: Path, begin: int, end: int) -> Told | None:
        """The lines that begin between two bytes of a file; None where they must be read another way."""
        to, left, lines = self._to, list[tuple[int, bytes]](), 0
        to.patients = Patients()
        to.rows.stand("line")
        try:
            for first, block in blocks(path, _too_long, begin, end):
                left += _others(block, first, to)
                lines += len(block)
                if len(left) + len(to.rows.refused) > LEFT_MAX:
                    return None
            return _told(lines, left, to)
        except NotSuch:
            return None
        finally:
            to.rows.forget()


def _too_long(_line: int) -> None:
    raise NotSuch


def _others(lines: list[bytes], first: int, to: Reading) -> Iterator[tuple[int, bytes]]:
    """Tell the Observations among some lines; the others, each with its number."""
    index, flat = 0, to.rows.flat
    while (index := tell(lines, index, first, to)) < len(lines):
        to.line, before = first + index, len(flat)
        try:
            resource = _decode(lines[index])
            if resource.resourceType == _KIND:
                _read(resource, to)
            else:
                yield first + index, lines[index]
        except UNREADABLE:
            del flat[before:]
            yield first + index, lines[index]
        index += 1


def _told(lines: int, left: list[tuple[int, bytes]], to: Reading) -> Told:
    rows, patients = to.rows, to.patients
    told: dict[str, Any] = {name: rows.flat[place::WIDTH] for place, name in enumerate(Row._fields)}
    kind, line = (array("q", told.pop(name)).tobytes() for name in ("kind", "line"))
    columns = {name: _packed(column) for name, column in told.items()}
    refused = [(r.reason, r.patient, r.detail, int((r.place or "").rpartition(" ")[2])) for r in rows.refused]
    return Told(lines, columns, kind, line, list(rows.kinds), refused, left, patients.bases, patients.ambiguous)


def _packed(column: list[str | None]) -> Packed:
    """A column as bytes."""
    texts, said = cast("list[str]", column), None
    try:
        letters = "".join(texts)
    except TypeError:  # some rows have none
        said = bytes(text is not None for text in column)
        texts = [text or "" for text in column]
        letters = "".join(texts)
    if len(letters) > _LETTERS_MAX:
        raise NotSuch
    if letters.isascii():
        return Packed(letters.encode(), _lengths(texts), said)
    spelt = [text.encode() for text in texts]
    return Packed(b"".join(spelt), _lengths(spelt), said)


def _lengths(texts: Sequence[str | bytes]) -> bytes:
    return pack(f"{len(texts)}i", *map(len, texts))  # an array of them takes twice as long
