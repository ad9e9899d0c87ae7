"""Where things stand on a drawing: its widths, the window of time it shows, its ticks, and the room a text takes."""

from __future__ import annotations

import math
from dataclasses import dataclass

from leeward.report.answer import Answer
from leeward.report.clock import Clock, seconds
from leeward.report.tracks import Tracks
from leeward.report.words import DAY_S, HOUR_S

STEPS_S = (900, 1800, *(hours * HOUR_S for hours in (1, 2, 3, 6, 12, 24, 48, 72, 168, 336, 720, 2160, 8760)))
BEFORE_S = DAY_S
"""So much of the time before the first therapy is drawn: enough to see what was there already."""
AFTER_S = 3 * DAY_S
"""So much after the grade last changed is drawn of a record that goes on for weeks."""
LONG_S = 45 * DAY_S
"""A record longer than this is drawn only around its course."""
IDLE_S = 2 * DAY_S
"""Where nothing was charted for so long before the answer's moment, the axis ends soon after the last finding."""


NOW = 22
"""Pixels right of the answer's moment in which the state at that moment is drawn."""
EDGE = 14
"""Pixels left free at the other ends."""


@dataclass(frozen=True)
class Layout:
    """A drawing's measures in CSS pixels; it is scaled as a whole, so they fix proportions, not sizes."""

    name: str
    width: int
    left: int
    right: int
    font: int
    names_above: bool  # names of rows stand above them where there is no room beside them

    @property
    def plot(self) -> int:
        """Width of the time axis."""
        return self.width - self.left - self.right

    def takes(self, text: str, size: int | None = None) -> float:
        """Room a text takes, on the generous side: the reader's font is not ours to know."""
        return len(text) * (size or self.font) * 0.57

    def clip(self, text: str) -> str:
        """A text as far as a drawing has room for it; the tables hold it whole."""
        most = int(self.plot * 0.8 / self.takes("m"))
        return text if len(text) <= most else f"{text[: most - 1]}…"

    def names(self, text: str) -> bool:
        """Whether a row's name has room."""
        return self.takes(text) <= (self.plot if self.names_above else self.left - 4)


WIDE = Layout("wide", 900, 132, 14, 12, names_above=False)
NARROW = Layout("narrow", 358, 30, 10, 11, names_above=True)


@dataclass(frozen=True)
class Window:
    """The stretch of time a drawing shows."""

    from_s: float
    until_s: float
    layout: Layout
    as_of_s: int

    def pixels(self, at_s: float) -> float:
        """Where a moment stands, from the left end of the time axis."""
        return (at_s - self.from_s) / (self.until_s - self.from_s) * self.layout.plot

    def moment(self, pixels: float) -> float:
        """The moment that stands there."""
        return self.from_s + pixels / self.layout.plot * (self.until_s - self.from_s)

    def cut(self, from_s: float, until_s: float) -> tuple[float, float] | None:
        """A stretch as far as it is drawn; none where it lies outside."""
        left, right = max(from_s, self.from_s), min(until_s, self.until_s)
        return (left, right) if left <= right else None

    def standing(self, until_s: float) -> float:
        """The end of a stretch; one that lasts to the answer's moment goes on a little, to be seen."""
        return self.moment(self.pixels(self.as_of_s) + NOW) if until_s == self.as_of_s else until_s

    def shows(self, at_s: float) -> bool:
        """Whether a moment is drawn."""
        return self.from_s <= at_s <= self.until_s

    def step_s(self, room: float) -> int:
        """The finest step whose labels have room."""
        for step_s in STEPS_S:
            if step_s / (self.until_s - self.from_s) * self.layout.plot >= room:
                return step_s
        return STEPS_S[-1]


def window(
    answer: Answer, tracks: Tracks, clock: Clock, layout: Layout, stretch: tuple[int, int] | None = None
) -> Window:
    """What a drawing of this answer shows: its extent, with room at the left, and at the right for the state then.

    stretch: a part of it that somebody looks at more closely.
    """
    from_s, until_s = stretch or extent(answer, tracks, clock)
    until_s = max(min(until_s, clock.as_of_s), from_s + STEPS_S[0])
    right = NOW + 6 if until_s == clock.as_of_s else EDGE
    second = (until_s - from_s) / (layout.plot - EDGE - right)
    return Window(from_s - EDGE * second, until_s + right * second, layout, clock.as_of_s)


def extent(answer: Answer, tracks: Tracks, clock: Clock) -> tuple[int, int]:
    """First and last second that are drawn.

    From a day before the first therapy (or the first finding, if later) to the answer's moment; a record that goes
    on long after its course, or before it, is drawn around the course only.
    """
    starts = [seconds(trigger.at) for trigger in answer.triggers]
    changes = [seconds(change.at) for change in answer.course]
    known = [at for at in (tracks.first_s, *starts, *changes) if at is not None]
    first_s = min(known, default=clock.as_of_s - HOUR_S)
    if starts:
        first_s = max(first_s, min(starts) - BEFORE_S)
    last_s = min(max([tracks.last_s or first_s, *starts, *changes]), clock.as_of_s)
    if last_s - first_s > LONG_S:
        ends = [seconds(episode.resolved) if episode.resolved else clock.as_of_s for episode in answer.episodes]
        last_s = min(last_s, max([*changes, *ends, *starts, first_s]) + AFTER_S)
        if last_s - first_s > 2 * LONG_S and not answer.episodes:
            last_s = first_s + LONG_S
    until_s = clock.as_of_s if clock.as_of_s - last_s <= IDLE_S else last_s
    return min(first_s, until_s - HOUR_S), until_s


def clock_ticks(window: Window, clock: Clock, step_s: int) -> list[int]:
    """Round moments of the wall clock, as it stands at the middle of the window (a clock change moves none)."""
    middle = clock.local(int(window.from_s + window.until_s) // 2)
    offset = middle.utcoffset()
    shift_s = int(offset.total_seconds()) if offset else 0
    first = math.ceil((window.from_s + shift_s) / step_s) * step_s - shift_s
    return list(range(first, int(window.until_s) + 1, step_s))


def since_ticks(window: Window, trigger_s: int, step_s: int) -> list[int]:
    """Round times since the first therapy."""
    first = math.ceil((window.from_s - trigger_s) / step_s) * step_s + trigger_s
    return list(range(first, int(window.until_s) + 1, step_s))


def packed(places: list[tuple[float, float]], rows: int) -> list[int | None]:
    """The row in which each (left, right) has room without touching the one before it; none where all are full."""
    ends = [-math.inf] * rows
    made: list[int | None] = []
    for left, right in places:
        free = next((row for row in range(rows) if ends[row] <= left), None)
        if free is not None:
            ends[free] = right
        made.append(free)
    return made
