"""Whose a message is, what the board may call them, and what is true of them at any time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from leeward.ward.hl7.fields import NULL, component, elements, repetitions, said, subcomponent
from leeward.ward.hl7.moments import iso
from leeward.ward.hl7.senders import Listening, Sender
from leeward.ward.hl7.vocabulary import Refusal, vocabulary

PID_IDENTIFIERS, MRG_IDENTIFIERS = 3, 1
_TYPE, _AUTHORITY = 5, 4
_NAME, _BORN, _SEX, _DIED_AT, _IS_DEAD = 5, 7, 8, 29, 30


def patient(message: Any, sender: Sender) -> str:
    """The one patient of a message. Raises Refusal: nobody's, or more than one person's."""
    found = {identifier(segment, PID_IDENTIFIERS, sender) for name, segment in elements(message) if name == "PID"}
    if not found:
        raise Refusal("patient-missing", "PID")
    if len(found) > 1:
        raise Refusal("ambiguous-patient", "PID-3")
    return found.pop()


def identifier(segment: Any, field: int, sender: Sender) -> str:
    """The identifier of the kind that is set for the sender; one without a kind counts where it is the only one.

    It stays text: 007 is not 7. Raises Refusal.
    """
    listed = [_identifier(segment, repetition) for repetition in repetitions(segment, field)]
    by_authority = [one for one in listed if sender.authority is None or one[2] == sender.authority]
    fitting = {number for number, kind, _ in by_authority if kind == sender.identifier and number}
    if not fitting and len(listed) == 1:
        fitting = {number for number, kind, _ in by_authority if kind is None and number}
    where = f"{segment[0]}-{field}"
    if not fitting:
        raise Refusal("patient-missing", where)
    if len(fitting) > 1:
        raise Refusal("ambiguous-patient", where)
    return fitting.pop()


def _identifier(segment: Any, repetition: Any) -> tuple[str, str | None, str | None]:
    """Number (empty where it cannot be read), type and authority of one identifier."""
    number = (component(segment, repetition, 1) or "").strip()
    if number == NULL or not number.isprintable() or str(segment.esc) in number:
        number = ""
    authority = component(segment, repetition, _AUTHORITY) or ""
    sign = str(segment.separators[4])
    return number, component(segment, repetition, _TYPE), authority.partition(sign)[0] or None


def label(segment: Any, listening: Listening, at: datetime) -> str | None:
    """What the board shows of a name: initials, and the age in years where the day of birth is known."""
    names = [subcomponent(segment, _NAME, part) for part in (2, 1)]
    initials = "".join(name.strip()[:1].upper() for name in names if name)
    if listening.label == "none" or not initials:
        return None
    try:
        born = date.fromisoformat((iso(said(segment, _BORN)) or "")[:10])
    except ValueError:
        return initials
    years = at.year - born.year - ((at.month, at.day) < (born.month, born.day))
    return f"{initials}, {years}"


def timeless(segment: Any) -> Iterator[tuple[str, str, str | None]]:
    """Quantity, word and time of what a PID says of a person: birth, sex, death."""
    born, sex = iso(said(segment, _BORN)), said(segment, _SEX)
    if born:
        yield "birth-date", born[:10], None
    if sex:
        yield "sex", vocabulary().sex.get(sex, sex), None
    if said(segment, _IS_DEAD) == "Y":
        yield "death", "unstated", iso(said(segment, _DIED_AT))
