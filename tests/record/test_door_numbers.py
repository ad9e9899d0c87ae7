"""Numbers and units at the door: faults 1 to 9 of the bar for trusted systems, each with its number."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leeward.knowledge.vocabulary import quantities
from leeward.record import units
from tests.record.doorstep import Doorstep

NO_NUMBERS = [
    "NaN",
    "nan",
    "inf",
    "-inf",
    "Infinity",
    "1e999",
    "-1e999",
    "38,5",
    " 38 ",
    "38 ",
    "true",
    "True",
    "",
    "+",
    "-",
    ".",
    "1_000",
    "0x26",
    "38.0.1",
    "38°",
    "thirty-eight",
    "9" * 4301,
    "1e",
    "e5",
    "٣٨",
    "38.0\x00",
    "--38",
    "<<3",
    "< 3",
    "~3",
]


@pytest.mark.parametrize("spelt", NO_NUMBERS)
def test_01_08_what_is_not_plainly_a_number_is_refused(spelt: str) -> None:
    """NaN, infinity, decimal commas, blanks, booleans and endless digits grade nothing."""
    refusal = Doorstep().refusal(quantity="body-temperature", value=spelt, unit="Cel")
    assert refusal["reason"] == ("not-measured" if spelt == "" else "not-a-number")
    assert len(refusal["detail"]) <= 60


def test_08_a_word_where_a_number_belongs_is_refused() -> None:
    """A record that keeps a number as text has not said a number."""
    assert Doorstep().refusal(quantity="body-temperature", text="38.0", unit="Cel")["reason"] == "not-a-number"


@pytest.mark.parametrize("unit", [None, "", "degrees", "Celcius", "°", "mmol", "Mg"])
def test_02_a_unit_absent_unknown_or_misspelt_is_refused(unit: str | None) -> None:
    """No unit is ever assumed."""
    refusal = Doorstep().refusal(quantity="body-temperature", value="38.5", unit=unit)
    assert (refusal["reason"], refusal["detail"]) == ("unit-unknown", unit or "no unit")


@pytest.mark.parametrize(
    ("quantity", "value", "unit", "likely"),
    [
        ("body-temperature", "101.3", "Cel", "[degF]"),
        ("body-temperature", "99.0", "°C", "[degF]"),
        ("body-temperature", "38.6", "[degF]", "Cel"),
        ("body-temperature", "311", "Cel", "K"),
        ("fio2", "40", "1", "%"),
        ("fio2", "0.4", "%", "1"),
        ("spo2", "0.97", "%", "1"),
        ("systolic-bp", "120", "kPa", "mm[Hg]"),
        ("vasopressin", "2.4", "units/min", "U/h"),
    ],
)
def test_03_a_wrong_unit_is_refused_with_the_likely_one(quantity: str, value: str, unit: str, likely: str) -> None:
    """A value no living patient has is not converted on a guess; the guess is shown."""
    refusal = (
        Doorstep().refusal(quantity=quantity, value=value, unit=unit)
        if quantity != "vasopressin"
        else (Doorstep().both(quantity=quantity, value=value, unit=unit)[1])
    )
    assert refusal["reason"] == "implausible-for-unit"
    assert refusal["detail"].endswith(f"likely {likely}")


@pytest.mark.parametrize(
    ("quantity", "value", "unit", "expected"),
    [
        ("crp", "12", "mg/dL", 120.0),
        ("crp", "12", "mg/L", 12.0),
        ("creatinine", "88.4", "umol/L", 1.0),
        ("creatinine", "1", "mg/dL", 1.0),
        ("ferritin", "500", "ng/mL", 500.0),
        ("ferritin", "500", "ug/L", 500.0),
        ("fio2", "40", "%", 0.4),
        ("fio2", "0.40", "1", 0.4),
        ("spo2", "0.97", "1", 97.0),
        ("body-weight", "25", "lb", 11.33980925),
        ("vasopressin", "2.4", "units/hour", 0.04),
        ("norepinephrine", "600", "mcg/hr", 10.0),
        ("platelets", "150", "K/uL", 150.0),
        ("platelets", "150000", "/uL", 150.0),
        ("haemoglobin", "90", "g/L", 9.0),
        ("lactate", "9.008", "mg/dL", 1.0),
        ("troponin-t", "0.05", "ng/mL", 50.0),
        ("acetaminophen", "1", "g", 1000.0),
    ],
)
def test_04_each_number_and_unit_pair_is_converted_exactly(
    quantity: str, value: str, unit: str, expected: float
) -> None:
    """Tenfold errors hide between these pairs."""
    finding = Doorstep().finding(quantity=quantity, value=value, unit=unit)
    assert (finding["low"], finding["high"]) == (expected, expected)


def test_04_a_rate_per_kilogram_without_weight_says_that_it_runs() -> None:
    """The infusion counts, its rate does not, and the refusal says so."""
    finding, refusal = Doorstep().both(quantity="norepinephrine", value="0.1", unit="mcg/kg/min")
    assert (finding["low"], finding["high"], finding["text"]) == (None, None, "0.1 mcg/kg/min")
    assert refusal["reason"] == "rate-missing-weight"


@pytest.mark.parametrize("unit", ["mcg/kg/min", "mL/hr", None])
def test_04_a_rate_of_zero_is_a_stop_in_any_unit(unit: str | None) -> None:
    """Nothing runs, whatever the unit."""
    finding = Doorstep().finding(quantity="norepinephrine", value="0", unit=unit)
    assert (finding["low"], finding["high"]) == (0.0, 0.0)


def test_04_a_drug_given_in_an_unknown_unit_was_given() -> None:
    """A dose in vials is no dose in milligrams, but the drug went in."""
    finding, refusal = Doorstep().both(quantity="tocilizumab", value="2", unit="VIAL")
    assert (finding["low"], finding["text"], refusal["reason"]) == (None, "2 VIAL", "unit-unknown")


@pytest.mark.parametrize(
    "spelt",
    ["100.4", "100.40", "1.004e2", str(np.float32(100.4)), str(float(np.float32(100.4))), str(100.4)],
)
def test_05_fahrenheit_at_the_limit_is_exactly_38(spelt: str) -> None:
    """However the record stored 100.4 °F, it is 38.0 °C."""
    assert Doorstep().finding(quantity="body-temperature", value=spelt, unit="[degF]")["low"] == 38.0


@pytest.mark.parametrize(
    "spelt", [str((100.4 - 32) * 0.555555), str((100.4 - 32) * 5 / 9), str(np.float32(38.0000008))]
)
def test_05_a_rounded_factor_upstream_is_rounded_away(spelt: str) -> None:
    """Digits finer than any thermometer's are left-over arithmetic."""
    assert Doorstep().finding(quantity="body-temperature", value=spelt, unit="Cel")["low"] == 38.0


def test_05_a_float32_column_arrives_as_the_decimal_it_stood_for() -> None:
    """Parquet's float32 widened to float64 is 38.29999923706055; the thermometer said 38.3."""
    column = pa.array([38.3], pa.float32()).cast(pa.float64()).cast(pa.string())
    assert Doorstep().finding(quantity="heart-rate", value=column[0].as_py(), unit="/min")["low"] == 38.3


@pytest.mark.parametrize("quantity", [name for name, q in quantities().items() if q.unit and q.kind != "word"])
@given(digits=st.integers(min_value=0, max_value=10**6), places=st.integers(min_value=0, max_value=4))
def test_05_every_conversion_is_the_exact_one_rounded_once(quantity: str, digits: int, places: int) -> None:
    """The converted value is the float nearest to the exact fraction, for every unit a quantity is written in."""
    what = quantities()[quantity]
    value = Decimal(digits).scaleb(-places)
    for unit in (what.unit, *what.also):
        conversion = units.conversion(what, unit)
        if conversion.outcome == "exact" and conversion.resolution is None:
            exact = Fraction(value) * conversion.scale + conversion.offset
            assert conversion.of(str(value)) == float(exact)


def test_05_the_library_converts_exactly() -> None:
    """Five ninths is five ninths, and a pound is its legal definition."""
    fahrenheit = units.conversion(quantities()["body-temperature"], "°F")
    assert (fahrenheit.scale, fahrenheit.offset) == (Fraction(5, 9), Fraction(-160, 9))
    assert units.conversion(quantities()["body-weight"], "lb").scale == Fraction(45359237, 10**8)


@pytest.mark.parametrize(
    ("parts", "low", "high"),
    [
        ({"value": "<0.3"}, -math.inf, 0.3),
        ({"value": "0.3", "comparator": "<"}, -math.inf, 0.3),
        ({"value": "0.3", "comparator": "<="}, -math.inf, 0.3),
        ({"value": ">40000"}, 40000.0, math.inf),
        ({"value": ">=40000"}, 40000.0, math.inf),
        ({"value": "40000", "comparator": ">"}, 40000.0, math.inf),
    ],
)
def test_07_below_or_above_an_assay_is_an_interval(parts: dict[str, str | None], low: float, high: float) -> None:
    """The bound is known, the value is not."""
    finding = Doorstep().finding(quantity="ferritin", unit="ug/L", **parts)
    assert (finding["low"], finding["high"]) == (low, high)


@pytest.mark.parametrize("comparator", ["~", "ad", "approximately"])
def test_07_a_comparator_nobody_knows_is_refused(comparator: str) -> None:
    """About 38.5 is neither 38.5 nor a bound."""
    refusal = Doorstep().refusal(quantity="body-temperature", value="38.5", unit="Cel", comparator=comparator)
    assert (refusal["reason"], refusal["detail"]) == ("comparator-unknown", comparator)
    equal = Doorstep().finding(quantity="body-temperature", value="38.5", unit="Cel", comparator="=")
    assert (equal["low"], equal["high"]) == (38.5, 38.5)


@pytest.mark.parametrize(
    ("quantity", "value", "unit"),
    [
        ("body-temperature", "42.3", "Cel"),
        ("body-temperature", "31", "Cel"),
        ("heart-rate", "240", "/min"),
        ("heart-rate", "0", "/min"),
        ("oxygen-flow", "60", "L/min"),
        ("ferritin", "250000", "ug/L"),
    ],
)
def test_09_unusual_but_possible_values_are_kept(quantity: str, value: str, unit: str) -> None:
    """Nothing is clipped or dropped for being extreme."""
    assert Doorstep().finding(quantity=quantity, value=value, unit=unit)["low"] == float(value)


@pytest.mark.parametrize(
    ("quantity", "value", "unit"),
    [
        ("oxygen-flow", "-2", "L/min"),
        ("spo2", "104", "%"),
        ("fio2", "1.7", "1"),
        ("mean-bp", "-27", "mmHg"),
        ("mean-bp", "801", "mmHg"),
        ("ice-score", "11", None),
        ("ice-score", "-1", None),
    ],
)
def test_impossible_values_are_refused(quantity: str, value: str, unit: str | None) -> None:
    """A negative flow is no flow."""
    assert Doorstep().refusal(quantity=quantity, value=value, unit=unit)["reason"] == "out-of-range"


def test_every_quantity_has_a_unit_that_the_library_knows() -> None:
    """Every unit in quantities.toml stands in units.toml, and every pair can be converted."""
    for name, quantity in quantities().items():
        for unit in (quantity.unit, *quantity.also):
            if unit is not None:
                assert units.ucum(unit) == unit, name
                assert units.conversion(quantity, unit).outcome in {"exact", "weight"}, (name, unit)


def test_no_spelling_of_a_unit_means_two() -> None:
    """A spelling given to two units would be read as the later one."""
    seen: dict[str, str] = {}
    for name, unit in units.listed().items():
        for spelling in {name, *unit.spellings, *(s.lower() for s in unit.any_case)}:
            tidy = spelling.replace("\u03bc", "\u00b5")
            assert seen.setdefault(tidy, name) == name, spelling
