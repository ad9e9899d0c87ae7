"""How a ward listens: uvicorn, within the ward's limits, each answer on its way at once."""

from __future__ import annotations

import contextlib
import socket
import sys
from typing import Any

import uvicorn
from uvicorn.supervisors import Multiprocess

from leeward.ward.settings import WardSettings

NOT_STARTED = 3
"""Exit status of a ward that could not begin to listen, as uvicorn has it."""


class Listening(uvicorn.Config):
    """Takes no more than the ward's limits allow, and writes down no address: it may name a patient's page."""

    def __init__(self, app: Any, settings: WardSettings, **asked: Any) -> None:
        super().__init__(
            app,
            **{
                "log_level": "warning",
                "access_log": False,
                "log_config": None,
                "server_header": False,
                "limit_concurrency": int(settings.number("limits", "at_once")) * 2,
                "h11_max_incomplete_event_size": int(settings.number("limits", "header_bytes")),
                "http": "h11",
                "ws": "none",
                "timeout_keep_alive": int(settings.number("limits", "body_wait_s")),
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
