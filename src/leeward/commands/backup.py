"""`leeward backup` and `leeward restore`: the ward's store into one proven file, and back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from leeward.commands.options import CANNOT_READ, WRONG_ARGUMENTS
from leeward.record.errors import BadSetting, LeewardError

Settings = Annotated[Path | None, typer.Option(help="the ward's settings file")]
Database = Annotated[str | None, typer.Option(help="or its database: sqlite:///ward.db, postgresql+psycopg://…")]


def add_to(app: typer.Typer) -> None:
    """Adds both commands to the command line."""
    app.command()(backup)
    app.command()(restore)


def backup(
    out: Annotated[Path, typer.Argument(help="the file to write; readable to you alone")],
    settings: Settings = None,
    database: Database = None,
) -> None:
    """Write the ward's whole store into one file, while the ward goes on, and prove the file whole."""
    from leeward.ward.audit import AuditDown
    from leeward.ward.backup import back_up, verify
    from leeward.ward.database import open_database

    engine = open_database(existing(settings, database))
    try:
        manifest = back_up(engine, out)
        verify(out)
    except (OSError, LeewardError) as error:
        _failed(str(error))
    except AuditDown:
        _failed("the audit cannot be written, so there is no backup")
    finally:
        engine.dispose()
    rows = sum(held.rows for held in manifest.tables.values())
    typer.echo(f"{out}: {rows} rows, {manifest.tables['findings'].rows} findings, audit up to {manifest.audit_seq}")


def restore(
    file: Annotated[Path, typer.Argument(help="a file that `leeward backup` wrote")],
    settings: Settings = None,
    database: Database = None,
) -> None:
    """Bring a backup back into an empty database; a file with one byte changed is refused."""
    from leeward.ward import backup as backups

    try:
        manifest = backups.restore(file, chosen(settings, database))
    except LeewardError as error:
        _failed(str(error))
    typer.echo(f"{file}: brought back as of {manifest.made_at}, audit up to {manifest.audit_seq}; sign in anew")


def chosen(settings: Path | None, database: str | None) -> str:
    """The database that the options name."""
    from leeward.ward.settings import read_settings

    if (settings is None) == (database is None):
        typer.echo("give --settings or --database", err=True)
        raise typer.Exit(WRONG_ARGUMENTS)
    if database is not None:
        return database
    assert settings is not None
    try:
        return read_settings(settings).database
    except BadSetting as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(WRONG_ARGUMENTS) from None


def existing(settings: Path | None, database: str | None) -> str:
    """The same, of a ward that there is: a file is not made by looking at it."""
    url = chosen(settings, database)
    file = url.removeprefix("sqlite:///")
    if file != url and not Path(file).is_file():
        _failed(f"{file}: no such database")
    return url


def _failed(message: str) -> None:
    typer.echo(message, err=True)
    raise typer.Exit(CANNOT_READ)
