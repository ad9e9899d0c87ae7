"""The page of one patient's risk scores, with the product's published base rates beside them: self-contained HTML."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from markupsafe import Markup, escape

from leeward.report import palette
from leeward.report.page import _style, _templates, page_name
from leeward.report.risk_in_words import CLOSING, by_use, clock, figure, made_of, met, named, reported, share
from leeward.risk.definitions import moments

_WIDTH, _HEIGHT = 220, 26
"""Of the strip on which a patient's place among others is drawn, in its own units."""


def write_page(answer: Mapping[str, Any], folder: Path) -> Path:
    """Writes one patient's page into a folder; returns its path."""
    folder.mkdir(parents=True, exist_ok=True)
    at = answer["at"].replace("day-", "day-minus-").replace("day+", "day-plus-")
    file = folder / page_name(f"{answer['patient']} risk {at}")
    file.write_text(page(answer), encoding="utf-8")
    return file


def page(answer: Mapping[str, Any]) -> str:
    """One patient's answer of `leeward risk --json` as a page. It holds no colour that stands for a level of risk."""
    sheet, allowed = _sheet()
    scores = [_shown(name, one) for name, one in by_use(answer["scores"])]
    return (
        _templates()
        .get_template("risk.html")
        .render(
            answer=answer,
            moment=moments()[answer["at"]],
            clock=clock,
            share=share,
            person=list(_person(answer)),
            used=[one for one in scores if one["applies"] is not False],
            unused=[one for one in scores if one["applies"] is False],
            rates=[_rate(row) for row in answer["base_rates"] if row["fits"] is not False],
            others=[_rate(row) for row in answer["base_rates"] if row["fits"] is False],
            sheet=sheet,
            allowed=allowed,
            closing=CLOSING,
        )
    )


def _sheet() -> tuple[Markup, str]:
    """The style sheet of every page with the few lines of this one, and the hash by which the policy allows it."""
    base, _ = _style()
    own = _templates().get_template("risk.css").render().strip()
    sheet = f"{base}\n{own}"
    digest = base64.b64encode(hashlib.sha256(sheet.encode()).digest()).decode()
    return Markup(sheet), f"sha256-{digest}"  # noqa: S704  our own style sheets, no value of a record in them


def _person(answer: Mapping[str, Any]) -> Iterator[str]:
    """Who this is about."""
    low, high = answer["age"]["at_least"], answer["age"]["at_most"]
    if low is not None and high is not None:
        yield f"{int(low)} years" if int(low) == int(high) else f"{int(low)} to {int(high)} years"
    else:
        yield "age not on record"
    yield str(answer["disease"] or "disease not on record").replace("-", " ")
    yield str(answer["infusion"]["product"] or "no therapy on record")


def _shown(name: str, one: Mapping[str, Any]) -> dict[str, Any]:
    """One score as the page tells it."""
    return {
        "formula": None,
        **one,
        "id": name,
        "figure": figure(one),
        "second": list(_second(one)),
        "strip": strip(one.get("percentile")),
        "cuts": [{**cut, "met": met(cut)} for cut in one.get("cuts", [])],
        "lacks": [named(name) for name in one["missing"]],
        "made_of": [made_of(row) for row in one.get("inputs", [])],
        "fared": [{"n": None, **row, "figure": reported(row).removesuffix("; ")} for row in one.get("performance", [])],
    }


_SECOND = {
    "high": "high",
    "cytokines": "cytokine limb",
    "spo2_fio2": "SpO2 over FiO2",
    "log2": "log2",
}
_YES_NO = {(0, 0): "no", (1, 1): "yes", (0, 1): "cannot tell"}


def _second(one: Mapping[str, Any]) -> Iterator[str]:
    """Second readings of a score, each in a few words."""
    for key, name in _SECOND.items():
        held = one.get(key)
        if not held or (held["at_least"] is None and held["at_most"] is None):
            continue
        ends = held["at_least"], held["at_most"]
        told = {"value": ends[0] if ends[0] == ends[1] else None, "at_least": ends[0], "at_most": ends[1]}
        if key in ("high", "cytokines"):
            yield f"{name}: {_YES_NO[int(ends[0]), int(ends[1])]}"
        else:
            yield f"{name} {figure(told)}"
    if one.get("baseline"):
        base = one["baseline"]
        yield f"own baseline {base['mean']:.2f} °C, limit {base['limit']:.2f} °C"
        yield f"alarms {one['alarms']['at_least']} to {one['alarms']['at_most']}, {one['alarms_per_day'] or 0:g} a day"
        if one["lead_hours"] is not None:
            yield f"first alarm {one['lead_hours']:g} h before 38.0 °C"


def strip(place: Mapping[str, Any] | None) -> Markup | None:
    """Where a patient stands among the others: a line from 0 to 100 with a mark, or a bar where it is a range."""
    if not place:
        return None
    low, high = place["at_least"], place["at_most"]
    ink, line, accent = palette.LIGHT["ink"], palette.LIGHT["rule"], palette.LIGHT["accent"]
    left, right = 4 + (_WIDTH - 8) * low / 100, 4 + (_WIDTH - 8) * high / 100
    label = f"percentile {low:g}" + (f" to {high:g}" if low != high else "") + f" of {place['of']} of your own patients"
    ticks = "".join(
        f'<rect x="{4 + (_WIDTH - 8) * at / 100 - 0.5:.1f}" y="8" width="1" height="10" fill="{line}"/>'
        for at in (0, 25, 50, 75, 100)
    )
    width = max(right - left, 4)
    mark = f'<rect x="{(left + right - width) / 2:.1f}" y="5" width="{width:.1f}" height="16" rx="2" fill="{accent}"/>'
    return Markup(  # noqa: S704  numbers of ours only, the words escaped
        f'<svg class="strip" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(label)}">'
        f'<rect x="4" y="12.5" width="{_WIDTH - 8}" height="1" fill="{ink}"/>{ticks}{mark}</svg>'
        f"<small>{escape(label)}</small>"
    )


def _rate(row: Mapping[str, Any]) -> dict[str, Any]:
    """One published population."""
    onset = row.get("onset") or {}
    unit = onset.get("unit") or ""
    parts = [f"median {onset['median']:g} {unit}"] if onset.get("median") is not None else []
    if onset.get("low") is not None and onset.get("high") is not None:
        parts.append(f"{onset['low']:g} to {onset['high']:g} {unit}")
    return {
        "scale": None,
        **row,
        "about": "; ".join(part for part in (row["indication"], row.get("given"), row.get("people")) if part),
        "any": share(row, "crs_any"),
        "severe": share(row, "crs_grade_3_or_more"),
        "neuro": share(row, "icans_grade_3_or_more"),
        "count": (row.get("n") or {}).get("count") or "not given",
        "onset_told": ", ".join(parts) or onset.get("text") or "not given",
        "said": {True: "fits", None: "may fit", False: "does not fit"}[row["fits"]],
    }
