"""A cohort's table for validation: read from CSV or Parquet, held to what validation needs, its gaps counted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from leeward.cohort.engine import connect
from leeward.cohort.validation import BadTable, Numbers


class Columns(msgspec.Struct, frozen=True):
    """Which column holds what: predicted probabilities, scores that only order, groups to look at apart."""

    outcome: str
    predicted: tuple[str, ...] = ()
    scores: tuple[str, ...] = ()
    patient: str | None = None
    by: tuple[str, ...] = ()

    @property
    def all_predictions(self) -> tuple[str, ...]:
        """Probabilities first."""
        return (*self.predicted, *self.scores)


class Cohort(msgspec.Struct, frozen=True):
    """A table ready to be measured: rows with outcome and every prediction; what was left out, and of which kind."""

    outcome: Any
    predictions: dict[str, Any]
    patients: Any
    groups: dict[str, Any]
    rows: int
    no_outcome: int
    no_prediction: dict[str, int]
    events_left_out: int
    left_out: int

    def where(self, kept: Any) -> Cohort:
        """The rows that a mask or an index picks."""
        return msgspec.structs.replace(
            self,
            outcome=self.outcome[kept],
            predictions={name: values[kept] for name, values in self.predictions.items()},
            patients=self.patients[kept],
            groups={name: values[kept] for name, values in self.groups.items()},
        )


def read(path: Path, columns: Columns) -> Cohort:
    """A table with a row per prediction. Raises BadTable where a column is absent or holds what it cannot.

    A row without outcome or without one of the predictions is left out of all, so that predictions are compared on
    the same patients; none is imputed.
    """
    table = _table(path)
    wanted = [columns.outcome, *columns.all_predictions, *columns.by, *([columns.patient] if columns.patient else [])]
    absent = [name for name in wanted if name not in table.column_names]
    if absent:
        raise BadTable(f"{path.name} has no column {', '.join(absent)}; it has {', '.join(table.column_names)}")
    outcome = _outcome(table, columns.outcome)
    values = {name: _numbers(table, name, probability=name in columns.predicted) for name in columns.all_predictions}
    told = ~np.isnan(outcome)
    whole = told & ~np.any([np.isnan(one) for one in values.values()], axis=0)
    out = told & ~whole
    ids = _words(table, columns.patient) if columns.patient else np.arange(table.num_rows).astype(str)
    made = Cohort(
        outcome=outcome,
        predictions=values,
        patients=ids,
        groups={name: _words(table, name) for name in columns.by},
        rows=table.num_rows,
        no_outcome=int((~told).sum()),
        no_prediction={name: int((np.isnan(one) & told).sum()) for name, one in values.items()},
        events_left_out=int(np.nansum(outcome[out])),
        left_out=int(out.sum()),
    ).where(whole)
    if len(set(made.outcome)) < 2:
        raise BadTable(
            f"{path.name}: of {int(whole.sum())} usable rows none differ in {columns.outcome}: nothing to measure"
        )
    return made


def _table(path: Path) -> pa.Table:
    """The file's rows. Raises BadTable where it is no table."""
    suffix = path.suffix.lower()
    if suffix not in (".csv", ".parquet") or not path.is_file():
        raise BadTable(f"{path} is no CSV or Parquet file; `leeward risk PATH --table FILE` writes one")
    # Cells of a CSV stay text until their column is known, so that 007 and 7 remain two patients.
    read_ = "read_csv(?, all_varchar = true)" if suffix == ".csv" else "read_parquet(?)"
    try:
        return connect().sql(f"select * from {read_}", params=[str(path)]).to_arrow_table()
    except Exception as error:  # noqa: BLE001  whatever the reader finds wrong is wrong with the file
        raise BadTable(f"{path.name} cannot be read: {str(error).splitlines()[0]}") from None


def _words(table: pa.Table, name: str) -> Any:
    """A column as words; an empty cell is a group of its own."""
    return np.array(["not given" if value is None else str(value) for value in table[name].to_pylist()])


def _numbers(table: pa.Table, name: str, *, probability: bool) -> Numbers:
    """A column as numbers, empty cells as NaN."""
    try:
        column = pc.cast(table[name], pa.float64())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise BadTable(f"column {name} holds cells that are no numbers") from None
    made: Numbers = np.array([np.nan if value is None else value for value in column.to_pylist()], dtype=float)
    held = made[~np.isnan(made)]
    if not np.isfinite(held).all():
        raise BadTable(f"column {name} holds a number that is infinite")
    if probability and ((held < 0) | (held > 1)).any():
        raise BadTable(f"column {name} is no probability (0 to 1): give it with --score, for discrimination only")
    return made


def _outcome(table: pa.Table, name: str) -> Numbers:
    """The outcome: 0, 1, or not known."""
    made = _numbers(table, name, probability=False)
    if not set(made[~np.isnan(made)]) <= {0.0, 1.0}:
        raise BadTable(f"column {name} holds more than 0 and 1: an outcome is one or the other")
    return made
