"""From rules that hold to what a reader is told: suggestions with doses, disagreements, warnings, what comes later."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from typing import Any, Literal

import msgspec

from leeward.knowledge.cells import inputs
from leeward.knowledge.guidelines import Action, DoseRule, Guideline, Nature, Row, Strength, cited
from leeward.knowledge.loader import Evidence, weakest
from leeward.plan import fires
from leeward.plan.doses import Dosed, dosed
from leeward.plan.moments import MILDEST, RAISED, RAISED_WORST, WORST
from leeward.plan.patient import Patient
from leeward.plan.taper import Planned
from leeward.scales.older_crs import ASTCT
from leeward.timeline.settings import HOUR_S

End = Literal["mildest", "worst"]
_ENDS: dict[int, End] = {MILDEST: "mildest", WORST: "worst", RAISED: "mildest", RAISED_WORST: "worst"}
_GRADES = frozenset({"crs_grade", "icans_grade", "worst_grade"})
_RAISED = {MILDEST: RAISED, WORST: RAISED_WORST}
_ORDER: tuple[Nature, ...] = ("local", "label", "guideline", "consensus", "institution", "safety", "disagreements")


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """Who says something, on what ground, and at which end of the range of grades it holds.

    `needs`: what is not known and must hold for it to apply; nothing: it applies. `ends`: of a range of grades, the
    end at which it holds; both where the grade is sure. `grade`: the CRS grade it is said for, on `scale`.
    """

    source: str
    source_id: str
    nature: Nature
    says: str
    needs: list[str]
    ends: list[End]
    scale: str | None
    grade: int | None
    citation: str
    where: str
    evidence: Evidence
    dated: str
    checked: date
    region: str | None
    row: str


class Suggestion(Said, frozen=True, kw_only=True):
    """One thing a source says to do.

    A dose is null where something for it is missing or no waiting frees it; `blocked` says what. A dose that is only
    held back for a time carries its amount, `blocked`, and the `earliest` moment at which nothing holds it back.
    `as_grade`: said for this grade, which the source wants the present one to be managed as.
    """

    strength: Strength
    kind: str
    drug: str | None = None
    dose: float | None = None
    dose_to: float | None = None
    unit: str | None = None
    route: str | None = None
    interval_hours: float | None = None
    interval_to_hours: float | None = None
    earliest: datetime | None = None
    blocked: str | None = None
    remaining_doses: int | None = None
    remaining_in_24_hours: int | None = None
    arithmetic: str | None = None
    steps: list[Planned] = []
    warnings: list[str] = []
    level: str | None = None
    as_grade: int | None = None
    finding: str | None = None


class Warned(Said, frozen=True, kw_only=True):
    """What to mind: about a drug, or about everything."""

    drug: str | None = None


class SideSaid(msgspec.Struct, frozen=True):
    """One side of a disagreement."""

    sources: list[str]
    says: str
    evidence: Evidence


class Disagreement(msgspec.Struct, frozen=True, kw_only=True):
    """A state in which sources differ, and what each says; `says` is the question."""

    id: str
    says: str
    sides: list[SideSaid]
    needs: list[str]
    ends: list[End]
    where: str


class Later(Said, frozen=True, kw_only=True):
    """What a source will say once some hours have passed, if nothing else changes."""

    in_hours: float
    at: datetime


class Held(msgspec.Struct, frozen=True):
    """A rule at one end: what is not known for it, and how long it still has to wait."""

    rule: fires.Rule
    end: int
    needs: tuple[str, ...]
    wait_hours: float


class Situation(msgspec.Struct, frozen=True):
    """One patient at one moment: the rules that hold by end, and the grades on each scale by end."""

    patient: Patient
    held: tuple[Held, ...]
    grades: dict[tuple[str, int], int]
    places: dict[str, int]

    def at(self, end: int) -> dict[str, Held]:
        """What holds now at an end, by the rule's name."""
        return {one.rule.name: one for one in self.held if one.end == end and one.wait_hours == 0}

    def ends_of(self, scale: str) -> list[int]:
        """The ends of the range on a scale: one where the grade is sure."""
        return [end for end in (MILDEST, WORST) if (scale, end) in self.grades]


def situation(
    states: Iterable[dict[str, Any]], fired: Iterable[dict[str, Any]], patient: Patient, rules: Sequence[fires.Rule]
) -> Situation:
    """The rows of plan_state and plan_fired of one patient and moment."""
    # In one order, whatever order an engine gives them in.
    ordered = sorted(fired, key=lambda row: (row["rule"], row["end"]))
    held = tuple(
        Held(rules[row["rule"]], row["end"], fires.unknown_inputs(row["unknown"]), row["wait_hours"]) for row in ordered
    )
    grades = {(row["scale"], row["end"]): int(row["crs_grade"]) for row in states}
    return Situation(patient, held, grades, {rule.name: place for place, rule in enumerate(rules)})


def suggestions(now: Situation) -> tuple[list[Suggestion], list[Suggestion]]:
    """What sources say to do, in the order of _ORDER; and what is only recalled, without doses."""
    told: dict[tuple[str, int | None], list[Held]] = {}
    for end in (MILDEST, WORST):
        held = now.at(end)
        for name, one in held.items():
            told.setdefault((name, None), []).append(one)
        for grade, raised in _as_grade(now, held.values(), end):
            told.setdefault((raised.rule.name, grade), []).append(raised)
    made: list[Suggestion] = []
    recalled: list[Suggestion] = []
    for (_, as_grade), several in sorted(told.items(), key=lambda item: _place(now, *item)):
        rule = several[0].rule
        if rule.row.silent or rule.guideline.nature in ("safety", "disagreements"):
            continue
        for action in rule.row.do:
            told_ = _suggestion(now, several, action, as_grade)
            (recalled if told_.evidence == "recalled" else made).append(told_)
    return made, recalled


def _place(now: Situation, named: tuple[str, int | None], several: list[Held]) -> tuple[int, int, int]:
    """The place of a rule among all: a centre's own first, then by file, row and the grade it is said for."""
    name, as_grade = named
    guideline = several[0].rule.guideline
    order = len(_ORDER) if guideline.superseded else _ORDER.index(guideline.nature)
    return order, now.places[name], as_grade or 0


def _as_grade(now: Situation, held: Iterable[Held], end: int) -> list[tuple[int, Held]]:
    """What a source says for the grade that it wants the present one to be managed as, one grade up.

    Its own words on the grade it names, but for those that name a further one.
    """
    raised = now.at(_RAISED[end])
    found = []
    for one in held:
        guideline = one.rule.guideline
        scale = guideline.scale or ""
        for action in one.rule.row.do:
            about_crs = "crs_grade" in one.rule.row.when
            if not about_crs or action.as_grade is None or now.grades.get((scale, _RAISED[end])) != action.as_grade:
                continue
            for other in raised.values():
                mine = other.rule.guideline.id == guideline.id and "crs_grade" in other.rule.row.when
                further = any(step.as_grade is not None for step in other.rule.row.do)
                if mine and not further and other.rule.name not in now.at(end):
                    needs = tuple(dict.fromkeys((*one.needs, *other.needs)))
                    found.append((action.as_grade, Held(other.rule, end, needs, 0.0)))
    return found


def _said(now: Situation, several: Sequence[Held]) -> dict[str, Any]:
    """What every thing said carries. It applies where it applies at one of the ends."""
    rule = several[0].rule
    guideline, row = rule.guideline, rule.row
    scale = guideline.scale if "crs_grade" in row.when else None
    sure = not _GRADES.intersection(row.when) or len(now.ends_of(guideline.scale or ASTCT)) == 1
    least = min(several, key=lambda one: len(one.needs))
    return {
        "source": guideline.speaks_as, "source_id": guideline.id, "nature": guideline.nature, "says": row.says,
        "needs": [inputs()[name].says for name in least.needs],
        "ends": ["mildest", "worst"] if sure else sorted({_ENDS[one.end] for one in several}),
        "scale": scale, "grade": now.grades.get((scale, several[0].end)) if scale else None,
        "citation": cited(guideline, row), "where": row.where,
        "evidence": guideline.known(row), "dated": guideline.dated, "checked": row.checked or guideline.checked,
        "region": guideline.region, "row": rule.name,
    }  # fmt: skip


def _suggestion(now: Situation, several: Sequence[Held], action: Action, as_grade: int | None) -> Suggestion:
    """One action of a row that holds."""
    rule = several[0].rule
    said = _said(now, several)
    said["says"] = action.says or said["says"]
    dose = rule.guideline.doses.get(action.dose or "")
    evidence = weakest([said["evidence"], rule.guideline.known(dose)]) if dose else said["evidence"]
    said["evidence"] = evidence
    waits_for = [inputs()[name].says for one in several for name in one.needs if inputs()[name].judged]
    told = _dose(now.patient, dose, rule.guideline, waits_for, recalled=evidence == "recalled")
    return Suggestion(
        **said, **told, strength=action.strength or rule.row.strength, kind=action.kind, drug=action.drug,
        level=action.level, as_grade=as_grade or action.as_grade, finding=action.finding,
    )  # fmt: skip


def _dose(
    patient: Patient, rule: DoseRule | None, guideline: Guideline, waits_for: Sequence[str], *, recalled: bool
) -> dict[str, Any]:
    """A dose by its rule. What is only recalled is never the basis of one, nor what no record can tell."""
    if rule is None:
        return {}
    if recalled:
        return {"unit": rule.unit, "route": rule.route, "blocked": "only recalled: no dose is worked out from it"}
    made: Dosed = dosed(rule, patient, guideline.speaks_as)
    if waits_for:
        reasons = [made.blocked] if made.blocked else []
        words = "; ".join([*reasons, f"not before it is known {waits_for[0]}"])
        return {"unit": rule.unit, "route": rule.route, "blocked": words}
    never = made.blocked is not None and made.earliest is None
    return {
        "dose": None if never else made.amount, "dose_to": None if never else made.amount_to,
        "unit": made.unit, "route": made.route,
        "interval_hours": made.interval_hours, "interval_to_hours": made.interval_to_hours,
        "earliest": _moment(made.earliest), "blocked": made.blocked, "remaining_doses": made.remaining_doses,
        "remaining_in_24_hours": made.remaining_in_24_hours, "arithmetic": made.arithmetic or None,
        "steps": list(made.steps), "warnings": list(made.warnings),
    }  # fmt: skip


def _moment(seconds: int | None) -> datetime | None:
    """Seconds as a moment in UTC."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _by_rule(now: Situation, nature: Nature) -> list[list[Held]]:
    """The rules of one nature that hold now, both ends of each together, in their files' order."""
    told: dict[str, list[Held]] = {}
    for end in (MILDEST, WORST):
        for name, one in now.at(end).items():
            if one.rule.guideline.nature == nature and not one.rule.row.silent:
                told.setdefault(name, []).append(one)
    return [told[name] for name in sorted(told, key=now.places.__getitem__)]


def warnings(now: Situation, told: Sequence[Suggestion]) -> list[Warned]:
    """What to mind now: of drugs those that a source suggests or that were given, and what holds whatever is given."""
    drugs = {one.drug for one in told} | {drug for drug, doses in now.patient.given.items() if doses}
    return [
        Warned(**{**_said(now, several), "says": action.says or several[0].rule.row.says}, drug=action.drug)
        for several in _by_rule(now, "safety")
        for action in several[0].rule.row.do
        if action.drug is None or action.drug in drugs or action.kind == "avoid"
    ]


def disagreements(now: Situation) -> list[Disagreement]:
    """Every state of the list in which sources differ and that holds now, or may hold."""
    made = []
    for several in _by_rule(now, "disagreements"):
        row: Row = several[0].rule.row
        said = _said(now, several)
        sides = [SideSaid(list(side.sources), side.says, side.evidence) for side in row.sides]
        made.append(
            Disagreement(id=row.id, says=row.says, sides=sides, needs=said["needs"], ends=said["ends"], where=row.where)
        )
    return made


def later(now: Situation) -> list[Later]:
    """What waiting alone would make a source say, soonest first."""
    waits: dict[tuple[float, str], list[Held]] = {}
    for one in sorted(now.held, key=lambda held: held.end):
        guideline = one.rule.guideline
        shown = guideline.nature not in ("safety", "disagreements") and guideline.known(one.rule.row) != "recalled"
        if one.wait_hours > 0 and one.end in (MILDEST, WORST) and not one.rule.row.silent and shown:
            waits.setdefault((round(one.wait_hours, 3), one.rule.name), []).append(one)
    return [
        Later(**_said(now, several), in_hours=hours, at=_after(now, several[0].wait_hours))
        for (hours, _), several in sorted(waits.items())
    ]


def _after(now: Situation, hours: float) -> datetime:
    """A moment some hours from now."""
    return datetime.fromtimestamp(now.patient.as_of_s + round(hours * HOUR_S), UTC)
