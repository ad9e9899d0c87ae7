"""What another mapping changes: which statements of a record read otherwise, which rules read them, whose answers move.

A mapping may spoil one quantity and leave every file readable; nobody sees it in a count of refusals. So two readings
of one record are held against each other, place by place, and then answer by answer.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache
from itertools import zip_longest
from typing import Any

import msgspec

from leeward.cohort import guidance
from leeward.cohort.courses import answers
from leeward.cohort.engine import Question, compiled
from leeward.knowledge.loader import ROOT, names
from leeward.knowledge.vocabulary import quantities
from leeward.record.spool import Record
from leeward.scales.older_crs import ASTCT, SCALES

NOTHING = "nothing"
"""What a statement reads as where the other mapping makes one of its row and this one does not."""
FOLDERS = ("scales", "lookalikes", "risk/scores", "workup", "prepare")
CRS, ICANS, OLDER = "CRS on every scale", "ICANS", "CRS on scales other than ASTCT"
_STEPS = {"crs": CRS, "oxygen": CRS, "ran": CRS, "context": CRS, "icans": ICANS, "older": OLDER, "rates": OLDER,
          "high": OLDER, "vital": CRS}  # fmt: skip
"""The first word of a step of the grading, and what is graded by it."""


class Reread(msgspec.Struct, frozen=True):
    """Statements that read otherwise: what they were and are, how many of how many patients, which rules read them."""

    was: str
    now: str
    statements: int
    patients: int
    rules: list[str]


class Moved(msgspec.Struct, frozen=True):
    """A rule whose answers are others, and for whom."""

    rule: str
    patients: list[str]


class Remapped(msgspec.Struct, frozen=True):
    """Two readings of one record beside each other: how many statements there are, and what differs."""

    statements: int
    reread: list[Reread]
    moved: list[Moved]


def remapped(before: Record, after: Record, question: Question) -> Remapped:
    """What the second reading of a record changes. The whole of both is held in memory."""
    old, new = _places(before), _places(after)
    pairs: Counter[tuple[str, str]] = Counter()
    of: dict[tuple[str, str], set[str | None]] = defaultdict(set)
    for place in sorted(old.keys() | new.keys()):
        was, now = Counter(old.get(place, [])), Counter(new.get(place, []))
        lost, come = sorted((was - now).elements()), sorted((now - was).elements())
        for one, other in zip_longest(lost, come, fillvalue=("", NOTHING, "")):
            pairs[one[1], other[1]] += 1
            of[one[1], other[1]] |= {one[0] or other[0]}
    reread = [
        Reread(was, now, count, len(of[was, now]), sorted({*readers().get(was, ()), *readers().get(now, ())}))
        for (was, now), count in sorted(pairs.items(), key=lambda row: (-row[1], row[0]))
    ]
    moved = list(_moved(before, after, question)) if reread else []
    return Remapped(sum(map(len, new.values())), reread, moved)


Meaning = tuple[str, str, str]
"""A statement's patient, its quantity (or that it is refused, and why), and all else that was understood of it."""


def _places(record: Record) -> dict[tuple[str, str], list[Meaning]]:
    """What was made of each place of a record."""
    made: dict[tuple[str, str], list[Meaning]] = defaultdict(list)
    for row in record.findings.to_pylist():
        rest = repr([row[name] for name in sorted(row.keys() - {"patient", "quantity", "source", "place"})])
        made[row["source"] or "", row["place"] or ""].append((row["patient"], row["quantity"], rest))
    for row in record.refusals.to_pylist():
        said = f"refused as {row['reason']}"
        made[row["source"] or "", row["place"] or ""].append((row["patient"] or "", said, row["detail"] or ""))
    return made


# ---------------------------------------------------------------- which rules read a quantity


@cache
def readers() -> dict[str, tuple[str, ...]]:
    """Every rule that reads a quantity: by the statements that grade, and by the definitions that name it."""
    found: dict[str, set[str]] = defaultdict(set)
    for name, sql in compiled(room_air=False, scales=SCALES):
        for quantity in _literals(sql):
            found[quantity] |= {_STEPS[name.split("_")[0]]} if name.split("_")[0] in _STEPS else set()
    for _, sql in guidance.compiled(room_air=False, scales=(ASTCT,)):
        for quantity in _literals(sql):
            found[quantity].add("decision tables of the plan")
    for folder in FOLDERS:
        for name in names(folder):
            held = tomllib.loads((ROOT / f"{name}.toml").read_text(encoding="utf-8"))
            for quantity in _named(held):
                found[quantity].add(name)
    return {quantity: tuple(sorted(rules)) for quantity, rules in found.items()}


def _literals(sql: str) -> set[str]:
    """The quantities that a statement asks for."""
    return set(re.findall(r"'([^']*)'", sql)) & quantities().keys()


def _named(node: Any) -> Iterator[str]:
    """The quantities that a definition names, as a word or as a key."""
    if isinstance(node, dict):
        for key, held in node.items():
            yield from _named(key.replace("_", "-"))
            yield from _named(held)
    elif isinstance(node, list):
        for held in node:
            yield from _named(held)
    elif isinstance(node, str) and node in quantities():
        yield node


# ---------------------------------------------------------------- whose answers move


def _moved(before: Record, after: Record, question: Question) -> Iterator[Moved]:
    """Each rule with the patients of whom it says something else."""
    old, new = _said(before, question), _said(after, question)
    whom: dict[str, list[str]] = defaultdict(list)
    for key in sorted(old.keys() | new.keys()):
        if old.get(key) != new.get(key):
            whom[key[0]].append(key[1])
    return (Moved(rule, sorted(patients)) for rule, patients in sorted(whom.items()))


def _said(record: Record, question: Question) -> dict[tuple[str, str], Any]:
    """What each rule says of each patient; where it says nothing, it is not there."""
    asked = msgspec.structs.replace(question, scales=SCALES, scores=True)
    made: dict[tuple[str, str], Any] = {}
    for answer in answers(record, asked):
        for change in answer.course:
            made.setdefault((_graded(change.syndrome, change.scale), answer.patient), []).append(change)
        for episode in answer.episodes:
            made.setdefault((_graded(episode.syndrome, episode.scale), answer.patient), []).append(episode)
        now = {_graded(syndrome, ASTCT): grade for syndrome, grade in answer.now.items()}
        now |= {_graded("crs", scale): grade for scale, grade in answer.scales.items()}
        for rule, grade in now.items():
            made.setdefault((rule, answer.patient), []).append((grade.at_least, grade.at_most, grade.missing))
        made |= {(name, answer.patient): held for name, held in answer.scores.items()}
    for plan in guidance.plans(record, question):
        for suggestion in plan.suggestions:
            made.setdefault((f"plan: {suggestion.source}", plan.patient), []).append(suggestion)
    return made


def _graded(syndrome: str, scale: str) -> str:
    """The name of what is graded."""
    return ICANS if syndrome == "icans" else f"CRS on {scale}"
