"""`leeward prepare`: before a T-cell therapy: the checklist, the schedule on dates, premedication, what was tried."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, tzinfo
from pathlib import Path
from typing import Annotated, Any

import typer

from leeward.commands.options import Asked, AsOf, Mapping, OnePatient, PathArgument, Zone
from leeward.commands.told import Way, as_json, fail, saved, tell

REGIONS = ("US", "EU", "CH")


def add_to(app: typer.Typer, asked: Asked) -> None:
    """Adds the command to the command line."""

    @app.command()
    def prepare(
        path: PathArgument,
        product: Annotated[str | None, typer.Option(help="the product that is to be given")] = None,
        date: Annotated[
            str | None, typer.Option(help="its day, or day and time: 2026-03-28, 2026-03-28T10:00 with --zone")
        ] = None,
        region: Annotated[str | None, typer.Option(help="rules of US, EU or CH only")] = None,
        json: Annotated[bool, typer.Option("--json", help="one JSON object per patient per line")] = False,
        fhir: Annotated[bool, typer.Option("--fhir", help="one FHIR R4 Bundle per patient per line: a draft")] = False,
        calendar: Annotated[Path | None, typer.Option(help="write an iCalendar file per patient here")] = None,
        out: Annotated[Path | None, typer.Option(help="write a page per patient into this folder")] = None,
        patient: OnePatient = None,
        as_of: AsOf = None,
        zone: Zone = None,
        mapping: Mapping = None,
    ) -> None:
        """Say what is looked at before a dose, what the record shows, and what each source says around it."""
        wanted = question_of(product, date, region, zone)
        if calendar is not None and wanted.start is None:
            fail("no date was given: there is nothing to put into a calendar; give --date")
        record, question = asked(path, as_of, None, None, zone, mapping)
        from leeward.cohort.preparing import answers

        tell(answers(record, question, wanted), patient, *_ways(json=json, fhir=fhir, calendar=calendar, out=out))


def question_of(product: str | None, date_: str | None, region: str | None, zone: str | None) -> Any:
    """What is asked, or an exit code: a product nobody knows, a date that is none, are said and nothing is guessed."""
    from leeward.plan.prepare import Asked as Made

    if product is None:
        fail("no product was named: give --product")
    known = product_of(product)
    if region is not None and region not in REGIONS:
        fail(f"no region '{region}'; there is {', '.join(REGIONS)}")
    place = zone_of(zone)
    return Made(product=known, start=start_of(date_, place), region=region)


def product_of(name: str) -> Any:
    """A therapy by any of its names, or an exit code."""
    from leeward.knowledge.therapies import treatments

    by_name = {name.lower(): one for one in treatments() for name in one.names}
    if name.lower() not in by_name:
        fail(f"no product '{name}' is known; docs/therapies.md lists them")
    return by_name[name.lower()]


def zone_of(name: str | None) -> tzinfo | None:
    """A zone by its name, or an exit code."""
    from leeward.record.errors import LeewardError
    from leeward.record.times import zone

    try:
        return None if name is None else zone(name)
    except LeewardError as error:
        fail(str(error))


def start_of(spelt: str | None, zone: tzinfo | None) -> Any:
    """The day of a dose, or its day and time; a local time that is not on the clock, or is on it twice, is refused."""
    from leeward.plan.schedule import Start, real, twice

    if spelt is None:
        return None
    try:
        at = datetime.fromisoformat(spelt)
        if len(spelt) == len("2026-03-28"):
            return Start(day=date.fromisoformat(spelt), zone=zone or UTC)
    except ValueError:
        fail(f"'{spelt}' is not a date; write it as 2026-03-28, or 2026-03-28T10:00+01:00")
    if at.tzinfo is not None:
        mine = at.astimezone(zone) if zone else at
        return Start(day=mine.date(), zone=zone or at.tzinfo, at=mine.time().replace(fold=mine.fold))
    if zone is None:
        fail(f"'{spelt}' has no zone: write it with an offset, or give --zone")
    local = at.replace(tzinfo=zone)
    if not real(local):
        fail(f"{spelt} is not on the clock in {zone}: the clocks change there")
    if twice(local):
        fail(f"{spelt} comes twice in {zone}: the clocks change there; write it with an offset")
    return Start(day=at.date(), zone=zone, at=at.time())


def _ways(*, json: bool, fhir: bool, calendar: Path | None, out: Path | None) -> Iterator[Way]:
    """How answers are told: files where folders are named, lines of JSON or FHIR, else words."""
    from leeward.report.prepare_calendar import calendar as entries
    from leeward.report.prepare_fhir import bundle
    from leeward.report.prepare_in_words import in_words
    from leeward.report.prepare_page import page

    if calendar is not None:
        yield lambda one: typer.echo(
            str(saved(_named(one), calendar, entries(one))) if not one.refused else in_words(one)
        )
    if out is not None:
        yield lambda one: typer.echo(str(saved(_named(one), out, page(one))))
    if json or fhir:
        yield lambda one: as_json(bundle(one) if fhir else one)
    elif calendar is None and out is None:
        yield lambda one: typer.echo(in_words(one))


def _named(one: Any) -> str:
    """What a file about an answer is called after."""
    return f"{one.patient} prepare {one.product}"
