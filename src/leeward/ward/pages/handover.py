"""The hand-over of a shift: a page per patient, on the screen and as PDF, from the same plain data."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from leeward.report import words
from leeward.report.clock import Clock, seconds
from leeward.report.page import STANDING
from leeward.report.plan_section import section
from leeward.ward.arrivals import Held
from leeward.ward.look import Look
from leeward.ward.pages import board, notes
from leeward.ward.pages.paper import wall

if TYPE_CHECKING:
    from leeward.ward.world import World

TEMPLATES = Path(__file__).with_name("templates")
NOTES = timedelta(hours=24)
SOURCES = 6
"""So many sources stand on a sheet; the patient's page has all."""


class Sheet(msgspec.Struct, frozen=True, kw_only=True):
    """One patient's page."""

    handle: str
    head: str
    therapy: str
    unheard: str
    grades: list[list[str]]
    facts: list[list[str]]
    due: list[str]
    otherwise: list[str]
    alerts: list[str]
    notes: list[str]
    sources: list[list[str]]
    refused: int


def sheets(world: World, people: Iterable[Held]) -> list[Sheet]:
    """The pages of some patients, by need."""
    held = {one.handle: one for one in people}
    return [_sheet(world, one, held[one.handle]) for one in board.lines(world, held.values())]


def _sheet(world: World, line: board.Line, held: Held) -> Sheet:
    """One patient's."""
    clock, now = wall(world), world.clock.now()
    look = world.grader.look(held.patient, plan=bool(line.therapy))
    doses = board.fresh(world, look, held)  # the row's own were worked out a while ago
    open_ = [one for one in world.alerts.of(held.patient) if one.open]
    kept = [one for one in notes.of(world, held.patient, now) if one.at > now - NOTES]
    return Sheet(
        handle=line.handle, head=f"Bed {line.bed} · {line.label}" + (f" · {line.unit}" if line.unit else ""),
        therapy=f"{line.therapy}, {line.since}" if line.therapy else "no therapy on record",
        unheard=words.capital(line.unheard),
        grades=[_grade(name, one) for name, one in (("CRS (ASTCT 2019)", line.crs), ("ICANS", line.icans)) if one],
        facts=_facts(line, doses), due=[f"{one.figure} ({one.small})" for one in line.due],
        otherwise=[*line.alarms, *line.otherwise], refused=line.refused,
        alerts=[f"{one.text} ({clock.short(seconds(one.opened_at))}, {one.told})" for one in open_],
        notes=[f"{clock.moment(seconds(one.at))} {one.person}: {one.text}" for one in kept],
        sources=_sources(look, clock),
    )  # fmt: skip


def _grade(name: str, one: board.Chip) -> list[str]:
    """A syndrome: its range, how it got there, what is missing."""
    more = [one.way, *one.missing, *one.small]
    return [name, words.grade(one.at_least, one.at_most), "; ".join(filter(None, more))]


def _facts(line: board.Line, doses: board.Line) -> list[list[str]]:
    """The last values, each with its age, and what was given."""
    told = (("Temperature", line.temperature), ("Pressure", line.pressure), ("Oxygen", line.oxygen),
            ("SpO2", line.saturation))  # fmt: skip
    made = [[name, "; ".join(filter(None, [one.figure, one.small])), one.age] for name, one in told if one]
    made += [["Given", one, ""] for one in doses.given]
    return made + [["Left", one, ""] for one in doses.left]


def _sources(look: Look, clock: Clock) -> list[list[str]]:
    """What sources say of drugs and level of care, in few words."""
    told = section(look.plan, clock)
    if told is None:
        return []
    cards = [one for one in [*told["local"], *told["cards"]] if one.short][:SOURCES]
    return [[one.source, "; ".join(said for said, _ in one.short)] for one in cards]


def pdf(world: World, people: Iterable[Held]) -> bytes:
    """The sheets as PDF: a page per patient. What is said goes as JSON; nothing is spliced into the typesetting."""
    import typst

    clock = wall(world)
    told = {"ward": world.settings.name, "at": clock.full(clock.as_of_s), "standing": STANDING,
            "sheets": sheets(world, people)}  # fmt: skip
    made: Any = typst.compile(
        TEMPLATES / "handover.typ", format="pdf", sys_inputs={"page": msgspec.json.encode(told).decode()},
        root=TEMPLATES, ignore_system_fonts=True, pdf_standards=["ua-1"],
    )  # fmt: skip
    assert isinstance(made, bytes)
    return made
