"""The pages of the ward: the board, its rows as they change, and the files they are dressed with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, TypeAlias
from urllib.parse import quote

from fastapi import APIRouter, Depends, FastAPI, Query, Request
from markupsafe import Markup
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles

from leeward.report.clock import seconds
from leeward.report.page import sheet as dress
from leeward.ward.access import Action, Person, Refusal
from leeward.ward.arrivals import Held
from leeward.ward.clock import ReplayClock
from leeward.ward.pages import board, charted, entry, glass, handover, knowledge, paper, quality
from leeward.ward.pages import patient as pages
from leeward.ward.pages.board import Line
from leeward.ward.pages.moments import Doubt, typed
from leeward.ward.world import World

STATIC = Path(board.__file__).with_name("static")
FIRST = datetime(1900, 1, 1, tzinfo=UTC)
"""Nothing of a patient is older."""
AHEAD = timedelta(days=1)
"""So far ahead of our clock a finding on record may lie."""


def _stretch(
    from_s: Annotated[int | None, Query(alias="from", ge=0, le=2**36)] = None,
    until_s: Annotated[int | None, Query(alias="until", ge=0, le=2**36)] = None,
) -> tuple[int, int] | None:
    """The stretch of a course that is asked for, in seconds since 1970."""
    return (from_s, until_s) if from_s is not None and until_s is not None and from_s < until_s else None


Stretch: TypeAlias = tuple[int, int] | None
STRETCH: Any = Depends(_stretch)
Sent: TypeAlias = Annotated[str, Query(alias="charted", max_length=24)]


def warm(world: World) -> None:
    """Draw one patient's pages for nobody; the first reader would else wait while everything on them is compiled."""
    for held in world.present()[:1]:
        pages.differences(world, held.patient)
        pages.page(world, world.grader.look(held.patient, plan=True), held.handle, None, past=False)


def router(world: World) -> APIRouter:
    """Every page."""
    made = APIRouter(tags=["pages"], include_in_schema=False)
    _ward(made, world)
    _patient(made, world)
    _beside(made, world)
    _known_pages(made, world)
    _shift(made, world)
    return made


def install(app: FastAPI, world: World) -> None:
    """The files that pages load; the sheet of report/ is made from its palette."""
    del world
    sheet = str(dress())

    @app.get("/static/leeward.css", include_in_schema=False)
    def style() -> Response:
        """The sheet that all pages of Leeward share."""
        return Response(sheet, media_type="text/css", headers={"Cache-Control": "no-cache"})

    app.mount("/static", StaticFiles(directory=STATIC), name="static")


def _ward(made: APIRouter, world: World) -> None:
    """The board."""
    reader = Depends(world.access.may("read"))

    @made.get("/")
    def ward(request: Request, unit: str = "", show: str = "", person: Person = reader) -> HTMLResponse:
        """The ward, by need; `unit` and `show` hide the others."""
        last = world.store.last_event()
        lines = _shown_lines(world, request, person)
        units = sorted({one.unit for one in lines if one.unit})
        return paper.answer(
            world, request, person, "ward.html", lines=lines, units=units, unit=unit if unit in units else "",
            show=show if show in board.SHOWS else "", shows=board.SHOWS, tally=tally(lines), last_event=last,
            speed=_speed(world), broken=glass.notes(world, person),
        )  # fmt: skip

    @made.get("/rows")
    def rows(request: Request, of: str = "", person: Person = reader) -> HTMLResponse:
        """Some rows (`of`: their handles), or all, for a page that is open already."""
        lines = _shown_lines(world, request, person)
        asked = set(filter(None, of.split(",")))
        some = [one for one in lines if one.handle in asked] if asked else lines
        return paper.answer(world, request, person, "rows.html", lines=some, tally=tally(lines),
                            broken=glass.notes(world, person))  # fmt: skip


def _shown_lines(world: World, request: Request, person: Person) -> list[Line]:
    """Everybody's row; the audit is told of the whole board.

    Also where a page asks for the rows that changed: the others stand on it already.
    """
    together = board.together(world, person)
    world.access.showed(request, [one.patient for one, _ in together])
    return [line for _, line in together]


def _patient(made: APIRouter, world: World) -> None:
    """One patient: the page, and a closer look at the course."""

    @made.get("/patient/{handle}")
    def patient(
        request: Request, handle: str, known: str = "", view: Stretch = STRETCH, sent: Sent = "", again: bool = False
    ) -> HTMLResponse:  # fmt: skip
        """The patient as known now, or at a moment of the past; `sent`: the word of a form that was just charted."""
        mine, person = admitted(world, request, handle)
        said = entry.came(world, mine, person, sent, again=again) if sent else None
        try:
            return shown(world, request, person, handle, known=known, stretch=view, said=said)
        except Doubt as doubt:
            return paper.answer(world, request, person, "moment.html", status=400, doubt=doubt, handle=handle)

    @made.get("/patient/{handle}/course")
    def course(request: Request, handle: str, known: str = "", view: Stretch = STRETCH) -> HTMLResponse:
        """The drawings alone, of a stretch of time."""
        mine, _ = admitted(world, request, handle)
        try:
            look = world.grader.look(mine, known_at=_known(world, known))
        except Doubt:
            raise Refusal(400) from None
        return HTMLResponse("".join(pages.course(world, look, handle, view)))


def _beside(made: APIRouter, world: World) -> None:
    """Beside a patient's page: whether something is new, the findings of a moment, why scales differ."""

    @made.get("/patient/{handle}/said")
    def said(request: Request, handle: str) -> Response:
        """A word that changes when something new is to be said of a patient, for a page that is open already."""
        mine, _ = admitted(world, request, handle)
        return Response(pages.said(world, mine), media_type="text/plain")

    @made.get("/patient/{handle}/at/{at_s}")
    def moment(request: Request, handle: str, at_s: int) -> HTMLResponse:
        """Every finding of a moment, with its sources."""
        mine, person = admitted(world, request, handle)
        _may_be_on_record(world, at_s)
        return paper.answer(
            world, request, person, "at.html", rows=pages.at(world, mine, at_s), held=world.store.patient(mine),
            moment_told=paper.wall(world).full(at_s),
        )  # fmt: skip

    @made.get("/patient/{handle}/scales")
    def differ(request: Request, handle: str) -> HTMLResponse:
        """Which rules make the scales differ."""
        mine, person = admitted(world, request, handle)
        found = pages.differences(world, mine)
        return paper.answer(
            world, request, person, "differ.html", differences=found, held=world.store.patient(mine)
        )  # fmt: skip


def _known_pages(made: APIRouter, world: World) -> None:
    """What Leeward knows; no patient stands in it, and still only who may look sees it."""
    reader = Depends(world.access.may("read"))

    @made.get("/knowledge")
    def shelf(request: Request, person: Person = reader) -> HTMLResponse:
        """Everything, by kind."""
        return paper.answer(world, request, person, "knowledge.html", pages=knowledge.pages())

    @made.get("/knowledge/{kind}/{name}")
    def known(request: Request, kind: str, name: str, person: Person = reader) -> HTMLResponse:
        """One thing."""
        one = knowledge.pages().get(kind, {}).get(name)
        if one is None:
            raise Refusal(404)
        return paper.answer(world, request, person, "known.html", one=one)


def _shift(made: APIRouter, world: World) -> None:
    """The hand-over, and whether the ward itself is well."""
    reader = Depends(world.access.may("read"))
    exporter = Depends(world.access.may("export"))

    @made.get("/handover")
    def screen(request: Request, unit: str = "", person: Person = reader) -> HTMLResponse:
        """A section per patient."""
        people = _of_shift(world, request, person, unit, "read")
        return paper.answer(
            world, request, person, "handover.html", sheets=handover.sheets(world, people), unit=unit
        )  # fmt: skip

    @made.get("/handover.pdf")
    def printed(request: Request, unit: str = "", of: str = "", person: Person = exporter) -> Response:
        """A page per patient; `of`: one patient by handle."""
        people = _of_shift(world, request, person, unit, "export", of)
        if of and not people:
            raise Refusal(404)
        name = {"Content-Disposition": 'inline; filename="hand-over.pdf"'}
        return Response(handover.pdf(world, people), media_type="application/pdf", headers=name)

    @made.get("/quality")
    def well(request: Request, person: Person = reader) -> HTMLResponse:
        """Canaries, feeds, refusals, alerts, control charts."""
        return paper.answer(world, request, person, "quality.html", **quality.page(world))


def _of_shift(
    world: World, request: Request, person: Person, unit: str, action: Action, of: str = ""
) -> list[Held]:  # fmt: skip
    """Who is handed over, each look audited as of that patient."""
    people = [one for one in board.present(world, person) if not unit or one.unit == unit]
    people = [one for one in people if not of or one.handle == of]
    for one in people:
        world.access.admit(request, action, patient=one.patient, why="hand-over")
    return people


def admitted(world: World, request: Request, handle: str) -> tuple[str, Person]:
    """The patient behind a handle and who looks; a handle of nobody is answered as a patient who is not theirs."""
    mine = world.store.patient_of(handle)
    if mine is None:
        world.access.admit(request, "read", why="an address of nobody")
        raise Refusal(404)
    return mine, world.access.admit(request, "read", patient=mine)


def shown(
    world: World, request: Request, person: Person, handle: str, *, known: str = "",
    stretch: tuple[int, int] | None = None, said: entry.Said | None = None, status: int = 200,
) -> HTMLResponse:  # fmt: skip
    """A patient's page; `said`: what became of a form that was sent."""
    mine = world.store.patient_of(handle)
    assert mine is not None
    at = _known(world, known)
    said_now = pages.said(world, mine)  # before the look: what arrives meanwhile is then found to be newer
    look = world.grader.look(mine, known_at=at, plan=True)
    told = pages.page(world, look, handle, stretch, past=at is not None)
    query = Markup(f"&amp;known={quote(known, safe='')}") if at is not None else ""  # noqa: S704  nothing ends it
    return paper.answer(
        world, request, person, "bedside.html", status=status, entered=charted.entries(world, mine, person),
        receipt=said or entry.Said(), kinds=entry.kinds(world), marks=charted.marks(look, told["wall"]),
        known_query=query, said_now=said_now, **told,
    )  # fmt: skip


def _may_be_on_record(world: World, at_s: int) -> None:
    """Refuse a second of which nothing can be on record."""
    if not seconds(FIRST) <= at_s <= seconds(world.clock.now() + AHEAD):
        raise Refusal(404)


def _known(world: World, spelt: str) -> datetime | None:
    """A moment of the past as a form spells it, by the ward's clock; none where nothing is asked for.

    What will be known is not known: a moment that is still to come is no page. Raises Doubt where it is no moment, or
    two.
    """
    if not spelt:
        return None
    at = typed(spelt, world.settings.zone)
    if not FIRST <= at <= world.clock.now():
        raise Refusal(404)
    return at


def _speed(world: World) -> float | None:
    """How fast the demo's time runs; none where time is the world's own."""
    clock = world.clock
    return clock.speed if world.settings.demo and isinstance(clock, ReplayClock) else None


def tally(lines: list[Line]) -> str:
    """How many there are, and of whom something is to be said."""
    counts = {name: sum(1 for one in lines if name in one.tags) for name in ("risen", "missing", "untold")}
    said = [f"{len(lines)} {'patient' if len(lines) == 1 else 'patients'}"]
    said += [f"{counts['risen']} risen"] if counts["risen"] else []
    said += [f"{counts['missing']} with something missing"] if counts["missing"] else []
    said += [f"{counts['untold']} with an untold alert"] if counts["untold"] else []
    return ", ".join(said)
