"""The chart's one definition, in Altair: what is drawn from which data set. Built once per layout, without data."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import altair as alt

from leeward.report.layout import NARROW, WIDE, Layout
from leeward.report.palette import LIGHT

CURVE = 120
"""Pixels of each curve's height."""
ROOF = 24
"""Pixels above a curve, for its title."""

Layer = alt.Chart


def _layer(name: str) -> Layer:
    """An empty layer over a named data set."""
    return alt.Chart(alt.NamedData(name=name))


def _x(layout: Layout) -> alt.X:
    """Pixels from the left end of the time axis."""
    return alt.X("x:Q", scale=alt.Scale(domain=[0, layout.plot], nice=False, zero=False), axis=None)


def _colour(field: str = "colour") -> Any:
    """A colour that stands in the data."""
    return alt.Color(f"{field}:N", scale=None, legend=None)


def _frame(layout: Layout) -> list[Layer]:
    """What rules every strip: the clock's ticks, the therapies, the answer's moment."""
    return [
        _layer("ticks").mark_rule(aria=False).encode(x=_x(layout), color=_colour()),
        _layer("moments").mark_rule(aria=False, strokeWidth=1.2).encode(x=_x(layout), color=_colour()),
    ]


def _side(layout: Layout) -> dict[str, Any]:
    """Where names of rows stand: above them from the left end, or beside them against the axis."""
    return {"align": "left", "x": -layout.left + 2} if layout.names_above else {"align": "right", "x": -8}


def _strip(name: str, layout: Layout) -> Any:
    """A strip of boxes, lines, marks and words at pixels from its top."""
    x, y = _x(layout), alt.Y("y:Q", scale=None, axis=None)
    text = alt.Text("text:N")
    words: dict[str, Any] = {"baseline": "alphabetic", "fontSize": layout.font, "aria": False}
    side: dict[str, Any] = {
        "align": "left" if layout.names_above else "right",
        "x": -layout.left + 2 if layout.names_above else -8,
    }
    box = _layer(f"{name}_boxes").mark_rect(strokeWidth=0.6)
    return alt.layer(
        *_frame(layout),
        box.encode(
            x=x,
            x2="x2:Q",
            y=y,
            y2="y2:Q",
            fill=alt.Fill("fill:N", scale=None, legend=None),
            stroke=alt.Stroke("edge:N", scale=None, legend=None),
            description="says:N",
        ),
        _layer(f"{name}_lines").mark_rule(aria=False).encode(x=x, x2="x2:Q", y=y, y2="y2:Q", color=_colour()),
        _layer(f"{name}_marks")
        .mark_point(shape="triangle-up", filled=True, size=62, opacity=1)
        .encode(x=x, y=y, color=_colour(), description="says:N"),
        _layer(f"{name}_words").mark_text(**words, align="left").encode(x=x, y=y, text=text, color=_colour()),
        _layer(f"{name}_centred").mark_text(**words, align="center").encode(x=x, y=y, text=text, color=_colour()),
        _layer(f"{name}_names").mark_text(**words, **side).encode(y=y, text=text, color=_colour()),
        _layer(f"{name}_titles").mark_text(**words, **side, fontWeight=600).encode(y=y, text=text, color=_colour()),
    ).properties(name=name, width=layout.plot, height=10)


def _value(name: str, field: str = "value") -> alt.Y:
    """A curve's value, on a scale whose ends are told with the data."""
    ends = [alt.ExprRef(f"{name}_low"), alt.ExprRef(f"{name}_high")]
    scale = alt.Scale(domain=ends, range=[CURVE - 10, ROOF], nice=False, zero=False)
    return alt.Y(f"{field}:Q", scale=scale, axis=None)


def _curve(name: str, title: str, layout: Layout, layers: list[Layer]) -> Any:
    """A curve under its title, over level lines with their numbers."""
    words: dict[str, Any] = {"baseline": "middle", "fontSize": layout.font, "aria": False}
    side = _side(layout)
    y, x = _value(name), _x(layout)
    levels = _layer(f"{name}_levels")
    return alt.layer(
        *_frame(layout),
        levels.mark_rule(aria=False, color=LIGHT["line"]).encode(y=y),
        levels.mark_text(**words, align="right", x=-8, color=LIGHT["soft"]).encode(y=y, text="text:N"),
        _layer("one").mark_text(**words, **side, y=11, fontWeight=600, color=LIGHT["soft"], text=title).encode(),
        *layers,
        _layer(f"{name}_words")
        .mark_text(**words, align="left", color=LIGHT["warn"], y=CURVE / 2)
        .encode(x=x, text="text:N"),
    ).properties(name=name, width=layout.plot, height=CURVE)


def _temperature(layout: Layout) -> Any:
    """Temperature as a line, broken where a value no longer stood, over the scale's own fever limit."""
    x, y, name = _x(layout), _value("temperature"), "temperature"
    fever = _layer("fever")
    words: dict[str, Any] = {"baseline": "bottom", "align": "left", "dy": -2, "fontSize": layout.font, "aria": False}
    return _curve(
        name,
        "temperature °C" if not layout.names_above else "temperature, °C",
        layout,
        [
            fever.mark_rule(aria=False, strokeDash=[5, 4], color=LIGHT["fever"]).encode(y=y),
            fever.mark_text(**words, color=LIGHT["fever"]).encode(x=x, y=y, text="text:N"),
            _layer(name)
            .mark_line(aria=False, strokeWidth=1.6, color=LIGHT["ink"], strokeJoin="round")
            .encode(x=x, y=y, detail="stretch:N"),
            _layer("temperature_days")
            .mark_rule(strokeWidth=1.6, color=LIGHT["ink"])
            .encode(x=x, x2="x2:Q", y=y, description="says:N"),
            _layer("temperature_points")
            .mark_point(filled=True, opacity=1, color=LIGHT["ink"])
            .encode(x=x, y=y, size=alt.Size("size:Q", scale=None, legend=None), description="says:N"),
        ],
    )


def _pressure(layout: Layout) -> Any:
    """Blood pressure as bars from diastolic to systolic; what was charted alone as a dash or a diamond."""
    x, y, name = _x(layout), _value("pressure"), "pressure"
    alone: dict[str, Any] = {"filled": True, "opacity": 1, "color": LIGHT["accent"]}
    return _curve(
        name,
        "pressure mmHg" if not layout.names_above else "blood pressure, mmHg",
        layout,
        [
            _layer("pressure_whiskers")
            .mark_rule(aria=False, color=LIGHT["accent-mid"])
            .encode(x=x, y=y, y2="value2:Q"),
            _layer("pressure_bars")
            .mark_rule(strokeCap="round", color=LIGHT["accent"])
            .encode(x=x, y=y, y2="value2:Q", size=alt.Size("size:Q", scale=None, legend=None), description="says:N"),
            _layer("pressure_systolic")
            .mark_point(shape="stroke", strokeWidth=2.4, size=70, **alone | {"filled": False})
            .encode(x=x, y=y, description="says:N"),
            _layer("pressure_mean")
            .mark_point(shape="diamond", size=26, **alone)
            .encode(x=x, y=y, description="says:N"),
        ],
    )


@cache
def _drawn(layout: Layout) -> str:
    """The definition as Vega-Lite, without data."""
    strips = [_strip("head", layout), _temperature(layout), _pressure(layout), _strip("lanes", layout)]
    ends = [alt.param(name=f"{name}_{end}", value=0) for name in ("temperature", "pressure") for end in ("low", "high")]
    chart = (
        alt.vconcat(*strips, spacing=0, bounds="flush")
        .add_params(*ends)
        .configure(background="transparent", autosize="none", padding=0, font="Inter, system-ui, sans-serif")
        .configure_view(stroke=None)
    )
    return json.dumps(chart.to_dict())


def definition(layout: Layout) -> dict[str, Any]:
    """A fresh copy of the chart's definition for a layout, to be given its data."""
    made: dict[str, Any] = json.loads(_drawn(layout))
    return made


def warm() -> None:
    """Build the definitions ahead of the first page."""
    for layout in (WIDE, NARROW):
        _drawn(layout)
