"""Who said it: the entries of sources.toml, and one of them as a reference list prints it."""

from __future__ import annotations

from functools import cache

import msgspec

from leeward.knowledge.loader import BadKnowledge, load


class Source(msgspec.Struct, frozen=True):
    """An entry of sources.toml, as far as a citation needs it."""

    title: str
    year: int
    authors: str = ""
    journal: str = ""
    cite: str = ""
    doi: str = ""


@cache
def citations() -> dict[str, Source]:
    """Everything that may be cited, by key."""
    found: dict[str, Source] = load("sources", dict[str, Source])
    return found


def citation(key: str) -> str:
    """A key as one line; raises BadKnowledge where nobody listed it."""
    found = citations().get(key)
    if found is None:
        raise BadKnowledge(f"sources.toml: no source '{key}'")
    parts = [found.authors, found.title, f"{found.journal} {found.cite or found.year}".strip()]
    said = ". ".join(part.rstrip(".") for part in parts if part)
    return f"{said}. doi:{found.doi}" if found.doi else said
