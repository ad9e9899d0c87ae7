"""The pages for review are the decision tables."""

from __future__ import annotations

from pathlib import Path

from leeward.knowledge.guidelines import guidelines
from leeward.report.guideline_pages import pages


def test_the_pages_are_printed_from_the_files(repository: Path) -> None:
    """`python -m leeward.report.guideline_pages docs/guidelines` was run after the last change."""
    folder = repository / "docs" / "guidelines"
    written = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.md")}
    assert sorted(written) == sorted(pages())
    assert [name for name, text in pages().items() if written[name] != text] == []


def test_every_row_and_dose_stands_on_its_page() -> None:
    """A clinician who reviews the page reviews the whole file; what is only recalled is marked."""
    made = pages()
    for one in guidelines():
        text = made[f"{one.id}.md"]
        assert [row.id for row in one.rows if f"| {row.id} |" not in text] == []
        assert [name for name in one.doses if f"| {name} |" not in text] == []
        known = [*map(one.known, one.rows), *map(one.known, one.doses.values())]
        assert text.count("**recalled, off by default**") >= known.count("recalled")
