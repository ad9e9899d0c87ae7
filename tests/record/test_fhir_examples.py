"""FHIR records as others write them: what comes out of each, and why the rest is refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from leeward.record.read import Record, read
from tests.record.fhir_bedside import told

Find = Callable[[str], Path]
HERE = Path(__file__).parents[1] / "data" / "fhir"


def shown(findings: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """Quantity, word or number (a range as two), start, end, state."""
    return sorted(
        (
            f["quantity"],
            f["text"] or (f["low"] if f["low"] == f["high"] else (f["low"], f["high"])),
            f"{f['measured_at']:%m-%d %H:%M}",
            f["measured_until"] and f"{f['measured_until']:%m-%d %H:%M}",
            f["status"],
        )
        for f in findings
    )


def test_a_course_on_a_ward() -> None:
    """A made-up course in one transaction bundle: every resource that is read, and the refusals beside it."""
    both = told(HERE / "ward-course.json")
    assert shown(both.findings) == [
        ("birth-date", "1961-04-02", "01-01 00:00", None, "final"),
        ("body-temperature", 38.9, "03-01 07:00", None, "final"),
        ("body-temperature", 41.2, "03-01 14:00", None, "withdrawn"),
        ("care-setting", "icu", "03-01 11:00", "03-02 08:00", "final"),
        ("care-setting", "ward", "02-26 09:00", None, "final"),
        ("crp", (float("-inf"), 0.3), "03-01 05:00", None, "preliminary"),
        ("documented-crs-grade", 3.0, "03-03 08:00", None, "final"),
        ("norepinephrine", 8.0, "03-01 11:30", "03-02 01:00", "final"),
        ("ordered", "dexamethasone", "03-01 12:15", None, "final"),
        ("oxygen-device", "nasal-cannula", "03-01 10:30", None, "final"),
        ("oxygen-device", "ventilator", "03-01 19:00", "03-02 05:00", "final"),
        ("oxygen-flow", 4.0, "03-01 10:30", None, "final"),
        ("sex", "female", "01-01 00:00", None, "final"),
        ("spo2", 91.0, "03-01 10:30", None, "final"),
        ("systolic-bp", 82.0, "03-01 10:30", None, "final"),
        ("tocilizumab", 560.0, "03-01 12:00", None, "final"),
        ("trigger", "axicabtagene ciloleucel", "02-27 10:00", None, "final"),
    ]
    assert {f["patient"] for f in both.findings} == {"w-17"}
    assert sorted((r["reason"], r["quantity"], r["place"]) for r in both.refusals if r["place"]) == [
        ("implausible-for-unit", "body-temperature", "entry 15"),
        ("not-measured", "diastolic-bp", "entry 7"),
        ("order-only", "dexamethasone", "entry 13"),
        ("status-not-usable", "acetaminophen", "entry 12"),
    ]
    assert [r["detail"] for r in both.refusals if not r["place"]] == ["CarePlan: 1, of a type that grades nothing"]


def by_reason(record: Record) -> Counter[tuple[str, str | None]]:
    """How often each quantity is refused for each reason."""
    refusals = record.refusals
    return Counter(zip(refusals["reason"].to_pylist(), refusals["quantity"].to_pylist(), strict=True))


@pytest.mark.data
def test_us_core_examples(third_party: Find) -> None:
    """HL7's own examples, each with what it says; days are read in the zone that was given for them."""
    both = told(third_party("hl7-us-core-examples"), zone="-05:00")
    assert {(f["source"], *row[:3]) for f in both.findings for row in shown([f])} == {
        ("blood-pressure.json", "diastolic-bp", 44.0, "07-02 05:00"),
        ("blood-pressure.json", "systolic-bp", 109.0, "07-02 05:00"),
        ("bp-data-absent.json", "systolic-bp", 109.0, "07-02 05:00"),
        ("heart-rate.json", "heart-rate", 44.0, "07-02 05:00"),
        ("observation-cbc-platelets.json", "platelets", 200.0, "07-05 05:00"),
        ("observation-satO2-fiO2.json", "oxygen-flow", 6.0, "12-05 08:30"),
        ("observation-satO2-fiO2.json", "spo2", 95.0, "12-05 08:30"),
        ("observation-serum-creatinine.json", "creatinine", 1.0, "07-05 05:00"),
        ("observation-serum-creatinine.json", "creatinine-upper-limit", 0.6, "07-05 05:00"),
        ("oxygen-saturation.json", "spo2", 99.0, "07-02 05:00"),
        ("patient-example.json", "birth-date", "1987-02-20", "01-01 00:00"),
        ("respiratory-rate.json", "respiratory-rate", 26.0, "07-02 05:00"),
        ("temperature.json", "body-temperature", 36.556, "07-02 05:00"),
    }
    assert {(r["source"], r["reason"], r["quantity"]) for r in both.refusals} == {
        ("bp-data-absent.json", "not-measured", "diastolic-bp"),
        ("medicationrequest-self-tylenol.json", "order-only", "acetaminophen"),
    }


@pytest.mark.data
def test_us_core_days_need_a_zone(third_party: Find) -> None:
    """Without a zone a day has no beginning; the one value with a time and an offset stands."""
    both = told(third_party("hl7-us-core-examples"))
    assert {f["quantity"] for f in both.findings} == {"birth-date", "oxygen-flow", "spo2"}
    assert set(both.reasons()) == {"ambiguous-time", "not-measured", "order-only"}


@pytest.mark.data
def test_synthea_bundles(third_party: Find) -> None:
    """Twelve synthetic patients, who were never ill enough: what is read is all there is to read."""
    record = read(third_party("smart-on-fhir-synthea-r4"))
    assert record.recognised == "FHIR R4, a folder of Bundles: 12 files (Bundle)"
    assert Counter(record.findings["quantity"].to_pylist()) == {
        "care-setting": 140,
        "body-weight": 63,
        "body-height": 63,
        "systolic-bp": 63,
        "diastolic-bp": 63,
        "body-temperature": 27,
        "leukocytes": 22,
        "haemoglobin": 22,
        "platelets": 22,
        "triglycerides": 17,
        "birth-date": 12,
        "sex": 12,
        "ordered": 7,
        "glucose": 1,
        "potassium": 1,
        "sodium": 1,
    }
    reasons = by_reason(record)
    assert {reason for reason, _ in reasons} == {"code-unknown", "order-only", "resource-not-read"}
    assert reasons["order-only", "acetaminophen"] == 7
    ordered = [one["text"] for one in record.findings.to_pylist() if one["quantity"] == "ordered"]
    assert ordered == ["acetaminophen"] * 7


@pytest.fixture(scope="module")
def mimic(third_party: Find) -> Record:
    """The MIMIC demo as FHIR."""
    return read(third_party("mimic-iv-demo-fhir"))


@pytest.mark.data
def test_mimic_is_recognised(mimic: Record) -> None:
    """By its address; its times are shifted, so that the future is no error."""
    assert mimic.recognised.startswith("FHIR R4, bulk NDJSON: 28 files")
    assert mimic.settings.local == ("mimic-iv",)
    assert "future-time" not in mimic.refused


@pytest.mark.data
def test_mimic_emergency_vital_signs(mimic: Record) -> None:
    """As many values as the files hold: each was read, or is refused for a reason."""
    found = Counter(mimic.findings["quantity"].to_pylist())
    refused = by_reason(mimic)
    charted = {"heart-rate": 1260, "respiratory-rate": 1260, "spo2": 1260, "body-temperature": 1260}
    for quantity, count in {**charted, "systolic-bp": 1260, "diastolic-bp": 1260}.items():
        assert found[quantity] + sum(n for (_, what), n in refused.items() if what == quantity) == count, quantity
    assert refused["not-measured", "body-temperature"] == 485
    # Celsius charted as Fahrenheit: named, and never converted on a guess.
    assert refused["implausible-for-unit", "body-temperature"] == 37


@pytest.mark.data
def test_mimic_infusions_have_an_end(mimic: Record) -> None:
    """Every vasopressor of the pumps runs from a time to a time."""
    rows = [
        f for f in mimic.findings.to_pylist() if f["quantity"] in ("norepinephrine", "vasopressin", "phenylephrine")
    ]
    assert len(rows) > 1600
    assert all(f["measured_until"] is not None and f["measured_until"] >= f["measured_at"] for f in rows)


@pytest.mark.data
def test_mimic_refusals_can_be_explained(mimic: Record) -> None:
    """Most of a hospital's record is about other things; the rest of the refusals is few and says why."""
    assert set(mimic.refused) <= {
        "code-unknown",  # not one of the things that Leeward reads
        "implausible-for-unit",
        "not-measured",
        "order-only",
        "out-of-range",
        "rate-missing-weight",
        "resource-not-read",
        "status-not-usable",  # marked as completed, charted as not given
        "unit-unknown",  # tablets
    }
    known = [q for r, q in zip(*(mimic.refusals[c].to_pylist() for c in ("reason", "quantity")), strict=True)
             if r == "code-unknown"]  # fmt: skip
    assert set(known) == {None}
    assert mimic.refused["resource-not-read"] == 6
    assert mimic.refused["status-not-usable"] < 20


@pytest.mark.data
def test_mimic_stays(mimic: Record) -> None:
    """Intensive care is found by the names of its places; step-down is not intensive care."""
    stays = Counter(f["text"] for f in mimic.findings.to_pylist() if f["quantity"] == "care-setting")
    assert set(stays) == {"ward", "icu"}
    assert stays["icu"] >= 138
