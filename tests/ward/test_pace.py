"""How often, and how many at once: for one client, for one address, for strangers and for whoever is known."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
from starlette.requests import HTTPConnection
from starlette.types import Message, Scope

from leeward.ward.limits import Pace
from leeward.ward.settings import WardSettings
from tests.ward.test_limits import answers, spoken


class Doorman:
    """Knows one by their token, and finds one session when it looks."""

    def is_known(self, secret: str) -> bool:
        """By memory."""
        return secret == "known"  # noqa: S105

    def has_session(self, request: HTTPConnection) -> bool:
        """By the book."""
        return request.headers.get("authorization") == "session"


def test_43_pace_is_told_and_kept(settings: WardSettings) -> None:
    now_s = 0.0
    limits = {"limits": {"burst": 5.0, "requests_a_minute": 60.0, "address_a_minute": 120.0}}
    app = Pace(
        answers, settings=msgspec.structs.replace(settings, limits=limits), access=Doorman(), monotonic=lambda: now_s
    )

    async def nothing() -> Message:
        return {"type": "http.request", "body": b""}

    def asked(**headers: str) -> tuple[int, dict[str, str]]:
        first = asyncio.run(spoken(app, nothing, **headers))[0]
        return first["status"], {name.decode(): value.decode() for name, value in first["headers"]}

    assert [asked(authorization="one")[0] for _ in range(6)] == [200] * 5 + [429]
    status, said = asked(authorization="one")
    assert (status, said["retry-after"], said["ratelimit"]) == (429, "5", '"client";r=0;t=5')
    assert said["ratelimit-policy"] == '"client";q=60;w=60'
    assert [asked(authorization="two")[0] for _ in range(4)] == [200, 200, 200, 429], "the address has its own limit"
    now_s = 1.0
    assert [asked(authorization="one")[0] for _ in range(2)] == [200, 429], "one a second comes back"
    now_s = 3600.0
    assert asked(authorization="one")[1]["ratelimit"] == '"client";r=4;t=1', "never more than the burst comes back"


def test_43_clients_remembered_are_bounded(settings: WardSettings) -> None:
    app = Pace(
        answers, settings=msgspec.structs.replace(settings, limits={"limits": {"clients": 10.0}}), access=Doorman()
    )

    async def nothing() -> Message:
        return {"type": "http.request", "body": b""}

    for number in range(50):
        asyncio.run(spoken(app, nothing, authorization=str(number)))
    assert len(app._left) == 10


def _under_way(settings: WardSettings, *asked: dict[str, Any]) -> list[int]:
    """What each of some requests is answered that come while nobody before them is answered."""
    limits = {"limits": {"at_once": 6.0, "strangers_at_once": 3.0, "stranger_at_once": 2.0}}

    async def run() -> list[int]:
        let_go = asyncio.Event()

        async def waits(_scope: Scope, _receive: Any, send: Any) -> None:
            await let_go.wait()
            await send({"type": "http.response.start", "status": 200, "headers": []})

        async def nothing() -> Message:
            return {"type": "http.request", "body": b""}

        app = Pace(waits, settings=msgspec.structs.replace(settings, limits=limits), access=Doorman())
        waiting = []
        for one in asked:
            waiting.append(asyncio.create_task(spoken(app, nothing, **one)))
            await asyncio.sleep(0.02)
        let_go.set()
        return [(await one)[0]["status"] for one in waiting]

    return asyncio.run(run())


def test_43_strangers_of_one_address_leave_room_for_others_and_for_whoever_is_known(settings: WardSettings) -> None:
    """Four hundred lines that send a byte now and then must not shut out who works here, nor who asks how it fares."""
    near, far, known = {"client": "a"}, {"client": "b"}, {"authorization": "known"}
    assert _under_way(settings, near, near, near, far, far) == [200, 200, 503, 200, 503]
    assert _under_way(settings, near, near, near, known, {**known, **near}) == [200, 200, 503, 200, 200]
    assert _under_way(settings, near, near, {"authorization": "session", **near}) == [200] * 3, "a worker just begun"


def test_43_requests_under_way_are_bounded_whoever_asks(settings: WardSettings) -> None:
    known = {"authorization": "known"}
    assert _under_way(settings, *[known] * 7, {"path": "/health"}, {}) == [200] * 6 + [503, 200, 503]
