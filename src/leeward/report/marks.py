"""What a strip of the drawing holds, as plain data: boxes, lines, marks and words, in pixels from its top."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from leeward.report.layout import Window
from leeward.report.palette import LIGHT

Datum = dict[str, Any]
ROW = 18
"""Pixels of a row of drugs or signs."""
LOW_BOX = 1.5
"""No stretch is drawn thinner than this, so that a short one is seen."""


@dataclass
class Strip:
    """A strip that grows downwards row by row; `height` is where the next row begins."""

    window: Window
    height: float = 0
    boxes: list[Datum] = field(default_factory=list)
    lines: list[Datum] = field(default_factory=list)
    marks: list[Datum] = field(default_factory=list)
    words: list[Datum] = field(default_factory=list)
    centred: list[Datum] = field(default_factory=list)
    names: list[Datum] = field(default_factory=list)
    titles: list[Datum] = field(default_factory=list)
    told: dict[str, int] = field(default_factory=dict)  # what boxes and marks say, and the moment they speak of

    def row(self, name: str, height: float, *, title: bool = False, baseline: float | None = None) -> float:
        """Room for one row under its name (beside it on a wide drawing, above it on a narrow one); its top."""
        layout = self.window.layout
        if layout.names_above and name:
            self.height += layout.font + 5
        beside = self.height + (height / 2 + layout.font * 0.36 if baseline is None else baseline)
        place = self.height - 5 if layout.names_above else beside
        (self.titles if title else self.names).append({"y": place, "text": name, "colour": LIGHT["soft"]})
        top = self.height
        self.height += height
        return top

    def gap(self, pixels: float) -> None:
        """Leave room."""
        self.height += pixels

    def box(
        self, from_s: float, until_s: float, top: float, bottom: float, fill: str, says: str = "", edge: str = "none"
    ) -> None:
        """A filled stretch, cut to the window; `says` is what it tells on hovering."""
        cut = self.window.cut(from_s, until_s)
        if cut is None or bottom <= top:
            return
        left, right = (self.window.pixels(at_s) for at_s in cut)
        wider = max(right, left + LOW_BOX)
        if says:
            self.told[says] = int(from_s)
        self.boxes.append({"x": left, "x2": wider, "y": top, "y2": bottom, "fill": fill, "edge": edge, "says": says})

    def line(self, from_s: float, until_s: float, y: float, colour: str, y2: float | None = None) -> None:
        """A thin line, level or upright."""
        cut = self.window.cut(from_s, until_s)
        if cut is not None:
            left, right = (self.window.pixels(at_s) for at_s in cut)
            self.lines.append({"x": left, "x2": right, "y": y, "y2": y if y2 is None else y2, "colour": colour})

    def upright(self, x: float, y: float, y2: float, colour: str) -> None:
        """A thin upright line at a place."""
        self.lines.append({"x": x, "x2": x, "y": y, "y2": y2, "colour": colour})

    def mark(self, at_s: float, y: float, colour: str, says: str = "") -> None:
        """A small triangle that stands at a moment."""
        if self.window.shows(at_s):
            if says:
                self.told[says] = int(at_s)
            self.marks.append({"x": self.window.pixels(at_s), "y": y, "colour": colour, "says": says})

    def word(self, left: float, y: float, text: str, colour: str = LIGHT["ink"], *, backed: bool = False) -> None:
        """A text from `left` pixels on; backed with paper where it stands on a pattern."""
        if backed:
            layout = self.window.layout
            self.boxes.append(
                {
                    "x": left - 3,
                    "x2": left + layout.takes(text) + 3,
                    "y": y - layout.font + 0.5,
                    "y2": y + 3.5,
                    "fill": LIGHT["panel"],
                    "edge": "none",
                    "says": "",
                }
            )
        self.words.append({"x": left, "y": y, "text": text, "colour": colour})

    def fitting(
        self, from_s: float, until_s: float, y: float, texts: list[str], colour: str, *, backed: bool = False
    ) -> bool:
        """The first of the texts that fits into the stretch, inside it; whether one did."""
        cut = self.window.cut(from_s, until_s)
        if cut is None:
            return False
        for text in texts:
            if self.fits(*cut, text):
                self.word(self.window.pixels(cut[0]) + 4, y, text, colour, backed=backed)
                return True
        return False

    def fits(self, from_s: float, until_s: float, text: str) -> bool:
        """Whether a text has room inside a stretch."""
        room = self.window.pixels(until_s) - self.window.pixels(from_s)
        return bool(text) and self.window.layout.takes(text) + 8 <= room

    def centre(self, at_s: float, y: float, text: str, colour: str = LIGHT["soft"]) -> None:
        """A text around a moment, kept inside the drawing."""
        half = self.window.layout.takes(text) / 2
        place = min(max(self.window.pixels(at_s), half - self.window.layout.left), self.window.layout.plot - half + 8)
        self.centred.append({"x": place, "y": y, "text": text, "colour": colour})

    def data(self, name: str) -> dict[str, list[Datum]]:
        """Its data sets under the names by which the chart's definition asks for them."""
        kinds = ("boxes", "lines", "marks", "words", "centred", "names", "titles")
        return {f"{name}_{kind}": getattr(self, kind) for kind in kinds}
