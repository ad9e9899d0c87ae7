"""The documents of plan, protocol and audit name every key there is, and quote the example as it stands."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from leeward.knowledge.guidelines import Action, DoseRule, Guideline, LowWeight, Row, Step, Table
from leeward.plan import audit, bundle
from leeward.plan.plan import Plan, Range, Stay
from leeward.plan.suggestions import Disagreement, Later, SideSaid, Suggestion, Warned
from leeward.plan.taper import Planned
from leeward.report.protocol_inputs import filled
from leeward.samples import FOLDER

DOCUMENTED = {
    "plan.md": (
        Plan, Range, Suggestion, Planned, Disagreement, SideSaid, Warned, Later, bundle.Timed, Stay,
    ),
    "protocol.md": (Guideline, Table, Row, Action, DoseRule, LowWeight, Step),
    "audit.md": (audit.Step, audit.Summary),
}  # fmt: skip


def page(repository: Path, name: str) -> str:
    """A document."""
    return (repository / "docs" / name).read_text(encoding="utf-8")


@pytest.mark.parametrize(("name", "kind"), [(name, kind) for name, kinds in DOCUMENTED.items() for kind in kinds])
def test_every_key_is_documented(repository: Path, name: str, kind: type[msgspec.Struct]) -> None:
    """A key that a reader meets stands in the document, as it is spelt."""
    named = set(re.findall(r"`(\w+)`", page(repository, name)))
    assert [key for key in kind.__struct_encode_fields__ if key not in named] == []


def test_every_verdict_is_documented(repository: Path) -> None:
    """What is said of a step that was due."""
    assert [said for said in get_args(audit.Verdict) if f"| `{said}` |" not in page(repository, "audit.md")] == []


def test_the_inputs_are_printed_from_their_file(repository: Path) -> None:
    """`python -m leeward.report.protocol_inputs docs/protocol.md` was run after the last change."""
    text = page(repository, "protocol.md")
    assert text == filled(text)
    assert "| `crs_grade` |" in text


def test_the_example_is_quoted_as_it_stands(repository: Path) -> None:
    """Each block of TOML stands in the shipped example, word for word."""
    example = (FOLDER / "protocol-example.toml").read_text(encoding="utf-8")
    blocks = re.findall(r"```toml\n(.*?)```", page(repository, "protocol.md"), re.DOTALL)
    assert blocks != []
    assert [block for block in blocks if block not in example] == []
