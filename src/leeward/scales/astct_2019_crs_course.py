"""The ASTCT CRS course: the rule asked twice at every moment, with what is missing at its mildest and at its worst."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from leeward.knowledge.definition import decided
from leeward.scales import astct_2019_crs as astct
from leeward.scales.course import flags, handed_over
from leeward.timeline.columns import pick, true
from leeward.timeline.episodes import with_episodes
from leeward.timeline.exposures import DAY_S
from leeward.timeline.settings import HOUR_S

STALE = ("body-temperature", "systolic-bp", "oxygen")
"""Behind the first bits of `unknown`: what was not charted, or too long ago."""

MISSING = ("body-temperature", "systolic-bp", "oxygen-device", "oxygen-flow", "age-years", "cause-of-death",
           "vasopressor-end", "masked-fever")  # fmt: skip
"""Behind the bits that follow: the inputs that would narrow the range if they were known."""


def graded(signs: ir.Table, limits: astct.Limits) -> ir.Table:
    """Signs (`crs_signs.carried`) as grades: columns GRADED."""
    rows = signs.join(_episodes(signs, limits), ["who", "at_s"])
    rows = rows.mutate(charted=ibis.greatest(rows.charted, rows.death_high), masks_s=rows.masks_sure_s)
    return _range(rows, limits)


def _episodes(signs: ir.Table, limits: astct.Limits) -> ir.Table:
    """When episodes begin and end, beside each moment; only the columns that this asks for are sorted."""
    high = signs.fever_high + signs.hypotension_high + signs.vasopressors_high + signs.oxygen_high + signs.death_high
    rows = signs.select(
        "who", "dose_s", "at_s", "as_of_s", "masks_possible_s",
        sign=true((signs.fever_low + signs.hypotension_low + signs.vasopressors_low + signs.oxygen_low) > 0),
        quiet=true(high == 0), opens=signs.fever_low, masks_s=signs.masks_sure_s,
    )  # fmt: skip
    hours = {name: int(decided(limits.decisions, name) * HOUR_S) for name in ("resolution", "resolution-masked")}
    rows = _masked(with_episodes(rows, hours["resolution"], hours["resolution-masked"]), limits)
    hidden = rows.filter((rows.sign == 1) & (rows.maybe == 1) & (rows.unseen == 1))
    hidden = hidden.group_by(["who", "episode"]).agg(first_sign_s=hidden.at_s.min())
    rows = rows.left_join(hidden, ["who", "episode"], rname="{name}_hidden")
    return rows.select(
        "who", "at_s", "held_until_s", "episode", "onset_s", "resolved_s", "sure_onset_s", "sure_until_s", "open",
        "maybe", "first_sign_s",
    )  # fmt: skip


def _masked(rows: ir.Table, limits: astct.Limits) -> ir.Table:
    """Adds `open` (the episode runs, fever seen) and `maybe` (a drug given before may be hiding the fever)."""
    back_s = int(decided(limits.decisions, "masking-before") * HOUR_S)
    late_s = int(decided(limits.decisions, "late-onset") * DAY_S)
    running = rows.resolved_s.isnull() | (rows.at_s < rows.resolved_s)
    seen = rows.onset_s.notnull() & (rows.at_s >= rows.onset_s)
    # Before any sign (episode -1) a drug may hide one as well.
    unseen = rows.onset_s.isnull() | (rows.at_s < rows.onset_s) | (rows.episode < 0)
    hidden = running & (rows.masks_possible_s >= rows.dose_s - back_s) & (rows.at_s <= rows.dose_s + late_s)
    return rows.mutate(open=true(seen & running & (rows.episode >= 0)), maybe=true(hidden), unseen=true(unseen))


def _range(rows: ir.Table, limits: astct.Limits) -> ir.Table:
    """The grade's bounds, and everything the course needs beside them."""
    sure = (rows.at_s >= rows.sure_onset_s) & (rows.sure_until_s.isnull() | (rows.at_s < rows.sure_until_s))
    waived = true(sure & (rows.open == 1) & (rows.masks_from_s >= rows.sure_onset_s))
    waived_maybe = true((rows.open == 1) & (rows.masks_possible_s >= rows.onset_s))
    supported = true((rows.hypotension_high + rows.vasopressors_high + rows.oxygen_high) > 0)
    least = astct.State(
        ibis.greatest(rows.fever_low, waived), rows.hypotension_low, rows.vasopressors_low, rows.oxygen_low,
        rows.death_low * rows.open,
    )  # fmt: skip
    most = astct.State(
        ibis.greatest(rows.fever_high, waived_maybe, rows.maybe * supported),
        rows.hypotension_high, rows.vasopressors_high, rows.oxygen_high,
        ibis.greatest(rows.death_low, rows.death_high * rows.open),
    )  # fmt: skip
    # An unknown pressure is at its worst low, which a vasopressor that runs outweighs.
    at_least, at_most = astct.grade(least, limits), astct.grade(most, limits)
    rows = rows.mutate(at_least=at_least, at_most=ibis.greatest(at_least, at_most))
    stale = [1 - rows.fever_known, 1 - rows.pressure_known, 1 - rows.oxygen_known]
    return handed_over(rows.mutate(
        observed=ibis.greatest(rows.fever_known, rows.pressure_known, rows.oxygen_known),
        unknown=flags(*stale, *_missing(rows, least, most, limits)),
        masked=true(rows.onset_s.isnull() & rows.first_sign_s.notnull()),
        died=pick([(rows.death_high == 1, 1)], 0),
    ), "crs", limits.scale)  # fmt: skip


def _missing(rows: ir.Table, least: astct.State, most: astct.State, limits: astct.Limits) -> list[ir.IntegerColumn]:
    """A flag for each of MISSING: 1 where the range is open and knowing this input would narrow it."""
    pressure_open = true((rows.hypotension_low != rows.hypotension_high) & (rows.vasopressors_low == 0))
    oxygen_open = true(rows.oxygen_low != rows.oxygen_high)
    # A cannula whose flow was not charted lies between low and high flow; anything wider lacks the device.
    flow_only = true((rows.oxygen_low == limits.grades.low_flow) & (rows.oxygen_high == limits.grades.high_flow))
    return [
        (1 - rows.fever_known) * true(least.fever != most.fever),
        pressure_open * (1 - rows.pressure_known),
        oxygen_open * (1 - flow_only * rows.oxygen_known),
        oxygen_open * flow_only * rows.oxygen_known,
        pressure_open * rows.pressure_known,
        (rows.death_high - rows.death_low) * rows.open,
        true(rows.vasopressors_low != rows.vasopressors_high),
        rows.maybe * rows.fever_known * true(least.fever != most.fever),
    ]
