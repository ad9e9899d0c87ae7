"""Marks of another cause that stand: which sign, by whom and why, until when, and since when they count here."""

from __future__ import annotations

from datetime import datetime

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

    @property
    def syndrome(self) -> str:
        """Whose grade it takes the sign out of."""
        return "icans" if self.sign == "neurological" else "crs"


def standing_marks(findings: pa.Table, at: datetime) -> tuple[Mark, ...]:
    """The marks that stand at a moment, in the order in which they were made."""
    mine = findings.filter(pc.equal(findings["quantity"], QUANTITY))
    if not mine.num_rows:
        return ()
    received: dict[datetime, datetime] = {}
    for measured_at, received_at in zip(mine["measured_at"].to_pylist(), mine["received_at"].to_pylist(), strict=True):
        received[measured_at] = min(received.get(measured_at, received_at or measured_at), received_at or measured_at)
    found = running(mine, at, [QUANTITY], every=True)
    marks = [_mark(one, received[one.at]) for one in found if one.until is None or one.until > at]
    return tuple(sorted(marks, key=lambda one: (one.made_at, one.sign)))


def _mark(one: Seen, received_at: datetime) -> Mark:
    """A mark from the finding that it is."""
    sign, _, cause = (one.text or "").partition("=")
    return Mark(sign=sign, cause=cause, at=one.at, until=one.until, made_at=max(one.at, received_at))


def known_then(findings: pa.Table, at: datetime) -> pa.Table:
    """The findings that had reached us by a moment."""
    return findings.filter(pc.less_equal(findings["received_at"], pa.scalar(at, INSTANT)))


def without(findings: pa.Table) -> pa.Table:
    """The same findings as if nobody had marked anything."""
    return findings.filter(pc.not_equal(findings["quantity"], QUANTITY))
