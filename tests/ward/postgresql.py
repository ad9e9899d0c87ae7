"""A real PostgreSQL of the tests' own, from Debian's package: one server for a run, a database for each test."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from sqlalchemy import create_engine

INSTALLED = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
ABSENT = "PostgreSQL is not installed (Debian: apt-get install postgresql)"


@contextmanager
def server() -> Iterator[str]:
    """The address of a server on loopback, without a database's name; gone afterwards.

    PostgreSQL refuses to run as root, so it runs as Debian's user for it where the tests are root.
    """
    programs = INSTALLED[-1]
    folder = Path(tempfile.mkdtemp(prefix="leeward-postgresql-"))
    as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if as_user:
        shutil.chown(folder, "postgres")
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
    data = str(folder / "data")
    made = [*as_user, str(programs / "initdb"), "-D", data, "-U", "ward", "--auth=trust", "--no-sync", "-E", "UTF8"]
    _run(made, folder)
    options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={folder} -c fsync=off"
    control = [*as_user, str(programs / "pg_ctl"), "-D", data, "-w", "-l", str(folder / "log")]
    _run([*control, "-o", options, "start"], folder)
    try:
        yield f"postgresql+psycopg://ward@127.0.0.1:{port}"
    finally:
        _run([*control, "-m", "immediate", "stop"], folder)
        shutil.rmtree(folder, ignore_errors=True)


def _run(command: list[str], folder: Path) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=folder)


@contextmanager
def database(address: str) -> Iterator[str]:
    """The address of an empty database on a server; gone afterwards."""
    name = f"ward_{uuid4().hex}"
    admin = create_engine(f"{address}/postgres", isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql(f"create database {name}")
    try:
        yield f"{address}/{name}"
    finally:
        with admin.connect() as connection:
            connection.exec_driver_sql(f"drop database {name} with (force)")
        admin.dispose()
