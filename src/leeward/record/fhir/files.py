"""Files of a FHIR record: found, opened, cut into documents; every limit on size stands here.

A file is either lines (NDJSON: one resource a line, read as a stream) or one document (a pretty-printed resource or
bundle, held whole). Either may be compressed. What breaks off is read up to the break, and the break is reported.
"""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec

from leeward.record.fhir.resources import Head

SUFFIXES = (".json", ".ndjson", ".jsonl")
DOCUMENT_BYTES_MAX = 256 * 2**20
"""The largest line or document held in memory at once; a bundle of 100,000 Observations is about 100 MiB."""
FILES_MAX = 1_000_000
"""The most files one folder may hold."""

_BLOCK_BYTES = 2**18
_LINES_BYTES = 2**18
_HEAD_BYTES = 2**18
_ONE_MEMBER = zlib.MAX_WBITS | 16
GZIP = b"\x1f\x8b"
_MARK = b"\xef\xbb\xbf"
_KIND = re.compile(rb'"resourceType"\s*:\s*"([A-Z][A-Za-z]+)"')


class Broken(Exception):
    """A file that cannot be read, or not to its end: a reason code and what happened."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class File(msgspec.Struct, frozen=True):
    """One file of a record, from its first bytes: what its first resource is, and whether it is lines."""

    path: Path
    kind: str
    lines: bool


def candidates(path: Path) -> Iterator[Path]:
    """The files under a path whose names may hold FHIR JSON, in the order of their names."""
    if path.is_file():
        yield path
    elif path.is_dir():
        yield from sorted(file for file in path.rglob("*") if _named(file) and file.is_file())[:FILES_MAX]


def _named(file: Path) -> bool:
    """Whether a file's name may belong to FHIR JSON; hidden files and resource forks never do."""
    return not file.name.startswith(".") and file.name.lower().removesuffix(".gz").endswith(SUFFIXES)


def look(path: Path) -> File | None:
    """What a file is, from its first bytes; None if it is not FHIR JSON."""
    try:
        head = _head(path)
    except (Broken, OSError):
        return None
    head = head.lstrip()
    if not head.startswith(b"{"):
        return None
    first, *others = [line.strip() for line in head.split(b"\n", 64) if line.strip()]
    kind = _kind(first) or _kind(head)
    if kind is None:
        return None
    if path.name.lower().removesuffix(".gz").endswith((".ndjson", ".jsonl")):
        return File(path, kind, lines=True)
    # Pretty-printed JSON never has an object alone on its first line, nor one beginning its second.
    whole = len(head) >= _HEAD_BYTES and not others
    return File(path, kind, lines=whole or first.endswith(b"}") or any(line.startswith(b"{") for line in others[:1]))


def _head(path: Path) -> bytes:
    """The first bytes of a file, also of one that breaks off among them."""
    head = b""
    with suppress(Broken), opened(path) as file:
        head = file.read(_HEAD_BYTES)
    return head


def _kind(text: bytes) -> str | None:
    """The type of the resource a text begins with, decoded where it is whole, else the first type it names."""
    try:
        return msgspec.json.decode(text, type=Head).resourceType
    except (ValueError, RecursionError):
        named = _KIND.search(text)
        return named[1].decode() if named else None


class _Unpacked(io.RawIOBase):
    """A gzip file of one or more members, decompressed as it is read; a break ends it and is remembered."""

    def __init__(self, file: io.BufferedReader[Any]) -> None:
        self._file = file
        self._packed = b""
        self._unpack = zlib.decompressobj(wbits=_ONE_MEMBER)
        self.broken: Broken | None = None

    def readable(self) -> bool:
        """It can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """The next bytes; none at the end or at a break."""
        part = b""
        while not part and self.broken is None:
            try:
                if not self._feed():
                    break
                part = self._unpack.decompress(self._packed, len(buffer))
                self._packed = self._unpack.unconsumed_tail
            except zlib.error as error:
                self.broken = Broken("file-truncated", f"the compressed file is damaged: {error}")
        buffer[: len(part)] = part
        return len(part)

    def _feed(self) -> bool:
        """Whether there is more to decompress."""
        if self._unpack.eof:
            # Padding with zeros after a member is allowed; anything else must be a further member.
            self._packed = (self._unpack.unused_data or self._file.read(_BLOCK_BYTES)).lstrip(b"\0")
            if not self._packed:
                return False
            self._unpack = zlib.decompressobj(wbits=_ONE_MEMBER)
        elif not self._packed:
            self._packed = self._file.read(_BLOCK_BYTES)
            if not self._packed and not self._unpack.eof:
                self.broken = Broken("file-truncated", "the compressed file ends before its end mark")
        return self.broken is None


@contextmanager
def opened(path: Path) -> Iterator[io.BufferedReader[Any]]:
    """A file to read, decompressed; raises Broken at the close if it broke off, and at once if it holds nothing."""
    with io.FileIO(path) as raw:
        file = io.BufferedReader(raw, _BLOCK_BYTES)
        first = file.peek(len(GZIP))[: len(GZIP)]
        if not first:
            raise Broken("file-empty", "the file holds nothing")
        unpacked = _Unpacked(file) if first == GZIP else None
        plain = file if unpacked is None else io.BufferedReader(unpacked, _BLOCK_BYTES)
        if plain.peek(len(_MARK)).startswith(_MARK):
            plain.read(len(_MARK))
        yield plain
        if unpacked is not None and unpacked.broken is not None:
            raise unpacked.broken


def blocks(
    path: Path, too_long: Callable[[int], None], begin: int = 0, end: int | None = None
) -> Iterator[tuple[int, list[bytes]]]:
    """The lines of a file, some at a time, with the number of the first; raises Broken after the last if it breaks off.

    A line longer than DOCUMENT_BYTES_MAX is reported by its number and skipped without being held.
    begin, end: only the lines that begin between these two bytes of a file that is not compressed, numbered from 1.
    """
    number = 1
    with opened(path) as file:

        def most() -> int:
            return min(_LINES_BYTES, DOCUMENT_BYTES_MAX, _LINES_BYTES if end is None else end - file.tell())

        def rest(of: bytes = b"") -> bytes:
            return file.readline(DOCUMENT_BYTES_MAX - len(of))

        if begin:
            file.seek(begin - 1)
            _skip(rest)
        while (length := most()) > 0 and (part := file.read(length)):
            block = io.BytesIO(part).readlines()  # in memory lines are cut faster than by the file
            if not part.endswith(b"\n"):
                block[-1] += rest(block[-1])
            # A line that is too long has ended the block.
            skipped = len(block[-1]) == DOCUMENT_BYTES_MAX and not block[-1].endswith(b"\n")
            if skipped:
                block.pop()
                _skip(rest)
            yield number, block
            number += len(block)
            if skipped:
                too_long(number)
                number += 1


def _skip(read: Callable[[], bytes]) -> None:
    """Go to the end of the line."""
    while (rest := read()) and not rest.endswith(b"\n"):
        pass


def lines(path: Path) -> Iterator[bytes]:
    """The lines of a file, one by one; raises Broken after the last one if the file breaks off."""
    for _, block in blocks(path, lambda _: None):
        yield from block


def document(path: Path) -> bytes:
    """A whole file; raises Broken if it breaks off or is too large."""
    with opened(path) as file:
        held = file.read(DOCUMENT_BYTES_MAX + 1)
        if len(held) > DOCUMENT_BYTES_MAX:
            raise Broken("file-too-large", f"a document of more than {DOCUMENT_BYTES_MAX} bytes; use NDJSON")
    return held
