"""What a reader is told in words: every reason for a refusal has some."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest

from leeward.knowledge.vocabulary import printed, quantities
from leeward.record.units import listed
from leeward.report import words

SOURCE = Path(__file__).parents[2] / "src" / "leeward"
NO_REASONS = {
    "do-not-perform",
    "drug-name",
    "entered-in-error",
    "findings-of-one",
    "not-done",
    "omop-source",
    "times-shifted",
}
"""Words of this form in the code of `record` that are no reasons: code systems, states of the record, declarations."""


def test_every_reason_for_a_refusal_has_words_and_no_words_are_idle() -> None:
    """Found in the code itself, so that a new reason cannot be forgotten."""
    spelt = {
        node.value
        for path in (SOURCE / "record").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.fullmatch(r"[a-z]+(-[a-z]+)+", node.value)
    }
    doors = [ast.parse(path.read_text(encoding="utf-8")) for path in (SOURCE / "ward" / "doors").rglob("*.py")]
    calls = [node for door in doors for node in ast.walk(door) if isinstance(node, ast.Call) and node.args]
    refused = [call.args[0] for call in calls if isinstance(call.func, ast.Name) and call.func.id == "Refused"]
    spelt |= {one.value for one in refused if isinstance(one, ast.Constant) and isinstance(one.value, str)}
    worded = tomllib.loads((SOURCE / "report" / "words.toml").read_text(encoding="utf-8"))["refusals"]
    assert set(worded) == spelt - set(quantities()) - NO_REASONS
    assert all(said.strip() for said in worded.values())


@pytest.mark.parametrize("ucum", sorted({*listed(), *(one.unit for one in quantities().values() if one.unit)}))
def test_a_unit_is_printed_as_people_write_it(ucum: str) -> None:
    """No code of UCUM stands on a page: no star, bracket or brace, no u for micro."""
    told = words.unit(ucum)
    assert re.search(r"[*\[\]{}]|(^|/)u[a-zA-Z]", told.removeprefix("units")) is None


@pytest.mark.parametrize(
    ("ucum", "told"),
    [("10*9/L", "× 10⁹/L"), ("ug/kg/min", "µg/kg/min"), ("mm[Hg]", "mmHg"), ("1", ""), (None, ""), ("xULN", "xULN")],
)
def test_units_are_told_alike_everywhere(ucum: str | None, told: str) -> None:
    """A pure number has none, and one that nobody listed stays as it is."""
    assert words.unit(ucum) == printed(ucum) == told
