"""Who asks over stdin and stdout: whoever the token of the environment says, checked anew with every call."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request

from leeward.ward.access import Person, Refusal
from leeward.ward.access.people import DEMO
from leeward.ward.access.tokens import BadToken
from leeward.ward.world import World

PATH = "/mcp"


def caller_of(world: World, token: str | None) -> Callable[[Request | None], Person]:
    """Who asks, for `tools.server.make_server`. Raises Refusal where the token is none that this ward accepts."""

    def caller(_request: Request | None) -> Person:
        if not world.access.said.somebody:
            return DEMO
        try:
            return world.access.bearers.person(token or "", PATH)
        except BadToken:
            raise Refusal(401) from None

    caller(None)
    return caller
