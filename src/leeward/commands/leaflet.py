"""`leeward leaflet`: pages for patients, caregivers and emergency departments, for a product, a day and a centre."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from leeward.commands.options import WRONG_ARGUMENTS, Asked, Mapping, OnePatient, Zone
from leeward.commands.prepare import question_of, zone_of

_ALL = "all"


def add_to(app: typer.Typer, asked: Asked) -> None:
    """Adds the command to the command line."""

    @app.command()
    def leaflet(
        path: Annotated[Path | None, typer.Argument(help="a record, to take product and day from it")] = None,
        product: Annotated[str | None, typer.Option(help="the product that was or is to be given")] = None,
        date: Annotated[
            str | None, typer.Option(help="its day, or day and time: 2026-03-28, 2026-03-28T10:00 with --zone")
        ] = None,
        centre: Annotated[
            Path | None, typer.Option(help="your centre's names and numbers: TOML (docs/patients.md)")
        ] = None,
        language: Annotated[str | None, typer.Option(help="en, de, fr or es; the centre's, else en")] = None,
        page: Annotated[
            str, typer.Option(help="leaflet, card, diary, when-to-call, caregiver, emergency, or all")
        ] = _ALL,
        html: Annotated[bool, typer.Option("--html", help="only the HTML pages")] = False,
        pdf: Annotated[bool, typer.Option("--pdf", help="only the PDF pages")] = False,
        region: Annotated[str | None, typer.Option(help="rules of US, EU or CH only")] = None,
        out: Annotated[Path, typer.Option(help="folder for the pages")] = Path("leeward-leaflet"),
        patient: OnePatient = None,
        zone: Zone = None,
        mapping: Mapping = None,
    ) -> None:
        """Write a leaflet, card, diary and other pages for patients, in their language."""
        held = centre_of(centre)
        place = zone or held.zone
        tongue = language_of(language, held)
        names = pages_of(page)
        for folder, wanted in _wanted(path, product, date, region, place, patient, mapping, asked):
            _write(out / folder, wanted, held, tongue, names, html=html or not pdf, pdf=pdf or not html)


def _fail(message: str) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(WRONG_ARGUMENTS)


def centre_of(file: Path | None) -> Any:
    """The centre's settings, or an exit code; without a file, a centre of which nothing is known."""
    from leeward.knowledge.centre import BadCentre, Centre, read_centre

    try:
        return Centre() if file is None else read_centre(file)
    except BadCentre as error:
        _fail(str(error))


def language_of(asked: str | None, centre: Any) -> Any:
    """The language asked for, else the centre's, else English."""
    from leeward.knowledge.centre import LANGUAGES

    named = asked or centre.language or "en"
    if named not in LANGUAGES:
        _fail(f"no language '{named}'; there is {', '.join(LANGUAGES)}")
    return named


def pages_of(asked: str) -> tuple[Any, ...]:
    """The pages that are wanted."""
    from leeward.knowledge.patients import PAGES

    if asked != _ALL and asked not in PAGES:
        _fail(f"no page '{asked}'; there is {', '.join(PAGES)}, and {_ALL}")
    return PAGES if asked == _ALL else (asked,)


def _wanted(
    path: Path | None, product: str | None, day: str | None, region: str | None, zone: str | None,
    patient: str | None, mapping: Path | None, asked: Asked,
) -> Iterator[tuple[str, Any]]:  # fmt: skip
    """For whom pages are written: a folder's name and what is asked; one without a name where no record is read."""
    if path is None:
        yield "", _checked(question_of(product, day, region, zone))
        return
    record, question = asked(path, None, None, None, zone, mapping)
    seen = False
    for one, wanted in _of_record(record, question, product, day, region, zone, patient):
        seen = True
        yield one, wanted
    if not seen:
        _fail(f"no patient '{patient}' in this record" if patient else "no patient in this record was given a product")


def _checked(wanted: Any) -> Any:
    """Pages are about a day: rules and diary hang on it."""
    if wanted.start is None:
        _fail("no date was given: give --date")
    return wanted


def _of_record(
    record: Any, question: Any, product: str | None, day: str | None, region: str | None, zone: str | None,
    patient: str | None,
) -> Iterator[tuple[str, Any]]:  # fmt: skip
    """Each patient with the latest dose on record, or with what the command names; a day before birth is refused."""
    from leeward.report.page import page_name

    refused: dict[tuple[str, str], dict[str, str | None]] = {}
    for name, (given, on, left_out) in _doses(record, question, zone).items():
        if patient not in (None, name):
            continue
        of, at = product or given, day or on
        if of is None or at is None:
            _fail(f"patient '{name}': no dose on record{left_out}; give --product and --date")
        wanted = _checked(question_of(of, at, region, zone))
        if (of, at) not in refused:
            refused[of, at] = _refused(record, question, wanted)
        if why := refused[of, at].get(name):
            _fail(f"patient '{name}': {why}")
        yield page_name(name).removesuffix(".html"), wanted


def _doses(record: Any, question: Any, zone: str | None) -> dict[str, tuple[str | None, str | None, str]]:
    """Product and day of every patient's latest dose on record, in the zone that was named; what was not understood."""
    from leeward.cohort.watching import answers

    place, found = zone_of(zone) or UTC, {}
    for one in answers(record, question, zone=place):
        on = one.dose_at.astimezone(place).date().isoformat() if one.dose_at else None
        why = ", ".join(f"{count} x {reason}" for reason, count in one.not_understood.items())
        found[one.patient] = (one.product, on, f" (not understood: {why})" if why else "")
    return found


def _refused(record: Any, question: Any, wanted: Any) -> dict[str, str | None]:
    """Why nothing can be answered of each patient about this dose: a day before birth."""
    from leeward.cohort.preparing import answers

    return {one.patient: one.refused for one in answers(record, question, wanted)}


def _write(
    folder: Path, wanted: Any, centre: Any, language: Any, names: tuple[Any, ...], *, html: bool, pdf: bool
) -> None:
    """The pages in a folder, each named as it is written; a card nobody could call from is refused."""
    from leeward.report.patients import Asked, NoCard, made, write

    asked = Asked(product=wanted.product, centre=centre, language=language, start=wanted.start, region=wanted.region)
    refused = None
    for name in names:
        try:
            for file in write(made(asked, name), folder, as_html=html, as_pdf=pdf):
                typer.echo(str(file))
        except NoCard as error:
            refused = str(error)
        except OSError as error:
            _fail(f"cannot write: {error}")
    if refused is not None:
        _fail(f"no card was written: {refused}")
