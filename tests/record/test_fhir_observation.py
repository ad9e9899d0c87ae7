"""FHIR observations: values, components, times, states, and the reasons why some are refused."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.record.fhir_bedside import LOINC, UCUM, Json, concept, observation, quantity, tell, told

ABSENT = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/data-absent-reason", "code": "not-performed"}]}
SNOMED = "http://snomed.info/sct"


def pressure(systolic: object, diastolic: object, **parts: Any) -> Json:
    """A blood pressure panel."""
    components = [
        {"code": concept(code)} | (value if isinstance(value, dict) else {"valueQuantity": quantity(value, "mm[Hg]")})
        for code, value in (("8480-6", systolic), ("8462-4", diastolic))
    ]
    return observation("85354-9", valueQuantity=None, component=components, **parts)


def test_a_value_with_all_its_names(tmp_path: Path) -> None:
    """Where it stands, when it was measured and reported, and which version it is."""
    meta = {"versionId": "3", "lastUpdated": "2026-03-01T09:00:00.5+01:00"}
    found = tell(tmp_path, observation(issued="2026-03-01T08:10:00+01:00", meta=meta)).finding()
    assert (found["patient"], found["quantity"], found["low"], found["high"]) == ("007", "body-temperature", 38.5, 38.5)
    assert found["measured_at"] == datetime(2026, 3, 1, 7, 0, tzinfo=UTC)
    assert found["reported_at"] == datetime(2026, 3, 1, 7, 10, tzinfo=UTC)
    assert (found["record"], found["version"]) == ("Observation/o1", "2026-03-01T08:00:00.500000Z")
    assert (found["source"], found["place"]) == ("record.ndjson", "line 1")


def test_panel_components_stand_alone(tmp_path: Path) -> None:
    """Each component is a finding with a name of its own; the panel itself is none."""
    found = tell(tmp_path, pressure(88, 50))
    assert found.values() == {"systolic-bp": 88.0, "diastolic-bp": 50.0}
    assert sorted(f["record"] for f in found.findings) == ["Observation/o1#8462-4", "Observation/o1#8480-6"]
    assert found.refusals == []


def test_oximetry_with_flow_and_concentration(tmp_path: Path) -> None:
    """US Core sends the saturation with the oxygen it was measured under."""
    codes = {"coding": [{"system": LOINC, "code": "2708-6"}, {"system": LOINC, "code": "59408-5"}]}
    parts = [
        {"code": concept("3151-8"), "valueQuantity": {**quantity(6, "L/min"), "unit": "liters/min"}},
        {"code": concept("3150-0"), "valueQuantity": quantity(40, "%")},
    ]
    found = tell(tmp_path, observation(code=codes, valueQuantity=quantity(95, "%"), component=parts))
    assert found.values() == {"spo2": 95.0, "oxygen-flow": 6.0, "fio2": 0.4}


@pytest.mark.parametrize(("category", "expected"), [("vital-signs", "spo2"), ("laboratory", "sao2"), (None, "sao2")])
def test_saturation_is_by_oximetry_among_vital_signs(tmp_path: Path, category: str | None, expected: str) -> None:
    """2708-6 alone is what HL7's vital signs profile asks for; elsewhere it is a blood gas."""
    categories = [{"coding": [{"code": category}]}] if category else None
    found = tell(tmp_path, observation("2708-6", valueQuantity=quantity(95, "%"), category=categories)).finding()
    assert found["quantity"] == expected


def test_absent_is_not_measured(tmp_path: Path) -> None:
    """A reason why there is no value is listed, with the reason."""
    refused = tell(tmp_path, observation(valueQuantity=None, dataAbsentReason=ABSENT)).refusal()
    assert (refused["reason"], refused["detail"]) == ("not-measured", "not-performed")


def test_absent_beside_a_value_is_not_measured(tmp_path: Path) -> None:
    """A record that says both is not believed."""
    assert tell(tmp_path, observation(dataAbsentReason=ABSENT)).refusal()["reason"] == "not-measured"


def test_absent_component_leaves_its_sister(tmp_path: Path) -> None:
    """One reading of a panel may be missing."""
    found = tell(tmp_path, pressure(109, {"dataAbsentReason": ABSENT}))
    assert found.values() == {"systolic-bp": 109.0}
    assert [(r["reason"], r["quantity"]) for r in found.refusals] == [("not-measured", "diastolic-bp")]


def test_absent_panel_passes_its_reason_on(tmp_path: Path) -> None:
    """A reason given for the panel holds for the parts without a value."""
    found = tell(tmp_path, pressure({}, {}, dataAbsentReason=ABSENT))
    assert found.reasons() == ["not-measured", "not-measured"]
    assert {r["detail"] for r in found.refusals} == {"not-performed"}


def test_no_value_and_no_reason(tmp_path: Path) -> None:
    """Nothing said is not normal either."""
    assert tell(tmp_path, observation(valueQuantity=None)).refusal()["reason"] == "not-measured"


@pytest.mark.parametrize(
    ("status", "expected"),
    [("final", "final"), ("preliminary", "preliminary"), ("amended", "corrected"), ("corrected", "corrected"),
     ("entered-in-error", "withdrawn")],
)  # fmt: skip
def test_states_that_stand(tmp_path: Path, status: str, expected: str) -> None:
    """A preliminary value is kept and marked, a withdrawal is kept to withdraw."""
    assert tell(tmp_path, observation(status=status)).finding()["status"] == expected


@pytest.mark.parametrize("status", ["registered", "unknown", "cancelled"])
def test_states_that_say_nothing(tmp_path: Path, status: str) -> None:
    """Not usable, and listed."""
    assert tell(tmp_path, observation(status=status)).refusal()["reason"] == "status-not-usable"


def test_withdrawal_of_a_panel_takes_back_its_parts(tmp_path: Path) -> None:
    """Also where it does not say its parts, its value or its time again."""
    taken_back = observation(
        "85354-9",
        status="entered-in-error",
        valueQuantity=None,
        effectiveDateTime=None,
        meta={"lastUpdated": "2026-03-01T10:00:00Z"},
    )
    found = tell(tmp_path, pressure(70, 40, meta={"lastUpdated": "2026-03-01T09:00:00Z"}), taken_back)
    withdrawn = {f["record"] for f in found.findings if f["status"] == "withdrawn"}
    assert {"Observation/o1#8480-6", "Observation/o1#8462-4"} <= withdrawn
    assert all(f["revised"] for f in found.findings if f["quantity"] in ("systolic-bp", "diastolic-bp"))


@pytest.mark.parametrize(
    ("comparator", "low", "high"),
    [("<", -math.inf, 0.3), ("<=", -math.inf, 0.3), (">", 0.3, math.inf), (">=", 0.3, math.inf)],
)
def test_comparators_are_intervals(tmp_path: Path, comparator: str, low: float, high: float) -> None:
    """Below the assay's limit is a range, not a number."""
    value = {**quantity(0.3, "mg/L"), "comparator": comparator}
    found = tell(tmp_path, observation("1988-5", valueQuantity=value)).finding()
    assert (found["low"], found["high"]) == (low, high)


@pytest.mark.parametrize(
    ("when", "start", "until"),
    [
        ({"effectiveInstant": "2026-03-01T08:00:00.250+01:00"}, "07:00:00.250000", None),
        ({"effectivePeriod": {"start": "2026-03-01T08:00:00Z", "end": "2026-03-01T09:00:00Z"}}, "08:00:00", "09:00:00"),
        ({"effectivePeriod": {"start": "2026-03-01T08:00:00Z"}}, "08:00:00", None),
    ],
)
def test_times_of_every_kind(tmp_path: Path, when: Json, start: str, until: str | None) -> None:
    """An instant, a period, an open period."""
    found = tell(tmp_path, observation(effectiveDateTime=None, **when)).finding()
    assert found["measured_at"] == datetime.fromisoformat(f"2026-03-01T{start}+00:00")
    assert found["measured_until"] == (datetime.fromisoformat(f"2026-03-01T{until}+00:00") if until else None)


@pytest.mark.parametrize(
    ("when", "reason"),
    [
        ({}, "time-missing"),
        ({"issued": "2026-03-01T08:00:00Z"}, "time-missing"),
        ({"effectivePeriod": {"end": "2026-03-01T08:00:00Z"}}, "time-missing"),
        ({"effectiveTiming": {"event": ["2026-03-01T08:00:00Z"]}}, "time-missing"),
        ({"effectiveDateTime": "2026-03-01T08:00:00"}, "ambiguous-time"),
        ({"effectiveDateTime": "2026-03-01"}, "ambiguous-time"),
        ({"effectiveDateTime": "2026-02-30T08:00:00Z"}, "impossible-time"),
        ({"effectiveDateTime": "2036-03-01T08:00:00Z"}, "future-time"),
    ],
)
def test_times_that_are_refused(tmp_path: Path, when: Json, reason: str) -> None:
    """When it was issued is not when it was measured."""
    assert tell(tmp_path, observation(**{"effectiveDateTime": None, **when})).refusal()["reason"] == reason


def test_a_day_is_a_day_long(tmp_path: Path) -> None:
    """A date without time is the whole day, in the zone of the source."""
    found = tell(tmp_path, observation(effectiveDateTime="2026-03-01"), zone="+01:00").finding()
    assert found["measured_at"] == datetime(2026, 2, 28, 23, tzinfo=UTC)
    assert found["measured_until"] == datetime(2026, 3, 1, 23, tzinfo=UTC)


def test_site_and_method_are_kept(tmp_path: Path) -> None:
    """How it was measured may matter later."""
    parts = {"bodySite": {"text": "axilla"}, "method": concept("x", "urn:m", "infrared")}
    assert tell(tmp_path, observation(**parts)).finding()["site"] == "axilla, infrared"


@pytest.mark.parametrize(
    ("code", "value", "expected"),
    [
        ("3152-6", {"valueCodeableConcept": concept("261352009", SNOMED, "Face mask")}, "simple-mask"),
        ("3152-6", {"valueCodeableConcept": {"text": "HFNC"}}, "high-flow-nasal-cannula"),
        ("3152-6", {"valueString": "Room air"}, "room-air"),
        ("9267-6", {"valueInteger": 4}, 4.0),
        ("9269-2", {"valueQuantity": {"value": 15}}, 15.0),
    ],
)
def test_values_that_are_no_quantity(tmp_path: Path, code: str, value: Json, expected: object) -> None:
    """Concepts, strings and whole numbers."""
    found = tell(tmp_path, observation(code, **{"valueQuantity": None} | value))
    assert list(found.values().values()) == [expected]


def test_a_device_nobody_knows_ends_the_device_before(tmp_path: Path) -> None:
    """The word is refused, and something stands in its place."""
    found = tell(tmp_path, observation("3152-6", valueQuantity=None, valueString="moonlight"))
    assert found.values() == {"oxygen-device": "unrecognised"}
    assert found.reasons() == ["word-unknown"]


@pytest.mark.parametrize("spelt", ['"38.5"', "true", "1e999", "[38.5]", '{"a":1}', "1" * 5000, "-1e400", '"NaN"'])
def test_what_is_no_number(tmp_path: Path, spelt: str) -> None:
    """A number is what JSON calls a number, and finite."""
    path = tmp_path / "record.ndjson"
    path.write_text(json.dumps(observation()).replace("38.5", spelt), encoding="utf-8")
    assert told(path).refusal()["reason"] == "not-a-number"


@pytest.mark.parametrize("spelt", ["38,5", "038.5", "+38.5", "38.", "'38.5'"])
def test_what_is_not_json(tmp_path: Path, spelt: str) -> None:
    """A line that is not JSON is refused with its place, and the next one is read."""
    path = tmp_path / "record.ndjson"
    lines = [json.dumps(observation()).replace("38.5", spelt), json.dumps(observation(id="o2"))]
    path.write_text("\n".join(lines), encoding="utf-8")
    both = told(path)
    assert [(r["reason"], r["place"]) for r in both.refusals] == [("line-unreadable", "line 1")]
    assert [f["record"] for f in both.findings] == ["Observation/o2"]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({"value": 38.5}, "unit-unknown"),
        (quantity(38.5, "warm"), "unit-unknown"),
        ({"value": 38.5, "unit": "°F", "system": UCUM, "code": "Cel"}, "unit-unknown"),
        (quantity(101.3, "Cel"), "implausible-for-unit"),
        (quantity(38.6, "[degF]"), "implausible-for-unit"),
    ],
)
def test_units_that_do_not_fit(tmp_path: Path, value: Json, reason: str) -> None:
    """Absent, unknown, contradicted by its own print, or wrong."""
    assert tell(tmp_path, observation(valueQuantity=value)).refusal()["reason"] == reason


@pytest.mark.parametrize(
    ("value", "low"),
    [
        ({"value": 100.4, "unit": "F", "system": UCUM, "code": "[degF]"}, 38.0),
        ({"value": 38.0, "unit": "°C"}, 38.0),
        ({"value": 38.0, "code": "Cel"}, 38.0),
        ({"value": 38.0, "unit": "Cel", "system": "urn:local", "code": "u7"}, 38.0),
    ],
)
def test_units_that_fit(tmp_path: Path, value: Json, low: float) -> None:
    """By their code, or as printed."""
    assert tell(tmp_path, observation(valueQuantity=value)).finding()["low"] == low


def test_codes_that_contradict_each_other(tmp_path: Path) -> None:
    """One value cannot be a temperature and a heart rate."""
    codes = {"coding": [{"system": LOINC, "code": "8310-5"}, {"system": LOINC, "code": "8867-4"}]}
    assert tell(tmp_path, observation(code=codes)).refusal()["reason"] == "codes-disagree"


def test_a_local_code_beside_a_known_one(tmp_path: Path) -> None:
    """The first coding that is known counts, wherever it stands."""
    codes = {"coding": [{"system": "urn:here", "code": "T"}, {"system": LOINC, "code": "8331-1"}]}
    assert tell(tmp_path, observation(code=codes)).finding()["quantity"] == "body-temperature"


@pytest.mark.parametrize(
    ("code", "detail"),
    [
        (concept("9999999-9"), "loinc|9999999-9"),
        (concept("T", "urn:here"), "urn:here|T"),
        ({"text": "temperature"}, "temperature"),
    ],
)
def test_codes_nobody_knows(tmp_path: Path, code: Json, detail: str) -> None:
    """Listed as the record spells them."""
    refused = tell(tmp_path, observation(code=code)).refusal()
    assert (refused["reason"], refused["detail"]) == ("code-unknown", detail)


def test_about_somebody_else(tmp_path: Path) -> None:
    """A value with another focus (a fetus, a donor) is not the patient's."""
    refused = tell(tmp_path, observation(focus=[{"reference": "Patient/child"}])).refusal()
    assert refused["reason"] == "not-about-patient"


def test_a_group_of_observations_says_nothing_itself(tmp_path: Path) -> None:
    """Its members are read where they stand."""
    group = observation("85354-9", id="g", valueQuantity=None, hasMember=[{"reference": "Observation/o1"}])
    assert tell(tmp_path, group, observation()).finding()["record"] == "Observation/o1"


def test_repeated_components_keep_their_names_apart(tmp_path: Path) -> None:
    """Two readings under one code are two records."""
    parts = [{"code": concept("8480-6"), "valueQuantity": quantity(v, "mm[Hg]")} for v in (90, 94)]
    found = tell(tmp_path, observation("85354-9", valueQuantity=None, component=parts))
    assert [f["record"] for f in found.findings] == ["Observation/o1#8480-6", "Observation/o1#8480-6.2"]


def test_a_waveform_is_not_a_panel(tmp_path: Path) -> None:
    """A limit on everything."""
    parts = [{"code": concept("8480-6"), "valueQuantity": quantity(v, "mm[Hg]")} for v in range(1001)]
    assert tell(tmp_path, observation(valueQuantity=None, component=parts)).reasons() == ["too-many-components"]


ALT = "1742-6"


def usual(high: object, unit: str | None = "U/L", **parts: Any) -> Json:
    """A reference range with an upper limit."""
    return {"low": {"value": 5}, "high": {"value": high} | ({"unit": unit} if unit else {}), **parts}


@pytest.mark.parametrize(
    ("ranges", "limit"),
    [
        ([usual(55)], 55.0),
        ([usual(55, None)], 55.0),
        ([usual(55), usual(55)], 55.0),
        ([usual(500, type=concept("therapeutic", "urn:r")), usual(40, type=concept("normal", "urn:r"))], 40.0),
        ([{"low": {"value": 5}}], None),
        ([{"text": "5 to 55"}], None),
        ([], None),
        (None, None),
    ],
)
def test_the_upper_limit_that_a_laboratory_prints_is_read(
    tmp_path: Path, ranges: list[Json] | None, limit: float | None
) -> None:
    """The older scales grade organs against it."""
    both = tell(tmp_path, observation(ALT, valueQuantity=quantity(88, "U/L"), referenceRange=ranges))
    assert both.refusals == []
    assert both.values() == {"alt": 88.0} | ({"alt-upper-limit": limit} if limit else {})


def test_an_upper_limit_is_read_in_its_own_unit_and_beside_a_value_that_is_missing(tmp_path: Path) -> None:
    """And taken back with its observation."""
    absent = observation(
        "2160-0", valueQuantity=None, dataAbsentReason=concept("error"), referenceRange=[usual(106, "umol/L")]
    )
    both = tell(tmp_path, absent)
    assert (both.values(), both.reasons()) == (
        {"creatinine-upper-limit": pytest.approx(1.199, abs=0.001)},
        ["not-measured"],
    )
    assert both.findings[0]["record"] == "Observation/o1#upper-limit"


def test_ranges_of_which_nobody_says_whose_they_are_are_not_chosen_from(tmp_path: Path) -> None:
    """One for men and one for women."""
    both = tell(tmp_path, observation(ALT, valueQuantity=quantity(88, "U/L"), referenceRange=[usual(55), usual(40)]))
    assert (both.values(), both.reasons()) == ({"alt": 88.0}, ["range-unclear"])


def test_limits_of_components_are_read_and_those_of_nothing_graded_are_not(tmp_path: Path) -> None:
    """A panel has a range for each part."""
    parts = [
        {"code": concept(ALT), "valueQuantity": quantity(88, "U/L"), "referenceRange": [usual(55)]},
        {"code": concept("8480-6"), "valueQuantity": quantity(90, "mm[Hg]"), "referenceRange": [usual(140, "mm[Hg]")]},
    ]
    both = tell(tmp_path, observation("24325-3", valueQuantity=None, component=parts))
    assert both.values() == {"alt": 88.0, "alt-upper-limit": 55.0, "systolic-bp": 90.0}
