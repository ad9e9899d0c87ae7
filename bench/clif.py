"""The MIMIC-IV demo's CLIF tables, copied N times under new patient ids; and findings copied the same way."""

from __future__ import annotations

from pathlib import Path

import duckdb

from home import REAL_DATA, home, made

DEMO = REAL_DATA / "mimic-iv-demo-clif"
SOFA_READS = ("labs", "vitals", "patient_assessments", "respiratory_support", "medication_admin_continuous")
"""The tables clifpy's SOFA reads row by row; their rows are the rows counted for it."""
VERSION = 1
AFTER_THE_DEMO = "2300-01-01T00:00:00+00:00"
"""The demo's times were moved into the future on purpose; this is later than all of them."""


def copies(times: int) -> Path:
    """A cached folder with every demo table `times` over, each copy under its own ids."""
    return made(f"clif-{VERSION}-x{times}", lambda folder: _copy(folder, times))


def _copy(folder: Path, times: int) -> None:
    folder.mkdir()
    for table in sorted(DEMO.glob("*.parquet")):
        with duckdb.connect() as connection:
            columns = connection.sql(f"describe select * from '{table}'").fetchall()
            ids = [name for name, *_ in columns if name in ("patient_id", "hospitalization_id")]
            renamed = ", ".join(f"{name} || '-' || nth as {name}" for name in ids)
            connection.sql(
                f"copy (select * exclude (nth) replace ({renamed}) from '{table}', range({times}) as n(nth)) "
                f"to '{folder / table.name}' (format parquet, compression zstd)"
            )


def rows(folder: Path) -> int:
    """Rows in the tables that SOFA reads."""
    tables = ", ".join(f"'{folder}/clif_{name}.parquet'" for name in SOFA_READS)
    with duckdb.connect() as connection:
        found = connection.sql(f"select count(*) from read_parquet([{tables}], union_by_name=true)").fetchall()
    return int(found[0][0])


def findings_copies(findings: Path, times: int) -> Path:
    """Findings of the demo `times` over, made afresh each time."""
    path = home() / "data" / "clif-findings.parquet"
    path.unlink(missing_ok=True)
    _copy_findings(findings, path, times)
    return path


def _copy_findings(findings: Path, path: Path, times: int) -> None:
    with duckdb.connect() as connection:
        connection.sql("set preserve_insertion_order = false")
        connection.sql(
            f"copy (select * exclude (nth) replace (patient || '-' || nth as patient, record || '-' || nth as record) "
            f"from '{findings}', range({times}) as n(nth)) "
            f"to '{path}' (format parquet, compression zstd)"
        )
