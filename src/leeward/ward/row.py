"""A patient's row on the board: what a glance must tell, with the age of every number."""

from __future__ import annotations

from typing import Any

from leeward.ward.look import Look


def row_of(look: Look, before: dict[str, Any] | None) -> dict[str, Any]:
    """The row of a look; `before`: the one that stood until now, from which the way a grade went is read."""
    crs, icans = look.answer.now["crs"], look.answer.now["icans"]
    return {
        "at": look.at,
        "crs": [crs.at_least, crs.at_most],
        "icans": [icans.at_least, icans.at_most],
        "missing": {"crs": crs.missing, "icans": icans.missing},
        "before": None if before is None else before.get("crs"),
    }
