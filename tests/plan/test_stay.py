"""Rules about staying near, being watched and driving: those in force on the day of the dose, and no others."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leeward.knowledge.therapies import Rule, Therapy, rules, treatments
from leeward.plan import stay

CHANGE = date(2025, 6, 26)
DAY_BEFORE = CHANGE - timedelta(days=1)
SIX = (
    "axicabtagene ciloleucel", "brexucabtagene autoleucel", "ciltacabtagene autoleucel", "idecabtagene vicleucel",
    "lisocabtagene maraleucel", "tisagenlecleucel",
)  # fmt: skip


def about(inn: str, day: date, region: str | None = None) -> dict[str, Rule]:
    """The rules for everybody, by what they are about."""
    return {line.about: line for line in stay.rules(inn, day, region) if line.for_ is None}


@pytest.mark.parametrize("inn", SIX)
def test_the_change_of_26_june_2025_goes_by_the_day_of_the_infusion(inn: str) -> None:
    """Infused the day before: 4 weeks near, 8 weeks without driving. On the day and after: 2 weeks of each."""
    before, on, later = (about(inn, day, "US") for day in (DAY_BEFORE, CHANGE, CHANGE + timedelta(days=400)))
    assert (before["stay"].days, before["monitoring"].days, before["driving"].days) == (28, 28, 56)
    assert (on["stay"].days, on["monitoring"].days, on["driving"].days) == (14, 14, 14)
    assert on == later


def test_a_products_own_rule_stands_in_place_of_its_groups() -> None:
    """Ciltacabtagene was watched daily for 10 days; the others of its group for 7."""
    days = {inn: about(inn, DAY_BEFORE, "US")["monitoring"].daily_days for inn in SIX}
    assert days == {inn: 10 if inn == "ciltacabtagene autoleucel" else 7 for inn in SIX}


def test_a_rule_for_one_disease_stands_beside_the_rule_for_all() -> None:
    """Brexucabtagene for B-ALL was watched daily for 14 days at the centre, until the change."""
    own = {line.for_: line.daily_days for line in stay.rules("brexucabtagene autoleucel", DAY_BEFORE, "US")
           if line.about == "monitoring"}  # fmt: skip
    after = [line for line in stay.rules("brexucabtagene autoleucel", CHANGE, "US") if line.about == "monitoring"]
    assert own == {None: 7, "B-ALL": 14}
    assert [line.for_ for line in after] == [None]


def test_the_change_did_not_cover_afamitresgene() -> None:
    """Tecelra: 7 days at the facility and 4 weeks in all, before and after."""
    inn = "afamitresgene autoleucel"
    assert stay.rules(inn, DAY_BEFORE) == stay.rules(inn, CHANGE)
    watched = about(inn, CHANGE)["monitoring"]
    assert (watched.daily_days, watched.days) == (7, 28)


def test_the_change_was_american() -> None:
    """The European four weeks stand on both days, as recalled."""
    for day in (DAY_BEFORE, CHANGE):
        near = about("tisagenlecleucel", day, "EU")["stay"]
        assert (near.days, near.evidence) == (28, "recalled")


def test_teclistamab_in_three_regions() -> None:
    """In hospital in the US and Switzerland, near and checked daily in the EU: 48 h each, in different words."""
    found = {region: [(line.about, line.hours) for line in stay.rules("teclistamab", CHANGE, region)]
             for region in ("US", "EU", "CH")}  # fmt: skip
    assert found == {"US": [("hospital", 48)], "EU": [("stay", 48)], "CH": [("hospital", 48)]}
    assert len(stay.rules("teclistamab", CHANGE)) == 3


def test_what_is_given_or_stocked_is_no_stay() -> None:
    """Premedication, delays, stock and access programmes are other rules of the catalogue."""
    assert {line.about for line in rules(of_teclistamab(), CHANGE)} > {"premedication", "dose-gap", "rems"}
    shown = {line.about for item in treatments() for line in stay.rules(item.inn, CHANGE)}
    assert shown == set(stay.STAY)


def of_teclistamab() -> Therapy:
    """Its entry in the catalogue."""
    return next(item for item in treatments() if item.inn == "teclistamab")


def test_a_product_nobody_knows_has_no_rule() -> None:
    """Nothing is guessed from a class."""
    assert stay.rules("examplumab", CHANGE) == ()


@given(
    inn=st.sampled_from([item.inn for item in treatments()]),
    day=st.dates(date(2015, 1, 1), date(2030, 1, 1)) | st.sampled_from([DAY_BEFORE, CHANGE]),
    region=st.sampled_from(["US", "EU", "CH"]),
)
def test_only_what_is_in_force_and_of_the_region(inn: str, day: date, region: str) -> None:
    """Every rule shown holds on the day; a region shows its own and no other's; the order is always the same."""
    every, mine = stay.rules(inn, day), stay.rules(inn, day, region)
    assert all(line.holds(day) for line in every)
    assert mine == tuple(line for line in every if line.region in (region, "any"))
    assert [stay.STAY.index(line.about) for line in every] == sorted(stay.STAY.index(line.about) for line in every)
