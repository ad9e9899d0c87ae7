"""`leeward clocks`: how the clock of each source stands, and whose grade would be another if one were minutes off."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from leeward.commands.options import Asked, AsOf, Assume, Mapping, PathArgument, RoomAir, Zone


def add_to(app: typer.Typer, asked: Asked) -> None:
    """Adds the command to the command line."""

    @app.command()
    def clocks(
        path: PathArgument,
        json: Annotated[bool, typer.Option("--json", help="one JSON object per grade that would be another")] = False,
        as_of: AsOf = None,
        assume_trigger: Assume = None,
        room_air: RoomAir = None,
        zone: Zone = None,
        mapping: Mapping = None,
    ) -> None:
        """Say how the clock of each source stands, and which grades would be others if one were minutes off."""
        from leeward.cohort.clocks import skews, time_sensitive

        record, question = asked(path, as_of, assume_trigger, room_air, zone, mapping)
        found = time_sensitive(record.findings, question)
        if json:
            import msgspec

            sys.stdout.buffer.writelines(msgspec.json.encode(one) + b"\n" for one in found)
        else:
            _print(skews(record.findings), list(found))


def _print(measured: list[Any], found: list[Any]) -> None:
    """Each source, then each patient, syndrome and source with the smallest change of the clock that matters."""
    from leeward.report import words

    for one in measured:
        said = "nothing says when it was received"
        if one.findings:
            ahead = " before it, so its clock is ahead" if one.least_s < 0 else ""
            least = words.span(one.least_s)
            said = f"received {words.span(one.median_s)} after measuring (median; least {least}{ahead})"
        typer.echo(f"{one.source or 'no source named'}: {said}")
    told = set()
    for one in found:
        key = (one.patient, one.syndrome, one.what, one.source)
        if key not in told:
            told.add(key)
            when = "now" if one.what == "now" else "at its peak"
            which = f"{abs(one.minutes)} min {'ahead' if one.minutes > 0 else 'behind'}"
            typer.echo(f"{one.patient}: {one.syndrome.upper()} {when} is {_range(one.was)}; {_range(one.would_be)} "
                       f"with the times of {one.source or 'no source named'} {which}")  # fmt: skip
    if not told:
        typer.echo("No grade is time-sensitive.")


def _range(held: tuple[int, int] | None) -> str:
    """A range in words."""
    from leeward.report import words

    return "not graded" if held is None else words.grade(*held)
