"""A MEDS file: 10,000 subjects with a therapy and 100 charting rounds of three signs each, from the virtual ward.

Three signs to a round is also what the MIMIC-IV demo's charted vital signs come to (59,008 events at 19,774 moments).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from home import home, made
from ward import BLOCK, HOUR_US, HOURS, VERSION, block

SUBJECTS = 10_000
ROUNDS = 100
INFUSION = "ICD10PCS/XW033H7"
SIGNS = (
    # code, unit, the ward's array, decimals
    ("LOINC/8310-5", "Cel", "temperature", 1),
    ("LOINC/8480-6", "mm[Hg]", "systolic", 0),
    ("LOINC/59408-5", "%", "spo2", 0),
)
SCHEMA = pa.schema(
    [
        pa.field("subject_id", pa.int64()),
        pa.field("time", pa.timestamp("us")),
        pa.field("code", pa.string()),
        pa.field("numeric_value", pa.float32()),
        pa.field("text_value", pa.string()),
        pa.field("unit", pa.string()),
    ]
)
QUESTION = """predicates:
  infusion: {code: "ICD10PCS/XW033H7"}
  fever: {code: "LOINC/8310-5", value_min: 38.0, value_min_inclusive: true}
  low_pressure: {code: "LOINC/8480-6", value_max: 90.0, value_max_inclusive: false}
  low_saturation: {code: "LOINC/59408-5", value_max: 92.0, value_max_inclusive: false}
  low: {expr: "or(low_pressure, low_saturation)"}
trigger: fever
windows:
  after:
    start: trigger
    end: start + 14d
    start_inclusive: true
    end_inclusive: true
    has:
      low: (1, None)
"""
SAME_QUESTION = """
select distinct fever.patient
from (select patient, measured_at as at from findings where quantity = 'body-temperature' and low >= 38.0) as fever
join (select patient, measured_at as at from findings
      where (quantity = 'systolic-bp' and low < 90) or (quantity = 'spo2' and low < 92)) as low
  on low.patient = fever.patient and low.at between fever.at and fever.at + interval 14 day
"""
"""The question again, asked of our findings."""


def events_file() -> Path:
    """The cached MEDS file."""
    return made(f"meds-{VERSION}-rounds-{SUBJECTS}.parquet", _write)


def question_file() -> Path:
    """ACES's configuration of the question, as a file."""
    path = home() / "data" / "meds-question.yaml"
    path.write_text(QUESTION, encoding="utf-8")
    return path


def _write(path: Path) -> None:
    with pq.ParquetWriter(path, SCHEMA, compression="zstd") as writer:
        for first in range(0, SUBJECTS // BLOCK, 10):
            writer.write_table(pa.concat_tables(_events(number) for number in range(first, first + 10)))


def _events(number: int) -> pa.Table:
    """One block of subjects in the order of subject and time, as MEDS asks."""
    one = block(number)
    patients = len(one.severity)
    hours = np.linspace(1, HOURS - 1, ROUNDS).astype(np.int64)
    subject = np.arange(patients) + one.first_patient
    values = [np.full((patients, 1), np.nan)]
    values += [np.round(getattr(one, name)[:, hours], decimals) for _, _, name, decimals in SIGNS]
    times = [one.infused_us[:, None]] + [one.infused_us[:, None] + hours * HOUR_US] * len(SIGNS)
    codes = np.concatenate([[0], *(np.full(ROUNDS, place + 1) for place in range(len(SIGNS)))])
    order = np.argsort(np.concatenate([[0], *([hours] * len(SIGNS))]), kind="stable")
    value = np.concatenate(values, axis=1)[:, order].ravel()
    at_us = np.concatenate(times, axis=1)[:, order].ravel()
    code = pa.array([INFUSION, *(code for code, *_ in SIGNS)])
    unit = pa.array([None, *(unit for _, unit, *_ in SIGNS)])
    kind = pa.array(np.tile(codes[order], patients))
    events = len(order)
    return pa.table(
        [
            pa.array(np.repeat(subject, events)),
            pa.array(at_us).view(pa.timestamp("us")),
            code.take(kind),
            pa.array(value.astype(np.float32), mask=np.isnan(value)),
            pa.nulls(len(value), pa.string()),
            unit.take(kind),
        ],
        schema=SCHEMA,
    )
