"""Speaks one language: sentences by their key; numbers, dates, clock times and lengths as that language writes them."""

from __future__ import annotations

from datetime import date, datetime, time

from leeward.knowledge import patients
from leeward.knowledge.centre import Language
from leeward.knowledge.loader import Evidence

DAY_HOURS = 24


class Speaker:
    """One language; `used` is every key that was said, so that a test can tell which ones nobody says."""

    def __init__(self, language: Language, region: str | None = None) -> None:
        self.language = language
        self.region = region
        self.used: set[str] = set()
        self._text = patients.text(language)
        self._words = patients.words(language)
        self._format = self._words.format

    @property
    def reviewed(self) -> bool:
        """Whether a native clinician has read these words, or they were written in this language."""
        return self._words.reviewed

    def say(self, key: str, **values: str | int) -> str:
        """The sentence of a key, its placeholders filled."""
        self.used.add(key)
        return self._text[key].format(**values)

    def known(self, evidence: Evidence) -> str:
        """How something is known."""
        return self.say(f"evidence.{evidence}")

    def number(self, value: float) -> str:
        """A number with this language's decimal sign, whole where it is."""
        whole = value == int(value)
        return str(int(value)) if whole else f"{value:.1f}".replace(".", self._format.decimal)

    def temperature(self, celsius: float, fahrenheit: float) -> str:
        """A temperature, one figure after the decimal sign; in Fahrenheit too where people read it so."""
        shape = self._format.temperature_us if self.region == "US" else self._format.temperature
        figures = [f"{one:.1f}".replace(".", self._format.decimal) for one in (celsius, fahrenheit)]
        return shape.format(celsius=figures[0], fahrenheit=figures[1])

    def fever(self) -> str:
        """The temperature from which sources say to call."""
        return self.temperature(patients.number("fever"), patients.number("fever_fahrenheit"))

    def percent(self, value: float) -> str:
        """A percentage."""
        return self._format.percent.format(number=self.number(value))

    def day(self, on: date) -> str:
        """A date with its weekday."""
        return self._dated(self._format.date, on)

    def day_short(self, on: date) -> str:
        """A date without its weekday."""
        return self._dated(self._format.date_short, on)

    def clock(self, at: time) -> str:
        """A time of day."""
        return self._format.clock.format(hour=at.hour, minute=f"{at.minute:02}")

    def moment(self, at: datetime) -> str:
        """A date with its time of day."""
        return self._format.moment.format(date=self.day(at.date()), clock=self.clock(at.time()))

    def span(self, low: str, high: str) -> str:
        """From one to another."""
        return low if low == high else self._format.span.format(low=low, high=high)

    def days(self, count: int) -> str:
        """So many days."""
        return self._format.days[count != 1].format(number=count)

    def hours(self, count: float) -> str:
        """So many hours."""
        return self._format.hours[count != 1].format(number=self.number(count))

    def length(self, hours: float) -> str:
        """A length of time: in days from two of them on, or where it is whole days, else in hours."""
        whole = hours >= DAY_HOURS and hours % DAY_HOURS == 0
        return (
            self.days(round(hours / DAY_HOURS)) if whole or hours > 2 * DAY_HOURS else self.hours(max(1, round(hours)))
        )

    def _dated(self, shape: str, on: date) -> str:
        """A date in this language's order."""
        form = self._format
        return shape.format(
            weekday=form.weekdays[on.weekday()], day=form.first_day if on.day == 1 else on.day,
            month=form.months[on.month - 1], year=on.year,
        )  # fmt: skip
