"""Telling answers, patient by patient: as lines of JSON, as files, in words; the same for every command that does."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NoReturn

import msgspec
import typer

from leeward.commands.options import WRONG_ARGUMENTS

Way = Callable[[Any], None]
"""One way of telling an answer."""


def tell(found: Iterable[Any], patient: str | None, *ways: Way) -> None:
    """Every answer in every way; of one patient only where one is named, who must be there.

    Leaves with an exit code where a file cannot be written, or nobody of that name is on record.
    """
    seen = False
    try:
        for one in found:
            if patient not in (None, one.patient):
                continue
            seen = True
            for way in ways:
                way(one)
    except OSError as error:
        fail(f"cannot write: {error}")
    if not seen and patient is not None:
        fail(f"no patient '{patient}' in this record")


def as_json(one: Any) -> None:
    """An answer as one line of JSON."""
    sys.stdout.buffer.write(msgspec.json.encode(one) + b"\n")


def saved(name: str, folder: Path, written: str | bytes) -> Path:
    """Keeps a page (text) or a calendar (bytes) in a folder, under a name that is a patient's own; returns its path."""
    from leeward.report.page import page_name

    folder.mkdir(parents=True, exist_ok=True)
    made = page_name(name)
    file = folder / (made if isinstance(written, str) else made.replace(".html", ".ics"))
    file.write_bytes(written.encode() if isinstance(written, str) else written)
    return file


def fail(message: str) -> NoReturn:
    """Says what is wrong and leaves with the exit code of wrong arguments."""
    typer.echo(message, err=True)
    raise typer.Exit(WRONG_ARGUMENTS)
