"""The live service: `serve` a centre's ward, show the demo `ward`, answer an agent (`mcp`), `take-in` a backlog."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from leeward.commands.options import CANNOT_READ, WRONG_ARGUMENTS
from leeward.record.errors import BadSetting

if TYPE_CHECKING:  # `leeward --help` must not wait for the service
    from fastapi import FastAPI

    from leeward.ward.settings import WardSettings


SETTINGS = "LEEWARD_SETTINGS"
"""Where a worker finds the settings file that `leeward serve` was given."""
TOKEN = "LEEWARD_TOKEN"  # noqa: S105  the name of a variable, no token
FASTEST = 600.0
TOLD = """
The demo ward:  {address}

An hour of the ward passes in {hour}; the page can change that. In the first five minutes: a first fever and a
rising grade (bed 12), a grade that nobody can tell (07), a correction (03), a falling ICE score (09), a monitor that
goes silent (15). Ctrl+C ends it. Every patient is invented or from a published report; decision support for review
by professionals, not a medical device and not an alarm.
"""


def add_to(app: typer.Typer) -> None:
    """Adds these commands to the command line."""
    app.command()(serve)
    app.command()(ward)
    app.command()(mcp)
    app.command("take-in")(take_in)


def serve(
    settings: Annotated[Path, typer.Option(help="the ward's settings file (docs/ward.md)")],
    workers: Annotated[int, typer.Option(min=1, help="more than one needs PostgreSQL")] = 1,
) -> None:
    """Run the live service of a ward: findings come in, courses are graded, the board is shown."""
    held = _settings(settings)
    if workers > 1 and held.database.startswith("sqlite"):
        _fail("several workers need PostgreSQL: SQLite is for one")
    os.environ[SETTINGS] = str(settings.resolve())
    typer.echo(f"{held.name}: http://{held.address}:{held.port}/")
    _run("leeward.commands.serve:worker", held, host=held.address, port=held.port, workers=workers, factory=True)


def _fail(message: str) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(WRONG_ARGUMENTS)


def worker() -> FastAPI:
    """One worker's application, by the settings file that `serve` was given."""
    from leeward.ward.app import create_app
    from leeward.ward.logs import configure
    from leeward.ward.settings import read_settings
    from leeward.ward.world import World

    configure()
    return create_app(World(read_settings(Path(os.environ[SETTINGS]))))


def ward(
    speed: Annotated[float, typer.Option(min=0, max=FASTEST, help="minutes of the ward that pass in one")] = 60,
    port: Annotated[int, typer.Option(help="0: any that is free")] = 8321,
) -> None:
    """Show the demo ward: invented and published patients, replayed. Nobody on it lives; it listens on this machine."""
    from leeward.ward.app import create_app
    from leeward.ward.demo.ward import demo_world
    from leeward.ward.logs import configure

    chosen = _free(port)
    with demo_world(speed=speed, port=chosen) as (world, replay):
        typer.echo("Setting up the demo ward ...")
        app = create_app(world)
        replay.start()
        typer.echo(TOLD.format(address=f"http://127.0.0.1:{chosen}/", hour=_spoken(speed)))
        configure(quiet=True)
        _run(app, world.settings, host="127.0.0.1", port=chosen)


def mcp(
    settings: Annotated[Path, typer.Option(help="the ward's settings file (docs/ward.md)")],
) -> None:
    """Answer an agent over stdin and stdout: the read-only tools of the Model Context Protocol (docs/mcp.md).

    Who asks is whoever LEEWARD_TOKEN, an access token for /mcp, says; a demo ward asks for none.
    """
    from leeward.ward.access import Refusal
    from leeward.ward.logs import configure
    from leeward.ward.tools.server import make_server
    from leeward.ward.tools.stdio import caller_of
    from leeward.ward.world import World

    configure(quiet=True)
    try:
        world = World(_settings(settings))
        server = make_server(world, caller_of(world, os.environ.get(TOKEN)))
    except Refusal:
        _fail(f"{TOKEN} holds no access token that this ward accepts for /mcp")
    server.run("stdio")


def take_in(
    path: Annotated[Path, typer.Argument(help="a record of any form that `leeward grade` reads")],
    settings: Annotated[Path, typer.Option(help="the ward's settings file (docs/ward.md)")],
    source: Annotated[str, typer.Option(help="the feed's name, as the settings have it")] = "backlog",
) -> None:
    """Take a backlog into a ward: history is graded from it silently, and nobody is told of what has passed."""
    from leeward.record.errors import CannotRead
    from leeward.ward.audit import AuditDown
    from leeward.ward.backlog import take_backlog
    from leeward.ward.world import World

    world = World(_settings(settings))
    try:
        taken = take_backlog(world.intake, path, source, piece=int(world.settings.number("backlog", "piece")))
    except CannotRead as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(CANNOT_READ) from None
    except AuditDown:
        typer.echo("the audit cannot be written, so nothing more is taken in", err=True)
        raise typer.Exit(CANNOT_READ) from None
    typer.echo(f"{taken.recognised}: {taken.findings:,} findings, {taken.new:,} of them new; {taken.refused:,} refused")


def _settings(file: Path) -> WardSettings:
    """The settings of a file, with which a ward may start; else an exit code."""
    from leeward.ward.access.start import check
    from leeward.ward.settings import read_settings

    try:
        held = read_settings(file)
        check(held)
    except BadSetting as error:
        _fail(str(error))
    return held


def _spoken(speed: float) -> str:
    """How long an hour of the ward lasts."""
    if speed == 0:
        return "no time at all: it stands still"
    minutes = 60 / speed
    return f"{minutes:.0f} minutes" if minutes >= 2 else f"{minutes * 60:.0f} seconds"


def _free(port: int) -> int:
    """The port asked for, else any that is free."""
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            held.bind(("127.0.0.1", port))
        except OSError:
            typer.echo(f"port {port} is taken; another is used", err=True)
            held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


def _run(app: Any, settings: WardSettings, **asked: Any) -> None:
    """Serve until the end."""
    from leeward.ward.listening import Listening

    Listening(app, settings, **asked).run()
