"""`leeward mapping-change`: before another mapping is used, what it changes on a record."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from leeward.commands.options import Asked, Assume, PathArgument, RoomAir, Zone

PATIENTS_MOST = 8
"""More patients than this are counted and not named."""


def add_to(app: typer.Typer, asked: Asked) -> None:
    """Adds the command to the command line."""

    @app.command("mapping-change")
    def mapping_change(
        path: PathArgument,
        before: Annotated[Path, typer.Option(help="the mapping in use (docs/mapping.md)")],
        after: Annotated[Path, typer.Option(help="the mapping that is to take its place")],
        json: Annotated[bool, typer.Option("--json", help="one JSON object")] = False,
        assume_trigger: Assume = None,
        room_air: RoomAir = None,
        zone: Zone = None,
    ) -> None:
        """Say what another mapping changes: statements that read otherwise, rules that read them, answers that move."""
        from leeward.cohort.remapped import remapped

        (old, _), (new, question) = (
            asked(path, None, assume_trigger, room_air, zone, mapping) for mapping in (before, after)
        )
        found = remapped(old, new, question)
        if json:
            import msgspec

            sys.stdout.buffer.write(msgspec.json.encode(found) + b"\n")
        else:
            _print(found)


def _print(found: Any) -> None:
    """What reads otherwise, then whose answers move."""
    if not found.reread:
        typer.echo(f"Nothing reads otherwise ({found.statements:,} statements).")
        return
    for one in found.reread:
        what = f"{one.was}, otherwise" if one.was == one.now else f"{one.was} -> {one.now}"
        typer.echo(f"{what}: {one.statements:,} of {found.statements:,} statements, {one.patients:,} patients")
        if one.rules:
            typer.echo(f"    read by: {', '.join(one.rules)}")
    if not found.moved:
        typer.echo("No answer moves.")
    for rule in found.moved:
        who = rule.patients[:PATIENTS_MOST]
        more = f" and {len(rule.patients) - len(who)} more" if len(rule.patients) > len(who) else ""
        typer.echo(f"{rule.rule}: another answer for {', '.join(who)}{more}")
