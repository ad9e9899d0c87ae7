"""Who is the same person: identifiers merged and parted again, as events; no finding ever moves."""

from __future__ import annotations

from collections.abc import Iterable


class Identities:
    """Which identifier stands for which, after some merges and their undoing, in the order in which they arrived."""

    def __init__(self, events: Iterable[tuple[str, int, int | None]]) -> None:
        """`events`: kind (merged, unmerged), the key that is absorbed, the key that is kept."""
        self._into: dict[int, int] = {}
        for kind, absorbed, kept in events:
            if kind == "unmerged":
                self._into.pop(absorbed, None)
            elif kept is not None and self.person(kept) != absorbed:
                self._into[absorbed] = kept

    def person(self, key: int) -> int:
        """The key that stands for this one now."""
        while key in self._into:
            key = self._into[key]
        return key

    def absorbed(self, key: int) -> bool:
        """Whether another key stands for this one."""
        return key in self._into

    def keys(self, key: int) -> list[int]:
        """Every key of the same person as this one's, the one that stands for all first."""
        person = self.person(key)
        return [person, *sorted(other for other in self._into if self.person(other) == person)]
