"""The table of docs/protocol.md: `python -m leeward.report.protocol_inputs docs/protocol.md` prints it anew.

What a decision table can ask about a patient stands in knowledge/guidelines-inputs.toml, and only there.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from leeward.knowledge.cells import Input, inputs

BEGIN = "<!-- printed from knowledge/guidelines-inputs.toml -->"
END = "<!-- to here -->"


def table() -> str:
    """Every input: its name, what it is, what a cell may hold, and how it can be marked."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    """The lines of the table."""
    yield "| input | what it is | a cell holds | waiting changes it | can be marked |"
    yield "|---|---|---|---|---|"
    for name, one in inputs().items():
        marked = f"`{name.replace('_', '-')}`" if one.mark else ""
        yield f"| `{name}` | {one.title} | {_cell(one)} | {'yes' if one.grows else ''} | {marked} |"


def _cell(one: Input) -> str:
    """What may be written."""
    if one.kind == "yes-no":
        return "`true`, `false`"
    if one.kind == "word":
        return ", ".join(f"`{word}`" for word in one.words) or "words"
    unit = f" ({one.unit})" if one.unit and one.unit != "1" else ""
    whole = "a whole number" if one.whole else "a number"
    most = f", at most {one.at_most:g}" if one.at_most != float("inf") else ""
    least = f", {one.at_least:g}: never or not now" if one.at_least < 0 else ""
    return f"{whole}{unit}{most}{least}"


def filled(page: str) -> str:
    """A page with the table between its marks printed anew."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(filled(path.read_text(encoding="utf-8")), encoding="utf-8")
