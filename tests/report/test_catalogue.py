"""The page of the catalogue is the catalogue."""

from __future__ import annotations

from pathlib import Path

from leeward.report.catalogue import page


def test_the_page_is_printed_from_the_files(repository: Path) -> None:
    """`python -m leeward.report.catalogue > docs/therapies.md` was run after the last change."""
    assert (repository / "docs" / "therapies.md").read_text(encoding="utf-8") == page()
