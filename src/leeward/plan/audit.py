"""Looking back: which steps of a source were due when a grade was first reached, and when, if ever, they were taken.

It does not judge. A step that no finding shows is "not on record", which is not the same as not taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

import ibis
import ibis.expr.types as ir
import msgspec
import pyarrow as pa

from leeward.knowledge.guidelines import Action
from leeward.knowledge.vocabulary import quantities
from leeward.plan.fires import HOLDS, Rule
from leeward.plan.given import by_day, steroids
from leeward.plan.moments import MILDEST
from leeward.plan.numbers import number
from leeward.timeline.columns import pick
from leeward.timeline.settings import HOUR_S

Verdict = Literal["taken", "late", "taken at an hour not known", "given before", "not on record"]
ACTIONS = ibis.table(
    {"rule": "int64", "action": "int64", "quantity": "string", "word": "string"}, name="guideline_actions"
)
"""The steps of rules that a finding can show: a drug, a test, a place; `word` is what its text must be, or empty."""


class Step(msgspec.Struct, frozen=True):
    """One step that a source asked for when a grade was first reached. `hours`: from then to its being taken."""

    patient: str
    grade: int
    reached: datetime
    row: str
    says: str
    strength: str
    kind: str
    quantity: str
    done: datetime | None
    hours: float | None
    given_before: datetime | None
    verdict: Verdict


class Summary(msgspec.Struct, frozen=True):
    """One step over the cohort: how many patients it was due in (at its first moment), and what became of it."""

    row: str
    says: str
    grade: int
    quantity: str
    due: int
    taken: int
    late: int
    hour_not_known: int
    given_before: int
    not_on_record: int
    median_hours: float | None


def actions(rules: Sequence[Rule]) -> pa.Table:
    """ACTIONS of some rules; what is only recalled is not looked back at."""
    made: list[dict[str, Any]] = []
    for place, rule in enumerate(rules):
        if rule.guideline.known(rule.row) == "recalled":
            continue
        for step, action in enumerate(rule.row.do):
            quantities_, word = shown_by(action)
            made += [{"rule": place, "action": step, "quantity": name, "word": word} for name in quantities_]
    schema = pa.schema([("rule", pa.int64()), ("action", pa.int64()), ("quantity", pa.string()), ("word", pa.string())])
    return pa.Table.from_pylist(made, schema=schema)


def shown_by(action: Action) -> tuple[tuple[str, ...], str]:
    """The quantities any of which shows that a step was taken, and the word that must be charted with it."""
    if action.kind == "care" and action.level == "icu":
        return ("care-setting",), "icu"
    if action.kind in ("avoid", "warn", "differs", "consult", "hold", "stop"):
        return (), ""
    if action.drug == "corticosteroid" and action.finding is None:
        return tuple(steroids()), ""
    named = action.finding or action.drug
    return ((named,) if named in quantities() and named != "care-setting" else ()), action.word or ""


def reached(course: ir.Table, episodes: ir.Table, scale: str) -> ir.Table:
    """The moments at which an episode's sure grade first reached 1, 2, 3 or 4: patient, at_s, grade, onset_s, until_s.

    `scale`: of CRS. `until_s`: the episode's resolution, or the moment asked about.
    """
    mine = episodes.filter((episodes.syndrome == "crs") & (episodes.scale == scale))
    mine = mine.select("patient", "onset_s", until_s=mine.resolved_s.fill_null(mine.as_of_s))
    changes = course.filter((course.syndrome == "crs") & (course.scale == scale) & (course.at_least > 0))
    changes = changes.select("patient", "at_s", grade="at_least")
    rows = mine.join(changes, "patient")
    rows = rows.filter((rows.at_s >= rows.onset_s) & (rows.at_s <= rows.until_s))
    before = ibis.window(group_by=[rows.patient, rows.onset_s], order_by=[rows.at_s], rows=(None, -1))
    rows = rows.mutate(so_far=rows.grade.max().over(before).fill_null(0))
    return rows.filter(rows.grade > rows.so_far).drop("so_far")


def asked(reached: ir.Table) -> ir.Table:
    """The moments, for the state: patient, at_s."""
    return reached.select("patient", "at_s").distinct()


def due(fired: ir.Table, actions: ir.Table, reached: ir.Table) -> ir.Table:
    """Each step that a rule surely asked for at a moment: `reached` with rule, action, quantity, word."""
    rows = fired.filter((fired.end == MILDEST) & (fired.holds == HOLDS) & (fired.wait_hours == 0))
    rows = rows.select("patient", "at_s", "rule").join(actions, "rule")
    return rows.join(reached, ["patient", "at_s"])


def shown(known: ir.Table, actions: ir.Table) -> ir.Table:
    """The findings that can show a step: patient, quantity, text, found_s, ended_s."""
    gave = known.high.isnull() | (known.high != 0)
    rows = known.filter(gave).semi_join(actions, "quantity")
    return rows.select("patient", "quantity", "text", found_s="at_s", ended_s="until_s")


def done(due: ir.Table, shown: ir.Table) -> ir.Table:
    """`due` with the first finding in the episode that shows the step from then on, and the last one before.

    Columns added: done_s, before_s (since a day before the onset), day_s (of which only the day is known), null where
    none is on record.
    """
    rows = due.left_join(shown, ["patient", "quantity"])
    rows = rows.drop(*(name for name in rows.columns if name.endswith("_right")))
    fits = (rows.word == "") | (rows.text == rows.word)
    # A stay that had begun before and still runs shows the step at the moment itself.
    still = rows.ended_s.isnull() | (rows.ended_s >= rows.at_s)
    stays = fits & (rows.word != "") & (rows.found_s <= rows.at_s) & still
    # A dose of which only the day is known was taken at some hour of it, if that day reaches past the moment.
    day = fits & (rows.word == "") & by_day(rows.found_s, rows.ended_s) & (rows.ended_s >= rows.at_s)
    after = fits & ~day.fill_null(False) & (rows.found_s >= rows.at_s) & (rows.found_s <= rows.until_s)
    earlier = (
        fits
        & ~day.fill_null(False)
        & (rows.found_s < rows.at_s)
        & (rows.found_s >= rows.onset_s - int(number("bundle-before") * HOUR_S))
    )
    key = ["patient", "at_s", "grade", "onset_s", "rule", "action"]
    return rows.group_by(key).agg(
        done_s=pick([(stays, rows.at_s), (after, rows.found_s)], None).min(),
        before_s=ibis.ifelse(earlier, rows.found_s, None).max(),
        day_s=ibis.ifelse(day & (rows.found_s <= rows.until_s), rows.found_s, None).min(),
    )


def verdict(hours: float | None, *, day: bool, before: bool, within_hours: float | None) -> Verdict:
    """What is said of a step that took so many hours; later than `within_hours` is late; `day`: only that is known."""
    if hours is None:
        if day:
            return "taken at an hour not known"
        return "given before" if before else "not on record"
    return "late" if within_hours is not None and hours > within_hours else "taken"
