"""The grade over time: stretches between its changes, drawn solid up to at_least and hatched up to at_most."""

from __future__ import annotations

from typing import NamedTuple

from leeward.report import words
from leeward.report.answer import Answer, Episode, Missing, Range
from leeward.report.clock import Clock, seconds
from leeward.report.layout import packed
from leeward.report.marks import Strip
from leeward.report.palette import LIGHT, grade_fill, numeral
from leeward.report.tracks import Tracks

LEVEL = 13
"""Pixels for one grade."""
BASE = 4
"""Pixels for grade 0, so that "graded 0" and "not graded" look different."""


class Stretch(NamedTuple):
    """A grade from one change to the next."""

    from_s: int
    until_s: int
    at_least: int
    at_most: int
    missing: list[Missing]


def stretches(answer: Answer, syndrome: str, clock: Clock) -> list[Stretch]:
    """The stretches of one syndrome, the last one up to the answer's moment; ungraded ones are left out."""
    changes = sorted((change for change in answer.course if change.syndrome == syndrome), key=lambda held: held.at)
    ends = [seconds(change.at) for change in changes[1:]] + [clock.as_of_s]
    made = []
    for change, until_s in zip(changes, ends, strict=True):
        lacks = Range(missing=change.missing).lacks
        if change.at_least is not None or change.at_most is not None:
            low = change.at_least or 0
            high = low if change.at_most is None else change.at_most
            made.append(Stretch(seconds(change.at), until_s, low, high, lacks))
    now = answer.now.get(syndrome)
    if made and now and (made[-1].at_least, made[-1].at_most) == (now.at_least, now.at_most) and not made[-1].missing:
        made[-1] = made[-1]._replace(missing=now.lacks)
    return made


def lacking(missing: Missing, tracks: Tracks, clock: Clock) -> str:
    """One missing quantity in words: "oxygen not charted since 05:10", "ICE score never charted"."""
    held = words.quantity(missing.quantity)
    last = tracks.last_of(held.looks_at or [missing.quantity])
    since_s = seconds(missing.since) if missing.since else last.at_s if last else None
    return lacks(missing.quantity, since_s, last.text if last else None, clock)


def lacks(quantity: str, since_s: int | None, charted: str | None, clock: Clock) -> str:
    """The same from when it was last charted, and the word it was charted with then."""
    held = words.quantity(quantity)
    name = held.lack or held.name
    if since_s is None:
        return f"{name} {held.unseen}"
    if charted in words.VAGUE:
        return f"{words.device(charted).name} at {clock.short(since_s)}"
    return f"{name} not charted since {clock.short(since_s)}"


def draw(strip: Strip, answer: Answer, syndrome: str, tracks: Tracks, clock: Clock) -> None:
    """The row of one syndrome: its episodes, its band, what was not observed."""
    held = stretches(answer, syndrome, clock)
    highest = max([4, *(stretch.at_most for stretch in held)])
    notes = _notes(strip, held, tracks, clock)
    above = strip.window.layout.font + 6
    _episodes(strip, answer.episodes_of(syndrome), clock)
    top = strip.row(f"{words.scale(syndrome).name} grade", highest * LEVEL + BASE + (above if notes else 4), title=True)
    floor = strip.height
    for grade in range(highest + 1):
        y = floor - BASE - grade * LEVEL
        strip.box(strip.window.from_s, strip.window.until_s, y - 0.4, y + 0.4, LIGHT["line"])
    for stretch in _seen(held, answer, syndrome):
        _band(strip, stretch, floor, clock)
    for left, text in notes:
        strip.word(left, top + strip.window.layout.font, text, LIGHT["warn"])
    stands = not held or held[-1].from_s < clock.as_of_s
    _unobserved(strip, answer, syndrome, (floor - BASE - highest * LEVEL, floor), clock, stands=stands)
    strip.line(strip.window.from_s, strip.window.until_s, floor, LIGHT["rule"])
    strip.gap(8)


def _seen(held: list[Stretch], answer: Answer, syndrome: str) -> list[Stretch]:
    """The stretches without what was not observed."""
    for gone in answer.unobserved:
        if gone.syndrome == syndrome:
            from_s, until_s = seconds(gone.start), seconds(gone.until)
            parts = [
                (
                    stretch,
                    (stretch.from_s, min(stretch.until_s, from_s)),
                    (max(stretch.from_s, until_s), stretch.until_s),
                )
                for stretch in held
            ]
            held = [
                stretch._replace(from_s=left, until_s=right)
                for stretch, *ends in parts
                for left, right in ends
                if left < right or left == right == stretch.from_s == stretch.until_s
            ]
    return held


def _band(strip: Strip, stretch: Stretch, floor: float, clock: Clock) -> None:
    """One stretch: solid, then hatched, with its numeral and (where it is a range) its words."""
    from_s, until_s, low, high, _ = stretch
    shown_s = strip.window.standing(until_s)
    says = f"grade {words.grade(low, high)}, {clock.moment(from_s)} to {clock.moment(until_s)}"
    solid = floor - BASE - low * LEVEL
    strip.box(from_s, shown_s, solid, floor, grade_fill(low), says)
    font = strip.window.layout.font
    if high > low:
        hatch = f"url(#{strip.window.layout.name}-hatch-{min(high, 5)})"
        strip.box(from_s, shown_s, floor - BASE - high * LEVEL, solid, hatch, says, edge=LIGHT["rule"])
        middle = floor - BASE - (low + high) / 2 * LEVEL + font * 0.36
        strip.fitting(from_s, shown_s, middle, [words.grade(low, high), f"{low}–{high}"], LIGHT["ink"], backed=True)
    if low or high == low:
        on_paper = low == 0
        y = floor - BASE - 3 if on_paper else solid + font
        strip.fitting(from_s, shown_s, y, [str(low)], LIGHT["soft"] if on_paper else numeral(low))


def _notes(strip: Strip, held: list[Stretch], tracks: Tracks, clock: Clock) -> list[tuple[float, str]]:
    """What was missing where the grade is a range, above the band, where there is room for it."""
    window, layout = strip.window, strip.window.layout
    made: list[tuple[float, str]] = []
    for stretch in reversed(held):
        if stretch.at_most <= stretch.at_least or not stretch.missing or not window.cut(*stretch[:2]):
            continue
        texts = [words.grade(stretch.at_least, stretch.at_most)]
        open_end = stretch.until_s == clock.as_of_s
        texts += [
            lacking(item, tracks, clock) if open_end else f"no {words.quantity(item.quantity).name}"
            for item in stretch.missing
        ]
        for text in (", ".join(texts), ", ".join(texts[:2])):
            left = max(0.0, min(window.pixels(stretch.from_s), layout.plot - layout.takes(text)))
            limit = made[-1][0] - 8 if made else layout.plot + 4
            if left + layout.takes(text) <= limit:
                made.append((left, text))
                break
    return made


def _episodes(strip: Strip, episodes: list[Episode], clock: Clock) -> None:
    """A bracket from onset to resolution over the band of each episode, with its peak in words."""
    shown = [episode for episode in episodes if strip.window.cut(seconds(episode.onset), _end_s(episode, clock))]
    if not shown:
        return
    layout = strip.window.layout
    texts = [
        _bracket(number, episode, len(episodes) > 1) for number, episode in enumerate(episodes, 1) if episode in shown
    ]
    lefts = [max(0.0, strip.window.pixels(seconds(episode.onset))) for episode in shown]
    lefts = [min(left, layout.plot - layout.takes(text)) for left, text in zip(lefts, texts, strict=True)]
    rows = packed([(left, left + layout.takes(text) + 8) for left, text in zip(lefts, texts, strict=True)], 3)
    deep = max((row or 0) for row in rows) + 1
    top = strip.row("", deep * (layout.font + 3) + 9)
    y = strip.height - 4
    for episode, left, text, row in zip(shown, lefts, texts, rows, strict=True):
        start_s, end_s = seconds(episode.onset), _end_s(episode, clock)
        strip.line(start_s, end_s, y, LIGHT["soft"])
        strip.line(start_s, start_s, y - 4, LIGHT["soft"], y + 4)
        if episode.resolved:
            strip.line(end_s, end_s, y - 4, LIGHT["soft"], y + 4)
        if row is not None:
            strip.word(left, top + layout.font + row * (layout.font + 3), text, LIGHT["soft"])


def _end_s(episode: Episode, clock: Clock) -> int:
    """When an episode ended, or the answer's moment while it is open."""
    return seconds(episode.resolved) if episode.resolved else clock.as_of_s


def _bracket(number: int, episode: Episode, several: bool) -> str:
    """An episode in words: "episode 2, peak 3"; a masked one says so."""
    name = "possible masked" if episode.masked else "episode"
    which = f"{name} {number}" if several else name
    return f"{which}, peak {words.grade(episode.peak.at_least, episode.peak.at_most)}"


def _unobserved(
    strip: Strip, answer: Answer, syndrome: str, height: tuple[float, float], clock: Clock, *, stands: bool
) -> None:
    """Stretches nobody charted: dotted over the band's whole height, with their hours; `stands`: one may last."""
    top, floor = height
    for gone in answer.unobserved:
        if gone.syndrome != syndrome:
            continue
        from_s, until_s = seconds(gone.start), seconds(gone.until)
        says = f"not observed, {clock.moment(from_s)} to {clock.moment(until_s)}"
        dots = f"url(#{strip.window.layout.name}-dots)"
        end_s = strip.window.standing(until_s) if stands else until_s
        strip.box(from_s, end_s, top, floor, dots, says, edge=LIGHT["rule"])
        length = words.span(gone.hours * words.HOUR_S)
        texts = [f"not observed for {length}", f"not observed {length}", "not observed", length]
        strip.fitting(from_s, until_s, floor - BASE - LEVEL * 2 + 4, texts, LIGHT["warn"], backed=True)
