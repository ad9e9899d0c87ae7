"""What a risk score answers: bounds, one value where there is one, a second reading, and notes that hold for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import ibis

from leeward.risk.definitions import quantity_of
from leeward.scales.bands import Part

_NUMBER = "float64"
STILL = "hours-since-infusion"
"""What is missing where the hours that a rule asks for have not passed."""


class Found(NamedTuple):
    """A score's columns. `lacks`: input or word -> it is not known; `notes`: id of a note -> it holds.

    `value`: the one number, null where there is none; null bounds: nothing bounds that side.
    """

    at_least: Any
    at_most: Any
    value: Any
    lacks: Mapping[str, Any]
    notes: Mapping[str, Any] = {}
    reading: tuple[Any, Any] | None = None

    def as_value(self, name: str) -> Any:
        """The score as one struct, as a row of the step `risk`."""
        low, high = self.reading if self.reading is not None else (ibis.null(_NUMBER), ibis.null(_NUMBER))
        return ibis.struct(
            {
                "score": ibis.literal(name),
                "at_least": self.at_least.cast(_NUMBER),
                "at_most": self.at_most.cast(_NUMBER),
                "value": self.value.cast(_NUMBER),
                "missing": _listed(_merged(self.lacks)),
                "notes": _listed(self.notes),
                "reading_low": low.cast(_NUMBER),
                "reading_high": high.cast(_NUMBER),
            }
        )


def _merged(lacks: Mapping[str, Any]) -> dict[str, Any]:
    """What is lacking, once for each quantity: two inputs of one quantity have one name."""
    made: dict[str, Any] = {}
    for lack, gone in lacks.items():
        name = quantity_of(lack)
        made[name] = made[name] | gone if name in made else gone
    return made


def _listed(flags: Mapping[str, Any]) -> Any:
    """The names whose condition holds as one text, each with a comma after it."""
    text = ibis.literal("")
    for name in sorted(flags):
        text = text + ibis.ifelse(flags[name].fill_null(False), name + ",", "")
    return text


def every(parts: Sequence[Part]) -> Part:
    """All of several signs (0 or 1): one that is surely absent settles it, and then nothing is lacking."""
    least = ibis.least(*[part.at_least for part in parts])
    most = ibis.least(*[part.at_most for part in parts])
    lacks: dict[str, Any] = {}
    for part in parts:
        for name, gone in part.lacks.items():
            open_ = gone & (least < most)
            lacks[name] = lacks[name] | open_ if name in lacks else open_
    return Part(least, most, lacks)


def counted(whole: Part, reading: tuple[Any, Any] | None = None, notes: Mapping[str, Any] | None = None) -> Found:
    """A count of points or a yes (1) or no (0) as what a score answers."""
    value = ibis.ifelse(whole.at_least == whole.at_most, whole.at_least, None)
    return Found(whole.at_least, whole.at_most, value, whole.lacks, notes or {}, reading)
