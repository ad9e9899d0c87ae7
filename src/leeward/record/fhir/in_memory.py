"""FHIR R4 that arrived as bytes (prefetch of a CDS Hooks request, a posted Bundle): read as a file of it would be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pyarrow as pa

from leeward.record.door import Door
from leeward.record.fhir.dispatch import any_resource, meet_patients
from leeward.record.fhir.reading import Reading
from leeward.record.settings import Refused, Settings
from leeward.record.spool import Record, Spool

__all__ = ["from_bytes", "statements"]

RECOGNISED = "FHIR R4, in memory"


def statements(texts: Mapping[str, bytes], settings: Settings) -> Iterator[pa.RecordBatch | Refused]:
    """Everything some resources or Bundles say, and what could not be read; each is named by its key.

    Who is in them is learnt first: one id in two of them may stand for two patients. What refers to a resource of a
    later one waits for it.
    """
    to = Reading(settings)
    if len(texts) > 1:
        for text in texts.values():
            meet_patients(text, to)
    for source, text in texts.items():
        to.rows.source, to.line = source, 1
        to.rows.stand("document")
        any_resource(text, None, to)
        for kind, count in sorted(to.unread.items()):
            to.rows.refuse("resource-not-read", None, f"{kind}: {count}, of a type that grades nothing")
        to.unread.clear()
        yield from to.take()
    yield from to.last_attempts()


def from_bytes(texts: Mapping[str, bytes], settings: Settings, *, declares: frozenset[str] = frozenset()) -> Record:
    """The record that some resources or Bundles make up, held in memory: findings, and refusals with reasons.

    texts: by a name that findings and refusals give as their source. declares: what holds for the whole source.
    """
    door, spool = Door(settings), Spool()
    told = list(statements(texts, settings))
    batches = [said for said in told if isinstance(said, pa.RecordBatch)]
    if batches:
        spool.add(*door.admit(pa.Table.from_batches(batches)))  # together: a few rows cost the door as much as many
    for said in told:
        if isinstance(said, Refused):
            spool.refuse(door.refuse(said))
    return spool.record(RECOGNISED, declares, settings)
