"""Alerts over HTTP: those of the patients that somebody may see, and what they do about them."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from leeward.ward.access.people import Action, Person
from leeward.ward.access.refusal import Refusal
from leeward.ward.alerts import Alert
from leeward.ward.world import World

Number = Annotated[int, Path(ge=1, le=2**53, description="The alert's own number")]


class Quiet(BaseModel):
    """For how long nobody is to be reminded of one alert; the ward's own limit cuts it short."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    minutes: Annotated[float, Field(gt=0, le=10_000)]


def router(world: World) -> APIRouter:
    """Routes of the alerts."""
    routes = APIRouter(prefix="/alerts", tags=["alerts"])
    reader = Depends(world.access.may("read"))

    @routes.get("", summary="Open alerts, the worst first, and what was withdrawn or settled lately")
    def listed(request: Request, person: Person = reader, untold: bool = False) -> Response:
        """Every alert of the caller's patients, with what it rests on. `untold`: only those that reached nobody."""
        made = [*world.alerts.open(), *world.alerts.closed_lately()]
        mine = [one for one in made if sees(world, person, one) and (one.told == "untold" or not untold)]
        world.access.showed(request, {one.patient for one in mine if one.patient is not None})
        mine.sort(key=lambda one: (not one.open, one.kind_class == "technical", -one.level, one.opened_at))
        return _json({"alerts": [shown(one) for one in mine], "as_of": world.clock.now()})

    @routes.post(
        "/{number}/acknowledge", dependencies=[Depends(world.access.may("write"))],
        summary="Somebody has seen it: it goes to nobody else",
    )  # fmt: skip
    def acknowledge(number: Number, request: Request) -> Response:
        """Ends escalation of this alert and of no other; a rise opens a new one."""
        person = _admitted(world, request, number, "write", "acknowledged an alert")
        return _json(_after(world.alerts.acknowledge(number, person.id)))

    @routes.post(
        "/{number}/quiet", dependencies=[Depends(world.access.may("override"))],
        summary="Nobody is reminded of it for a while",
    )  # fmt: skip
    def quiet(number: Number, wanted: Quiet, request: Request) -> Response:
        """Ends by itself; nothing but this alert is quieted, and nothing worse than it."""
        person = _admitted(world, request, number, "override", "quieted an alert")
        until = world.clock.now() + timedelta(minutes=wanted.minutes)
        return _json(_after(world.alerts.quiet(number, person.id, until)))

    return routes


def sees(world: World, person: Person, one: Alert) -> bool:
    """Whether an alert is of a patient of theirs; what concerns the whole ward everybody sees."""
    return one.patient is None or theirs(world, person, one.patient, one.unit)


def theirs(world: World, person: Person, patient: str, unit: str | None) -> bool:
    """Whether a patient is somebody's to see, in the unit where something was told, or where they lie now."""
    if not person.limited:
        return True
    held = world.store.patient(patient)
    if held is None:
        return False
    same = frozenset({patient, held.merged_into or patient})
    return person.may_see(same, held.unit) or person.may_see(same, unit)


def shown(one: Alert) -> dict[str, Any]:
    """An alert without the patient's identifier: the handle stands for it."""
    made: dict[str, Any] = msgspec.to_builtins(one)
    made.pop("patient")
    return made | {"open": one.open}


def _admitted(world: World, request: Request, number: int, action: Action, why: str) -> Person:
    """The person, when they may do this to this alert's patient; an alert that is not there is as one not theirs."""
    one = world.alerts.one(number)
    if one is None:
        world.access.admit(request, action, why=why)
        raise Refusal(404)
    return world.access.admit(request, action, patient=one.patient, why=why)


def _after(one: Alert | None) -> dict[str, Any]:
    """The alert as it stands now."""
    if one is None:
        raise Refusal(404)
    return shown(one)


def _json(made: Any) -> Response:
    """An answer that no cache keeps."""
    return Response(msgspec.json.encode(made), media_type="application/json", headers={"cache-control": "no-store"})
