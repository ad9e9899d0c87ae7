"""The command line: grade, explain, cause, report, demo.

Exit codes: 0 answered; 1 a fault of ours; 2 wrong arguments; 3 the path cannot be read; 4 nothing in it was understood.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import msgspec
import typer
from rich.console import Console

from leeward.commands import (
    audit,
    audit_log,
    backup,
    clocks,
    compare,
    discord,
    home,
    leaflet,
    lookalikes,
    mapping_change,
    plan,
    prepare,
    risk,
    serve,
    validate,
    watch,
)
from leeward.commands.options import (
    CANNOT_READ,
    NOTHING_UNDERSTOOD,
    WRONG_ARGUMENTS,
    AsOf,
    Assume,
    Mapping,
    PathArgument,
    Protocol,
    RoomAir,
    Zone,
)
from leeward.record.errors import BadSetting, CannotRead, LeewardError

if TYPE_CHECKING:  # reading and grading load DuckDB, which `leeward --help` must not wait for
    from leeward.cohort.engine import Question
    from leeward.record.spool import Record


app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__, pretty_exceptions_enable=False)
_out, _err = Console(), Console(stderr=True)

Json = Annotated[bool, typer.Option("--json", help="one JSON object per patient per line (docs/answers.md)")]
Codes = Annotated[bool, typer.Option("--icd10cm", help="as --json, with the ICD-10-CM code of each episode's peak")]


@app.command()
def grade(
    path: PathArgument,
    json: Json = False,
    as_of: AsOf = None,
    assume_trigger: Assume = None,
    room_air: RoomAir = None,
    scale: Annotated[str, typer.Option(help="the scale of CRS to grade on, or all")] = "astct-2019",
    parquet: Annotated[Path | None, typer.Option(help="write the cohort's courses as Parquet into this folder")] = None,
    refused: Annotated[
        Path | None, typer.Option(help="write every refusal, with reason and place, into this CSV")
    ] = None,
    icd10cm: Codes = False,
    zone: Zone = None,
    mapping: Mapping = None,
) -> None:
    """Grade every patient in a record."""
    from leeward.cohort.courses import answers
    from leeward.cohort.icd10cm import with_codes
    from leeward.report import terminal
    from leeward.scales.older_crs import SCALES

    if scale not in (*SCALES, "all"):
        _fail(WRONG_ARGUMENTS, f"no scale '{scale}'; there is {', '.join(SCALES)}, and all")
    record, asked = _asked(path, as_of, assume_trigger, room_air, zone, mapping, scale=scale, refused=refused)
    if parquet is not None:
        _write_courses(record, asked, parquet)
        return
    with _progress() as tell:
        found = answers(record, asked, tell=tell)
        if json or icd10cm:
            for answer in found:
                sys.stdout.buffer.write(msgspec.json.encode(with_codes(answer) if icd10cm else answer) + b"\n")
            return
        listed = list(found)
    terminal.print_answers(_out, listed)
    terminal.print_record(_err, record)


def _write_courses(record: Record, asked: Question, folder: Path) -> None:
    """The courses of a cohort as Parquet, and the names of the files."""
    from leeward.cohort.courses import to_parquet

    with _writing(), _progress() as tell:
        written = to_parquet(record, asked, folder, tell=tell)
    _err.print("\n".join(str(file) for file in written.values()), soft_wrap=True)


@app.command()
def explain(
    path: PathArgument,
    patient: Annotated[str, typer.Argument(help="the patient's id in the record")],
    at: Annotated[
        str | None, typer.Option(help="the moment to explain (RFC 3339 with offset); the last on record if left out")
    ] = None,
    assume_trigger: Assume = None,
    room_air: RoomAir = None,
    zone: Zone = None,
    mapping: Mapping = None,
) -> None:
    """Say in words why a patient has this grade at a moment."""
    from leeward.cohort.courses import answers
    from leeward.commands.prepare import zone_of
    from leeward.report.beside import NOTHING, beside
    from leeward.report.explain import explained

    record, asked = _asked(path, at, assume_trigger, room_air, zone, mapping)
    for answer in answers(record, asked):
        if answer.patient == patient:
            told = explained(answer, beside(record, asked).get(patient, NOTHING), zone_of(zone) or UTC)
            _out.print(told, markup=False, highlight=False, soft_wrap=True)
            return
    _fail(WRONG_ARGUMENTS, f"no patient '{patient}' in {path}")


@app.command()
def cause(
    path: PathArgument,
    json: Annotated[bool, typer.Option("--json", help="one JSON object per patient per line")] = False,
    as_of: AsOf = None,
    assume_trigger: Assume = None,
    room_air: RoomAir = None,
    zone: Zone = None,
    mapping: Mapping = None,
) -> None:
    """Say which treatment could cause each CRS episode, and whether its timing fits what was published."""
    from leeward.cohort.courses import answers
    from leeward.report.causes import lines, print_causes

    record, asked = _asked(path, as_of, assume_trigger, room_air, zone, mapping)
    found = answers(record, asked)
    if json:
        sys.stdout.buffer.writelines(lines(found))
        return
    print_causes(_out, found)


@app.command()
def report(
    path: PathArgument,
    out: Annotated[Path, typer.Option(help="folder for the pages")] = Path("leeward-report"),
    as_of: AsOf = None,
    assume_trigger: Assume = None,
    room_air: RoomAir = None,
    protocol: Protocol = None,
    zone: Zone = None,
    mapping: Mapping = None,
) -> None:
    """Write one self-contained HTML page per patient, and an index."""
    from leeward.report.folder import write_pages

    own = plan.protocol_of(protocol)
    record, asked = _asked(path, as_of, assume_trigger, room_air, zone, mapping)
    with _progress() as tell:
        index = write_pages(record, asked, out, tell=tell, protocol=own)
    _out.print(f"{index}", soft_wrap=True)


@app.command()
def demo(out: Annotated[Path, typer.Option(help="folder for the pages")] = Path("leeward-demo")) -> None:
    """Grade the bundled sample patients, print the table, write their report pages."""
    from leeward.cohort.courses import answers
    from leeward.report import terminal
    from leeward.report.folder import write_pages
    from leeward.samples import FOLDER

    record, asked = _asked(FOLDER, None, None, None, None, None)
    with _progress() as tell:
        found = list(answers(record, asked, tell=tell))
        index = write_pages(record, asked, out, tell=tell)
    terminal.print_answers(_out, found)
    terminal.print_record(_err, record)
    _out.print(f"\nThe patients' pages: {index.resolve()}", soft_wrap=True)
    command = "leeward" if shutil.which("leeward") else sys.argv[0]
    _out.print(f"One of them in words:  {command} explain {FOLDER} {terminal.SHOWN_PATIENT}", soft_wrap=True)


def _asked(  # type: ignore[no-untyped-def]
    path: Path,
    as_of: str | None,
    assume: str | None,
    room_air: bool | None,
    zone: str | None,
    mapping: Path | None,
    *,
    scale: str = "astct-2019",
    refused: Path | None = None,
):
    """The record and the question, or an exit code with a message; refusals are listed into `refused` either way."""
    from leeward.api import question
    from leeward.cohort.courses import refusals_to_csv
    from leeward.record.read import read

    try:
        with _err.status(f"reading {path}") if _err.is_terminal else _silent():
            record = read(path, zone=zone, mapping=mapping)
        trigger = _moment(assume, settings=True)
        asked = question(record, as_of=_moment(as_of), assume_trigger=trigger, room_air=room_air, scale=scale)
    except CannotRead as error:
        _fail(CANNOT_READ, str(error))
    except LeewardError as error:
        _fail(WRONG_ARGUMENTS, str(error))
    if refused is not None:
        with _writing():
            refusals_to_csv(record, refused)
    _err.print(f"recognised: {record.recognised}", soft_wrap=True)
    if "ambiguous-time" in record.refused and record.settings.zone is None:
        _err.print(
            "Times without a zone were refused: --zone says which one they mean (--zone Europe/Berlin).", soft_wrap=True
        )
    if len(record) == 0:
        why = ", ".join(f"{count} x {reason}" for reason, count in record.refused.items()) or "it holds nothing"
        _fail(NOTHING_UNDERSTOOD, f"nothing in {path} was understood: {why}")
    return record, asked


def _moment(spelt: str | None, *, settings: bool = False):  # type: ignore[no-untyped-def]
    """A time given on the command line, or the name of a setting where that is allowed."""
    if spelt is None or (settings and spelt in ("icu", "ward", "home")):
        return spelt
    try:
        return datetime.fromisoformat(spelt)
    except ValueError:
        raise BadSetting(f"'{spelt}' is not a time; write it as 2024-01-10T08:30:00+00:00") from None


def _fail(code: int, message: str) -> NoReturn:
    """Say what is wrong and leave with its exit code."""
    _err.print(message, style="bold", markup=False, soft_wrap=True)
    raise typer.Exit(code)


@contextmanager
def _writing() -> Iterator[None]:
    """A place that cannot be written to is a wrong argument, not a fault of ours."""
    from duckdb import IOException

    try:
        yield
    except (OSError, IOException) as error:
        _fail(WRONG_ARGUMENTS, f"cannot write: {error}")


@contextmanager
def _silent() -> Iterator[None]:
    """No status line, where nobody watches."""
    yield


@contextmanager
def _progress():  # type: ignore[no-untyped-def]
    """A progress bar for long work; silent where nobody watches."""
    from rich.progress import Progress

    with Progress(console=_err, transient=True, disable=not _err.is_terminal) as bar:
        task = bar.add_task("grading", total=None)
        yield lambda name, done, total: bar.update(task, description=name, completed=done, total=total)


compare.add_to(app, _asked)
lookalikes.add_to(app, _asked)
discord.add_to(app, _asked)
clocks.add_to(app, _asked)
mapping_change.add_to(app, _asked)
plan.add_to(app, _asked)
audit.add_to(app, _asked)
risk.add_to(app, _asked)
validate.add_to(app, _asked)
prepare.add_to(app, _asked)
watch.add_to(app, _asked)
serve.add_to(app)
backup.add_to(app)
audit_log.add_to(app)
home.add_to(app, _asked)
leaflet.add_to(app, _asked)


def main() -> None:
    """Entry point of the `leeward` command."""
    app()
