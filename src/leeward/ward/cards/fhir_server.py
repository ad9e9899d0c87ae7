"""Asking a client's FHIR server for what it did not send: only a listed server, never further than the deadline.

No redirect is followed, the address a name resolves to is looked at and then used, and a page's `next` must lie on the
same server. Nothing that is fetched is kept: a server that does not answer leaves its part missing, and after several
faults it is left alone for a while, so that nobody waits for it in vain.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from ipaddress import IPv4Address, IPv6Address, ip_address
from threading import Lock
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

import httpx
import msgspec

from leeward.ward.access.outside import within
from leeward.ward.access.settings import Reach, origin
from leeward.ward.cards.settings import CdsHooks
from leeward.ward.clock import Clock, SystemClock
from leeward.ward.settings import WardSettings

CONNECT_LEAST_S = 0.001


class Fetched(NamedTuple):
    """What came of one question: pages, in order, and why there are no more, where there should be."""

    pages: tuple[bytes, ...]
    why: str | None = None


class _NotAnswered(Exception):
    """A page did not come; the message holds no address and nothing of an answer. `fault`: the server's own."""

    def __init__(self, why: str, *, fault: bool = True) -> None:
        super().__init__(why)
        self.fault = fault


class _Link(msgspec.Struct):
    relation: str = ""
    url: str = ""


class _Page(msgspec.Struct):
    """As much of a resource as tells whether there is a further page, or that it is a refusal."""

    resourceType: str = ""  # noqa: N815  as FHIR spells it
    link: list[_Link] | None = None


_page = msgspec.json.Decoder(_Page)


class FhirServers:
    """The servers that a centre listed."""

    def __init__(self, settings: WardSettings, said: CdsHooks, clock: Clock) -> None:
        self._number, self._clock = settings.number, clock
        self._machine = SystemClock()  # a network waits in the machine's time, however fast a replay runs
        self._listed: dict[str, Reach] = {_base(one.address): one.reach for one in said.fhir_servers}
        self._threads = ThreadPoolExecutor(int(self._number("cds_hooks", "fetches_at_once")), "fhir-server")
        self._faults: dict[str, int] = {}
        self._rests_until_s: dict[str, float] = {}
        self._turn = Lock()

    def lists(self, address: str | None) -> bool:
        """Whether a server may be asked at all."""
        return address is not None and _base(address) in self._listed

    def fetch(self, address: str, token: str, questions: Mapping[str, str]) -> dict[str, Fetched]:
        """What the server answers to each question (a relative address, by its key), all within the deadline."""
        base = _base(address)
        resting = self._rests(base)
        if resting:
            return {
                key: Fetched((), "the FHIR server failed lately and is left alone for a while") for key in questions
            }
        ends_s = self._machine.monotonic() + self._number("cds_hooks", "deadline_ms") / 1000
        begun: dict[str, tuple[list[bytes], Future[str | None]]] = {}
        for key, question in questions.items():
            pages: list[bytes] = []
            begun[key] = (pages, self._threads.submit(self._follow, base, question, token, ends_s, pages))
        wait([told for _, told in begun.values()], timeout=max(0.0, ends_s - self._machine.monotonic()))
        made = {key: _so_far(*one) for key, one in begun.items()}
        self._note(base, failed=any(one.why is not None and not one.pages for one in made.values()))
        return made

    # ------------------------------------------------------------ a server's faults

    def _rests(self, base: str) -> bool:
        with self._turn:
            return self._clock.monotonic() < self._rests_until_s.get(base, float("-inf"))

    def _note(self, base: str, *, failed: bool) -> None:
        """Count a fault, or forget all; too many in a row let the server rest."""
        with self._turn:
            self._faults[base] = self._faults.get(base, 0) + 1 if failed else 0
            if self._faults[base] >= self._number("cds_hooks", "faults_most"):
                self._rests_until_s[base] = self._clock.monotonic() + self._number("cds_hooks", "rest_s")
                self._faults[base] = 0

    # ------------------------------------------------------------ pages

    def _follow(self, base: str, question: str, token: str, ends_s: float, pages: list[bytes]) -> str | None:
        """Every page of one question, added to `pages` as they come; why it ends too early, if it does."""
        url: str | None = f"{base}{question}" if question.startswith("?") else f"{base}/{question}"
        try:
            for _ in range(int(self._number("cds_hooks", "pages"))):
                body = self._asked(url or "", base, token, ends_s)
                pages.append(body)
                url = self._next(body, url or "", base)
                if url is None:
                    return None
        except _NotAnswered as error:
            return str(error)
        return "there were more pages than are read"

    def _next(self, body: bytes, url: str, base: str) -> str | None:
        """The address of the next page, on this server and under its base; None at the end."""
        try:
            links = _page.decode(body).link or []
        except msgspec.DecodeError:
            raise _NotAnswered("an answer that is not FHIR") from None
        found = next((one.url for one in links if one.relation == "next"), None)
        if found is None:
            return None
        whole = urljoin(url, found)
        if origin(whole) != origin(base) or within_server(whole, base) is None:
            raise _NotAnswered("its next page is said to lie elsewhere", fault=False)
        return whole

    def _asked(self, url: str, base: str, token: str, ends_s: float) -> bytes:
        """One page, from the address that was resolved and looked at. Raises _NotAnswered."""
        parts = urlsplit(url)
        host, address = parts.hostname or "", _resolved(url, self._listed[base])
        number = f"[{address}]" if address.version == 6 else str(address)
        port = f":{parts.port}" if parts.port else ""
        named = f"[{host}]{port}" if ":" in host else f"{host}{port}"
        headers = {
            "Host": named, "Accept": "application/fhir+json", "Accept-Encoding": "identity",
            "Authorization": f"Bearer {token}",
        }  # fmt: skip
        left_s = max(CONNECT_LEAST_S, ends_s - self._machine.monotonic())
        try:
            with (
                httpx.Client(timeout=left_s, follow_redirects=False, trust_env=False) as client,
                client.stream(
                    "GET", parts._replace(netloc=f"{number}{port}").geturl(), headers=headers,
                    extensions={"sni_hostname": host},
                ) as told,
            ):  # fmt: skip
                if told.status_code != httpx.codes.OK:
                    raise _NotAnswered(f"the FHIR server answered {told.status_code}")
                return self._whole(told, ends_s)
        except httpx.TimeoutException:
            raise _NotAnswered("the FHIR server did not answer in time") from None
        except (httpx.HTTPError, httpx.InvalidURL):
            raise _NotAnswered("the FHIR server broke off or cannot be reached") from None

    def _whole(self, told: httpx.Response, ends_s: float) -> bytes:
        """The body, no further than its limit and the deadline."""
        if told.headers.get("content-encoding", "identity") != "identity":
            raise _NotAnswered("an answer in an encoding that was not asked for")
        body = bytearray()
        most = self._number("cds_hooks", "fetched_bytes")
        for piece in told.iter_raw():
            body += piece
            if len(body) > most:
                raise _NotAnswered("an answer that is too long")
            if self._machine.monotonic() > ends_s:
                raise _NotAnswered("the FHIR server did not answer in time")
        return bytes(body)

    def close(self) -> None:
        """No further questions."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _so_far(pages: list[bytes], told: Future[str | None]) -> Fetched:
    """What one question has brought when the time is up."""
    held = tuple(pages)
    if not told.done():
        told.cancel()
        return Fetched(held, "the FHIR server did not answer in time")
    error = told.exception()
    return Fetched(held, "the FHIR server could not be asked" if error else told.result())


def within_server(url: str, address: str) -> str | None:
    """An address as a question to a server; None where it does not lie under that server's own."""
    base = _base(address)
    rest = url.removeprefix(base)
    return None if rest == url or not rest.startswith(("/", "?")) else rest.removeprefix("/")


def _base(address: str) -> str:
    """A server's address without a slash at its end; two spellings of one host are one."""
    parts = urlsplit(address)
    return parts._replace(scheme=parts.scheme.lower(), netloc=parts.netloc.lower()).geturl().rstrip("/")


def _resolved(url: str, reach: Reach) -> IPv4Address | IPv6Address:
    """The address to connect to; raises _NotAnswered where any that the name resolves to is out of reach."""
    parts = urlsplit(url)
    if parts.username is not None:
        raise _NotAnswered("an address with a name in it", fault=False)
    try:
        found = socket.getaddrinfo(parts.hostname, parts.port or parts.scheme, type=socket.SOCK_STREAM)
    except OSError:
        raise _NotAnswered("the name of the FHIR server is not known") from None
    addresses = [ip_address(one[4][0]) for one in found]
    if not addresses or not all(within(address, reach) for address in addresses):
        raise _NotAnswered("the FHIR server's name leads to where it may not be", fault=False)
    return addresses[0]
