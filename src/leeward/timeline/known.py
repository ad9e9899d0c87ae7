"""Which findings were known: as of a moment, newest version, nothing withdrawn."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from leeward.timeline.columns import pick, seconds


def known(
    findings: ir.Table, newest: ir.Table, question: ir.Table, *, dated: bool = True, revised: bool = True
) -> ir.Table:
    """Findings known at the question's moment, each record in its newest version (`newest`), withdrawn ones gone.

    A finding is known from when it reached us, else from when it was reported, else from when it was measured.
    `question` has one row: as_of (null: everything is known).
    `dated` False says that as_of is null, `revised` False that nothing has several versions or was withdrawn: each
    spares every scan a comparison. Adds `at_s` and `until_s`: the measured time in seconds, an interval's end cut at
    the moment.
    """
    rows = _timed(findings, question, dated=dated)
    if not revised:
        return rows
    return rows.filter(~rows.revised & (rows.status != "withdrawn")).union(newest)


def newest(findings: ir.Table, question: ir.Table, *, dated: bool = True) -> ir.Table:
    """Of several versions of one record the newest, by the source's version and not by arrival; none if withdrawn.

    A step of its own, so that the few rows flagged `revised` are looked for once and not with every scan.
    """
    rows = _timed(findings, question, dated=dated)
    return _newest(rows.filter(rows.revised))


def _timed(findings: ir.Table, question: ir.Table, *, dated: bool) -> ir.Table:
    """Findings up to the question's moment, with their times in seconds."""
    if not dated:
        return findings.mutate(at_s=seconds(findings.measured_at), until_s=seconds(findings.measured_until))
    rows = findings.cross_join(question.select("as_of"))
    reached = ibis.coalesce(rows.received_at, rows.reported_at, rows.measured_at)
    rows = rows.filter(rows.as_of.isnull() | ((reached <= rows.as_of) & (rows.measured_at <= rows.as_of)))
    rows = rows.mutate(
        at_s=seconds(rows.measured_at),
        until_s=pick([(rows.measured_until > rows.as_of, ibis.null("int64"))], seconds(rows.measured_until)),
    )
    return rows.drop("as_of")


def _newest(several: ir.Table) -> ir.Table:
    """The newest of several versions of each record."""
    standing = pick(
        [(several.status == "withdrawn", 3), (several.status == "corrected", 2), (several.status == "final", 1)], 0
    )
    several = several.mutate(version_=comparable(several.version), standing=standing)
    record = ibis.window(group_by=[several.patient, several.record])
    # Windows are named before they are filtered on: not every engine can do both at once.
    several = several.mutate(newest=several.version_.max().over(record))
    several = several.filter(several.version_ == several.newest)
    several = several.mutate(
        firmest=several.standing.max().over(ibis.window(group_by=[several.patient, several.record]))
    )
    several = several.filter((several.standing == several.firmest) & (several.status != "withdrawn"))
    return several.drop("version_", "standing", "newest", "firmest")


def comparable(version: ir.StringColumn) -> ir.StringColumn:
    """A version as text that sorts as versions do: numbers by their value, times as they are written."""
    number = version.re_search("^[0-9]+$")
    return ibis.ifelse(number, version.lpad(20, "0"), version).fill_null("")
