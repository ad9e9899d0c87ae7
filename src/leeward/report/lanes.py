"""The strips of therapies, neurology, a clinician's marks, and the two time axes."""

from __future__ import annotations

from itertools import groupby

from leeward.report import words
from leeward.report.answer import Answer
from leeward.report.clock import Clock, seconds
from leeward.report.layout import Window, clock_ticks, packed, since_ticks
from leeward.report.marks import ROW, Strip
from leeward.report.palette import LIGHT
from leeward.report.tracks import Row, Tracks
from leeward.report.words import DAY_S, HOUR_S
from leeward.timeline.exposures import ASSUMED


def head(window: Window, answer: Answer, clock: Clock) -> Strip:
    """Above the curves: the therapies by name, the answer's moment, and the time since the first therapy."""
    strip = Strip(window)
    layout = window.layout
    named = [(seconds(trigger.at), _therapy(place, answer)) for place, trigger in enumerate(answer.triggers)]
    named = [(at_s, layout.clip(text)) for at_s, text in named if window.shows(at_s)]
    if window.shows(clock.as_of_s):
        named.append((clock.as_of_s, f"as of {clock.time(clock.as_of_s)}"))
    lefts = []
    for at_s, text in named:
        place, room = window.pixels(at_s) + 5, layout.takes(text)
        lefts.append(place if place + room <= layout.plot + layout.right else place - room - 6)
    rows = packed([(left, left + layout.takes(text) + 6) for left, (_, text) in zip(lefts, named, strict=True)], 4)
    line = layout.font + 4
    for left, row, (_, text) in zip(lefts, rows, named, strict=True):
        strip.word(left, (row or 0) * line + layout.font, text if row is not None else "…", LIGHT["ink"])
    strip.gap((max((row or 0 for row in rows), default=0) + 1) * line + 2)
    if clock.trigger_s is not None:
        _since(strip, clock.trigger_s)
    return strip


def _therapy(place: int, answer: Answer) -> str:
    """A therapy's name, numbered where there are several."""
    trigger = answer.triggers[place]
    name = "assumed therapy" if trigger.name == ASSUMED else trigger.name
    return f"{place + 1}. {name}" if len(answer.triggers) > 1 else name


def _since(strip: Strip, trigger_s: int) -> None:
    """The ruler of time since the first therapy: days, and hours between them where there is room."""
    window, font = strip.window, strip.window.layout.font
    step_s = window.step_s(window.layout.takes("day 10") + 10)
    top = strip.row("since therapy", font + 9, baseline=font)
    ends = -1e9
    for at_s in since_ticks(window, trigger_s, step_s):
        text = since_label(at_s - trigger_s)
        strip.line(at_s, at_s, top + font + 4, LIGHT["soft"], top + font + 9)
        place, half = window.pixels(at_s), window.layout.takes(text) / 2
        if place - half > ends:
            strip.centre(at_s, top + font, text)
            ends = place + half + 4
    strip.line(window.from_s, window.until_s, top + font + 9, LIGHT["rule"])


def since_label(gone_s: int) -> str:
    """Whole days as "day 2", what lies between them as "+6 h" or "+0.5 h"."""
    if gone_s % DAY_S == 0:
        return f"day {gone_s // DAY_S}".replace("-", "−")
    rest_s = gone_s % DAY_S if gone_s > 0 else gone_s
    sign = "+" if rest_s > 0 else "−"
    if rest_s % HOUR_S == 0:
        return f"{sign}{abs(rest_s) // HOUR_S} h"
    return f"{sign}{abs(rest_s) / HOUR_S:.2g} h"


def neurology(strip: Strip, tracks: Tracks, clock: Clock) -> None:
    """Scores as numerals at their times, the lowest first where they crowd; other signs in words."""
    shown = [row for row in tracks.neurology if strip.window.shows(row.at_s)]
    for name in ("ice-score", "capd-score"):
        scores = [row for row in shown if row.quantity == name and row.value is not None]
        if scores:
            _scores(strip, scores, lowest_first=name == "ice-score")
    signs = [row for row in shown if row.quantity not in ("ice-score", "capd-score")]
    texts = [_sign(row) for row in signs]
    changed = [
        place
        for place, row in enumerate(signs)
        if texts[place]
        not in [texts[earlier] for earlier in range(place) if signs[earlier].quantity == row.quantity][-1:]
    ]
    _labelled(strip, "neurology", [(signs[place], texts[place]) for place in changed], clock)


def _scores(strip: Strip, scores: list[Row], *, lowest_first: bool, unit: bool = False) -> None:
    """One row of numerals; a score without room for its numeral keeps a small line."""
    name, printed = words.quantity(scores[0].quantity).name, words.unit_of(scores[0].quantity)
    full = f"{name}, {printed}" if unit and printed else name
    top = strip.row(full if strip.window.layout.names(full) else name, ROW - 2)
    taken: list[tuple[float, float]] = []
    for row in sorted(scores, key=lambda row: (row.value or 0) * (1 if lowest_first else -1)):
        text = words.between(row.quantity, row.low, row.high)
        place, half = strip.window.pixels(row.at_s), strip.window.layout.takes(text) / 2
        if all(right <= place - half - 5 or left >= place + half + 5 for left, right in taken):
            taken.append((place - half, place + half))
            strip.centre(row.at_s, top + ROW - 6, text, LIGHT["ink"])
        else:
            strip.line(row.at_s, row.at_s, top + 5, LIGHT["soft"], top + ROW - 8)


def _sign(row: Row) -> str:
    """A neurological sign in words: "consciousness: voice"."""
    told = row.text or words.between(row.quantity, row.low, row.high)
    return f"{words.quantity(row.quantity).name}: {told}"


def labs(strip: Strip, tracks: Tracks) -> None:
    """The laboratory values that speak of CRS and what looks like it, a row of numerals each."""
    for name in words.words().groups.labs:
        rows = [row for row in tracks.rows if row.quantity == name and row.value is not None]
        if any(strip.window.shows(row.at_s) for row in rows):
            _scores(strip, [row for row in rows if strip.window.shows(row.at_s)], lowest_first=False, unit=True)


def marks(strip: Strip, tracks: Tracks, clock: Clock) -> None:
    """What a clinician marked: signs that have another cause, death, and the grades that stand in the record."""
    causes = [(row, (row.text or "").replace("=", ": ", 1)) for row in tracks.marks if row.quantity == "attribution"]
    _labelled(strip, "other cause", causes, clock)
    deaths = [(row, f"cause: {row.text or 'unstated'}") for row in tracks.marks if row.quantity == "death"]
    _labelled(strip, "death", deaths, clock)
    for name in ("documented-crs-grade", "documented-icans-grade"):
        scores = [row for row in tracks.marks if row.quantity == name and strip.window.shows(row.at_s)]
        if scores:
            _scores(strip, scores, lowest_first=False)


def _labelled(strip: Strip, name: str, labelled: list[tuple[Row, str]], clock: Clock) -> None:
    """Rows with words beside their marks, in as many rows as they need (three at most)."""
    window, layout = strip.window, strip.window.layout
    shown = [(row, layout.clip(text)) for row, text in labelled if window.cut(row.at_s, row.until_s or row.at_s)]
    if not shown:
        return
    room = [layout.takes(text) for _, text in shown]
    marks = [max(0.0, window.pixels(row.at_s)) for row, _ in shown]
    lefts = [
        mark + 8 if mark + 8 + wide <= layout.plot + layout.right else mark - 8 - wide
        for mark, wide in zip(marks, room, strict=True)
    ]
    places = [
        (min(mark - 6, left), max(mark, left + wide) + 10) for mark, left, wide in zip(marks, lefts, room, strict=True)
    ]
    rows = packed(places, 3)
    top = strip.row(name, (max(row or 0 for row in rows) + 1) * (ROW - 2))
    for left, place, (row, text) in zip(lefts, rows, shown, strict=True):
        y = top + (place or 0) * (ROW - 2) + ROW / 2
        strip.mark(row.at_s, y, LIGHT["ink"], f"{text}, {clock.moment(row.at_s)}")
        if row.until_s:
            strip.line(row.at_s, row.until_s, y + 6, LIGHT["soft"])
        if place is not None:
            strip.word(left, y + 4, text)


def axis(strip: Strip, clock: Clock) -> list[dict[str, object]]:
    """The wall clock below everything; its ticks also rule the whole drawing."""
    window, font = strip.window, strip.window.layout.font
    step_s = window.step_s(window.layout.takes("00:00") + 10)
    ticks = clock_ticks(window, clock, step_s)
    top = strip.row("clock", font + 6, baseline=font + 2)
    if step_s < DAY_S:
        half, ends = window.layout.takes("00:00") / 2, -1e9
        for at_s in ticks:
            if (
                window.pixels(at_s) - half > ends
                and window.pixels(at_s) + half <= window.layout.plot + window.layout.right
            ):
                strip.centre(at_s, top + font + 2, clock.time(at_s))
                ends = window.pixels(at_s) + half + 2
        top = strip.row("", font + 6) if not window.layout.names_above else strip.height
        strip.height = max(strip.height, top + font + 6)
    dates = [next(held) for _, held in groupby(ticks, key=clock.day)]
    ends = -1e9
    for at_s in dates:
        place, half = window.pixels(at_s), window.layout.takes(clock.day(at_s)) / 2
        if place - half > ends:
            strip.centre(at_s, top + font + 2, clock.day(at_s))
            ends = place + half + 6
    midnights = {at_s for at_s in ticks if clock.time(at_s) == "00:00"} if step_s < DAY_S else set()
    return [{"x": window.pixels(at_s), "colour": LIGHT["rule" if at_s in midnights else "line"]} for at_s in ticks]
