"""Invented patients for the pages, each with what its page must cope with."""

from __future__ import annotations

from typing import Any

from tests.report.charting import (
    Course,
    answer,
    because,
    bump,
    course,
    episode,
    finding,
    graded,
    jitter,
    oxygen,
    pressures,
    raw,
    table,
    text_at,
)

NEUROLOGICAL = ("ice-score", "capd-score", "consciousness")


def intensive_care() -> Course:
    """Five days, most in intensive care: quarter-hourly pressures, three vasopressors, rising oxygen support."""
    crs = episode("crs", 22, (4, 4, 52), 108)
    late = "late onset: day 36 after the therapy, usually within 30; look for other causes"
    icans = episode("icans", 36, (2, 2, 48), 96, warnings=[late])
    refused = {"unit-unknown": 3, "code-unknown": 41, "not-measured": 2}
    held = answer("A. M.", 117.6, episodes=[crs, icans], refused=refused)
    reasons = [because("body-temperature", 37.0, "Cel", 117), because("systolic-bp", 122, "mm[Hg]", 117.5)]
    held["now"] = {"crs": graded(0, 0, *reasons), "icans": graded(0, 0, because("ice-score", 10, None, 108))}
    steps = ((0, 0), (22, 1), (30, 2), (44, 3), (52, 4), (68, 3), (78, 2), (96, 1), (108, 0))
    held["course"] = course("crs", *((hour, grade, grade) for hour, grade in steps))
    held["course"] += course("icans", (0, 0, 0), (36, 1, 1), (48, 2, 2), (84, 1, 1), (96, 0, 0))
    rows = [finding("age-years", -20, 61), finding("body-weight", -20, 78), finding("sex", -20, text="female")]
    rows += [finding("care-setting", -20, text="ward", until=40), finding("care-setting", 40, text="icu", until=118)]
    return held, table([*rows, *_intensive_vitals(), *_intensive_oxygen(), *_intensive_drugs(), *_intensive_signs()])


def _intensive_vitals() -> list[dict[str, Any]]:
    """Temperatures every four hours, then hourly; pressures as often, then every quarter of an hour."""
    rows = []
    for hour in range(-12, 118):
        if hour % (4 if hour < 40 else 1) == 0:
            temperature = 36.8 + 2.7 * bump(hour, 34, 12) + 1.5 * bump(hour, 62, 8) + 0.4 * jitter(hour)
            rows.append(finding("body-temperature", hour, round(temperature, 1)))
    for quarter in range(-48, 472):
        moment = quarter / 4
        if moment >= 40 or moment % 4 == 0:
            low = 44 * bump(moment, 50, 12)
            systolic, diastolic = 124 - low + 14 * jitter(moment), 72 - low * 0.6 + 6 * jitter(moment + 1)
            rows += pressures(moment, round(systolic), round(diastolic))
    return rows


def _intensive_oxygen() -> list[dict[str, Any]]:
    """From room air to BiPAP and back, each charted again every four hours."""
    steps = (
        (-12, "room-air", None, None),
        (30, "nasal-cannula", 2, None),
        (42, "nasal-cannula", 4, None),
        (48, "high-flow-nasal-cannula", 40, 0.5),
        (55, "bipap", None, 0.6),
        (68, "high-flow-nasal-cannula", 30, 0.4),
        (80, "nasal-cannula", 3, None),
        (96, "room-air", None, None),
    )
    ends = [step[0] for step in steps[1:]] + [118]
    again = [finding("oxygen-device", hour, text=step[1]) for step, end in zip(steps, ends, strict=True)
             for hour in range(step[0] + 4, end, 4)]  # fmt: skip
    return again + [row for step in steps for row in oxygen(*step)]


def _intensive_drugs() -> list[dict[str, Any]]:
    """Three vasopressors, two of them together with a third, and what was given against CRS."""
    rates = (4, 6, 9, 12, 14, 14, 12, 10, 8, 6, 5, 4, 4, 3, 2, 2)
    rows = [finding("norepinephrine", 44 + 2 * place, rate, until=46 + 2 * place) for place, rate in enumerate(rates)]
    rows += [finding("vasopressin", 50, 0.03, until=66), finding("epinephrine", 52, 4, until=56)]
    rows += [finding("tocilizumab", hour, 624) for hour in (32, 44)]
    rows += [finding("dexamethasone", hour, 10) for hour in range(44, 92, 6)]
    rows += [finding("acetaminophen", hour, 1000) for hour in range(20, 50, 6)]
    return [*rows, finding("fluid-bolus", 43, 500)]


def _intensive_signs() -> list[dict[str, Any]]:
    """ICE every twelve hours, consciousness, a fever with another cause, the grades in the record."""
    scores = zip(range(0, 118, 12), (10, 10, 10, 9, 6, 4, 6, 8, 10, 10), strict=True)
    rows = [finding("ice-score", hour, score) for hour, score in scores]
    rows += [finding("consciousness", 48, text="voice"), finding("consciousness", 84, text="alert")]
    rows += [finding("documented-crs-grade", hour, grade) for hour, grade in ((24, 1), (48, 3), (72, 3))]
    return [*rows, finding("attribution", 100, text="fever=infection", until=112)]


def ward() -> Course:
    """Eight days on a ward, charted six-hourly; oxygen last charted hours ago, a night that nobody charted."""
    rows = []
    for hour in range(-18, 186, 6):
        if 90 < hour < 112:
            continue
        temperature = 36.7 + 2.3 * bump(hour, 70, 16) + 1.9 * bump(hour, 184, 12) + 0.3 * jitter(hour)
        rows.append(finding("body-temperature", hour, round(temperature, 1)))
        drop = 30 * bump(hour, 76, 10)
        rows += pressures(hour, round(118 - drop + 9 * jitter(hour)), round(70 - drop * 0.5 + 5 * jitter(hour)))
        if hour <= 174:
            device, flow = ("nasal-cannula", 2) if 66 <= hour < 90 else ("room-air", None)
            rows += oxygen(hour, device, flow)
    rows += [finding("acetaminophen", hour, 1000) for hour in (64, 70, 76)]
    rows += [finding("tocilizumab", 73, 560), finding("dexamethasone", 74, None, until=86)]
    rows += [finding("ice-score", hour, 10) for hour in range(0, 180, 12) if hour != 96]
    reasons = [because("body-temperature", 38.6, "Cel", 180), because("systolic-bp", 116, "mm[Hg]", 180)]
    held = answer(
        "007",
        186.2,
        triggers=[{"name": "tisagenlecleucel", "at": text_at(0)}],
        unobserved=[{"syndrome": "crs", "from": text_at(98), "to": text_at(112), "hours": 14.0}],
        refused={"implausible-for-unit": 1, "time-missing": 4},
        assumptions=["the record declares that no oxygen device charted means room air"],
    )
    recurred = episode("crs", 180, (1, 4, 184.1), None, warnings=["recurrence after an earlier episode"])
    held["episodes"] = [episode("crs", 60, (2, 2, 72), 130), recurred]
    now = graded(1, 4, *reasons, missing=("oxygen-device",))
    held["now"] = {"crs": now, "icans": graded(0, 0, because("ice-score", 10, None, 168))}
    held["course"] = course("crs", (0, 0, 0), (60, 1, 1), (66, 2, 2), (90, 1, 1), (98, 1, 4), (114, 1, 1), (130, 0, 0))
    held["course"] += course("crs", (180, 1, 1), (184.1, 1, 4))
    held["course"] += course("icans", (0, 0, 0), (96, 0, 4), (108, 0, 0))
    return held, table(rows)


def month() -> Course:
    """Thirty days: ICE to day 14, paracetamol every six hours, two episodes, the second late."""
    rows = []
    for hour in range(-24, 721, 4):
        temperature = 36.7 + 2.2 * bump(hour, 96, 26) + 2.0 * bump(hour, 420, 20) + 0.4 * jitter(hour)
        rows.append(finding("body-temperature", hour, round(temperature, 1)))
        rows += pressures(hour, round(120 - 24 * bump(hour, 100, 20) + 10 * jitter(hour)), round(70 + 6 * jitter(hour)))
        rows += oxygen(hour, "nasal-cannula" if 88 < hour < 130 else "room-air", 2 if 88 < hour < 130 else None)
    rows += [finding("acetaminophen", hour, 1000) for hour in range(72, 480, 6)]
    rows += [finding("tocilizumab", hour, 560) for hour in (90, 102, 421)]
    rows += [finding("ice-score", hour, 10 if hour < 120 else 8) for hour in range(0, 336, 12)]
    held = answer(
        "MONTH-30",
        720,
        episodes=[
            episode("crs", 74, (2, 2, 92), 150),
            episode("crs", 408, (1, 1, 410), 470),
            episode("icans", 120, (1, 1, 120), 340),
        ],
        now={
            "crs": graded(0, 0, because("body-temperature", 36.8, "Cel", 720)),
            "icans": graded(0, 4, missing=NEUROLOGICAL),
        },
        course=course("crs", (0, 0, 0), (74, 1, 1), (92, 2, 2), (130, 1, 1), (150, 0, 0), (408, 1, 1), (470, 0, 0))
        + course("icans", (0, 0, 0), (120, 1, 1), (340, 0, 0), (352, 0, 4)),
    )
    return held, table(rows)


def hours() -> Course:
    """Six hours after a bispecific, still febrile, nothing neurological charted."""
    rows = []
    for quarter in range(13):
        hour = quarter / 2
        rows.append(finding("body-temperature", hour, round(36.9 + 0.3 * hour, 1)))
        rows += pressures(hour, 124 - 3 * hour, 76 - 2 * hour)
    rows += oxygen(0, "room-air") + oxygen(5, "nasal-cannula", 2)
    rows += [finding("dexamethasone", -1, 16), finding("acetaminophen", -1, 1000), finding("acetaminophen", 4.2, 1000)]
    held = answer(
        "SHORT-06H",
        6.1,
        triggers=[{"name": "glofitamab", "at": text_at(0)}],
        episodes=[episode("crs", 4, (2, 2, 5))],
        now={
            "crs": graded(
                2, 2, because("oxygen-device", "nasal-cannula", None, 5), because("oxygen-flow", 2, "L/min", 5)
            ),
            "icans": graded(0, 4, missing=("ice-score", "consciousness")),
        },
        course=course("crs", (0, 0, 0), (4, 1, 1), (5, 2, 2)) + course("icans", (0, 0, 4)),
    )
    return held, table(rows)


def no_trigger() -> Course:
    """Vital signs of somebody in whose record no therapy is found."""
    rows = []
    for hour in range(0, 60, 3):
        rows.append(finding("body-temperature", hour, round(37.2 + 1.4 * bump(hour, 24, 10), 1)))
        rows.append(finding("mean-bp", hour + 1, 70 + hour % 7))
        rows.append(finding("systolic-bp", hour + 2, 100 + hour % 11))
    rows += [*oxygen(1, "venturi", 8, 0.35), finding("norepinephrine", 20, None, high=None)]
    held = answer(
        "NO-TRIGGER",
        60,
        triggers=[],
        assumptions=[],
        now={name: graded(None, None, missing=("trigger",)) for name in ("crs", "icans")},
        physiology=[
            raw("body-temperature", 37.2, 38.6, 37.2, "Cel", 57),
            raw("systolic-bp", 100, 110, 104, "mm[Hg]", 59),
        ],
    )
    return held, table(rows)


def masked() -> Course:
    """Hypotension after dexamethasone was given before any fever: possible masked CRS."""
    rows = []
    for hour in range(-4, 44, 4):
        rows.append(finding("body-temperature", hour, round(36.8 + 0.2 * jitter(hour), 1)))
        rows += pressures(hour, round(118 - 36 * bump(hour, 26, 8)), 60)
        rows += oxygen(hour, "room-air")
    rows += [finding("dexamethasone", -3, 20), finding("norepinephrine", 24, 3), finding("ice-score", 10, 10)]
    held = answer(
        "MASKED-1",
        40.5,
        triggers=[{"name": "tebentafusp", "at": text_at(0)}],
        episodes=[episode("crs", 22, (0, 3, 24), masked=True)],
        now={
            "crs": graded(
                0,
                3,
                because("norepinephrine", 3, "ug/min", 24),
                because("dexamethasone", 20, "mg", -3),
                missing=("body-temperature",),
            ),
            "icans": graded(0, 4, missing=NEUROLOGICAL),
        },
        course=course("crs", (0, 0, 0), (22, 0, 2), (24, 0, 3)) + course("icans", (0, 0, 0), (22, 0, 4)),
    )
    return held, table(rows)


def steps() -> Course:
    """Step-up doses of a bispecific: three therapies, two episodes."""
    rows = []
    for hour in range(-6, 220, 4):
        temperature = 36.7 + 1.9 * bump(hour, 30, 8) + 2.4 * bump(hour, 98, 7) + 0.3 * jitter(hour)
        rows.append(finding("body-temperature", hour, round(temperature, 1)))
        rows += pressures(hour, round(124 - 28 * bump(hour, 100, 6)), 66)
        rows += oxygen(hour, "simple-mask" if 96 <= hour < 108 else "room-air", 5 if 96 <= hour < 108 else None)
    rows += [finding("dexamethasone", hour, 16) for hour in (-2, 70, 142)] + [finding("tocilizumab", 99, 640)]
    rows += [finding("ice-score", hour, 10) for hour in range(-6, 220, 12)]
    held = answer(
        "STEP-UP",
        216,
        triggers=[{"name": "teclistamab", "at": text_at(hour)} for hour in (0, 72, 144)],
        episodes=[episode("crs", 26, (1, 1, 26), 46), episode("crs", 92, (3, 3, 96), 124)],
        now={
            "crs": graded(0, 0, because("body-temperature", 36.6, "Cel", 214)),
            "icans": graded(0, 0, because("ice-score", 10, None, 210)),
        },
        course=course("crs", (0, 0, 0), (26, 1, 1), (46, 0, 0), (92, 1, 1), (96, 3, 3), (108, 1, 1), (124, 0, 0))
        + course("icans", (0, 0, 0)),
    )
    return held, table(rows)


NASTY = '<script>alert("x")</script>'


def hostile() -> Course:
    """A record whose names and words try to be markup, formulas or links."""
    rows = [
        finding("body-temperature", 0, 38.4),
        finding("consciousness", 1, text=NASTY),
        finding("oxygen-device", 1, text="\"onload='alert(1)"),
        finding("attribution", 2, text=f"fever={NASTY}", until=4),
        finding("sex", 0, text="<img src=x onerror=alert(1)>"),
        finding("care-setting", 0, text="<b>ward</b>", until=9),
    ]
    held = answer(
        f"=cmd|' /C calc'!A0 {NASTY}",
        6,
        triggers=[{"name": NASTY, "at": text_at(0)}],
        episodes=[episode("crs", 0, (1, 4, 0), warnings=[NASTY])],
        now={"crs": graded(1, 4, because(NASTY, NASTY, NASTY, 0), missing=(NASTY,))},
        course=course("crs", (0, 1, 4)),
        refused={NASTY: 1},
        edition=NASTY,
        assumptions=[NASTY],
    )
    return held, table(rows)


def minimal() -> Course:
    """Nothing but a name and a moment."""
    return {"patient": "MINIMAL", "as_of": None}, table([])


COURSES = {
    "intensive-care": intensive_care,
    "ward": ward,
    "month": month,
    "hours": hours,
    "no-trigger": no_trigger,
    "masked": masked,
    "steps": steps,
    "hostile": hostile,
    "minimal": minimal,
}
