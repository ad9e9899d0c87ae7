"""What a page says of a patient in words: the grade now and why, episodes, what was refused, what is not drawn."""

from __future__ import annotations

from typing import Any

from leeward.report import words
from leeward.report.answer import Answer, Because, Episode, Range
from leeward.report.clock import Clock, seconds
from leeward.report.grades import lacking
from leeward.report.layout import extent
from leeward.report.sourced import citation, stands_s
from leeward.report.tracks import Tracks


def card(answer: Answer, syndrome: str, made: Tracks, wall: Clock) -> dict[str, Any]:
    """What a page says of one syndrome now: the grade, why, what is missing, what would settle it."""
    now = answer.now.get(syndrome) or Range()
    told = words.grade(now.at_least, now.at_most)
    peak = answer.peak(syndrome)
    lacks = [_lack(item.quantity, lacking(item, made, wall)) for item in now.lacks]
    cited = citation(scale_of(answer, syndrome), syndrome)
    sources = {one.source for one in now.because if one.source}
    return {
        "syndrome": syndrome,
        "scale": words.scale(syndrome),
        "now": now,
        "grade": told,
        "sentence": f"{_told(now, syndrome)}{_lacking(now, lacks)}",
        "lacks": lacks,
        "because": [_because(one, wall, alone=len(sources) != 1) for one in now.because],
        "source": sources.pop() if len(sources) == 1 else "",
        "peak": words.grade(peak.at_least, peak.at_most) if peak else "",
        "peak_at": _dated(wall, seconds(peak.at)) if peak and peak.at else "",
        "open": _open(answer.episodes_of(syndrome), wall),
        "cited": cited,
        "evidence": words.words().evidence[now.evidence] if now.evidence else cited.evidence if cited else "",
    }


def _told(now: Range, syndrome: str) -> str:
    """The grade in words; 0 says what it means."""
    if not now.graded:
        return "not graded"
    sure = now.at_least == now.at_most == 0
    return f"grade {words.grade(now.at_least, now.at_most)}{f', no {words.scale(syndrome).name} now' if sure else ''}"


def _lacking(now: Range, lacks: list[dict[str, str]]) -> str:
    """What is missing, behind the grade: in full where it is one thing, by name where there are several."""
    if len(lacks) < 2:
        return "".join(f", {one['told']}" for one in lacks)
    named = [words.quantity(item.quantity) for item in now.lacks]
    return f", {words.listed([held.lack or held.name for held in named])} not charted"


def _lack(quantity: str, told: str) -> dict[str, str]:
    """One thing that is missing, and what would settle it."""
    held = words.quantity(quantity)
    return {"quantity": quantity, "told": told, "settled_by": held.settled_by or f"a charted {held.name}"}


def _dated(wall: Clock, at_s: int) -> str:
    """A moment on both clocks: "12 Mar 05:10 (day 2 + 3 h)"."""
    since = wall.since(at_s)
    return f"{wall.moment(at_s)} ({since})" if since else wall.moment(at_s)


def _open(episodes: list[Episode], wall: Clock) -> str:
    """Whether an episode is open now, in words."""
    if not episodes:
        return "no episode on record"
    last = episodes[-1]
    if last.resolved:
        return f"resolved {wall.moment(seconds(last.resolved))}"
    length = words.span(wall.as_of_s - seconds(last.onset))
    return f"open since {wall.moment(seconds(last.onset))} ({length})"


def _because(one: Because, wall: Clock, *, alone: bool) -> dict[str, Any]:
    """A finding behind a grade, with its time, its age, and where it stands in the record."""
    held = words.quantity(one.quantity)
    if isinstance(one.value, str):
        figure = words.device(one.value).name if one.quantity == "oxygen-device" else one.value
    else:
        figure = "" if one.value is None else words.number(one.value, held.decimals)
    at_s, until_s = (seconds(moment) if moment else None for moment in (one.at, one.until))
    running = until_s is not None and at_s is not None and at_s < wall.as_of_s < until_s
    age = wall.age(at_s) if at_s is not None and not running else ""
    return {
        "quantity": one.quantity,
        "name": held.name,
        "figure": words.measure(figure, words.unit(one.unit)) or "on record",
        "at": wall.short(at_s) if at_s is not None else "time not recorded",
        "at_s": at_s,
        "until": f"to {wall.moment(until_s)}" if until_s is not None and until_s != at_s else "",
        "age": age,
        "stood": " ".join(filter(None, [one.source if alone else "", one.place])),
    }


def scale_of(answer: Answer, syndrome: str) -> str:
    """The scale by which a syndrome was graded."""
    named = [episode.scale for episode in answer.episodes_of(syndrome) if episode.scale]
    return named[0] if named else next((one.scale for one in answer.episodes if one.scale), "astct-2019")


def episodes(answer: Answer, wall: Clock) -> list[dict[str, Any]]:
    """Rows of the table of episodes."""
    return [
        _episode(f"{words.scale(syndrome).name} {number}", episode, wall)
        for syndrome in answer.syndromes
        for number, episode in enumerate(answer.episodes_of(syndrome), 1)
    ]


def _episode(name: str, episode: Episode, wall: Clock) -> dict[str, Any]:
    """One episode; each of its times on both clocks."""
    onset_s = seconds(episode.onset)
    peak_s = seconds(episode.peak.at) if episode.peak.at else None
    end_s = seconds(episode.resolved) if episode.resolved else None
    hours = episode.duration_hours
    return {
        "name": name,
        "syndrome": words.scale(episode.syndrome).name,
        "scale": words.words().scale_names.get(episode.scale, episode.scale),
        "onset": (wall.moment(onset_s), wall.since(onset_s)),
        "peak": episode.peak,
        "peak_at": (wall.moment(peak_s), wall.since(peak_s)) if peak_s is not None else ("", ""),
        "resolved": (wall.moment(end_s), wall.since(end_s)) if end_s is not None else ("open", ""),
        "duration": words.span(hours * words.HOUR_S if hours is not None else wall.as_of_s - onset_s),
        "ongoing": end_s is None,
        "masked": episode.masked,
        "warnings": episode.warnings,
    }


def person(made: Tracks, wall: Clock) -> list[str]:
    """Age, sex and weight where the record holds them; what changes, with its day."""
    told = []
    for name in ("age-years", "sex", "body-weight"):
        rows = [row for row in made.rows if row.quantity == name]
        if rows:
            figure = words.measure(words.between(name, rows[-1].low, rows[-1].high), words.unit_of(name))
            figure = figure or (rows[-1].text or "")
            told.append(figure if name == "sex" else f"{figure} ({wall.day(rows[-1].at_s)})")
    return [one for one in told if one]


def notes(answer: Answer, made: Tracks, wall: Clock) -> list[str]:
    """What a reader of the drawing must know: how long values are joined, what lies outside."""
    from_s, until_s = extent(answer, made, wall)
    settings = sorted({row.text or "" for row in made.setting}) or ["ward"]
    limits = words.listed([f"{stands_s('body-temperature', one) // words.HOUR_S} h ({one})" for one in settings])
    told = [f"Temperatures are joined only while one stands: {limits}; after that there is a gap."]
    outside = sum(1 for row in made.drawn if row.at_s > until_s or (row.until_s or row.at_s) < from_s)
    if outside:
        told.append(f"{outside} findings lie outside this stretch of time and are not drawn.")
    if wall.as_of_s > until_s:
        last = wall.moment(made.last_s or until_s)
        told.append(f"Nothing was charted between {last} and the moment of this answer, {wall.full(wall.as_of_s)}.")
    return told


def refused(answer: Answer) -> list[tuple[str, str, int]]:
    """Refused statements by reason: code, in words, how many; the most first."""
    told = words.words().refusals
    counted = sorted(answer.refused.items(), key=lambda item: (-item[1], item[0]))
    return [(reason, told.get(reason, ""), count) for reason, count in counted]


def citations(answer: Answer) -> list[dict[str, Any]]:
    """The definitions behind the page."""
    held = [
        (words.scale(syndrome).name, citation(scale_of(answer, syndrome), syndrome)) for syndrome in answer.syndromes
    ]
    return [{"name": name, "cited": cited} for name, cited in held if cited]


def physiology(answer: Answer, wall: Clock) -> list[dict[str, str]]:
    """Raw physiology of a patient without a therapy on record."""
    return [
        {
            "name": words.quantity(held.quantity).name,
            "lowest": _raw(held.lowest, held.quantity, held.unit),
            "highest": _raw(held.highest, held.quantity, held.unit),
            "latest": _raw(held.latest, held.quantity, held.unit),
            "at": wall.moment(seconds(held.at)) if held.at else "time not recorded",
        }
        for held in answer.physiology
    ]


def _raw(value: float | str | None, quantity: str, unit: str | None) -> str:
    """One raw value with its unit."""
    if value is None or isinstance(value, str):
        return words.device(value).name if value and quantity == "oxygen-device" else value or "–"
    printed = words.unit(unit) if unit else words.unit_of(quantity)
    return words.measure(words.number(value, words.quantity(quantity).decimals), printed)


def description(answer: Answer, made: Tracks, wall: Clock) -> str:
    """The drawing in words, for those who do not see it."""
    from_s, until_s = extent(answer, made, wall)
    parts = [f"From {wall.moment(from_s)} to {wall.moment(until_s)} ({wall.zone_name(until_s)})."]
    if made.temperature:
        top = max(made.temperature, key=lambda row: row.value or 0)
        parts.append(f"Highest temperature {words.number(top.value or 0, 1)} °C at {wall.moment(top.at_s)}.")
    lows = [bar for bar in made.pressure if bar.systolic is not None]
    if lows:
        low = min(lows, key=lambda bar: bar.systolic or 0)
        parts.append(f"Lowest systolic pressure {words.number(low.systolic or 0)} mmHg at {wall.moment(low.at_s)}.")
    for syndrome in answer.syndromes:
        peak = answer.peak(syndrome)
        if peak:
            at = f" at {wall.moment(seconds(peak.at))}" if peak.at else ""
            parts.append(f"{words.scale(syndrome).name} peak {words.grade(peak.at_least, peak.at_most)}{at}.")
    parts.append("The tables below hold the course in numbers, day by day and at every change.")
    return " ".join(parts)
