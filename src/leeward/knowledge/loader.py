"""Reads knowledge files into typed structures; a file that does not fit is refused by name and line."""

from __future__ import annotations

import hashlib
import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Literal, TypeVar

import msgspec

ROOT = Path(__file__).parent

Evidence = Literal["read", "secondary", "recalled", "derived"]
"""How a number is known: read in its source, seen reproduced, recalled only, or decided here where sources are silent."""

_WEAKER = ("read", "secondary", "derived", "recalled")

T = TypeVar("T")


class BadKnowledge(ValueError):
    """A knowledge file cannot be used; the message names file and, where it can be found, line."""


def weakest(tags: list[Evidence]) -> Evidence:
    """The least certain of several evidence tags; an answer rests on its weakest number."""
    return max(tags, key=_WEAKER.index)


@cache
def load(name: str, shape: type[T]) -> T:
    """The knowledge file `name` (path under `knowledge/`, without `.toml`) as a `shape`.

    Raises BadKnowledge when the file is missing, is not strict TOML, or does not fit the shape.
    """
    return read(ROOT / f"{name}.toml", shape)


def read(path: Path, shape: type[T]) -> T:
    """Like `load`, from any file: a centre's own mapping is held to the same rules as ours."""
    try:
        text = path.read_text(encoding="utf-8")
        return msgspec.convert(tomllib.loads(text), shape, strict=True)
    except FileNotFoundError:
        raise BadKnowledge(f"{path.name}: no such knowledge file") from None
    except tomllib.TOMLDecodeError as error:
        raise BadKnowledge(f"{path.name}: not TOML: {error}") from None
    except (msgspec.ValidationError, ValueError) as error:
        raise BadKnowledge(f"{path.name}{_line(text, str(error))}: {error}") from None


def _line(text: str, message: str) -> str:
    """The line of the key a validation message points at (`$.fever.at_least`), as `:12`, or nothing."""
    keys = re.findall(r"[\w-]+", message.split("`$")[-1]) if "`$" in message else []
    for key in reversed([*re.findall(r"unknown field `([^`]+)`", message), *keys]):
        found = re.search(rf"(?m)^\s*\[*\"?{re.escape(key)}\"?\s*[=\].]", text)
        if found:
            return f":{text[: found.start()].count(chr(10)) + 1}"
    return ""


def names(folder: str = "") -> list[str]:
    """The knowledge files under a folder, as names for `load`, sorted."""
    return sorted(p.relative_to(ROOT).with_suffix("").as_posix() for p in (ROOT / folder).rglob("*.toml"))


@cache
def edition() -> str:
    """Hash of every knowledge file: two answers with one edition used the same numbers."""
    digest = hashlib.sha256()
    for name in names():
        digest.update(name.encode() + b"\0" + (ROOT / f"{name}.toml").read_bytes() + b"\0")
    return digest.hexdigest()[:16]
