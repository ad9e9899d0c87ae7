"""`leeward home`: readings from home come back in and are answered, in the words of the pages for patients."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from leeward.commands.options import Asked, AsOf, Mapping, OnePatient, PathArgument, Zone
from leeward.commands.prepare import product_of, zone_of
from leeward.commands.told import as_json, fail, tell


def add_to(app: typer.Typer, asked: Asked) -> None:
    """Adds the command to the command line."""

    @app.command()
    def home(
        path: PathArgument,
        language: Annotated[str, typer.Option(help="en, de, fr or es")] = "en",
        centre: Annotated[Path | None, typer.Option(help="your centre's numbers (docs/patients.md)")] = None,
        record: Annotated[
            Path | None, typer.Option(help="the hospital's record: therapy, places, usual pressure")
        ] = None,
        product: Annotated[str | None, typer.Option(help="what was given, where the record does not say")] = None,
        json: Annotated[bool, typer.Option("--json", help="one JSON object per patient per line")] = False,
        patient: OnePatient = None,
        as_of: AsOf = None,
        zone: Zone = None,
        mapping: Mapping = None,
    ) -> None:
        """Answer readings from home: what was noted, and what each source says of such a reading."""
        from leeward.cohort.home import answers
        from leeward.report.home_in_words import in_words

        speech, held = _centre(language, centre)
        given = None if product is None else product_of(product)
        diary, question = asked(path, as_of, None, None, zone or held.zone, mapping)
        beside = None if record is None else asked(record, as_of, None, None, zone or held.zone, None)[0]
        place = zone_of(zone or held.zone) or UTC
        found = answers(diary, question, datetime.now(UTC), given, beside)
        tell(found, patient, as_json if json else lambda one: typer.echo(in_words(one, speech, held, place)))


def _centre(language: str, file: Path | None) -> tuple[Any, Any]:
    """The language and the centre's settings as far as they are written; or an exit code, with what is wrong."""
    from leeward.knowledge.centre import LANGUAGES, BadCentre, Centre, read_centre

    if language not in LANGUAGES:
        fail(f"no language '{language}'; there is {', '.join(LANGUAGES)}")
    try:
        return language, Centre() if file is None else read_centre(file)
    except BadCentre as error:
        fail(str(error))
