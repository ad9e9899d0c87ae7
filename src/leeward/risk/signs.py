"""Signs that are there or not: the Fred Hutch trees (Hay 2017, Gust 2017), tumour burden, temperature rules."""

from __future__ import annotations

import ibis

from leeward.risk.definitions import Rule
from leeward.risk.outcome import STILL, Found, counted, every
from leeward.scales.bands import Part
from leeward.scales.outcome import part
from leeward.scales.score_inputs import At
from leeward.timeline.settings import HOUR_S


def hay(at: At, rule: Rule) -> Found:
    """Fever within 36 h, then MCP-1."""
    return _tree(at, rule, "fever", "mcp-1")


def gust(at: At, rule: Rule) -> Found:
    """Fever within 36 h, IL-6 and MCP-1."""
    return _tree(at, rule, "fever", "il-6", "mcp-1")


def _tree(at: At, rule: Rule, *names: str) -> Found:
    """All of its signs; a fever first reached after the hours of the rule does not make it fire."""
    rows = at.rows
    whole = every([part(at, rule, name) for name in names])
    early = rows.moment_s - rows.infusion_s < int(rule.number("within_hours") * HOUR_S)
    waits = {STILL: early.fill_null(True) & (whole.at_least < whole.at_most)}
    late = at.span("temperature-later")
    fired = part(at, rule, "fever").at_most > 0
    later = late.low.notnull() & (part(at, rule, "late-fever").at_least > 0) & ~fired
    return counted(Part(whole.at_least, whole.at_most, {**whole.lacks, **waits}), notes={"low-by-rule": later})


def charted(at: At, rule: Rule) -> Found:
    """The one sign of a rule that has one."""
    [item] = rule.items
    return counted(part(at, rule, item.id))


def over_normal(at: At, rule: Rule) -> Found:
    """LDH over its laboratory's upper limit of normal, and where there is one the share of liver."""
    ldh, upper = at.span("ldh"), at.span("ldh-upper-limit")
    low, high = ldh.low / upper.high, ldh.high / upper.low
    over = part(at, rule, "over-normal", ldh._replace(low=low, high=high))
    lacks = {"ldh": ldh.low.isnull(), "ldh-upper-limit": upper.low.isnull()}
    open_ = over.at_least < over.at_most
    parts = [Part(over.at_least, over.at_most, {name: gone & open_ for name, gone in lacks.items()})]
    parts += [part(at, rule, item.id) for item in rule.items if item.quantity]
    merged = {name: gone for one in parts for name, gone in one.lacks.items()}
    least, most = ibis.literal(0), ibis.literal(0)
    for one in parts:
        least, most = least + one.at_least, most + one.at_most
    return counted(Part(least, most, merged))


def high_fever_twice(at: At, _: Rule) -> Found:
    """Two temperatures of the rule's height within its hours; a gap in charting leaves it open."""
    twice, after = at.span("high-fever-twice"), at.span("temperature-after")
    watched = after.high < float("inf")
    least = twice.low.fill_null(0.0)
    most = ibis.ifelse(watched.fill_null(False), ibis.greatest(twice.high, least), 1.0)
    return counted(Part(least, most, {"body-temperature": least < most}))


def own_temperature(at: At, _: Rule) -> Found:
    """Above the patient's own baseline; without a baseline it cannot be told."""
    span = at.span("own-temperature")
    least, most = span.low.fill_null(0.0), span.high.fill_null(1.0)
    return counted(Part(least, most, {"body-temperature": least < most}), notes={"too-few-readings": span.low.isnull()})


def volume(at: At, _: Rule) -> Found:
    """A volume as it stands on record."""
    span = at.span("metabolic-tumour-volume")
    value = ibis.ifelse(span.low == span.high, span.low, None)
    return Found(span.low, span.high, value, {"metabolic-tumour-volume": span.low.isnull()})
