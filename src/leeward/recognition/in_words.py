"""Look-alikes, owed work-up and alarms in words; sources speak, nothing here gives an order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from leeward.knowledge.vocabulary import printed
from leeward.recognition.features import titles

_KNOWN = {
    "read": "read in its source", "secondary": "seen reproduced", "recalled": "recalled, not read",
    "derived": "decided here, no source states it",
}  # fmt: skip
_STATE = {
    "open": "an episode is open", "suspected": "an episode is suspected", "settling": "the episode has resolved lately",
    "none": "no episode is open, suspected or recent, so no look-alikes are asked for",
    "no trigger on record": "no trigger on record, so nothing is graded and no look-alikes are asked for",
}  # fmt: skip
Said = Mapping[str, Any]


def in_words(answer: Said) -> str:
    """The object of `as_json` as lines for a reader: alarms first, then every look-alike, then what is owed."""
    lines = [f"Look-alikes: {_STATE[answer['state']]}."]
    lines += [
        f"  No grade shows this: {alarm['title']}: {_finding(alarm['because'])}. {alarm['advice']}"
        for alarm in answer["alarms"]
    ]
    if answer["lookalikes"]:
        lines.append("  Several may hold at once, beside CRS too; nothing here is ranked or ruled out.")
    for one in answer["lookalikes"]:
        lines += ["", *_lookalike(one)]
    if answer["work_up"]:
        lines += ["", "Asked for by guidelines, and not on record or no longer fresh:"]
        lines += [f"  {_owed(test)}" for test in answer["work_up"]]
    return "\n".join([*lines, *answer["consult"]])


def _lookalike(one: Said) -> list[str]:
    """One look-alike."""
    lines = [f"{one['title']}. {one['summary']}"]
    for heading, key in (
        ("speaks for it", "speaks_for"),
        ("speaks against it", "speaks_against"),
        ("says nothing", "says_nothing"),
    ):
        lines += [f"  {heading}: {_finding(finding)}" for finding in one[key]]
    for test in one["not_known"]:
        old = "" if test["last_hours_ago"] is None else f", last {test['last_hours_ago']:g} h ago"
        missing = ", ".join(_named(test["missing"]))
        lines.append(f"  not known: {test['title']} ({missing}{old}): {test['would_settle']} [{_source(test)}]")
    lines += [f"  published: {note['says']} [{_source(note)}]" for note in one["published"]]
    return lines


def _named(missing: list[str]) -> list[str]:
    """Quantities by their titles."""
    return [" or ".join(_spoken(part) for part in line.split(" or ")) for line in missing]


def _spoken(quantity: str) -> str:
    """A quantity's title within a sentence; an abbreviation (CT, ICE) keeps its capitals."""
    title = titles()[quantity][0]
    return title if title[1:2].isupper() or title[1:2] == "-" else title[0].lower() + title[1:]


def _finding(finding: Said) -> str:
    """A finding with value, unit, time, reason, weight and citation."""
    value = f"{finding['value']:g}" if isinstance(finding["value"], float) else finding["value"]
    said = " ".join(
        str(part)
        for part in (titles()[finding["quantity"]][0], value, printed(finding["unit"]))
        if part not in (None, "")
    )
    weight = f" ({finding['weight']})" if finding["weight"] else ""
    return f"{said} at {finding['at']}: {finding['reason']}{weight} [{_source(finding)}]"


def _source(said: Said) -> str:
    """Who says it, and how we know it."""
    known = _KNOWN[said["evidence"]]
    return known if said["source"] == "decided here" else f"{said['source']}; {known}"


def _owed(test: Said) -> str:
    """One test still owed, and by whom."""
    by = "; ".join(
        f"{one['guideline']}{' (consider)' if one['consider'] else ''}"
        f"{'' if one['when'] == 'yes' else ' ' + one['when']}, {_KNOWN[one['evidence']]}"
        for one in test["asked_by"]
    )
    old = "".join(f", {_spoken(one['quantity'])} is {one['hours']:g} h old" for one in test["too_old"])
    return f"{test['title']} ({', '.join(_named(test['missing']))}{old}): {by}"
