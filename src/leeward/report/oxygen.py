"""The strip of oxygen support: bands that grow with the kind of support, named inside or above."""

from __future__ import annotations

from leeward.report import words
from leeward.report.clock import Clock
from leeward.report.layout import packed
from leeward.report.marks import Strip
from leeward.report.palette import LIGHT
from leeward.report.tracks import Band, Tracks, spoken

APART = 40
"""After a gap of so many pixels a device is named again."""
STEP = 4
"""Pixels by which a band grows from one kind of support to the next."""


def draw(strip: Strip, tracks: Tracks, clock: Clock) -> None:
    """Oxygen support as bands that grow with the kind of support; uncharted stretches stay empty and say so."""
    layout, window = strip.window.layout, strip.window
    shown = [band for band in tracks.oxygen if window.cut(band.from_s, band.until_s)]
    shown = spoken(shown, window.moment(12) - window.from_s)
    outside = _labels_above(strip, shown)
    above = (max((row for _, row, _ in outside), default=-1) + 1) * (layout.font + 3)
    height = STEP * 4 + layout.font
    floor = strip.row("oxygen", above + height, title=True, baseline=above + height - 4) + above + height
    strip.line(window.from_s, window.until_s, floor, LIGHT["rule"])
    for left, row, text in outside:
        y = floor - height - row * (layout.font + 3) - 4
        strip.word(left + 3, y, text)
        strip.upright(left + 0.5, y - layout.font + 3, floor, LIGHT["rule"])
    for band in shown:
        _band(strip, band, floor, clock)
    if not shown:
        strip.word(4, floor - 5, "not charted", LIGHT["warn"])
    strip.gap(6)


def _labels_above(strip: Strip, bands: list[Band]) -> list[tuple[float, int, str]]:
    """Names of bands too short to hold their own, once per device: left end, row above the bands, text."""
    window = strip.window
    found: list[tuple[float, str]] = []
    told = None
    for band in bands:
        cut = window.cut(band.from_s, window.standing(band.until_s))
        short = words.device(band.device).short
        if band.device is None or cut is None:
            told = None if window.pixels(band.until_s) - window.pixels(band.from_s) > APART else told
        elif any(strip.fits(*cut, text) for text in _supports(band)):
            told = band.device
        elif band.device != told:
            found.append((window.pixels(cut[0]), short))
            told = band.device
    found = [(min(left, window.layout.plot - window.layout.takes(text)), text) for left, text in found]
    rows = packed([(left, left + window.layout.takes(text) + 8) for left, text in found], 3)
    return [(left, row, text) for (left, text), row in zip(found, rows, strict=True) if row is not None]


def _supports(band: Band) -> list[str]:
    """A band's words from the fullest to the shortest that still name the device."""
    return [support(band), support(band, short=True), words.device(band.device).short]


def _band(strip: Strip, band: Band, floor: float, clock: Clock) -> None:
    """One stretch of one device and flow."""
    when = f"{clock.moment(band.from_s)} to {clock.moment(band.until_s)}"
    if band.device is None:
        strip.box(
            band.from_s,
            strip.window.standing(band.until_s),
            floor - 10,
            floor,
            f"url(#{strip.window.layout.name}-dots)",
            f"oxygen not charted, {when}",
            LIGHT["rule"],
        )
        strip.fitting(band.from_s, band.until_s, floor - 13, ["not charted"], LIGHT["warn"])
        return
    device = words.device(band.device)
    until_s = strip.window.standing(band.until_s)
    strip.box(
        band.from_s,
        until_s,
        floor - strip.window.layout.font - STEP * device.step,
        floor,
        LIGHT[f"oxygen-{device.step}"],
        f"{support(band)}, {when}",
        LIGHT["panel"],
    )
    colour = LIGHT["on-oxygen-high" if device.step > 2 else "on-oxygen-low"]
    flow = words.measure(words.between("oxygen-flow", *band.flow), "L") if band.flow else ""
    strip.fitting(band.from_s, until_s, floor - 4, [*_supports(band), flow], colour)


def support(band: Band, *, short: bool = False) -> str:
    """Oxygen support in words: "nasal cannula 2 L/min", short "cannula 2 L"."""
    device = words.device(band.device)
    parts = [device.short if short else device.name]
    if band.flow and band.device != "room-air":
        parts.append(words.measure(words.between("oxygen-flow", *band.flow), "L" if short else "L/min"))
    if band.fio2 is not None and band.device != "room-air":
        parts.append(f"FiO2 {words.between('fio2', *band.fio2)}")
    return " ".join(filter(None, parts))
