"""`leeward audit-log`: who looked at whom, whether the record of it is whole, and its head to note elsewhere."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from leeward.commands.backup import Database, Settings, existing
from leeward.commands.options import CANNOT_READ, WRONG_ARGUMENTS

if TYPE_CHECKING:  # `leeward --help` must not wait for the service
    from leeward.ward.audit import Audit, Head

NOT_WHOLE = 5
"""Exit code where the chain has a fault."""
MOMENTS = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M%z", "%Y-%m-%dT%H:%M:%S%z"]
SHOWN = 20
"""Faults that are listed; there may be more."""


def add_to(app: typer.Typer) -> None:
    """Adds the commands to the command line."""
    group = typer.Typer(no_args_is_help=True, help=__doc__)
    group.command()(verify)
    group.command()(head)
    group.command()(who)
    app.add_typer(group, name="audit-log")


def verify(
    settings: Settings = None,
    database: Database = None,
    noted: Annotated[str | None, typer.Option(help="a head noted earlier (`audit-log head`), as NUMBER:DIGEST")] = None,
) -> None:
    """Say whether any record was altered, taken out, put in or moved, and at which number."""
    from leeward.ward.audit import AuditDown

    book, awaited = _book(settings, database), _noted(noted)
    try:
        faults = [fault.what for _, fault in zip(range(SHOWN), book.verify(noted=awaited), strict=False)]
        last = book.head()
    except AuditDown:
        typer.echo("the audit cannot be read", err=True)
        raise typer.Exit(CANNOT_READ) from None
    for what in faults:
        typer.echo(what)
    if faults:
        raise typer.Exit(NOT_WHOLE)
    typer.echo(f"{last.seq} records, whole; head {last.seq}:{last.digest.hex()}")


def head(settings: Settings = None, database: Database = None) -> None:
    """The last record's number and digest. Noted elsewhere, it later shows whether records were cut from the end."""
    last = _book(settings, database).head()
    typer.echo(f"{last.seq}:{last.digest.hex()}")


def who(
    from_: Annotated[datetime, typer.Option("--from", formats=MOMENTS, help="in UTC, or with its offset")],
    until: Annotated[datetime, typer.Option(formats=MOMENTS, help="the same")],
    patient: Annotated[str, typer.Option(prompt=True, help="asked for if left out, so that no shell remembers it")],
    settings: Settings = None,
    database: Database = None,
) -> None:
    """Who saw a patient, or had to do with them, between two moments; boards that showed them are among it."""
    from sqlalchemy.exc import SQLAlchemyError

    from leeward.ward.store import Store

    book = _book(settings, database)
    try:
        same = Store(book.engine, book.clock).same_as(patient)
        found = book.records(patient=patient, same=same, from_=_utc(from_), until=_utc(until))
        for one in found:
            said = (one.moment.isoformat(timespec="seconds"), one.person, one.role, one.action, one.outcome,
                    "among others" if one.patient is None else "", one.why, one.detail)  # fmt: skip
            typer.echo("\t".join(" ".join((part or "–").split()) for part in said))
    except SQLAlchemyError:
        typer.echo("the audit cannot be read", err=True)
        raise typer.Exit(CANNOT_READ) from None


def _utc(at: datetime) -> datetime:
    """A moment as it was typed; without an offset it is in UTC."""
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at


def _book(settings: object, database: str | None) -> Audit:
    """The audit of a ward, only looked at."""
    from pathlib import Path

    from sqlalchemy import create_engine
    from sqlalchemy.pool import NullPool

    from leeward.ward.audit import Audit
    from leeward.ward.clock import SystemClock

    path = settings if isinstance(settings, Path) else None
    return Audit(create_engine(existing(path, database), poolclass=NullPool), SystemClock())


def _noted(said: str | None) -> Head | None:
    """A head as it was noted."""
    from leeward.ward.audit import Head

    if said is None:
        return None
    number, _, digest = said.partition(":")
    try:
        return Head(int(number), bytes.fromhex(digest))
    except ValueError:
        typer.echo("a head is NUMBER:DIGEST, as `leeward audit-log head` prints it", err=True)
        raise typer.Exit(WRONG_ARGUMENTS) from None
