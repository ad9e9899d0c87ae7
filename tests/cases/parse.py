"""Case tables in Markdown as findings and expectations; what each cell means stands at the top of each file in cases/.

Every case is a patient of its own, so one run of the engine answers a whole file: `table(cases)` holds them all.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow as pa

from leeward.record.schema import FINDING

START = datetime(2024, 1, 10, tzinfo=UTC)
"""Hour 0 of every case."""

Row: TypeAlias = dict[str, str]
Finding: TypeAlias = dict[str, Any]

NORMAL = {"body-temperature": 36.8, "systolic-bp": 120.0}
USUAL_RATES = {
    "norepinephrine": 5.0, "epinephrine": 2.0, "phenylephrine": 50.0, "vasopressin": 0.03, "dopamine": 5.0,
    "dobutamine": 5.0, "milrinone": 0.375, "angiotensin-ii": 20.0,
}  # fmt: skip
DAYS_IN = {"year": 365.2425, "month": 365.2425 / 12, "day": 1.0}
THERAPY = "tisagenlecleucel"
BEFORE_HOURS = 5  # a drug in the columns `treated` and `given before` was given this long before the row's hour


class BadCase(ValueError):
    """A case table cannot be read; the message names file and line."""


@dataclass(frozen=True)
class Table:
    """One Markdown table: the headings above it, its rows by column, and the line of each row."""

    headings: tuple[str, ...]
    columns: tuple[str, ...]
    rows: tuple[tuple[int, Row], ...]


@dataclass(frozen=True)
class Expect:
    """One thing that must come out: `crs grade` at a time, `crs peak` of an episode, ..., as known at `as_of`."""

    what: str
    value: str
    at: datetime | None = None
    episode: int | None = None
    as_of: datetime | None = None
    line: int = 0


@dataclass(frozen=True)
class Case:
    """One patient of a case file: what was charted, and what must come out."""

    patient: str
    place: str
    findings: tuple[Finding, ...]
    expects: tuple[Expect, ...]


def span(value: str) -> tuple[int, int]:
    """A grade cell as its bounds: `2` is (2, 2), `1 to 4` is (1, 4)."""
    low, _, high = value.partition(" to ")
    return int(low), int(high or low)


# ---------------------------------------------------------------------------------------------- Markdown


def tables(path: Path) -> list[Table]:
    """Every table of a Markdown file, in order."""
    found: list[Table] = []
    headings: tuple[str, ...] = ()
    block: list[tuple[int, list[str]]] = []
    for number, line in enumerate([*path.read_text(encoding="utf-8").splitlines(), ""], 1):
        if line.startswith("|"):
            block.append((number, [cell.strip() for cell in line.strip().strip("|").split("|")]))
            continue
        if block:
            found.append(_table(path, headings, block))
            block = []
        if line.startswith("#"):
            level = len(line) - len(line.lstrip("#"))
            headings = (*headings[: level - 1], line.lstrip("# ").strip())
    return found


def _table(path: Path, headings: tuple[str, ...], block: list[tuple[int, list[str]]]) -> Table:
    """One block of lines that begin with a bar; a row that lacks a cell is refused."""
    columns = block[0][1]
    for number, cells in block:
        if len(cells) != len(columns):
            raise BadCase(f"{path.name}:{number}: {len(cells)} cells under {len(columns)} columns")
    rows = tuple((number, dict(zip(columns, cells, strict=True))) for number, cells in block[2:])
    return Table(headings, tuple(columns), rows)


# ----------------------------------------------------------------------------------- hours, numbers, findings


def clock(hours: str) -> datetime:
    """Hours since hour 0, as `24`, `33.5` or `33:59`, as a time."""
    whole, _, minutes = hours.partition(":")
    return START + timedelta(seconds=round(float(whole) * 3600 + float(minutes or 0) * 60))


def repeated(hours: str) -> list[datetime]:
    """The times of a course row: one, or `28 to 44 every 4`."""
    every = re.fullmatch(r"(\S+) to (\S+) every (\S+)", hours)
    if every is None:
        return [clock(hours)]
    first, last, step = clock(every[1]), clock(every[2]), timedelta(hours=float(every[3]))
    return [first + step * count for count in range(int((last - first) / step) + 1)]


def finding(quantity: str, at: datetime, value: float | str | None = None, until: datetime | None = None) -> Finding:
    """One finding: a number as an exact value, a word as text."""
    number = None if isinstance(value, str) else value
    text = value if isinstance(value, str) else None
    about = {"quantity": quantity, "measured_at": at, "measured_until": until}
    return {**about, "low": number, "high": number, "text": text}


def items(cell: str) -> list[str]:
    """The parts of a cell, separated by commas."""
    return [part.strip() for part in cell.split(",") if part.strip()]


def until_of(item: str) -> tuple[str, datetime | None]:
    """An item without its `until`, and the time that names."""
    what, _, end = item.partition(" until ")
    return what.strip(), clock(end) if end else None


def number_or_word(cell: str) -> float | str:
    """A number where it is one, else a word."""
    try:
        return float(cell)
    except ValueError:
        return cell


# ------------------------------------------------------------------------------------------ what a cell means


def _measured(quantity: str) -> Callable[[str, datetime], Iterator[Finding]]:
    """A column that holds one quantity: a number, a word, or `normal`; `until` where its hour is not known."""

    def read(cell: str, at: datetime) -> Iterator[Finding]:
        what, until = until_of(cell)
        yield finding(quantity, at, NORMAL[quantity] if what == "normal" else number_or_word(what), until)

    return read


def _oxygen(cell: str, at: datetime) -> Iterator[Finding]:
    """A device, and its flow where one stands after it."""
    parts = re.fullmatch(r"(.+?)(?: ([\d.]+) L/min)?", cell)
    assert parts is not None
    yield finding("oxygen-device", at, parts[1].replace(" ", "-"))
    if parts[2]:
        yield finding("oxygen-flow", at, float(parts[2]))


def _vasopressors(cell: str, at: datetime, around: timedelta | None = None) -> Iterator[Finding]:
    """Infusions from this time until their end; with `around`, from so long before until so long after it."""
    for item in items(cell):
        what, until = until_of(item)
        drug, _, rate = what.partition(" ")
        if rate == "perhaps":
            yield {**finding(drug, at, 0.0, until), "high": math.inf}
            continue
        amount = None if rate == "unknown" else float(rate) if rate else USUAL_RATES[drug]
        if around is not None:
            yield finding(drug, at - around, amount, at + around)
        else:
            yield finding(drug, at, amount, until)


def _moment_vasopressors(cell: str, at: datetime) -> Iterator[Finding]:
    yield from _vasopressors(cell, at, timedelta(hours=2))


def _drugs(cell: str, at: datetime) -> Iterator[Finding]:
    """Drugs given, with a dose in mg where one is named."""
    for item in items(cell):
        what, until = until_of(item)
        drug, _, dose = what.partition(" ")
        yield finding(drug, at, float(dose) if dose else None, until)


def _given_before(cell: str, at: datetime) -> Iterator[Finding]:
    """A drug some hours earlier: `tocilizumab`, `tocilizumab 9 hours before`, or with its dose `aspirin 300 mg`."""
    what, _, dose = cell.removesuffix(" mg").partition(" ") if cell.endswith(" mg") else (cell, "", "")
    drug, _, hours = what.removesuffix(" hours before").partition(" ")
    yield finding(drug, at - timedelta(hours=int(hours or BEFORE_HOURS)), float(dose) if dose else None)


def _treated(cell: str, at: datetime) -> Iterator[Finding]:
    """Fever, and the drug an hour after it, some hours earlier."""
    for given in _given_before(cell, at):
        yield given
        yield finding("body-temperature", given["measured_at"] - timedelta(hours=1), 38.5)


def _marks(cell: str, at: datetime) -> Iterator[Finding]:
    """Attribution marks in force from an hour before to an hour after."""
    for mark in items(cell):
        yield finding("attribution", at - timedelta(hours=1), mark, at + timedelta(hours=1))


def _other(cell: str, at: datetime) -> Iterator[Finding]:
    """A therapy, a mark, a setting, or any quantity with its value."""
    for item in items(cell):
        what, until = until_of(item)
        if what == "no therapy":
            continue
        if "=" in what:
            yield finding("attribution", at, what, until)
            continue
        quantity, _, value = what.partition(" ")
        yield finding("care-setting" if quantity == "setting" else quantity, at, number_or_word(value), until)


_AT_THE_HOUR: dict[str, Callable[[str, datetime], Iterator[Finding]]] = {
    "temperature °C": _measured("body-temperature"), "systolic mmHg": _measured("systolic-bp"), "oxygen": _oxygen,
    "other": _other, "ICE": _measured("ice-score"), "CAPD": _measured("capd-score"),
    "consciousness": _measured("consciousness"), "seizure": _measured("seizure"),
    "motor weakness": _measured("motor-weakness"), "cerebral oedema": _measured("cerebral-oedema"),
    "death": _measured("death"),
}  # fmt: skip
IN_MOMENTS = {
    **_AT_THE_HOUR, "vasopressors": _moment_vasopressors, "treated": _treated, "given before": _given_before,
    "marks": _marks,
}  # fmt: skip
IN_COURSES = {**_AT_THE_HOUR, "vasopressors": _vasopressors, "drugs": _drugs}
ABOUT_THE_ROW = {"record", "version", "status", "received"}
NOT_CHARTED = {"case", "age", "hours", "grade", "missing", "wrong", "who", "source"}


def charted(row: Mapping[str, str], at: datetime, columns: Mapping[str, Any], place: str) -> Iterator[Finding]:
    """The findings of a row's cells."""
    for column, cell in row.items():
        if column in NOT_CHARTED or column in ABOUT_THE_ROW or not cell:
            continue
        if column not in columns:
            raise BadCase(f"{place}: no column '{column}' here")
        for made in columns[column](cell, at):
            made["place"] = place
            made["record"] = row.get("record") or None
            made["version"] = row.get("version") or None
            made["status"] = row.get("status") or "final"
            made["received_at"] = clock(row["received"]) if row.get("received") else None
            yield made


def age(cell: str) -> Iterator[Finding]:
    """Age at the therapy, from `45 years`, `6 months` or `20 days`; an empty cell leaves it out."""
    if cell:
        amount, unit = cell.split()
        days = float(amount) * DAYS_IN[unit.removesuffix("s")]
        yield finding("age-years", START, float(amount) if unit.startswith("year") else days / DAYS_IN["year"])


# ------------------------------------------------------------------------------------------------- one moment


def _moment(patient: str, row: Row, place: str, line: int) -> Case:
    """A row of a moment table as a patient."""
    at = clock(row["hours"])
    made = [finding("trigger", START, THERAPY), *age(row.get("age", "")), *charted(row, at, IN_MOMENTS, place)]
    syndrome = "icans" if "icans" in place else "crs"
    expects = [Expect(f"{syndrome} grade", row["grade"], at, line=line)]
    expects += [Expect(f"{syndrome} missing", name, at, line=line) for name in items(row.get("missing", ""))]
    if row.get("wrong"):
        expects.append(Expect(f"{syndrome} grade is not", row["wrong"], at, line=line))
    return Case(patient, place, tuple(made), tuple(expects))


_FEVER: dict[str, Row] = {
    "yes": {"temperature °C": "38.5"}, "no": {"temperature °C": "36.8"}, "not charted": {},
    "treated": {"temperature °C": "36.8", "treated": "tocilizumab"},
    "treated, not charted": {"treated": "tocilizumab 9 hours before"},
}  # fmt: skip
_HYPOTENSION: dict[str, Row] = {
    "none": {"systolic mmHg": "120"}, "fluids only": {"systolic mmHg": "84", "other": "fluid-bolus 1000"},
    "one vasopressor": {"systolic mmHg": "100", "vasopressors": "norepinephrine"},
    "several": {"systolic mmHg": "100", "vasopressors": "norepinephrine, epinephrine"}, "not charted": {},
}  # fmt: skip
_OXYGEN: dict[str, Row] = {
    "none": {"oxygen": "room air"}, "low flow": {"oxygen": "nasal cannula 2 L/min"},
    "high flow or mask": {"oxygen": "non-rebreather 15 L/min"}, "positive pressure": {"oxygen": "bipap"},
    "not charted": {},
}  # fmt: skip
MATRIX_AGES = {"fever": "45 years", "ICE": "45 years", "CAPD": "6 years"}


def _matrix(table: Table) -> Iterator[tuple[int, Row]]:
    """A matrix, whose cells are grades, as rows of a moment table."""
    kind = table.columns[0]
    heads = table.columns[2:] if kind == "fever" else table.columns[1:]
    for line, cells in table.rows:
        for head in heads:
            if kind == "fever":
                made = {**_FEVER[cells["fever"]], **_HYPOTENSION[cells["hypotension"]], **_OXYGEN[head]}
                name = f"fever {cells['fever']}; hypotension {cells['hypotension']}; oxygen {head}"
            else:
                made = {} if cells[kind] == "not charted" else {kind: cells[kind]}
                made |= {} if head == "not charted" else {"consciousness": head}
                name = f"{kind} {cells[kind]}; consciousness {head}"
            yield line, {"case": name, "age": MATRIX_AGES[kind], "hours": "48", "grade": cells[head], **made}


# --------------------------------------------------------------------------------------------------- a course


def _course(patient: str, charts: Table, expected: Table, file: str) -> Case:
    """A section of two tables as a patient."""
    told = {"no therapy" in row.get("other", "") for _, row in charts.rows}
    made = [finding("age-years", START, 45.0)]
    made += [] if True in told else [finding("trigger", START, THERAPY)]
    for line, row in charts.rows:
        for at in repeated(row["hours"]):
            made += charted(row, at, IN_COURSES, f"{file}:{line}")
    expects = [
        Expect(
            row["expect"], row["value"], clock(row["hours"]) if row["hours"] else None,
            int(row["episode"]) if row["episode"] else None, clock(row["as of"]) if row.get("as of") else None, line,
        )
        for line, row in expected.rows
    ]  # fmt: skip
    return Case(patient, f"{file}:{charts.rows[0][0]}", tuple(made), tuple(expects))


# ------------------------------------------------------------------------------------------------ whole files


def cases(path: Path) -> list[Case]:
    """Every case of a file in cases/: rows with a grade, matrices of grades, and sections that expect."""
    made: list[Case] = []
    before: Table | None = None
    for table in tables(path):
        section = "/".join((path.stem, *table.headings[-1:]))
        if table.columns[0] == "expect" and "value" in table.columns:
            assert before is not None
            made.append(_course(section, before, table, path.name))
        elif table.columns[0] in MATRIX_AGES or {"case", "grade"} <= set(table.columns):
            rows = _matrix(table) if table.columns[0] in MATRIX_AGES else table.rows
            made += [_moment(f"{section}/{row['case']}", row, f"{path.name}:{line}", line) for line, row in rows]
        before = table
    twice = [name for name, count in Counter(case.patient for case in made).items() if count > 1]
    if twice:
        raise BadCase(f"{path.name}: two cases are called {', '.join(twice)}")
    return made


def table(several: Iterable[Case]) -> pa.Table:
    """The findings of several cases, one patient each, as a table of leeward.record.schema.FINDING."""
    rows = [
        {"status": "final", "source": case.place.partition(":")[0], **made, "patient": case.patient}
        for case in several
        for made in case.findings
    ]
    told = Counter((row["patient"], row.get("record")) for row in rows if row.get("record"))
    for row in rows:
        row["revised"] = told[row["patient"], row.get("record")] > 1
    return pa.Table.from_pylist(rows, schema=FINDING)


def published(path: Path) -> list[Row]:
    """The rows of cases/published.md: each sample, its authors' grade, ours, and why they differ."""
    return [row for table in tables(path) if "our CRS" in table.columns for _, row in table.rows]
