"""An answer in words, for a reader who asks why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

import msgspec

from leeward.cohort.answer import Answer, Because, Correction, Episode, Grade
from leeward.cohort.parts import Part
from leeward.report import words
from leeward.report.answer import value_word
from leeward.report.beside import NOTHING, Beside
from leeward.report.parts import HIDDEN, note

SYNDROMES = {"crs": "CRS", "icans": "ICANS"}
STANDING = "Reviewable decision support and a research instrument, not a medical device."
_KNOWN = {
    "read": "read in its source", "secondary": "seen in a table that reproduces it",
    "recalled": "recalled, not read", "derived": "decided here where the source is silent",
}  # fmt: skip


def grade_words(grade: Grade) -> str:
    """`grade 2`, `grade 1 to 4`, or `not graded`."""
    if grade.at_least is None:
        return "not graded"
    upto = "" if grade.at_least == grade.at_most else f" to {grade.at_most}"
    return f"grade {grade.at_least}{upto}"


def clock(moment: datetime) -> str:
    """A moment as read at the bedside, in its own zone: "2026-03-01 08:00 UTC", "2026-03-01 09:00 UTC+01:00"."""
    offset = moment.strftime("%z")
    away = "" if not moment.utcoffset() else f"{offset[:3]}:{offset[3:5]}"
    return f"{moment:%Y-%m-%d %H:%M} UTC{away}"


def span(length: timedelta) -> str:
    """A length of time in its two largest units."""
    minutes = int(length.total_seconds() // 60)
    days, hours, rest = minutes // 1440, minutes % 1440 // 60, minutes % 60
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {rest} min" if hours else f"{rest} min"


_SIDES = (("for", "speaks_for"), ("against", "speaks_against"))


def explained(answer: Answer, beside: Beside = NOTHING, zone: tzinfo = UTC) -> str:
    """Why the grades are what they are at the answer's moment; `beside`: what else a reader is told of this patient.

    Times are told in `zone`.
    """
    answer, beside = _there(answer, zone), _there(beside, zone)
    if not answer.triggers:
        return "\n".join(_untriggered(answer))
    lines = [f"Patient {answer.patient}, as of {_as_of(answer)}"]
    lines += [f"  {trigger.name} at {clock(trigger.at)}" for trigger in answer.triggers]
    for syndrome, grade in answer.now.items():
        parts = [part for part in beside.parts if part.syndrome == syndrome]
        lines += ["", *_graded(answer, syndrome, grade, parts)]
    lines += [f"Corrected: {correction_words(one)}." for one in answer.corrections]
    if beside.lookalikes is not None:
        lines += ["", *_lookalikes(beside.lookalikes)]
    lines += ["", *_footing(answer)]
    return "\n".join(lines)


def _there(said: Any, zone: tzinfo) -> Any:
    """The same with every moment in a zone."""
    if isinstance(said, datetime):
        return said.astimezone(zone)
    if isinstance(said, msgspec.Struct):
        held = {name: _there(getattr(said, name), zone) for name in said.__struct_fields__}
        return msgspec.structs.replace(said, **held)
    if isinstance(said, dict):
        return {name: _there(value, zone) for name, value in said.items()}
    return type(said)(_there(value, zone) for value in said) if isinstance(said, list | tuple) else said


def _lookalikes(told: Mapping[str, Any]) -> list[str]:
    """Alarms, what speaks for or against each look-alike, what is owed; `leeward lookalikes` says all of it."""
    lines = [f"  No grade shows this: {alarm['title']}. {alarm['advice']}" for alarm in told["alarms"]]
    silent = []
    for one in told["lookalikes"]:
        said = [f"{side} it: {finding['reason']}" for side, key in _SIDES for finding in one[key]]
        if said:
            lines.append(f"  {one['title']}: {'; '.join(said)}")
        else:
            silent.append(one["title"])
    if silent:
        lines.append(f"  Nothing on record for or against: {'; '.join(silent)}.")
    if told["work_up"]:
        lines.append(f"  Asked for by guidelines, not on record or not fresh: {_titles(told['work_up'])}.")
    head = "What else it could be (several may hold at once, nothing is ranked or ruled out):"
    return (
        [head, *lines, "  leeward lookalikes names the findings, what would settle each, and who says so."]
        if lines
        else []
    )


def _titles(tests: Sequence[Mapping[str, Any]]) -> str:
    """Tests by their titles."""
    return "; ".join(test["title"] for test in tests)


def correction_words(one: Correction) -> str:
    """What stood before, what stands now, and when that was known."""
    unit = f" {words.unit(one.unit)}".rstrip()
    what = f"{one.quantity} of {clock(one.at)}"
    if one.now is None:
        return f"{what}, {value_word(one.was)}{unit}, was taken back (known {clock(one.known)})"
    moved = f", said to be of {clock(one.was_at)} before" if one.was_at else ""
    return (
        f"{what} was {value_word(one.was)}{unit} and is {value_word(one.now)}{unit}{moved} (known {clock(one.known)})"
    )


def part_words(part: Part, grade: Grade) -> str:
    """One part of a definition and the grade it gives alone."""
    name, told = words.words().parts[part.name], note(part, grade.at_most)
    given = grade_words(Grade(part.at_least, part.at_most, [], []))
    return f"{name}: {told if told == HIDDEN else ', '.join(filter(None, [given, told]))}"


def _without_temperature(grade: Grade, parts: list[Part]) -> list[str]:
    """What a missing temperature leaves open: with fever it is this grade, without it is none."""
    others = [part for part in parts if part.name != "fever"]
    severe = max((part.at_least for part in others), default=0)
    if grade.at_least != 0 or not severe or "body-temperature" not in grade.missing:
        return []
    febrile = grade_words(Grade(severe, grade.at_most, [], []))
    return [f"  without a temperature it stays open whether this is CRS: with fever {febrile}, without any none"]


def _as_of(answer: Answer) -> str:
    """The answer's moment in words."""
    return clock(answer.as_of) if answer.as_of else "all that is on record"


def _untriggered(answer: Answer) -> list[str]:
    """What is said where nothing is graded."""
    lines = [f"Patient {answer.patient}: no trigger on record, so nothing is graded. The raw physiology:"]
    for sign in answer.physiology:
        spread = f"{sign.lowest:g} to {sign.highest:g} {words.unit(sign.unit)}".strip()
        lines += [f"  {sign.quantity}: {spread}, last {sign.latest:g} at {clock(sign.at)}"]
    return [*lines, "", *_footing(answer)]


def _graded(answer: Answer, syndrome: str, grade: Grade, parts: list[Part]) -> list[str]:
    """One syndrome: the range, its parts and reasons, what is missing, its episodes."""
    lines = [f"{SYNDROMES[syndrome]}: {grade_words(grade)} (ASTCT 2019, {_KNOWN[grade.evidence or 'derived']})"]
    told = [part for part in parts if part.known or part.at_most]
    lines += [f"  by {part_words(part, grade)}" for part in told if grade.at_least is not None]
    lines += [f"  because of {cited(because, answer.as_of)}" for because in grade.because]
    if not grade.because:
        lines.append("  nothing on record still stands at this moment")
    lines += [
        f"  missing: {quantity}, not charted, too old or not exact; knowing it narrows the range"
        for quantity in grade.missing
    ]
    lines += _without_temperature(grade, parts)
    for number, episode in enumerate([one for one in answer.episodes if one.syndrome == syndrome], 1):
        lines.append(f"  episode {number}: {_episode(episode)}")
        lines += [f"    {warning}" for warning in episode.warnings]
    return lines


def cited(because: Because, as_of: datetime | None) -> str:
    """A finding with its value, time and age."""
    value = f"{because.value:g}" if isinstance(because.value, float) else because.value
    shown = " ".join(
        str(part) for part in (because.quantity, value, words.unit(because.unit)) if part not in (None, "")
    )
    aged = f", {span(as_of - because.at)} old" if as_of else ""
    return f"{shown}{f' ({because.site})' if because.site else ''} at {clock(because.at)}{aged}"


def _episode(episode: Episode) -> str:
    """One episode in a line."""
    peak = Grade(episode.peak.at_least, episode.peak.at_most, [], [])
    end = f"resolved {clock(episode.resolved)}" if episode.resolved else "still open"
    onset, top = clock(episode.onset), f"peak {grade_words(peak)} from {clock(episode.peak.at)}"
    return f"onset {onset}, {top}, {end}, {episode.duration_hours:g} h"


def _footing(answer: Answer) -> list[str]:
    """What the answer rests on: unseen stretches, assumptions, refusals, edition."""
    lines = []
    for stretch in answer.unobserved:
        between = f"from {clock(stretch.since)} to {clock(stretch.until)} ({stretch.hours:g} h)"
        lines += [f"Nobody charted {SYNDROMES[stretch.syndrome]} signs {between}."]
    lines += [f"Assumed: {assumption}." for assumption in answer.assumptions]
    lines += [f"Refused: {count} x {reason}." for reason, count in answer.refused.items()]
    return [*lines, f"Knowledge edition {answer.edition}. {STANDING}"]
