"""Fields, repetitions and components of a segment as text, unescaped by the library; absent is None.

A component is given whole: `12&3` stays so, since a number cut short would be another patient's, or another value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from hl7.util import unescape

from leeward.record.fhir.resources import Coding, Concept
from leeward.ward.hl7.vocabulary import vocabulary

NULL = '""'
"""HL7's own word for "there is nothing, on purpose"."""
_ESCAPE = re.compile(r"[FSTREHN]|X([0-7][0-9A-Fa-f])+|\.(br|fi|nf|ce)|\.(sp|in|ti|sk)\+?[0-9]{0,2}")
_HIGHLIGHT = {"H": "", "N": ""}
_CODINGS = (1, 4, 10)
"""Where the codings of a CWE begin: its own, the alternate, the second alternate; each code, text, system."""
_TEXT = 9


def name(segment: Any) -> str:
    """PID, OBX, ..."""
    return str(segment[0])


def repetitions(segment: Any, number: int) -> list[Any]:
    """The repetitions of a field; none where it is empty."""
    if number >= len(segment) or not str(segment[number]):
        return []
    return list(segment[number])


def whole(segment: Any, number: int) -> str | None:
    """A field as one text, separators and all."""
    return _spoken(segment, str(segment[number])) if number < len(segment) else None


def component(segment: Any, repetition: Any, number: int) -> str | None:
    """One component of a repetition; a repetition without separators is its own first component."""
    if isinstance(repetition, str):
        return _spoken(segment, repetition) if number == 1 else None
    return _spoken(segment, str(repetition[number - 1])) if number <= len(repetition) else None


def said(segment: Any, number: int, part: int = 1) -> str | None:
    """A component of the first repetition of a field; HL7's null says nothing here."""
    first = next(iter(repetitions(segment, number)), None)
    found = None if first is None else component(segment, first, part)
    return None if found == NULL else found


def subcomponent(segment: Any, number: int, part: int) -> str | None:
    """The first subcomponent of a component: the name of an authority, or a family name without its prefixes."""
    found = said(segment, number, part)
    return found.partition(str(segment.separators[4]))[0] or None if found else None


def concept(segment: Any, number: int) -> Concept | None:
    """A coded field (CE, CWE) as a concept with its codings, systems by the names that codes are looked up with."""
    first = next(iter(repetitions(segment, number)), None)
    return None if first is None else coded(segment, first)


def coded(segment: Any, repetition: Any) -> Concept | None:
    """A repetition of a coded field as a concept."""
    codings = [
        Coding(_system(component(segment, repetition, at + 2)), code, component(segment, repetition, at + 1))
        for at in _CODINGS
        if (code := component(segment, repetition, at)) and code != NULL
    ]
    texts = (component(segment, repetition, at) for at in (_TEXT, 2, 5))
    text = next((word for word in texts if word), None)
    return Concept(codings, text) if codings or text else None


def _system(spelt: str | None) -> str:
    """A code system by its own name; one that is not said is the sender's."""
    known = vocabulary().system
    return known.get(spelt, spelt) if spelt else known["local"]


def _spoken(segment: Any, text: str) -> str | None:
    """Unescaped; a text with an escape that cannot be read stays as it is, so that no number or code is made of it."""
    escape = str(segment.esc)
    if escape not in text:
        return text or None
    sequences = text.split(escape)[1::2]
    if text.count(escape) % 2 or not all(_ESCAPE.fullmatch(sequence) for sequence in sequences):
        return text
    return str(unescape(segment, text, _HIGHLIGHT)) or None


def elements(message: Any) -> Iterator[tuple[str, Any]]:
    """The segments of a message by name, in order."""
    return ((name(segment), segment) for segment in message)
