"""How a page spells quantities, numbers, units, grades and ages: from words.toml, never from the record's markup."""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path

import msgspec

from leeward.knowledge.loader import Evidence, read
from leeward.knowledge.vocabulary import printed, quantities

VAGUE = ("unrecognised", "oxygen-unspecified")
"""Device words that are on record and yet do not tell the device."""

THREE_FIGURES = 100
"""From here on a number has three figures before its point."""

MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86_400


class Quantity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A quantity's bedside name, and what would settle it when it is missing."""

    name: str
    decimals: int | None = None
    lack: str = ""
    unseen: str = "never charted"
    looks_at: list[str] = []
    settled_by: str = ""


class Device(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An oxygen device's full and short word, and the height (0 to 4) at which its band is drawn."""

    name: str
    short: str
    step: int


class Scale(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A syndrome's short name and its full one."""

    name: str
    title: str


class Groups(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which quantities share a lane of the chart, in the order of its rows."""

    curves: list[str]
    oxygen: list[str]
    infusions: list[str]
    given: list[str]
    neurology: list[str]
    labs: list[str]
    marks: list[str]


class Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """words.toml."""

    quantities: dict[str, Quantity]
    groups: Groups
    devices: dict[str, Device]
    scales: dict[str, Scale]
    scale_names: dict[str, str]
    parts: dict[str, str]
    evidence: dict[Evidence, str]
    refusals: dict[str, str]


@cache
def words() -> Words:
    """The words in use."""
    return read(Path(__file__).with_name("words.toml"), Words)


def quantity(name: str) -> Quantity:
    """A quantity's words; one not listed goes by its title in knowledge, or as the record names it."""
    held = words().quantities.get(name)
    if held is not None:
        return held
    known = quantities().get(name)
    return Quantity(_small(known.title) if known else name.replace("-", " "))


def _small(title: str) -> str:
    """A title inside a sentence: its first letter small, unless it is an abbreviation or a symbol."""
    return title[:1].lower() + title[1:] if title[1:2].islower() else title


def unit(spelling: str | None) -> str:
    """A UCUM unit as printed at the bedside."""
    return printed(spelling)


def unit_of(name: str) -> str:
    """The printed unit of a quantity's findings."""
    known = quantities().get(name)
    return unit(known.unit) if known else ""


def device(word: str | None) -> Device:
    """An oxygen device's words; one nobody listed is spelt as it is and drawn low."""
    unknown = word or "unrecognised"
    return words().devices.get(unknown) or Device(unknown, unknown, 1)


def scale(syndrome: str) -> Scale:
    """A syndrome's names."""
    return words().scales.get(syndrome) or Scale(syndrome.upper(), syndrome)


def number(value: float, decimals: int | None = None) -> str:
    """A number as charted: with the quantity's fixed decimals, else whole or to three figures."""
    if decimals is not None:
        return f"{value:.{decimals}f}"
    return f"{value:.0f}" if value == round(value) or abs(value) >= THREE_FIGURES else f"{value:.3g}"


def between(name: str, low: float | None, high: float | None) -> str:
    """A finding's number: exact, "below 0.3", "above 40000", or "37.9 to 38.1"; empty when there is none."""
    if low is None and high is None:
        return ""
    decimals = quantity(name).decimals
    if high is None or (low is not None and math.isinf(high)):
        return f"above {number(low, decimals)}" if low is not None and not math.isinf(low) else ""
    if low is None or math.isinf(low):
        return f"below {number(high, decimals)}"
    if low == high:
        return number(low, decimals)
    return f"{number(low, decimals)} to {number(high, decimals)}"


def measure(figure: str, printed_unit: str) -> str:
    """A number with its unit; a percent sign too is set apart."""
    return f"{figure} {printed_unit}".strip() if figure else ""


def grade(at_least: int | None, at_most: int | None) -> str:
    """A grade, or a range of grades: "3", "1 to 4"; "not graded" when there is none."""
    if at_least is None and at_most is None:
        return "not graded"
    if at_least == at_most:
        return str(at_least)
    if at_most is None:
        return f"{at_least} or more"
    return f"{at_least or 0} to {at_most}"


def span(seconds: float) -> str:
    """A length of time in the coarsest words that still tell: "12 min", "5 h", "2 d 3 h"."""
    minutes = round(abs(seconds) / MINUTE_S)
    if minutes < 100:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    if hours < 10 and rest:
        return f"{hours} h {rest} min"
    hours = round(minutes / 60)
    if hours < 72:
        return f"{hours} h"
    days, rest = divmod(hours, 24)
    return f"{days} d {rest} h" if rest else f"{days} d"


def listed(items: list[str]) -> str:
    """Several words as a sentence lists them: "a, b and c"."""
    return " and ".join(filter(None, [", ".join(items[:-1]), *items[-1:]]))


def capital(text: str) -> str:
    """The text with its first letter large; the rest stays as it is (CRS, ICE)."""
    return text[:1].upper() + text[1:]
