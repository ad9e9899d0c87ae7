"""`leeward validate`: how well predicted risks fit what came after, in a table of a cohort, with a TRIPOD+AI report."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from leeward.commands.options import CANNOT_READ, WRONG_ARGUMENTS

Names = Annotated[list[str] | None, typer.Option(help="column of a predicted probability (may be given several times)")]
Scores = Annotated[
    list[str] | None, typer.Option(help="column of a score without probability: discrimination only (several times)")
]
Groups = Annotated[list[str] | None, typer.Option(help="column of groups to look at apart, such as sex or centre")]
Thresholds = Annotated[
    str | None, typer.Option(help="thresholds of net benefit, such as 0.1,0.2,0.3; set them before you look")
]


def add_to(app: typer.Typer, _: Callable[..., Any]) -> None:
    """Adds the command to the command line."""

    @app.command()
    def validate(
        table: Annotated[Path, typer.Argument(help="CSV or Parquet; `leeward risk PATH --table FILE` writes one")],
        outcome: Annotated[str, typer.Option(help="column of the outcome: 0, 1, or empty")],
        predicted: Names = None,
        score: Scores = None,
        patient: Annotated[str | None, typer.Option(help="column of the patient, where one has several rows")] = None,
        by: Groups = None,
        thresholds: Thresholds = None,
        resamples: Annotated[int | None, typer.Option(help="how many resamples of patients", min=1)] = None,
        seed: Annotated[int, typer.Option(help="of the resampling")] = 1,
        out: Annotated[Path, typer.Option(help="folder for the report and its numbers")] = Path("leeward-validation"),
        json: Annotated[bool, typer.Option("--json", help="print the numbers as one JSON object instead")] = False,
    ) -> None:
        """Measure discrimination, calibration, Brier score and net benefit, with intervals by resampled patients."""
        from leeward.cohort.validation_table import Columns

        columns = Columns(outcome, tuple(predicted or ()), tuple(score or ()), patient, tuple(by or ()))
        if not columns.all_predictions:
            _fail(WRONG_ARGUMENTS, "name at least one column with --predicted or --score")
        found = _validated(table, columns, _numbers(thresholds), resamples, seed)
        _said(found, table, out, json=json)


def _fail(code: int, message: str) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(code)


def _numbers(spelt: str | None) -> list[float]:
    """Thresholds as given, or those of knowledge/validation.toml."""
    import numpy as np

    from leeward.cohort.validation import number

    if spelt is None:
        first, last, step = (number(f"threshold_{name}") for name in ("from", "to", "step"))
        return [float(at) for at in np.round(np.arange(first, last + step / 2, step), 6)]
    try:
        made = sorted({float(part) for part in spelt.split(",")})
    except ValueError:
        made = []
    if not made or made[0] <= 0 or made[-1] >= 1:
        _fail(WRONG_ARGUMENTS, f"thresholds are numbers between 0 and 1, such as 0.1,0.2,0.3; not '{spelt}'")
    return made


def _validated(table: Path, columns: Any, thresholds: list[float], resamples: int | None, seed: int) -> dict[str, Any]:
    """The measures, or an exit code with what is wrong: the table, or a library that is not installed."""
    from leeward.cohort.validation import BadTable, LibraryAbsent, number
    from leeward.cohort.validation_resampling import validated
    from leeward.cohort.validation_table import read

    count = resamples or int(number("resamples"))
    try:
        cohort = read(table, columns)
        with _progress() as tell:
            return validated(cohort, columns, thresholds=thresholds, resamples=count, seed=seed, tell=tell)
    except BadTable as error:
        _fail(CANNOT_READ, str(error))
    except LibraryAbsent as error:
        _fail(WRONG_ARGUMENTS, str(error))


def _said(found: dict[str, Any], table: Path, out: Path, *, json: bool) -> None:
    """The numbers as JSON, or a report and its numbers in a folder."""
    import msgspec

    from leeward.report.risk_validation import interval, page

    if json:
        typer.echo(msgspec.json.encode(found).decode())
        return
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / "validation.html").write_text(page(found, f"{table.name}, {found['outcome']}"), encoding="utf-8")
        (out / "validation.json").write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=1))
    except OSError as error:
        _fail(WRONG_ARGUMENTS, f"cannot write: {error}")
    for name, one in found["predictions"].items():
        shown = [key for key in ("auc", "intercept", "slope", "o_e", "ici", "brier") if key in one["measures"]]
        typer.echo(f"{name}: " + "; ".join(f"{key} {interval(one['measures'][key])}" for key in shown))
    typer.echo(str(out / "validation.html"))


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    """A progress bar; silent where nobody watches."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("resampling", total=None)
        yield lambda name, done, total: bar.update(task, description=name, completed=done, total=total)
