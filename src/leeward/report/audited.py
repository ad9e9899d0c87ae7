"""Looking back, in a terminal: the cohort's figures per step, then each patient's steps while they are few."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from leeward.knowledge.guidelines import Guideline
from leeward.plan.audit import Step, Summary

_PATIENTS_SHOWN = 20


def printed(
    out: Console, of: Guideline, steps: Sequence[Step], summary: Sequence[Summary], within_hours: float | None
) -> None:
    """Prints what became of each step. What is not on record may have been taken all the same."""
    late = f"; later than {within_hours:g} h is called late" if within_hours is not None else ""
    patients = len({step.patient for step in steps})
    title = f"{of.speaks_as}: steps due when a grade was first surely reached, {patients} patients{late}"
    counted = ("due", "taken", "late", "hour_not_known", "given_before", "not_on_record")
    table = Table("grade", "step", *(name.replace("_", " ") for name in counted), "median h", title=title)
    for line in summary:
        hours = "" if line.median_hours is None else f"{line.median_hours:g}"
        table.add_row(str(line.grade), line.says, *(str(getattr(line, name)) for name in counted), hours)
    out.print(table)
    if patients <= _PATIENTS_SHOWN:
        for step in steps:
            hours = "" if step.hours is None else f" after {step.hours:g} h"
            out.print(f"{step.patient}, grade {step.grade} from {step.reached:%Y-%m-%d %H:%M}: {step.says}: "
                      f"{step.verdict}{hours}", markup=False, highlight=False, soft_wrap=True)  # fmt: skip
    out.print("Not on record is not the same as not taken; this counts and does not judge.", style="dim")
