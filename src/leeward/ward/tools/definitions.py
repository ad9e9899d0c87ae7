"""The published statement behind an evidence id: from the knowledge files, with its citation."""

from __future__ import annotations

import tomllib
from typing import Any

import msgspec

from leeward.knowledge.citations import citation, citations
from leeward.knowledge.guidelines import guidelines
from leeward.knowledge.loader import ROOT, names

PREFIX = "knowledge/"
FOLDERS = ("scales", "risk/scores", "therapies", "lookalikes", "prepare")
FILES = ("alarms", "carry", "ward")
"""Files that stand in no folder: states that no scale shows, how long a value counts, how the ward waits."""
LETTERS_MOST = 16_000
"""A definition longer than this is told without its tables; the row that was asked for is told whole."""


def definition(evidence_id: str) -> dict[str, Any] | None:
    """What stands under an id; None where there is nothing."""
    name, _, row = evidence_id.removeprefix(PREFIX).partition("#")
    if not evidence_id.startswith(PREFIX):
        return None
    if name == "lookalikes":
        name, row = row, ""
    return _guideline(name, row) or _file(name, row) or _source(name)


def _guideline(name: str, row: str) -> dict[str, Any] | None:
    """A guideline, or one row of it."""
    held = next((one for one in guidelines() if one.id == name), None)
    if held is None:
        return None
    head = {"id": PREFIX + name, "title": held.title, "speaks_as": held.speaks_as, "known": held.evidence,
            "citation": citation(held.source)}  # fmt: skip
    if not row:
        return head | {"rows": [{"evidence_id": f"{PREFIX}{name}#{one.id}", "says": one.says} for one in held.rows]}
    found = next((one for one in held.rows if one.id == row), None)
    return None if found is None else head | {"row": _plain(found)}


def _file(name: str, row: str) -> dict[str, Any] | None:
    """A scale, score, product, look-alike or schedule as its file has it, or one row of it."""
    places = [*FILES, *(place for folder in FOLDERS for place in names(folder))]
    known = {place.rsplit("/", 1)[-1]: place for place in places}
    if name not in known:
        return None
    text = (ROOT / f"{known[name]}.toml").read_text(encoding="utf-8")
    held: dict[str, Any] = tomllib.loads(text)
    if row:
        found = _row(held, row)
        return None if found is None else {"id": f"{PREFIX}{name}#{row}", "file": f"{known[name]}.toml", "row": found}
    if len(text) > LETTERS_MOST:
        held = {key: value for key, value in held.items() if not isinstance(value, dict | list)}
    said = {"id": PREFIX + name, "file": f"{known[name]}.toml", "content": held}
    return said | ({"citation": citation(held["source"])} if held.get("source") in citations() else {})


def _row(held: dict[str, Any], row: str) -> dict[str, Any] | None:
    """One row of a file: by its id in a list, or by its name in a table."""
    for part in held.values():
        listed = part if isinstance(part, list) else []
        found = next((one for one in listed if isinstance(one, dict) and one.get("id") == row), None)
        found = found or (part.get(row) if isinstance(part, dict) else None)
        if isinstance(found, dict):
            return found
    return None


def _source(key: str) -> dict[str, Any] | None:
    """A publication by the name under which answers cite it."""
    return {"id": PREFIX + key, "citation": citation(key)} if key in citations() else None


def _plain(said: Any) -> Any:
    """A structure without its empty parts."""
    told = msgspec.to_builtins(said)
    return {name: value for name, value in told.items() if value not in (None, [], "", {})}
