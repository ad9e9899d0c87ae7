"""What Leeward answers about one patient, and how the plan's rows become it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from leeward.cohort.engine import Question
from leeward.cohort.episode_warnings import warnings
from leeward.knowledge import Evidence, edition, weakest
from leeward.knowledge.definition import decided, value
from leeward.knowledge.vocabulary import quantities
from leeward.scales import (
    astct_2019_crs,
    astct_2019_crs_course,
    astct_2019_icans,
    icans_signs,
    older_crs,
    older_crs_state,
    scores,
)
from leeward.timeline.exposures import ASSUMED
from leeward.timeline.oxygen import CHARTED_TOGETHER_S
from leeward.timeline.settings import HOUR_S


class Because(msgspec.Struct, frozen=True, omit_defaults=True):
    """One finding that an answer rests on. `value` is a number in `unit`, or a word; `until` ends an interval."""

    quantity: str
    value: float | str | None
    unit: str | None
    at: datetime
    until: datetime | None = None
    site: str | None = None
    source: str | None = None
    place: str | None = None


class Grade(msgspec.Struct, frozen=True):
    """A grade as a range. Null bounds: nothing can be graded, and `missing` says why."""

    at_least: int | None
    at_most: int | None
    missing: list[str]
    because: list[Because]
    evidence: Evidence | None = None


class Peak(msgspec.Struct, frozen=True):
    """The highest range of an episode, over the moments that were charted, and when it was first reached."""

    at_least: int
    at_most: int
    at: datetime


class Episode(msgspec.Struct, frozen=True):
    """One episode of one syndrome on one scale. `duration_hours` runs to the resolution, or so far while open."""

    syndrome: str
    scale: str
    onset: datetime
    peak: Peak
    resolved: datetime | None
    duration_hours: float
    masked: bool
    warnings: list[str]
    trigger: str | None = None


class Change(msgspec.Struct, frozen=True):
    """From this moment on the range is this one."""

    at: datetime
    syndrome: str
    at_least: int
    at_most: int
    scale: str = older_crs.ASTCT


class Trigger(msgspec.Struct, frozen=True, omit_defaults=True):
    """A therapy on record that can cause CRS, one row per dose; `until`: the end of its giving, or of its day."""

    name: str
    at: datetime
    until: datetime | None = None


class Unobserved(msgspec.Struct, frozen=True, rename={"since": "from", "until": "to"}):
    """A stretch in which everything relevant was too old to count."""

    syndrome: str
    since: datetime
    until: datetime
    hours: float


class Correction(msgspec.Struct, frozen=True, omit_defaults=True):
    """A finding whose value was replaced, or (`now` null) taken back; `known`: when that reached us.

    `was` and `now` are numbers in `unit`, or words; `was_at` is there where the time was corrected too.
    """

    quantity: str
    unit: str | None
    at: datetime
    was: float | str | None
    now: float | str | None
    known: datetime
    was_at: datetime | None = None


class Physiology(msgspec.Struct, frozen=True):
    """Raw range of one vital sign, shown where nothing is graded."""

    quantity: str
    lowest: float
    highest: float
    latest: float
    unit: str | None
    at: datetime


class Answer(msgspec.Struct, frozen=True, omit_defaults=True, dict=True):
    """Everything Leeward says about one patient (docs/answers.md).

    What `leeward.grade` returns also remembers, beside its fields, of which record and question it is.
    `scales`: what holds now on further scales of CRS; `scores`: every other score, as of the same moment.
    """

    patient: str
    as_of: datetime | None
    triggers: list[Trigger]
    episodes: list[Episode]
    now: dict[str, Grade]
    course: list[Change]
    unobserved: list[Unobserved]
    assumptions: list[str]
    physiology: list[Physiology]
    refused: dict[str, int]
    edition: str
    scales: dict[str, Grade] = {}
    scores: dict[str, dict[str, Any]] = {}
    corrections: list[Correction] = []


NO_TRIGGER = "no trigger on record"
ROOM_AIR = "no oxygen device charted was read as room air, as declared for this record"


def instant(seconds: int | None) -> datetime | None:
    """Whole seconds since 1970 as a moment in UTC."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def when(seconds: Any) -> datetime:
    """As `instant`, where there always is one."""
    return datetime.fromtimestamp(int(seconds), UTC)


def units() -> dict[str, str | None]:
    """The unit of every quantity (UCUM)."""
    return {name: quantity.unit for name, quantity in quantities().items()}


Rows = dict[str, list[dict[str, Any]]]


def by_patient(rows: Rows) -> dict[str, Rows]:
    """The plan's rows sorted out by patient."""
    sorted_out: dict[str, Rows] = {}
    for name, table in rows.items():
        for row in table:
            sorted_out.setdefault(row["patient"], {key: [] for key in rows})[name].append(row)
    return sorted_out


def answer(
    patient: str, rows: Rows, question: Question, refused: dict[str, int], units: dict[str, str | None]
) -> Answer:
    """One patient's rows as an answer. `units` names the unit of each quantity."""
    graded = bool(rows["people"])
    physiology = (
        [] if graded else [_physiology(row, units) for row in sorted(rows["raw"], key=lambda row: row["quantity"])]
    )
    return Answer(
        patient=patient,
        as_of=when(rows["people"][0]["as_of_s"]) if graded else question.as_of,
        triggers=[Trigger(row["product"], when(row["from_s"]), instant(row["until_s"]))
                  for row in sorted(rows["exposed"], key=_by_time("from_s"))],
        episodes=[_episode(row, rows, question)
                  for row in sorted(_asked(rows["episodes"], question), key=_by_time("onset_s"))],
        now={syndrome: _now(syndrome, rows, units) for syndrome in ("crs", "icans")},
        course=[Change(when(row["at_s"]), row["syndrome"], row["at_least"], row["at_most"], row["scale"])
                for row in sorted(_asked(rows["course"], question), key=_by("at_s", "syndrome", "scale"))],
        unobserved=[_unobserved(row) for row in sorted(rows["unobserved"], key=_by("from_s", "syndrome"))],
        assumptions=_assumptions(rows, question),
        physiology=physiology,
        refused=refused,
        edition=edition(),
        scales=_scales(rows, question, units),
        scores=scores.as_json(rows.get("scores", [])),
        corrections=[_correction(row, units) for row in sorted(rows["corrected"], key=_by_time("known_s"))],
    )  # fmt: skip


def _asked(rows: list[dict[str, Any]], question: Question) -> list[dict[str, Any]]:
    """The rows of the scales that were asked for; ICANS has one scale only."""
    return [row for row in rows if row["syndrome"] != "crs" or row["scale"] in question.scales]


def _by(*names: str) -> Any:
    """A sort key on some columns."""
    return lambda row: tuple(row[name] for name in names)


def _by_time(name: str) -> Any:
    """A sort key on one time column, the rest only so that order never depends on arrival."""
    return lambda row: (row[name], str(sorted(row.items(), key=str)))


def _hours(seconds: int) -> float:
    """Seconds as hours, to the minute or better."""
    return round(seconds / HOUR_S, 3)


def _unobserved(row: dict[str, Any]) -> Unobserved:
    """One stretch in which nobody looked."""
    since, until = row["from_s"], row["until_s"]
    return Unobserved(row["syndrome"], when(since), when(until), _hours(until - since))


def _assumptions(rows: Rows, question: Question) -> list[str]:
    """What the answer takes for granted."""
    said = [
        f"trigger assumed at {when(row['from_s']).isoformat()}" for row in rows["exposed"] if row["product"] == ASSUMED
    ]
    return said + ([ROOM_AIR] if question.room_air else [])


def _episode(row: dict[str, Any], rows: Rows, question: Question) -> Episode:
    """One episode, with what a reader must be warned of."""
    end_s = row["resolved_s"] or row["as_of_s"]
    doses = [dose for dose in rows["exposed"] if dose["from_s"] <= row["onset_s"]]
    trigger = max(doses, key=_by_time("from_s"))["product"] if doses else None
    return Episode(
        syndrome=row["syndrome"], scale=row["scale"], onset=when(row["onset_s"]),
        peak=Peak(row["peak_at_least"], row["peak_at_most"], when(row["peak_s"])),
        resolved=instant(row["resolved_s"]), duration_hours=_hours(end_s - row["onset_s"]),
        masked=bool(row["masked"]), warnings=warnings(row, rows) + _assumptions(rows, question), trigger=trigger,
    )  # fmt: skip


def _now(syndrome: str, rows: Rows, units: dict[str, str | None]) -> Grade:
    """The range that holds now, what is missing for it, and the findings it rests on."""
    found = [row for row in rows["now"] if row["syndrome"] == syndrome and row["scale"] == older_crs.ASTCT]
    if not found:
        return Grade(None, None, ["trigger"], [])
    row = found[0]
    names, stale = (
        (astct_2019_crs_course.MISSING, len(astct_2019_crs_course.STALE))
        if syndrome == "crs"
        else (icans_signs.MISSING, len(icans_signs.STALE))
    )
    missing = [name for place, name in enumerate(names, stale) if row["unknown"] >> place & 1]
    # Only what could still move the grade is missing; a grade that is sure lacks nothing.
    missing = missing if row["at_least"] != row["at_most"] else []
    because = because_of(syndrome, rows["standing"], row, units)
    evidence = _evidence(syndrome, rows["people"][0]["age_low"], because)
    return Grade(row["at_least"], row["at_most"], missing, because, evidence)


def _scales(rows: Rows, question: Question, units: dict[str, str | None]) -> dict[str, Grade]:
    """What holds now on each scale of CRS that was asked for beside ASTCT."""
    found = {row["scale"]: row for row in rows["now"] if row["syndrome"] == "crs"}
    made = {}
    for name in older_crs.older(question.scales):
        row = found.get(name)
        if row is None:
            made[name] = Grade(None, None, ["trigger"], [])
            continue
        missing = [need for place, need in enumerate(older_crs_state.MISSING) if row["unknown"] >> place & 1]
        missing = missing if row["at_least"] != row["at_most"] else []
        read = {need for place, need in enumerate(older_crs_state.MISSING) if not row["unknown"] >> place & 1}
        asked = [
            finding
            for finding in rows["standing"]
            if finding["quantity"] in read.intersection(older_crs.findings(name))
        ]
        because = because_of("crs", rows["standing"], row, units) + [cited(finding, units) for finding in asked]
        because = sorted(because, key=lambda one: (one.at, one.quantity))
        made[name] = Grade(row["at_least"], row["at_most"], missing, because, older_crs.evidence(name))
    return made


_CRS_VITALS = {"body-temperature": 0, "systolic-bp": 1, "oxygen-device": 2, "oxygen-flow": 2}  # bits of STALE


def _about(mark: str, syndrome: str) -> bool:
    """Whether an attribution mark bears on a syndrome."""
    return mark.startswith("neurological=") is (syndrome == "icans")


def _evidence(syndrome: str, age: float | None, because: list[Because]) -> Evidence:
    """How the weakest number behind a grade is known: an infant's limit of pressure and a child's CAPD are weaker."""
    if syndrome == "icans":
        lines = astct_2019_icans.limits()
        by_capd = any(one.quantity == "capd-score" for one in because)
        return weakest(
            [lines.evidence, lines.capd.grade_3_at_least[-1].evidence or lines.evidence]
            if by_capd
            else [lines.evidence]
        )
    limits = astct_2019_crs.limits()
    infant = age is not None and age < value(limits.hypotension.child_from_years)
    return weakest(
        [limits.evidence, limits.hypotension.infant_below[-1].evidence or limits.evidence]
        if infant
        else [limits.evidence]
    )


def because_of(
    syndrome: str, standing: list[dict[str, Any]], row: dict[str, Any], units: dict[str, str | None]
) -> list[Because]:
    """The standing findings behind a grade: what still counts, what runs, what was given, in order of time."""
    limits = astct_2019_crs.limits()
    drugs = [*limits.vasopressors.counted, *limits.vasopressors.never_several]
    device_s = max((finding["at_s"] for finding in standing if finding["quantity"] == "oxygen-device"), default=0)
    back_s = int(decided(limits.decisions, "masking-before") * HOUR_S)
    masks_from_s = (row.get("first_dose_s") or 0) - back_s
    kept = []
    for finding in standing:
        quantity, running = finding["quantity"], finding["until_s"] is None or finding["until_s"] > row["as_of_s"]
        if syndrome == "crs":
            stands = quantity in _CRS_VITALS and not row["unknown"] >> _CRS_VITALS[quantity] & 1
            # The flow of an earlier device says nothing of this one.
            stands &= quantity != "oxygen-flow" or finding["at_s"] >= device_s - CHARTED_TOGETHER_S
            stands |= quantity in drugs and running and finding["high"] != 0
            stands |= quantity in limits.waiver.drugs and row["masks_s"] is not None and finding["at_s"] >= masks_from_s
        else:
            stands = quantity in icans_signs.STALE and not row["unknown"] >> icans_signs.STALE.index(quantity) & 1
        stands |= quantity == "death" or (quantity == "attribution" and running and _about(finding["text"], syndrome))
        if stands:
            kept.append(cited(finding, units))
    return sorted(kept, key=lambda because: (because.at, because.quantity))


def cited(finding: dict[str, Any], units: dict[str, str | None]) -> Because:
    """A finding as an answer cites it."""
    low, high, text = finding["low"], finding["high"], finding["text"]
    unit = units.get(finding["quantity"]) if low is not None else None
    return Because(finding["quantity"], _value(low, high, text), unit, when(finding["at_s"]),
                   instant(finding["until_s"]), finding["site"], finding["source"], finding["place"])  # fmt: skip


def _value(low: float | None, high: float | None, text: str | None) -> float | str | None:
    """A number, or a word; a bound of an open side is written as the record wrote it."""
    if low is None or high is None:
        return text
    if low == high:
        return low
    return f"<{high:g}" if low == float("-inf") else f">{low:g}" if high == float("inf") else f"{low:g} to {high:g}"


def _correction(row: dict[str, Any], units: dict[str, str | None]) -> Correction:
    """One value that was replaced or taken back."""
    was = _value(row["was_low"], row["was_high"], row["was_text"])
    now = None if row["withdrawn"] else _value(row["low"], row["high"], row["text"])
    unit = units.get(row["quantity"]) if row["was_low"] is not None or row["low"] is not None else None
    moved = row["was_at_s"] if row["was_at_s"] != row["at_s"] else None
    return Correction(row["quantity"], unit, when(row["at_s"]), was, now, when(row["known_s"]), instant(moved))


def _physiology(row: dict[str, Any], units: dict[str, str | None]) -> Physiology:
    """One vital sign's raw range."""
    return Physiology(
        row["quantity"], row["lowest"], row["highest"], row["latest"], units.get(row["quantity"]), when(row["last_s"])
    )
