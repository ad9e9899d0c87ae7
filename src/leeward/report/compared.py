"""Scales beside each other in the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from leeward.cohort.agreement import Agreement, Comparison, Range
from leeward.cohort.answer import Grade
from leeward.report.explain import STANDING, clock
from leeward.report.terminal import graded
from leeward.scales.older_crs import SCALES

SHORT = {
    "astct-2019": "ASTCT", "lee-2014": "Lee", "penn-2018": "Penn", "mskcc-2018": "MSKCC", "cartox-2018": "CARTOX",
    "cartox-paediatric-2019": "child's CARTOX", "ctcae-4.03": "CTCAE 4.03", "ctcae-5.0": "CTCAE 5.0",
}  # fmt: skip
"""Scales as a column names them."""
FOOT = (
    "Over all patients the grade is what is sure (at least). `sure`: patients whose grade is one number on both "
    "scales. Kappa is weighted linearly."
)


def print_comparison(console: Console, found: Comparison) -> None:
    """A row per moment at which any scale changed; below it, which rules make them differ."""
    table = Table(title=f"Patient {found.patient}: grade of CRS on every scale, from this moment on", caption=STANDING)
    for heading in ("at", *(SHORT[scale] for scale in SCALES)):
        table.add_column(heading, no_wrap=heading == "at", overflow="fold", min_width=3)
    for moment in found.course:
        table.add_row(moment.at.strftime("%m-%d %H:%M"), *(_cell(moment.grades.get(scale)) for scale in SCALES))
    console.print(table)
    for difference in found.differences:
        by_grade: dict[int, list[str]] = {}
        for scale, held in difference.grades.items():
            by_grade.setdefault(held.at_least, []).append(SHORT[scale])
        said = "; ".join(f"at least {grade}: {', '.join(names)}" for grade, names in sorted(by_grade.items()))
        console.print(f"{clock(difference.at)}  {said}", soft_wrap=True, markup=False, highlight=False)
        for rule in difference.rules:
            names = ", ".join(SHORT[scale] for scale in rule.scales)
            recalled = [SHORT[scale] for scale in rule.scales if rule.evidence[scale] == "recalled"]
            tail = f" (rests on a recalled number: {', '.join(recalled)})" if recalled else ""
            console.print(f"    {names}: {rule.says}{tail}", soft_wrap=True, markup=False, highlight=False)


def _cell(held: Range | None) -> Text:
    """A range as coloured text, short enough for eight columns."""
    if held is None:
        return Text("")
    text = graded(Grade(held.at_least, held.at_most, [], []))
    return Text(text.plain.replace(" to ", "–"), text.style)


def print_agreement(console: Console, found: Sequence[Agreement], patients: int) -> None:
    """A row per pair of scales."""
    table = Table(
        title=f"Worst grade of CRS of {patients:,} patients, each pair of scales; 0 where no episode", caption=STANDING
    )
    for heading in (
        "first",
        "second",
        "n",
        "same",
        "%",
        "first lower",
        "first higher",
        "kappa",
        "n sure",
        "% sure",
        "kappa sure",
    ):
        table.add_column(heading, justify="left" if heading in ("first", "second") else "right")
    for pair in found:
        sure = pair.sure
        table.add_row(
            SHORT[pair.first], SHORT[pair.second], f"{pair.n:,}", f"{pair.same:,}", _number(pair.percent),
            f"{pair.first_lower:,}", f"{pair.first_higher:,}", _number(pair.kappa), f"{sure.n if sure else 0:,}",
            _number(sure.percent if sure else None), _number(sure.kappa if sure else None),
        )  # fmt: skip
    console.print(table)
    console.print(FOOT, soft_wrap=True, markup=False, style="dim")


def _number(number: float | None) -> str:
    """A number, or a dash where there is none."""
    return "–" if number is None else f"{number:g}"
