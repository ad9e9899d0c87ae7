"""Whose session or token was believed lately: under load they have places of their own, which no stranger can take."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Mapping
from threading import Lock


def credential(headers: Mapping[str, str]) -> str:
    """What a request brings to be known by; empty where it brings nothing."""
    return headers.get("authorization") or headers.get("cookie") or ""


def digest(secret: str) -> bytes:
    """What is remembered of it."""
    return hashlib.sha256(secret.encode()).digest()


class Known:
    """Digests of what was believed, each for a while; of too many the one believed longest ago is forgotten."""

    def __init__(self, monotonic: Callable[[], float], keep_s: float, most: int) -> None:
        self._monotonic, self._keep_s, self._most = monotonic, keep_s, most
        self._turn = Lock()
        self._since: OrderedDict[bytes, float] = OrderedDict()

    def believed(self, secret: str) -> None:
        """Somebody brought this and was known by it."""
        if secret:
            with self._turn:
                self._since[digest(secret)] = self._monotonic()
                self._since.move_to_end(digest(secret))
                while len(self._since) > self._most:
                    self._since.popitem(last=False)

    def forget(self, secret: str) -> None:
        """It counts no more."""
        with self._turn:
            self._since.pop(digest(secret), None)

    def holds(self, secret: str) -> bool:
        """Whether it was believed lately."""
        if not secret:
            return False
        with self._turn:
            since_s = self._since.get(digest(secret))
        return since_s is not None and self._monotonic() - since_s < self._keep_s
