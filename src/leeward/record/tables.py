"""Tables of a record as DuckDB sees them: opened in any spelling, located row by row, streamed as statements.

The tabular readers (OMOP, MEDS, CLIF) say in SQL which column means what; nothing here knows a format.
"""

from __future__ import annotations

import csv
import gzip
import os
import tempfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import duckdb
import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from leeward.record import csv_files
from leeward.record.schema import STATEMENT
from leeward.record.settings import Refused

ROWS = 50_000
"""Statements in one batch at most."""

MEMORY = "1GB"
"""What a sort or a join may hold before it goes to disk: reading must not grow with the file."""

_GZIP = b"\x1f\x8b"
_PARQUET_SUFFIXES = (".parquet", ".pq")
_PARQUET_MARK = b"PAR1"
SUFFIXES = (".csv.gz", ".tsv.gz", ".txt.gz", ".csv", ".tsv", ".txt", *_PARQUET_SUFFIXES)
"""What a file of rows is called."""

_CHUNK_BYTES = 1 << 20
PLACE = "place_"
"""The column with the number of a row in its file."""
_FILE = "file_"


class Table(msgspec.Struct, frozen=True):
    """One table of a record: what to select from, the type of each of its columns, and the files it came from."""

    name: str
    scan: str  # what stands after FROM; offers the columns place_ (a row's number) and file_ beside its own
    kinds: Mapping[str, str]  # DuckDB type by column name in lower case
    files: tuple[Path, ...] = ()
    is_csv: bool = False
    separator: str | None = None

    def has(self, column: str) -> bool:
        """Whether the table has this column, in any case."""
        return column.lower() in self.kinds

    def raw(self, *columns: str) -> str:
        """SQL: the first of these columns that is not empty, as text exactly as spelt."""
        spelt = [f"nullif(cast({quoted(name)} as varchar), '')" for name in columns if self.has(name)]
        return f"coalesce({', '.join([*spelt, 'cast(null as varchar)'])})"

    def word(self, *columns: str) -> str:
        """SQL: the first of these columns that says something, without the blanks around it."""
        said = [f"nullif(trim(cast({quoted(name)} as varchar), ' \t\r\n'), '')" for name in columns if self.has(name)]
        return f"coalesce({', '.join([*said, 'cast(null as varchar)'])})"

    def time(self, *columns: str) -> str:
        """SQL: the first of these columns that is there, as a time: with Z where the file itself says UTC."""
        spelt = [_time(name, self.kinds[name.lower()]) for name in columns if self.has(name)]
        return f"coalesce({', '.join([*spelt, 'cast(null as varchar)'])})"


def _time(column: str, kind: str) -> str:
    """SQL: one time column as text."""
    if kind == "TIMESTAMP WITH TIME ZONE":
        return f"replace(cast(make_timestamp(epoch_us({quoted(column)})) as varchar), ' ', 'T') || 'Z'"
    return f"nullif(replace(trim(cast({quoted(column)} as varchar)), ' ', 'T'), '')"


def quoted(name: str) -> str:
    """A column or table name inside SQL, whatever it is spelt like."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text inside SQL."""
    return "'" + text.replace("'", "''") + "'"


def connect() -> duckdb.DuckDBPyConnection:
    """An engine in memory that spills to disk, keeps the order of rows and fetches nothing from outside."""
    con = duckdb.connect(
        config={
            "memory_limit": MEMORY,
            "temp_directory": tempfile.gettempdir(),
            "autoinstall_known_extensions": "false",
            "preserve_insertion_order": "true",
        }
    )
    # A progress bar would be printed among the answers.
    con.execute("set TimeZone = 'UTC'; set enable_progress_bar = false")
    return con


def suffix_of(path: Path) -> str:
    """`.csv.gz`, `.parquet` and their like, in lower case; nothing where a file is no table."""
    name = path.name.lower()
    return next((suffix for suffix in SUFFIXES if name.endswith(suffix)), "")


def opened(
    con: duckdb.DuckDBPyConnection, name: str, files: Sequence[Path], root: Path, separator: str | None = None
) -> Iterator[Table | Refused]:
    """What a table's files hold: each CSV file by itself, Parquet shards as one, and files that cannot be opened.

    separator: the character between the columns of a CSV file; None where its first line is to show it.
    """
    sound: list[Path] = []
    for file in files:
        wrong = _wrong(file)
        if wrong is not None:
            yield broken(name, (file,), root, wrong)
        elif suffix_of(file) in _PARQUET_SUFFIXES:
            sound.append(file)
        else:
            yield delimited(name, file, separator=separator)
    if sound:
        yield parquet(con, name, sound)


def _wrong(file: Path) -> str | None:
    """Why a file cannot be opened as a table; None where it can."""
    if file.stat().st_size == 0:
        return "empty"
    try:
        if suffix_of(file) in _PARQUET_SUFFIXES:
            pq.read_metadata(file)
        else:
            _header(file)
    except (OSError, EOFError, UnicodeDecodeError, zlib.error, pa.ArrowException) as error:
        return "Unexpected end of file" if _begins_as_parquet(file) else str(error)
    return None


def _begins_as_parquet(file: Path) -> bool:
    """Whether a file begins as Parquet does: if it then has no footer, it was cut short."""
    with file.open("rb") as handle:
        return handle.read(len(_PARQUET_MARK)) == _PARQUET_MARK


def parquet(con: duckdb.DuckDBPyConnection, name: str, files: Sequence[Path]) -> Table:
    """A table of one Parquet file or of many shards; shards may differ in their columns."""
    listed = ", ".join(literal(str(file)) for file in files)
    read = f"read_parquet([{listed}], union_by_name=true, filename=true, file_row_number=true)"
    kinds = _kinds(con, read)
    return Table(name=name, scan=_located(read, "file_row_number + 1", "filename"), kinds=kinds, files=tuple(files))


def delimited(name: str, file: Path, *, path: Path | None = None, separator: str | None = None) -> Table:
    """A table of one CSV file, plain or gzip; every column is text, so that 007 stays 007."""
    columns, delimiter = _header(file, separator)
    spelt = ", ".join(f"{literal(column)}: 'VARCHAR'" for column in columns)
    rejects = _rejects(file)
    zipped = "gzip" if _is_gzip(path or file) else "none"
    read = (
        f"read_csv({literal(str(path or file))}, columns={{{spelt}}}, header=true, auto_detect=false, "
        f"delim={literal(delimiter)}, quote='\"', escape='\"', compression='{zipped}', "
        f"store_rejects=true, rejects_table={literal(rejects)}, rejects_scan={literal(rejects + '_scan')})"
    )
    scan = _located(read, "row_number() over ()", literal(str(file)))
    return Table(
        name, scan, dict.fromkeys((c.lower() for c in columns), "VARCHAR"), (file,), is_csv=True, separator=delimiter
    )


def stored(con: duckdb.DuckDBPyConnection, path: Path) -> dict[str, Table]:
    """The tables and views of a DuckDB file, by name in lower case; it is opened for reading only."""
    con.execute(f"attach if not exists {literal(str(path))} as record_ (read_only)")
    found = con.execute(
        "select table_schema, table_name from information_schema.tables where table_catalog = 'record_' order by 1, 2"
    ).fetchall()
    tables: dict[str, Table] = {}
    for schema, name in found:
        whole = f"record_.{quoted(schema)}.{quoted(name)}"
        scan = _located(whole, "row_number() over ()", literal(f"{path}/{schema}.{name}"))
        tables.setdefault(name.lower(), Table(name.lower(), scan, _kinds(con, whole), (path,)))
    return tables


def _located(read: str, place: str, file: str) -> str:
    """SQL: a scan that also says where each row stood."""
    return f"(select *, cast({place} as varchar) as {PLACE}, {file} as {_FILE} from {read})"


def _kinds(con: duckdb.DuckDBPyConnection, relation: str) -> dict[str, str]:
    """DuckDB type by column name in lower case."""
    return {row[0].lower(): row[1] for row in con.execute(f"describe select * from {relation}").fetchall()}


def _is_gzip(file: Path) -> bool:
    """Whether a file is compressed, by its first bytes."""
    with file.open("rb") as handle:
        return handle.read(2) == _GZIP


def _header(file: Path, separator: str | None = None) -> tuple[list[str], str]:
    """The column names of a CSV file and the character between them."""
    with gzip.open(file) if _is_gzip(file) else file.open("rb") as handle:
        line = handle.readline(_CHUNK_BYTES).decode("utf-8-sig")
    delimiter = separator or csv_files.separator(line)
    return next(csv.reader([line], delimiter=delimiter), []), delimiter


def _rejects(file: Path) -> str:
    """The table in which DuckDB keeps the lines of a CSV file that it could not read."""
    return f"rejects_{zlib.crc32(str(file).encode()):08x}"


def statement(table: Table, columns: Mapping[str, str], *, root: Path, tail: str = "") -> str:
    """SQL for statements out of a table: `columns` gives the SQL of each that is said, the others are null.

    `tail` is what follows FROM: joins and filters. Source and place are filled in: the file, and the row in it.
    """
    spelt = {
        "source": f"replace({_FILE}, {literal(str(root) + '/')}, '')",
        "place": f"'row ' || {PLACE}",
        **columns,
    }
    listed = ", ".join(f"cast({spelt.get(name, 'null')} as varchar) as {quoted(name)}" for name in STATEMENT.names)
    return f"select {listed} from {table.scan} {tail}"


Say = Callable[[Table], str]
"""What a reader says about one table: the SQL of its statements."""

Finish = Callable[[pa.RecordBatch], pa.RecordBatch]
"""What SQL cannot say: done to each batch."""


def stream(
    con: duckdb.DuckDBPyConnection, table: Table, say: Say, root: Path, finish: Finish | None = None
) -> Iterator[pa.RecordBatch | Refused]:
    """The statements of one table in batches, each finished, then what of its file could not be read.

    A compressed file that breaks off is read again from its readable part, from the statement where it broke.
    """
    for said in _stream(con, table, say, root):
        yield finish(said) if finish is not None and not isinstance(said, Refused) else said


def _stream(con: duckdb.DuckDBPyConnection, table: Table, say: Say, root: Path) -> Iterator[pa.RecordBatch | Refused]:
    seen = 0
    try:
        for batch in con.sql(say(table)).to_arrow_reader(ROWS):
            seen += batch.num_rows
            yield _fitted(batch)
        yield from _unreadable_lines(con, table, root)
    except (duckdb.Error, pa.ArrowException, OSError) as error:
        if table.is_csv and _is_gzip(table.files[0]):
            yield from _rest(con, table, say, root, seen)
        yield broken(table.name, table.files, root, str(error))


def _rest(
    con: duckdb.DuckDBPyConnection, table: Table, say: Say, root: Path, seen: int
) -> Iterator[pa.RecordBatch | Refused]:
    """The statements of a truncated file's readable part after the first `seen`."""
    with tempfile.TemporaryDirectory(prefix="leeward-") as folder:
        copy = Path(folder) / "readable.csv"
        _unzip_readable(table.files[0], copy)
        whole = delimited(table.name, table.files[0], path=copy, separator=table.separator)
        for batch in con.sql(say(whole)).to_arrow_reader(ROWS):
            late = batch.slice(min(seen, batch.num_rows))
            seen -= batch.num_rows - late.num_rows
            if late.num_rows:
                yield _fitted(late)
        yield from _unreadable_lines(con, whole, root)


def _unzip_readable(file: Path, copy: Path) -> None:
    """What can be decompressed of a truncated file, up to its last whole line."""
    end = whole = 0
    with file.open("rb") as packed, copy.open("wb") as plain:
        unpack = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        while chunk := packed.read(_CHUNK_BYTES):
            try:
                part = unpack.decompress(chunk)
            except zlib.error:
                break
            plain.write(part)
            whole = end + part.rfind(b"\n") + 1 if b"\n" in part else whole
            end += len(part)
    os.truncate(copy, whole)


def _fitted(batch: pa.RecordBatch) -> pa.RecordBatch:
    """A batch with exactly the columns of a statement."""
    return pa.RecordBatch.from_arrays([column.cast(pa.string()) for column in batch.columns], schema=STATEMENT)


def broken(name: str, files: Sequence[Path], root: Path, message: str) -> Refused:
    """A file that cannot be read, or not to its end."""
    empty = [file for file in files if file.stat().st_size == 0]
    reason = "file-empty" if empty else "file-truncated" if "end of" in message.lower() else "file-unreadable"
    where = relative((empty or list(files) or [root])[0], root)
    detail = f"{name}: {message.splitlines()[0] if message else reason}"
    return Refused(reason, detail=detail, source=where)


def relative(file: Path, root: Path) -> str:
    """A file's name as a reader of the record knows it."""
    return file.relative_to(root).as_posix() if file != root and file.is_relative_to(root) else file.name


def _unreadable_lines(con: duckdb.DuckDBPyConnection, table: Table, root: Path) -> Iterator[Refused]:
    """The lines of a CSV file that are not rows of its table."""
    if not table.is_csv:
        return
    found = con.sql(f"select distinct line, error_type, error_message from {_rejects(table.files[0])} order by line")
    for batch in found.to_arrow_reader(ROWS):
        for line, kind, message in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            detail = f"{kind.lower()}: {message}"
            yield Refused("line-unreadable", detail=detail, source=relative(table.files[0], root), place=f"line {line}")
