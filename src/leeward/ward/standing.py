"""The last value of each quantity, and what runs, as known at a moment: quick enough for every row of every pass.

The same reading as timeline/known.py, for one patient's findings that are in memory already: of a record with several
versions the newest counts, and nothing that was withdrawn. A test holds the two to each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from leeward.record.schema import INSTANT

NUMBER_LETTERS = 20
"""Numbers among versions are compared as if written with so many figures."""
_STANDING = {"withdrawn": 3, "corrected": 2, "final": 1}
_READ = ("quantity", "measured_at", "measured_until", "low", "high", "text", "status", "record", "version")
LATEST = (
    "body-temperature", "systolic-bp", "diastolic-bp", "mean-bp", "oxygen-device", "oxygen-flow", "fio2", "spo2",
    "ice-score", "capd-score", "consciousness", "heart-rate", "respiratory-rate", "age-years", "birth-date",
)  # fmt: skip
"""What a row shows the last value of, or says to be missing."""


class Seen(msgspec.Struct, frozen=True, omit_defaults=True):
    """A finding as a row shows it: its bounds or its word, from when, and to when it was charted to last."""

    quantity: str
    at: datetime
    low: float | None = None
    high: float | None = None
    text: str | None = None
    until: datetime | None = None


def standing(findings: pa.Table, at: datetime) -> dict[str, Seen]:
    """The last of each quantity of LATEST, by quantity."""
    rows = _current(_of(findings, LATEST, at), newest_only=True)
    made: dict[str, Seen] = {}
    for row in rows:
        held = made.get(row["quantity"])
        if held is None or row["measured_at"] >= held.at:
            made[row["quantity"]] = _seen(row)
    return made


def running(findings: pa.Table, at: datetime, quantities: Sequence[str], *, every: bool = False) -> Iterator[Seen]:
    """Infusions that run at a moment, each at its last rate; `every`: each giving of each quantity instead."""
    rows = sorted(_current(_of(findings, quantities, at)), key=lambda row: (row["quantity"], row["measured_at"]))
    if every:
        yield from map(_seen, rows)
        return
    for row in {row["quantity"]: row for row in rows}.values():
        ended = row["measured_until"] is not None and row["measured_until"] <= at
        if not ended and row["high"] != 0:
            yield _seen(row)


def _of(findings: pa.Table, quantities: Iterable[str], at: datetime) -> pa.Table:
    """The findings of some quantities that were measured by then."""
    wanted = pc.is_in(findings["quantity"], pa.array(list(quantities)))
    return findings.filter(pc.and_(wanted, pc.less_equal(findings["measured_at"], pa.scalar(at, INSTANT))))


def _current(findings: pa.Table, *, newest_only: bool = False) -> list[dict[str, Any]]:
    """What stands of them; `newest_only`: of what was never revised, only the last moment of each quantity."""
    plain = findings.filter(pc.and_(pc.invert(findings["revised"]), pc.not_equal(findings["status"], "withdrawn")))
    if newest_only and plain.num_rows:
        last = plain.group_by("quantity").aggregate([("measured_at", "max")])
        plain = plain.join(last, "quantity", join_type="inner")
        plain = plain.filter(pc.equal(plain["measured_at"], plain["measured_at_max"]))
    revised = findings.filter(findings["revised"])
    by_record: dict[str, list[dict[str, Any]]] = {}
    for row in revised.select(_READ).to_pylist():
        by_record.setdefault(row["record"], []).append(row)
    made: list[dict[str, Any]] = plain.select(_READ).to_pylist()
    for versions in by_record.values():
        made += _newest(versions)
    return made


def _newest(versions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of several versions of one record the newest, by the source's version; none if that was withdrawn."""
    best = max(_rank(row) for row in versions)
    return [row for row in versions if _rank(row) == best and row["status"] != "withdrawn"]


def _rank(row: dict[str, Any]) -> tuple[str, int]:
    """Versions as they sort: numbers by value, times as written; of equals the firmer status."""
    version = row["version"] or ""
    return version.zfill(NUMBER_LETTERS) if version.isdecimal() else version, _STANDING.get(row["status"], 0)


def _seen(row: dict[str, Any]) -> Seen:
    """A row of findings."""
    return Seen(row["quantity"], row["measured_at"], row["low"], row["high"], row["text"], row["measured_until"])
