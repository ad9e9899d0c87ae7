"""MLLP over TCP: frames in, frames out, with a limit on size, on time and on connections."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from threading import Event, Thread

import structlog
from hl7.mllp.streams import CARRIAGE_RETURN, END_BLOCK, START_BLOCK

from leeward.record.errors import BadSetting
from leeward.ward.hl7.receiver import Receiver
from leeward.ward.hl7.senders import Listening
from leeward.ward.hl7.vocabulary import Refusal

log = structlog.get_logger(__name__)
_ENDS = END_BLOCK + CARRIAGE_RETURN
_AT_ONCE_BYTES = 65_536


class Listener:
    """Listens in a thread of its own; each connection is answered in the order in which it sends."""

    def __init__(self, receiver: Receiver, *, shared: bool = False) -> None:
        """`shared`: several workers of one ward listen on the same port, and each is given some connections."""
        self._receiver, self._shared = receiver, shared
        self._open = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ready, self._failed = Event(), ""
        self._ending: asyncio.Event | None = None
        self._thread = Thread(target=self._run, name="hl7", daemon=True)
        self.port = 0

    def start(self) -> None:
        """Listen. Raises BadSetting where the address cannot be had."""
        self._thread.start()
        self._ready.wait()
        if self._failed:
            raise BadSetting(f"hl7: {self._failed}")

    def stop(self) -> None:
        """Take no more, and end once what is being read has been answered."""
        if self._loop is not None and self._ending is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._ending.set)
        self._thread.join()

    def _run(self) -> None:
        asyncio.run(self._listen())

    async def _listen(self) -> None:
        where = self._receiver.listening
        self._loop, self._ending = asyncio.get_running_loop(), asyncio.Event()
        try:
            server = await asyncio.start_server(
                self._connected, where.address, where.port, limit=self._receiver.limits.message_bytes + len(_ENDS),
                ssl=_encryption(where), reuse_port=self._shared or None,
            )  # fmt: skip
        except OSError as error:  # ssl.SSLError is one
            self._failed = f"cannot listen on {where.address}:{where.port} ({type(error).__name__})"
            self._ready.set()
            return
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        log.info("hl7 listens", address=where.address, port=self.port)
        async with server:
            await self._ending.wait()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One sender, until it leaves, is silent for too long, or does what is refused."""
        self._open += 1
        try:
            self._has_room()
            while (block := await self._block(reader)) is not None:
                await self._say(writer, await asyncio.to_thread(self._receiver.receive, block))
        except Refusal as refusal:
            with suppress(OSError, TimeoutError):
                await self._say(writer, [text.encode("ascii") for text in self._receiver.refused(refusal)])
                await self._let_go(reader, writer)
        except (OSError, TimeoutError) as error:
            log.info("hl7 connection lost", error=type(error).__name__)
        finally:
            self._open -= 1
            writer.close()

    def _has_room(self) -> None:
        if self._open > self._receiver.number("connections"):
            raise Refusal("too-many-connections")

    async def _block(self, reader: asyncio.StreamReader) -> bytes | None:
        """What one frame holds; None where the sender has left or is silent. Raises Refusal."""
        try:
            async with asyncio.timeout(self._receiver.number("idle_s")):
                begins = await reader.readexactly(len(START_BLOCK))
        except (asyncio.IncompleteReadError, TimeoutError):
            return None
        if begins != START_BLOCK:
            raise Refusal("framing")
        try:
            async with asyncio.timeout(self._receiver.number("message_s")):
                return (await reader.readuntil(_ENDS)).removesuffix(_ENDS)
        except asyncio.IncompleteReadError:
            return None
        except asyncio.LimitOverrunError:
            raise Refusal("message-too-large") from None
        except TimeoutError:
            raise Refusal("too-slow") from None

    async def _say(self, writer: asyncio.StreamWriter, answers: list[bytes]) -> None:
        """Send acknowledgements; a sender that does not read them is left."""
        for answer in answers:
            writer.write(START_BLOCK + answer + _ENDS)
        async with asyncio.timeout(self._receiver.number("answer_s")):
            await writer.drain()

    async def _let_go(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read on for a moment without keeping anything: closed at once, the line would lose the answer as well."""
        if writer.can_write_eof():
            writer.write_eof()
        async with asyncio.timeout(self._receiver.number("linger_s")):
            while await reader.read(_AT_ONCE_BYTES):
                pass


def _encryption(where: Listening) -> ssl.SSLContext | None:
    """TLS in which the sender shows a certificate, too; None where none is set (on this machine only)."""
    if where.certificate is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=where.clients)
    context.load_cert_chain(where.certificate, where.key)
    context.verify_mode = ssl.CERT_REQUIRED
    return context
