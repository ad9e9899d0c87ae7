"""A plan at the bedside is the plan of a cohort: equal on SQLite and on DuckDB, to the last word."""

from __future__ import annotations

from pathlib import Path

import pytest

from leeward.cohort.bedside_plan import adviser
from leeward.cohort.courses import findings_of
from leeward.cohort.engine import Question
from leeward.cohort.guidance import plans
from leeward.plan.plan import NOTHING_LOST, lost
from leeward.record.read import read
from leeward.record.spool import Record
from leeward.samples import FOLDER
from tests.plan.bedside import ADULT, FEVER, HYPOTENSION, Charted, write

PATIENTS: dict[str, tuple[Charted, ...]] = {
    "fever": (*ADULT, *FEVER),
    "nothing-known": ((30, "body-temperature", 39.0),),
    "treated": (*ADULT, *HYPOTENSION, (37, "tocilizumab", 560), (38, "fluid-bolus", 500), (40, "systolic-bp", 82),
                (41, "dexamethasone", 10), (44, "systolic-bp", 95), (44, "norepinephrine", 4), (44, "fio2", 0.6)),
    "marked": (*ADULT, *HYPOTENSION, (35, "risk-mark", "diverticular-disease"), (35, "risk-mark", "no-bleeding"),
               (36, "ferritin", 12000), (36, "neutrophils", 0.1), (40, "acetaminophen", 1000),
               (42, "body-temperature", 39)),
}  # fmt: skip


def same(record: Record) -> None:
    """Every patient's plan on both engines."""
    for plan in plans(record, Question()):
        missing = lost(record.refusals.to_pylist()).get(plan.patient, NOTHING_LOST)
        mine = adviser(room_air=False).plan(plan.patient, findings_of(record, plan.patient), Question(), missing)
        assert mine == plan


@pytest.mark.parametrize("therapy", ["axicabtagene ciloleucel", "teclistamab", "tebentafusp"])
def test_charted_patients(tmp_path: Path, therapy: str) -> None:
    """Patients with doses, marks and hours of everything that grows."""
    for name, charted in PATIENTS.items():
        write(tmp_path, *charted, therapy=therapy, patient=name)
    same(read(tmp_path))


def test_samples() -> None:
    """The published patients."""
    same(read(FOLDER))
