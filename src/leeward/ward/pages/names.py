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


@cache
def titles() -> dict[str, str]:
    """What each is called."""
    return {name: held.get("title", name) for name, held in definitions().items()}
