"""The catalogue of causes: what does not fit is refused by file and line; what stands there stands once."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from leeward.knowledge import BadKnowledge, loader
from leeward.knowledge.therapies import Therapy, agreed, catalogue, notes, of, populations, rules, schedules, treatments
from leeward.record.codes import Codes

GOOD = """\
inn      = "examplumab"
title    = "Example (examplumab)"
kind     = "treatment"
class    = "t-cell-engager"
brands   = ["Example"]
step_up  = true
repeated = true
evidence = "read"
checked  = 2026-11-22
codes = [
  { system = "atc", code = "L01FX99", source = "list", evidence = "read" },
  { system = "hcpcs", code = "J0000", from = 2011-01-01, source = "list", evidence = "read" },
]

[[population]]
indication = "first trial"
crs_any    = { percent = 40 }
crs_grade_3_or_more = { percent = 4 }
onset      = { median = 2, low = 1, high = 6, unit = "d" }
source     = "label"
evidence   = "read"

[[population]]
indication = "second trial"
crs_any    = { percent = 50 }
crs_grade_3_or_more = { percent = 5 }
onset      = { median = 3, low = 1, high = 9, unit = "d" }
source     = "paper"
evidence   = "recalled"

[[rule]]
about    = "stay"
region   = "US"
until    = 2025-06-26
says     = "4 weeks"
source   = "notice"
evidence = "read"

[[rule]]
about    = "stay"
region   = "US"
from     = 2025-06-26
says     = "2 weeks"
source   = "notice"
evidence = "read"
"""


def read(folder: Path, text: str, name: str = "examplumab") -> Therapy:
    """A catalogue file of this text."""
    path = folder / f"{name}.toml"
    path.write_text(text, encoding="utf-8")
    return loader.read(path, Therapy)


def line_of(text: str, words: str, nth: int = 1) -> int:
    """The line on which words stand for the n-th time."""
    return [number for number, line in enumerate(text.splitlines(), 1) if words in line][nth - 1]


def test_the_example_is_good(tmp_path: Path) -> None:
    """What the refusals below change is otherwise read."""
    assert read(tmp_path, GOOD).inn == "examplumab"


@pytest.mark.parametrize(
    ("old", "new", "at", "said"),
    [
        ("crs_any    = { percent = 50 }", "crs_any    = { percent = 150 }", "crs_any    = { percent = 150", "<= 100"),
        ("crs_any    = { percent = 50 }", "crs_any    = { percent = -1 }", "crs_any    = { percent = -1", ">= 0"),
        ("percent = 5 }", "percent = 51 }", 'indication = "second', "grade 3 or more"),
        ("low = 1, high = 9", "low = 9, high = 1", "low = 9, high = 1", "range reversed"),
        ("median = 3, low", "median = 30, low", "median = 30", "median outside"),
        ('high = 9, unit = "d"', "high = 9", "high = 9", "unit"),
        ('high = 9, unit = "d"', 'high = 9, unit = "days"', "days", "Invalid enum"),
        ('source     = "paper"\n', "", 'indication = "second', "source"),
        ('source     = "paper"', 'source     = " "', 'source     = " "', "regex"),
        ('source = "list", evidence = "read" },\n]', 'evidence = "read" },\n]', "J0000", "source"),
        ('system = "hcpcs"', 'system = "hcpsc"', "hcpsc", "unknown code system 'hcpsc'"),
        ("from     = 2025-06-26", "from     = 2025-06-01", "from     = 2025-06-01", "dates overlap"),
        ("from     = 2025-06-26\n", "", 'says     = "2 weeks"', "dates overlap"),
        ('code = "L01FX99"', 'code = "J0000"', None, ""),
        ('system = "atc", code = "L01FX99"', 'system = "hcpcs", code = "J0000"', "from = 2011-01-01", "dates overlap"),
        ("until    = 2025", "from     = 2026-01-01\nuntil    = 2025", 'says     = "4 weeks"', "ends before"),
        ('evidence   = "recalled"', 'evidence   = "certain"', 'evidence   = "certain"', "Invalid enum"),
        ('"stay"\nregion   = "US"\nfrom', '"stays"\nregion   = "US"\nfrom', '"stays"', "Invalid enum"),
        ('"second trial"', '"second trial"\nweight = 1', "weight", "unknown field `weight`"),
    ],
)  # fmt: skip
def test_a_bad_file_is_refused_by_name_and_line(tmp_path: Path, old: str, new: str, at: str | None, said: str) -> None:
    """A careless edit is refused, and the message names the file and the line of the entry that is wrong."""
    assert old in GOOD
    text = new.join(GOOD.rsplit(old, 1))
    if at is None:  # one word may be a code of two systems
        assert read(tmp_path, text).codes
        return
    with pytest.raises(BadKnowledge) as refused:
        read(tmp_path, text)
    message = str(refused.value)
    name, number = message.split(":", 2)[0], int(message.split(":", 2)[1])
    assert name == "examplumab.toml"
    assert said in message
    wanted = line_of(text, at)
    begins = max(n for n, line in enumerate(text.splitlines(), 1) if line.startswith(("[[", "  {")) and n <= wanted)
    assert begins <= number <= wanted, message


def test_two_files_may_not_claim_one_name_or_code(tmp_path: Path) -> None:
    """A name or a code means one product; the second file to claim it is refused by name and line."""
    one = read(tmp_path, GOOD)
    again = GOOD.replace("examplumab", "otherumab")
    two = read(tmp_path, again, "otherumab")
    with pytest.raises(BadKnowledge, match=r"otherumab\.toml:2: 'example' already means examplumab"):
        agreed({"examplumab": one, "otherumab": two}, tmp_path)
    two = read(tmp_path, again.replace('"Example"', '"Other"'), "otherumab")
    with pytest.raises(BadKnowledge, match=r"otherumab\.toml:11: 'L01FX99' already means examplumab"):
        agreed({"examplumab": one, "otherumab": two}, tmp_path)


def test_a_code_may_change_its_meaning_on_a_day(tmp_path: Path) -> None:
    """J9380 is the published example: two products may share a code while their dates do not meet."""
    codes = GOOD[GOOD.index("codes = [") : GOOD.index("]\n\n") + 1]
    line = '{ system = "hcpcs", code = "J0000", %s = 2011-01-01, source = "list", evidence = "read" }'
    one = read(tmp_path, GOOD.replace(codes, f"codes = [{line % 'until'}]"))
    text = GOOD.replace("examplumab", "other").replace('"Example"', '"Other"')
    two = read(tmp_path, text.replace(codes, f"codes = [{line % 'from'}]"), "other")
    assert len(agreed({"examplumab": one, "other": two}, tmp_path)) == 2


def test_a_group_must_be_there(tmp_path: Path) -> None:
    """A file may name only a group that exists."""
    lost = read(tmp_path, GOOD.replace("step_up  = true", 'step_up  = true\nsee = ["nowhere"]'))
    with pytest.raises(BadKnowledge, match=r"examplumab\.toml:7: no group 'nowhere'"):
        agreed({"examplumab": lost}, tmp_path)


def therapy(inn: str) -> Therapy:
    """A treatment of the catalogue."""
    found = of(inn)
    assert found is not None
    return found


def test_the_catalogue_is_whole() -> None:
    """Every published row is there, each with its citation and with how it is known."""
    rows = [row for item in catalogue().values() for row in item.population]
    assert len(rows) == 74
    assert {row.evidence for row in rows} == {"read", "secondary", "recalled"}
    assert {item.kind for item in catalogue().values()} == {"treatment", "group", "condition"}
    assert len({item.inn for item in treatments()}) == len(treatments())


def test_a_recalled_number_in_a_row_that_was_read_keeps_its_tag() -> None:
    """ZUMA-2: the rates were read, the onset is recalled."""
    row = populations(therapy("brexucabtagene autoleucel"))[0]
    assert (row.known(row.crs_any), row.known(row.onset)) == ("read", "recalled")


@pytest.mark.parametrize(
    ("day", "stay", "monitoring", "driving"),
    [
        (date(2025, 6, 25), 28, 7, 56),
        (date(2025, 6, 26), 14, 7, 14),
    ],
)
def test_the_us_rules_changed_on_26_june_2025(day: date, stay: int, monitoring: int, driving: int) -> None:
    """The day before, the old rules held; on the day, the new ones."""
    asked = {line.about: line for line in rules(therapy("axicabtagene ciloleucel"), day) if line.region == "US"}
    assert (asked["stay"].days, asked["monitoring"].daily_days, asked["driving"].days) == (stay, monitoring, driving)


def test_a_products_own_rule_stands_before_its_groups() -> None:
    """Ciltacabtagene was watched daily for 10 days, not 7; tecelra's rules did not change at all."""
    before, after = date(2025, 6, 25), date(2025, 6, 26)
    own = [line for line in rules(therapy("ciltacabtagene autoleucel"), before) if line.about == "monitoring"]
    assert [line.daily_days for line in own] == [10]
    assert rules(therapy("afamitresgene autoleucel"), before) == rules(therapy("afamitresgene autoleucel"), after)


def test_schedules_have_dates_too() -> None:
    """Epcoritamab with lenalidomide and rituximab is on label from 18 November 2025."""
    assert len(schedules(therapy("epcoritamab"), date(2025, 11, 17))) == 2
    assert len(schedules(therapy("epcoritamab"), date(2025, 11, 18))) == 3


def test_a_member_has_its_groups_rows_and_notes() -> None:
    """Nivolumab has no row of its own; checkpoint inhibitors have three."""
    assert len(populations(therapy("nivolumab"))) == 3
    assert notes(therapy("nivolumab"))


def test_codes_are_read_out_of_the_catalogue() -> None:
    """A product's codes stand in its file alone, with the day from which they mean it."""
    meaning = Codes().meaning("hcpcs", "J9380")
    assert meaning is not None
    assert (meaning.quantity, meaning.text, meaning.since) == ("trigger", "teclistamab", date(2011, 1, 1))
    retired = Codes().meaning("icd10pcs", "XW23346")
    assert retired is not None
    assert retired.text == "brexucabtagene autoleucel"


def test_the_superagonist_is_known_by_both_names() -> None:
    """TGN1412 and theralizumab are one antibody."""
    meaning = Codes().meaning("drug-name", "TGN1412")
    assert meaning is not None
    assert meaning.text == "theralizumab"
