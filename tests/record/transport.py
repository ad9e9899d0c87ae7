"""SAS transport files (XPT version 5) written by hand, for tests of what reads them.

Layout: SAS Technical Support note TS-140. Everything stands in records of 80 bytes; numbers are IBM System/360 floats.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence

CARD = 80
MISSING = b"." + bytes(7)
_NOW = b"22NOV26:08:00:00"


def transport(name: str, rows: Sequence[Mapping[str, str | float | None]]) -> bytes:
    """A transport file of one dataset; a column is numeric where its first value is a number."""
    names = list(rows[0])
    texts = {key: max(1, *(len(str(row[key] or "").encode()) for row in rows)) for key in names if _is_text(rows, key)}
    lengths = [texts.get(key, 8) for key in names]
    head = _card("HEADER RECORD*******LIBRARY HEADER RECORD!!!!!!!" + "0" * 30)
    head += _card(b"SAS     SAS     SASLIB  9.4     Linux   " + b" " * 24 + _NOW) + _card(_NOW)
    head += _card("HEADER RECORD*******MEMBER  HEADER RECORD!!!!!!!" + "0" * 17 + "1600000000140")
    head += _card("HEADER RECORD*******DSCRPTR HEADER RECORD!!!!!!!" + "0" * 30)
    head += _card(b"SAS     " + name.ljust(8).encode() + b"SASDATA 9.4     Linux   " + b" " * 24 + _NOW)
    head += _card(_NOW.ljust(32) + b" " * 48)
    head += _card("HEADER RECORD*******NAMESTR HEADER RECORD!!!!!!!000000" + f"{len(names):04d}" + "0" * 20)
    described = b"".join(
        _namestr(key, key in texts, length, place, sum(lengths[: place - 1]))
        for place, (key, length) in enumerate(zip(names, lengths, strict=True), 1)
    )
    body = b"".join(
        str(row[key] or "").encode().ljust(length) if key in texts else ibm(row[key])
        for row in rows
        for key, length in zip(names, lengths, strict=True)
    )
    return (
        head + _padded(described) + _card("HEADER RECORD*******OBS     HEADER RECORD!!!!!!!" + "0" * 30) + _padded(body)
    )


def ibm(value: str | float | None) -> bytes:
    """A number as IBM System/360 writes it: a sign, a power of 16, 56 bits of fraction; null as SAS's missing value."""
    if value is None:
        return MISSING
    number = float(value)
    if number == 0:
        return bytes(8)
    fraction, power = math.frexp(abs(number))
    sixteens = -(-power // 4)
    mantissa = int(math.ldexp(fraction, 56 - (4 * sixteens - power)))
    return struct.pack(">Q", ((number < 0) << 63) | ((sixteens + 64) << 56) | mantissa)


def _is_text(rows: Sequence[Mapping[str, str | float | None]], key: str) -> bool:
    return isinstance(next((row[key] for row in rows if row[key] is not None), ""), str)


def _namestr(name: str, text: bool, length: int, place: int, position: int) -> bytes:
    """What describes one variable, in 140 bytes."""
    about = struct.pack(">hhhh", 2 if text else 1, 0, length, place)
    about += name.ljust(8).encode() + name.ljust(40).encode() + b" " * 8 + struct.pack(">hhh", 0, 0, 0) + b"  "
    about += b" " * 8 + struct.pack(">hh", 0, 0) + struct.pack(">l", position)
    return about.ljust(140, b"\0")


def _card(text: str | bytes) -> bytes:
    return (text.encode() if isinstance(text, str) else text).ljust(CARD)


def _padded(data: bytes) -> bytes:
    return data + b" " * (-len(data) % CARD)
