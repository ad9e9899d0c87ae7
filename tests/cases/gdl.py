"""Reads openEHR GDL2 fixtures (`<score>.v1.test.yml`): each case's inputs and expected outputs by field.

The fixtures are not ours and not in the repository; LEEWARD_GDL2 names the folder that holds them.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

_FIELD = re.compile(r"\s*['\"]?gt\d+\|(?P<name>[^|]+)\|?['\"]?:?\s*['\"]?(?P<value>.*?)['\"]?\s*$")


@dataclass
class Fixture:
    """One case of a fixture file."""

    name: str
    given: dict[str, str] = field(default_factory=dict)
    expected: dict[str, str] = field(default_factory=dict)


def folder() -> Path | None:
    """The folder of the fixtures, if there is one on this machine."""
    named = os.environ.get("LEEWARD_GDL2")
    return Path(named) if named and Path(named).is_dir() else None


def fixtures(path: Path) -> list[Fixture]:
    """The cases of one file, in order."""
    made: list[Fixture] = []
    into: dict[str, str] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        text = line.strip()
        if text.startswith("- id:"):
            made.append(Fixture(text.removeprefix("- id:").strip()))
        elif text == "input:":
            into = made[-1].given
        elif text == "expected_output:":
            into = made[-1].expected
        elif found := _FIELD.match(line):
            name, _, value = text.strip("'").partition(": ")
            name = re.sub(r"^['\"]?gt\d+\|", "", name).strip("'\"| ")
            into[name] = value.strip().strip("\"'") or found["value"]
    return made


def amount(text: str) -> float:
    """The number of `38,Cel` or of `2|local::at0018|...|`."""
    return float(re.split(r"[,|]", text)[0])
