"""How the files of a mapping are spelt: their separator, their letters, their decimal sign and their times."""

from __future__ import annotations

import codecs
import os
import zlib
from collections.abc import Iterator
from pathlib import Path

from leeward.knowledge.mapping import Mapping, ReadsTimes, formats
from leeward.record import tables
from leeward.record.settings import Refused

_CHUNK_BYTES = 1 << 20
_SIGN = "(<=|>=|<|>)?[-+]?"
_EXPONENT = "([eE][-+]?[0-9]{1,3})?"
_DECIMAL_COMMA = f"^{_SIGN}[0-9]*(,[0-9]+)?{_EXPONENT}$"
_EITHER_COMMA = f"^{_SIGN}([0-9]+,([0-9]{{1,2}}|[0-9]{{4,}})|0,[0-9]+){_EXPONENT}$"
_TWO_NUMBERS = f"^{_SIGN}[1-9][0-9]{{0,2}}[.,][0-9]{{3}}$"
TWO_NUMBERS = "a thousand or a decimal: "
"""How the words of a number begin that two people would read as two numbers: 1.000, 1,000."""
_ANY_NUMBER = f"^{_SIGN}[0-9.,'’ ]*[0-9.,]{_EXPONENT}$"


def number(mapping: Mapping, said: str) -> str:
    """SQL: a number with a decimal point, where the mapping declares a comma, or either sign.

    A number that is spelt with a point where a comma is declared (38.5, 1.000,5) may be a thousand or a slip: it is
    left unreadable. So are 1.000 and 1,000 where either may stand: only what can be no thousand is read there.
    """
    if mapping.decimal == "either":
        return (
            f"case when regexp_matches({said}, {tables.literal(_TWO_NUMBERS)}) then '{TWO_NUMBERS}' || {said} "
            f"when regexp_matches({said}, {tables.literal(_EITHER_COMMA)}) then replace({said}, ',', '.') "
            f"else {said} end"
        )
    if mapping.decimal != ",":
        return said
    return (
        f"case when regexp_matches({said}, {tables.literal(_DECIMAL_COMMA)}) then replace({said}, ',', '.') "
        f"when regexp_matches({said}, {tables.literal(_ANY_NUMBER)}) "
        f"then 'no decimal comma: ' || {said} else {said} end"
    )


def time(reads: ReadsTimes, said: str) -> str:
    """SQL: a time in ISO 8601, out of the declared formats; one that fits none of them is left unreadable."""
    declared = formats(reads)
    if not declared:
        return said
    fitting = ", ".join(_iso(said, form) for form in declared)
    wanted = tables.literal(f"not {' or '.join(declared)}: ")
    return f"case when {said} is not null then coalesce({fitting}, {wanted} || {said}) end"


def _iso(said: str, form: str) -> str:
    """SQL: one format's reading; a date without a time stays a date, and so an interval of a day."""
    becomes = "%Y-%m-%d"
    if any(part in form for part in ("%H", "%I")):
        becomes += "T%H:%M:%S.%f"
    read = f"strftime(try_strptime({said}, {tables.literal(form)}), {tables.literal(becomes)})"
    return f"{read} || 'Z'" if "%z" in form else read


def decoded(file: Path, root: Path, encoding: str, folder: Path) -> tuple[Path, Refused | None]:
    """A copy in UTF-8 at the same place under `folder`, and what was wrong with the file, if anything.

    Letters that the encoding does not have become the replacement character, so that only their words are refused.
    """
    copy = folder / file.relative_to(root)
    copy.parent.mkdir(parents=True, exist_ok=True)
    reader = codecs.getincrementaldecoder(encoding)(errors="replace")
    wrong = None
    with copy.open("w", encoding="utf-8", newline="") as out:
        try:
            for chunk in _chunks(file):
                out.write(reader.decode(chunk))
        except (OSError, EOFError, zlib.error) as error:
            message = "Unexpected end of file" if isinstance(error, EOFError) else str(error)
            wrong = tables.broken(file.name, (file,), root, message)
        else:
            out.write(reader.decode(b"", final=True))
    if wrong is not None:
        _cut_to_whole_lines(copy)
    return copy, wrong


def _chunks(file: Path) -> Iterator[bytes]:
    """A file's bytes, unpacked where it is packed, up to where it breaks off.

    Raises EOFError there.
    """
    with file.open("rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        unpack = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        while chunk := raw.read(_CHUNK_BYTES):
            if not packed:
                yield chunk
            while packed and chunk:
                yield unpack.decompress(chunk)
                chunk = unpack.unused_data
                if unpack.eof and chunk:
                    unpack = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        if packed and not unpack.eof:
            raise EOFError


def _cut_to_whole_lines(copy: Path) -> None:
    """Half a line would be half a number."""
    end = whole = 0
    with copy.open("rb") as text:
        while chunk := text.read(_CHUNK_BYTES):
            whole = end + chunk.rfind(b"\n") + 1 if b"\n" in chunk else whole
            end += len(chunk)
    os.truncate(copy, whole)
