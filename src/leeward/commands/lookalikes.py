"""`leeward lookalikes`: what else an episode could be, the work-up still owed, alarms that are no grade."""

from __future__ import annotations

from typing import Annotated

import typer

from leeward.commands.options import Asked, AsOf, Assume, Mapping, PathArgument, RoomAir, Zone


def add_to(app: typer.Typer, asked: Asked) -> None:
    """Adds the command to the command line."""

    @app.command()
    def lookalikes(
        path: PathArgument,
        json: Annotated[bool, typer.Option("--json", help="one JSON object per patient per line")] = False,
        as_of: AsOf = None,
        assume_trigger: Assume = None,
        room_air: RoomAir = None,
        zone: Zone = None,
        mapping: Mapping = None,
    ) -> None:
        """Say what else each episode could be, which tests guidelines still ask for, and what no grade shows."""
        from leeward.cohort.lookalikes import lines

        record, question = asked(path, as_of, assume_trigger, room_air, zone, mapping)
        for line in lines(record, question, json=json):
            typer.echo(line)
