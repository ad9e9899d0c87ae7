"""What else it could be: for each look-alike what speaks for it, what against, what is not known.

No probability of our own and no ranking: every look-alike is always shown, and several may hold at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

import ibis
import ibis.expr.types as ir
import msgspec

from leeward.knowledge import BadKnowledge, load
from leeward.knowledge.loader import names, weakest
from leeward.knowledge.vocabulary import quantities
from leeward.recognition import alarms, findings, workup
from leeward.recognition.features import Cited, Feature, Note, Said, checked, stands_as, titles
from leeward.recognition.patients import cases
from leeward.timeline.settings import HOUR_S

STEPS = ("lookalike_cases", "lookalike_latest", "lookalike_met")
"""The steps whose rows `as_json` reads."""
Row = Mapping[str, Any]
Rows = Mapping[str, list[dict[str, Any]]]
_MADE_FROM = ("oxygen-device", "spo2", "ferritin", "creatinine", "body-weight", "calcium", "albumin")


class Settles(Cited, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A test that would settle a look-alike, and how."""

    test: str
    says: Said


class Lookalike(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One look-alike, as its file in knowledge/lookalikes/ tells it."""

    id: str
    order: int
    title: Said
    summary: Said
    features: tuple[Feature, ...]
    settled_by: tuple[Settles, ...]
    notes: tuple[Note, ...] = ()


@cache
def lookalikes() -> tuple[Lookalike, ...]:
    """Every look-alike in the order in which they are shown; a file that cannot be used is refused by name."""
    made = [_checked(load(name, Lookalike), name) for name in names("lookalikes")]
    return tuple(sorted(made, key=lambda one: one.order))


def _checked(one: Lookalike, name: str) -> Lookalike:
    """Refuses a strange name, unknown tests, and a look-alike that nothing speaks for or nothing speaks against."""
    if name != f"lookalikes/{one.id}":
        raise BadKnowledge(f"{name}.toml: its id is {one.id}")
    checked(one.features, name)
    strange = [settles.test for settles in one.settled_by if settles.test not in workup.tests()]
    if strange:
        raise BadKnowledge(f"{name}.toml: no test {', '.join(strange)}")
    if not {"for", "against"} <= {feature.speaks for feature in one.features}:
        raise BadKnowledge(f"{name}.toml: a look-alike needs what speaks for it and what speaks against it")
    return one


def features() -> list[tuple[str, Feature]]:
    """Every feature by its look-alike and id, and those of the alarms."""
    own = [(f"{one.id}/{feature.id}", feature) for one in lookalikes() for feature in one.features]
    return own + alarms.features()


def wanted() -> list[str]:
    """The quantities that this room reads."""
    asked = {stands_as(feature.quantity) for _, feature in features()} | workup.wanted() | set(_MADE_FROM)
    return sorted(asked & set(quantities()))


def steps(
    known: ir.Table,
    people: ir.Table,
    exposed: ir.Table,
    episodes: ir.Table,
    now: ir.Table,
    question: ir.Table,
    *,
    room_air: bool = False,
) -> list[tuple[str, ir.Table]]:
    """The steps after the courses, by name, each over the ones before it; `question` is any table of one row.

    `room_air`: the source declares that no oxygen device charted means room air.
    """
    made: list[tuple[str, ir.Table]] = []

    def step(name: str, build: Callable[..., ir.Table], *inputs: Any, **settings: Any) -> ir.Table:
        made.append((name, build(*inputs, **settings)))
        return ibis.table(made[-1][1].schema(), name=name)

    cases_ = step("lookalike_cases", cases, known, people, exposed, episodes, now)
    around = step("lookalike_around", findings.around, known, cases_, wanted())
    observed = step("lookalike_observed", findings.observed, around, cases_, room_air=room_air)
    step("lookalike_latest", findings.latest, observed)
    step("lookalike_met", findings.met, observed, cases_, question, features())
    return made


def as_json(rows: Rows) -> dict[str, Any]:
    """One patient's rows of STEPS as an object (docs in cases/lookalikes.md); every time is RFC 3339 in UTC.

    Without a therapy on record, or without an episode, the lists are empty and `state` says why.
    """
    if not rows["lookalike_cases"]:
        return {
            "state": "no trigger on record",
            "episode": None,
            "lookalikes": [],
            "work_up": [],
            "alarms": [],
            "consult": [],
        }
    case = rows["lookalike_cases"][0]
    latest = {row["quantity"]: row for row in rows["lookalike_latest"]}
    met = {row["feature"]: row for row in rows["lookalike_met"]}
    shown = case["state"] != "none"
    owes = case["state"] in ("open", "suspected")
    return {
        "state": case["state"], "as_of": when(case["as_of_s"]), "episode": _episode(case) if shown else None,
        "lookalikes": [_lookalike(one, met, latest, case) for one in lookalikes()] if shown else [],
        "work_up": workup.owed(case, latest) if owes else [],
        "alarms": [_alarm(alarm, met) for alarm in alarms.alarms() if f"alarms/{alarm.id}" in met],
        "consult": workup.consult() if owes else [],
    }  # fmt: skip


def when(seconds: int | None) -> str | None:
    """Whole seconds since 1970 as RFC 3339 in UTC."""
    return None if seconds is None else datetime.fromtimestamp(int(seconds), UTC).isoformat().replace("+00:00", "Z")


def _episode(case: Row) -> dict[str, Any]:
    """The episode that the look-alikes are asked for."""
    return {
        "syndrome": case["syndrome"], "onset": when(case["onset_s"]) if case["syndrome"] else None,
        "resolved": when(case["resolved_s"]), "therapy": case["product"], "dose": when(case["dose_s"]),
        "tocilizumab_since": when(case["tocilizumab_s"]),
        "now": {name: {"at_least": case[f"{name}_at_least"], "at_most": case[f"{name}_at_most"]}
                for name in ("crs", "icans")},
    }  # fmt: skip


def _lookalike(one: Lookalike, met: Mapping[str, Row], latest: Mapping[str, Row], case: Row) -> dict[str, Any]:
    """One look-alike with what speaks for it, against it, neither way, and what is not known."""
    said: dict[str, list[dict[str, Any]]] = {"for": [], "against": [], "neutral": []}
    something = any(feature.speaks == "for" and f"{one.id}/{feature.id}" in met for feature in one.features)
    for feature in one.features:
        row = met.get(f"{one.id}/{feature.id}")
        if row is not None:
            spoilt = feature.unless_for if something else None
            said["neutral" if spoilt else feature.speaks].append(found(feature, row, spoilt or feature.says))
    unknown = _not_known(one, latest, case)
    spoken = [*said["for"], *said["against"], *said["neutral"]]
    tags = [finding["evidence"] for finding in spoken] + [note.evidence for note in one.notes]
    return {
        "id": one.id, "title": one.title, "summary": one.summary,
        "speaks_for": said["for"], "speaks_against": said["against"],
        "says_nothing": said["neutral"], "not_known": unknown,
        "published": [{"says": note.says, **_cited(note)} for note in one.notes],
        "evidence": weakest(tags) if tags else None,
    }  # fmt: skip


def found(feature: Feature, row: Row, reason: str) -> dict[str, Any]:
    """A finding that meets a feature: value, unit, time, reason, where the record has it, who says that it matters."""
    low, high = row["low"], row["high"]
    value: Any = row["text"] if low is None else low
    if low is not None and high is not None and low != high:
        value = (
            f"<{high:g}" if low == float("-inf") else f">{low:g}" if high == float("inf") else f"{low:g} to {high:g}"
        )
    unit = titles()[feature.quantity][1] if low is not None else None
    return {
        "quantity": feature.quantity, "value": round(value, 6) if isinstance(value, float) else value, "unit": unit,
        "at": when(row["at_s"]), "until": when(row["until_s"]),
        "record": {"source": row["source"], "place": row["place"]},
        "reason": reason, "weight": feature.weight, **_cited(feature),
    }  # fmt: skip


def _cited(said: Cited) -> dict[str, str]:
    """Who says it, where, how we know it."""
    return {"source": said.source, "where": said.where, "evidence": said.evidence, "checked": said.checked.isoformat()}


def _not_known(one: Lookalike, latest: Mapping[str, Row], case: Row) -> list[dict[str, Any]]:
    """The tests that would settle it and have no fresh result, with what is missing and how old the last one is."""
    made = []
    for settles in one.settled_by:
        test = workup.tests()[settles.test]
        lines = workup.lacking(test, latest, int(case["as_of_s"]))
        if not lines:
            continue
        old = [latest[quantity]["at_s"] for line in lines for quantity in line if quantity in latest]
        made.append({
            "test": settles.test, "title": test.title, "missing": [" or ".join(line) for line in lines],
            "last_hours_ago": round((case["as_of_s"] - max(old)) / HOUR_S, 1) if old else None,
            "would_settle": settles.says, **_cited(settles),
        })  # fmt: skip
    return made


def _alarm(alarm: alarms.Alarm, met: Mapping[str, Row]) -> dict[str, Any]:
    """One alarm and the finding that raised it."""
    finding = found(alarm.feature, met[f"alarms/{alarm.id}"], alarm.feature.says)
    return {"id": alarm.id, "title": alarm.title, "advice": alarm.advice, "because": finding}


def by_patient(rows: Rows, patients: Iterable[str]) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """Rows of STEPS sorted out by patient, an empty set of tables for one without rows."""
    made: dict[str, dict[str, list[dict[str, Any]]]] = {patient: {name: [] for name in STEPS} for patient in patients}
    for name in STEPS:
        for row in rows[name]:
            made[row["patient"]][name].append(row)
    return made
