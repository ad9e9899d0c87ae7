"""The course as one drawing on one time axis: the chart's definition filled with a patient's data, as SVG."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape
from typing import Any, NamedTuple

import vl_convert as vlc

from leeward.report import drugs, grades, lanes, oxygen, words
from leeward.report.answer import Answer
from leeward.report.clock import Clock, seconds
from leeward.report.definition import CURVE, definition
from leeward.report.layout import Layout, Window
from leeward.report.layout import window as window_of
from leeward.report.marks import Datum, Strip
from leeward.report.palette import LIGHT
from leeward.report.sourced import fever_celsius
from leeward.report.tracks import Bar, Row, Tracks, bundled, stretches, thinned

TEMPERATURE = (36.0, 40.0)
PRESSURE = (40.0, 140.0)
"""What each curve always shows; it grows with the values, and never cuts one off."""


class View(NamedTuple):
    """What of a course is drawn: all (None), or a stretch in seconds; `link`: the address of a moment's findings."""

    stretch: tuple[int, int] | None = None
    link: Callable[[int], str] | None = None


WHOLE = View()


def svg(
    answer: Answer, tracks: Tracks, clock: Clock, layout: Layout, says: str, view: View = WHOLE
) -> str:  # fmt: skip
    """The drawing as an SVG element without outside references; `says` describes it for those who do not see it."""
    window = window_of(answer, tracks, clock, layout, view.stretch)
    head = lanes.head(window, answer, clock)
    below = Strip(window)
    drugs.infusions(below, tracks, clock)
    below.gap(6)
    oxygen.draw(below, tracks, clock)
    drugs.given(below, tracks, clock)
    lanes.neurology(below, tracks, clock)
    lanes.labs(below, tracks)
    lanes.marks(below, tracks, clock)
    for syndrome in answer.syndromes:
        grades.draw(below, answer, syndrome, tracks, clock)
    ticks = lanes.axis(below, clock)
    filled = definition(layout)
    filled["datasets"] = {
        **head.data("head"),
        **below.data("lanes"),
        "ticks": ticks,
        "one": [{}],
        "moments": _moments(window, answer, clock),
        **_temperature(window, answer, tracks, clock),
        **_pressure(window, tracks, clock),
    }
    _size(filled, {"head": head.height, "lanes": below.height})
    drawn: str = vlc.vegalite_to_svg(filled)
    addresses = _addresses(tracks, clock, below, view)
    return _tidy(drawn, window, head.height + 2 * CURVE + below.height, says, addresses)


def _size(filled: dict[str, Any], heights: dict[str, float]) -> None:
    """Give strips their height and curves the ends of their scales."""
    for strip in filled["vconcat"]:
        strip["height"] = heights.get(strip["name"], strip["height"])
    data = filled["datasets"]
    for param in filled["params"]:
        name, end = param["name"].split("_")
        param["value"] = data.pop(f"{name}_ends")[end] if end == "high" else data[f"{name}_ends"][end]


def _moments(window: Window, answer: Answer, clock: Clock) -> list[Datum]:
    """Upright lines through the whole drawing: each therapy, and the answer's moment."""
    held = [(seconds(trigger.at), LIGHT["accent"]) for trigger in answer.triggers] + [(clock.as_of_s, LIGHT["ink"])]
    return [{"x": window.pixels(at_s), "colour": colour} for at_s, colour in held if window.shows(at_s)]


def _levels(low: float, high: float, step: float) -> list[Datum]:
    """Level lines of a curve with their numbers."""
    first = -(-low // step)
    count = int((high - first * step) // step) + 1
    return [{"value": (first + place) * step, "text": words.number((first + place) * step)} for place in range(count)]


def _ends(usual: tuple[float, float], values: list[float]) -> dict[str, float]:
    """Ends of a curve's scale: the usual ones, moved outwards where a value lies beyond."""
    return {"low": min([usual[0], *values]), "high": max([usual[1], *values])}


def _temperature(window: Window, answer: Answer, tracks: Tracks, clock: Clock) -> dict[str, Any]:
    """Data of the temperature curve."""
    shown = [row for row in tracks.temperature if window.shows(row.at_s)]
    crowded = len(shown) > window.layout.plot / 4
    scales = [episode.scale for episode in answer.episodes_of("crs") if episode.scale] or ["astct-2019"]
    fever = fever_celsius(scales[0])
    ends = _ends(TEMPERATURE, [row.value or 0 for row in shown] + ([fever] if fever else []))
    joined = stretches(shown, lambda at_s: tracks.stands_s("body-temperature", at_s))
    lines, points = [], []
    for place, stretch in enumerate(joined):
        drawn = thinned(stretch, window.moment(1.5) - window.from_s) if crowded else stretch
        lines += [_at(window, row.at_s, row.value, stretch=place) for row in drawn]
        if not crowded or len(stretch) == 1:
            points += stretch
    return {
        "temperature": lines,
        "temperature_points": [
            _at(window, row.at_s, row.value, size=22 if len(points) < 80 else 12, says=_told(row, clock))
            for row in points
        ],
        "temperature_days": [
            _at(window, row.at_s, row.value, x2=window.pixels(row.until_s), says=_told(row, clock))
            for row in shown
            if row.until_s
        ],
        "temperature_levels": _levels(ends["low"], ends["high"], 1 if ends["high"] - ends["low"] < 7 else 2),
        "temperature_words": [] if shown else [{"x": 4, "text": "not charted"}],
        "temperature_ends": ends,
        "fever": [_fever(window, shown, clock, fever)] if fever else [],
    }


def _fever(window: Window, shown: list[Row], clock: Clock, fever: float) -> Datum:
    """The scale's fever limit, its words where the curve leaves room for them."""
    text = f"fever from {words.number(fever, 1)}"
    wide = window.layout.takes(text)
    near = [window.pixels(row.at_s) for row in shown if -0.3 < (row.value or 0) - fever < 1]
    near += [window.pixels(clock.trigger_s)] if clock.trigger_s is not None else []
    places = [
        place
        for place in range(4, round(window.layout.plot - wide), 12)
        if all(not place - 14 < left < place + wide + 14 for left in near)
    ]
    return {"value": fever, "text": text, "x": places[0] if places else 4}


def _at(window: Window, at_s: float, value: float | None, **more: object) -> Datum:
    """A value at its moment."""
    return {"x": window.pixels(at_s), "value": value, **more}


def _told(row: Row, clock: Clock) -> str:
    """A finding with its unit and time."""
    told = words.measure(words.between(row.quantity, row.low, row.high), words.unit_of(row.quantity))
    return f"{told}, {clock.moment(row.at_s)}"


def _pressure(window: Window, tracks: Tracks, clock: Clock) -> dict[str, Any]:
    """Data of the blood pressure bars; where they crowd, several share one bar that tops at their lowest systolic."""
    shown = [bar for bar in tracks.pressure if window.shows(bar.at_s)]
    room = window.layout.plot / 4
    if len(shown) > room:
        shown = bundled(shown, (window.until_s - window.from_s) / room)
    both = [bar for bar in shown if bar.systolic is not None and bar.diastolic is not None]
    values = [value for bar in shown for value in bar[1:] if value is not None]
    ends = _ends(PRESSURE, values)
    size = 3 if len(both) < room / 2 else 2
    return {
        "pressure_bars": [
            _at(window, bar.at_s, bar.systolic, value2=bar.diastolic, size=size, says=_pair(bar, clock)) for bar in both
        ],
        "pressure_whiskers": [
            _at(window, bar.at_s, bar.highest, value2=bar.systolic)
            for bar in both
            if bar.highest is not None and bar.highest != bar.systolic
        ],
        "pressure_systolic": [
            _at(window, bar.at_s, bar.systolic, says=_pair(bar, clock))
            for bar in shown
            if bar.systolic is not None and bar.diastolic is None
        ],
        "pressure_mean": [
            _at(window, bar.at_s, bar.mean, says=_pair(bar, clock))
            for bar in shown
            if bar.mean is not None and bar.systolic is None
        ],
        "pressure_levels": _levels(ends["low"], ends["high"], 30 if ends["high"] - ends["low"] <= 150 else 50),
        "pressure_words": [] if shown else [{"x": 4, "text": "not charted"}],
        "pressure_ends": ends,
    }


def _pair(bar: Bar, clock: Clock) -> str:
    """A blood pressure as it is spoken: "94/52 mmHg, 12 Mar 10:00"."""
    systolic, diastolic = (words.number(value) if value is not None else "–" for value in bar[1:3])
    told = f"{systolic}/{diastolic}" if bar.systolic is not None or bar.diastolic is not None else ""
    mean = f"mean {words.number(bar.mean)}" if bar.mean is not None else ""
    return f"{' '.join(filter(None, [told, mean]))} mmHg, {clock.moment(bar.at_s)}"


_NOISE = re.compile(r' (?:aria-hidden|aria-roledescription|role|pointer-events|class|font-family)="[^"]*"| opacity="1"')
_DIGITS = re.compile(r"(\.\d)\d+(?=[^<>]*>)")
_EMPTY = re.compile(
    r'<path d="M0(?:\.5)?,0(?:\.5)?h[-\d.]+v[-\d.]+h[-\d.]+Z"(?: display="none")?/>|<path d="" display="none"/>|<g></g>'
)
_UNLINKED = re.compile(r'(<(?:path|line|g|text|rect)(?: [\w:-]+="[^"]*")*?) aria-label="[^"]*"')
_LABEL = re.compile(r'<(path|line)((?: (?!aria-label)[\w-]+="[^"]*")*) aria-label="([^"]*)"((?: [\w-]+="[^"]*")*)/>')


def _addresses(tracks: Tracks, clock: Clock, below: Strip, view: View) -> dict[str, str]:
    """Where each mark leads, by what it says."""
    if view.link is None:
        return {}
    told = {_told(row, clock): row.at_s for row in tracks.temperature}
    told |= {_pair(bar, clock): bar.at_s for bar in tracks.pressure}
    told |= below.told
    return {escape(says): view.link(at_s) for says, at_s in told.items()}


def _labelled(found: re.Match[str], layout: Layout, addresses: dict[str, str]) -> str:
    """A mark with what it says as its tooltip (where there is a pointer to rest on it), leading to its findings."""
    name, before, says, after = found.groups()
    told = "/>" if layout.names_above else f"><title>{says}</title></{name}>"
    made, address = f"<{name}{before}{after}{told}", addresses.get(says)
    return f'<a href="{escape(address)}" aria-label="{says}" tabindex="-1">{made}</a>' if address else made


def _tidy(drawn: str, window: Window, height: float, says: str, addresses: dict[str, str]) -> str:
    """One element for one page: its own patterns and description, spoken labels as tooltips, nothing unused."""
    layout = window.layout
    inner = drawn[drawn.index(">") + 1 : drawn.rindex("</svg>")]
    inner = _DIGITS.sub(r"\1", _NOISE.sub("", inner))
    for _ in range(4):
        inner = _EMPTY.sub("", inner)
    inner = _LABEL.sub(lambda found: _labelled(found, layout, addresses), inner)
    inner = _UNLINKED.sub(r"\1", inner)
    name = layout.name
    role = "group" if addresses else "img"
    axis = " ".join(
        f'data-{key}="{value:.0f}"'
        for key, value in (("from", window.from_s), ("until", window.until_s), ("left", layout.left),
                           ("plot", layout.plot))
    )  # fmt: skip
    return (
        f'<svg class="{name}" viewBox="0 0 {layout.width} {round(height)}" role="{role}" {axis} '
        f'aria-labelledby="{name}-title {name}-says"><title id="{name}-title">Course on one time axis</title>'
        f'<desc id="{name}-says">{escape(says)}</desc><defs>{_patterns(name)}</defs>'
        f'<g transform="translate({layout.left},0)">{inner}</g></svg>'
    )


def _patterns(name: str) -> str:
    """Hatching per grade, dots for what was not observed, thin hatching for an infusion without an end."""
    paper = f'<rect width="8" height="8" fill="{LIGHT["panel"]}"/>'
    turned = 'patternUnits="userSpaceOnUse" patternTransform="rotate(45)"'
    made = [
        f'<pattern id="{name}-hatch-{grade}" width="8" height="8" {turned}>{paper}'
        f'<rect width="2.6" height="8" fill="{LIGHT[f"grade-{grade}"]}"/></pattern>'
        for grade in range(1, 6)
    ]
    dots = f'<circle cx="2" cy="2" r="1" fill="{LIGHT["soft"]}"/>'
    made.append(f'<pattern id="{name}-dots" width="7" height="7" patternUnits="userSpaceOnUse">{paper}{dots}</pattern>')
    thin = f'{paper}<rect width="1.5" height="8" fill="{LIGHT["accent-mid"]}"/>'
    made.append(f'<pattern id="{name}-endless" width="6" height="8" {turned}>{thin}</pattern>')
    return "".join(made)
