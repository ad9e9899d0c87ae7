"""The service as one application: every door mounted on one world."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from importlib import import_module
from pkgutil import iter_modules
from threading import Thread
from types import ModuleType

from fastapi import FastAPI

from leeward.ward import doors
from leeward.ward.world import World


def create_app(world: World, *, start: bool = True) -> FastAPI:
    """The application of a world. `start`: grade and tell while it runs (tests drive the grader themselves)."""
    mounted = [import_module(f"{doors.__name__}.{found.name}") for found in iter_modules(doors.__path__)]

    @asynccontextmanager
    async def life(_app: FastAPI) -> AsyncIterator[None]:
        if start:
            world.start()
            Thread(target=_warm, args=(mounted, world), name="warm", daemon=True).start()
        yield
        if start:
            world.stop()

    app = FastAPI(title="Leeward ward", lifespan=life, docs_url=None, redoc_url=None)
    app.state.world = world
    for module in sorted(mounted, key=lambda module: module.__name__):
        if hasattr(module, "router"):
            app.include_router(module.router(world))
        if hasattr(module, "install"):
            module.install(app, world)
    return app


def _warm(mounted: Iterable[ModuleType], world: World) -> None:
    """Let each door compile what it answers with; its first caller would else wait for it."""
    for module in mounted:
        if hasattr(module, "warm"):
            module.warm(world)
    # What is kept for good need not be searched for garbage: a search of all of it takes longer than an answer.
    gc.collect()
    gc.freeze()
