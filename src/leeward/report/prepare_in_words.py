"""What is known and said before a dose, in words: each line with who says it and how that is known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any

from leeward.knowledge.therapies import Count, Population, Rule, Share, Spread
from leeward.plan.around import Arm, Gap, Says, Study, Unread, Watch
from leeward.plan.checklist import Checked, Shown
from leeward.plan.prepare import Ends, Preparation
from leeward.plan.schedule import Position, Step, StepUp
from leeward.report import words

CLOSING = (
    "Leeward says what sources print and what the record shows; it proposes nothing of its own. "
    "It is reviewable decision support and a research instrument, not a medical device."
)


def in_words(one: Preparation) -> str:
    """One patient's preparation as text."""
    if one.refused:
        return "\n".join([f"Patient {one.patient}: {one.refused}", *not_understood(one.not_understood), ""])
    return "\n".join([*_head(one), "", *_body(one), CLOSING, ""])


def _head(one: Preparation) -> Iterator[str]:
    """Who, what, when."""
    yield f"Patient {one.patient}, before {one.title}{f', rules of {one.region}' if one.region else ''}"
    yield f"  {when(one.at, one.day) or 'no date'}; as known at {spelt(one.as_of)}"
    yield from (f"  {note}" for note in one.notes)
    yield from not_understood(one.not_understood)


def not_understood(refused: Mapping[str, int]) -> Iterator[str]:
    """What of the record was refused at the door, counted by reason, so that nobody takes it for absent."""
    if refused:
        yield f"  not understood, so not used: {', '.join(f'{count} x {why}' for why, count in refused.items())}"


def _body(one: Preparation) -> Iterator[str]:
    """The sections, each with its lines."""
    for name, lines in sections(one):
        yield name
        yield from (f"  {line}" for line in lines)
        yield ""


def sections(one: Preparation) -> list[tuple[str, list[str]]]:
    """Every section's name and lines."""
    return [
        ("Checklist", [line for item in one.checklist for line in item_lines(item)]),
        ("Schedule", list(_schedule(one))),
        ("Around the dose", [rule(line) for line in one.around] or ["nothing is on file for this product"]),
        ("Staying near, watching, driving", [ends(line) for line in one.stay] or ["nothing is on file"]),
        ("Watching after the dose", [watch(line) for line in one.watching]),
        ("What was tried", [line for each in one.prophylaxis for line in study(each)] or ["nothing on file"]),
        ("Published of this product (scales differ and are not comparable)",
         [population(row) for row in one.published] or ["nothing on file"]),
    ]  # fmt: skip


def spelt(at: datetime | None) -> str:
    """A moment with its offset."""
    return "no time on record" if at is None else at.strftime("%Y-%m-%d %H:%M %z").replace("+0000", "UTC")


def when(at: datetime | None, day: date | None) -> str:
    """A moment, else a day, else nothing."""
    return spelt(at) if at is not None else day.isoformat() if day else ""


def item_lines(item: Checked) -> Iterator[str]:
    """One item: its state and what it rests on, then who asks for it."""
    missing = f"; missing: {', '.join(item.missing)}" if item.missing else ""
    yield f"{item.title}: {item.told}{missing}"
    yield from (f"    {shown(found)}" for found in item.because)
    yield from (f"    {asks(line)}" for line in item.asks)


def shown(found: Shown) -> str:
    """A finding with its time."""
    upto = f" to {found.to:.4g}" if found.to is not None else ""
    value = found.word if found.value is None else words.measure(f"{found.value:.4g}{upto}", words.unit(found.unit))
    old = ", too old to count" if found.too_old else ""
    return f"{found.quantity} {value}, {spelt(found.at)}{old}"


def asks(line: Says) -> str:
    """Who asks for an item; what we decided ourselves says so instead."""
    return said_by(line.source, line.says, line.evidence)


def said_by(source: str, says: str, evidence: str) -> str:
    """What a source says; where nobody was opened, or we decided it, no source is made to speak."""
    if evidence == "derived" or source.startswith("recalled"):
        return f"{says} ({source}{'' if source.startswith(evidence) else f'; {evidence}'})"
    return f"{source} says: {says} ({evidence})"


def _schedule(one: Preparation) -> Iterator[str]:
    """Schedules on dates, where the next dose stands, what a late dose means."""
    yield from (position(each) for each in one.position)
    for line in one.step_up:
        yield step_up(line)
        yield from (f"  {step(each)}" for each in line.steps)
    yield from late(one)
    if one.no_gap_rule:
        yield one.no_gap_rule
    if not one.step_up:
        yield "no stepped or split schedule is on file for this product"


def position(at: Position) -> str:
    """Where the dose of the day stands."""
    if at.first:
        return "no earlier dose on record: this day counts as that of the first dose"
    since = f"{at.given} on record, the last {at.days_since_last} days before"
    if at.source is None:
        return f"{since}: {at.says}" if at.says else since
    meant = {
        "continue": "the next step", "repeat": "the same step again", "restart": "the first step again",
        "back": f"step {at.back_to} again", None: "no step of the schedule on file",
    }[at.next]  # fmt: skip
    said = f"{at.source} ({whose(at.region, at.for_)}) says: {at.says}"
    return f"{since}: {said}. By that, this day is {meant} ({at.evidence})"


def whose(region: str | None, for_: str | None) -> str:
    """A region, with what its label speaks of there."""
    return ", ".join(part for part in (region, for_) if part)


def step_up(line: StepUp) -> str:
    """A schedule's own words."""
    return f"{whose(line.region, line.for_)}: {line.source} says: {line.says} ({line.evidence})"


def step(one: Step) -> str:
    """A dose on its date."""
    dated = when(one.at, one.day) + (f" to {one.last_day}" if one.last_day else "")
    return "; ".join(part for part in (f"{one.when}: {one.amount:g} {one.unit}", dated, one.note) if part)


def late(one: Preparation) -> list[str]:
    """What labels say of late doses, each once, and what of them was not read."""
    return list(dict.fromkeys([*map(gap, one.gap_rules), *map(gap_unread, one.gap_rules_unread)]))


def gap(one: Gap) -> str:
    """A rule about a late dose."""
    return f"late or missed ({whose(one.region, one.for_)}): {one.source} says: {one.says} ({one.evidence})"


def gap_unread(one: Unread) -> str:
    """What is known to be said about late doses and was not read."""
    return f"late or missed ({one.region}), not on file: {one.says} ({one.source}; {one.evidence})"


def rule(one: Rule) -> str:
    """A rule in its own words."""
    return f"{one.about} ({whose(one.region, one.for_)}): {one.source} says: {one.says} ({one.evidence})"


def ends(one: Ends) -> str:
    """A rule with its dates."""
    parts = [
        f"daily to {one.daily_until_day}" if one.daily_until_day else "",
        f"to {one.until_day}" if one.until_day else "",
        f"to {spelt(one.until_at)}" if one.until_at else "",
    ]
    dated = ", ".join(part for part in parts if part)
    return f"{rule(one.rule)}{f': from {one.from_day} {dated}' if dated else ''}"


def watch(one: Watch) -> str:
    """A line of the monitoring schedule."""
    where = f" ({' or '.join(one.settings)})" if one.settings else ""
    return f"{one.title}{where}: {said_by(one.source, f'{one.says}: {one.why}', one.evidence)}"


def study(one: Study) -> Iterator[str]:
    """A study: rates with and without, n, design, harm."""
    yield f"{one.title}: {one.intervention}{f' ({one.diseases})' if one.diseases else ''} [{one.evidence}]"
    for name, arm in (("with", one.with_), ("without", one.without)):
        if arm is not None:
            yield f"    {name}: {', '.join(rates(arm)) or 'no rate read'}"
    yield f"    {one.design}{f'; scale: {one.scale}' if one.scale else ''}"
    if one.harm:
        yield f"    harm and its side: {one.harm}"
    if one.notes:
        yield f"    {one.notes}"
    yield f"    {one.source}"


def rates(arm: Arm) -> Iterator[str]:
    """The rates of one side."""
    if arm.n is not None:
        yield f"n {counted(arm.n)}"
    named: list[tuple[str, Share | None]] = [
        ("any CRS", arm.crs_any), ("CRS grade 3 or more", arm.crs_grade_3_or_more),
        ("neurotoxicity", arm.icans_any), ("neurotoxicity grade 3 or more", arm.icans_grade_3_or_more),
    ]  # fmt: skip
    for name, one in named:
        if one is not None:
            yield f"{name} {share(one)}"


def share(one: Share | None) -> str:
    """A share in percent, in words, or both; where it is recalled, that."""
    if one is None:
        return "not read"
    said = [f"{one.percent:g} %" if one.percent is not None else "", f"({one.text})" if one.text else ""]
    text = " ".join(part for part in said if part) if one.percent is not None else one.text or "not read"
    return f"{text} (recalled)" if one.evidence == "recalled" else text


def counted(one: Count) -> str:
    """A number of patients."""
    return str(one.count) if one.count is not None else one.text or "not read"


def population(row: Population) -> str:
    """One publication's figures."""
    about = "; ".join(part for part in (row.indication, row.given, row.people) if part)
    n = f", n = {counted(row.n)}" if row.n else ""
    return (
        f"{about}: CRS {share(row.crs_any)}, grade 3 or more {share(row.crs_grade_3_or_more)}, "
        f"onset {spread(row.onset)} ({row.scale or 'scale not given'}{n}; {row.source}; {row.evidence})"
    )


def spread(one: Spread | None) -> str:
    """A median with its range."""
    if one is None:
        return "not given"
    unit = one.unit or ""
    parts: list[Any] = [f"median {one.median:g} {unit}" if one.median is not None else ""]
    if one.low is not None and one.high is not None:
        parts.append(f"{one.low:g} to {one.high:g} {unit}{' (middle half)' if one.spread == 'iqr' else ''}")
    return ", ".join(part for part in parts if part) or one.text or "not given"
