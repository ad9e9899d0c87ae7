"""Cards on opening a patient: the grade as a range with its reasons, states no grade shows, where sources differ."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from leeward.cohort.answer import Answer, Because, Grade
from leeward.report import words
from leeward.scales import astct_2019_crs, astct_2019_icans
from leeward.ward.cards.card import (
    Basis,
    Card,
    Cited,
    Indicator,
    Origin,
    bullets,
    compared,
    escaped,
    fitting,
    origin,
    plain_text,
    stamp,
)
from leeward.ward.cards.seen import Seen

Number = Callable[[str, str], float]
"""A wait or limit of the ward's settings, by section and name."""

SYNDROMES = {"crs": "astct-2019-crs", "icans": "astct-2019-icans"}
"""What is graded, and the definition it is graded by."""
WORST = {"crs": 4, "icans": 4}
_GRADED = ("already-known", "other-cause", "value-wrong")


def course_cards(seen: Seen, at: datetime, number: Number, home: str) -> list[Card]:
    """At most so many cards, the most telling first; none where nothing is graded above 0 and nothing is unclear.

    `home`: our own address, where the sources can be read.
    """
    if not seen.answer.triggers:
        return []
    made = [_alarm(seen, alarm, at) for alarm in seen.lookalikes["alarms"]]
    made += [card for syndrome in SYNDROMES if (card := _graded(seen, syndrome, at, number)) is not None]
    if seen.differences and any(card.name.startswith("grade") for card in made):
        made.append(_different(seen, at, number, home))
    return made[: int(number("cds_hooks", "cards_most"))]


# ---------------------------------------------------------------- grades


def _graded(seen: Seen, syndrome: str, at: datetime, number: Number) -> Card | None:
    """The card of one syndrome; None where it is surely absent."""
    grade = seen.answer.now[syndrome]
    if grade.at_least is None or grade.at_most is None:
        return None
    low, high = (0, WORST[syndrome]) if seen.open_grade else (grade.at_least, grade.at_most)
    if high == 0 or (syndrome == "icans" and not grade.because and not seen.open_grade):
        return None
    missing = (*seen.lacking, *(words.quantity(name).name for name in grade.missing))
    strong = low >= number("cds_hooks", "warning_from_grade")
    indicator: Indicator = "warning" if strong else "info"
    return Card(
        name=f"grade-{syndrome}", indicator=indicator, overrides=_GRADED,
        summary=_summary(seen, syndrome, grade, (low, high), missing),
        basis=_basis(seen, syndrome, grade, missing, at),
        lines=tuple(_lines(seen, syndrome, grade, (low, high), at, number)),
    )  # fmt: skip


def _summary(seen: Seen, syndrome: str, grade: Grade, bounds: tuple[int, int], missing: Sequence[str]) -> str:
    """The grade in a sentence: with what is missing where it is a range, with since when where it is sure."""
    name = words.scale(syndrome).name
    said = f"{name} grade {words.grade(*bounds)} (ASTCT 2019)"
    if seen.open_grade:
        held = words.grade(grade.at_least, grade.at_most)
        return fitting(
            f"{said} is possible: {words.listed(list(seen.lacking))} did not arrive; what did says {held}",
            f"{said} is possible: part of the record did not arrive; what did says {held}",
        )
    if bounds[0] != bounds[1]:
        return fitting(f"{said}; not known: {words.listed(list(missing))}", f"{said}; {len(missing)} values not known")
    since = _since(seen.answer, syndrome)
    return fitting(f"{said} since {stamp(since)}" if since else said, said)


def _since(answer: Answer, syndrome: str) -> datetime | None:
    """From when on the present range has held, in the episode that runs."""
    changes = [one for one in answer.course if one.syndrome == syndrome]
    return changes[-1].at if changes else None


def _basis(seen: Seen, syndrome: str, grade: Grade, missing: Sequence[str], at: datetime) -> Basis:
    """What the card rests on: the findings behind the grade, and the therapy without which nothing is graded."""
    held = astct_2019_crs.limits() if syndrome == "crs" else astct_2019_icans.limits()
    return Basis(
        findings=(*_triggers(seen.answer), *map(cited, grade.because)), rule=SYNDROMES[syndrome],
        edition=seen.answer.edition, source=origin(held.source), missing=tuple(missing), as_of=at,
    )  # fmt: skip


def _triggers(answer: Answer) -> tuple[Cited, ...]:
    """The therapies on record, as findings."""
    return tuple(Cited("trigger", one.name, None, one.at) for one in answer.triggers)


def cited(one: Because) -> Cited:
    """A finding of an answer, as a card cites it."""
    place = " ".join(part for part in (one.source, one.place) if part) or None
    return Cited(one.quantity, one.value, one.unit, one.at, place)


def _lines(seen: Seen, syndrome: str, grade: Grade, bounds: tuple[int, int], at: datetime, number: Number) -> list[str]:
    """The grade with its reasons, what would settle it, what did not arrive, what was assumed."""
    lines = [
        f"**{words.scale(syndrome).name} grade {words.grade(*bounds)}** on the ASTCT 2019 consensus, because of:",
        "",
    ]
    shown = [spoken(cited(one), at) for one in grade.because]
    most = int(number("cds_hooks", "lines_most"))
    lines += bullets(shown[-most:] or ["nothing charted that counts still"])
    lines += bullets([f"and {len(shown) - most} findings before"] if len(shown) > most else [])
    lines += bullets(f"therapy: {spoken(one, at)}" for one in _triggers(seen.answer)[-1:])
    other = "icans" if syndrome == "crs" else "crs"
    beside = seen.answer.now[other]
    lines += ["", f"{words.scale(other).name}: grade {words.grade(beside.at_least, beside.at_most)}."]
    settled = [held.settled_by for name in grade.missing if (held := words.quantity(name)).settled_by]
    lines += ["", f"Would settle it: {escaped(words.listed(settled))}."] if settled else []
    lines += ["", *bullets(f"not arrived: {escaped(one)}" for one in seen.lacking)] if seen.lacking else []
    lines += (
        ["", *bullets(f"assumed: {escaped(one)}" for one in seen.answer.assumptions)] if seen.answer.assumptions else []
    )
    refused = sum(seen.answer.refused.values())
    said = f"Not understood, and counted for nothing: {refused} value{'s' if refused > 1 else ''} of the record."
    lines += ["", said] if refused else []
    return lines


def spoken(one: Cited, at: datetime) -> str:
    """A finding in Markdown: what, how much, when and how long ago; whatever the record spelt is escaped."""
    held = one.value
    value = words.number(held, words.quantity(one.quantity).decimals) if isinstance(held, float) else held
    name = "" if one.quantity == "trigger" else words.quantity(one.quantity).name
    figure = words.measure(str(value), words.unit(one.unit)) if value is not None else "given"
    seconds = (at - one.at).total_seconds()
    ago = f", {words.span(seconds)} ago" if seconds >= 0 else ""
    return f"{escaped(name)} {escaped(figure)} ({stamp(one.at)}{ago})".strip()


# ---------------------------------------------------------------- what no grade shows


def _alarm(seen: Seen, alarm: dict[str, Any], at: datetime) -> Card:
    """The card of a state that no grade shows."""
    because = alarm["because"]
    found = Cited(
        because["quantity"], because["value"], because["unit"], datetime.fromisoformat(because["at"]),
        " ".join(part for part in (because["record"]["source"], because["record"]["place"]) if part) or None,
    )  # fmt: skip
    title = plain_text(alarm["title"])
    lines = [
        f"**{escaped(title)}**: no grade of CRS or ICANS shows this.", "",
        *bullets([f"{escaped(because['reason'])}: {spoken(found, at)}"]), "",
        f"{escaped(because['source'])} ({words.words().evidence[because['evidence']]}): {escaped(alarm['advice'])}",
    ]  # fmt: skip
    return Card(
        name=f"alarm-{alarm['id']}", indicator="warning", overrides=_GRADED, lines=tuple(lines),
        summary=fitting(f"{title}, on record {stamp(found.at)}: no grade shows this", f"{title}: no grade shows this"),
        basis=Basis(
            findings=(found, *_triggers(seen.answer)[-1:]), rule=f"alarms/{alarm['id']}", edition=seen.answer.edition,
            source=Origin(because["source"]), missing=seen.lacking, as_of=at,
        ),
    )  # fmt: skip


# ---------------------------------------------------------------- where sources differ


def _different(seen: Seen, at: datetime, number: Number, home: str) -> Card:
    """One card for every point on which published sources differ in the patient's present state."""
    sure = [one for one in seen.differences if not one.needs]
    told = sure or seen.differences
    first = plain_text(told[0].says).rstrip(".")
    points = f"{len(told)} point{'s' if len(told) > 1 else ''}"
    most = int(number("cds_hooks", "differences_most"))
    lines = ["Sources are alternatives; none is preferred here.", ""]
    for place, one in enumerate(told):
        lines += bullets([f"**{escaped(one.says)}**{_needs(one.needs)}"])
        sides = one.sides if place < most else []
        lines += [f"  - {escaped(', '.join(side.sources))}: {escaped(side.says)}" for side in sides]
    findings = [cited(because) for grade in seen.answer.now.values() for because in grade.because]
    return Card(
        name="differences", overrides=("own-protocol", "already-known"), lines=tuple(lines),
        summary=fitting(f"Published sources differ here on {points}, such as: {first}",
                        f"Published sources differ here on {points}"),
        basis=Basis(
            findings=(*_triggers(seen.answer)[-1:], *findings), rule="guidelines/disagreements",
            edition=seen.answer.edition, source=compared(home),
            missing=seen.lacking, as_of=at,
        ),
    )  # fmt: skip


def _needs(needs: Sequence[str]) -> str:
    """What is not known and must hold, in brackets."""
    return f" (if {escaped(words.listed(list(needs)))})" if needs else ""
