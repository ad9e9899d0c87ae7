"""`leeward plan`: what each published source says to do now, side by side, with doses and what blocks a step."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

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
    Protocol,
    RoomAir,
    Zone,
)


def add_to(app: typer.Typer, asked: Asked) -> None:
    """Adds the command to the command line."""

    @app.command()
    def plan(
        path: PathArgument,
        json: Annotated[
            bool, typer.Option("--json", help="one JSON object per patient per line (docs/plan.md)")
        ] = False,
        fhir: Annotated[
            bool, typer.Option("--fhir", help="one FHIR R4 Bundle per patient per line: proposals")
        ] = False,
        as_of: AsOf = None,
        protocol: Protocol = None,
        recalled: Annotated[bool, typer.Option(help="also what is only recalled of a source, greyed")] = False,
        patient: OnePatient = None,
        assume_trigger: Assume = None,
        room_air: RoomAir = None,
        zone: Zone = None,
        mapping: Mapping = None,
    ) -> None:
        """Say what each published source says to do now, with doses, limits, and where sources differ."""
        own = protocol_of(protocol)
        record, question = asked(path, as_of, assume_trigger, room_air, zone, mapping)
        found = _plans(record, question, own, patient)
        if json or fhir:
            sys.stdout.buffer.writelines(_line(one, fhir=fhir) + b"\n" for one in found)
            return
        _print(found, recalled=recalled)


def protocol_of(path: Path | None) -> Any:
    """A centre's own protocol, or an exit code with what is wrong with it."""
    from leeward.knowledge import BadKnowledge
    from leeward.knowledge.guidelines import read_guideline

    try:
        return read_guideline(path) if path else None
    except BadKnowledge as error:
        typer.echo(f"the protocol cannot be used: {error}", err=True)
        raise typer.Exit(WRONG_ARGUMENTS) from None


def _plans(record: Any, question: Any, own: Any, patient: str | None) -> Iterator[Any]:
    """The plans asked for, or an exit code where the one patient asked for is nobody."""
    from leeward.cohort.guidance import plans

    seen = False
    for one in plans(record, question, protocol=own):
        if patient in (None, one.patient):
            seen = True
            yield one
    if not seen and patient is not None:
        typer.echo(f"no patient '{patient}' in this record", err=True)
        raise typer.Exit(WRONG_ARGUMENTS)


def _print(found: Iterator[Any], *, recalled: bool) -> None:
    """Plans in words."""
    from rich.console import Console

    from leeward.report.plan_in_words import printed

    out = Console()
    for one in found:
        printed(out, one, recalled=recalled)


def _line(one: Any, *, fhir: bool) -> bytes:
    """A plan as one line of JSON."""
    if not fhir:
        return msgspec.json.encode(one)
    from leeward.report.plan_fhir import bundle

    return msgspec.json.encode(bundle(one))
