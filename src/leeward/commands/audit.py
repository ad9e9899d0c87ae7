"""`leeward audit`: which steps of a source were taken in past courses, how late, and which are not on record."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from leeward.commands.plan import WRONG_ARGUMENTS, protocol_of

Asked = Callable[[Path, str | None, str | None, bool | None, str | None, Path | None], tuple[Any, Any]]
"""Reads a path and the options of every command into a record and a question, or leaves with an exit code."""


def add_to(app: typer.Typer, asked: Asked) -> None:
    """Adds the command to the command line."""

    @app.command()
    def audit(
        path: Annotated[Path, typer.Argument(help="a file or folder, as for grade")],
        source: Annotated[str, typer.Option(help="the source to look back with, by its id")] = "asco-2021",
        within: Annotated[float | None, typer.Option(help="hours within which a step is not late")] = None,
        cohort: Annotated[
            bool, typer.Option("--cohort", help="with --json: the cohort's figures in place of patients")
        ] = False,
        json: Annotated[
            bool, typer.Option("--json", help="one JSON object per patient and line (docs/audit.md)")
        ] = False,
        protocol: Annotated[Path | None, typer.Option(help="look back with your centre's own protocol")] = None,
        as_of: Annotated[str | None, typer.Option(help="as known at this time (RFC 3339 with offset)")] = None,
        assume_trigger: Annotated[str | None, typer.Option(help="as for grade")] = None,
        room_air: Annotated[bool | None, typer.Option("--room-air/--no-room-air", help="as for grade")] = None,
        zone: Annotated[str | None, typer.Option(help="zone of local times")] = None,
        mapping: Annotated[Path | None, typer.Option(help="TOML that says how to read other CSV")] = None,
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
