"""`leeward audit`: which steps of a source were taken in past courses, how late, and which are not on record."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from leeward.commands.options import (
    WRONG_ARGUMENTS,
    Asked,
    AsOf,
    Assume,
    Mapping,
    PathArgument,
    Protocol,
    RoomAir,
    Zone,
)
from leeward.commands.plan import protocol_of


def add_to(app: typer.Typer, asked: Asked) -> None:
    """Adds the command to the command line."""

    @app.command()
    def audit(
        path: PathArgument,
        source: Annotated[str, typer.Option(help="the source to look back with, by its id")] = "asco-2021",
        within: Annotated[float | None, typer.Option(help="hours within which a step is not late", min=0)] = None,
        cohort: Annotated[
            bool, typer.Option("--cohort", help="with --json: the cohort's figures in place of patients")
        ] = False,
        json: Annotated[
            bool, typer.Option("--json", help="one JSON object per patient and line (docs/audit.md)")
        ] = False,
        protocol: Protocol = None,
        as_of: AsOf = None,
        assume_trigger: Assume = None,
        room_air: RoomAir = None,
        zone: Zone = None,
        mapping: Mapping = None,
    ) -> None:
        """Say which steps of a source were taken when a grade was first reached; without judging."""
        from rich.console import Console

        from leeward.cohort import audit as looking_back
        from leeward.record.errors import BadSetting
        from leeward.report.audited import printed

        try:
            of = protocol_of(protocol) or looking_back.source(source)
        except BadSetting as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(WRONG_ARGUMENTS) from None
        record, question = asked(path, as_of, assume_trigger, room_air, zone, mapping)
        found = looking_back.steps(record, question, of, within_hours=within)
        if json:
            sys.stdout.buffer.writelines(looking_back.lines(found, of, cohort=cohort))
            return
        listed = list(found)
        printed(Console(), of, listed, looking_back.summary(listed), within)
