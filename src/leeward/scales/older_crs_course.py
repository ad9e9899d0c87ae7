"""The course of any scale older than ASTCT: its rule asked twice at every moment, mild and worst."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import ibis
import ibis.expr.types as ir

from leeward.knowledge import Evidence
from leeward.knowledge.definition import decided
from leeward.scales import astct_2019_crs as astct
from leeward.scales.course import handed_over
from leeward.scales.older_crs_state import MISSING, PARTS, State
from leeward.timeline.columns import nothing, true
from leeward.timeline.episodes import with_episodes
from leeward.timeline.exposures import DAY_S
from leeward.timeline.settings import HOUR_S

_DEATH = 2 ** MISSING.index("cause-of-death")
_ORGANS = ("kidney", "bilirubin", "transaminases", "coagulopathy")


class Scale(NamedTuple):
    """A published grading as the course needs it."""

    id: str
    grade: Callable[[State], Any]  # the rule, its limits bound
    asks: tuple[str, ...]  # the inputs of older_crs_state.MISSING that can move it
    evidence: Evidence  # of its weakest number
    organs_open_days: float | None = None  # until when organ toxicity alone opens an episode (null: never)


def opened(states: ir.Table, limits: astct.Limits, organs_open_days: float | None) -> ir.Table:
    """Adds the episodes: with `organs_open_days`, organ toxicity within so many days is a sign of its own."""
    rows = states.join(_episodes(states, limits, organs_open_days), ["who", "at_s"])
    running = rows.resolved_s.isnull() | (rows.at_s < rows.resolved_s)
    begun = rows.onset_s.notnull() & (rows.at_s >= rows.onset_s) & (rows.episode >= 0)
    surely = begun & (rows.at_s >= rows.sure_onset_s) & (rows.sure_until_s.isnull() | (rows.at_s < rows.sure_until_s))
    early = true(rows.at_s <= rows.dose_s + int((organs_open_days or 0) * DAY_S)) * int(organs_open_days is not None)
    rows = rows.mutate(open=true(running & begun), surely_open=true(running & surely), early=early)
    suspected = ibis.greatest(rows.open, true(_signs(rows, "high") > 0))
    return rows.mutate(
        organs_low=ibis.greatest(rows.surely_open, rows.early), organs_high=ibis.greatest(suspected, rows.early)
    )


def _episodes(states: ir.Table, limits: astct.Limits, organs_open_days: float | None) -> ir.Table:
    """When episodes begin and end, beside each moment; only the columns that this asks for are sorted."""
    low, high = _signs(states, "low"), _signs(states, "high")
    if organs_open_days is not None:
        early = true(states.at_s <= states.dose_s + int(organs_open_days * DAY_S))
        toxic = true((states.kidney_low + states.bilirubin_low + states.transaminases_low) > 0)
        low, high = low + toxic * early, high + toxic * early
    rows = states.select(
        "who", "dose_s", "at_s", "as_of_s",
        sign=true(low > 0), quiet=true((high + states.death_high) == 0), opens=true(low > 0),
        masks_s=states.masks_sure_s,
    )  # fmt: skip
    hours = {name: int(decided(limits.decisions, name) * HOUR_S) for name in ("resolution", "resolution-masked")}
    rows = with_episodes(rows, hours["resolution"], hours["resolution-masked"])
    return rows.drop("dose_s", "as_of_s", "sign", "quiet", "opens")


def _signs(rows: ir.Table, side: str) -> Any:
    """How many of the signs that every scale counts are there."""
    return rows[f"fever_{side}"] + rows[f"hypotension_{side}"] + rows[f"vasopressor_{side}"] + rows[f"support_{side}"]


def graded(rows: ir.Table, scale: Scale) -> ir.Table:
    """One scale's grades at every moment (columns GRADED). `rows`: see `opened`."""
    at_least, at_most = scale.grade(_state(rows, "low")), scale.grade(_state(rows, "high"))
    rows = rows.mutate(at_least=at_least, at_most=ibis.greatest(at_least, at_most))
    asked = sum(2**place for place, name in enumerate(MISSING) if name in (*scale.asks, "cause-of-death"))
    return handed_over(rows.mutate(
        observed=ibis.greatest(rows.fever_known, rows.pressure_known, rows.oxygen_known),
        unknown=(rows.unknown + (rows.death_high - rows.death_low) * rows.open * _DEATH) & asked,
        first_sign_s=nothing(), masked=ibis.literal(0, "int64"), died=rows.death_high,
    ), "crs", scale.id)  # fmt: skip


def _state(rows: ir.Table, side: str) -> State:
    """The moment at its mildest or at its worst, with what the open episode adds."""
    if side == "low":
        treated = true((rows.surely_open == 1) & (rows.masks_from_s >= rows.sure_onset_s))
    else:
        treated = true((rows.open == 1) & (rows.masks_possible_s >= rows.onset_s))
    parts = {name: rows[f"{name}_{side}"] for name in PARTS if name != "treated"}
    parts |= {name: parts[name] * rows[f"organs_{side}"] for name in _ORGANS}
    parts["death"] = parts["death"] * rows.open
    return State(**{**parts, "fever": ibis.greatest(parts["fever"], treated), "treated": treated})
