"""What was corrected or taken back: the value that stood before, the one that stands now, and when that reached us."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from leeward.timeline.columns import pick, seconds
from leeward.timeline.known import comparable

_STANDING = (("withdrawn", "3"), ("corrected", "2"), ("final", "1"))


def corrections(findings: ir.Table, question: ir.Table) -> ir.Table:
    """One row per record of which two versions were known at the question's moment (as_of; null: everything is).

    Columns: patient, quantity, at_s and low, high, text of the newest version, `withdrawn` (1: it takes the record
    back), known_s (when it reached us), and was_at_s, was_low, was_high, was_text of the version before it.
    """
    rows = _ranked(findings, question)
    newest = rows.filter(rows.rank == rows.newest)
    older = rows.filter((rows.rank < rows.newest) & (rows.status != "withdrawn"))
    older = older.mutate(latest=older["rank"].max().over(ibis.window(group_by=[older.patient, older.record])))
    older = older.filter(older["rank"] == older.latest)
    values = ("at_s", "low", "high", "text")
    before = _one(older).select("patient", "record", **{f"was_{name}": older[name] for name in values})
    pairs = _one(newest).join(before, ["patient", "record"])
    pairs = pairs.mutate(withdrawn=pick([(pairs.status == "withdrawn", 1)], 0))
    same = [pairs[name].identical_to(pairs[f"was_{name}"]) for name in values]
    changed = pairs.filter((pairs.withdrawn == 1) | ~(same[0] & same[1] & same[2] & same[3]))
    return changed.select(
        "patient",
        "quantity",
        "at_s",
        "low",
        "high",
        "text",
        "withdrawn",
        "known_s",
        *(f"was_{name}" for name in values),
    )


def _ranked(findings: ir.Table, question: ir.Table) -> ir.Table:
    """Versions of records known by then: `rank` rises with version and standing, `newest` is a record's highest."""
    rows = findings.filter(findings.revised & findings.record.notnull()).cross_join(question.select("as_of"))
    reached = ibis.coalesce(rows.received_at, rows.reported_at, rows.measured_at)
    rows = rows.filter(rows.as_of.isnull() | (reached <= rows.as_of))
    standing = pick([(rows.status == status, place) for status, place in _STANDING], "0")
    rows = rows.select(
        "patient", "record", "quantity", "status", "low", "high", "text", "place", at_s=seconds(rows.measured_at),
        known_s=seconds(reached), rank=comparable(rows.version).concat(" ", standing),
    )  # fmt: skip
    return rows.mutate(newest=rows["rank"].max().over(ibis.window(group_by=[rows.patient, rows.record])))


def _one(rows: ir.Table) -> ir.Table:
    """One row of each record: a version that says something twice says it once here."""
    order = ibis.window(group_by=[rows.patient, rows.record], order_by=[rows.at_s, rows.place, rows.low, rows.text])
    rows = rows.mutate(nth=ibis.row_number().over(order))
    return rows.filter(rows.nth == 0)
