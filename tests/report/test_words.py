"""What a reader is told in words: every reason for a refusal has some."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

from leeward.knowledge.vocabulary import quantities

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
    worded = tomllib.loads((SOURCE / "report" / "words.toml").read_text(encoding="utf-8"))["refusals"]
    assert set(worded) == spelt - set(quantities()) - NO_REASONS
    assert all(words.strip() for words in worded.values())
