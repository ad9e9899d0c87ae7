"""The strips of drugs: infusions as bars with their rates, doses as marks."""

from __future__ import annotations

from leeward.report import words
from leeward.report.clock import Clock
from leeward.report.layout import Window
from leeward.report.marks import ROW, Strip
from leeward.report.palette import LIGHT
from leeward.report.tracks import Rate, Row, Tracks, stepped


def infusions(strip: Strip, tracks: Tracks, clock: Clock) -> None:
    """A row per drug: pale while it ran, filled to its rate, hatched where no end was charted."""
    window = strip.window
    shown = [rate for rate in tracks.rates if window.cut(rate.from_s, rate.until_s)]
    for drug in dict.fromkeys(rate.drug for rate in shown):
        rates = [rate for rate in shown if rate.drug == drug]
        top = strip.row(words.quantity(drug).name, ROW)
        most = max((rate.high or 0 for rate in rates), default=0) or 1.0
        for rate in stepped(rates, window.moment(2) - window.from_s):
            _rate(strip, rate, top, most, clock)
        runs = _runs(rates)
        for place, run in enumerate(runs):
            lows = [rate.low for rate in run if rate.low is not None]
            highs = [rate.high for rate in run if rate.high is not None]
            told = (
                words.measure(words.between(drug, min(lows), max(highs)), words.unit_of(drug)) if lows and highs else ""
            )
            _name_run(strip, run, runs[place + 1 :], top + ROW - 5, told or "rate not known")
        strip.gap(3)


def _name_run(strip: Strip, run: list[Rate], later: list[list[Rate]], y: float, told: str) -> None:
    """The rates of one run: inside it, else behind it where nothing follows, else the figure alone."""
    window = strip.window
    sure_s = window.standing(max(rate.sure_until_s for rate in run))
    if strip.fitting(run[0].from_s, sure_s, y, [told], LIGHT["on-accent"]):
        return
    behind = window.pixels(window.standing(run[-1].until_s)) + 5
    limit = window.pixels(later[0][0].from_s) if later else window.layout.plot + window.layout.right
    if window.shows(run[-1].until_s) and behind + window.layout.takes(told) <= limit:
        strip.word(behind, y, told)
    elif told[0].isdigit():
        strip.fitting(run[0].from_s, sure_s, y, [told.split(" ", maxsplit=1)[0]], LIGHT["on-accent"])


def _rate(strip: Strip, rate: Rate, top: float, most: float, clock: Clock) -> None:
    """One infusion at one rate."""
    floor = top + ROW - 1
    name = words.quantity(rate.drug).name
    told = words.measure(words.between(rate.drug, rate.low, rate.high), words.unit_of(rate.drug)) or "rate not known"
    says = f"{name} {told}, {clock.moment(rate.from_s)} to {clock.moment(rate.until_s)}"
    sure_s, until_s = (strip.window.standing(end_s) for end_s in (rate.sure_until_s, rate.until_s))
    strip.box(rate.from_s, sure_s, top + 1, floor, LIGHT["accent-pale"], says)
    if rate.high:
        strip.box(rate.from_s, sure_s, floor - (ROW - 2) * rate.high / most, floor, LIGHT["accent-mid"], says)
    if until_s > sure_s:
        hatch = f"url(#{strip.window.layout.name}-endless)"
        strip.box(sure_s, until_s, top + 1, floor, hatch, f"{name}: no end charted", LIGHT["accent-mid"])
        strip.fitting(sure_s, until_s, top + ROW - 6, ["no end charted", "no end"], LIGHT["warn"], backed=True)


def _runs(rates: list[Rate]) -> list[list[Rate]]:
    """Rates that follow each other without a pause."""
    runs: list[list[Rate]] = []
    for rate in rates:
        if runs and rate.from_s <= max(held.until_s for held in runs[-1]):
            runs[-1].append(rate)
        else:
            runs.append([rate])
    return runs


def given(strip: Strip, tracks: Tracks, clock: Clock) -> None:
    """A row per drug: a mark per dose, the dose beside it where there is room before the next."""
    shown = [row for row in tracks.given if strip.window.shows(row.at_s)]
    for drug in dict.fromkeys(row.quantity for row in shown):
        doses = [row for row in shown if row.quantity == drug]
        told = _told(strip.window, doses)
        name = words.quantity(drug).name
        same = {dose(row) for row in doses}
        with_dose = f"{name} {next(iter(same))}"
        named = not told and len(same) == 1 and strip.window.layout.names(with_dose)
        top = strip.row(with_dose if named else name, ROW - 1)
        _doses(strip, doses, told, top + ROW / 2, clock)
    if not shown:
        strip.row("drugs given", ROW)
        strip.word(4, strip.height - 5, "none of those listed on record", LIGHT["soft"])
    strip.gap(6)


def dose(row: Row) -> str:
    """A dose with its unit."""
    return words.measure(words.between(row.quantity, row.low, row.high), words.unit_of(row.quantity)) or "dose ?"


def _told(window: Window, doses: list[Row]) -> set[int]:
    """Which doses have room for their figure before the next; one that repeats is told once."""
    marks = [window.pixels(row.at_s) for row in doses] + [window.layout.plot + window.layout.right + 6]
    made: set[int] = set()
    last = ""
    for place, row in enumerate(doses):
        text = dose(row)
        if text != last and marks[place] + 8 + window.layout.takes(text) <= marks[place + 1] - 6:
            made.add(place)
            last = text
    return made


def _doses(strip: Strip, doses: list[Row], told: set[int], y: float, clock: Clock) -> None:
    """The doses of one drug: triangles, or small lines where they crowd; one known by its day lies over that day."""
    window = strip.window
    crowded = len(doses) > 1 and (window.pixels(doses[-1].at_s) - window.pixels(doses[0].at_s)) / (len(doses) - 1) < 9
    for place, row in enumerate(doses):
        day = f", some time until {clock.moment(row.until_s)}" if row.until_s and row.until_s > row.at_s else ""
        left = window.pixels(row.at_s)
        if day:
            strip.line(row.at_s, row.until_s or row.at_s, y + 6, LIGHT["ink"])
        if crowded:
            strip.upright(left, y - 4, y + 5, LIGHT["ink"])
        else:
            strip.mark(
                row.at_s,
                y,
                LIGHT["ink"],
                f"{words.quantity(row.quantity).name} {dose(row)}, {clock.moment(row.at_s)}{day}",
            )
        if place in told:
            strip.word(left + 8, y + 4, dose(row))
