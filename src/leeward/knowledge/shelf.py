"""The guidelines that a running service works with: the last good set, and what is wrong with a newer one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from leeward.knowledge.guidelines import Guideline, read_guideline
from leeward.knowledge.loader import BadKnowledge


def read_folder(folder: Path) -> tuple[Guideline, ...]:
    """Every guideline of a folder, in order of their ids. Raises BadKnowledge for the first that cannot be used."""
    return tuple(read_guideline(path) for path in sorted(folder.glob("*.toml")))


class Shelf:
    """Guidelines that may be read anew while a service runs.

    A set that cannot be used never takes the place of one that can: `current` stays, `trouble` says what is wrong
    with the newer one, naming file and line, and `since` says when the set in use was read.
    """

    def __init__(self, read: Callable[[], tuple[Guideline, ...]]) -> None:
        self._read = read
        self.current = read()
        self.since = datetime.now(UTC)
        self.trouble: str | None = None

    def refresh(self) -> bool:
        """Reads the set anew; whether the new one is in use."""
        try:
            self.current = self._read()
        except (BadKnowledge, OSError) as error:
            self.trouble = (
                f"guidelines of {self.since:%Y-%m-%d %H:%M} UTC stay in use; the newer set is refused: {error}"
            )
            return False
        self.since, self.trouble = datetime.now(UTC), None
        return True
