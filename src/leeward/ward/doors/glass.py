"""That somebody responsible has seen who broke the glass: then the board says it no more."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Path, Request
from starlette.responses import RedirectResponse, Response

from leeward.ward.access.broken import SEEN
from leeward.ward.access.refusal import Refusal
from leeward.ward.world import World


def router(world: World) -> APIRouter:
    """The one route."""
    made = APIRouter(tags=["pages"], include_in_schema=False)

    @made.post("/glass/{number}/seen", dependencies=[Depends(world.access.may("operate"))])
    def seen(request: Request, number: int = Path(ge=1, le=2**53)) -> Response:
        """An administrator has seen it."""
        one, why = world.access.broken.one(number), "saw that the glass was broken"
        if one is None:
            world.access.admit(request, "operate", why=why)
            raise Refusal(404)
        world.access.admit(request, "operate", patient=one.patient, why=why)
        world.store.add_event(SEEN, None, None, {"number": number})
        return RedirectResponse("/", 303)

    return made
