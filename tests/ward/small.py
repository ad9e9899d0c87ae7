"""A ward behind sign-in with three plain routes: what every door does, without the doors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fastapi import APIRouter, Depends, FastAPI, Request
from sqlalchemy import Engine
from starlette.testclient import TestClient

from leeward.ward.access import Person
from leeward.ward.doors import sign_in
from leeward.ward.world import World


def app_of(world: World) -> FastAPI:
    """The doors of sign-in, a patient, a list, a grade, a write, and a route that forgot to ask."""
    app = FastAPI()
    app.include_router(sign_in.router(world))
    made = APIRouter()
    access = world.access
    grader = Depends(access.may("grade"))

    @made.get("/patient/{handle}")
    def patient(handle: str, request: Request) -> dict[str, Any]:
        name = world.store.patient_of(handle) or handle
        who = access.admit(request, "read", patient=name, why="ward round")
        return {"patient": name, "for": who.name}

    @made.get("/list", dependencies=[Depends(access.may("read"))])
    def listed() -> list[str]:
        return [held.patient for held in world.store.patients()]

    @made.post("/cds-services/grade")
    def grade(request: Request, body: dict[str, Any], person: Person = grader) -> dict[str, Any]:
        access.admit(request, "grade", patient=body["patient"])
        return {"for": person.name}

    @made.post("/note", dependencies=[Depends(access.may("write"))])
    async def note() -> dict[str, Any]:
        return {"kept": True}

    @made.post("/speed", dependencies=[Depends(access.may("operate"))])
    def speed() -> dict[str, Any]:
        return {"kept": True}

    _wrong(made, world)
    app.include_router(made)
    sign_in.install(app, world)
    return app


def _wrong(made: APIRouter, world: World) -> None:
    """A route that forgot to ask, and one that breaks with a patient in its words."""

    @made.get("/forgot")
    def forgot() -> dict[str, Any]:
        return {"patient": "told to anybody"}

    @made.get("/fault", dependencies=[Depends(world.access.may("read"))])
    def fault() -> None:
        raise ValueError("Canary Nightingale, MRN 5550123")


def small(world: World, **headers: str) -> TestClient:
    """Somebody who asks it."""
    return TestClient(app_of(world), headers=headers, raise_server_exceptions=True)


@contextmanager
def audit_down(engine: Engine) -> Iterator[None]:
    """While the audit of a ward on SQLite cannot be added to, and everything else can."""
    with engine.begin() as connection:
        said = "create trigger down before insert on audit begin select raise(abort, 'the disk is full'); end"
        connection.exec_driver_sql(said)
    yield
    with engine.begin() as connection:
        connection.exec_driver_sql("drop trigger down")
