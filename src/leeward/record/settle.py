"""What can be decided only once a whole record is read: several versions of one statement, and times before birth."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from leeward.knowledge.vocabulary import quantities
from leeward.record.pile import Pile
from leeward.record.schema import FINDING, REFUSAL
from leeward.record.words import UNREADABLE

BEFORE_BIRTH = "before-birth"
_MEMORY = "2GB"
_STANDS_IN = f"coalesce(text = '{UNREADABLE}', false)"
_EARLY = "coalesce(f.measured_at < b.born - interval 1 day, false)"  # a day's grace: birth dates have no zone


def settle(findings: Pile, births: pa.Table, identified: bool, folder: Callable[[], Path]) -> pa.Table:
    """Flag the findings whose record has several, drop stand-ins for unreadable versions that replace nothing.

    births: patient and birth date as text. identified: whether any finding bears a record id.
    Gives back the refusals of what was measured before birth.
    """
    if findings.file is None and not _needed(findings.table(), births):
        return REFUSAL.empty_table()
    if not identified and births.num_rows == 0:
        return REFUSAL.empty_table()
    con = duckdb.connect(config={"temp_directory": tempfile.gettempdir(), "memory_limit": _MEMORY})
    try:
        con.execute("set TimeZone = 'UTC'; set enable_progress_bar = false")
        con.register("births_", births)
        if findings.file is None:
            con.register("findings_", findings.table())
        else:
            con.execute(f"create view findings_ as from read_parquet('{findings.file}')")
        return _settle(con, findings, folder)
    finally:
        con.close()


def _needed(table: pa.Table, births: pa.Table) -> bool:
    """Whether a short record has anything to settle: most have not."""
    record = table["record"]
    several = pc.count_distinct(record).as_py() < table.num_rows - record.null_count
    stands_in = pc.any(pc.equal(table["text"], UNREADABLE)).as_py()
    born = pc.max(births["born"]).as_py()
    first = None
    if born:
        timed = pc.invert(pc.is_in(table["quantity"], value_set=pa.array(_timeless())))
        first = pc.min(table["measured_at"].filter(timed)).as_py()
    return bool(several or stands_in or (first and born and first.date().isoformat() < born))


def _timeless() -> list[str]:
    return [name for name, quantity in quantities().items() if quantity.timeless]


def _settle(con: duckdb.DuckDBPyConnection, findings: Pile, folder: Callable[[], Path]) -> pa.Table:
    # Hashes first: the identifiers of a long record would fill the memory, and nearly all occur once.
    con.execute(
        "create temp table twice as select hash(patient, record) as hashed from findings_ "
        "where record is not null group by all having count(*) > 1"
    )
    con.execute(
        "create temp table several as select patient, record from findings_ "
        "where record is not null and hash(patient, record) in (select hashed from twice) "
        "group by all having count(*) > 1"
    )
    con.execute(
        "create temp table births as select patient, max(try_cast(born as date))::timestamptz as born "
        "from births_ group by patient"
    )
    timeless = ", ".join(f"'{name}'" for name in _timeless())
    joined = (
        "from findings_ f left join several s using (patient, record) "
        f"left join births b on f.patient = b.patient and f.quantity not in ({timeless})"
    )
    refused = con.sql(
        f"select f.patient, '{BEFORE_BIRTH}' as reason, f.quantity, cast(f.measured_at as varchar) as detail, "
        f"f.source, f.place {joined} where {_EARLY}"
    ).to_arrow_table()
    found = con.execute(f"select exists(from several) or exists(from findings_ where {_STANDS_IN})").fetchall()
    if refused.num_rows == 0 and found == [(False,)]:
        return REFUSAL.empty_table()
    kept = (
        f"select f.* replace (s.record is not null as revised) {joined} "
        f"where not {_EARLY} and (s.record is not null or not {_STANDS_IN})"
    )
    if findings.file is None:
        findings.replace(con.sql(kept).to_arrow_table().cast(FINDING))
    else:
        settled = folder() / "findings-settled.parquet"
        con.execute(f"copy ({kept}) to '{settled}' (compression lz4)")
        findings.replace_file(settled)
    return refused.cast(REFUSAL)
