"""Amounts at every weight, equal doses of corticosteroids, and numbers and times in words."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.cases.test_doses import START_S, rules

from leeward.knowledge.citations import citations
from leeward.knowledge.guidelines import DoseRule, guidelines
from leeward.plan import steroids, words
from leeward.plan.amounts import dosing, surface_m2
from leeward.plan.doses import dosed
from leeward.plan.patient import Given, Patient

WEIGHTS = [2.0, 250.0] + [
    near
    for limit in (10.0, 29.95, 30.0, 45.0, 50.0, 60.0, 99.99, 100.0)
    for near in (math.nextafter(limit, 0), limit, math.nextafter(limit, 999))
]


@dataclass(frozen=True)
class Published:
    """A rule, and who speaks."""

    name: str
    rule: DoseRule


@cache
def published() -> list[Published]:
    """Every dose rule of the shipped sources, and those of the case tables."""
    shipped = [Published(f"{file.id} {name}", rule) for file in guidelines() for name, rule in file.doses.items()]
    return shipped + [Published(name, rule) for name, rule in rules().items()]


def patient(weight: float, rule: DoseRule, age: float = 30.0) -> Patient:
    """A patient to whom nothing was given yet."""
    return Patient(as_of_s=START_S, dose_s=START_S, weight_kg=weight, weight_at_s=START_S, age_low=age, age_high=age,
                   height_cm=170, given={rule.drug: ()})  # fmt: skip


@settings(max_examples=150)
@given(weight=st.one_of(st.sampled_from(WEIGHTS), st.floats(2, 250)), age=st.sampled_from([1.0, 8.0, 40.0]))
def test_no_weight_passes_a_cap(weight: float, age: float) -> None:
    """At any weight from 2 to 250 kg no source's dose passes its own cap, and none is zero."""
    for one in published():
        told = dosed(one.rule, patient(weight, one.rule, age), one.name)
        if told.amount is None:
            assert told.blocked, one.name
            continue
        most = max(told.amount, told.amount_to or 0)
        assert 0 < most <= (one.rule.at_most or math.inf), (one.name, told)
        assert most <= (one.rule.at_most_in_24_hours or math.inf), (one.name, told)


@given(weight=st.floats(2, 250))
def test_per_kilogram_is_the_product(weight: float) -> None:
    """Within a twentieth of a milligram, and a heavier patient never gets less on the same side of 30 kg."""
    told = dosed(rules()["ASCO"], patient(weight, rules()["ASCO"]), "X").amount
    assert told == pytest.approx(min(800, weight * (12 if weight < 30 else 8)), abs=0.05000001)


def test_no_shipped_rule_is_a_riddle() -> None:
    """Every shipped rule gives an adult or a child of 70 kg a dose when nothing was given before."""
    silent = [
        one.name
        for one in published()
        if one.name != "Too much"
        and all(dosed(one.rule, patient(70, one.rule, age), one.name).amount is None for age in (10.0, 40.0))
    ]
    assert silent == []


@pytest.mark.parametrize(
    ("height", "weight", "surface"), [(160.0, 90.0, 2.0), (180.0, 80.0, 2.0), (90.0, 10.0, 0.5), (200.0, 162.0, 3.0)]
)
def test_body_surface(height: float, weight: float, surface: float) -> None:
    """Mosteller: the root of height times weight over 3600."""
    assert surface_m2(height, weight) == pytest.approx(surface, abs=1e-12)


@pytest.mark.parametrize(
    ("dexamethasone", "methylprednisolone", "prednisolone", "hydrocortisone"),
    [(10, 53, 67, 267), (40, 213, 267, 1067), (80, 427, 533, 2133), (187.5, 1000, 1250, 5000), (26.25, 140, 175, 700)],
)
def test_equal_doses(dexamethasone: float, methylprednisolone: int, prednisolone: int, hydrocortisone: int) -> None:
    """The table of equal doses, and back again."""
    found = [
        steroids.equivalent("dexamethasone", dexamethasone, other).amount_mg
        for other in ("methylprednisolone", "prednisolone", "hydrocortisone")
    ]
    assert [round(amount) for amount in found] == [methylprednisolone, prednisolone, hydrocortisone]
    assert steroids.equivalent("hydrocortisone", found[2], "dexamethasone").amount_mg == pytest.approx(dexamethasone)


def test_both_conversions_of_dexamethasone_are_named() -> None:
    """25 to 30 times hydrocortisone by one table, 26.7 by the other; other drugs have one conversion."""
    found = steroids.equivalent("dexamethasone", 10, "hydrocortisone")
    assert (found.drug, round(found.low_mg), round(found.high_mg)) == ("hydrocortisone", 250, 300)
    back = steroids.equivalent("hydrocortisone", 300, "dexamethasone")
    assert (round(back.low_mg, 3), back.amount_mg, round(back.high_mg, 3)) == (10.0, 11.25, 12.0)
    assert steroids.equivalent("methylprednisolone", 4, "prednisolone") == steroids.Equivalent("prednisolone", 5, 5, 5)
    assert steroids.equivalent("dexamethasone", 7, "dexamethasone").low_mg == 7
    assert (
        steroids.in_words("prednisolone", 1000, "hydrocortisone") == "prednisolone 1,000 mg = hydrocortisone 4,000 mg"
    )
    assert steroids.in_words("dexamethasone", 10, "methylprednisolone") == (
        "dexamethasone 10 mg = methylprednisolone 53 mg "
        "(50 to 60 mg with dexamethasone taken as 25 to 30 times as potent as hydrocortisone)"
    )


def test_a_range_of_an_amount_is_no_amount() -> None:
    """Of 8 to 12 mg nobody can say what they equal."""
    rule = rules()["Taper"]
    record = {rule.drug: (), "dexamethasone": (Given(START_S, None, 8.0, 12.0),)}
    told = dosed(rule, msgspec.structs.replace(patient(70, rule), given=record), "X")
    assert told.warnings == ("dexamethasone was given in the last 24 h, how much is not known",)


def test_half_lives() -> None:
    """Short, middle and long, as the table prints them."""
    spans = {
        name: (one.half_life_hours, one.half_life_to_hours) for name, one in steroids.steroids().table.equal.items()
    }
    assert spans == {
        "hydrocortisone": (8, 12), "prednisolone": (18, 36), "methylprednisolone": (18, 36), "dexamethasone": (36, 54),
    }  # fmt: skip


def test_sources_exist() -> None:
    """What these numbers cite stands in sources.toml."""
    held = steroids.steroids()
    assert {held.table.source, held.beside.source, dosing().number["surface-divisor"].source} <= set(citations())


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"), (59, "59 s"), (60, "1 min"), (61, "1 min 1 s"), (3599, "59 min 59 s"), (3600, "1 h"),
        (3601, "1 h"), (12_000, "3 h 20 min"), (86_399, "23 h 59 min"), (86_400, "1 d"), (100_800, "1 d 4 h"),
        (172_860, "2 d"),
    ],
)  # fmt: skip
def test_spans(seconds: int, said: str) -> None:
    """The two largest units, without empty ones."""
    assert words.span(seconds) == said


def test_numbers_and_moments() -> None:
    """No trailing zeros, commas between thousands; seconds only where there are any."""
    assert [words.plain(value) for value in (0, 5, 10, 100, 1000, 1234.5678, 0.05, 358.79999999999995)] == [
        "0", "5", "10", "100", "1,000", "1,234.568", "0.05", "358.8",
    ]  # fmt: skip
    assert [words.plain(value, 0) for value in (53.33, 100, 1066.67)] == ["53", "100", "1,067"]
    assert words.between(1, None) == "1"
    assert words.between(650, 1000) == "650 to 1,000"
    assert words.moment(START_S + 1) == "2024-01-10 00:00:01 UTC"
    assert words.moment(START_S + 60) == "2024-01-10 00:01 UTC"


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"fixed": 8.0, "max_days": 0.0}, "max_days"),
        ({"steps": [{"amount": 8.0, "interval_hours": 8.0}], "max_days": 3.0}, "max_days"),
        ({"fixed": 8.0, "by_label": ["in_episode"]}, "by_label"),
        ({"fixed": 8.0, "per_kg": 1.0}, "one of"),
        ({"fixed": 8.0, "fixed_to": 4.0}, "reversed"),
    ],
)
def test_a_dose_that_says_nothing_is_refused(more: dict[str, object], says: str) -> None:
    """Days none, or beside a plan, a limit of a label that is not there, two doses, a turned range."""
    written = {"drug": "dexamethasone", "route": "oral", "unit": "mg", "where": "a test"} | more
    with pytest.raises(msgspec.ValidationError, match=says):
        msgspec.convert(written, DoseRule)


def test_where_ages_are_printed_exists() -> None:
    """A source that is named for an age stands in sources.toml."""
    named = {one.rule.age_source for one in published()} - {None}
    assert named
    assert named <= set(citations())
