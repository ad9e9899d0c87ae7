"""Statements in a few words, and what the door makes of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pyarrow as pa

from leeward.record.door import Door, Settings
from leeward.record.schema import STATEMENT

AT = "2026-03-01T08:00:00Z"


def said(**parts: str | None) -> dict[str, str | None]:
    """One statement of patient 007 at eight o'clock, unless said otherwise."""
    return {"patient": "007", "start": AT, **parts}


class Doorstep:
    """Hands statements to a door and gives back findings and refusals as rows."""

    def __init__(self, zone: str | None = None, local: tuple[str, ...] = (), now: datetime | None = None) -> None:
        self.door = Door(Settings(zone=zone, local=local, now=now))

    def admit(self, *statements: dict[str, str | None]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Findings and refusals of some statements."""
        findings, refusals = self.door.admit(pa.RecordBatch.from_pylist(list(statements), schema=STATEMENT))
        return findings.to_pylist(), refusals.to_pylist()

    def finding(self, **parts: str | None) -> dict[str, Any]:
        """The one finding of one statement, which is not refused."""
        findings, refusals = self.admit(said(**parts))
        assert refusals == []
        assert len(findings) == 1
        return findings[0]

    def refusal(self, **parts: str | None) -> dict[str, Any]:
        """The one refusal of one statement, which gives no finding."""
        findings, refusals = self.admit(said(**parts))
        assert findings == []
        assert len(refusals) == 1
        return refusals[0]

    def both(self, **parts: str | None) -> tuple[dict[str, Any], dict[str, Any]]:
        """The finding and the refusal of one statement that is understood in part."""
        findings, refusals = self.admit(said(**parts))
        assert (len(findings), len(refusals)) == (1, 1)
        return findings[0], refusals[0]
