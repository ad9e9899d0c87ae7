"""Mapped CSV that is spelt as other countries spell it: separators, decimal commas, day-first times, other letters."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from pathlib import Path

import pytest

from leeward.record.errors import BadSetting, Malformed
from leeward.record.read import read
from leeward.record.spool import Record

NOW = datetime(2027, 1, 1, tzinfo=UTC)
HEAD = """
title = "Stationskurven"
zone = "Europe/Berlin"
"""
SPELT = """
separator = ";"
decimal = ","
time_format = ["%d.%m.%Y %H:%M", "%d.%m.%Y"]
encoding = "windows-1252"
"""
TABLE = """
[[table]]
file = "kurve"
patient = "Fall"
start = "Zeit"
value = "Wert"
unit = "Einheit"
[table.quantity]
column = "Größe"
words = { "Körpertemperatur" = "body-temperature", "SpO₂" = "spo2", "RRs" = "systolic-bp" }
"""
BORN = """
[[table]]
file = "stamm"
patient = "Fall"
quantity = { is = "birth-date" }
text = { column = "geboren", time_format = "%d.%m.%Y" }
"""


def rows(tmp_path: Path, lines: str, *, head: str = HEAD + SPELT, encoding: str = "windows-1252") -> Record:
    """A record of one file with these lines, read with this mapping."""
    folder = tmp_path / "kurven"
    folder.mkdir(exist_ok=True)
    (folder / "kurve.csv").write_bytes(("Fall;Zeit;Größe;Wert;Einheit\n" + lines).encode(encoding))
    return read(folder, mapping=mapping(tmp_path, head + TABLE), now=NOW)


def mapping(tmp_path: Path, text: str) -> Path:
    """A mapping file."""
    path = tmp_path / "my.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_german_export_is_read_as_it_declares_itself(tmp_path: Path) -> None:
    """Semicolons, a decimal comma, the day first, and umlauts in Windows letters."""
    record = rows(tmp_path, "007;01.03.2026 08:00;Körpertemperatur;38,5;°C\n007;01.03.2026;RRs;110;mmHg\n")
    assert record.refused == {}
    found = record.findings.to_pylist()
    fever = next(row for row in found if row["quantity"] == "body-temperature")
    assert (fever["patient"], fever["low"], fever["measured_at"]) == ("007", 38.5, datetime(2026, 3, 1, 7, tzinfo=UTC))
    day = next(row for row in found if row["quantity"] == "systolic-bp")
    assert (day["measured_at"], day["measured_until"]) == (
        datetime(2026, 2, 28, 23, tzinfo=UTC),
        datetime(2026, 3, 1, 23, tzinfo=UTC),
    )


@pytest.mark.parametrize("number", ["38.5", "1.038,5", "38,5,1", "3 8,5"])
def test_where_a_comma_is_declared_a_point_is_refused(tmp_path: Path, number: str) -> None:
    """38.5 may be a slip or a thousand's point; nothing is guessed, and what was written is shown."""
    record = rows(tmp_path, f"007;01.03.2026 08:00;Körpertemperatur;{number};°C\n")
    assert record.refused == {"not-a-number": 1}
    assert number in record.refusals.to_pylist()[0]["detail"]
    assert not record.findings.num_rows


@pytest.mark.parametrize(
    ("number", "value"),
    [("38,5", 38.5), ("38.5", 38.5), ("38", 38.0), ("38,50", 38.5), ("38,5000", 38.5), ("<38,5", 38.5)],
)
def test_where_either_sign_is_declared_what_can_be_no_thousand_is_read(
    tmp_path: Path, number: str, value: float
) -> None:
    """No country writes 38,5 for a thousand."""
    head = HEAD + SPELT.replace('decimal = ","', 'decimal = "either"')
    record = rows(tmp_path, f"007;01.03.2026 08:00;Körpertemperatur;{number};°C\n", head=head)
    assert record.refused == {}
    assert [row["high"] for row in record.findings.to_pylist()] == [value]


def test_a_zero_before_the_comma_is_no_thousand(tmp_path: Path) -> None:
    """Half a degree is a number, and no temperature."""
    head = HEAD + SPELT.replace('decimal = ","', 'decimal = "either"')
    assert "not-a-number" not in rows(tmp_path, "7;01.03.2026 08:00;Körpertemperatur;0,500;°C\n", head=head).refused


@pytest.mark.parametrize("number", ["1.000", "1,000", "38,500", "999.999", "1.000,5", "1,000.5", "3,8,5", "38,"])
def test_where_either_sign_is_declared_what_may_be_a_thousand_is_refused(tmp_path: Path, number: str) -> None:
    """A thousand in one country and one in another."""
    head = HEAD + SPELT.replace('decimal = ","', 'decimal = "either"')
    record = rows(tmp_path, f"007;01.03.2026 08:00;Körpertemperatur;{number};°C\n", head=head)
    assert record.refused == {"not-a-number": 1}
    assert record.refusals.to_pylist()[0]["detail"].endswith(number)


def test_an_undeclared_decimal_comma_stays_refused(tmp_path: Path) -> None:
    """As in every other format."""
    head = HEAD + SPELT.replace('decimal = ","', "")
    record = rows(tmp_path, "007;01.03.2026 08:00;Körpertemperatur;38,5;°C\n", head=head)
    assert record.refused == {"not-a-number": 1}


@pytest.mark.parametrize("time", ["2026-03-01 08:00", "03/01/2026 08:00", "31.02.2026 08:00", "01.03.2026 08:00:00"])
def test_a_time_in_another_form_than_declared_is_refused(tmp_path: Path, time: str) -> None:
    """Even a plausible one: 2026-13-01 and 2026-01-13 must not be told apart by luck."""
    record = rows(tmp_path, f"007;{time};Körpertemperatur;38,5;°C\n")
    assert record.refused == {"impossible-time": 1}
    assert time in record.refusals.to_pylist()[0]["detail"]


def test_day_first_times_are_refused_where_nothing_is_declared(tmp_path: Path) -> None:
    """03/01/2026 is March in one country and January in another."""
    head = HEAD + SPELT.replace("time_format", "#")
    record = rows(tmp_path, "007;01.03.2026 08:00;Körpertemperatur;38,5;°C\n", head=head)
    assert record.refused == {"impossible-time": 1}


def test_an_offset_in_the_declared_form_is_believed(tmp_path: Path) -> None:
    """%z needs no zone."""
    head = (HEAD + SPELT).replace('zone = "Europe/Berlin"', "").replace('%H:%M"', '%H:%M %z"')
    record = rows(tmp_path, "007;01.03.2026 08:00 -05:00;Körpertemperatur;38,5;°C\n", head=head)
    assert record.findings["measured_at"].to_pylist() == [datetime(2026, 3, 1, 13, tzinfo=UTC)]


def test_twelve_hours_and_two_digit_years_are_read_where_declared(tmp_path: Path) -> None:
    """As American exports write them."""
    head = (HEAD + SPELT).replace('["%d.%m.%Y %H:%M", "%d.%m.%Y"]', '"%m/%d/%y %I:%M %p"')
    record = rows(tmp_path, "007;03/01/26 08:00 PM;Körpertemperatur;38,5;°C\n", head=head)
    assert record.findings["measured_at"].to_pylist() == [datetime(2026, 3, 1, 19, tzinfo=UTC)]


def test_a_birth_date_may_have_a_form_of_its_own(tmp_path: Path) -> None:
    """A part's own format comes before the head's."""
    folder = tmp_path / "kurven"
    folder.mkdir()
    (folder / "stamm.csv").write_text("Fall;geboren\n007;05.03.1960\n", encoding="utf-8")
    record = read(folder, mapping=mapping(tmp_path, HEAD + BORN), now=NOW)
    assert [row["text"] for row in record.findings.to_pylist()] == ["1960-03-05"]


def test_tabs_and_a_packed_file_in_another_encoding_are_read(tmp_path: Path) -> None:
    """With the file's own name as its source."""
    folder = tmp_path / "kurven"
    folder.mkdir()
    text = "Fall\tZeit\tGröße\tWert\tEinheit\n007\t01.03.2026 08:00\tSpO₂\t91\t%\n"
    (folder / "kurve.tsv.gz").write_bytes(gzip.compress(text.encode("utf-16")))
    head = (HEAD + SPELT).replace('";"', r'"\t"').replace("windows-1252", "utf-16")
    record = read(folder, mapping=mapping(tmp_path, head + TABLE), now=NOW)
    assert [(row["low"], row["source"]) for row in record.findings.to_pylist()] == [(91.0, "kurve.tsv.gz")]


def test_a_packed_file_in_another_encoding_that_breaks_off_is_said(tmp_path: Path) -> None:
    """What could be read is kept."""
    folder = tmp_path / "kurven"
    folder.mkdir()
    line = "007;01.03.2026 08:{:02d};Körpertemperatur;38,25;°C\n"
    text = "Fall;Zeit;Größe;Wert;Einheit\n" + "".join(line.format(n) for n in range(60))
    whole = text.encode("windows-1252")
    cut = whole[: whole.rindex(b"5;")]  # within the last number: 38,2
    (folder / "kurve.csv.gz").write_bytes(gzip.compress(cut)[:-8])
    record = read(folder, mapping=mapping(tmp_path, HEAD + SPELT + TABLE), now=NOW)
    assert record.refused["file-truncated"] == 1
    assert set(record.findings["low"].to_pylist()) == {38.25}
    assert record.findings.num_rows == 59
    assert "kurve.csv.gz" in [row["source"] for row in record.refusals.to_pylist()]


def test_letters_that_the_encoding_does_not_have_spoil_their_own_word_only(tmp_path: Path) -> None:
    """The rest of the file is read."""
    lines = "007;01.03.2026 08:00;Körpertemperatur;38,5;°C\n007;01.03.2026 09:00;X;1;\n"
    record = rows(tmp_path, lines, head=HEAD + SPELT, encoding="windows-1252")
    assert record.refused == {"code-unknown": 1}
    assert record.findings.num_rows == 1


def test_a_wrong_separator_names_the_columns_it_did_not_find(tmp_path: Path) -> None:
    """One long column is no column."""
    with pytest.raises(Malformed, match="has no column"):
        rows(tmp_path, "", head=(HEAD + SPELT).replace('";"', '"|"'))


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (('decimal = ","', 'decimal = "."\nseparator = "--"'), "not TOML"),
        (('separator = ";"', 'separator = "--"'), "separator"),
        (("windows-1252", "windows-9999"), "windows-9999"),
        (("windows-1252", "base64"), "base64"),
        (('"%d.%m.%Y"]', '"%m.%d.%Y"]'), "order of day, month and year"),
        (('"%d.%m.%Y"]', '"%d.%m"]'), "does not name year, month and day"),
        (('"%d.%m.%Y"]', '"%d.%m.%Y %q"]'), "%q"),
        (('"%d.%m.%Y"]', '"%d.%m.%Y %I:%M"]'), "%p"),
    ],
)
def test_a_spelling_that_leaves_something_open_is_refused_with_the_mapping(
    tmp_path: Path, change: tuple[str, str], complaint: str
) -> None:
    """Before any row is read."""
    with pytest.raises(BadSetting, match=complaint):
        rows(tmp_path, "", head=HEAD + SPELT.replace(*change))


LAB = """
title = "Labor"
zone = "Europe/Berlin"
decimal = ","
[[table]]
file = "labor"
patient = "Fall"
start = "Zeit"
quantity = "Test"
value = "Wert"
unit = "Einheit"
upper_limit = "bis"
"""


def test_a_laboratorys_upper_limit_of_normal_is_a_finding_of_its_own(tmp_path: Path) -> None:
    """In the unit of its value, at its time, with the declared decimal sign; of a quantity without one it is left."""
    (tmp_path / "labor.csv").write_text(
        "Fall;Zeit;Test;Wert;Einheit;bis\n7;2026-03-01T08:00;creatinine;1,4;mg/dL;1,2\n"
        "7;2026-03-01T09:00;creatinine;1,5;mg/dL;\n7;2026-03-01T08:00;heart-rate;110;/min;100\n",
        encoding="utf-8",
    )
    record = read(tmp_path / "labor.csv", mapping=mapping(tmp_path, LAB), now=NOW)
    found = {(row["quantity"], row["low"]) for row in record.findings.to_pylist()}
    assert record.refused == {}
    creatinine, limit = ("creatinine", 1.4), ("creatinine-upper-limit", 1.2)
    assert found == {creatinine, ("creatinine", 1.5), limit, ("heart-rate", 110.0)}


def test_what_has_an_upper_limit_has_no_end(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="neither end nor rate"):
        read(tmp_path, mapping=mapping(tmp_path, LAB + 'end = "bis"\n'), now=NOW)
