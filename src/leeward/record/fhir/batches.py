"""What has been read, as batches of statements."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from leeward.record.columns import matches
from leeward.record.fhir.pieces import Packed, Told
from leeward.record.fhir.rows import WIDTH, Kind, Row
from leeward.record.schema import STATEMENT
from leeward.record.settings import Refused

_TIME = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})$"
_FINE = r"(\.[0-9]{6})[0-9]+"


def of_rows(flat: list[str | int | None], kinds: Iterable[tuple[str | None, ...]], source: str) -> pa.RecordBatch:
    """Rows laid end to end."""
    told = {name: flat[place::WIDTH] for place, name in enumerate(Row._fields)}
    number, line = pa.array(told.pop("kind"), pa.int32()), pa.array(told.pop("line"), pa.int64())
    return of_columns(
        {name: pa.array(column, pa.string()) for name, column in told.items()}, number, line, kinds, source
    )


def of_columns(
    told: Mapping[str, pa.Array],
    number: pa.Array,
    line: pa.Array,
    kinds: Iterable[tuple[str | None, ...]],
    source: str,
) -> pa.RecordBatch:
    """What tells statements apart, with the number of each one's kind and of its line."""
    columns = dict(told)
    for name, column in zip((*Kind._fields, "where"), zip(*kinds, strict=True), strict=True):
        said = pa.array(column, pa.string())
        columns[name] = pa.nulls(len(line), said.type) if said.null_count == len(said) else said.take(number)
    columns["version"] = _ordered_once(columns["version"])
    columns["received"] = pa.nulls(len(line), pa.string())
    columns["source"] = pa.repeat(pa.scalar(source, pa.string()), len(line))
    columns["place"] = pc.binary_join_element_wise(columns["where"], line.cast(pa.string()), " ")
    return pa.RecordBatch.from_arrays([columns[name] for name in STATEMENT.names], schema=STATEMENT)


def of_piece(told: Told, before: int, source: str) -> pa.RecordBatch:
    """A piece of a file, of whose lines `before` come before it."""
    columns = {name: _text(column) for name, column in told.columns.items()}
    line = pc.add(pa.array(np.frombuffer(told.line, np.int64)), before)
    return of_columns(columns, pa.array(np.frombuffer(told.kind, np.int64)), line, told.kinds, source)


def _text(column: Packed) -> pa.Array:
    """A column of texts from its bytes."""
    lengths = np.frombuffer(column.lengths, np.int32)
    ends = np.zeros(len(lengths) + 1, np.int32)
    np.cumsum(lengths, out=ends[1:])
    said = None if column.said is None else pa.array(np.frombuffer(column.said, np.bool_)).buffers()[1]
    return pa.StringArray.from_buffers(len(lengths), pa.py_buffer(ends), pa.py_buffer(column.letters), said)


def unambiguous(batch: pa.RecordBatch, ambiguous: set[str], source: str) -> tuple[pa.RecordBatch, list[Refused]]:
    """The statements about patients whom their ids tell apart; the others are refused."""
    if not ambiguous:
        return batch, []
    lost = pc.is_in(batch.column("patient"), value_set=pa.array(sorted(ambiguous), pa.string()))
    refused = []
    for row in batch.filter(lost).select(["patient", "quantity", "system", "code", "place"]).to_pylist():
        about = row["quantity"] or "|".join(part for part in (row["system"], row["code"]) if part)
        refused.append(Refused("ambiguous-patient", row["patient"], None, about, source, row["place"]))
    return batch.filter(pc.invert(lost)), refused


def _ordered_once(version: pa.Array) -> pa.Array:
    """The same as `ordered`: of resources that were stored together, each version once."""
    encoded = version.dictionary_encode()
    return ordered(encoded.dictionary).take(encoded.indices)


def ordered(version: pa.Array) -> pa.Array:
    """Versions spelt so that a newer one sorts behind an older one: times in UTC to the microsecond, numbers padded."""
    if version.null_count == len(version):
        return version
    is_time = pa.array(matches(version, _TIME), mask=version.is_null().to_numpy(zero_copy_only=False))
    all_times = pc.all(is_time).as_py()
    times = version if all_times else pc.if_else(is_time, version, None)
    try:
        fine = pc.any(pc.match_substring(times, ".")).as_py()
        coarse = pc.replace_substring_regex(times, _FINE, r"\1") if fine else times
        instants = pc.cast(coarse, pa.timestamp("us", "UTC"))
        bare = instants.cast(pa.timestamp("us")).cast(pa.string())
        spelt = pc.binary_join_element_wise(pc.binary_replace_slice(bare, 10, 11, "T"), "Z", "")
    except pa.ArrowInvalid:
        # A day or an hour that does not exist: as text the others still sort among themselves.
        spelt = times
    if all_times:
        return spelt
    numbers = pc.match_substring_regex(version, "^[0-9]{1,20}$")
    return pc.coalesce(spelt, pc.if_else(numbers, pc.utf8_lpad(version, 20, "0"), version))
