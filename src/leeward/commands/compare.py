"""`leeward compare`: one patient on every scale of CRS and which rule makes them differ; many: how far scales agree."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from leeward.commands.options import Asked, AsOf, Assume, Mapping, PathArgument, RoomAir, Zone


def add_to(app: typer.Typer, asked: Asked) -> None:
    """Adds the command to the command line."""

    @app.command()
    def compare(
        path: PathArgument,
        json: Annotated[
            bool, typer.Option("--json", help="one JSON object per patient, or per pair of scales")
        ] = False,
        patient: Annotated[str | None, typer.Option(help="one patient of a cohort")] = None,
        as_of: AsOf = None,
        assume_trigger: Assume = None,
        room_air: RoomAir = None,
        zone: Zone = None,
        mapping: Mapping = None,
    ) -> None:
        """Show one patient on every scale of CRS, or how far the scales agree over many."""
        record, question = asked(path, as_of, assume_trigger, room_air, zone, mapping)
        _compared(record, question, patient, json=json)


def _compared(record: Any, question: Any, patient: str | None, *, json: bool) -> None:
    """One patient where there is one or one is named; else every pair of scales."""
    import msgspec
    from rich.console import Console

    from leeward.cohort.agreement import agreement, comparison
    from leeward.cohort.courses import graded
    from leeward.report import compared
    from leeward.scales.older_crs import SCALES

    con = graded(record, msgspec.structs.replace(question, scales=SCALES), reasons=False)
    patients = [row[0] for row in con.execute("select patient from people order by patient").fetchall()]
    if patient is not None and patient not in patients:
        typer.echo(f"no graded patient '{patient}'", err=True)
        raise typer.Exit(2)
    one = patient or (patients[0] if len(patients) == 1 else None)
    found: list[Any] = [comparison(con, one)] if one is not None else agreement(con)
    if json:
        for item in found:
            sys.stdout.buffer.write(msgspec.json.encode(item) + b"\n")
    elif one is not None:
        compared.print_comparison(Console(), found[0])
    else:
        compared.print_agreement(Console(), found, len(patients))
