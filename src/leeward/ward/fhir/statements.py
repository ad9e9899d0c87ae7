"""From resources to statements: read as record/fhir reads a file of them, each statement under its resource's name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
import pyarrow as pa

from leeward.record.fhir.dispatch import KEPT, any_resource
from leeward.record.fhir.reading import Reading
from leeward.record.settings import Refused, Settings

Named = tuple[str, bytes]
"""A resource's reference, and the resource."""


def statements(
    resources: Sequence[Named], shelf: Sequence[Named], feed: str, settings: Settings
) -> Iterator[pa.RecordBatch | Refused]:
    """What some resources say. The place of each statement is its resource's reference, its source the feed.

    shelf: what they refer to and is on record already; it is looked at, and says nothing anew.
    """
    to = Reading(settings)
    to.rows.source = feed
    to.rows.stand("entry")
    for _, body in shelf:
        any_resource(body, None, to)
    to.rows.forget()
    first = [(number, named) for number, named in enumerate(resources) if _kind(named) in KEPT]
    rest = [(number, named) for number, named in enumerate(resources) if _kind(named) not in KEPT]
    for number, (_, body) in [*first, *rest]:
        to.line = number
        any_resource(body, None, to)
    places = {f"entry {number}": reference for number, (reference, _) in enumerate(resources)}
    for said in [*to.take(), *to.last_attempts()]:
        yield _placed(said, places)


def _kind(named: Named) -> str:
    return named[0].partition("/")[0]


def _placed(said: pa.RecordBatch | Refused, places: dict[str, str]) -> pa.RecordBatch | Refused:
    """The same, placed by the resource and not by its number in the request, which is another each time."""
    if isinstance(said, Refused):
        return msgspec.structs.replace(said, place=places.get(said.place or "", said.place))
    named = [places.get(place, place) for place in said.column("place").to_pylist()]
    return said.set_column(said.schema.get_field_index("place"), "place", pa.array(named, pa.string()))
