"""The same plan on Spark, for cohorts that outgrow one machine (`pip install leeward[spark]`, Java 17)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis

from leeward.cohort.engine import Question
from leeward.cohort.plan import REASONS, steps

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_SPELT = {"EPOCH_US(": "UNIX_MICROS(", "LAST_KNOWN(": "MAX("}
"""Functions the plan names otherwise than Spark does; the last of numbers that never fall is their largest."""


def run(spark: SparkSession, question: Question, *, reasons: bool = True) -> None:
    """Makes every step a temporary view, where a view `findings` stands already (record.schema.FINDING).

    The session's time zone must be UTC. Each step is computed once and its lineage cut, so that plans stay small.
    """
    ibis.options.sql.fuse_selects = False
    con = ibis.pyspark.connect(spark)
    asked = [(question.as_of, question.assumed_trigger, question.assumed_setting)]
    spark.createDataFrame(
        asked, "as_of timestamp, assumed_trigger timestamp, assumed_setting string"
    ).createOrReplaceTempView("question")
    dated = question.as_of is not None
    made = steps(room_air=question.room_air, scales=question.scales, scores=question.scores, dated=dated)
    # Spark 4.0 fails to derive the constraints of some unions of checkpointed views ("key not found").
    spark.conf.set("spark.sql.constraintPropagation.enabled", "false")
    for name, step in made:
        if name in REASONS and not reasons:
            continue
        sql = str(con.compile(step))
        for ours, theirs in _SPELT.items():
            sql = sql.replace(ours, theirs)
        spark.sql(sql).localCheckpoint().createOrReplaceTempView(name)


def session(cores: int = 2) -> SparkSession:
    """A Spark session on this machine alone, in UTC."""
    from pyspark.sql import SparkSession

    settings = {
        "spark.sql.session.timeZone": "UTC", "spark.ui.enabled": "false", "spark.sql.shuffle.partitions": str(cores),
        "spark.sql.ansi.enabled": "false", "spark.driver.bindAddress": "127.0.0.1", "spark.driver.host": "127.0.0.1",
    }  # fmt: skip
    builder = SparkSession.builder.master(f"local[{cores}]")
    for name, value in settings.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()
