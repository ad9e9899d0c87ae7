"""Asking another server: only addresses that a centre listed, only where they may resolve to, never by a redirect."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any
from urllib.parse import urlsplit

import httpx
import msgspec

from leeward.ward.access.settings import Reach, origin


class NotAsked(Exception):
    """A server was not asked, or did not answer as it must; the message holds no address and no answer."""


class Outside:
    """The servers that may be asked. listed: origins (`settings.origin`) and where each may resolve to."""

    def __init__(self, listed: Mapping[str, Reach], *, wait_s: float, most_bytes: int) -> None:
        self._listed, self._wait_s, self._most_bytes = listed, wait_s, most_bytes

    def get(self, url: str, headers: Mapping[str, str] | None = None) -> Any:
        """What an address answers, as JSON. Raises NotAsked."""
        return self._asked("GET", url, headers=dict(headers or {}))

    def post(self, url: str, form: Mapping[str, str], auth: tuple[str, str] | None = None) -> Any:
        """What an address answers to a form, as JSON. Raises NotAsked."""
        return self._asked("POST", url, form=dict(form), auth=auth)

    def _asked(
        self,
        method: str,
        url: str,
        *,
        headers: dict[str, str] | None = None,
        form: dict[str, str] | None = None,
        auth: tuple[str, str] | None = None,
    ) -> Any:
        """One question to the address that was resolved and looked at, so that no second resolving can differ."""
        parts = urlsplit(url)
        host, address = parts.hostname or "", self._resolved(url)
        number = f"[{address}]" if address.version == 6 else str(address)
        port = f":{parts.port}" if parts.port else ""
        target = parts._replace(netloc=f"{number}{port}").geturl()
        named = f"[{host}]{port}" if ":" in host else f"{host}{port}"
        said = {"Host": named, "Accept": "application/json", **(headers or {})}
        try:
            with (
                httpx.Client(timeout=self._wait_s, follow_redirects=False, trust_env=False) as client,
                client.stream(
                    method, target, headers=said, data=form, auth=auth or httpx.USE_CLIENT_DEFAULT,
                    extensions={"sni_hostname": host},
                ) as answer,
            ):  # fmt: skip
                return self._read(answer)
        except httpx.HTTPError as error:
            raise NotAsked("no answer") from error

    def _read(self, answer: httpx.Response) -> Any:
        """The answer's JSON, read no further than the limit."""
        if answer.status_code != httpx.codes.OK:
            raise NotAsked(f"answered {answer.status_code}")
        body = b""
        for piece in answer.iter_bytes():
            body += piece
            if len(body) > self._most_bytes:
                raise NotAsked("answer too long")
        try:
            return msgspec.json.decode(body)
        except msgspec.DecodeError as error:
            raise NotAsked("not JSON") from error

    def _resolved(self, url: str) -> IPv4Address | IPv6Address:
        """The address to connect to; raises NotAsked where any that the name resolves to is not within its reach."""
        reach = self._listed.get(origin(url))
        parts = urlsplit(url)
        if reach is None or parts.username is not None:
            raise NotAsked("not listed")
        try:
            found = socket.getaddrinfo(parts.hostname, parts.port or parts.scheme, type=socket.SOCK_STREAM)
        except OSError as error:
            raise NotAsked("unknown name") from error
        addresses = [ip_address(one[4][0]) for one in found]
        if not addresses or not all(within(address, reach) for address in addresses):
            raise NotAsked("resolves to where it may not")
        return addresses[0]


def within(address: IPv4Address | IPv6Address, reach: Reach) -> bool:
    """Whether an address lies where its server may be."""
    mapped = getattr(address, "ipv4_mapped", None)
    if mapped is not None:
        return within(mapped, reach)
    if address.is_loopback:
        return reach == "loopback"
    if address.is_link_local or address.is_multicast or address.is_unspecified or address.is_reserved:
        return False
    return address.is_global if reach == "public" else reach == "private" and address.is_private
