"""`leeward watch`: after a dose: what is due, overdue and next by each source, rules of stay, early signs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Annotated, Any

import typer

from leeward.commands.options import (
    Asked,
    AsOf,
    Assume,
    Mapping,
    OnePatient,
    PathArgument,
    RoomAir,
    Zone,
)
from leeward.commands.prepare import REGIONS, zone_of
from leeward.commands.told import Way, as_json, fail, saved, tell


def add_to(app: typer.Typer, asked: Asked) -> None:
    """Adds the command to the command line."""

    @app.command()
    def watch(
        path: PathArgument,
        json: Annotated[bool, typer.Option("--json", help="one JSON object per patient per line")] = False,
        calendar: Annotated[Path | None, typer.Option(help="write an iCalendar file per patient here")] = None,
        out: Annotated[Path | None, typer.Option(help="write a page per patient into this folder")] = None,
        patient: OnePatient = None,
        region: Annotated[str | None, typer.Option(help="rules of US, EU or CH only")] = None,
        as_of: AsOf = None,
        assume_trigger: Assume = None,
        room_air: RoomAir = None,
        zone: Zone = None,
        mapping: Mapping = None,
    ) -> None:
        """Say what each source has watched after a dose: due, overdue and next, with early signs."""
        if region is not None and region not in REGIONS:
            fail(f"no region '{region}'; there is {', '.join(REGIONS)}")
        place = zone_of(zone) or UTC
        record, question = asked(path, as_of, assume_trigger, room_air, zone, mapping)
        from leeward.cohort.watching import answers

        found = answers(record, question, zone=place, region=region)
        tell(found, patient, *_ways(place, json=json, calendar=calendar, out=out))


def _ways(zone: tzinfo, *, json: bool, calendar: Path | None, out: Path | None) -> Iterator[Way]:
    """How answers are told: files where folders are named, lines of JSON, else words."""
    from leeward.report.watch_calendar import calendar as entries
    from leeward.report.watch_in_words import in_words
    from leeward.report.watch_page import page

    if calendar is not None:
        yield lambda one: typer.echo(
            str(saved(_named(one), calendar, entries(one))) if not one.refused else in_words(one, zone)
        )
    if out is not None:
        yield lambda one: typer.echo(str(saved(_named(one), out, page(one, zone))))
    if json:
        yield as_json
    elif calendar is None and out is None:
        yield lambda one: typer.echo(in_words(one, zone))


def _named(one: Any) -> str:
    """What a file about an answer is called after."""
    return f"{one.patient} watch"
