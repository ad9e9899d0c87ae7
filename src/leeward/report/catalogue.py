"""The catalogue of causes as a page: `python -m leeward.report.catalogue` prints docs/therapies.md."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from leeward.knowledge.therapies import Therapy, catalogue
from leeward.recognition.cause import spread
from leeward.report.causes import marked, number

_HEAD = """\
# What can cause CRS: the catalogue

Printed from `src/leeward/knowledge/therapies/` by `python -m leeward.report.catalogue`: change the files there, not
this page.
Rates on different scales are not comparable. "Recalled" marks a figure that was not seen in any source. The files hold
more: codes, step-up schedules, premedication, rules of monitoring, stay and driving with their dates, notes.
"""
_COLUMNS = ("population", "any CRS", "grade ≥ 3", "scale", "n", "onset", "duration", "source", "known")


def page() -> str:
    """The whole catalogue in Markdown: a section per file that has published rows."""
    files = sorted(catalogue().values(), key=lambda item: (item.klass, item.title))
    return "\n".join([_HEAD, *("\n".join(_section(item)) + "\n" for item in files)])


def _section(item: Therapy) -> Iterator[str]:
    """One file: what it is, its rows, where else to look."""
    yield f"## {item.title}"
    yield ""
    yield "; ".join(part for part in (item.klass, item.target, item.format) if part) + "."
    if item.see:
        yield f"See also: {', '.join(catalogue()[group].title for group in item.see)}."
    if not item.population:
        yield "No published rate of its own is on file."
        return
    yield ""
    yield f"| {' | '.join(_COLUMNS)} |"
    yield f"|{'---|' * len(_COLUMNS)}"
    for row in item.population:
        about = "; ".join(part for part in (row.indication, row.given, row.people) if part)
        times = [spread(time) + marked(row, row.known(time)) if time else "" for time in (row.onset, row.duration)]
        source = f"[{row.source}]({row.address})" if row.address else row.source
        rates = [number(row, row.crs_any), number(row, row.crs_grade_3_or_more), row.scale or "", number(row, row.n)]
        yield f"| {' | '.join(_cell(cell) for cell in (about, *rates, *times, source, row.evidence))} |"


def _cell(words: str) -> str:
    """Words that do not break a Markdown table."""
    return words.replace("|", "\\|").replace("<", "&lt;")


if __name__ == "__main__":
    sys.stdout.write(page())
