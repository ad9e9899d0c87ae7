"""How a ward listens: uvicorn, within the ward's limits, each answer on its way at once."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
from collections import Counter
from typing import Any, ClassVar

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.supervisors import Multiprocess

from leeward.ward.settings import WardSettings

NOT_STARTED = 3
"""Exit status of a ward that could not begin to listen, as uvicorn has it."""


class Line(H11Protocol):
    """A connection: one that says nothing whole for a while is closed, and an address has so many at most.

    uvicorn waits for ever for the first line of a request, and counts connections of all addresses together.
    """

    _open: ClassVar[Counter[str]] = Counter()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Somebody is there."""
        super().connection_made(transport)
        self._late: asyncio.TimerHandle | None = None
        self._address = str(self.client[0]) if self.client else "-"
        self._open[self._address] += 1
        if self._open[self._address] > self.config.address_most:  # type: ignore[attr-defined]
            transport.close()
        else:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """They have gone."""
        self._open[self._address] -= 1
        if not self._open[self._address]:
            del self._open[self._address]
        self._heard()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """They say something; of a request of which part has come the rest is awaited as the first was."""
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._heard()
        elif self.conn.trailing_data[0]:
            self._wait()

    def _wait(self) -> None:
        if self._late is None:
            self._late = self.loop.call_later(self.config.first_s, self._given_up)  # type: ignore[attr-defined]

    def _heard(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _given_up(self) -> None:
        self._late = None
        if self.conn.their_state is h11.IDLE:
            self.transport.close()


class Listening(uvicorn.Config):
    """Takes no more than the ward's limits allow, and writes down no address: it may name a patient's page."""

    def __init__(self, app: Any, settings: WardSettings, **asked: Any) -> None:
        number = settings.number
        self.first_s, self.address_most = number("limits", "body_wait_s"), number("limits", "address_lines")
        super().__init__(
            app,
            **{
                "log_level": "warning",
                "access_log": False,
                "log_config": None,
                "server_header": False,
                "limit_concurrency": int(number("limits", "lines")),
                "h11_max_incomplete_event_size": int(number("limits", "header_bytes")),
                "http": Line,
                "ws": "none",
                "timeout_keep_alive": int(number("limits", "body_wait_s")),
                **asked,
            },
        )

    def bind_socket(self) -> socket.socket:
        """A socket of which every connection sends what it has.

        An answer in two pieces would else wait until its client has acknowledged the first, some 40 ms on Linux;
        asyncio sees to that only where it opens the socket itself.
        """
        bound = super().bind_socket()
        bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return bound

    def run(self) -> None:
        """Serve until the end, in one process or several."""
        if self.workers > 1:
            Multiprocess(self, sockets=[self.bind_socket()]).run()
            return
        server = uvicorn.Server(self)
        with contextlib.suppress(KeyboardInterrupt):
            server.run()
        if not server.started:
            sys.exit(NOT_STARTED)
