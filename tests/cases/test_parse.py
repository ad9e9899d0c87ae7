"""The parser of case tables refuses what it does not understand, and reads what a clinician writes."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from leeward.knowledge.vocabulary import quantities
from leeward.record.schema import FINDING
from tests.cases.parse import START, BadCase, age, cases, clock, finding, items, repeated, span, table

FOLDER = Path(__file__).parents[2] / "cases"
FILES = ("astct-2019-crs.md", "astct-2019-icans.md", "timeline.md")

ROW = """\
| case | age | hours | temperature °C | {column} | grade |
|------|-----|-------|----------------|----------|-------|
| a | 45 years | 48 | 38.0 | {cell} | 1 |
"""


def written(folder: Path, text: str) -> Path:
    """A case file with this text."""
    path = folder / "astct-2019-crs.md"
    path.write_text(text, encoding="utf-8")
    return path


def test_hours() -> None:
    """Hours, parts of hours, hours and minutes, and a repeated row."""
    assert clock("24") == START + timedelta(hours=24)
    assert clock("33.5") == clock("33:30") == START + timedelta(hours=33, minutes=30)
    assert clock("-2") == START - timedelta(hours=2)
    assert repeated("28 to 36 every 4") == [clock("28"), clock("32"), clock("36")]


def test_grades() -> None:
    """One grade or a range."""
    assert span("2") == (2, 2)
    assert span("1 to 4") == (1, 4)


def test_ages() -> None:
    """Years as written, months and days as parts of a year."""
    assert [each["low"] for each in age("7.5 years")] == [7.5]
    assert [each["low"] for each in age("6 months")] == [0.5]
    assert [round(each["low"] * 365.2425) for each in age("27 days")] == [27]
    assert list(age("")) == []


def test_an_oxygen_cell_is_a_device_and_a_flow(tmp_path: Path) -> None:
    """`nasal cannula 2 L/min` is two findings."""
    (case,) = cases(written(tmp_path, ROW.format(column="oxygen", cell="nasal cannula 2 L/min")))
    held = {each["quantity"]: each["text"] or each["low"] for each in case.findings}
    assert (held["oxygen-device"], held["oxygen-flow"]) == ("nasal-cannula", 2.0)


def test_a_column_nobody_knows_is_refused(tmp_path: Path) -> None:
    """A misspelt column names its file and line."""
    with pytest.raises(BadCase, match=r"astct-2019-crs.md:3: no column 'oxigen'"):
        cases(written(tmp_path, ROW.format(column="oxigen", cell="room air")))


def test_a_row_that_lacks_a_cell_is_refused(tmp_path: Path) -> None:
    """A missing bar shifts no cell silently."""
    with pytest.raises(BadCase, match=r":3: 5 cells under 6 columns"):
        cases(written(tmp_path, ROW.format(column="oxygen", cell="room air").replace("| 38.0 ", "")))


def test_two_cases_of_one_name_are_refused(tmp_path: Path) -> None:
    """A case is a patient, so its name is its own."""
    text = ROW.format(column="oxygen", cell="room air")
    with pytest.raises(BadCase, match="two cases are called"):
        cases(written(tmp_path, text + text.splitlines()[-1]))


@pytest.mark.parametrize("file", FILES)
def test_every_word_of_the_tables_is_known(file: str) -> None:
    """Each finding is of a quantity that Leeward reads, and its word one that the quantity has."""
    strange = [
        (case.place, made["quantity"], made["text"])
        for case in cases(FOLDER / file)
        for made in case.findings
        if made["quantity"] not in quantities()
        or (quantities()[made["quantity"]].words and made["text"] not in quantities()[made["quantity"]].words)
    ]
    assert strange == []


def test_the_table_has_the_schema_of_findings() -> None:
    """Several cases make one table; rows of one record are flagged as revised."""
    made = table(cases(FOLDER / "timeline.md"))
    assert made.schema == FINDING
    revised = made.filter(made["revised"])
    assert set(revised["record"].to_pylist()) == {"t1", "n1"}


def test_lists_and_findings() -> None:
    """Commas part a list; a number is a value, a word is text."""
    assert items("norepinephrine 5, vasopressin") == ["norepinephrine 5", "vasopressin"]
    assert finding("ice-score", START, 7.0)["high"] == 7.0
    assert finding("seizure", START, "brief")["text"] == "brief"
