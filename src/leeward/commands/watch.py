"""`leeward watch`: after a dose: what is due, overdue and next by each source, rules of stay, early signs."""

from __future__ import annotations

import sys
from datetime import UTC
from typing import Annotated

import msgspec
import typer

from leeward.commands.options import (
    WRONG_ARGUMENTS,
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


def add_to(app: typer.Typer, asked: Asked) -> None:
    """Adds the command to the command line."""

    @app.command()
    def watch(
        path: PathArgument,
        json: Annotated[bool, typer.Option("--json", help="one JSON object per patient per line")] = False,
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
            typer.echo(f"no region '{region}'; there is {', '.join(REGIONS)}", err=True)
            raise typer.Exit(WRONG_ARGUMENTS)
        place = zone_of(zone) or UTC
        record, question = asked(path, as_of, assume_trigger, room_air, zone, mapping)
        from leeward.cohort.watching import answers
        from leeward.report.watch_in_words import in_words

        seen = False
        for one in answers(record, question, zone=place, region=region):
            if patient not in (None, one.patient):
                continue
            seen = True
            if json:
                sys.stdout.buffer.write(msgspec.json.encode(one) + b"\n")
            else:
                typer.echo(in_words(one, place))
        if not seen and patient is not None:
            typer.echo(f"no patient '{patient}' in this record", err=True)
            raise typer.Exit(WRONG_ARGUMENTS)
