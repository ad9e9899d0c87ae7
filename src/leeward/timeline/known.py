"""Which findings were known: as of a moment, newest version, nothing withdrawn."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from leeward.timeline.columns import pick, seconds


def known(findings: ir.Table, question: ir.Table, *, dated: bool = True) -> ir.Table:
    """Findings known at the question's moment, each record in its newest version, withdrawn ones gone.

    A finding is known from when it reached us, else from when it was reported, else from when it was measured.
    `question` has one row: as_of (null: everything is known).
    `dated` False says that as_of is null, which spares every scan the comparison. Adds `at_s` and `until_s`: the
    measured time in seconds, an interval's end cut at the moment.
    """
    if not dated:
        return _newest(findings.mutate(at_s=seconds(findings.measured_at), until_s=seconds(findings.measured_until)))
    rows = findings.cross_join(question.select("as_of"))
    reached = ibis.coalesce(rows.received_at, rows.reported_at, rows.measured_at)
    rows = rows.filter(rows.as_of.isnull() | ((reached <= rows.as_of) & (rows.measured_at <= rows.as_of)))
    rows = rows.mutate(
        at_s=seconds(rows.measured_at),
        until_s=pick([(rows.measured_until > rows.as_of, ibis.null("int64"))], seconds(rows.measured_until)),
    )
    return _newest(rows.drop("as_of"))


def _newest(rows: ir.Table) -> ir.Table:
    """Of several versions of one record the newest, by the source's version and not by arrival; none if withdrawn.

    Only rows flagged `revised` can have versions, so the others pass without a sort.
    """
    certain = rows.filter(~rows.revised & (rows.status != "withdrawn"))
    several = rows.filter(rows.revised)
    standing = pick(
        [(several.status == "withdrawn", 3), (several.status == "corrected", 2), (several.status == "final", 1)], 0
    )
    several = several.mutate(version_=_comparable(several.version), standing=standing)
    record = ibis.window(group_by=[several.patient, several.record])
    # Windows are named before they are filtered on: not every engine can do both at once.
    several = several.mutate(newest=several.version_.max().over(record))
    several = several.filter(several.version_ == several.newest)
    several = several.mutate(
        firmest=several.standing.max().over(ibis.window(group_by=[several.patient, several.record]))
    )
    several = several.filter((several.standing == several.firmest) & (several.status != "withdrawn"))
    several = several.drop("version_", "standing", "newest", "firmest")
    return certain.union(several)


def _comparable(version: ir.StringColumn) -> ir.StringColumn:
    """A version as text that sorts as versions do: numbers by their value, times as they are written."""
    number = version.re_search("^[0-9]+$")
    return ibis.ifelse(number, version.lpad(20, "0"), version).fill_null("")
