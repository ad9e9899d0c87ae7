"""The table of cases/hl7.md: a segment in, what is kept of it out."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from leeward.ward.clock import SetClock
from leeward.ward.hl7.vocabulary import vocabulary
from leeward.ward.settings import WardSettings
from leeward.ward.world import World
from tests.cases.parse import Row, tables

from .hl7_messages import PID, message, obr, obx, receiver, told, with_hl7

ROOT = Path(__file__).parents[2]
FILE = ROOT / "cases" / "hl7.md"
CASES = [(table.headings[-1], line, row) for table in tables(FILE) for line, row in table.rows]


def sent(heading: str, row: Row) -> bytes:
    """The message of a row."""
    if heading.startswith("Results"):
        result = obx(row["value"], row["unit"], code=row["code"], kind=row["type"], status=row["status"],
                     usual=row["normal"], flag=row["flag"])  # fmt: skip
        return message(PID, obr(), result)
    if heading.startswith("Times"):
        return message(PID, obr(taken=""), obx("12", at=row["time"]))
    if heading.startswith("Doses"):
        fields = [
            "1",
            "1",
            "20260305100000",
            row["end"],
            row["drug"],
            row["amount"],
            row["unit"],
            *[""] * 4,
            row["per"],
        ]
        given = "|".join(["RXA", *fields, *[""] * 7, row["done"], row["action"]])
        return message(PID, "ORC|RE||O1", given, kind="RAS^O17", sender="PHARMACY")
    return message(f"PID|1||{row['PID-3']}", obr(), obx("12"))


def amount(row: dict[str, Any]) -> str:
    """A finding's value in words."""
    low, high = row["low"], row["high"]
    if low is None:
        is_drug = row["quantity"] in ("tocilizumab", "norepinephrine")
        return " of unknown amount" if is_drug else f" {row['text']}" if row["text"] else ""
    return f" {low:g}" if low == high else f" at most {high:g}" if math.isinf(low) else f" at least {low:g}"


def kept(world: World, heading: str) -> Iterator[str]:
    """Everything the store holds, in the words of the table."""
    patients = [held.patient for held in world.store.patients()]
    if heading.startswith("Whose"):
        yield from patients
        return
    known = world.store.known(patients)
    for row in sorted(known.findings.to_pylist(), key=lambda row: str(row["quantity"])):
        state = "" if row["status"] == "final" else f" ({row['status']})"
        running = ", running" if row["quantity"] == "norepinephrine" and row["measured_until"] is None else ""
        yield f"{row['quantity']}{amount(row)}{when(row) if heading.startswith('Times') else ''}{running}{state}"
    yield from known.refusals["reason"].to_pylist()


def when(row: dict[str, Any]) -> str:
    """The time of a finding in words."""
    first, last = (at and datetime.strftime(at, "%Y-%m-%dT%H:%M") for at in (row["measured_at"], row["measured_until"]))
    return f" at {first}" if last is None else f" from {first} to {last}"


@pytest.mark.parametrize(("heading", "line", "row"), CASES, ids=[f"{line}: {row['case']}" for _, line, row in CASES])
def test_hl7(heading: str, line: int, row: Row, settings: WardSettings, clock: SetClock) -> None:
    """What a segment becomes."""
    world = World(with_hl7(settings), clock)
    answer = told(receiver(world).receive(sent(heading, row)))[0]
    becomes = "; ".join(kept(world, heading)) or answer[1]
    assert becomes == row["becomes"], f"hl7.md:{line}"
    world.engine.dispose()


def test_the_page_lists_every_reason() -> None:
    """What docs/hl7.md tells an integrator is what is answered."""
    printed = [row for table in tables(ROOT / "docs" / "hl7.md") for _, row in table.rows if "in words" in row]
    told_ = [(row["reason"].strip("`"), row["answer"], int(row["code"]), row["in words"]) for row in printed]
    assert told_ == [(name, one.answer, one.code, one.says) for name, one in vocabulary().refusal.items()]
