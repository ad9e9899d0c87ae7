"""Rules that stopped firing, or fire far too often, as signs of the ward: a failure to fire is seen nowhere else."""

from __future__ import annotations

from collections.abc import Iterable

from leeward.ward.alerts.signs import Sign
from leeward.ward.alerts.words import Spelling
from leeward.ward.firing import Chart

SOURCE = "control charts of the ward's own counts: knowledge/ward.toml, quality"


def signs(charts: Iterable[Chart], words: Spelling) -> list[Sign]:
    """One sign for each chart that is grave; that it lies outside its limits otherwise is on the page and counted."""
    return [
        Sign(about=f"firing/{one.group}/{one.of}/{one.name}", kind="rule-firing", at_least=1, at_most=1,
             says=words.text(f"{one.group} of {one.of}, {one.name}", [one.says]), missing=(one.name,), source=SOURCE)
        for one in charts if one.grave
    ]  # fmt: skip
