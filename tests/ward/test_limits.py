"""Limits before anything is parsed: size, time, depth, number, pace, kind; and what every answer carries."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
import socket
import tarfile
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import msgspec
import pytest
from starlette.testclient import TestClient
from starlette.types import Message, Scope

from leeward.record.errors import BadSetting
from leeward.ward.bodies import Bodies, Shape, Unfit, look_at_json
from leeward.ward.clock import SetClock
from leeward.ward.limits import HEADERS
from leeward.ward.listening import Listening
from leeward.ward.settings import WardSettings, read_settings
from leeward.ward.world import World
from tests.ward.signed import sign_in
from tests.ward.small import app_of

SMALL = {"limits": {"body_bytes": 10_000.0, "bulk_bytes": 40_000.0, "bodies_bytes": 60_000.0, "entries": 100.0,
                    "burst": 1000.0}}  # fmt: skip
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def client(settings: WardSettings, clock: SetClock) -> Iterator[TestClient]:
    """A ward with small limits, so that each can be stood on from both sides."""
    world = World(msgspec.structs.replace(settings, limits=SMALL), clock)
    yield TestClient(app_of(world))
    world.engine.dispose()


def sent(client: TestClient, body: bytes | Iterator[bytes], **headers: str) -> int:
    """The status of a body sent to a route that takes anything."""
    said = {name.replace("_", "-"): value for name, value in headers.items()}
    return int(client.post("/note", content=body, headers=JSON | said).status_code)


def filled(length: int) -> bytes:
    """JSON of that many bytes."""
    return b'"' + b"a" * (length - 2) + b'"'


def pieces(body: bytes, size: int = 1000) -> Iterator[bytes]:
    """A body in pieces, so that its length is not said."""
    for place in range(0, len(body), size):
        yield body[place : place + size]


# ------------------------------------------------------------------ 43


@pytest.mark.parametrize("chunked", [False, True], ids=["length said", "length not said"])
def test_43_size_at_the_limit_and_one_more(client: TestClient, *, chunked: bool) -> None:
    for length, status in ((10_000, 200), (10_001, 413), (3_000_000, 413)):
        body = filled(length)
        assert sent(client, pieces(body) if chunked else body) == status
    fhir = {"Content_Type": "application/fhir+json"}
    for length, status in ((40_000, 200), (40_001, 413)):
        assert sent(client, filled(length), **fhir) == status


def test_43_thirty_megabytes_are_refused_by_their_length_alone(client: TestClient) -> None:
    answered = client.post("/note", content=filled(30_000_000), headers=JSON)
    assert (answered.status_code, answered.headers["connection"]) == (413, "close")
    assert sent(client, b"{}", Content_Length="1e9") == 413


def test_43_depth_at_the_limit_and_one_more(client: TestClient) -> None:
    for depth, status in ((64, 200), (65, 413), (2_000, 413), (4_900, 413)):
        assert sent(client, b"[" * depth + b"]" * depth) == status
        assert sent(client, b'{"a":' * min(depth, 1900) + b"1" + b"}" * min(depth, 1900)) == status


def test_43_brackets_within_a_text_are_no_depth(client: TestClient) -> None:
    for said in ("[" * 900, 'a"' + "{" * 900, "\\" * 900, '\\"[' * 300):
        assert sent(client, json.dumps({"note": said}).encode()) == 200


@pytest.mark.parametrize(("limit", "status"), [(10_000, 200), (10_001, 413)])
def test_43_members_of_a_bundle_at_the_limit_and_one_more(limit: int, status: int) -> None:
    """At the limit that is shipped; wherever the list stands."""
    shape = Shape(depth=64, entries=10_000)
    for body in ({"entry": [1] * limit}, [1] * limit, [[[1] * limit]], {"a": {"b": [[0] * limit]}}):
        try:
            look_at_json(json.dumps(body).encode(), shape)
            found = 200
        except Unfit as unfit:
            found = unfit.status
        assert found == status


TWICE = [
    b'{"a": 1, "a": 2}',
    b'{"entry": [{"resource": {"id": "1", "id": "2"}}]}',
    b'{"a": 1, "\\u0061": 2}',
    b'{"": 1, "": 2}',
]


@pytest.mark.parametrize("body", TWICE)
def test_43_a_name_twice_is_refused(client: TestClient, body: bytes) -> None:
    """Also where it is spelt in two ways; every parser we have would keep one of them and say nothing."""
    assert len(json.loads(b'{"a": 1, "\\u0061": 2}')) == len(msgspec.json.decode(b'{"a": 1, "a": 2}')) == 1
    assert sent(client, body) == 400


@pytest.mark.parametrize(
    "body", [b"{", b"[1,]", b"nul", b'{"a": NaN}', b'{"a": Infinity}', b"\xff\xfe{\x00}\x00", b"\xef\xbb\xbf{}",
             b'{"a": "\xff"}', b'{"a": ' + b"1" * 5000 + b"}", b"{} {}"],
)  # fmt: skip
def test_43_what_is_not_json_is_refused_before_any_route(client: TestClient, body: bytes) -> None:
    assert sent(client, body) == 400


def test_43_gzip_is_unpacked_within_its_limits(client: TestClient) -> None:
    zipped = {"Content_Encoding": "gzip"}
    fair = json.dumps([{"value": number * 7919 % 1000} for number in range(90)]).encode()
    assert sent(client, gzip.compress(fair), **zipped) == 200
    bomb = gzip.compress(b'"' + b"0" * 50_000_000 + b'"')
    assert len(bomb) < 50_000
    assert sent(client, bomb, Content_Type="application/fhir+json", **zipped) == 413
    assert sent(client, pieces(bomb, 10), Content_Type="application/fhir+json", **zipped) == 413
    assert sent(client, b"not gzip", **zipped) == 400
    assert sent(client, gzip.compress(b"{}")[:-4], **zipped) == 400
    assert sent(client, gzip.compress(b"{}") + b"more", **zipped) == 400
    assert sent(client, gzip.compress(gzip.compress(b"{}")), **zipped) == 415
    assert sent(client, b"{}", Content_Encoding="br") == 415
    assert sent(client, b"{}", Content_Encoding="gzip, gzip") == 415


Told = list[Message]


async def spoken(
    app: Any,
    receive: Callable[[], Awaitable[Message]],
    *,
    path: str = "/note",
    client: str = "10.0.0.1",
    **headers: str,
) -> Told:
    """One request to a layer, as ASGI has it."""
    told: Told = []

    async def send(message: Message) -> None:
        told.append(message)

    said = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope: Scope = {"type": "http", "method": "POST", "path": path, "headers": said, "client": (client, 1)}
    await app(scope, receive, send)
    return told


async def answers(scope: Scope, receive: Any, send: Any) -> None:
    """A route that reads what it is given and answers its length."""
    held = b""
    while (message := await receive()).get("more_body", False):
        held += message["body"]
    held += message.get("body", b"")
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(len(held)).encode()})


def slowly(gap_s: float) -> Callable[[], Awaitable[Message]]:
    """A client that sends a byte every so often, without end."""

    async def receive() -> Message:
        await asyncio.sleep(gap_s)
        return {"type": "http.request", "body": b" ", "more_body": True}

    return receive


@pytest.mark.parametrize(("gap_s", "wait_s", "whole_s"), [(0.5, 0.05, 5.0), (0.01, 0.3, 0.1)])
def test_43_a_byte_now_and_then_is_408(settings: WardSettings, gap_s: float, wait_s: float, whole_s: float) -> None:
    """One that pauses too long, and one that never pauses long and never ends."""
    limits = {"limits": {"body_wait_s": wait_s, "body_whole_s": whole_s}}
    app = Bodies(answers, settings=msgspec.structs.replace(settings, limits=limits))
    told = asyncio.run(spoken(app, slowly(gap_s), content_type="application/json", transfer_encoding="chunked"))
    assert told[0]["status"] == 408
    assert app._held == 0


def test_43_bodies_together_stay_within_the_memory_set_aside(settings: WardSettings) -> None:
    """Clients that each stay within their own limit, and hold on."""
    app = Bodies(answers, settings=msgspec.structs.replace(settings, limits=SMALL))
    held_most = 0

    async def many() -> list[int]:
        async def one() -> int:
            sent_already = 0

            async def receive() -> Message:
                nonlocal sent_already, held_most
                held_most = max(held_most, app._held)
                await asyncio.sleep(0.001)
                sent_already += 1
                return {"type": "http.request", "body": b" " * 900, "more_body": sent_already < 10}

            told = await spoken(app, receive, content_type="text/plain", transfer_encoding="chunked")
            return int(told[0]["status"])

        return list(await asyncio.gather(*(one() for _ in range(30))))

    found = asyncio.run(many())
    assert set(found) == {200, 503}
    assert held_most <= 60_900
    assert app._held == 0


def test_43_a_client_that_leaves_gives_its_memory_back(settings: WardSettings) -> None:
    app = Bodies(answers, settings=settings)

    async def body() -> AsyncIterator[Message]:
        yield {"type": "http.request", "body": b"[1,", "more_body": True}
        yield {"type": "http.disconnect"}

    async def gone() -> None:
        said = body()
        await spoken(app, said.__anext__, content_type="application/json", transfer_encoding="chunked")

    asyncio.run(gone())
    assert app._held == 0


# ------------------------------------------------------------------ 44


def zipped(name: str) -> bytes:
    """A zip with one member."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as made:
        made.writestr(name, "a,b")
    return held.getvalue()


def tarred(name: str) -> bytes:
    """A tar with one member."""
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as made:
        made.addfile(tarfile.TarInfo(name))
    return held.getvalue()


ENTITIES = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'


@pytest.mark.parametrize(
    "kind", ["application/xml", "text/xml", "application/fhir+xml", "image/svg+xml", "application/zip",
             "application/x-tar", "application/gzip", "application/octet-stream", "text/html", ""],
)  # fmt: skip
def test_44_xml_and_archives_by_their_kind_are_415(client: TestClient, kind: str) -> None:
    assert client.post("/note", content=ENTITIES, headers={"Content-Type": kind}).status_code == 415
    assert client.post("/fhir/Patient", content=ENTITIES, headers={"Content-Type": kind}).json()["resourceType"] == (
        "OperationOutcome"
    )


@pytest.mark.parametrize("name", ["a.csv", "../../etc/passwd", "/etc/passwd"])
def test_44_archives_under_another_name_are_415(client: TestClient, name: str) -> None:
    for body in (zipped(name), tarred(name), gzip.compress(b"a,b"), b"7z\xbc\xaf\x27\x1c..."):
        assert client.post("/note", content=body, headers={"Content-Type": "text/csv"}).status_code == 415
    for body in (zipped(name), gzip.compress(b"a,b")):
        assert client.post("/note", files={"file": ("a.csv", body, "text/csv")}).status_code == 415
    assert client.post("/note", files={"file": ("a.csv", b"a,b\n1,2", "text/csv")}).status_code == 200


# ------------------------------------------------------------------ what every answer carries


def test_every_answer_is_clothed(client: TestClient) -> None:
    """Also a refusal, a fault and an address that is not there."""
    answered = [client.get("/list"), client.get("/none"), client.get("/fault"), client.post("/note", content=b"x")]
    assert [one.status_code for one in answered] == [200, 404, 500, 415]
    for one in answered:
        assert {name: one.headers[name] for name in HEADERS} == HEADERS
    policy = answered[0].headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy


def test_a_ward_behind_tls_says_so(settings: WardSettings, clock: SetClock) -> None:
    world = World(msgspec.structs.replace(settings, demo=False, sign_in=sign_in()), clock)
    assert "strict-transport-security" in TestClient(app_of(world)).get("/me").headers
    world.engine.dispose()


def test_a_fault_of_ours_has_an_id_and_not_a_word_of_what_happened(client: TestClient) -> None:
    answered = client.get("/fault")
    assert answered.status_code == 500
    assert "Nightingale" not in answered.text
    assert len(answered.json()["detail"].rsplit(" ", 1)[1]) == 17


def test_what_was_wrong_with_a_request_is_said_without_what_it_held(client: TestClient) -> None:
    body = '["Canary Nightingale", 5550123]'
    answered = client.post("/cds-services/grade", content=body, headers=JSON)
    assert (answered.status_code, "Canary" in answered.text, "5550123" in answered.text) == (422, False, False)


def test_a_limit_may_be_set_and_a_limit_that_is_none_may_not(tmp_path: Any) -> None:
    file = tmp_path / "ward.toml"
    file.write_text("demo = true\n[limits.limits]\nbody_bytes = 5\n", encoding="utf-8")
    assert read_settings(file).number("limits", "body_bytes") == 5
    file.write_text("demo = true\n[limits.limits]\nbody_byte = 5\n", encoding="utf-8")
    with pytest.raises(BadSetting):
        read_settings(file)


def test_the_server_writes_down_no_address(settings: WardSettings) -> None:
    held = Listening(None, settings)
    assert (held.access_log, held.log_config) == (False, None)


def test_an_answer_in_two_pieces_does_not_wait_for_its_client(settings: WardSettings) -> None:
    with Listening(None, settings, host="127.0.0.1", port=0, log_level="critical").bind_socket() as bound:
        bound.listen()
        with socket.create_connection(bound.getsockname()), bound.accept()[0] as taken:
            assert taken.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
