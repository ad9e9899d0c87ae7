"""An answer in words, for a reader who asks why."""

from __future__ import annotations

from datetime import datetime, timedelta

from leeward.cohort.answer import Answer, Because, Episode, Grade

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
    """A moment as read at the bedside, in UTC."""
    return moment.strftime("%Y-%m-%d %H:%M UTC")


def span(length: timedelta) -> str:
    """A length of time in its two largest units."""
    minutes = int(length.total_seconds() // 60)
    days, hours, rest = minutes // 1440, minutes % 1440 // 60, minutes % 60
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {rest} min" if hours else f"{rest} min"


def explained(answer: Answer) -> str:
    """Why the grades are what they are at the answer's moment."""
    if not answer.triggers:
        return "\n".join(_untriggered(answer))
    lines = [f"Patient {answer.patient}, as of {_as_of(answer)}"]
    lines += [f"  {trigger.name} at {clock(trigger.at)}" for trigger in answer.triggers]
    for syndrome, grade in answer.now.items():
        lines += ["", *_graded(answer, syndrome, grade)]
    lines += ["", *_footing(answer)]
    return "\n".join(lines)


def _as_of(answer: Answer) -> str:
    """The answer's moment in words."""
    return clock(answer.as_of) if answer.as_of else "all that is on record"


def _untriggered(answer: Answer) -> list[str]:
    """What is said where nothing is graded."""
    lines = [f"Patient {answer.patient}: no trigger on record, so nothing is graded. The raw physiology:"]
    for sign in answer.physiology:
        spread = f"{sign.lowest:g} to {sign.highest:g} {sign.unit or ''}".strip()
        lines += [f"  {sign.quantity}: {spread}, last {sign.latest:g} at {clock(sign.at)}"]
    return [*lines, "", *_footing(answer)]


def _graded(answer: Answer, syndrome: str, grade: Grade) -> list[str]:
    """One syndrome: the range, its reasons, what is missing, its episodes."""
    lines = [f"{SYNDROMES[syndrome]}: {grade_words(grade)} (ASTCT 2019, {_KNOWN[grade.evidence or 'derived']})"]
    lines += [f"  because of {cited(because, answer.as_of)}" for because in grade.because]
    if not grade.because:
        lines.append("  nothing on record still stands at this moment")
    lines += [
        f"  missing: {quantity}, not charted, too old or not exact; knowing it narrows the range"
        for quantity in grade.missing
    ]
    for number, episode in enumerate([one for one in answer.episodes if one.syndrome == syndrome], 1):
        lines.append(f"  episode {number}: {_episode(episode)}")
        lines += [f"    {warning}" for warning in episode.warnings]
    return lines


def cited(because: Because, as_of: datetime | None) -> str:
    """A finding with its value, time and age."""
    value = f"{because.value:g}" if isinstance(because.value, float) else because.value
    shown = " ".join(str(part) for part in (because.quantity, value, because.unit) if part not in (None, ""))
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
