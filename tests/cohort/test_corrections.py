"""`corrections` of an answer: what was replaced or taken back, from a cohort and from one patient's engine alike."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import msgspec
import pyarrow as pa
import pytest

from leeward.cohort.answer import Answer, Correction, answer, units
from leeward.cohort.bedside import Bedside
from leeward.cohort.engine import Question, answered, connect, run, tables
from leeward.record.schema import FINDING

GIVEN = datetime(2026, 3, 1, tzinfo=UTC)
TAKEN = GIVEN + timedelta(days=2)
KNOWN = TAKEN + timedelta(hours=3)


def version(number: int, low: float | None, status: str, **more: Any) -> dict[str, Any]:
    """One version of a temperature, each an hour after the one before."""
    known = TAKEN + timedelta(hours=number)
    return {
        "patient": "p", "quantity": "body-temperature", "measured_at": TAKEN, "received_at": known, "low": low,
        "high": low, "status": status, "record": "r", "version": str(number), "revised": True, "source": "test", **more,
    }  # fmt: skip


THERAPY = {
    "patient": "p", "quantity": "trigger", "measured_at": GIVEN, "text": "tisagenlecleucel", "status": "final",
    "revised": False, "source": "test",
}  # fmt: skip


@cache
def bedside() -> Bedside:
    """One warm engine for one patient at a time."""
    return Bedside()


def answers(*versions: dict[str, Any], as_of: datetime | None = None) -> list[Answer]:
    """The same patient's answer from the engine of a cohort, and from that of one patient."""
    findings, question = pa.Table.from_pylist([THERAPY, *versions], FINDING), Question(as_of=as_of)
    con = connect()
    con.register("findings", findings)
    run(con, question)
    rows = [tables(con, answered(question)), bedside().tables(findings, question)]
    return [answer("p", one, question, {}, units()) for one in rows]


@pytest.mark.parametrize(
    ("versions", "expected"),
    [
        ([version(1, 39.5, "final"), version(3, 36.5, "corrected")], [39.5, 36.5, None]),
        ([version(3, 36.5, "corrected"), version(1, 39.5, "final")], [39.5, 36.5, None]),
        ([version(1, 39.5, "final"), version(2, 39.0, "corrected"), version(3, 36.5, "corrected")], [39.0, 36.5, None]),
        ([version(1, 39.5, "final"), version(3, 39.5, "withdrawn")], [39.5, None, None]),
        ([version(1, 39.5, "final"), version(3, 39.5, "corrected", measured_at=GIVEN)], [39.5, 39.5, TAKEN]),
        ([version(1, 39.5, "final"), version(3, float("-inf"), "corrected", high=38.0)], [39.5, "<38", None]),
    ],
    ids=["replaced", "in any order of arrival", "the last of three", "taken back", "at another time", "one side open"],
)  # fmt: skip
def test_the_old_value_the_new_one_and_when_it_reached_us(versions: list[dict[str, Any]], expected: list[Any]) -> None:
    """A correction says all three, whichever engine answered."""
    was, now, was_at = expected
    at = TAKEN if was_at is None else GIVEN
    said = Correction("body-temperature", "Cel", at, was, now, KNOWN, was_at)
    assert [one.corrections for one in answers(*versions)] == [[said], [said]]


@pytest.mark.parametrize(
    ("versions", "as_of"),
    [
        ([version(1, 39.5, "final", revised=False)], None),
        ([version(1, 39.5, "preliminary"), version(3, 39.5, "final")], None),
        ([version(1, 39.5, "final"), version(3, 36.5, "corrected")], KNOWN - timedelta(seconds=1)),
    ],
    ids=["one version", "nothing changed", "not known yet"],
)
def test_without_one_the_field_is_absent(versions: list[dict[str, Any]], as_of: datetime | None) -> None:
    """No correction, no key; before it was known, neither."""
    for one in answers(*versions, as_of=as_of):
        assert "corrections" not in msgspec.to_builtins(one)


def test_a_withdrawal_is_said_as_null() -> None:
    """`now` stands in the JSON also where nothing holds any longer."""
    for one in answers(version(1, 39.5, "final"), version(3, None, "withdrawn")):
        assert msgspec.to_builtins(one)["corrections"] == [
            {"quantity": "body-temperature", "unit": "Cel", "at": "2026-03-03T00:00:00Z", "was": 39.5, "now": None,
             "known": "2026-03-03T03:00:00Z"}
        ]  # fmt: skip
