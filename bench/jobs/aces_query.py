"""ACES: subjects with fever and, within 14 days, low systolic pressure or low saturation, from one MEDS file."""

from __future__ import annotations

import importlib
import logging
from typing import Any

from clock import report, task, timed

EVENTS, QUESTION, REPEATS, ROWS = (task()[name] for name in ("events", "question", "repeats", "rows"))
config: Any = importlib.import_module("aces.config")
predicates: Any = importlib.import_module("aces.predicates")
query: Any = importlib.import_module("aces.query").query
DictConfig: Any = importlib.import_module("omegaconf").DictConfig
Path: Any = importlib.import_module("pathlib").Path
logging.disable(logging.WARNING)


def answer() -> Any:
    """The whole way as its command line goes it: configuration, predicates from the file, the query."""
    cohort = config.TaskExtractorConfig.load(config_path=Path(QUESTION))
    events = predicates.get_predicates_df(cohort, DictConfig({"path": EVENTS, "standard": "meds"}))
    return query(cohort, events)


found, seconds = timed(answer, REPEATS)
report(ROWS, seconds, sorted({int(subject) for subject in found["subject_id"]}))
