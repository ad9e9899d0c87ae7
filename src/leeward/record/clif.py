"""CLIF 2 in: a folder of `clif_*.parquet`; what its categories mean stands in knowledge/codes/clif.toml."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path

import duckdb
import msgspec
import pyarrow as pa

from leeward.knowledge.loader import Evidence, load
from leeward.record import folder, tables
from leeward.record.settings import Refused, Settings
from leeward.record.tables import Table, literal, quoted, statement
from leeward.record.words import DEVICE, Words

NAME = "CLIF 2"
_PREFIX = "clif_"
_STAYS = "stays_"
_BLANK = "cast(null as varchar)"


class _Site(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"becomes": "is"}):
    becomes: str
    like: str


class _Vitals(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    sites: tuple[_Site, ...]


class _Labs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    no_unit: tuple[str, ...]


class _Continuous(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    stops: tuple[str, ...]


class _Intermittent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    given: tuple[str, ...]
    not_given: tuple[str, ...]
    combined: tuple[str, ...]


class _Device(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    category_first: tuple[str, ...]


class _Hospitalization(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    died: tuple[str, ...]


class _Clif(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """knowledge/formats/clif.toml."""

    source: str
    evidence: Evidence
    checked: date
    vitals: _Vitals
    labs: _Labs
    continuous: _Continuous
    intermittent: _Intermittent
    device: _Device
    hospitalization: _Hospitalization


def recognises(path: Path) -> str | None:
    """`CLIF 2 (n tables)` for a folder with at least one table that is read."""
    found = folder.find(path, _SAY, prefix=_PREFIX).files
    return f"{NAME} ({len(found)} tables)" if found else None


def statements(path: Path, settings: Settings) -> Iterator[pa.RecordBatch | Refused]:
    """Every row of every table as a statement of a patient; a row of a stay that is not listed has no patient."""
    del settings  # CLIF fixes its codes, and its times are in UTC
    found = folder.find(path, _SAY, prefix=_PREFIX)
    for file in found.left_out:
        yield Refused(
            "file-not-read", detail="another file of the same table was read", source=tables.relative(file, path)
        )
    con = tables.connect()
    try:
        _stays(con, found.files.get("hospitalization", ()), path)
        for name, say in _SAY.items():
            for table in tables.opened(con, name, found.files.get(name, ()), path):
                yield from _read(con, table, say, path)
    finally:
        con.close()


def _read(
    con: duckdb.DuckDBPyConnection, table: Table | Refused, say: Callable[[Table, Path], str], root: Path
) -> Iterator[pa.RecordBatch | Refused]:
    """The statements of one table."""
    if isinstance(table, Refused):
        yield table
        return
    if table.name == "respiratory_support":
        _devices(con, table)
    yield from tables.stream(con, table, lambda part: say(part, root), root)


def _stays(con: duckdb.DuckDBPyConnection, files: Sequence[Path], root: Path) -> None:
    """Which patient each hospitalization belongs to; a stay listed under two patients belongs to neither."""
    con.execute(f"create or replace table {_STAYS} (stay varchar, person varchar)")
    for table in tables.opened(con, "hospitalization", files, root):
        if isinstance(table, Refused):
            continue  # said when the table itself is read
        con.execute(
            f"insert into {_STAYS} select {table.raw('hospitalization_id')}, min({table.raw('patient_id')}) "
            f"from {table.scan} group by 1 having count(distinct {table.raw('patient_id')}) = 1"
        )


def _of_stay(table: Table) -> tuple[str, str]:
    """SQL of the patient of a row, and the join it needs."""
    if table.has("patient_id"):
        return table.raw("patient_id"), ""
    return "stay_.person", f"left join {_STAYS} stay_ on stay_.stay = {table.raw('hospitalization_id')}"


def _coded(table: Table, category: str) -> dict[str, str]:
    """System and code of a row, from its category."""
    return {"system": "'clif'", "code": f"'{table.name}/' || lower({table.word(category)})"}


def _one(table: Table, root: Path, columns: dict[str, str], tail: str = "") -> str:
    """The SQL of one statement per row of a table."""
    patient, join = _of_stay(table)
    return statement(table, {"patient": patient, **columns}, root=root, tail=f"{join} {tail}")


def _vitals(table: Table, root: Path) -> str:
    """One value per row; its site from the row, else from the name it was charted under."""
    name = f"lower({table.word('vital_name')})"
    by_name = " ".join(
        f"when regexp_matches({name}, {literal(site.like)}) then {literal(site.becomes)}"
        for site in _clif().vitals.sites
    )
    columns = {
        **_coded(table, "vital_category"),
        "value": table.raw("vital_value"),
        "site": f"coalesce(lower({table.word('meas_site_name')}), case {by_name} end)",
        "start": table.time("recorded_dttm"),
    }
    return _one(table, root, columns)


def _labs(table: Table, root: Path) -> str:
    """Drawn at the collection time.

    The number is read where there is one, the text for what only it says: a leading `<`, or a word. The text may hold
    a remark (`<0.2.`), or be blanked out (`___`) where the number is not.
    """
    blanks = ", ".join(literal(word) for word in _clif().labs.no_unit)
    unit = table.word("reference_unit")
    comparator = f"nullif(regexp_extract({table.word('lab_value')}, '^(<=|>=|<|>)', 1), '')"
    columns = {
        **_coded(table, "lab_category"),
        "value": table.raw("lab_value_numeric", "lab_value"),
        "comparator": f"case when {table.raw('lab_value_numeric')} is not null then {comparator} end",
        "unit": f"case when lower({unit}) in ({blanks}) then null else {unit} end",
        "site": table.word("lab_specimen_category", "lab_specimen_name"),
        "start": table.time("lab_collect_dttm", "lab_order_dttm"),
        "reported": table.time("lab_result_dttm"),
    }
    return _one(table, root, columns)


def _continuous(table: Table, root: Path) -> str:
    """Rows of one order as intervals: each rate runs from its row until the next row, the last one without an end.

    A row that ends an infusion is only the end of the one before; where nothing ran before, it stands as a rate of 0.
    """
    stops = ", ".join(literal(word) for word in _clif().continuous.stops)
    order = ", ".join(
        [f"{table.raw(name)}" for name in ("hospitalization_id", "patient_id", "med_order_id") if table.has(name)]
        + [f"lower({table.word('med_category')})"]
    )
    ordered = f"over (partition by {order} order by {quoted('admin_dttm')}, cast({tables.PLACE} as bigint))"
    ends = f"coalesce(lower({table.word('mar_action_category')}) in ({stops}), false)"
    followed = msgspec.structs.replace(
        table,
        scan=f"(select *, {ends} as ends_, lag({ends}) {ordered} as before_ended_, "
        f"lead({table.time('admin_dttm')}) {ordered} as until_ from {table.scan})",
    )
    columns = {
        **_coded(table, "med_category"),
        "value": f"case when ends_ then '0' else {table.raw('med_dose')} end",
        "unit": table.word("med_dose_unit"),
        "text": table.word("med_name"),
        "start": table.time("admin_dttm"),
        "end": "case when not ends_ then until_ end",
        "site": table.word("med_route_category", "med_route_name"),
    }
    return _one(
        followed,
        root,
        columns,
        f"where not ends_ or coalesce(before_ended_, true) order by cast({tables.PLACE} as bigint)",
    )


def _intermittent(table: Table, root: Path) -> str:
    """One dose per row."""
    words = _clif().intermittent
    action, category = f"lower({table.word('mar_action_category')})", f"lower({table.word('med_category')})"
    given, not_given, combined = (
        ", ".join(literal(word) for word in listed) for listed in (words.given, words.not_given, words.combined)
    )
    columns = {
        **_coded(table, "med_category"),
        "value": f"case when {category} in ({combined}) then null else {table.raw('med_dose')} end",
        "unit": table.word("med_dose_unit"),
        "text": table.word("med_name"),
        "start": table.time("admin_dttm"),
        "status": f"case when {action} in ({given}) then 'completed' when {action} in ({not_given}) then 'not-done' "
        f"else coalesce({action}, 'unknown') end",
        "site": table.word("med_route_category", "med_route_name"),
    }
    return _one(table, root, columns)


def _devices(con: duckdb.DuckDBPyConnection, table: Table) -> None:
    """The word to read for each pair of device name and category: the name where its word is known."""
    name, category = table.word("device_name"), table.word("device_category")
    pairs = con.execute(f"select distinct {name}, {category} from {table.scan}").fetchall()
    words = Words([])
    first = _clif().device.category_first
    chosen = [
        (
            named,
            kind,
            named if named and (kind or "").lower() not in first and words.normal(DEVICE, named) else kind or named,
        )
        for named, kind in pairs
    ]
    con.execute("create or replace table devices_ (named varchar, kind varchar, word varchar)")
    if chosen:
        con.executemany("insert into devices_ values (?, ?, ?)", chosen)


def _respiratory(table: Table, root: Path) -> str:
    """Device, flow and inspired fraction of one row, each as its own statement; a row may lack any of them."""
    split = msgspec.structs.replace(
        table, scan=f"(select *, unnest(['device', 'lpm_set', 'fio2_set']) as said_ from {table.scan})"
    )
    value = f"case said_ when 'lpm_set' then {table.raw('lpm_set')} when 'fio2_set' then {table.raw('fio2_set')} end"
    columns = {
        "system": "'clif'",
        "code": f"'{table.name}/' || said_",
        "value": value,
        "text": "case said_ when 'device' then devices_.word end",
        "start": table.time("recorded_dttm"),
    }
    tail = (
        f"left join devices_ on devices_.named is not distinct from {table.word('device_name')} "
        f"and devices_.kind is not distinct from {table.word('device_category')} "
        f"where coalesce({value}, case said_ when 'device' then devices_.word end) is not null"
    )
    return _one(split, root, columns, tail)


def _adt(table: Table, root: Path) -> str:
    columns = {**_coded(table, "location_category"), "start": table.time("in_dttm"), "end": table.time("out_dttm")}
    return _one(table, root, columns)


def _hospitalization(table: Table, root: Path) -> str:
    """Age at admission, and a death in hospital at discharge."""
    died = ", ".join(literal(word) for word in _clif().hospitalization.died)
    split = msgspec.structs.replace(
        table, scan=f"(select *, unnest(['age-years', 'death']) as said_ from {table.scan})"
    )
    columns = {
        "quantity": "said_",
        "value": f"case said_ when 'age-years' then {table.raw('age_at_admission')} end",
        "text": "case said_ when 'death' then 'unstated' end",
        "start": f"case said_ when 'death' then {table.time('discharge_dttm')} else {table.time('admission_dttm')} end",
    }
    told = f"case said_ when 'age-years' then {table.raw('age_at_admission')} is not null "
    told += f"else coalesce(lower({table.word('discharge_category')}) in ({died}), false) end"
    return _one(split, root, columns, f"where {told}")


def _patient(table: Table, root: Path) -> str:
    """Birth, sex and death."""
    split = msgspec.structs.replace(
        table, scan=f"(select *, unnest(['birth-date', 'sex', 'death']) as said_ from {table.scan})"
    )
    text = (
        f"case said_ when 'birth-date' then left({table.time('birth_date')}, 10) "
        f"when 'sex' then {table.word('sex_category')} when 'death' then 'unstated' end"
    )
    columns = {
        "quantity": "said_",
        "text": text,
        "start": f"case said_ when 'death' then {table.time('death_dttm')} end",
    }
    said = f"said_ = 'birth-date' and {table.time('birth_date')} is not null"
    said += f" or said_ = 'sex' and {table.word('sex_category')} is not null"
    said += f" or said_ = 'death' and {table.time('death_dttm')} is not null"
    return _one(split, root, columns, f"where {said}")


def _assessments(table: Table, root: Path) -> str:
    columns = {
        **_coded(table, "assessment_category"),
        "value": table.raw("numerical_value"),
        "text": table.word("categorical_value", "text_value"),
        "start": table.time("recorded_dttm"),
    }
    return _one(table, root, columns)


def _clif() -> _Clif:
    held: _Clif = load("formats/clif", _Clif)
    return held


_SAY: dict[str, Callable[[Table, Path], str]] = {
    "patient": _patient,
    "hospitalization": _hospitalization,
    "adt": _adt,
    "vitals": _vitals,
    "labs": _labs,
    "respiratory_support": _respiratory,
    "medication_admin_continuous": _continuous,
    "medication_admin_intermittent": _intermittent,
    "patient_assessments": _assessments,
}
"""What is read of each table, in this order: weights come before the rates that need them."""
