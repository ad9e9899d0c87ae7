"""Pathling on Spark, local mode with two cores: NDJSON to its typed Observation table, then the columns of a study."""

from __future__ import annotations

import importlib
import os
import re
from pathlib import Path
from typing import Any

from clock import report, task, timed

LINES, WARM, REPEATS, CHECK = (task()[name] for name in ("lines", "warm", "repeats", "check"))
os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
pathling: Any = importlib.import_module("pathling")
SparkSession: Any = importlib.import_module("pyspark.sql").SparkSession
# Spark 3.2 predates Java 17 and needs these doors opened.
opened = ("java.nio", "sun.nio.ch", "java.lang", "java.lang.invoke", "java.util", "sun.security.action")
jar = next(Path(pathling.__file__).parent.glob("jars/*.jar"))

session = (
    SparkSession.builder.master("local[2]")
    .config("spark.jars", str(jar))
    .config("spark.driver.memory", "6g")
    .config("spark.driver.extraJavaOptions", " ".join(f"--add-opens=java.base/{name}=ALL-UNNAMED" for name in opened))
    .config("spark.ui.enabled", "false")
    .config("spark.ui.showConsoleProgress", "false")
    # Spark 3.2 fails on Pathling's encoder when it prunes inside structs.
    .config("spark.sql.optimizer.expression.nestedPruning.enabled", "false")
    .config("spark.sql.optimizer.nestedSchemaPruning.enabled", "false")
    .config("spark.sql.optimizer.serializer.nestedSchemaPruning.enabled", "false")
    .config("spark.sql.session.timeZone", "UTC")
    .getOrCreate()
)
session.sparkContext.setLogLevel("ERROR")
context = pathling.PathlingContext.create(session)


def typed(path: str) -> Any:
    """The columns a study takes, as a lazy table; a blood pressure panel has two values, its components."""
    table = context.encode(session.read.text(path), "Observation")
    return table.selectExpr(
        "subject.reference as subject",
        "code.coding[0].code as code",
        "effectiveDateTime as at",
        "valueQuantity.value as value",
        "valueQuantity.code as unit",
        "transform(component, c -> struct(c.code.coding[0].code as code, c.valueQuantity.value as value)) as parts",
    )


def read() -> None:
    """Every row made and thrown away, so that no disk is timed."""
    typed(LINES).write.format("noop").mode("overwrite").save()


def peak_bytes_of_java() -> int:
    """The largest resident size of the Java process that Spark started."""
    mine = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
    sizes = [re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{child}/status").read_text()) for child in mine]
    return max((int(size[1]) * 1024 for size in sizes if size), default=0)


def sums() -> dict[str, list[float]]:
    """Count and sum of the values per code, for the comparison of answers."""
    flat = typed(LINES).selectExpr("explode(concat(array(struct(code, value)), coalesce(parts, array()))) as one")
    flat = flat.where("one.value is not null").selectExpr("one.code as code", "one.value as value").groupBy("code")
    rows = flat.agg({"code": "count", "value": "sum"}).collect()
    return {row["code"]: [row["count(code)"], round(float(row["sum(value)"]), 3)] for row in rows}


typed(WARM).write.format("noop").mode("overwrite").save()
_, seconds = timed(read, REPEATS)
with Path(LINES).open("rb") as file:
    count = sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 24), b""))
peak = peak_bytes_of_java()
report(count, seconds, sums() if CHECK else None, peak_bytes=peak)
session.stop()
