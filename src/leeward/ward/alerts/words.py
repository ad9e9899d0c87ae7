"""How a sign is worded: what changed, from what to what, since when, on what it rests; short, and never an order."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, tzinfo

from leeward.knowledge.vocabulary import quantities
from leeward.report.words import capital, device, listed, measure, number, quantity, unit
from leeward.ward.alerts.signs import Basis


class Spelling:
    """Spells signs at a moment, by the clock of the ward. `most`: characters of one text."""

    def __init__(self, now: datetime, zone: tzinfo, most: int) -> None:
        self.now, self._zone, self.most = now, zone, most

    def time(self, at: datetime) -> str:
        """The time of day ("10:42"), with its date on another day."""
        local = at.astimezone(self._zone)
        same = local.date() == self.now.astimezone(self._zone).date()
        return f"{local:%H:%M}" if same else f"{local.day} {local:%b %H:%M}"

    def basis(self, one: Basis) -> str:
        """One finding: "systolic pressure 86 mmHg at 10:42", "non-rebreather mask at 10:42"."""
        held = quantity(one.quantity)
        if one.quantity == "oxygen-device" and isinstance(one.value, str):
            return f"{device(one.value).name} at {self.time(one.at)}"
        kind = quantities().get(one.quantity)
        if kind is not None and one.unit is None and kind.is_free(one.value):
            said = ""  # what somebody wrote freely goes into no text that leaves the ward
        elif isinstance(one.value, str):
            said = measure(one.value, unit(one.unit))
        else:
            said = "" if one.value is None else measure(number(one.value, held.decimals), unit(one.unit))
        return " ".join(filter(None, (held.name, said, "at", self.time(one.at))))

    def text(self, head: str, rest: Iterable[str] = (), tail: str = "") -> str:
        """A head, as much of the rest as there is room for, and a tail; never cut inside a part but the last."""
        said = capital(head)
        for one in rest:
            longer = f"{said}{': ' if said == capital(head) and ': ' not in said else ', '}{one}"
            if len(longer) + len(tail) > self.most:
                break
            said = longer
        whole = said + tail
        return whole if len(whole) <= self.most else whole[: self.most - 1] + "…"

    def missing(self, names: Iterable[str]) -> str:
        """What is not known, as the bedside says it."""
        return listed([quantity(name).lack or quantity(name).name for name in names])
