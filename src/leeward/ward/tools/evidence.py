"""The name of what a statement rests on: a finding of the record, or a place in a published source."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pyarrow as pa

from leeward.cohort.answer import Because
from leeward.knowledge.therapies import Rule, catalogue
from leeward.knowledge.vocabulary import quantities
from leeward.ward.alerts.feeds import VITALS
from leeward.ward.alerts.signs import Basis, part

_READ = ("quantity", "measured_at", "low", "high", "text", "source", "place", "status")


def finding_id(quantity: str, at: datetime, value: object, source: str | None, place: str | None) -> str:
    """One finding's name, the same in every tool and every call; it tells nothing of the patient."""
    said = repr((quantity, int(at.timestamp()), value, source, place))
    return "finding/" + hashlib.blake2b(said.encode(), digest_size=8).hexdigest()


def row_id(row: Mapping[str, Any]) -> str:
    """The name of a row of findings."""
    value = row["low"] if row["low"] is not None else row["text"]
    return finding_id(row["quantity"], row["measured_at"], value, row["source"], row["place"])


class Named:
    """The names of one record's findings, by what of them an answer or an alert cites."""

    def __init__(self, findings: pa.Table) -> None:
        self._rows: dict[tuple[str, datetime], list[dict[str, Any]]] = {}
        for row in findings.select(_READ).to_pylist():
            self._rows.setdefault((row["quantity"], row["measured_at"]), []).append(row)

    def of(self, quantity: str, at: datetime, value: object = None, source: str | None = None,
           place: str | None = None) -> str | None:  # fmt: skip
        """The finding of a moment that fits best; None where the record holds none of then.

        What an alert calls by no quantity is the newest vital sign. Of several the one with the same value and place is
        meant, and one that stands before one that was taken back.
        """
        names = (quantity,) if quantity in quantities() else VITALS
        found = [row for name in names for row in self._rows.get((name, at), ())]
        best = max(found, key=lambda row: (value in (row["low"], row["text"]),
                                           (row["source"], row["place"]) == (source, place),
                                           row["status"] != "withdrawn"), default=None)  # fmt: skip
        return None if best is None else row_id(best)

    def because(self, one: Because | Basis) -> dict[str, Any]:
        """A finding that something rests on, with its name."""
        place = (one.source, one.place) if isinstance(one, Because) else (None, None)
        named = self.of(one.quantity, one.at, one.value, *place)
        return {"evidence_id": named, "quantity": one.quantity, "value": _value(one), "unit": one.unit, "at": one.at}


def _value(one: Because | Basis) -> float | str | None:
    """A finding's value; free words of the record are left out here."""
    kind = quantities().get(one.quantity)
    return None if kind is not None and one.unit is None and kind.is_free(one.value) else one.value


def knowledge_id(source: str, row: str = "") -> str:
    """A published statement's name: the file of `definition`, and the row in it."""
    return f"knowledge/{source}#{row}" if row else f"knowledge/{source}"


SYNDROMES = {"crs": "astct-2019-crs", "icans": "astct-2019-icans"}
"""The definition by which each syndrome is graded."""
OF_ICANS = ("icans", "neurological", "ice-score")


def told_by(about: str) -> str:
    """What is published, or set for the ward, of what an alert is about."""
    kind, _, rest = about.partition("/")
    if part(about) == "marked":
        kind = "icans" if rest in OF_ICANS else "crs"
    files = {"open": "astct-2019-crs", "widened": "carry", "silent": "ward", "backlog": "ward"} | SYNDROMES
    if kind in files:
        return knowledge_id(files[kind])
    return knowledge_id("alarms" if kind == "alarm" else "monitoring", rest)


def ruled_by(rule: Rule, product: str | None) -> str:
    """The file of a rule about staying, watching or driving: the product's own, or that of its group."""
    held = next((name for name, item in catalogue().items() if rule in item.rule), product)
    return knowledge_id(held or "")


def lookalike(said: Mapping[str, Any], named: Named) -> dict[str, Any]:
    """One look-alike with the names of the findings and sources that it rests on; what was worked out, by its rule."""
    name = knowledge_id("lookalikes", said["id"])
    sides = {}
    for side in ("speaks_for", "speaks_against"):
        sides[side] = [
            {
                "evidence_id": named.of(row["quantity"], _when(row["at"]), row["value"], **row["record"]) or name,
                "quantity": row["quantity"], "value": row["value"], "unit": row["unit"], "at": row["at"],
                "reason": row["reason"], "published_in": row["source"], "known": row["evidence"],
            }
            for row in said[side]
        ]  # fmt: skip
    return {"id": said["id"], "title": said["title"], "evidence_id": name, **sides,
            "not_known": [{"evidence_id": name, "test": row["title"], "would_settle": row["would_settle"],
                           "published_in": row["source"]} for row in said["not_known"]]}  # fmt: skip


def _when(at: Any) -> datetime:
    """A moment, however it is spelt."""
    return at if isinstance(at, datetime) else datetime.fromisoformat(at)
