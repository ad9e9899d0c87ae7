"""Bodies of requests, read within limits of size, time, shape and kind before any route sees them."""

from __future__ import annotations

import asyncio
import json
import re
import zlib
from itertools import accumulate, chain
from typing import Any, NamedTuple

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from leeward.ward.access.refusal import told
from leeward.ward.settings import WardSettings

JSON_KINDS = (
    "application/json",
    "application/fhir+json",
    "application/json-patch+json",
    "application/merge-patch+json",
)
OTHER_KINDS = (
    "text/csv",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    "text/plain",
    "x-application/hl7-v2+er7",
)
"""Kinds of body that some route understands. XML and archives are none of them, so no parser of them is reached."""
BULK_KINDS = ("text/csv", "multipart/form-data", "application/fhir+json")
ARCHIVES = (
    b"PK\x03\x04",
    b"PK\x05\x06",
    b"\x1f\x8b",
    b"BZh",
    b"\xfd7zXZ\x00",
    b"7z\xbc\xaf\x27\x1c",
    b"Rar!",
    b"\x28\xb5\x2f\xfd",
)
"""How archives begin: zip, gzip, bzip2, xz, 7z, rar, zstandard."""
TAR = (b"ustar", 257)
"""What stands in a tar, and where."""
SMALL_BYTES = 65_536
"""A body up to this is looked at in passing; a larger one in a thread, so that others are answered meanwhile."""


class Unfit(Exception):
    """A body that no route is given: the status and the words of its refusal."""

    def __init__(self, status: int, said: str) -> None:
        super().__init__(said)
        self.status, self.said = status, said


class Shape(NamedTuple):
    """How deep and how long a JSON body may be."""

    depth: int
    entries: int


class Bodies:
    """Reads each body whole, within its limits, and gives it on."""

    def __init__(self, app: ASGIApp, *, settings: WardSettings) -> None:
        def whole(name: str) -> int:
            return int(settings.number("limits", name))

        self._app = app
        self._bytes, self._bulk_bytes, self._all_bytes = whole("body_bytes"), whole("bulk_bytes"), whole("bodies_bytes")
        self._ratio, self._shape = whole("inflated_ratio"), Shape(whole("depth"), whole("entries"))
        self._wait_s, self._whole_s = (
            settings.number("limits", "body_wait_s"),
            settings.number("limits", "body_whole_s"),
        )
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, as ASGI has it."""
        headers = Headers(scope=scope) if scope["type"] == "http" else None
        if headers is None or ("transfer-encoding" not in headers and headers.get("content-length", "0") == "0"):
            await self._app(scope, receive, send)
            return
        held = Reading()
        try:
            try:
                body = await self._read(headers, receive, held)
            except Unfit as unfit:
                await told(scope, unfit.status, unfit.said, {"Connection": "close"})(scope, receive, send)
                return
            self._plain(scope, body)
            await self._app(scope, given(body, receive), send)
        finally:
            self._held -= held.bytes

    async def _read(self, headers: Headers, receive: Receive, held: Reading) -> bytes:
        """The whole body, plain. Raises Unfit."""
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind not in (*JSON_KINDS, *OTHER_KINDS):
            raise Unfit(415, "Send JSON, FHIR as JSON, CSV or a form; not XML, not an archive.")
        coding = headers.get("content-encoding", "identity").strip().lower()
        if coding not in ("identity", "gzip"):
            raise Unfit(415, "Send the body as it is, or as gzip.")
        most = self._bulk_bytes if kind in BULK_KINDS else self._bytes
        said = headers.get("content-length")
        if said is not None and (not said.isdecimal() or int(said) > most):
            raise Unfit(413, f"A body of this kind may have {most} bytes.")
        pieces = Pieces(most, self._ratio if coding == "gzip" else None)
        try:
            async with asyncio.timeout(self._whole_s):
                await self._gather(receive, pieces, held)
        except TimeoutError:
            raise Unfit(408, "The body came too slowly.") from None
        body = pieces.whole()
        if len(body) <= SMALL_BYTES:
            look(kind, body, self._shape)
        else:
            await run_in_threadpool(look, kind, body, self._shape)
        return body

    async def _gather(self, receive: Receive, pieces: Pieces, held: Reading) -> None:
        """Every piece of the body, each within its time, all clients' together within the memory set aside."""
        more = True
        while more:
            async with asyncio.timeout(self._wait_s):
                message = await receive()
            if message["type"] == "http.disconnect":
                raise Unfit(400, "The body ended early.")
            more = message.get("more_body", False)
            grown = pieces.add(message.get("body", b""))
            held.bytes += grown
            self._held += grown
            if self._held > self._all_bytes:
                raise Unfit(503, "Too many bodies at once; come back in a moment.")

    def _plain(self, scope: Scope, body: bytes) -> None:
        """The headers of the body as it now is."""
        headers = MutableHeaders(scope=scope)
        for name in ("content-encoding", "transfer-encoding"):
            if name in headers:
                del headers[name]
        headers["content-length"] = str(len(body))


class Reading:
    """How many bytes one request holds."""

    def __init__(self) -> None:
        self.bytes = 0


class Pieces:
    """A body as it comes in, unpacked on the way where it is packed; never more than `most` bytes of it."""

    def __init__(self, most: int, ratio: int | None) -> None:
        self._most, self._ratio = most, ratio
        self._pieces: list[bytes] = []
        self._packed = self._length = 0
        self._unpack = zlib.decompressobj(wbits=31) if ratio is not None else None

    def add(self, piece: bytes) -> int:
        """Add a piece; by how many bytes the body grew. Raises Unfit where it grows too long or shrinks too much."""
        self._packed += len(piece)
        if self._unpack is not None:
            piece = self._unpacked(piece)
        self._length += len(piece)
        if self._length > self._most:
            raise Unfit(413, f"A body of this kind may have {self._most} bytes.")
        self._pieces.append(piece)
        return len(piece)

    def _unpacked(self, piece: bytes) -> bytes:
        """A piece of gzip as it was before, no further than the limit."""
        assert self._unpack is not None
        assert self._ratio is not None
        most = min(self._most - self._length + 1, self._packed * self._ratio - self._length + 1)
        try:
            plain = self._unpack.decompress(piece, max(most, 1))
        except zlib.error:
            raise Unfit(400, "The body is not gzip.") from None
        if self._length + len(plain) > self._packed * self._ratio or self._unpack.unconsumed_tail:
            raise Unfit(413, "The body unpacks to far more than was sent.")
        if self._unpack.unused_data:
            raise Unfit(400, "The body goes on after its gzip.")
        return plain

    def whole(self) -> bytes:
        """The body."""
        if self._unpack is not None and not self._unpack.eof:
            raise Unfit(400, "The body's gzip ends early.")
        return b"".join(self._pieces)


def given(body: bytes, receive: Receive) -> Receive:
    """A body that was read already, as a route reads it; after it, whatever the client does next."""
    waiting = True

    async def again() -> Message:
        nonlocal waiting
        if waiting:
            waiting = False
            return {"type": "http.request", "body": body, "more_body": False}
        return await receive()

    return again


def look(kind: str, body: bytes, shape: Shape) -> None:
    """Raises Unfit where a body is an archive, or is JSON too deep, too long, or with a name twice in one object."""
    if body.startswith(ARCHIVES) or body[TAR[1] : TAR[1] + len(TAR[0])] == TAR[0]:
        raise Unfit(415, "An archive is not taken.")
    if kind == "multipart/form-data" and any(b"\r\n\r\n" + archive in body for archive in ARCHIVES):
        raise Unfit(415, "An archive is not taken.")
    if kind in JSON_KINDS or body.lstrip()[:1] in (b"{", b"["):
        look_at_json(body, shape)


_TEXT = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_STEPS = {ord("{"): 1, ord("["): 1, ord("}"): -1, ord("]"): -1}
_NOT_BRACKETS = bytes(byte for byte in range(256) if byte not in _STEPS)


def look_at_json(body: bytes, shape: Shape) -> None:
    """Raises Unfit where JSON is too deep, too long, not whole, or says a name twice: parsers keep one, silently."""
    outside = _outside_of_texts(body)
    if max(accumulate(map(_STEPS.__getitem__, outside.translate(None, _NOT_BRACKETS))), default=0) > shape.depth:
        raise Unfit(413, f"JSON may be {shape.depth} deep.")
    objects: list[list[tuple[str, Any]]] = []
    try:
        whole = json.loads(body.decode("utf-8"), object_pairs_hook=objects.append, parse_constant=_no_number)
    except UnicodeDecodeError:
        raise Unfit(400, "JSON is UTF-8.") from None
    except (ValueError, RecursionError):
        raise Unfit(400, "This is not JSON.") from None
    if sum(map(len, map(dict, objects))) < sum(map(len, objects)):
        raise Unfit(400, "A name stands twice in one object.")
    if outside.count(b",") >= shape.entries:  # with fewer, no list is too long
        _counted(whole, shape.entries)
        for _, held in chain.from_iterable(objects):
            _counted(held, shape.entries)


def _outside_of_texts(body: bytes) -> bytes:
    """JSON without its texts; where none has a backslash, every second piece between quotation marks."""
    return _TEXT.sub(b"", body) if b"\\" in body else b"".join(body.split(b'"')[::2])


def _counted(held: Any, most: int) -> None:
    """Raises Unfit where a list, or one within it, has too many members."""
    if isinstance(held, list):
        if len(held) > most:
            raise Unfit(413, f"A list may have {most} members.")
        for one in held:
            _counted(one, most)


def _no_number(_said: str) -> None:
    """NaN and the infinities are not JSON."""
    raise ValueError
