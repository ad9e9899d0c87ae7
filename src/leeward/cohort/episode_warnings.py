"""What a reader of an episode is warned of, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from leeward.knowledge.definition import decided
from leeward.scales import astct_2019_crs, astct_2019_icans, older_crs
from leeward.timeline.exposures import DAY_S

_SAYS = {
    "inotrope-not-counted": "dobutamine or milrinone ran; inotropes are not counted as vasopressors",
    "infusion-without-end": (
        "a vasopressor infusion has no charted end; it is possible, not sure, until it is charted again"
    ),
    "rests-on-preliminary": "rests on preliminary results",
    "corrected": "a result was corrected after it was first reported; the corrected one is used",
}


ESTIMATED = "the oxygen fraction was estimated from device and flow where none was charted"


def warnings(row: dict[str, Any], rows: Mapping[str, list[dict[str, Any]]]) -> list[str]:
    """In words: late onset, masked fever, recurrence, death, notes on findings within the episode."""
    limits = astct_2019_crs.limits() if row["syndrome"] == "crs" else astct_2019_icans.limits()
    said = []
    days = (row["onset_s"] - row["dose_s"]) / DAY_S
    late = decided(limits.decisions, "late-onset")
    if days > late:
        said.append(f"late onset: day {days:.0f} after the therapy, usually within {late:.0f}; look for other causes")
    if row["masked"]:
        said.append("possible masked CRS: a drug that lowers fever was given before, and no fever was charted")
    elif row["syndrome"] == "crs" and row["masks_s"] is not None and row["masks_s"] >= row["onset_s"]:
        said.append("fever is masked: an antipyretic, anticytokine drug or steroid was given after onset")
    if any(one["dose_s"] == row["dose_s"] and one["onset_s"] < row["onset_s"] for one in _same(rows["episodes"], row)):
        said.append(
            "recurrence after an earlier episode of the same dose had resolved; screen again for infection and IEC-HS"
        )
    if row["died"]:
        said.append("death during this episode, cause not stated or stated as this syndrome")
    end_s = row["resolved_s"] or row["as_of_s"]
    if row["syndrome"] == "crs":
        said += [
            _SAYS[note["note"]]
            for note in sorted(rows["noted"], key=str)
            if row["onset_s"] - DAY_S <= note["at_s"] <= end_s
        ]
        estimated = [moment for moment in rows.get("estimated", []) if row["onset_s"] <= moment["at_s"] <= end_s]
        said += [ESTIMATED] if estimated and row["scale"] in older_crs.BY_FRACTION else []
    return said


def _same(episodes: list[dict[str, Any]], row: dict[str, Any]) -> list[dict[str, Any]]:
    """The episodes of the same syndrome on the same scale."""
    return [one for one in episodes if (one["syndrome"], one["scale"]) == (row["syndrome"], row["scale"])]
