"""The pages of the ward: the board, its rows as they change, and the files they are dressed with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import APIRouter, Depends, FastAPI, Request
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles

from leeward.report.page import sheet as dress
from leeward.ward.access import Person
from leeward.ward.pages import board, paper
from leeward.ward.pages.board import Line
from leeward.ward.world import World

STATIC = Path(board.__file__).with_name("static")


def router(world: World) -> APIRouter:
    """Every page."""
    made = APIRouter(tags=["pages"], include_in_schema=False)
    _ward(made, world)
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
        lines = board.lines(world, board.present(world, person))
        units = sorted({one.unit for one in lines if one.unit})
        return paper.answer(
            world, request, person, "ward.html", lines=lines, units=units, unit=unit if unit in units else "",
            show=show if show in board.SHOWS else "", shows=board.SHOWS, tally=tally(lines), last_event=last,
        )  # fmt: skip

    @made.get("/rows")
    def rows(request: Request, of: str = "", person: Person = reader) -> HTMLResponse:
        """Some rows (`of`: their handles), or all, for a page that is open already."""
        people = board.present(world, person)
        asked = set(filter(None, of.split(",")))
        some = [one for one in people if one.handle in asked] if asked else people
        return paper.answer(
            world, request, person, "rows.html", lines=board.lines(world, some), tally=_counted(world, people)
        )


def tally(lines: list[Line]) -> str:
    """How many there are, and of whom something is to be said."""
    counts = {name: sum(1 for one in lines if name in one.tags) for name in ("risen", "missing", "untold")}
    said = [f"{len(lines)} {'patient' if len(lines) == 1 else 'patients'}"]
    said += [f"{counts['risen']} risen"] if counts["risen"] else []
    said += [f"{counts['missing']} with something missing"] if counts["missing"] else []
    said += [f"{counts['untold']} with an untold alert"] if counts["untold"] else []
    return ", ".join(said)


def _counted(world: World, people: list[Any]) -> str:
    """The tally of everybody."""
    return tally(board.lines(world, people))
