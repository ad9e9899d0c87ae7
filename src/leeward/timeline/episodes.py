"""Where an episode begins, where it has resolved, and what is a recurrence."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from leeward.timeline.columns import counted, last_known, true
from leeward.timeline.infusions import FOREVER_S

_BEFORE_S = -FOREVER_S
"""Stands for "before any sign"."""


def with_episodes(rows: ir.Table, quiet_s: int, quiet_masked_s: int) -> ir.Table:
    """Adds held_until_s, episode (its number), onset_s, resolved_s, sure_onset_s, sure_until_s to states.

    `rows`: who, dose_s, at_s, as_of_s and the flags (0 or 1) sign, quiet, opens (a sign too), and masks_s (when a drug
    that hides signs was last given, or null). An episode runs from sign to sign, also through a further dose. It has
    resolved when it stayed quiet for `quiet_s` after its last sign: it then ends at the first quiet moment. Once such a
    drug was given after the first opening sign, `quiet_masked_s` is asked for. A dose given while no sign stands ends
    it too: what follows belongs to that dose. Onset is the first opening sign of an episode (null: none, so no episode
    by definition).

    A stretch as long without a sure sign, in which nobody saw that it was quiet, may have been a resolution too.
    Between `sure_onset_s` and `sure_until_s` (null: no end) an episode runs whatever was missed.
    """
    order = ibis.window(group_by=[rows.who], order_by=[rows.at_s])
    begins = (rows.sign == 1) & (rows.sign.lag().over(order).fill_null(0) == 0)
    rows = rows.mutate(held_until_s=rows.at_s.lead().over(order).fill_null(rows.as_of_s), begins=begins)
    upto = ibis.window(group_by=[rows.who], order_by=[rows.at_s], rows=(None, 0))
    run = last_known(ibis.ifelse(rows.begins, rows.at_s, None), upto).fill_null(_BEFORE_S)
    rows = rows.mutate(run=run)
    runs = _spells(_runs(rows), quiet_s, quiet_masked_s)
    numbered = rows.drop("begins").join(
        runs.select("who", "run", "episode", "onset_s", "resolved_s", "sure_onset_s", "sure_until_s"), ["who", "run"]
    )
    return numbered.drop("run")


def _runs(rows: ir.Table) -> ir.Table:
    """A row per run of signs with what follows until the next: when it was quiet, when no sign stood, when dosed.

    `run`: when it began; `_BEFORE_S` before any sign.
    """
    lull = rows.sign == 0
    return rows.group_by(["who", "run"]).agg(
        quiet_from_s=ibis.ifelse(rows.quiet == 1, rows.at_s, None).min(),
        quiet_until_s=ibis.ifelse(rows.quiet == 1, rows.held_until_s, None).max(),
        lull_from_s=ibis.ifelse(lull, rows.at_s, None).min(),
        lull_until_s=ibis.ifelse(lull, rows.held_until_s, None).max(),
        dosed_s=ibis.ifelse(lull & (rows.at_s == rows.dose_s), rows.at_s, None).min(),
        masks_s=rows.masks_s.max(),
        opening_s=ibis.ifelse(rows.opens == 1, rows.at_s, None).min(),
    )


def _spells(runs: ir.Table, quiet_s: int, quiet_masked_s: int) -> ir.Table:
    """Runs put together to episodes (seen to end) and spells (which may have ended)."""
    first_s = runs.opening_s.min().over(ibis.window(group_by=[runs.who]))
    runs = runs.mutate(needed_s=ibis.ifelse(true(runs.masks_s >= first_s) == 1, quiet_masked_s, quiet_s))
    begun, dosed = runs.run > _BEFORE_S, runs.dosed_s.notnull()
    runs = runs.mutate(
        closes=true(begun & ((runs.quiet_until_s - runs.quiet_from_s >= runs.needed_s) | dosed)),
        lulls=true(begun & ((runs.lull_until_s - runs.lull_from_s >= runs.needed_s) | dosed)),
    )
    before = ibis.window(group_by=[runs.who], order_by=[runs.run], rows=(None, -1))
    runs = runs.mutate(episode=counted(runs.closes).over(before), spell=counted(runs.lulls).over(before))
    runs = runs.mutate(
        episode=ibis.ifelse(runs.run == _BEFORE_S, -1, runs.episode),
        spell=ibis.ifelse(runs.run == _BEFORE_S, -1, runs.spell),
    )
    one = ibis.window(group_by=[runs.who, runs.episode])
    ended_s = ibis.least(ibis.coalesce(runs.quiet_from_s, runs.dosed_s), ibis.coalesce(runs.dosed_s, runs.quiet_from_s))
    opening_s = ibis.ifelse(runs.episode >= 0, runs.opening_s, None)
    return runs.mutate(
        onset_s=opening_s.min().over(one),
        sure_onset_s=opening_s.min().over(ibis.window(group_by=[runs.who, runs.spell])),
        resolved_s=ibis.ifelse(runs.closes == 1, ended_s, None).max().over(one),
        sure_until_s=ibis.ifelse(runs.lulls == 1, runs.lull_from_s, None),
    )
