"""HL7 v2 over MLLP: listens while the service runs, where the settings name senders; and says how it goes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Depends

from leeward.ward.hl7.listener import Listener
from leeward.ward.hl7.receiver import Receiver
from leeward.ward.hl7.senders import listening

if TYPE_CHECKING:  # the world mounts this
    from leeward.ward.world import World


def router(world: World) -> APIRouter:
    """The listener, begun and ended with the application, and what became of its messages.

    Raises BadSetting where the section `hl7` of the settings cannot be used.
    """
    where = listening(world.settings.hl7)
    receiver = Receiver(world.intake, world.store, world.settings, world.clock, where)
    listener = Listener(receiver, shared=world.engine.dialect.name == "postgresql") if where.senders else None

    @asynccontextmanager
    async def life(_app: Any) -> AsyncIterator[None]:
        if listener is not None:
            listener.start()
        yield
        if listener is not None:
            listener.stop()

    made = APIRouter(lifespan=life)

    @made.get("/hl7", dependencies=[Depends(world.access.may("operate"))], tags=["hl7"])
    def hl7_messages() -> list[dict[str, str | int]]:
        """How many messages of each feed were answered how since this worker began, and for which reason."""
        return [
            {"source": source, "answer": answer, "reason": reason, "messages": number}
            for (source, answer, reason), number in sorted(receiver.counts.items())
        ]

    return made
