"""Titles of scores and scales, as their own knowledge files give them."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def definitions() -> dict[str, dict[str, Any]]:
    """Every file of knowledge/scales, by its id."""
    folder = files("leeward.knowledge") / "scales"
    found = {}
    for one in folder.iterdir():
        if one.name.endswith(".toml"):
            found[one.name.removesuffix(".toml")] = tomllib.loads(one.read_text(encoding="utf-8"))
    return dict(sorted(found.items()))


def file_of(score: str) -> str:
    """The file that defines a score: of its own name, or the longest that its name begins with."""
    stem = score.removesuffix("-early").removesuffix("-late").removesuffix("-grade")
    return max((name for name in definitions() if score == name or name.startswith(stem)), key=len, default=score)


def title_of(score: str) -> str:
    """What a score is called; of a part of a definition, which part."""
    held = definitions().get(file_of(score), {})
    part = next((word for word in ("early", "late", "grade") if score.endswith(f"-{word}")), "")
    return f"{held.get('title', score)}{f', {part}' if part else ''}"
