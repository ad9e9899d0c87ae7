"""From bytes to messages: every limit is checked before the library is given anything to parse."""

from __future__ import annotations

import logging
import re
from typing import Any

import hl7
import hl7.util
import msgspec

from leeward.ward.hl7.vocabulary import Refusal, vocabulary

HEADERS = ("MSH", "BHS", "FHS")
AS_BYTES = "latin-1"
"""Every byte as one sign, and back: a header is read before its character set is known."""
_UNWANTED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029]")
_SIGNS = re.compile(r"[!-/:-@\[-`{-~]{5,6}")
_BLANK_LINES = re.compile(r"\r[\r ]*")
_NEXT_LINE = re.compile(r"\n[A-Z][A-Z0-9]{2}[^A-Za-z0-9 ]")
_SEGMENT = re.compile(r"[A-Z][A-Z0-9]{2}(?![A-Za-z0-9 ])")
_CHARSET, _TRAILER_COUNT = 18, 1

# The library tells its log the field that it could not unescape; what stands in a field is a patient's.
logging.getLogger(hl7.util.__file__).disabled = True


class Limits(msgspec.Struct, frozen=True):
    """How much of a message is read."""

    message_bytes: int
    segments: int
    pieces: int


def header(block: bytes) -> Any:
    """The first MSH segment of a block as parsed, or None: enough to know the sender and to answer."""
    start = block.find(b"MSH") if block[:3] in (b"BHS", b"FHS") else 0
    line = block[max(start, 0) :].partition(b"\r")[0].partition(b"\n")[0]
    if line[:3] != b"MSH":
        return None
    text = line.decode(AS_BYTES)
    return hl7.parse(text)[0] if _declared(text) else None


def messages(block: bytes, limits: Limits, charset: str) -> tuple[list[Any], bool]:
    """The messages of a block in a character set (table 0211), each by itself, and whether they came as a batch.

    Raises Refusal, before anything is parsed where a limit is passed.
    """
    if len(block) > limits.message_bytes:
        raise Refusal("message-too-large")
    if block[:3].decode(AS_BYTES) not in HEADERS:
        raise Refusal("not-hl7")
    text = _BLANK_LINES.sub("\r", _ended(_decoded(block, charset))).strip("\r")
    if _UNWANTED.search(text) or _NEXT_LINE.search(text):
        raise Refusal("control-characters")
    lines = text.split("\r")
    headers = [line for line in lines if line[:3] in HEADERS]
    if any(not _declared(line) for line in headers):
        raise Refusal("encoding-characters")
    signs = {sign for line in headers for sign in line[3:9]}
    if len(lines) > limits.segments or sum(text.count(sign) for sign in signs) > limits.pieces:
        raise Refusal("too-many-segments")
    if headers[0][:3] == "MSH":
        if len(headers) > 1:
            raise Refusal("message-in-message")
        return [hl7.parse(text)], False
    return _batched(text, lines), True


def _ended(text: str) -> str:
    """A text whose segments end as the standard has it, where all of them end with a line feed instead.

    Where both occur a line feed may belong to a note, and where a line is no segment it does: those stay.
    """
    if "\r" in text or not all(_SEGMENT.match(line) for line in text.split("\n") if line.strip()):
        return text.replace("\r\n", "\r")
    return text.replace("\n", "\r")


def _declared(line: str) -> bool:
    """Whether a header declares a field separator and four or five other signs, all different."""
    signs = line[3:4] + line[4:].partition(line[3:4] or " ")[0]
    return bool(_SIGNS.fullmatch(signs)) and len(set(signs)) == len(signs)


def charset_of(first: Any, otherwise: str) -> str:
    """The one character set (table 0211) that a header declares. Raises Refusal where it is not read."""
    names = [str(name) for name in first(_CHARSET)] if first is not None and len(first) > _CHARSET else []
    names = [name for name in names if name] or [otherwise]
    if len(names) > 1 or names[0] not in vocabulary().charset:
        raise Refusal("charset-unknown", "MSH-18")
    return names[0]


def _decoded(block: bytes, charset: str) -> str:
    try:
        return block.decode(vocabulary().charset[charset])
    except UnicodeDecodeError:
        raise Refusal("charset-wrong", "MSH-18") from None


def _batched(text: str, lines: list[str]) -> list[Any]:
    """The messages of batches; a trailer that is missing or counts otherwise says that some are missing."""
    begun, ended = (sum(line[:3] == name for line in lines) for name in ("BHS", "BTS"))
    if "\n" in text or begun != ended:
        raise Refusal("batch-incomplete", "BTS")
    try:
        batches = hl7.parse_file(text)
    except hl7.HL7Exception:
        raise Refusal("message-in-message") from None
    for batch in batches:
        counted = str(batch.trailer(_TRAILER_COUNT)) if batch.trailer and len(batch.trailer) > _TRAILER_COUNT else ""
        if counted and counted != str(len(batch)):
            raise Refusal("batch-incomplete", "BTS-1")
    return [message for batch in batches for message in batch]
