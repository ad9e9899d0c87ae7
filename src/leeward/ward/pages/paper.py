"""What every page stands on: templates with everything escaped, one style sheet, the ward's clock, who looks."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from leeward.knowledge import edition
from leeward.record import times
from leeward.report import words
from leeward.report.clock import Clock, seconds
from leeward.report.page import STANDING
from leeward.report.words import DAY_S, HOUR_S, MINUTE_S
from leeward.ward.access import Person

if TYPE_CHECKING:  # the world imports nothing of the pages
    from leeward.ward.world import World

OURS = {"Referrer-Policy": "same-origin"}
"""A browser that may not say where a form came from says "null" there, and would be taken for another site's."""
HOURS_SPOKEN = 3 * DAY_S
"""Within so long after a therapy its time is told in hours."""


@cache
def templates() -> Environment:
    """The ward's templates, and behind them those of report/: a name that both have is the ward's."""
    loader = ChoiceLoader([PackageLoader("leeward.ward.pages"), PackageLoader("leeward.report")])
    made = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    made.filters["capital"] = words.capital
    made.globals["words"] = words
    return made


def wall(world: World, at: datetime | None = None, trigger: datetime | None = None) -> Clock:
    """The ward's clock at a moment, or now."""
    moment = world.clock.now() if at is None else at
    return Clock(seconds(moment), times.zone(world.settings.zone), None if trigger is None else seconds(trigger))


def told(world: World, request: Request, person: Person, template: str, **held: Any) -> str:
    """A page as text."""
    now = world.clock.now()
    frame = {
        "ward": world.settings.name, "person": person, "csrf": world.access.form_word(request),
        "now": now, "clock": wall(world, now), "edition": edition(), "standing": STANDING,
        "demo": world.settings.demo, "path": request.url.path, "signed_in": world.access.said.somebody,
        "read_only": not person.may("write"), "here_s": int(world.settings.number("access", "here_again_s")),
    }  # fmt: skip
    return templates().get_template(template).render(frame | held)


def answer(
    world: World, request: Request, person: Person, template: str, *, status: int = 200, **held: Any
) -> HTMLResponse:
    """A page as an answer."""
    return HTMLResponse(told(world, request, person, template, **held), status, OURS)


def ago(at: datetime, now: datetime) -> str:
    """How old something is: "6 min ago"; what lies ahead, "in 2 h"."""
    gone_s = (now - at).total_seconds()
    if abs(gone_s) < MINUTE_S:
        return "now"
    return f"{words.span(gone_s)} ago" if gone_s > 0 else f"in {words.span(gone_s)}"


def since_dose(at: datetime, now: datetime) -> str:
    """Time since a therapy: hours in the first three days, then days."""
    gone_s = (now - at).total_seconds()
    if gone_s < 0:
        return f"in {words.span(gone_s)}"
    return f"{int(gone_s // HOUR_S)} h" if gone_s < HOURS_SPOKEN else f"day {int(gone_s // DAY_S)}"
