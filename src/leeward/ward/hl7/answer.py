"""Acknowledgements: MSH, MSA and an ERR for each reason; nothing of the message but what names it goes back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import hl7

from leeward.ward.hl7.fields import said
from leeward.ward.hl7.reading import OF_MESSAGE
from leeward.ward.hl7.vocabulary import Refusal

_OURS = "MSH|^~\\&|LEEWARD"
_ACCEPT, _APPLICATION = 15, 16
_DATA_ERROR = 102


class Trouble(NamedTuple):
    """One reason against a message or part of it, where it stands, and whether the rest was taken."""

    reason: str
    code: int
    place: str | None
    is_warning: bool
    says: str = ""


def of(refusal: Refusal) -> Trouble:
    """A refusal as an ERR tells it."""
    return Trouble(refusal.reason, refusal.told.code, refusal.place, False, refusal.told.says)


def warning(row: dict[str, Any]) -> Trouble:
    """A refused statement of a message that was taken, by reason and place."""
    place = (row["place"] or "").partition(OF_MESSAGE)[0]
    return Trouble(row["reason"], _DATA_ERROR, place, True, "kept apart, and grades nothing")


def answers(header: Any, code: str, troubles: Sequence[Trouble], at: datetime, number: str) -> list[str]:
    """The acknowledgements that the sender asks for.

    header: the MSH of the message, None where there is none that can be read. Original mode (MSH-15 and MSH-16 empty):
    one, AA, AE or AR. Enhanced mode: an accept acknowledgement (CA, CE, CR), an application acknowledgement, both or
    neither, each on its own condition.
    """
    asked = [said(header, field) if header is not None else None for field in (_ACCEPT, _APPLICATION)]
    if asked == [None, None]:
        return [_one(header, code, troubles, at, number)]
    codes = [f"C{code[1]}", code]
    return [
        _one(header, answer, troubles, at, f"{number}{answer[0]}")
        for answer, condition in zip(codes, asked, strict=True)
        if condition in ("AL", "SU" if code == "AA" else "ER")
    ]


def _one(header: Any, code: str, troubles: Sequence[Trouble], at: datetime, number: str) -> str:
    """One acknowledgement, in the sender's own separators."""
    source = header if header is not None else hl7.parse(f"{_OURS}\r")[0]
    msh, msa = _segment(source, "MSH"), _segment(source, "MSA")
    for field in (1, 2):
        msh.assign_field(str(source[field]), field)
    for field, echoed in ((3, 5), (4, 6), (5, 3), (6, 4), (11, 11), (12, 12), (18, 18)):
        if _raw(source, echoed):
            msh.assign_field(_raw(source, echoed), field)
    msh.assign_field(_raw(source, 5) or "LEEWARD", 3)
    msh.assign_field(at.strftime("%Y%m%d%H%M%S+0000"), 7)
    event = said(source, 9, 2)
    msh.assign_field("ACK", 9, 1, 1)
    if event:
        msh.assign_field(event, 9, 1, 2)
        msh.assign_field("ACK", 9, 1, 3)
    msh.assign_field(number, 10)
    msa.assign_field(code, 1)
    msa.assign_field(_raw(source, 10) if header is not None else "", 2)
    if troubles and not troubles[0].is_warning:
        msa.assign_field(troubles[0].reason, 3)
    made = source.create_message([msh, msa, *(_error(source, trouble) for trouble in troubles)])
    return str(made)


def _segment(source: Any, name: str) -> Any:
    return source.create_segment([source.create_field([name])])


def _raw(source: Any, field: int) -> str:
    """A field as it was sent, escapes and all."""
    return str(source[field]) if field < len(source) else ""


def _error(source: Any, trouble: Trouble) -> Any:
    """ERR: where (2), the code of table 0357 (3), how grave (4), our own reason (5), in words (8)."""
    err = _segment(source, "ERR")
    segment, _, number = (trouble.place or "").replace("-", " ").partition(" ")
    where = (segment, "1", number) if "-" in (trouble.place or "") else (segment, number)
    for part, text in enumerate(where, start=1):
        if text:
            err.assign_field(text, 2, 1, part)
    err.assign_field(str(trouble.code), 3)
    err.assign_field("W" if trouble.is_warning else "E", 4)
    err.assign_field(trouble.reason, 5)
    err.assign_field(trouble.says, 8)
    return err
