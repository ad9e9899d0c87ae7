"""`leeward discord`: grades that the record documents, beside ours, with the findings behind each disagreement."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from leeward.commands.options import Asked, AsOf, Assume, Mapping, PathArgument, RoomAir, Zone

if TYPE_CHECKING:
    from leeward.cohort.answer import Because
    from leeward.cohort.discord import Comparison

_MINUTE = "%Y-%m-%d %H:%M"


def add_to(app: typer.Typer, asked: Asked) -> None:
    """Adds the command to the command line."""

    @app.command()
    def discord(
        path: PathArgument,
        json: Annotated[bool, typer.Option("--json", help="one JSON object per documented grade per line")] = False,
        as_of: AsOf = None,
        assume_trigger: Assume = None,
        room_air: RoomAir = None,
        zone: Zone = None,
        mapping: Mapping = None,
    ) -> None:
        """List where a documented grade and ours differ, with the rows behind ours."""
        from leeward.cohort.discord import comparisons

        record, question = asked(path, as_of, assume_trigger, room_air, zone, mapping)
        found = comparisons(record, question)
        for line in (msgspec.json.encode(one).decode() for one in found) if json else lines(found):
            typer.echo(line)


def lines(found: Iterator[Comparison]) -> Iterator[str]:
    """The worklist in words: what differs or cannot be told, then how many of each."""
    counts: Counter[str] = Counter()
    for one in found:
        counts[one.verdict] += 1
        if one.verdict != "agree":
            yield from _said(one)
    if not counts:
        yield "no documented grade of CRS or ICANS in this record"
        return
    yield ", ".join(f"{counts[verdict]} {verdict}" for verdict in ("agree", "disagree", "cannot tell"))


def _said(one: Comparison) -> Iterator[str]:
    """One comparison and the findings behind ours."""
    told = one.documented
    when = told.at.strftime(_MINUTE) + (f" to {told.until.strftime(_MINUTE)}" if told.until else "")
    where = ", ".join(part for part in (told.source, told.place) if part)
    grade = "without a grade" if told.grade is None else f"grade {told.grade}"
    yield f"{one.patient}  {one.syndrome.upper()}  {one.verdict}: documented {grade}, {when} ({where or 'no place'})"
    for reason in one.reasons:
        yield f"    {reason}"
    if one.computed is not None and one.because:
        yield f"    ours at {one.computed.at.strftime(_MINUTE)} rests on"
        yield from (f"      {_cited(because, one.computed.at)}" for because in one.because)
    yield ""


def _cited(because: Because, at: datetime) -> str:
    """One finding, how long before, and where it stood."""
    value = "" if because.value is None else f" {because.value}"
    unit = f" {because.unit}" if because.unit else ""
    hours = (at - because.at).total_seconds() / 3600
    where = ", ".join(part for part in (because.source, because.place) if part)
    return (
        f"{because.quantity}{value}{unit}, {because.at.strftime(_MINUTE)} ({hours:g} h before; {where or 'no place'})"
    )
