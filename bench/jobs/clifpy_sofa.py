"""clifpy: one SOFA score per stay from a folder of CLIF tables, by its own fastest route (Polars)."""

from __future__ import annotations

import importlib
import logging
from typing import Any

from clock import report, task, timed

FOLDER, REPEATS, ROWS = (task()[name] for name in ("folder", "repeats", "rows"))
pl: Any = importlib.import_module("polars")
compute: Any = importlib.import_module("clifpy.utils.sofa_polars").compute_sofa_polars
logging.disable(logging.WARNING)

stays = pl.read_parquet(f"{FOLDER}/clif_hospitalization.parquet").select(
    "hospitalization_id",
    "patient_id",
    pl.col("admission_dttm").alias("start_dttm"),
    pl.col("discharge_dttm").alias("end_dttm"),
)
scores, seconds = timed(lambda: compute(FOLDER, stays, filetype="parquet", timezone="UTC"), REPEATS)
treated = scores.filter(pl.col("norepinephrine_mcg_kg_min") > 0).join(stays, on="hospitalization_id")
report(ROWS, seconds, sorted(set(treated["patient_id"].to_list())), stays=scores.height)
