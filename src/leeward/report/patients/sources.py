"""The numbered sources of one page: each once, in the order in which sentences first rest on them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from leeward.knowledge.loader import Evidence
from leeward.report.patients.paper import Line, Reference, Section
from leeward.report.patients.speaker import Speaker


class Sources:
    """Gives each source its number, and makes sentences that carry it."""

    def __init__(self, speaker: Speaker) -> None:
        self._speaker = speaker
        self._numbers: dict[tuple[str, Evidence], int] = {}

    def mark(self, source: str, evidence: Evidence) -> int:
        """The number of a source; the same words known in two ways are two."""
        return self._numbers.setdefault((source, evidence), len(self._numbers) + 1)

    def line(self, text: str, rests_on: Iterable[tuple[str, Evidence]] = ()) -> Line:
        """A sentence with its sources; recalled where nothing else carries it."""
        held = list(rests_on)
        return Line(
            text=text,
            marks=sorted({self.mark(*one) for one in held}),
            recalled=bool(held) and all(evidence == "recalled" for _, evidence in held),
        )

    def listed(self, sections: list[Section]) -> tuple[list[Section], list[Reference]]:
        """The sections with their sources numbered as a reader meets them, and those sources in that order."""
        met = {old: new for new, old in enumerate(dict.fromkeys(_marks(msgspec.to_builtins(sections))), 1)}
        told = [
            Reference(number=met[old], source=source, known=self._speaker.known(evidence),
                      recalled=evidence == "recalled")
            for (source, evidence), old in self._numbers.items()
            if old in met
        ]  # fmt: skip
        renamed = msgspec.convert(_renumbered(msgspec.to_builtins(sections), met), list[Section])
        return renamed, sorted(told, key=lambda one: one.number)


def _marks(node: Any) -> Iterator[int]:
    """Every mark of a page, in the order of reading."""
    if isinstance(node, dict):
        for key, held in node.items():
            yield from held if key == "marks" else _marks(held)
    elif isinstance(node, list | tuple):
        for held in node:
            yield from _marks(held)


def _renumbered(node: Any, met: dict[int, int]) -> Any:
    """The same page with other numbers."""
    if isinstance(node, dict):
        return {
            key: sorted(met[old] for old in held) if key == "marks" else _renumbered(held, met)
            for key, held in node.items()
        }
    return [_renumbered(held, met) for held in node] if isinstance(node, list | tuple) else node
