"""`leeward plan`: what each published source says to do now, side by side, with doses and what blocks a step."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

Asked = Callable[[Path, str | None, str | None, bool | None, str | None, Path | None], tuple[Any, Any]]
"""Reads a path and the options of every command into a record and a question, or leaves with an exit code."""
WRONG_ARGUMENTS = 2


def add_to(app: typer.Typer, asked: Asked) -> None:
    """Adds the command to the command line."""

    @app.command()
    def plan(
        path: Annotated[Path, typer.Argument(help="a file or folder, as for grade")],
        json: Annotated[
            bool, typer.Option("--json", help="one JSON object per patient per line (docs/plan.md)")
        ] = False,
        fhir: Annotated[
            bool, typer.Option("--fhir", help="one FHIR R4 Bundle per patient per line: proposals")
        ] = False,
        as_of: Annotated[str | None, typer.Option(help="as known at this time (RFC 3339 with offset)")] = None,
        protocol: Annotated[Path | None, typer.Option(help="your centre's own protocol (docs/protocol.md)")] = None,
        recalled: Annotated[bool, typer.Option(help="also what is only recalled of a source, greyed")] = False,
        patient: Annotated[str | None, typer.Option(help="this patient only")] = None,
        assume_trigger: Annotated[str | None, typer.Option(help="as for grade")] = None,
        room_air: Annotated[bool | None, typer.Option("--room-air/--no-room-air", help="as for grade")] = None,
        zone: Annotated[str | None, typer.Option(help="zone of local times")] = None,
        mapping: Annotated[Path | None, typer.Option(help="TOML that says how to read other CSV")] = None,
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
    """The plans asked for."""
    from leeward.cohort.guidance import plans

    return (one for one in plans(record, question, protocol=own) if patient in (None, one.patient))


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
