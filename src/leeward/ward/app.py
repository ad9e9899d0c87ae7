"""The service as one application: every door mounted on one world."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from pkgutil import iter_modules

from fastapi import FastAPI

from leeward.ward import doors
from leeward.ward.world import World


def create_app(world: World, *, start: bool = True) -> FastAPI:
    """The application of a world. `start`: grade and tell while it runs (tests drive the grader themselves)."""

    @asynccontextmanager
    async def life(_app: FastAPI) -> AsyncIterator[None]:
        if start:
            world.start()
        yield
        if start:
            world.stop()

    app = FastAPI(title="Leeward ward", lifespan=life, docs_url=None, redoc_url=None)
    app.state.world = world
    for found in sorted(iter_modules(doors.__path__), key=lambda module: module.name):
        module = import_module(f"{doors.__name__}.{found.name}")
        if hasattr(module, "router"):
            app.include_router(module.router(world))
        if hasattr(module, "install"):
            module.install(app, world)
    return app
