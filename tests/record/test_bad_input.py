"""Bad input of every kind: a clear message or a listed refusal, and nothing else lost."""

from __future__ import annotations

import gzip
import math
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leeward.record import settle, times
from leeward.record.errors import CannotRead, LeewardError
from leeward.record.read import read

HEADER = "patient_id,start,end,quantity,value,unit,text\n"
GOOD = "1,2026-03-01T08:00:00Z,,body-temperature,38.5,Cel,\n"


def outcome(tmp_path: Path, *lines: str, zone: str | None = None) -> tuple[int, dict[str, int], list[str | None]]:
    """Findings, refusals by reason, and the places refused, of one good line among bad ones."""
    path = tmp_path / "a.csv"
    path.write_text(HEADER + GOOD + "".join(line + "\n" for line in lines), encoding="utf-8")
    record = read(path, zone=zone)
    return len(record), record.refused, record.refusals["place"].to_pylist()


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("1,2026-03-01T08:00:00Z,,body-temperature,NaN,Cel,", "not-a-number"),
        ("1,2026-03-01T08:00:00Z,,body-temperature,1e999,Cel,", "not-a-number"),
        ('1,2026-03-01T08:00:00Z,,body-temperature,"38,5",Cel,', "not-a-number"),
        ("1,2026-03-01T08:00:00Z,,body-temperature, 38 ,Cel,", "not-a-number"),
        ("1,2026-03-01T08:00:00Z,,body-temperature,38.5,,", "unit-unknown"),
        ("1,2026-03-01T08:00:00Z,,body-temperature,38.5,Celcius,", "unit-unknown"),
        ("1,2026-03-01T08:00:00Z,,body-temperature,101.3,Cel,", "implausible-for-unit"),
        ("1,2026-03-01T08:00:00,,body-temperature,38.5,Cel,", "ambiguous-time"),
        ("1,,,body-temperature,38.5,Cel,", "time-missing"),
        ("1,2026-02-30T08:00:00Z,,body-temperature,38.5,Cel,", "impossible-time"),
        ("1,2926-03-01T08:00:00Z,,body-temperature,38.5,Cel,", "future-time"),
        ("1,2026-03-01T08:00:00Z,,oxygen-flow,-2,L/min,", "out-of-range"),
        ("1,2026-03-01T08:00:00Z,,blood-mood,3,1,", "code-unknown"),
        (",2026-03-01T08:00:00Z,,body-temperature,38.5,Cel,", "patient-missing"),
        ("1,2026-03-01T08:00:00Z,2026-03-01T07:00:00Z,care-setting,,,icu", "end-before-start"),
        ("1,2026-03-01T08:00:00Z,,seizure,,,perhaps", "word-unknown"),
        ("1,2026-03-01T08:00:00Z,,body-temperature,,Cel,", "not-measured"),
    ],
)
def test_a_bad_line_is_refused_with_its_place_and_the_good_one_stays(tmp_path: Path, line: str, reason: str) -> None:
    """One reason each, at row 2."""
    assert outcome(tmp_path, line) == (1, {reason: 1}, ["row 2"])


def test_the_repeated_hour_is_refused_and_an_offset_resolves_it(tmp_path: Path) -> None:
    """On the night of the clock change only the written offset tells the two hours apart."""
    lines = [
        "1,2025-10-26T02:30:00,,body-temperature,38.5,Cel,",
        "1,2025-10-26T02:30:00+02:00,,body-temperature,38.5,Cel,",
        "1,2025-10-26T02:30:00+01:00,,body-temperature,38.6,Cel,",
    ]
    assert outcome(tmp_path, *lines, zone="Europe/Berlin") == (3, {"ambiguous-time": 1}, ["row 2"])


def test_an_infusion_with_no_end_is_kept_open(tmp_path: Path) -> None:
    """It is not refused: that it was running is known."""
    assert outcome(tmp_path, "1,2026-03-01T08:00:00Z,,norepinephrine,5,ug/min,") == (2, {}, [])


def test_a_line_with_too_few_or_too_many_fields_is_refused(tmp_path: Path) -> None:
    """Shifted fields would be read as something else."""
    found, refused, places = outcome(tmp_path, "1,2026-03-01T08:00:00Z,,crp", GOOD.strip() + ",surplus,fields")
    assert (found, refused) == (1, {"line-unreadable": 2})
    assert len(places) == 2


@pytest.mark.parametrize("name", ["empty.csv", "empty.csv.gz", "empty.json", "empty.parquet"])
def test_an_empty_file_says_so(tmp_path: Path, name: str) -> None:
    """Nothing to read is an error when it is all there is."""
    path = tmp_path / name
    path.write_bytes(gzip.compress(b"") if name.endswith(".gz") else b"")
    with pytest.raises(CannotRead, match="is empty"):
        read(path)


def test_an_empty_file_among_others_is_listed(tmp_path: Path) -> None:
    """The others are read."""
    (tmp_path / "a.csv").write_text(HEADER + GOOD, encoding="utf-8")
    (tmp_path / "b.csv").write_bytes(b"")
    record = read(tmp_path)
    assert (len(record), record.refused) == (1, {"file-empty": 1})
    assert record.refusals["source"].to_pylist() == ["b.csv"]


def test_a_file_with_nothing_but_its_header_is_an_empty_record(tmp_path: Path) -> None:
    """No statements, no findings, no error."""
    (tmp_path / "a.csv").write_text(HEADER, encoding="utf-8")
    record = read(tmp_path / "a.csv")
    assert (len(record), record.refused) == (0, {})


@pytest.mark.parametrize("kept", [0.3, 0.6, 0.99])
def test_a_truncated_gzip_keeps_what_was_readable(tmp_path: Path, kept: float) -> None:
    """What stands before the break is read; the break is listed."""
    lines = "".join(f"{i},2026-03-01T08:00:00Z,,heart-rate,{60 + i * 7919 % 90},/min,\n" for i in range(20_000))
    packed = gzip.compress((HEADER + lines).encode())
    path = tmp_path / "a.csv.gz"
    path.write_bytes(packed[: int(len(packed) * kept)])
    record = read(path)
    assert record.refused == {"file-truncated": 1}
    assert 20_000 * kept * 0.8 < len(record) < 20_000
    assert record.findings["patient"].to_pylist() == [str(i) for i in range(len(record))]


def test_bytes_that_are_no_text_are_an_error_not_a_crash(tmp_path: Path) -> None:
    """A picture named .csv is in no known form."""
    path = tmp_path / "a.csv"
    path.write_bytes(bytes(range(256)) * 40)
    with pytest.raises(LeewardError):
        read(path)


CELL = st.one_of(
    st.sampled_from(
        [
            "",
            "1",
            "007",
            "38.5",
            "NaN",
            "Cel",
            "2026-03-01T08:00:00Z",
            "2026-03-01",
            "body-temperature",
            "icu",
            "trigger",
        ]
    ),
    st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=12),
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=st.lists(st.lists(CELL, min_size=7, max_size=7), max_size=20))
def test_nothing_is_ever_lost(tmp_path: Path, lines: list[list[str]]) -> None:
    """Whatever stands in the cells, each row is found, refused, or both; never neither, and nothing crashes."""
    quoted = [",".join('"' + cell.replace('"', '""') + '"' for cell in line) for line in lines]
    (tmp_path / "a.csv").write_text(HEADER + "".join(line + "\n" for line in quoted), encoding="utf-8")
    record = read(tmp_path / "a.csv")
    places = {*record.findings["place"].to_pylist(), *record.refusals["place"].to_pylist()}
    assert places == {f"row {number}" for number in range(1, len(lines) + 1)}
    for finding in record.findings.to_pylist():
        assert not any(bound is not None and math.isnan(bound) for bound in (finding["low"], finding["high"]))


def test_a_letter_in_another_encoding_costs_its_line_only(tmp_path: Path) -> None:
    """One umlaut from an older system is no reason to know nothing."""
    path = tmp_path / "a.csv"
    odd = "1,2026-03-01T09:00:00Z,,oxygen-device,,,Maske für O2\n".encode("latin-1")
    path.write_bytes(HEADER.encode() + GOOD.encode() + odd + GOOD.encode())
    record = read(path)
    assert (len(record), record.refused, record.refusals["place"].to_pylist()) == (
        2,
        {"line-unreadable": 1},
        ["line 3"],
    )
    assert "utf-8" in record.refusals["detail"][0].as_py()


def test_every_reason_for_refusal_is_explained() -> None:
    """A reason that stands in no document helps nobody to mend the record."""
    root = Path(__file__).parents[2]
    given = r"""(?:[Rr]efused?|Problem|Broken)\(\s*(?:[a-z]\w*, )?['"]([a-z]+(?:-[a-z]+)+)['"]"""
    used = {reason for reason in times.REASONS if reason is not None} | {settle.BEFORE_BIRTH}
    for path in (root / "src" / "leeward" / "record").rglob("*.py"):
        used |= set(re.findall(given, path.read_text(encoding="utf-8")))
    table = (root / "docs" / "answers.md").read_text(encoding="utf-8").partition("## Refusals")[2].partition("\n## ")[0]
    assert len(used) > 20
    assert sorted(used - set(re.findall("`([a-z-]+)`", table))) == []
