"""A plan in a terminal: each source with what it says, where they differ, and what comes next."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from rich.console import Console
from rich.text import Text

from leeward.plan.bundle import Timed
from leeward.plan.plan import ALTERNATIVES, Plan, Range
from leeward.plan.suggestions import Disagreement, Later, Said, Suggestion
from leeward.plan.words import between, moment, span
from leeward.scales.older_crs import ASTCT
from leeward.timeline.settings import HOUR_S

KNOWN = {"read": "", "secondary": "seen second-hand", "derived": "worked out by us", "recalled": "recalled only"}
"""How a thing is known, in words; what was read in its source needs none."""
_STRENGTH = {"recommend": "recommends", "option": "gives as an option"}
_GATHERED = ("supportive", "work-up", "monitor", "avoid", "warn")


def printed(out: Console, plan: Plan, *, recalled: bool = False) -> None:
    """Prints a plan; `recalled`: also what is only recalled of a source, greyed."""
    for line in lines(plan, recalled=recalled):
        out.print(line, soft_wrap=True)


def lines(plan: Plan, *, recalled: bool = False) -> Iterable[Text]:
    """The lines of a plan."""
    if plan.as_of is None:
        yield Text(f"Patient {plan.patient}: {plan.not_graded}\n", style="bold")
        return
    yield Text(f"Patient {plan.patient}, {moment(int(plan.as_of.timestamp()))}", style="bold")
    yield Text(f"{grades(plan)}; {plan.product or 'no therapy'}. Here is {plan.standing}.")
    yield Text(ALTERNATIVES)
    said = [one for one in plan.suggestions if one.kind != "consult"]
    for source, mine in groupby(said, key=lambda one: one.source_id):
        yield from _of_source(list(mine), source)
    elsewhere = dict.fromkeys(one.says for one in plan.suggestions if one.kind == "consult" and not one.needs)
    if elsewhere:
        yield Text("\nNot shown here: " + "; ".join(elsewhere) + ".")
    if not plan.suggestions:
        yield Text("No source says anything for this state.")
    yield from _differ(plan.disagreements)
    yield from _next(plan.later)
    yield from _mind(plan)
    yield from _clock(plan)
    if recalled and plan.recalled:
        yield Text("Only recalled, not read; no dose is worked out from it:", style="dim italic")
        yield from (Text(f"  {one.source}: {told(one)}", style="dim") for one in plan.recalled)
    yield Text("")


def grades(plan: Plan) -> str:
    """The grades in one line: ASTCT first, then each scale that differs, so that "at worst" has its range in sight."""
    first = [one for one in plan.crs if one.scale == ASTCT]
    crs = [f"CRS {ranged(one)} ({one.scale})" for one in first]
    crs += [
        f"{ranged(one)} ({one.scale})" for one in plan.crs if one.scale != ASTCT and ranged(one) != ranged(first[0])
    ]
    icans = [f"ICANS {ranged(plan.icans)}"] if plan.icans else []
    return ", ".join([*(crs or ["CRS not graded"]), *icans])


def ranged(one: Range) -> str:
    """A range of grades."""
    return f"{one.at_least}" if one.at_least == one.at_most else f"{one.at_least} to {one.at_most}"


def _of_source(mine: list[Suggestion], source: str) -> Iterable[Text]:
    """What one source says: what applies first, then what would if something not on record holds."""
    first = mine[0]
    about = f"{first.source} says ({first.nature}{', ' + first.region if first.region else ''}, {first.dated}):"
    yield Text(f"\n{about}", style="bold" if source else "")
    for one in gathered([one for one in mine if not one.needs]):
        yield Text(f"  {one}")
    for one in gathered([one for one in mine if one.needs]):
        yield Text(f"  {one}", style="dim")


def gathered(mine: list[Suggestion]) -> list[str]:
    """One line per row where its steps are of one kind, one per drug and per level of care."""
    made = []
    for _, group in groupby(mine, key=lambda one: (one.row, one.as_grade, one.kind in _GATHERED, one.strength)):
        several = list(group)
        together = several[0].kind in _GATHERED
        parts = [several] if together else [[one] for one in several]
        made += [
            condition(part[0]) + "; ".join(dict.fromkeys(told(one) for one in part)) + _ground(part[0])
            for part in parts
        ]
    return made


def condition(one: Said) -> str:
    """When it applies: at which end of a range, and what is not on record and must hold."""
    at = end(one.ends)
    return f"{at}{unsure(one.needs)}: " if one.needs else at


def end(ends: Sequence[str]) -> str:
    """At which end of a range of grades something holds; empty where it holds at both."""
    return "" if len(ends) != 1 else "at best: " if ends[0] == "mildest" else "at worst: "


def unsure(needs: list[str]) -> str:
    """What is not on record and decides whether something applies."""
    return f"depends on {', '.join(needs)} (not on record)"


def _ground(one: Suggestion) -> str:
    """Strength, and how it is known."""
    known = KNOWN[one.evidence]
    option = "an option" if one.strength == "option" else ""
    said = ", ".join(part for part in (option, known) if part)
    return f" [{said}]" if said else ""


def told(one: Suggestion) -> str:
    """One step, with its dose or why there is none."""
    raised = f"as grade {one.as_grade}: " if one.as_grade is not None and one.kind != "escalate" else ""
    if one.drug is None or (one.dose is None and not one.blocked and not one.steps):
        return raised + one.says
    return f"{raised}{one.says}: {dose(one)}"


def dose(one: Suggestion) -> str:
    """The dose in words: amount, route, interval, earliest, what remains, or what blocks it."""
    if one.dose is None:
        return f"no dose: {one.blocked}" if one.blocked else "no dose"
    parts = [f"{one.drug} {between(one.dose, one.dose_to)} {one.unit} {one.route}"]
    if one.interval_hours:
        parts.append(f"every {between(one.interval_hours, one.interval_to_hours)} h")
    if one.blocked:
        parts.append(f"held back: {one.blocked}")
    if one.remaining_doses is not None:
        parts.append(f"{one.remaining_doses} left in the episode")
    return ", ".join(parts) + (f" ({one.arithmetic})" if one.arithmetic else "")


def _differ(found: list[Disagreement]) -> Iterable[Text]:
    """Where sources differ in this state."""
    if found:
        yield Text("\nWhere sources differ here:", style="bold")
    for one in found:
        yield Text(f"  {end(one.ends)}{one.says}" + (f" ({unsure(one.needs)})" if one.needs else ""))
        for side in one.sides:
            known = f" [{KNOWN[side.evidence]}]" if KNOWN[side.evidence] else ""
            yield Text(f"    {', '.join(side.sources)}: {side.says}{known}", style="dim" if known else "")


def _next(found: list[Later]) -> Iterable[Text]:
    """What waiting would change."""
    if found:
        yield Text("\nWhat would change it, if nothing else does:", style="bold")
    for one in found:
        waits = f"in {span(round(one.in_hours * HOUR_S))}, {moment(int(one.at.timestamp()))}"
        yield Text(f"  {waits}: {one.source}: {condition(one)}{one.says}")


def _mind(plan: Plan) -> Iterable[Text]:
    """Warnings, those of doses with them."""
    own = [f"{one.source}, {one.drug}: {warning}" for one in plan.suggestions for warning in one.warnings]
    about: dict[str, list[str]] = {}
    for one in plan.warnings:
        known = f", {KNOWN[one.evidence]}" if KNOWN[one.evidence] else ""
        said = f"{end(one.ends)}{one.says} ({one.where}{known})" + (f"; {unsure(one.needs)}" if one.needs else "")
        about.setdefault(said, []).append(one.drug or "always")
    general = [f"{', '.join(drugs)}: {said}" for said, drugs in about.items()]
    if own or general:
        yield Text("\nTo mind:", style="bold")
    yield from (Text(f"  {said}") for said in dict.fromkeys((*general, *own)))


def _clock(plan: Plan) -> Iterable[Text]:
    """The clock of the bundle, and the rules of the therapy's day."""
    if plan.bundle:
        yield Text("\nThe clock:", style="bold")
    for step in plan.bundle:
        yield Text(f"  {step.step}: {_since(step)}")
    if plan.refused:
        counted = ", ".join(f"{count} x {reason}" for reason, count in plan.refused.items())
        yield Text(f"\nNot understood in this record, and so not used: {counted}", style="bold")
    yield Text("\nTaken for granted: " + "; ".join(plan.assumptions))
    if plan.stay:
        yield Text("\nRules on staying near and driving in force when it was given:", style="bold")
    yield from (
        Text(f"  {', '.join(part for part in (one.region, one.about, one.for_) if part)}: {one.says} [{one.evidence}]")
        for one in plan.stay
    )


def _since(step: Timed) -> str:
    """How long a step of the bundle took, or that it is not on record."""
    if step.hours is None:
        return "on record for that day, hour not known"
    if step.done is None:
        return f"not on record, {step.hours:g} h after {step.since_what} so far"
    return f"{abs(step.hours):g} h {'before' if step.hours < 0 else 'after'} {step.since_what}"
