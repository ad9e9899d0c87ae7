"""The name of what a statement rests on: a finding of the record, or a place in a published source."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from leeward.cohort.answer import Because
from leeward.knowledge.vocabulary import quantities
from leeward.ward.alerts.signs import Basis


def finding_id(quantity: str, at: datetime, value: object, source: str | None, place: str | None) -> str:
    """One finding's name, the same in every tool and every call; it tells nothing of the patient."""
    said = repr((quantity, int(at.timestamp()), value, source, place))
    return "finding/" + hashlib.blake2b(said.encode(), digest_size=8).hexdigest()


def because(one: Because | Basis, source: str | None = None, place: str | None = None) -> dict[str, Any]:
    """A finding that something rests on, with its name."""
    named = finding_id(one.quantity, one.at, one.value, source, place)
    return {"evidence_id": named, "quantity": one.quantity, "value": _value(one), "unit": one.unit, "at": one.at}


def _value(one: Because | Basis) -> float | str | None:
    """A finding's value; free words of the record are left out here."""
    kind = quantities().get(one.quantity)
    return None if kind is not None and one.unit is None and kind.is_free(one.value) else one.value


def knowledge_id(source: str, row: str = "") -> str:
    """A published statement's name: the file of `definition`, and the row in it."""
    return f"knowledge/{source}#{row}" if row else f"knowledge/{source}"


def lookalike(said: Mapping[str, Any]) -> dict[str, Any]:
    """One look-alike with the names of the findings and sources that it rests on."""
    sides = {}
    for side in ("speaks_for", "speaks_against"):
        sides[side] = [
            {
                "evidence_id": finding_id(row["quantity"], _when(row["at"]), row["value"], **row["record"]),
                "quantity": row["quantity"], "value": row["value"], "unit": row["unit"], "at": row["at"],
                "reason": row["reason"], "published_in": knowledge_id(row["source"]), "known": row["evidence"],
            }
            for row in said[side]
        ]  # fmt: skip
    return {"id": said["id"], "title": said["title"], "evidence_id": knowledge_id("lookalikes", said["id"]), **sides,
            "not_known": [{"test": row["title"], "would_settle": row["would_settle"],
                           "published_in": knowledge_id(row["source"])} for row in said["not_known"]]}  # fmt: skip


def _when(at: Any) -> datetime:
    """A moment, however it is spelt."""
    return at if isinstance(at, datetime) else datetime.fromisoformat(at)
