"""Reads knowledge files into typed structures; a file that does not fit is refused by name and line."""

from __future__ import annotations

import hashlib
import math
import re
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from threading import RLock
from typing import Literal, TypeVar

import msgspec

ROOT = Path(__file__).parent

Evidence = Literal["read", "secondary", "recalled", "derived"]
"""How a number is known: read in its source, seen reproduced, recalled only, or decided where sources are silent."""

_WEAKER = ("read", "secondary", "derived", "recalled")

_TURN = RLock()
"""One file at a time: what a shape is made of is worked out when it is first met, and two threads must not do so."""

T = TypeVar("T")


class BadKnowledge(ValueError):
    """A knowledge file cannot be used; the message names file and, where it can be found, line."""


def weakest(tags: list[Evidence]) -> Evidence:
    """The least certain of several evidence tags; an answer rests on its weakest number."""
    return max(tags, key=_WEAKER.index)


def strongest(tags: list[Evidence]) -> Evidence:
    """The most certain of several evidence tags: for an answer that any one of them would carry."""
    return min(tags, key=_WEAKER.index)


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
    except FileNotFoundError:
        raise BadKnowledge(f"{path.name}: no such knowledge file") from None
    except UnicodeDecodeError as error:
        raise BadKnowledge(f"{path.name}: not UTF-8: {error}") from None
    try:
        with _TURN:
            return msgspec.convert(tomllib.loads(text, parse_float=_finite), shape, strict=True)
    except tomllib.TOMLDecodeError as error:
        raise BadKnowledge(f"{path.name}: not TOML: {error}") from None
    except RecursionError:
        raise BadKnowledge(f"{path.name}: nested too deeply") from None
    except (msgspec.ValidationError, ValueError) as error:
        raise BadKnowledge(f"{path.name}{_line(text, str(error))}: {error}") from None


def _finite(spelt: str) -> float:
    """A number; `nan`, `inf` and what is beyond all numbers are none."""
    number = float(spelt)
    if not math.isfinite(number):
        raise ValueError(f"not a number: {spelt}")
    return number


def _line(text: str, message: str) -> str:
    """The line of the key a validation message points at (`$.fever.at_least`, `$.rule[2]`), as `:12`, or nothing."""
    if message.startswith("not a number: "):
        found = re.search(rf"(?m)^[^#\n]*[\s=\[,]{re.escape(message.split(': ')[1])}\b", text)
        return f":{text[: found.end()].count(chr(10)) + 1}" if found else ""
    path = message.rsplit("`$", maxsplit=1)[-1] if "`$" in message else ""
    start, end = _element(text, re.findall(r"([\w-]+)\[(\d+)\]", path))
    keys = re.findall(r"[A-Za-z][\w-]*", re.sub(r".*\[\d+\]", "", path))
    for key in reversed([*re.findall(r"unknown field `([^`]+)`", message), *keys]):
        found = re.compile(rf"(?m)^\s*\[*\"?{re.escape(key)}\"?\s*[=\].]").search(text, start, end)
        if found:
            start = found.start() + len(found.group()) - len(found.group().lstrip())
            break
    else:
        if start == 0:
            return ""
    return f":{text[:start].count(chr(10)) + 1}"


def _element(text: str, steps: list[tuple[str, str]]) -> tuple[int, int]:
    """Where an element of a list of tables begins and ends: a `[[rule]]`, or a line `{ ... }`; else everything."""
    start, end = 0, len(text)
    for name, index in steps:
        begins = re.compile(rf"(?m)^\[\[{re.escape(name)}\]\]|^{re.escape(name)}\s*=\s*\[$")
        headers = [found.start() for found in begins.finditer(text)]
        if len(headers) == 1 and text[headers[0]] != "[":
            rows = [found.start() for found in re.compile(r"(?m)^\s*\{").finditer(text, headers[0])]
            headers, closes = rows, "\n"
        else:
            closes = "\n["
        if int(index) < len(headers):
            start = headers[int(index)]
            stop = text.find(closes, start + 1)
            end = len(text) if stop < 0 else stop
    return start, end


def names(folder: str = "") -> list[str]:
    """The knowledge files under a folder, as names for `load`, sorted."""
    return sorted(p.relative_to(ROOT).with_suffix("").as_posix() for p in (ROOT / folder).rglob("*.toml"))


def digest(path: Path) -> bytes:
    """What tells one content of a file from another."""
    return hashlib.sha256(path.read_bytes()).digest()


@cache
def shipped() -> dict[str, bytes]:
    """Every knowledge file by name, with its digest as it was when this process first asked."""
    return {name: digest(ROOT / f"{name}.toml") for name in names()}


@cache
def shipped_edition() -> str:
    """The edition of what is shipped."""
    return edition_of(shipped())


def edition_of(files: Mapping[str, bytes]) -> str:
    """The name of a set of knowledge files: two answers with one edition used the same numbers."""
    told = hashlib.sha256()
    for name, held in sorted(files.items()):
        told.update(name.encode() + b"\0" + held)
    return told.hexdigest()[:16]
