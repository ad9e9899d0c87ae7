"""The answer to readings from home, in the words of the pages for patients, in their language."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import tzinfo
from fractions import Fraction
from math import isfinite

from leeward.knowledge import home
from leeward.knowledge.centre import PHONES, Centre, Language
from leeward.knowledge.therapies import of
from leeward.knowledge.vocabulary import quantities
from leeward.plan.home import STAY, AtHome, Heard, Noted, Unread, fever_drugs, masking_hours
from leeward.record.spelling import TWO_NUMBERS
from leeward.record.units import conversion
from leeward.report.patients.calling import with_hours, worded
from leeward.report.patients.speaker import Speaker

_WHY = {
    "not-a-number": "not-a-number", "unit-missing": "unit", "unit-unknown": "unit", "out-of-range": "out-of-range",
    "implausible-for-unit": "out-of-range", "word-unknown": "word", "code-unknown": "word",
    **dict.fromkeys(("time-missing", "ambiguous-time", "impossible-time", "future-time"), "time"),
}  # fmt: skip
"""The door's reasons that have words of their own."""


class _Voice(Speaker):
    """Speaks one language, with the answer's own sentences beside those of the pages."""

    def __init__(self, language: Language, zone: tzinfo, region: str | None) -> None:
        super().__init__(language, region)
        self.zone = zone
        self._own = home.text(language)

    def own(self, key: str, **values: str) -> str:
        """A sentence of the answer."""
        return self._own[key].format(**values)

    def at(self, one: Noted) -> str:
        """When a reading was taken, on the patient's clock; its day alone where no time was written."""
        here = one.at.astimezone(self.zone)
        return self.moment(here) if one.until is None else self.day(here.date())


def in_words(one: AtHome, language: Language, centre: Centre, zone: tzinfo, region: str | None = None) -> str:
    """One patient's readings answered as text: what was noted, what each source says, what could not be read."""
    speak = _Voice(language, zone, region)
    parts = (_head(one, speak), _asked_for(one, speak, centre), _noted(one, speak), _rest(one, speak), _foot(speak))
    return "\n".join([*(line for part in parts for line in part), ""])


def _head(one: AtHome, speak: _Voice) -> Iterator[str]:
    """Whose, and who translated it."""
    yield speak.own("title")
    yield speak.own("patient", patient=one.patient)
    if one.product and (product := of(one.product)):
        yield f"{speak.say('shared.treatment')}: {product.title}"
    if not speak.reviewed:
        yield speak.say("shared.unreviewed")
    yield ""


def _asked_for(one: AtHome, speak: _Voice, centre: Centre) -> Iterator[str]:
    """Readings for which a source asks for something, the emergency number first; then whom to reach."""
    mine = [each for each in one.noted if each.heard]
    if mine:
        yield speak.own("asked-for")
    for each in sorted(mine, key=lambda line: not any(heard.says == "dial" for heard in line.heard)):
        yield f"  {speak.at(each)}: {_said(each, speak)}"
        yield from (f"      {line}" for line in _about(each, speak))
    if mine:
        yield f"  {speak.own('all-sources')}"
        yield ""
    yield from _numbers(centre, speak)
    yield ""


def _noted(one: AtHome, speak: _Voice) -> Iterator[str]:
    """Every other reading with its time; never that it is well."""
    others = [each for each in one.noted if not each.heard]
    yield speak.own("noted" if len(others) == len(one.noted) else "noted-too")
    for each in others:
        yield f"  {speak.at(each)}: {_said(each, speak)}"
        if each.masked:
            yield f"      {speak.own('masked', hours=speak.hours(masking_hours()))}"
        if (rule := home.reading(each.quantity)) is not None and rule.unnumbered:
            yield f"      {speak.own('no-number', sign=worded(home.sign(rule.unnumbered), speak))}"
    yield f"  {speak.own('says-nothing' if others else 'nothing')}"
    if one.not_understood:
        yield f"  {speak.own('unread')}"
    yield ""


def _said(one: Noted, speak: _Voice) -> str:
    """A reading in words."""
    if one.quantity in fever_drugs():
        return speak.own("drug")
    if one.quantity == "home-sign":
        return worded(home.sign(str(one.word)), speak)
    if one.quantity == "home-sentence":
        return speak.own(f"sentence-{one.word}")
    return speak.own(one.quantity, value=_value(one, speak))


def _value(one: Noted, speak: _Voice) -> str:
    """A number as the language writes it; an inexact one with both its ends."""
    low, high = one.value, one.value if one.to is None else one.to
    ends = [(sign, end) for sign, end in (("> ", low), ("< ", high)) if end is not None and isfinite(end)]
    if not ends:
        return "?"
    said = [_number(one.quantity, end, speak) for _, end in ends]
    return speak.span(said[0], said[1]) if len(ends) > 1 else f"{ends[0][0]}{said[0]}"


def _number(quantity: str, value: float, speak: _Voice) -> str:
    """A number with its unit."""
    if quantity == "body-temperature":
        return speak.temperature(value, _fahrenheit(value))
    return speak.percent(value) if quantity == "spo2" else speak.number(value)


def _fahrenheit(celsius: float) -> float:
    """The same temperature for readers of Fahrenheit, by the conversion that reads theirs."""
    made = conversion(quantities()["body-temperature"], "[degF]")
    return float((Fraction(celsius) - made.offset) / made.scale)


def _about(one: Noted, speak: _Voice) -> Iterator[str]:
    """What sources say of a reading."""
    if one.quantity != "home-sign":
        yield worded(home.sign(one.heard[0].sign), speak)
    if not one.certain:
        yield speak.own("usual-missing" if one.to is None else "inexact")
    if one.decided:
        yield speak.own("decided")
    yield from (_heard(each, speak) for each in one.heard)


def _heard(one: Heard, speak: _Voice) -> str:
    """What one source says, of whom it was written, and how it is known."""
    said = speak.own(
        f"says-{one.says}", source=speak.say(f"voice.{one.voice}"), whom=speak.say(f"kind.of-{one.of}")
    )  # fmt: skip
    return f"{said} [{speak.known(one.evidence)}]"


def _rest(one: AtHome, speak: _Voice) -> Iterator[str]:
    """How old the last readings are, what could not be read, what is not answered here."""
    if one.old:
        yield speak.own("old-of")
        yield from (f"  {_what(each.quantity, speak)}: {speak.own('old', hours=speak.length(each.hours))}"
                    for each in one.old)  # fmt: skip
    if one.not_understood:
        yield speak.own("not-understood")
        yield from (f"  {_unread(each, speak)}" for each in one.not_understood)
    if one.not_at_home:
        yield speak.own("not-at-home", number=str(one.not_at_home))
    if one.in_hospital:
        yield speak.own("in-hospital", number=str(one.in_hospital))


def _unread(one: Unread, speak: _Voice) -> str:
    """An entry that could not be read: where, what, why, and as it was written."""
    is_two = (one.detail or "").startswith(TWO_NUMBERS)
    why = speak.own("why-two-numbers" if is_two else f"why-{_WHY.get(one.reason, 'other')}")
    detail = (one.detail or "").removeprefix(TWO_NUMBERS)
    what = _what(None if one.quantity == STAY else one.quantity, speak)
    # Of a unit the door says what it makes of it, in English: only what was written is shown.
    written = f"{why} ({detail})" if detail and not one.reason.startswith("unit") else why
    row = (one.place or "").removeprefix("row ")
    place = speak.own("row", number=row) if row.isdigit() else one.place or "–"
    return speak.own("not-read-why", place=place, what=what, why=written)


def _what(quantity: str | None, speak: _Voice) -> str:
    """A quantity in plain words."""
    if quantity in fever_drugs():
        return speak.own("what-drug")
    return speak.own(f"what-{quantity}") if quantity and home.reading(quantity) else speak.own("what-other")


def _foot(speak: _Voice) -> Iterator[str]:
    """What else can matter, and what this is."""
    yield ""
    yield speak.own("last")
    yield speak.say("shared.not-device")


def _numbers(centre: Centre, speak: _Voice) -> Iterator[str]:
    """The centre's numbers, or that they are missing."""
    if centre.name:
        yield f"{speak.say('shared.centre')}: {centre.name}"
    for field, label in zip(PHONES, ("day-phone", "night-phone", "dial-number"), strict=True):
        phone = getattr(centre, field)
        if field == "daytime_phone":
            phone = with_hours(phone, centre.daytime_hours)
        yield (
            f"{speak.say(f'shared.{label}')}: {phone}"
            if phone
            else speak.say(f"shared.missing-{field.replace('_', '-')}")
        )
