"""The analyst's way: pandas, one loop over the patients, the ASTCT grade at each charted moment and its peak.

Written as a careful analyst would for one study: values carried forward within the same age limits as ours, infusions
counted where they overlap, fever waived after treatment. No ranges, reasons, corrections, overlap minimum, children,
attribution or recurrence: it computes less than ours does.
"""

from __future__ import annotations

import pandas as pd
from clock import report, task, timed

FINDINGS, REPEATS = (task()[name] for name in ("findings", "repeats"))
STANDS = {"body-temperature": 8, "systolic-bp": 4, "oxygen": 8}
VASOPRESSORS = ["norepinephrine", "epinephrine", "dopamine", "phenylephrine", "angiotensin-ii"]
TREATMENT = [
    "acetaminophen",
    "ibuprofen",
    "tocilizumab",
    "siltuximab",
    "anakinra",
    "dexamethasone",
    "methylprednisolone",
]
MASKS = ["simple-mask", "venturi", "non-rebreather", "face-tent", "aerosol-mask"]
POSITIVE_PRESSURE = ["cpap", "bipap", "ventilator"]


def carried(rows: pd.DataFrame, column: str, moments: pd.DatetimeIndex, hours: float) -> pd.Series:
    """The newest value at each moment, while it is not older than `hours`."""
    series = rows.drop_duplicates("measured_at", keep="last").set_index("measured_at")[column].sort_index()
    return series.reindex(moments, method="ffill", tolerance=pd.Timedelta(hours=hours))


def running(rows: pd.DataFrame, drugs: list[str], moments: pd.DatetimeIndex) -> pd.Series:
    """How many of the drugs run at each moment."""
    count = pd.Series(0, index=moments)
    for _, intervals in rows[rows.quantity.isin(drugs)].groupby("quantity"):
        on = pd.Series(0, index=moments)
        for start, end in zip(intervals.measured_at, intervals.measured_until, strict=True):
            on[(moments >= start) & (moments < end)] = 1
        count += on
    return count


def oxygen_grade(device: str | float, flow: float) -> int:
    """Grade of one oxygen state."""
    if device in POSITIVE_PRESSURE:
        return 4
    if device in MASKS or (device == "high-flow-nasal-cannula" and not flow <= 6):
        return 3
    if device in ("nasal-cannula", "high-flow-nasal-cannula"):
        return 3 if flow > 6 else 2
    return 2 if device == "blow-by" else 0


def peak(rows: pd.DataFrame) -> int:
    """The highest grade of one patient; 0 without a therapy or without fever after it."""
    infused = rows.measured_at[rows.quantity == "trigger"]
    if infused.empty:
        return 0
    rows = rows[(rows.measured_at >= infused.min()) & (rows.status != "withdrawn")]
    kinds = dict(tuple(rows.groupby("quantity")))
    nothing = rows.iloc[:0]
    temperature = kinds.get("body-temperature", nothing)
    charted = [temperature, kinds.get("systolic-bp", nothing), kinds.get("oxygen-device", nothing)]
    pressors = rows[rows.quantity.isin([*VASOPRESSORS, "vasopressin"])]
    moments = pd.DatetimeIndex(
        pd.concat([*(each.measured_at for each in charted), pressors.measured_at]).unique()
    ).sort_values()
    at = pd.DataFrame(index=moments)
    at["temperature"] = carried(temperature, "low", moments, STANDS["body-temperature"])
    at["systolic"] = carried(charted[1], "low", moments, STANDS["systolic-bp"])
    at["device"] = carried(charted[2], "text", moments, STANDS["oxygen"])
    at["flow"] = carried(kinds.get("oxygen-flow", nothing), "low", moments, STANDS["oxygen"])
    at["vasopressors"] = running(rows, VASOPRESSORS, moments)
    at["vasopressin"] = running(rows, ["vasopressin"], moments)
    fever = at.temperature >= 38.0
    if not fever.any():
        return 0
    onset = fever.idxmax()
    treated = rows.measured_at[rows.quantity.isin(TREATMENT) & (rows.measured_at >= onset)]
    counts = fever | (at.index >= treated.min()) if len(treated) else fever
    grade = fever.astype(int)
    grade = grade.where(~(at.systolic < 90), 2)
    grade = grade.where(~((at.vasopressors == 1) | (at.vasopressin == 1)), 3)
    grade = grade.where(~(at.vasopressors >= 2), 4)
    oxygen = pd.Series([oxygen_grade(d, f) for d, f in zip(at.device, at.flow, strict=True)], index=at.index)
    worst = pd.concat([grade, oxygen], axis=1).max(axis=1)
    return int(worst[counts & (at.index >= onset)].max())


def course() -> dict[str, int]:
    """Every patient's peak."""
    findings = pd.read_parquet(FINDINGS)
    return {str(patient): peak(rows) for patient, rows in findings.groupby("patient")}


peaks, seconds = timed(course, REPEATS)
rows_read = len(pd.read_parquet(FINDINGS, columns=["low"]))
report(rows_read, seconds, peaks)
