"""A real receiver of webhooks on this machine, for tests of what is sent."""

from __future__ import annotations

import base64
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

from leeward.ward.settings import Webhook

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()


class Receiver:
    """A real receiver on this machine: answers as it is told, and remembers what came."""

    def __init__(self) -> None:
        self.came: list[tuple[str, dict[str, str], bytes]] = []
        self.answers: list[int] = []
        self.slow = Event()
        self.slow.set()
        mine = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                mine.came.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
                mine.slow.wait(5)
                status = mine.answers.pop(0) if mine.answers else 204
                self.send_response(status)
                if status in (301, 302, 307):
                    self.send_header("location", f"http://127.0.0.1:{mine.port}/elsewhere")
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """A test prints nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = int(self._server.server_address[1])
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def hook(self, name: str = "ward phone", next_: str | None = None, **more: Any) -> Webhook:
        """How a centre writes this receiver down."""
        return Webhook(name=name, url=f"http://127.0.0.1:{self.port}/alerts", secret=SECRET, next=next_,
                       **({"reach": "loopback"} | more))  # fmt: skip

    def bodies(self) -> list[dict[str, Any]]:
        """What came, read."""
        return [json.loads(body) for _, _, body in self.came]

    def close(self) -> None:
        """Answer nobody any more."""
        self.slow.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
