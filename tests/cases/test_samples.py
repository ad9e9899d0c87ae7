"""The sample patients: each file has its report, each report its row in cases/published.md, each row comes out."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

import pytest

import leeward
from leeward.cohort.answer import Answer
from leeward.samples import FOLDER, conventions, sample, samples
from tests.cases.parse import Row, published, span

CASES = Path(__file__).parents[2] / "cases" / "published.md"
ROWS = published(CASES)


@cache
def answers() -> dict[str, Answer]:
    """Every sample patient, read and graded as a user would."""
    return {answer.patient: answer for answer in leeward.grade(leeward.read(FOLDER))}


def worst(answer: Answer, syndrome: str) -> tuple[int, int] | None:
    """The worst range of a syndrome: over its episodes, else over its course where no episode is certain."""
    peaks = [(one.peak.at_least, one.peak.at_most) for one in answer.episodes if one.syndrome == syndrome]
    if not peaks and syndrome == "crs":
        peaks = [(change.at_least, change.at_most) for change in answer.course if change.syndrome == syndrome]
    return (max(low for low, _ in peaks), max(high for _, high in peaks)) if peaks else None


def lines(file: str) -> list[dict[str, str]]:
    """The lines of a sample."""
    with (FOLDER / file).open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def test_every_file_has_its_report_and_its_row() -> None:
    """No sample without a citation, no citation without a sample, no row without either."""
    files = sorted(path.name for path in FOLDER.glob("*.csv"))
    assert sorted(each.file for each in samples()) == files
    assert sorted(row["file"] for row in ROWS) == files
    assert {each.case: each.file for each in samples()} == {row["case"]: row["file"] for row in ROWS}


def test_grades_of_the_authors_are_told_once_and_alike() -> None:
    """The grade in samples.toml, in published.md, and documented in the file itself are the same."""
    for row in ROWS:
        told = sample(row["case"])
        assert (told.authors_crs or "none") == row["authors' CRS"], row["case"]
        assert (told.authors_icans or "none") == row["authors' ICANS"], row["case"]
        for syndrome, printed in (("crs", told.authors_crs), ("icans", told.authors_icans)):
            quantity = f"documented-{syndrome}-grade"
            documented = [line["value"] for line in lines(told.file) if line["quantity"] == quantity]
            assert documented == (printed.split(", then ") if printed else []), told.file


def test_one_patient_per_file_under_the_id_of_the_case() -> None:
    """A file holds one patient, called as its case."""
    assert {each.file: {line["patient_id"] for line in lines(each.file)} for each in samples()} == {
        each.file: {each.case} for each in samples()
    }


def test_what_is_ours_is_said() -> None:
    """A sample that was not printed as such lists what was filled in, each with a reason; the rest has conventions."""
    assert [each.file for each in samples() if not each.filled or not all(f.what and f.why for f in each.filled)] == []
    assert len(conventions()) >= 1
    assert [each.file for each in samples() if not (each.doi or each.url or each.citation)] == []


def test_samples_are_understood() -> None:
    """Nothing in a sample is refused, but for a therapy that never became a product (TGN1412)."""
    refused = {answer.patient: answer.refused for answer in answers().values() if answer.refused}
    assert {patient: refused[patient] for patient in refused if patient not in {"C17a", "C17b"}} == {}
    assert all(reasons == {"word-unknown": 1} for reasons in refused.values())


@pytest.mark.parametrize("row", [pytest.param(row, id=row["case"]) for row in ROWS])
def test_published_case(row: Row) -> None:
    """The grade of a published case comes out as the table says."""
    answer = answers()[row["case"]]
    assert worst(answer, "crs") == span(row["our CRS"]), row["why"]
    assert worst(answer, "icans") == (None if row["our ICANS"] == "-" else span(row["our ICANS"])), row["why"]
