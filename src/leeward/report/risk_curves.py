"""Curves of a validation, drawn: calibration with tenths of patients and their spread, and decision curves."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import altair as alt
import vl_convert as vlc
from markupsafe import Markup

from leeward.report.palette import LIGHT

_SIZE = 380
_LINES = (LIGHT["accent"], LIGHT["ink"], LIGHT["soft"])


def calibration(found: Mapping[str, Any], name: str) -> Markup:
    """Observed against predicted: the smoothed curve, tenths of patients as points, the spread of predictions below."""
    curve, tenths = _data(found["calibration_curve"]), _data(found["tenths"])
    axes = {
        "x": alt.X("predicted:Q", title="predicted", scale=alt.Scale(domain=[0, 1])),
        "y": alt.Y("observed:Q", title="observed", scale=alt.Scale(domain=[0, 1])),
    }
    ideal = alt.Chart(_data([{"predicted": 0, "observed": 0}, {"predicted": 1, "observed": 1}]))
    upper = alt.layer(
        ideal.mark_line(color=LIGHT["rule"], strokeDash=[4, 4]).encode(**axes),
        alt.Chart(curve).mark_line(color=LIGHT["accent"], strokeWidth=2).encode(**axes),
        alt.Chart(tenths).mark_point(color=LIGHT["ink"], filled=True, size=40).encode(**axes),
    ).properties(width=_SIZE, height=_SIZE)
    bars = alt.Chart(_data(found["histogram"])).mark_bar(color=LIGHT["accent-mid"])
    lower = bars.encode(
        x=alt.X("from:Q", title=None, axis=None, scale=alt.Scale(domain=[0, 1])),
        x2="to:Q",
        y=alt.Y("patients:Q", title="rows", axis=alt.Axis(tickCount=2)),
        y2=alt.datum(0),
    ).properties(width=_SIZE, height=60)
    says = f"Calibration of {name}: observed share against predicted risk; the dashed line is perfect agreement"
    return _svg(alt.vconcat(upper, lower, spacing=6), says)


def decision(found: Mapping[str, Mapping[str, Any]]) -> Markup:
    """Net benefit of each prediction, of treating all and of treating none, over the threshold."""
    rows: list[dict[str, Any]] = []
    for name, one in found.items():
        rows += [
            {"threshold": at["threshold"], "benefit": at["net_benefit"], "of": name} for at in one["decision_curve"]
        ]
    first = next(iter(found.values()))["decision_curve"]
    rows += [{"threshold": at["threshold"], "benefit": at["treat_all"], "of": "treat all"} for at in first]
    rows += [{"threshold": at["threshold"], "benefit": 0.0, "of": "treat none"} for at in first]
    names = list(dict.fromkeys(row["of"] for row in rows))
    drawn = alt.Chart(_data(rows)).mark_line(strokeWidth=2)
    made = drawn.encode(
        x=alt.X("threshold:Q", title="threshold probability", scale=alt.Scale(zero=False, nice=False)),
        y=alt.Y("benefit:Q", title="net benefit"),
        color=alt.Color("of:N", title=None, sort=names, scale=alt.Scale(domain=names, range=_colours(len(names)))),
        strokeDash=alt.StrokeDash("of:N", title=None, sort=names, scale=alt.Scale(domain=names)),
    ).properties(width=_SIZE, height=_SIZE - 80)
    return _svg(made, "Decision curves: net benefit over the threshold, with treating all and treating none")


def _colours(count: int) -> list[str]:
    """As many colours as lines; dashes tell them apart as well."""
    return [_LINES[place % len(_LINES)] for place in range(count)]


def _data(rows: Sequence[Mapping[str, Any]]) -> Any:
    return alt.InlineData(values=[dict(row) for row in rows])


def _svg(made: Any, says: str) -> Markup:
    """A drawing as an SVG element that loads nothing, described for those who do not see it."""
    font = {"labelFontSize": 12, "titleFontSize": 12, "labelColor": LIGHT["soft"], "titleColor": LIGHT["soft"]}
    lines = {"gridColor": LIGHT["line"], "domainColor": LIGHT["rule"], "tickColor": LIGHT["rule"]}
    styled = made.configure(background=LIGHT["panel"], font="sans-serif").configure_axis(**font, **lines)
    drawn: str = vlc.vegalite_to_svg(styled.configure_view(stroke=None).to_dict())
    box = re.search(r'viewBox="([^"]+)"', drawn)
    inner = drawn[drawn.index(">") + 1 : drawn.rindex("</svg>")]
    inner = re.sub(r' (?:style|aria-[a-z]+|role)="[^"]*"', "", inner)
    return Markup(  # noqa: S704  the renderer escapes each text it draws
        f'<svg class="curve" viewBox="{box[1] if box else "0 0 500 500"}" role="img" aria-label="{escape(says)}">'
        f"{inner}</svg>"
    )
