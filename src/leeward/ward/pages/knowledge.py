"""What Leeward knows, as tables: every scale and score, guideline, product and look-alike, with source and date."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import msgspec

from leeward.knowledge.citations import citations
from leeward.knowledge.guidelines import InUse, in_use
from leeward.report import catalogue, guideline_pages, words
from leeward.ward.pages.names import definitions

ABOUT = ("id", "title", "source", "evidence", "where", "checked")
"""Keys that say how a thing is known; they stand in columns of their own."""


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """A heading, a paragraph, or a table: rows of cells, each of some lines."""

    kind: str
    text: str = ""
    head: list[str] = []
    rows: list[list[list[str]]] = []


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is known."""

    kind: str
    id: str
    title: str
    about: str
    blocks: list[Block]


def pages() -> dict[str, dict[str, Page]]:
    """Every page by kind and id, of the guidelines in use."""
    return _pages(in_use())


@lru_cache(maxsize=1)
def _pages(_: InUse) -> dict[str, dict[str, Page]]:
    """Every page, printed once."""
    return {
        "scale": {name: _scale(name, held) for name, held in definitions().items()},
        "guideline": {
            name.removesuffix(".md"): _printed("guideline", name.removesuffix(".md"), text)
            for name, text in guideline_pages.pages().items()
            if name != "README.md"
        },
        "product": dict(_products()),
    }


def _scale(name: str, held: dict[str, Any]) -> Page:
    """One definition: each of its numbers with where it is printed, then its decisions."""
    evidence = words.words().evidence.get(held.get("evidence", ""), "")
    reference = cited(held.get("source", ""))
    numbers = [_number(trail, one, held) for trail, one in _dated(held)]
    head = ["what", "value", "from", "printed where", "how we know it", "last checked"]
    blocks = [Block(kind="table", head=head, rows=numbers)] if numbers else []
    decisions = [[[one.get("id", "")], _lines(one), [str(one.get("checked", held.get("checked", "")))]]
                 for one in _tables(held) if "id" in one]  # fmt: skip
    if decisions:
        blocks += [Block(kind="h2", text="Decisions and parts"),
                   Block(kind="table", head=["which", "says", "last checked"], rows=decisions)]  # fmt: skip
    about = "; ".join(filter(None, [reference, evidence]))
    return Page(kind="scale", id=name, title=str(held.get("title", name)), about=about, blocks=blocks)


def cited(key: str) -> str:
    """A source as a reference list prints it."""
    held = citations().get(key)
    if held is None:
        return key
    said = [f"{held.authors} {held.journal}".strip() or held.title, held.cite or str(held.year)]
    return " ".join(said) + (f", doi:{held.doi}" if held.doi else "")


def _dated(node: Any, trail: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every table that holds a value, with its name."""
    if isinstance(node, dict):
        if "value" in node:
            yield trail, node
            return
        for key, held in node.items():
            named = f"{trail} {key}".strip().replace("_", " ")
            yield from _dated(held, named if key not in ABOUT else trail)
    elif isinstance(node, list):
        for held in node:
            label = held.get("id") if isinstance(held, dict) and "value" not in held else None
            yield from _dated(held, f"{trail} {label}".strip() if label else trail)


def _number(trail: str, one: dict[str, Any], held: dict[str, Any]) -> list[list[str]]:
    """A dated number as a row."""
    value = words.measure(f"{one['value']}", words.unit(one.get("unit")))
    evidence = one.get("evidence") or held.get("evidence", "")
    where = [str(one.get(key, "")) for key in ("where", "why")]
    source = [cited(one["source"])] if one.get("source") and one["source"] != held.get("source") else []
    checked = str(one.get("checked", held.get("checked", "")))
    return [[trail], [value], [str(one.get("from", ""))], [*filter(None, where), *source],
            [words.words().evidence.get(evidence, evidence)], [checked]]  # fmt: skip


def _tables(node: Any) -> Iterator[dict[str, Any]]:
    """Every table of a list of tables."""
    if isinstance(node, dict):
        for held in node.values():
            yield from _tables(held)
    elif isinstance(node, list):
        for held in node:
            if isinstance(held, dict) and "value" not in held:
                yield held


def _lines(one: dict[str, Any]) -> list[str]:
    """What a decision says, key by key."""
    made = []
    for key, held in one.items():
        if key not in ("id", "checked") and not isinstance(held, dict):
            text = ", ".join(str(part) for part in held) if isinstance(held, list) else str(held)
            if not text.startswith("{"):
                made.append(text if key in ("says", "title", "why") else f"{key.replace('_', ' ')}: {text}")
    return made


def _products() -> Iterator[tuple[str, Page]]:
    """A page per family of products, from the printed catalogue."""
    for section in catalogue.page().split("\n## ")[1:]:
        title, _, text = section.partition("\n")
        name = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
        yield name, _printed("product", name, f"# {title}\n{text}")


def _printed(kind: str, name: str, text: str) -> Page:
    """A page that report/ prints in Markdown, as blocks."""
    blocks = list(_blocks(text.splitlines()))
    title = next((one.text for one in blocks if one.kind == "h1"), name)
    about = next((one.text for one in blocks if one.kind == "p"), "")
    return Page(kind=kind, id=name, title=title, about=about, blocks=[one for one in blocks if one.kind != "h1"])


def _blocks(lines: list[str]) -> Iterator[Block]:
    """Headings, paragraphs and tables of Markdown as report/ prints it."""
    head: list[str] = []
    rows: list[list[list[str]]] = []
    for line in [*lines, ""]:
        if line.startswith("|"):
            cells = [one.replace("\0", "|").strip() for one in line.strip("|").replace("\\|", "\0").split("|")]
            if not head:
                head = [_plain(one) for one in cells]
            elif not set(line) <= set("|-"):
                rows.append([[_plain(part) for part in one.split("<br>")] for one in cells])
            continue
        if head:
            yield Block(kind="table", head=head, rows=rows)
            head, rows = [], []
        heading = re.match(r"(#+) (.*)", line)
        if heading:
            yield Block(kind=f"h{len(heading[1])}", text=_plain(heading[2]))
        elif line.strip():
            yield Block(kind="p", text=_plain(line))


def _plain(text: str) -> str:
    """Markdown's marks taken off: a page has its own."""
    text = re.sub(r"\[([^\]]*)\]\(([^)]*)\)", r"\1 (\2)", text)
    return re.sub(r"[*`]+", "", text).replace("&lt;", "<").strip()
