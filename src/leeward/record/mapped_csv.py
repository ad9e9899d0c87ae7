"""CSV of any other form in, by a mapping that says which column means what."""

from __future__ import annotations

import codecs
import tempfile
from collections.abc import Iterator
from fnmatch import fnmatch
from functools import cache, partial
from pathlib import Path

import duckdb
import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from leeward.knowledge import mapping as form
from leeward.knowledge.loader import BadKnowledge, load, names, read
from leeward.knowledge.vocabulary import quantities
from leeward.record import sources, spelling, tables
from leeward.record.beside import with_limits
from leeward.record.codes import Codes
from leeward.record.csv_files import SUFFIXES, header, once_a_line
from leeward.record.errors import BadSetting, Malformed
from leeward.record.settings import Refused, Settings

_PARTS = ("patient", "start", "end", "reported", "received", "quantity", "system", "code", "value", "unit", "text",
          "comparator", "status", "site", "record", "version")  # fmt: skip
_TIMES = ("start", "end", "reported", "received")
_NUMBERS = ("value",)  # of an infusion, `_infusions` puts its rate here
_TEXT_SUFFIXES = (".tsv", ".tsv.gz", ".txt", ".txt.gz")
_PLAIN = "utf-8"


def load_mapping(path: Path) -> form.Mapping:
    """A user's mapping file.

    Raises BadSetting, with file and line, when it is missing or does not fit.
    """
    if not path.is_file():
        raise BadSetting(f"there is no mapping file at {path}")
    try:
        return read(path, form.Mapping)
    except BadKnowledge as error:
        raise BadSetting(f"mapping {error} (docs/mapping.md says what a mapping holds)") from None


@cache
def shipped() -> tuple[Mapped, ...]:
    """The mappings that come with Leeward, as readers."""
    found = [name for name in names("local") if name.endswith(sources.MAPPING_SUFFIX)]
    return tuple(Mapped(load(name, form.Mapping)) for name in found)


class Mapped:
    """A reader for one mapping."""

    def __init__(self, mapping: form.Mapping) -> None:
        self.mapping = mapping
        self.name = mapping.title

    def recognises(self, path: Path) -> str | None:
        """The mapping's title, for a folder with the files, or for files with the columns, by which it is known."""
        known = self.mapping.recognised_by
        return self.name if sources.has_files(known, path) or sources.has_columns(known, path) else None

    def statements(self, path: Path, settings: Settings) -> Iterator[pa.RecordBatch | Refused]:
        """Every row of every mapped file; files that no table names are listed as not read.

        Raises Malformed when a mapped column is not in its file, or when no file fits the mapping.
        """
        root = path if path.is_dir() else path.parent
        files = _files(path)
        used: set[Path] = set()
        codes = Codes(settings.local)
        con = tables.connect()
        try:
            for table in self.mapping.table:
                fitting = [file for file in files if fnmatch(_stem(file, root), table.file)]
                used.update(fitting)
                for file in fitting:
                    yield from self._read(con, table, file, root, codes)
        finally:
            con.close()
        if not used:
            wanted = ", ".join(sorted({table.file for table in self.mapping.table}))
            raise Malformed(f"{path} holds none of the files that the mapping '{self.name}' names: {wanted}")
        met = {table.file for table in self.mapping.table for file in files if fnmatch(_stem(file, root), table.file)}
        missing = {table.file for table in self.mapping.table} - met
        if path.is_dir() and not self.mapping.recognised_by.files:  # of a public data set every copy is a part
            for name in sorted(missing):
                yield Refused("file-missing", detail=f"the mapping names '{name}'; no such file is here")
        for file in sorted(file for file in set(files) - used if not file.name.lower().endswith(_TEXT_SUFFIXES)):
            yield Refused("file-not-read", detail="not named by the mapping", source=tables.relative(file, root))

    def _read(
        self, con: duckdb.DuckDBPyConnection, table: form.Table, file: Path, root: Path, codes: Codes
    ) -> Iterator[pa.RecordBatch | Refused]:
        """The statements of one file; from a copy where its letters are not UTF-8."""
        if codecs.lookup(self.mapping.encoding).name == _PLAIN:
            yield from self._rows(con, table, file, root, codes)
            return
        with tempfile.TemporaryDirectory(prefix="leeward-") as folder:
            copy, wrong = spelling.decoded(file, root, self.mapping.encoding, Path(folder))
            yield from self._rows(con, table, copy, Path(folder), codes)
        if wrong is not None:
            yield wrong

    def _rows(
        self, con: duckdb.DuckDBPyConnection, table: form.Table, file: Path, root: Path, codes: Codes
    ) -> Iterator[pa.RecordBatch | Refused]:
        _check(table, file, self.mapping.separator)
        for opened in tables.opened(con, tables.relative(file, root), [file], root, self.mapping.separator):
            if isinstance(opened, Refused):
                yield opened
            elif table.rate is None:
                said = once_a_line(tables.stream(con, opened, lambda t: self._say(t, table, root), root))
                yield from said if table.upper_limit is None else _with_limits(said, codes)
            else:
                yield from self._infusions(con, opened, table, root, codes)

    def _infusions(
        self, con: duckdb.DuckDBPyConnection, opened: tables.Table, table: form.Table, root: Path, codes: Codes
    ) -> Iterator[pa.RecordBatch | Refused]:
        """Rows that carry both an amount and a rate: those read by their amount, then the infusions by their rate."""
        kinds: dict[str, bool] = {}
        for by_rate in (False, True):
            chosen = table if not by_rate else msgspec.structs.replace(table, value=table.rate, unit=table.rate_unit)
            for batch in once_a_line(tables.stream(con, opened, partial(self._say, table=chosen, root=root), root)):
                if isinstance(batch, Refused):
                    if by_rate:
                        yield batch
                else:
                    rows = _is_infusion(batch, codes, kinds)
                    kept = batch.filter(rows if by_rate else pc.invert(rows))
                    if kept.num_rows:
                        yield kept

    def _say(self, opened: tables.Table, table: form.Table, root: Path) -> str:
        """SQL: every part of the statements of one file, as its mapping says."""
        columns = {name: self._spelt(name, _sql(opened, getattr(table, name)), getattr(table, name)) for name in _PARTS}
        if table.upper_limit is not None:  # it travels as the end that a measurement has not
            columns["end"] = self._spelt("value", _sql(opened, table.upper_limit), table.upper_limit)
        tests = [f"{opened.raw(c)} in ({', '.join(map(tables.literal, w))})" for c, w in table.where.items()]
        tests += [f"coalesce({opened.raw(c)}, '') not in ({', '.join(map(tables.literal, w))})"
                  for c, w in table.where_not.items()]  # fmt: skip
        tests += [f"{opened.raw(c)} is not null" for c in table.said]
        return tables.statement(opened, columns, root=root, tail=f"where {' and '.join(tests)}" if tests else "")

    def _spelt(self, name: str, said: str, part: form.Part | None) -> str:
        """SQL: one part with its numbers and times as the door reads them."""
        cell = part if isinstance(part, form.Cell) else None
        if part is None or (cell and cell.fixed is not None):
            return said
        if cell and form.formats(cell):
            return spelling.time(cell, said)
        if name in _TIMES:
            return spelling.time(self.mapping, said)
        return spelling.number(self.mapping, said) if name in _NUMBERS else said


def _with_limits(said: Iterator[pa.RecordBatch | Refused], codes: Codes) -> Iterator[pa.RecordBatch | Refused]:
    """The rows, and the upper limits of normal that stand beside their values."""
    for one in said:
        yield one if isinstance(one, Refused) else with_limits(codes, one)


def _is_infusion(batch: pa.RecordBatch, codes: Codes, kinds: dict[str, bool]) -> pa.Array:
    """Which rows mean a quantity that is given as an infusion."""
    said = (pc.fill_null(batch.column(name), "") for name in ("quantity", "system", "code"))
    encoded = pc.binary_join_element_wise(*said, "\x1f").dictionary_encode()
    answers = []
    for word in encoded.dictionary.to_pylist():
        quantity, system, code = word.split("\x1f")
        if word not in kinds:
            meaning = None if quantity else codes.meaning(system, code)
            name = quantity or (meaning.quantity if meaning else "")
            kinds[word] = name in quantities() and quantities()[name].kind == "rate"
        answers.append(kinds[word])
    return pa.array(answers, pa.bool_()).take(encoded.indices)


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    return sorted(f for f in path.rglob("*") if f.is_file() and f.name.lower().endswith((*SUFFIXES, *_TEXT_SUFFIXES)))


def _stem(file: Path, root: Path) -> str:
    name = tables.relative(file, root)
    return name[: -len(tables.suffix_of(file))] if tables.suffix_of(file) else name


def _columns(part: form.Part | None) -> tuple[str, ...]:
    if isinstance(part, str):
        return (part,)
    return () if part is None else (*((part.column,) if part.column else ()), *part.first)


def _check(table: form.Table, file: Path, separator: str | None) -> None:
    """Refuse a mapping that names a column its file does not have: silence would lose every row's part."""
    there = header(file, separator)
    if not there:
        return
    parts = (*(getattr(table, name) for name in _PARTS), table.rate, table.rate_unit, table.upper_limit)
    wanted = [column for part in parts for column in _columns(part)] + [*table.where, *table.where_not, *table.said]
    missing = sorted(set(wanted) - set(there))
    if missing:
        raise Malformed(f"{file.name} has no column {', '.join(missing)}; it has {', '.join(there)}")


def _sql(opened: tables.Table, part: form.Part | None) -> str:
    """SQL: one part of a statement."""
    if part is None:
        return "null"
    if isinstance(part, str):
        return opened.raw(part)
    if part.fixed is not None:
        return tables.literal(part.fixed)
    said = f"coalesce({', '.join(opened.raw(c) for c in part.first)})" if part.first else opened.raw(part.column or "")
    if not part.words:
        return said
    cases = " ".join(f"when {tables.literal(a)} then {tables.literal(b)}" for a, b in part.words.items())
    return f"case {said} {cases} else {said} end"
