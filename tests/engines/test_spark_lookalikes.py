"""Look-alikes on Spark say what they say on DuckDB, for every case of cases/lookalikes.md."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ibis
import pyarrow.parquet as pq
import pytest

from leeward.cohort.engine import Question, connect, run
from leeward.cohort.lookalikes import named
from leeward.cohort.lookalikes import run as run_lookalikes
from leeward.recognition import lookalikes as room
from tests.cases.parse import table
from tests.cases.test_lookalikes import all_cases

# The gateway to Java leaves its sockets to the garbage collector.
pytestmark = [
    pytest.mark.spark,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
COMPARED = {
    "lookalike_cases": "*",
    "lookalike_latest": "patient, quantity, at_s, low, high, text",
    "lookalike_met": "patient, feature, quantity, at_s, low, high, text",
}


def test_spark_answers_as_duckdb_does(tmp_path: Path) -> None:
    """The same state, the same last findings, the same features met."""
    pytest.importorskip("pyspark", reason="Spark is not installed (make spark installs it)")
    from leeward.cohort import spark as on_spark

    spark: Any = on_spark.session()
    spark.sparkContext.setLogLevel("ERROR")
    findings = table(all_cases())
    pq.write_table(findings, tmp_path / "findings.parquet")
    spark.read.parquet(str(tmp_path / "findings.parquet")).createOrReplaceTempView("findings")
    question = Question()
    on_spark.run(spark, question, reasons=False)
    there = ibis.pyspark.connect(spark)
    for name, step in named(room_air=False):
        spark.sql(str(there.compile(step))).localCheckpoint().createOrReplaceTempView(name)
    here = connect()
    here.register("findings", findings)
    run(here, question, reasons=False)
    run_lookalikes(here, question)
    for name, columns in COMPARED.items():
        query = f"select {columns} from {name}"
        ours = [tuple(row) for row in here.execute(query).fetchall()]
        theirs = [tuple(row) for row in spark.sql(query).collect()]
        assert sorted(theirs, key=str) == sorted(ours, key=str), name
        assert name in room.STEPS
    spark.stop()
