"""The demo's own door: how fast time runs, told and set from the page. Only the demo has it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form
from fastapi.responses import RedirectResponse, Response

from leeward.ward.clock import ReplayClock
from leeward.ward.world import World

FASTEST = 600.0
"""Ten hours of the ward in a minute: faster than anybody reads."""


def router(world: World) -> APIRouter:
    """Routes of the demo; none where the ward is real."""
    routes = APIRouter(tags=["demo"])
    clock = world.clock
    if not (world.settings.demo and isinstance(clock, ReplayClock)):
        return routes

    @routes.get("/demo/speed", dependencies=[Depends(world.access.may("read"))])
    def speed() -> dict[str, Any]:
        """How many seconds of the ward pass in one, what time it is there, and whether the script has ended."""
        return {"speed": clock.speed, "now": clock.now().isoformat(), "ended": clock.ended}

    @routes.post("/demo/speed", dependencies=[Depends(world.access.may("operate"))])
    def run_at(speed: Annotated[float, Form(ge=0, le=FASTEST)]) -> Response:
        """Let time run at another speed; 0 stands still. Back to the board."""
        clock.run_at(speed)
        return RedirectResponse("/", status_code=303)

    return routes
