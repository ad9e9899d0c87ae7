"""Where an episode begins, where it has resolved, and what is a recurrence."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from leeward.timeline.columns import counted, true


def with_episodes(rows: ir.Table, quiet_s: int, quiet_masked_s: int) -> ir.Table:
    """Adds `episode` (number within the dose), `onset_s`, `resolved_s`, and `sure_onset_s`, `sure_until_s` to states.

    `rows`: who, dose_s, at_s, held_until_s and the flags (0 or 1) sign, quiet, opens, and masks_s (when a drug
    that hides signs was last given, or null). An episode runs from sign to sign; it has resolved when two quiet
    moments, `quiet_s` apart or more, stand after its last sign with no sign between: it then ends at the first of
    them. Once such a drug was given after the first opening sign, `quiet_masked_s` apart is asked for. Onset is the
    first opening sign of an episode (null: none, so no episode by definition).

    A stretch of the same length without a sure sign, in which nobody saw that it was quiet, may have been a resolution
    too. Between `sure_onset_s` and `sure_until_s` (null: no end) an episode runs whatever was missed.
    """
    upto = ibis.window(group_by=[rows.who, rows.dose_s], order_by=[rows.at_s], rows=(None, 0))
    whole = ibis.window(group_by=[rows.who, rows.dose_s])
    rows = rows.mutate(
        run=counted(rows.sign).over(upto),
        first_opening_s=ibis.ifelse(rows.opens == 1, rows.at_s, None).min().over(whole),
    )
    runs = rows.group_by(["who", "dose_s", "run"]).agg(
        quiet_from_s=ibis.ifelse(rows.quiet == 1, rows.at_s, None).min(),
        quiet_until_s=ibis.ifelse(rows.quiet == 1, rows.held_until_s, None).max(),
        lull_from_s=ibis.ifelse(rows.sign == 0, rows.at_s, None).min(),
        lull_until_s=ibis.ifelse(rows.sign == 0, rows.held_until_s, None).max(),
        masked=true(rows.masks_s >= rows.first_opening_s).max(),
    )
    needed_s = ibis.ifelse(runs.masked == 1, quiet_masked_s, quiet_s)
    runs = runs.mutate(
        closes=true((runs.run > 0) & (runs.quiet_until_s - runs.quiet_from_s >= needed_s)),
        lulls=true((runs.run > 0) & (runs.lull_until_s - runs.lull_from_s >= needed_s)),
    )
    before = ibis.window(group_by=[runs.who, runs.dose_s], order_by=[runs.run], rows=(None, -1))
    runs = runs.mutate(episode=counted(runs.closes).over(before), spell=counted(runs.lulls).over(before))
    runs = runs.mutate(
        episode=ibis.ifelse(runs.run == 0, -1, runs.episode), spell=ibis.ifelse(runs.run == 0, -1, runs.spell)
    )
    one = ibis.window(group_by=[runs.who, runs.dose_s, runs.episode])
    runs = runs.mutate(
        resolved_s=ibis.ifelse(runs.closes == 1, runs.quiet_from_s, None).max().over(one),
        sure_until_s=ibis.ifelse(runs.lulls == 1, runs.lull_from_s, None),
    )
    numbered = rows.drop("first_opening_s").join(
        runs.select("who", "dose_s", "run", "episode", "spell", "resolved_s", "sure_until_s"), ["who", "dose_s", "run"]
    )
    opening_s = ibis.ifelse((numbered.opens == 1) & (numbered.episode >= 0), numbered.at_s, None)
    mine = ibis.window(group_by=[numbered.who, numbered.dose_s, numbered.episode])
    surely = ibis.window(group_by=[numbered.who, numbered.dose_s, numbered.spell])
    return numbered.mutate(onset_s=opening_s.min().over(mine), sure_onset_s=opening_s.min().over(surely)).drop(
        "run", "spell"
    )
