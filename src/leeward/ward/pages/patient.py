"""One patient's page: the course and plan as report/ shows them, and what only a live ward has beside them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import msgspec
from markupsafe import Markup

from leeward.plan.monitoring import Check
from leeward.report import words
from leeward.report.answer import understood
from leeward.report.beside import Beside
from leeward.report.chart import View
from leeward.report.clock import Clock, seconds
from leeward.report.clock import clock as clock_of
from leeward.report.page import content, drawings
from leeward.report.tracks import Row, Tracks, tracks
from leeward.scales.older_crs import ASTCT
from leeward.ward.alerts.alert import Alert
from leeward.ward.look import Look
from leeward.ward.pages import board, doses, notes
from leeward.ward.pages.names import file_of, title_of
from leeward.ward.pages.paper import wall

if TYPE_CHECKING:
    from leeward.ward.world import World

STATES = {
    "continuous": "continuous",
    "not-asked": "asked for without an interval",
    "ended": "the source says no longer",
}
MOST_MOMENTS = 4000
"""Findings that the cursor of the chart can tell; of more, the latest."""


def page(world: World, look: Look, handle: str, stretch: tuple[int, int] | None, *, past: bool) -> dict[str, Any]:
    """What the template of a patient's page asks for."""

    def link(at_s: int) -> str:
        return f"/patient/{handle}/at/{at_s}"

    told = content(
        _graded(look), look.findings, zone=world.settings.zone, plan=look.plan,
        beside=Beside(look.parts, look.lookalikes), view=View(stretch, link),
    )  # fmt: skip
    clock: Clock = told["wall"]
    scales = [_scale(name, held) for name, held in look.answer.scales.items()]
    return told | {
        "handle": handle, "person_words": " · ".join(told.pop("person")), "moments_json": _data(told),
        "held": look.held, "past": past, "watched": look.watched,
        "scales": scales, "scales_said": _in_short(scales), "scores": list(_scores(look)),
        "doses": doses.doses(look, clock), "notes": notes.of(world, look.patient, look.at),
        "refusals": _refusals(world, look), **_schedule(look, clock), **_head(world, look, past=past),
    }  # fmt: skip


def _head(world: World, look: Look, *, past: bool) -> dict[str, Any]:
    """The row of the board as it reads at this moment, and the alerts; of the past, those that were opened by then."""
    found = [one for one in world.alerts.of(look.patient) if one.opened_at <= look.at]
    said = _alerts(world, found, look.at)
    line = None if look.held is None else board.fresh(world, look, look.held)
    return {
        "line": line, "alerts": said, "open_alerts": [one for one in said if one["open"]],
        "closed_alerts": [one for one in said if not one["open"]],
        "untold": sum(1 for one in said if one["told"] == "untold" and one["open"]),
        "unheard": (line.unheard if line else "") or ("" if past else board.silence(world, look.patient)),
    }  # fmt: skip


def _schedule(look: Look, clock: Clock) -> dict[str, Any]:
    """What is due: what surely applies, what may, and the early signs that are there."""
    told = [_check(one, clock) for one in _checks(look)]
    return {
        "checks_sure": [one for one in told if not one["perhaps"]],
        "checks_perhaps": [one for one in told if one["perhaps"]],
        "early": [f"{one.title}: {'; '.join(one.because)}" if one.because else one.title
                  for one in look.watched.early_signs if one.shown == "yes"],
    }  # fmt: skip


def _in_short(scales: list[dict[str, Any]]) -> str:
    """Which scales say which grade: "1: ASTCT 2019 and MSKCC 2018; 1 to 4: Lee 2014"."""
    by: dict[str, list[str]] = {}
    for one in scales:
        by.setdefault(words.grade(one["range"].at_least, one["range"].at_most), []).append(one["name"])
    return "; ".join(f"{grade}: {words.listed(names)}" for grade, names in by.items())


def _graded(look: Look) -> dict[str, Any]:
    """The answer on the ward's own scale, as report/ reads it; the other scales stand beside it."""
    answer = look.answer
    episodes = [one for one in answer.episodes if one.scale == ASTCT or one.syndrome != "crs"]
    course = [one for one in answer.course if one.scale == ASTCT or one.syndrome != "crs"]
    made: dict[str, Any] = msgspec.to_builtins(
        msgspec.structs.replace(answer, episodes=episodes, course=course), str_keys=True
    )
    return made


def _scale(name: str, held: Any) -> dict[str, Any]:
    """What holds now on one further scale of CRS."""
    lacking = [words.quantity(one).lack or words.quantity(one).name for one in held.missing]
    return {"id": f"{name}-crs", "name": words.words().scale_names.get(name, name), "range": held,
            "missing": words.listed(lacking), "recalled": held.evidence == "recalled",
            "evidence": words.words().evidence[held.evidence] if held.evidence else ""}  # fmt: skip


def _scores(look: Look) -> Iterator[dict[str, Any]]:
    """Every other score, those that are known best first."""
    for name, held in sorted(look.answer.scores.items(), key=lambda item: len(item[1]["missing"])):
        yield {
            "id": file_of(name), "name": title_of(name), "figure": words.grade(held["at_least"], held["at_most"]),
            "sure": held["at_least"] == held["at_most"],
            "missing": words.listed([words.quantity(one).name for one in held["missing"]]),
            "evidence": words.words().evidence[held["evidence"]],
        }  # fmt: skip


def _checks(look: Look) -> list[Check]:
    """The schedule: what surely applies before what may, then what is only recalled last, then overdue first."""
    order = ("overdue", "due", "next", "continuous", "not-asked", "ended")
    asked = [one for one in look.watched.checks if one.applies is not False]
    return sorted(asked, key=lambda one: (one.applies is None, one.evidence == "recalled", order.index(one.state)))


def _check(one: Check, clock: Clock) -> dict[str, Any]:
    """One line of the schedule."""
    when = clock.short(seconds(one.next_at)) if one.next_at else ""
    late = f"overdue {words.span(one.overdue_hours * words.HOUR_S)}" if one.overdue_hours is not None else ""
    return {
        "title": one.title, "product": one.product, "late": late,
        "state": STATES.get(one.state) or late or f"{one.state} {when}", "why": "; ".join(one.why),
        "last": clock.short(seconds(one.last_at)) if one.last_at else "never whole since the dose",
        "source": one.source, "evidence": words.words().evidence[one.evidence], "perhaps": one.applies is None,
    }  # fmt: skip


def _alerts(world: World, alerts: list[Alert], at: datetime) -> list[dict[str, Any]]:
    """A patient's alerts as they stood at a moment: open ones first."""
    clock = wall(world, at)
    made = []
    for one in sorted(alerts, key=lambda one: (one.kind_class == "technical", -one.level)):
        closed_at = one.closed_at if one.closed_at is not None and one.closed_at <= at else None
        seen = one.acknowledged_at is not None and one.acknowledged_at <= at
        made.append(
            {"id": one.id, "text": one.text, "open": closed_at is None, "at": clock.short(seconds(one.opened_at)),
             "told": one.told, "by": one.acknowledged_by if seen else None, "closed": one.closed if closed_at else "",
             "source": one.signs[0].source if one.signs else "", "standing": one.standing,
             "closed_at": clock.short(seconds(closed_at)) if closed_at else ""}
        )  # fmt: skip
    return sorted(made, key=lambda one: not one["open"])


def _refusals(world: World, look: Look) -> list[dict[str, Any]]:
    """What was not understood, with where it stood."""
    rows = world.store.known([look.patient], known_at=look.at).refusals.to_pylist()
    told = words.words().refusals
    return [{"reason": told.get(row["reason"], row["reason"]), "quantity": row["quantity"] or "",
             "source": row["source"], "place": row["place"]} for row in rows]  # fmt: skip


def course(world: World, look: Look, handle: str, stretch: tuple[int, int] | None) -> list[Markup]:
    """The drawings alone."""
    held = understood(_graded(look))
    made = tracks(look.findings, seconds(look.at))
    view = View(stretch, lambda at_s: f"/patient/{handle}/at/{at_s}")
    return drawings(held, made, clock_of(held, world.settings.zone, made.last_s), view)


def said(world: World, patient: str) -> str:
    """A word that changes when something arrived of a patient, or is answered otherwise."""
    held = world.store.patient(patient)
    heard = held.last_received_at.isoformat() if held and held.last_received_at else ""
    answered = world.store.last_said([patient]).get(patient, b"")
    open_ = sorted(one.id for one in world.alerts.of(patient) if one.open)
    return blake2b(repr((heard, answered, open_)).encode(), digest_size=8).hexdigest()


def _data(told: dict[str, Any]) -> Markup:
    """The cursor's findings as JSON that can stand in a page: nothing in it can end the element it stands in."""
    text = msgspec.json.encode(moments(told["tracks"], told["wall"])).decode()
    return Markup(text.replace("<", "\\u003c").replace("&", "\\u0026"))  # noqa: S704  every "<" is spelt out


def moments(made: Tracks, clock: Clock) -> list[list[Any]]:
    """Every drawn finding for the cursor: when, until when, what, its figure."""
    shown = [*made.drawn, *(row for row in made.rows if row.quantity in words.words().groups.labs)]
    shown = sorted(shown, key=lambda row: row.at_s)[-MOST_MOMENTS:]
    return [[row.at_s, row.until_s, words.quantity(row.quantity).name, figure(row), clock.moment(row.at_s)]
            for row in shown]  # fmt: skip


def figure(row: Any) -> str:
    """A finding's value with its unit, or its word."""
    number = words.measure(words.between(row.quantity, row.low, row.high), words.unit_of(row.quantity))
    word = words.device(row.text).name if row.quantity == "oxygen-device" else row.text
    return number or word or "on record"


def at(world: World, patient: str, at_s: int) -> list[dict[str, Any]]:
    """Every finding that was measured at a second, or ran then, with all its versions and where each came from."""
    made = []
    findings = world.store.findings_of(patient).sort_by([("quantity", "ascending"), ("received_at", "ascending")])
    clock = wall(world)
    for row in findings.to_pylist():
        from_s, until_s = seconds(row["measured_at"]), seconds(row["measured_until"] or row["measured_at"])
        if from_s == at_s or from_s <= at_s < until_s:
            row |= {name: clock.full(seconds(row[f"{name}_at"])) if row[f"{name}_at"] else ""
                    for name in ("measured", "reported", "received")}  # fmt: skip
            drawn = Row(row["quantity"], from_s, None, row["low"], row["high"], row["text"])
            until = clock.full(until_s) if row["measured_until"] else ""
            made.append(row | {"name": words.quantity(row["quantity"]).name, "figure": figure(drawn), "until": until})
    return made


def differences(world: World, patient: str) -> list[dict[str, Any]]:
    """When scales of CRS differ, and the rules of the signs that are there then."""
    clock = wall(world)
    names = words.words().scale_names
    made = []
    for one in world.grader.compared(patient).differences:
        by_grade: dict[int, list[str]] = {}
        for scale, held in one.grades.items():
            by_grade.setdefault(held.at_least, []).append(names.get(scale, scale))
        rules = [(words.listed([names.get(scale, scale) for scale in rule.scales]), rule.says) for rule in one.rules]
        grades = [(grade, words.listed(by)) for grade, by in sorted(by_grade.items())]
        made.append({"at": clock.moment(seconds(one.at)), "grades": grades, "rules": rules})
    return made
