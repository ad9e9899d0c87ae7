"""What every command takes: the path, the moment, assumptions, zone and mapping; and how a path is read for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

WRONG_ARGUMENTS, CANNOT_READ, NOTHING_UNDERSTOOD = 2, 3, 4
"""Exit codes; what each means stands at the top of cli.py."""

Asked = Callable[[Path, str | None, str | None, bool | None, str | None, Path | None], tuple[Any, Any]]
"""Reads a path and the options of every command into a record and a question, or leaves with an exit code."""

PathArgument = Annotated[
    Path, typer.Argument(help="a file or folder: FHIR R4, OMOP, MEDS, CLIF, SDTM, Leeward CSV, or CSV with --mapping")
]
AsOf = Annotated[str | None, typer.Option(help="answer as known at this time (RFC 3339 with offset)")]
Assume = Annotated[
    str | None,
    typer.Option(help="grade as if a therapy had been given at this time, or on first arrival in icu, ward or home"),
]
RoomAir = Annotated[
    bool | None, typer.Option("--room-air/--no-room-air", help="no oxygen device charted means room air")
]
Zone = Annotated[str | None, typer.Option(help="zone of local times: Europe/Berlin, or an offset such as -05:00")]
Mapping = Annotated[Path | None, typer.Option(help="TOML that says how to read other CSV (docs/mapping.md)")]
Protocol = Annotated[Path | None, typer.Option(help="your centre's own protocol, shown first (docs/protocol.md)")]
OnePatient = Annotated[str | None, typer.Option(help="this patient only")]
