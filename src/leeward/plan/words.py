"""Numbers and times as answers spell them. Times are UTC: the reader's own clock is the report's affair."""

from __future__ import annotations

from datetime import UTC, datetime

from leeward.timeline.exposures import DAY_S
from leeward.timeline.settings import HOUR_S

MINUTE_S = 60


def plain(value: float, decimals: int = 3) -> str:
    """A number without trailing zeros, thousands parted by commas: 1,000 and 358.8."""
    rounded = round(value, decimals)
    return f"{rounded:,.{decimals}f}".rstrip("0").rstrip(".") if decimals else f"{rounded:,.0f}"


def between(low: float, high: float | None, decimals: int = 3) -> str:
    """A number, or both ends of a range."""
    return plain(low, decimals) if high is None else f"{plain(low, decimals)} to {plain(high, decimals)}"


def moment(at_s: int) -> str:
    """A moment: "2024-01-10 14:00 UTC", with seconds where it has any."""
    at = datetime.fromtimestamp(at_s, UTC)
    return at.strftime("%Y-%m-%d %H:%M:%S UTC" if at.second else "%Y-%m-%d %H:%M UTC")


def span(seconds: int) -> str:
    """A length of time in its two largest units: "3 h 20 min", "2 d 4 h", "59 s"."""
    parts = ((seconds // DAY_S, "d"), (seconds % DAY_S // HOUR_S, "h"), (seconds % HOUR_S // MINUTE_S, "min"),
             (seconds % MINUTE_S, "s"))  # fmt: skip
    first = next((place for place, (amount, _) in enumerate(parts) if amount), 0)
    return " ".join(f"{amount} {unit}" for amount, unit in parts[first : first + 2] if amount) or "0 s"
