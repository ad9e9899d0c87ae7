"""`leeward lookalikes`: what else an episode could be, the work-up still owed, alarms that are no grade."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

Asked = Callable[[Path, str | None, str | None, bool | None, str | None, Path | None], tuple[Any, Any]]
"""Reads a path and the options of every command into a record and a question, or leaves with an exit code."""


def add_to(app: typer.Typer, asked: Asked) -> None:
    """Adds the command to the command line."""

    @app.command()
    def lookalikes(
        path: Annotated[Path, typer.Argument(help="a file or folder, as for grade")],
        json: Annotated[bool, typer.Option("--json", help="one JSON object per patient per line")] = False,
        as_of: Annotated[str | None, typer.Option(help="as known at this time (RFC 3339 with offset)")] = None,
        assume_trigger: Annotated[str | None, typer.Option(help="as for grade")] = None,
        room_air: Annotated[bool | None, typer.Option("--room-air/--no-room-air", help="as for grade")] = None,
        zone: Annotated[str | None, typer.Option(help="zone of local times")] = None,
        mapping: Annotated[Path | None, typer.Option(help="TOML that says how to read other CSV")] = None,
    ) -> None:
        """Say what else each episode could be, which tests guidelines still ask for, and what no grade shows."""
        from leeward.cohort.lookalikes import lines

        record, question = asked(path, as_of, assume_trigger, room_air, zone, mapping)
        for line in lines(record, question, json=json):
            typer.echo(line)
