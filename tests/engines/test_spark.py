"""Every case table once more on Spark: equal answers keep the rules portable."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from leeward.cohort.engine import Question, connect, run
from leeward.scales.older_crs import SCALES
from tests.cases.parse import cases, table
from tests.cases.test_crs_scales import all_cases

# The gateway to Java leaves its sockets to the garbage collector.
pytestmark = [
    pytest.mark.spark,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
FOLDER = Path(__file__).parents[2] / "cases"
COMPARED = ("course", "episodes", "now", "unobserved", "standing", "noted", "raw", "corrected")


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    """One local Spark session for all files."""
    pytest.importorskip("pyspark", reason="Spark is not installed (make spark installs it)")
    from leeward.cohort.spark import session

    made = session()
    made.sparkContext.setLogLevel("ERROR")
    yield made
    made.stop()


@pytest.mark.parametrize("as_of", [None, datetime(2024, 1, 11, 9, tzinfo=UTC)], ids=["all", "as of day 1"])
@pytest.mark.parametrize("file", ["astct-2019-crs.md", "astct-2019-icans.md", "timeline.md"])
def test_spark_answers_as_duckdb_does(spark: Any, tmp_path: Path, file: str, as_of: datetime | None) -> None:
    """The same rows in every step that is an answer."""
    from leeward.cohort import spark as on_spark

    findings = table(cases(FOLDER / file))
    pq.write_table(findings, tmp_path / "findings.parquet")
    spark.read.parquet(str(tmp_path / "findings.parquet")).createOrReplaceTempView("findings")
    question = Question(as_of=as_of)
    on_spark.run(spark, question)
    con = connect()
    con.register("findings", findings)
    run(con, question)
    for step in COMPARED:
        expected = con.sql(f"select * from {step}")
        columns = expected.columns
        got = [tuple(row[name] for name in columns) for row in spark.table(step).collect()]
        assert sorted(map(str, got)) == sorted(map(str, expected.fetchall())), step


def test_every_scale_on_spark(spark: Any, tmp_path: Path) -> None:
    """The cases of the older scales, graded on all of them and with every score, give the same rows."""
    from leeward.cohort import spark as on_spark

    findings = table(all_cases())
    pq.write_table(findings, tmp_path / "findings.parquet")
    spark.read.parquet(str(tmp_path / "findings.parquet")).createOrReplaceTempView("findings")
    question = Question(scales=SCALES, scores=True)
    on_spark.run(spark, question, reasons=False)
    con = connect()
    con.register("findings", findings)
    run(con, question, reasons=False)
    for step in ("course", "episodes", "now", "scores"):
        expected = con.sql(f"select * from {step}")
        columns = expected.columns
        got = [tuple(row[name] for name in columns) for row in spark.table(step).collect()]
        assert sorted(map(str, got)) == sorted(map(str, expected.fetchall())), step
