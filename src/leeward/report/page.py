"""The page of one patient and the page of a folder: self-contained HTML that loads nothing and runs no script."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import pyarrow as pa
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from leeward.plan.plan import Plan
from leeward.report import cards, chart, palette, parts, tables, words
from leeward.report.answer import Answer, understood
from leeward.report.beside import NOTHING, Beside
from leeward.report.clock import Clock, clock, seconds
from leeward.report.layout import NARROW, WIDE
from leeward.report.otherwise import corrected, otherwise
from leeward.report.plan_section import section
from leeward.report.tracks import Tracks, tracks
from leeward.timeline.exposures import ASSUMED

STANDING = (
    "Leeward is reviewable decision support and a research instrument, not a medical device. "
    "It grades what the record holds, by published definitions, for review by professionals who know the patient."
)


@cache
def _templates() -> Environment:
    """Templates with every value escaped, and a missing one an error."""
    loader = PackageLoader("leeward.report")
    made = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    made.filters["capital"] = words.capital
    return made


@cache
def _style() -> tuple[Markup, str]:
    """The style sheet, and the hash by which a page's policy allows it and no other."""
    light, dark = palette.variables(palette.LIGHT), palette.variables(palette.DARK)
    rules = Markup(palette.svg_rules())  # noqa: S704  our own colours, no value of a record in it
    sheet = _templates().get_template("page.css").render(light=light, dark=dark, svg=rules).strip()
    digest = base64.b64encode(hashlib.sha256(sheet.encode()).digest()).decode()
    return Markup(sheet), f"sha256-{digest}"  # noqa: S704  as above


def sheet() -> Markup:
    """The style sheet of every page, for a service that gives it as a file."""
    return _style()[0]


def page(
    answer: Mapping[str, Any],
    findings: pa.Table,
    *,
    zone: str | None = None,
    plan: Plan | None = None,
    beside: Beside = NOTHING,
) -> str:
    """One patient's course as a self-contained HTML page.

    `answer` is the JSON object of `leeward grade --json`, `findings` that patient's rows of FINDING
    (leeward.record.schema). `plan`: what sources say for this patient at the answer's moment, where it is wanted.
    `beside`: what else a reader is told of this patient: look-alikes.
    Clock times are in `zone` (IANA) or, without one, at the offset in which the answer's own moment is written.
    Raises ValueError where a key of the answer does not fit.
    """
    dress, allowed = _style()
    told = content(answer, findings, zone=zone, plan=plan, beside=beside)
    return _templates().get_template("patient.html").render(sheet=dress, allowed=allowed, **told)


def content(
    answer: Mapping[str, Any],
    findings: pa.Table,
    *,
    zone: str | None = None,
    plan: Plan | None = None,
    beside: Beside = NOTHING,
    view: chart.View = chart.WHOLE,
) -> dict[str, Any]:
    """Everything that the template of a patient's page asks for, but its style; `view`: what of the course is drawn."""
    held = understood(answer)
    made = tracks(findings, seconds(held.as_of) if held.as_of else None)
    wall = clock(held, zone, made.last_s)
    return {
        "answer": held, "wall": wall, "seconds": seconds, "words": words, "standing": STANDING,
        "plan": section(plan, wall), "otherwise": otherwise(beside, wall),
        "corrected": corrected(held.corrections, wall), "source_of": view.link,
        "drawings": drawings(held, made, wall, view), "tracks": made, **_course(held, made, wall, beside),
    }  # fmt: skip


def drawings(held: Answer, made: Tracks, wall: Clock, view: chart.View = chart.WHOLE) -> list[Markup]:
    """The course for wide and for narrow pages; none where there is nothing to draw."""
    if not (made.rows or held.triggers or held.course):
        return []
    says = cards.description(held, made, wall)
    drawn = [chart.svg(held, made, wall, layout, says, view) for layout in (WIDE, NARROW)]
    return [Markup(one) for one in drawn]  # noqa: S704  the renderer escapes each text it draws


def _course(held: Answer, made: Tracks, wall: Clock, beside: Beside) -> dict[str, Any]:
    """The course itself: cards and tables."""
    something = bool(made.rows or held.triggers or held.course)
    told = [cards.card(held, one, made, wall) for one in held.syndromes]
    return {
        "person": cards.person(made, wall),
        "cards": [one | {"parts": parts.rows(one["syndrome"], beside.parts, one)} for one in told],
        "notes": cards.notes(held, made, wall),
        "days": tables.days(held, made, wall) if something else [],
        "changes": tables.changes(held, made, wall),
        "episodes": cards.episodes(held, wall),
        "refused": cards.refused(held),
        "citations": cards.citations(held),
        "physiology": cards.physiology(held, wall),
    }


def index_page(answers: Iterable[Mapping[str, Any]], *, zone: str | None = None) -> str:
    """The patients of a folder, most severe first, each linked to its page (`page_name` tells the file)."""
    held = sorted((understood(answer) for answer in answers), key=_need, reverse=True)
    dress, allowed = _style()
    return (
        _templates()
        .get_template("index.html")
        .render(
            rows=[_listed(answer, clock(answer, zone)) for answer in held],
            sheet=dress,
            allowed=allowed,
            standing=STANDING,
            editions=sorted({answer.edition for answer in held} - {""}),
        )
    )


def page_name(patient: str) -> str:
    """A file name for a patient's page: no two patients share one, whatever their identifiers hold."""
    plain = re.fullmatch(r"[A-Z0-9][A-Z0-9._-]{0,59}", patient)
    if plain and patient != "INDEX":
        return f"{patient}.html"
    slug = re.sub(r"[^A-Za-z0-9_-]+", "-", patient).strip("-")[:60]
    return f"{slug or 'patient'}-{hashlib.sha256(patient.encode()).hexdigest()[:10]}.html"


def _need(answer: Answer) -> tuple[int, ...]:
    """How severe an answer is: now, then at its peak, then how wide."""
    nows = [held for held in answer.now.values() if held]
    peaks = [peak for syndrome in answer.syndromes if (peak := answer.peak(syndrome))]
    return (
        max((held.at_least or 0 for held in nows), default=0),
        max((held.at_most or 0 for held in nows), default=0),
        max((peak.at_least or 0 for peak in peaks), default=0),
        max((peak.at_most or 0 for peak in peaks), default=0),
    )


def _therapies(answer: Answer, wall: Clock) -> list[tuple[str, str]]:
    """Each product once, with when it began and how often it was given."""
    made = []
    for name in dict.fromkeys(trigger.name for trigger in answer.triggers):
        doses = [seconds(trigger.at) for trigger in answer.triggers if trigger.name == name]
        times = f", {len(doses)} doses" if len(doses) > 1 else ""
        told = "assumed therapy" if name == ASSUMED else name
        made.append((told, f"{wall.moment(min(doses))}{times}"))
    return made


def _listed(answer: Answer, wall: Clock) -> dict[str, Any]:
    """One row of the index."""
    grades = {}
    for syndrome in ("crs", "icans"):
        now, peak = answer.now.get(syndrome), answer.peak(syndrome)
        grades[syndrome] = {
            "now": now,
            "peak": peak,
            "peak_at": wall.moment(seconds(peak.at)) if peak and peak.at else "",
            "episodes": len(answer.episodes_of(syndrome)),
        }
    return {
        "patient": answer.patient,
        "file": page_name(answer.patient),
        "therapies": _therapies(answer, wall),
        "as_of": wall.full(wall.as_of_s) if answer.as_of else "all that is on record",
        "since": wall.since(wall.as_of_s) if answer.as_of else "",
        "grades": grades,
        "refused": sum(answer.refused.values()),
    }
