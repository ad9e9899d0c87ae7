"""`leeward watch`: after a dose: what is due, overdue and next by each source, rules of stay, early signs."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from leeward.commands.prepare import REGIONS, WRONG_ARGUMENTS, zone_of

Asked = Callable[[Path, str | None, str | None, bool | None, str | None, Path | None], tuple[Any, Any]]
"""Reads a path and the options of every command into a record and a question, or leaves with an exit code."""


def add_to(app: typer.Typer, asked: Asked) -> None:
    """Adds the command to the command line."""

    @app.command()
    def watch(
        path: Annotated[Path, typer.Argument(help="a file or folder, as for grade")],
        json: Annotated[bool, typer.Option("--json", help="one JSON object per patient per line")] = False,
        patient: Annotated[str | None, typer.Option(help="this patient only")] = None,
        region: Annotated[str | None, typer.Option(help="rules of US, EU or CH only")] = None,
        as_of: Annotated[str | None, typer.Option(help="as known at this time (RFC 3339 with offset)")] = None,
        assume_trigger: Annotated[str | None, typer.Option(help="as for grade")] = None,
        room_air: Annotated[bool | None, typer.Option("--room-air/--no-room-air", help="as for grade")] = None,
        zone: Annotated[str | None, typer.Option(help="zone of local times, and of the days of rules")] = None,
        mapping: Annotated[Path | None, typer.Option(help="TOML that says how to read other CSV")] = None,
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
