"""Marks of another cause that stand: which sign, by whom and why, until when, and since when they count here."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from leeward.record.schema import INSTANT
from leeward.ward.standing import Seen, running

QUANTITY = "attribution"


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """A clinician's mark: `sign` (fever, hypotension, hypoxia, neurological) has another cause, as `cause` says.

    until: null where a file brought it in without an end. made_at: when it began to count, or reached us, if later:
    whoever made it knew what was known by then.
    """

    sign: str
    cause: str
    at: datetime
    until: datetime | None
    made_at: datetime
    record: str | None = None
    version: str | None = None
    source: str | None = None

    @property
    def syndrome(self) -> str:
        """Whose grade it takes the sign out of."""
        return "icans" if self.sign == "neurological" else "crs"


def standing_marks(findings: pa.Table, at: datetime) -> tuple[Mark, ...]:
    """The marks that stand at a moment, in the order in which they were made."""
    mine = findings.filter(pc.equal(findings["quantity"], QUANTITY))
    if not mine.num_rows:
        return ()
    rows = mine.select(["measured_at", "received_at", "text", "record", "version", "source"]).to_pylist()
    found = running(mine, at, [QUANTITY], every=True)
    marks = [_mark(one, rows) for one in found if one.until is None or one.until > at]
    return tuple(sorted(marks, key=lambda one: (one.made_at, one.sign)))


def _mark(one: Seen, rows: list[dict[str, Any]]) -> Mark:
    """A mark from the finding that it is, among every version of every mark."""
    sign, _, cause = (one.text or "").partition("=")
    own = next(row for row in reversed(rows) if (row["measured_at"], row["text"]) == (one.at, one.text))
    versions = [row for row in rows if row["record"] == own["record"]] if own["record"] else [own]
    reached_at = min(row["received_at"] or one.at for row in versions)
    return Mark(sign=sign, cause=cause, at=one.at, until=one.until, made_at=max(one.at, reached_at),
                record=own["record"], version=own["version"], source=own["source"])  # fmt: skip


def known_then(findings: pa.Table, at: datetime) -> pa.Table:
    """The findings that had reached us by a moment."""
    return findings.filter(pc.less_equal(findings["received_at"], pa.scalar(at, INSTANT)))


def without(findings: pa.Table) -> pa.Table:
    """The same findings as if nobody had marked anything."""
    return findings.filter(pc.not_equal(findings["quantity"], QUANTITY))
