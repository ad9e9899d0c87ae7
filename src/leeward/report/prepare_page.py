"""The page of one preparation: checklist, dates, what was tried side by side, when CRS begins: self-contained HTML."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from markupsafe import Markup, escape

from leeward.knowledge.therapies import Population, Spread
from leeward.plan.around import Arm
from leeward.plan.checklist import Checked
from leeward.plan.prepare import Preparation
from leeward.report import palette
from leeward.report import prepare_in_words as words
from leeward.report.page import _style, _templates

_DAYS = {"min": 1 / 1440, "h": 1 / 24, "d": 1.0, "wk": 7.0}
_WIDTH, _ROW, _LEFT = 640, 26, 250
"""Of the drawing of onsets, in its own units."""
_MARKS = {"done": "✓", "defers": "✕", "doubt": "?", "against": "✕", "partly": "◐", "old": "◷", "open": "○"}
_RATES = ("crs_any", "crs_grade_3_or_more", "icans_any", "icans_grade_3_or_more")


def page(one: Preparation) -> str:
    """One preparation as a page. Colour stands for nothing: each state is a word, with a mark beside it."""
    own, allowed = sheet()
    return (
        _templates()
        .get_template("prepare.html")
        .render(
            one=one, words=words, items=[_item(item) for item in one.checklist],
            studies=[_study(each) for each in one.prophylaxis], onsets=onsets(one.published),
            closing=words.CLOSING, sheet=own, allowed=allowed,
        )
    )  # fmt: skip


def sheet() -> tuple[Markup, str]:
    """The style sheet of every page with the few lines of those around a dose, and the hash that allows it."""
    base, _ = _style()
    own = _templates().get_template("prepare.css").render().strip()
    whole = f"{base}\n{own}"
    digest = base64.b64encode(hashlib.sha256(whole.encode()).digest()).decode()
    return Markup(whole), f"sha256-{digest}"  # noqa: S704  our own style sheets, no value of a record in them


def _item(item: Checked) -> dict[str, Any]:
    """One item as the page shows it."""
    return {
        "title": item.title, "told": item.told, "state": item.state, "mark": _MARKS[item.state],
        "because": [words.shown(found) for found in item.because], "missing": item.missing,
        "asks": [words.asks(line) for line in item.asks],
    }  # fmt: skip


def _study(one: Any) -> dict[str, Any]:
    """A study as a row: every rate with and without, side by side."""
    return {"one": one, "rates": [(_rate(one.with_, name), _rate(one.without, name)) for name in _RATES],
            "n": (_n(one.with_), _n(one.without))}  # fmt: skip


def _rate(arm: Arm | None, name: str) -> str:
    """A rate, or nothing where the side has none."""
    held = None if arm is None else getattr(arm, name)
    return words.share(held) if held is not None else "–"


def _n(arm: Arm | None) -> str:
    """How many patients, or nothing."""
    return words.counted(arm.n) if arm is not None and arm.n is not None else "–"


def onsets(rows: list[Population]) -> Markup:
    """When CRS began, a bar per publication from its earliest to its latest day, the median as a tick; not a curve.

    Only medians and ranges are published: nothing is drawn between them. Empty where there is none.
    """
    held = [(row, row.onset) for row in rows if row.onset is not None and _high(row.onset) is not None]
    if not held:
        return Markup("")
    most = max(_high(onset) or 0 for _, onset in held) or 1.0
    scale = (_WIDTH - _LEFT - 60) / most
    drawn = Markup("").join(_bar(place, row, onset, scale) for place, (row, onset) in enumerate(held))
    height = _ROW * len(held) + _ROW
    label = "Days from the dose to CRS by publication: median and range"
    axis = _text(_LEFT, height - 6, "0") + _text(_LEFT + most * scale - 30, height - 6, f"{most:g} days")
    return Markup('<svg class="onsets" viewBox="0 0 {} {}" role="img" aria-label="{}">{}{}</svg>').format(
        _WIDTH, height, label, drawn, axis
    )


def _high(one: Spread) -> float | None:
    """The latest day of an onset, else its median."""
    last = one.high if one.high is not None else one.median
    return None if last is None or one.unit is None else last * _DAYS[one.unit]


def _bar(place: int, row: Population, one: Spread, scale: float) -> Markup:
    """One publication's line."""
    y = place * _ROW + 16
    per = _DAYS[one.unit or "d"] * scale
    parts = [_text(0, y + 4, _short(row.indication))]
    if one.low is not None and one.high is not None:
        parts.append(
            Markup('<line x1="{}" x2="{}" y1="{}" y2="{}" stroke="{}" stroke-width="6"/>').format(
                round(_LEFT + one.low * per, 1), round(_LEFT + one.high * per, 1), y, y, palette.LIGHT["soft"]
            )
        )
    if one.median is not None:
        x = round(_LEFT + one.median * per, 1)
        parts.append(
            Markup('<line x1="{}" x2="{}" y1="{}" y2="{}" stroke="{}" stroke-width="3"/>').format(
                x, x, y - 8, y + 8, palette.LIGHT["ink"]
            )
        )
    return Markup("").join(parts)


def _short(text: str) -> str:
    """What fits beside a bar."""
    return text if len(text) <= 40 else f"{text[:39]}…"


def _text(x: float, y: float, said: str) -> Markup:
    """Words in the drawing."""
    return Markup('<text x="{}" y="{}" font-size="12" fill="{}">{}</text>').format(
        round(x, 1), y, palette.LIGHT["ink"], escape(said)
    )
