"""Looking back over a record: the steps of one source at each grade first reached, per patient and for the cohort."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import groupby
from statistics import median
from typing import Any, get_args

import duckdb
import ibis
import ibis.expr.types as ir
import msgspec

from leeward.cohort import guidance
from leeward.cohort.answer import instant, when
from leeward.cohort.courses import graded
from leeward.cohort.engine import Question
from leeward.cohort.plan import steps as plan
from leeward.knowledge.guidelines import Guideline, guidelines
from leeward.plan import audit, fires
from leeward.record.errors import BadSetting
from leeward.record.spool import Record
from leeward.scales.older_crs import ASTCT
from leeward.timeline.settings import HOUR_S


def source(name: str, own: Guideline | None = None) -> Guideline:
    """The source of that id. Raises BadSetting where there is none, naming those there are."""
    there = {one.id: one for one in (*([own] if own else []), *guidelines())}
    if name not in there:
        asked = [one.id for one in there.values() if one.nature not in ("safety", "disagreements")]
        raise BadSetting(f"no source '{name}'; there is {', '.join(asked)}")
    return there[name]


PATIENTS_AT_ONCE = 5_000
"""So many patients' rules are held at once, so that memory does not grow with the cohort."""
_PARTS = f"""create or replace table audit_parts as select patient, at_s,
(dense_rank() over (order by patient collate c) - 1) // {PATIENTS_AT_ONCE} as part from plan_asked"""
_SOME = """create or replace table audit_some as select s.* from plan_state s
join audit_parts p on s.patient = p.patient and s.at_s = p.at_s where p.part = ? and s."end" = 0"""


@cache
def compiled(
    scale: str, scales: tuple[str, ...], *, room_air: bool
) -> tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]:
    """The steps of looking back as SQL: those made once for all, and those made for some patients at a time."""
    ibis.options.sql.fuse_selects = False
    made = {name: ibis.table(step.schema(), name=name) for name, step in plan(room_air=room_air, scales=scales)}
    out: list[tuple[str, ir.Table]] = []

    def step(name: str, build: Callable[..., ir.Table], *inputs: Any) -> ir.Table:
        out.append((name, build(*inputs)))
        return ibis.table(out[-1][1].schema(), name=name)

    reached = step("audit_reached", audit.reached, made["course"], made["episodes"], scale)
    shown = step("audit_shown", audit.shown, made["known"], audit.ACTIONS)
    step("plan_asked", audit.asked, reached)
    advice = guidance.named(room_air=room_air, scales=scales)
    first = [*out, *(one for one in advice if one[0] != "plan_fired")]
    out.clear()
    state = ibis.table(dict(advice)["plan_state"].schema(), name="audit_some")
    due = step("audit_due", audit.due, step("audit_fired", fires.fired, state, fires.CELLS), audit.ACTIONS, reached)
    step("audit_done", audit.done, due, shown)
    return _spelt(first), _spelt(out)


def _spelt(made: list[tuple[str, ir.Table]]) -> tuple[tuple[str, str], ...]:
    """Steps as SQL."""
    return tuple((name, str(ibis.to_sql(one, dialect="duckdb"))) for name, one in made)


def steps(
    record: Record, question: Question, of: Guideline, *, within_hours: float | None = None
) -> Iterator[audit.Step]:
    """Every step that was due, in order of patients and time. `within_hours`: what takes longer is late."""
    scale = of.scale or ASTCT
    question = msgspec.structs.replace(question, scales=tuple(dict.fromkeys((ASTCT, scale))))
    con = graded(record, question, reasons=False)
    yield from looked_back(con, question, of, within_hours=within_hours)


def looked_back(
    con: duckdb.DuckDBPyConnection, question: Question, of: Guideline, *, within_hours: float | None
) -> Iterator[audit.Step]:
    """As `steps`, from a connection in which the plan has run on the source's scale."""
    rules = tuple(fires.Rule(of, row) for row in of.rows)
    con.register("guideline_cells", fires.cells(rules, ASTCT))
    con.register("guideline_actions", audit.actions(rules))
    once, each = compiled(of.scale or ASTCT, question.scales, room_air=question.room_air)
    for name, sql in once:
        con.execute(f"create or replace table {name} as {sql}")
    con.execute(_PARTS)
    for part in range(con.sql("select coalesce(max(part) + 1, 0) from audit_parts").fetchall()[0][0]):
        con.execute(_SOME, [part])
        for name, sql in each:
            con.execute(f"create or replace table {name} as {sql}")
        rows = con.sql("select * from audit_done order by patient collate c, at_s, rule, action")
        for row in rows.to_arrow_table().to_pylist():
            yield _step(row, rules, within_hours)


def _step(row: dict[str, Any], rules: tuple[fires.Rule, ...], within_hours: float | None) -> audit.Step:
    """A row of audit_done."""
    rule = rules[row["rule"]]
    action = rule.row.do[row["action"]]
    hours = None if row["done_s"] is None else round((row["done_s"] - row["at_s"]) / HOUR_S, 3)
    return audit.Step(
        patient=row["patient"], grade=row["grade"], reached=when(row["at_s"]), row=rule.name,
        says=action.says or rule.row.says, strength=action.strength or rule.row.strength, kind=action.kind,
        quantity=" or ".join(audit.shown_by(action)[0]),
        done=instant(row["done_s"]), hours=hours, given_before=instant(row["before_s"]),
        verdict=audit.verdict(hours, before=row["before_s"] is not None, day=row["day_s"] is not None,
                              within_hours=within_hours),
    )  # fmt: skip


def summary(steps: Iterable[audit.Step]) -> list[audit.Summary]:
    """The cohort's figures, a line per step and grade; of several episodes of a patient each counts."""
    found: dict[tuple[str, str, int], list[audit.Step]] = {}
    for step in steps:
        found.setdefault((step.row, step.says, step.grade), []).append(step)
    return [_summed(several) for _, several in sorted(found.items(), key=lambda item: (item[0][2], item[0][0]))]


def _summed(several: list[audit.Step]) -> audit.Summary:
    """One line."""
    first, hours = several[0], [step.hours for step in several if step.hours is not None]
    count = {verdict: sum(step.verdict == verdict for step in several) for verdict in get_args(audit.Verdict)}
    return audit.Summary(
        row=first.row, says=first.says, grade=first.grade, quantity=first.quantity, due=len(several),
        taken=count["taken"], late=count["late"], hour_not_known=count["taken at an hour not known"],
        given_before=count["given before"], not_on_record=count["not on record"],
        median_hours=round(median(hours), 3) if hours else None,
    )  # fmt: skip


def lines(steps: Iterable[audit.Step], of: Guideline, *, cohort: bool = False) -> Iterator[bytes]:
    """JSON, a line per patient with the steps that were due; or with `cohort` a line per step with its figures."""
    if cohort:
        yield from (msgspec.json.encode(line) + b"\n" for line in summary(steps))
        return
    for patient, mine in groupby(steps, key=lambda step: step.patient):
        told = {"patient": patient, "source": of.speaks_as, "source_id": of.id, "steps": list(mine)}
        yield msgspec.json.encode(told) + b"\n"
