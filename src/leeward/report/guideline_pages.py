"""Each guideline as a page for a clinician to review: `python -m leeward.report.guideline_pages FOLDER` writes them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from leeward.knowledge.cells import Written, inputs
from leeward.knowledge.guidelines import Action, DoseRule, Guideline, cited, guidelines
from leeward.knowledge.vocabulary import printed
from leeward.plan.words import between, plain

_KNOWN = {"read": "read in the source", "secondary": "seen second-hand", "recalled": "**recalled, off by default**",
          "derived": "worked out by us"}  # fmt: skip


def pages() -> dict[str, str]:
    """Every page by its file's name, the index with them."""
    made = {f"{one.id}.md": "\n".join(page(one)) + "\n" for one in guidelines()}
    return {"README.md": "\n".join(index()) + "\n", **made}


def index() -> Iterator[str]:
    """The list of pages."""
    yield "# What each source says: the decision tables"
    yield ""
    yield "Printed from `src/leeward/knowledge/guidelines/` by `python -m leeward.report.guideline_pages"
    yield "docs/guidelines`: change the files there, not these pages. Each table is proved complete and free of overlap"
    yield "when it is loaded."
    yield ""
    yield "| source | kind | region | dated | grades on | rows | known | last checked |"
    yield "|---|---|---|---|---|---|---|---|"
    for one in guidelines():
        cells = (f"[{one.speaks_as}]({one.id}.md)", one.nature, one.region or "", one.dated, one.scale or "",
                 str(len(one.rows)), _tally(one), f"{one.checked}")  # fmt: skip
        yield f"| {' | '.join(map(_cell, cells))} |"


def _tally(one: Guideline) -> str:
    """How many of the rows that say something are known how."""
    known = [one.known(row) for row in one.rows if not row.silent]
    return ", ".join(
        f"{known.count(tag)} {tag}" for tag in ("read", "secondary", "derived", "recalled") if tag in known
    )


def page(one: Guideline) -> Iterator[str]:
    """One source."""
    yield f"# {one.title}"
    yield ""
    about = f"{one.nature.capitalize()}, dated {one.dated}. {cited(one, one.rows[0])}."
    yield f'Named in answers as "{one.speaks_as}". {about}'
    if one.scale:
        yield f"Its grades are those of {one.scale}; a grade on another scale never drives it."
    if one.scope:
        yield f"It speaks only where {_when(one.scope)}."
    if one.summary:
        yield one.summary
    for name, table in one.tables.items():
        yield from _table(one, name, table.title, collects=table.hit == "collect")
    if one.doses:
        yield from _doses(one)


def _table(one: Guideline, name: str, title: str, *, collects: bool) -> Iterator[str]:
    """One table: its rows in order."""
    yield ""
    yield f"## {title}"
    yield ""
    yield f"`{name}`: {'every row that holds answers' if collects else 'exactly one row answers'}."
    yield ""
    yield "| row | when | it says | steps | strength | where | known | last checked |"
    yield "|---|---|---|---|---|---|---|---|"
    for row in one.table(name):
        says = f"*{row.says}*" if row.silent else row.says
        says += "".join(f"<br>{', '.join(side.sources)}: {side.says} ({_KNOWN[side.evidence]})" for side in row.sides)
        cells = (row.id, _when(row.when), says, "<br>".join(_step(action) for action in row.do), row.strength if row.do
                 else "", f"{cited(one, row)}: {row.where}" if row.source else row.where, _KNOWN[one.known(row)],
                 f"{row.checked or one.checked}")  # fmt: skip
        yield f"| {' | '.join(map(_cell, cells))} |"


def _when(cells: dict[str, Written]) -> str:
    """Cells in words."""
    said = [f"{inputs()[name].title} {_written(written)}" for name, written in cells.items() if written != "-"]
    return "; ".join(said) or "always"


def _written(written: Written) -> str:
    """One cell as a reader writes it."""
    if isinstance(written, bool):
        return "yes" if written else "no"
    return " or ".join(written) if isinstance(written, list) else str(written)


def _step(action: Action) -> str:
    """One step of a row."""
    about = [part for part in (action.drug, action.level, action.says) if part]
    as_grade = [f"as grade {action.as_grade}"] if action.as_grade is not None else []
    dose = [f"dose `{action.dose}`"] if action.dose else []
    return f"{action.kind}: {', '.join([*about, *as_grade, *dose])}" if about or as_grade or dose else action.kind


def _doses(one: Guideline) -> Iterator[str]:
    """The doses of a source."""
    yield ""
    yield "## Doses"
    yield ""
    yield "| dose | drug | amount | how often | limits | where | known |"
    yield "|---|---|---|---|---|---|---|"
    for name, rule in one.doses.items():
        where = f"{cited(one, rule)}: {rule.where}" if rule.source else rule.where
        cells = (name, f"{rule.drug}, {rule.route}", _amount(rule), _often(rule), _limits(rule), where,
                 _KNOWN[one.known(rule)])  # fmt: skip
        yield f"| {' | '.join(map(_cell, cells))} |"


def _amount(rule: DoseRule) -> str:
    """How much."""
    if rule.steps:
        return "; ".join(
            f"{plain(step.amount)} {rule.unit} every {plain(step.interval_hours)} h "
            + (f"for {plain(step.days)} days" if step.days else f"until {step.until}")
            for step in rule.steps
        )
    if rule.fixed is not None:
        said = f"{between(rule.fixed, rule.fixed_to)} {printed(rule.unit)}"
    elif rule.per_kg is not None:
        said = f"{between(rule.per_kg, rule.per_kg_to)} {rule.unit}/kg"
    else:
        said = f"{plain(rule.per_m2 or 0)} {rule.unit}/m2"
    low = (
        f", {plain(rule.low_weight.per_kg)} {rule.unit}/kg below {plain(rule.low_weight.below_kg)} kg"
        if rule.low_weight
        else ""
    )
    return said + low + (f", at most {plain(rule.at_most)} {rule.unit}" if rule.at_most is not None else "")


def _often(rule: DoseRule) -> str:
    """How often, and over how long."""
    parts = [f"every {between(rule.interval_hours, rule.interval_to_hours)} h"] if rule.interval_hours else []
    parts += [f"over {plain(rule.over_minutes)} min"] if rule.over_minutes else []
    return ", ".join(parts)


def _limits(rule: DoseRule) -> str:
    """What holds it back."""
    parts = [f"at least {plain(rule.apart_hours)} h apart"] if rule.apart_hours else []
    counts = ((rule.in_24_hours, "in 24 h"), (rule.in_episode, "in the episode"), (rule.in_lifetime, "in all"))
    parts += [f"{count} {span}" for count, span in counts if count is not None]
    parts += [f"{plain(rule.at_most_in_24_hours)} {rule.unit} in 24 h"] if rule.at_most_in_24_hours is not None else []
    parts += [f"for at most {plain(rule.max_days)} days"] if rule.max_days is not None else []
    parts += [f"from {plain(rule.min_age_years)} years"] if rule.min_age_years is not None else []
    parts += [f"below {plain(rule.max_age_years)} years"] if rule.max_age_years is not None else []
    return ", ".join(parts)


def _cell(words: str) -> str:
    """Words that do not break a Markdown table."""
    return words.replace("|", "\\|").replace("<br>", "\0").replace("<", "&lt;").replace("\0", "<br>")


def write(folder: Path) -> list[Path]:
    """Writes the pages into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in pages()]


if __name__ == "__main__":
    write(Path(sys.argv[1]))
