"""The plan on a patient's page: the local protocol first, sources side by side, what is unsure or recalled quieter."""

from __future__ import annotations

import html
import re
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from leeward import cli
from leeward.api import question
from leeward.cohort.courses import answers, findings_of
from leeward.knowledge.guidelines import guidelines
from leeward.plan.plan import ALTERNATIVES, Plan
from leeward.report import page, page_name
from leeward.report.folder import write_pages
from leeward.report.plan_fhir import bundle
from leeward.report.plan_lines import KNOWN
from leeward.samples import FOLDER
from tests.report.planned import LIGHT, PROTOCOL, RANGED, UNTREATED, UNWEIGHED, WEIGHED, planned, protocol, record
from tests.report.test_page import Reader

GRADED = (WEIGHED, LIGHT, UNWEIGHED, RANGED)
NASTY = "<script>alert(1)</script>\"'&"
FIXED = {
    "nature",
    "kind",
    "strength",
    "evidence",
    "scale",
    "unit",
    "as_of",
    "earliest",
    "checked",
    "at",
    "since",
    "done",
}
"""Keys whose values are one of a few words, or a time: not text of a file."""


@cache
def paged(patient: str, zone: str | None = None) -> str:
    """A patient's page with the plan."""
    return paged_with(planned()[patient], zone)


def paged_with(plan: Plan, zone: str | None = None) -> str:
    """The page of a plan's patient."""
    [answer] = [one for one in answers(record(), question(record())) if one.patient == plan.patient]
    told = msgspec.to_builtins(answer, str_keys=True)
    return page(told, findings_of(record(), plan.patient), zone=zone, plan=plan)


def part(text: str, name: str, tag: str = "section") -> str:
    """One element by its id, as markup."""
    found = re.search(rf'<{tag}[^>]* id="{name}".*?</{tag}>', text, re.DOTALL)
    assert found, f"no {tag} {name}"
    return found.group()


def shown(markup: str) -> str:
    """The text of a piece of markup, as one line."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", markup)).split())


def cards(text: str) -> dict[str, str]:
    """Each source's card, as markup, in the order of the page."""
    found = re.findall(r'<article class="source" id="says-([^"]*)".*?</article>', text, re.DOTALL)
    return {name: part(text, f"says-{name}", "article") for name in found}


def test_a_dose_stands_with_its_arithmetic_what_holds_it_back_and_what_remains() -> None:
    """The second dose of tocilizumab, five hours after the first."""
    told = shown(cards(paged(WEIGHED))["asco-2021"])
    assert "tocilizumab 560 mg intravenous, every 8 h" in told
    assert "8 mg/kg x 70 kg = 560 mg; at most 800 mg" in told
    assert "Held back: ASCO 2021 gives tocilizumab at least 8 h apart; the last dose was at 11 Jan 21:00" in told
    assert "Earliest 05:00 (in 3 h)" in told
    assert "3 left in the episode" in told


def test_without_a_weight_there_is_no_dose_by_weight() -> None:
    """The page says what is missing, in the short list and in the card."""
    text = paged(UNWEIGHED)
    assert "mg/kg x" not in shown(part(text, "plan"))
    assert "no dose: not on record: weight" in shown(cards(text)["asco-2021"])
    assert "tocilizumab: no dose (not on record: weight)" in shown(part(text, "plan-now"))


def test_the_local_protocol_comes_first() -> None:
    """Before every published source, in both places."""
    text = paged(WEIGHED)
    assert next(iter(cards(text))) == "protocol-example"
    assert re.findall(r'href="#says-([^"]*)"', part(text, "plan-now"))[0] == "protocol-example"
    assert text.index('class="own"') < text.index('class="sources"')


def test_a_protocol_that_says_nothing_is_named_all_the_same() -> None:
    """A reader must know that it was read."""
    silent = msgspec.structs.replace(
        planned()[WEIGHED], suggestions=[one for one in planned()[WEIGHED].suggestions if one.nature != "local"]
    )
    assert "Example protocol (the local protocol) says nothing for this state." in shown(
        part(paged_with(silent), "plan")
    )


@pytest.mark.parametrize("patient", GRADED)
def test_everything_that_is_said_stands_in_its_card(patient: str) -> None:
    """No suggestion is lost: each stands with its source, or among what is to be looked up elsewhere."""
    text = paged(patient)
    told = {name: shown(card) for name, card in cards(text).items()}
    whole = shown(part(text, "plan"))
    lost = [
        one.says
        for one in planned()[patient].suggestions
        if " ".join(one.says.split()) not in (whole if one.kind == "consult" else told[one.source_id])
    ]
    assert lost == []


@pytest.mark.parametrize("patient", GRADED)
def test_what_depends_comes_after_what_applies_and_quieter(patient: str) -> None:
    """In each card, and cards that only depend come after all others."""
    text = paged(patient)
    sure = {one.source_id for one in planned()[patient].suggestions if not one.needs}
    for name, card in cards(text).items():
        before, _, after = card.partition('class="unsure"')
        assert "epends on" not in shown(before)
        assert (
            bool(after)
            == any(
                one.needs and one.source_id == name and one.kind != "consult" for one in planned()[patient].suggestions
            )
            or not after
        )
    order = [name in sure for name in cards(text)]
    assert order == sorted(order, reverse=True)


@pytest.mark.parametrize("patient", GRADED)
def test_what_is_only_recalled_is_folded_away_with_its_mark_and_without_a_dose(patient: str) -> None:
    """All of it, and nowhere else."""
    recalled = part(paged(patient), "recalled", "details")
    told = shown(recalled)
    assert "<details open" not in recalled
    assert [one.says for one in planned()[patient].recalled if " ".join(one.says.split()) not in told] == []
    assert told.count("[recalled only]") == len({one.source for one in planned()[patient].recalled})
    assert 'class="dose"' not in recalled
    assert not any("recalled only" in shown(card) for card in cards(paged(patient)).values())


def test_a_range_of_grades_is_told_at_both_ends() -> None:
    """Without a pressure CRS is 1 to 2: each end has its plan, the mildest first."""
    [crs] = [one for one in planned()[RANGED].crs if one.scale == "astct-2019"]
    assert (crs.at_least, crs.at_most) == (1, 2)
    card = shown(cards(paged(RANGED))["asco-2021"])
    assert card.index("At best (CRS 1)") < card.index("At worst (CRS 2)")
    assert "Not one grade but a range: CRS 1 to 2 by ASTCT 2019" in shown(part(paged(RANGED), "plan-now"))


def test_a_sure_grade_has_no_ends() -> None:
    """ASTCT is grade 2 for the weighed patient: nothing by ASTCT is said at best or at worst."""
    assert "At best" not in shown(cards(paged(WEIGHED))["asco-2021"])


@pytest.mark.parametrize("patient", GRADED)
def test_where_sources_differ_each_side_stands_with_how_it_is_known(patient: str) -> None:
    """Every disagreement, every side; what is recalled only is grey."""
    differ = part(paged(patient), "differ")
    told = shown(differ)
    for one in planned()[patient].disagreements:
        for side in one.sides:
            assert f"{', '.join(side.sources)} {side.says} {KNOWN[side.evidence]}" in told
    rows = re.findall(r"<tr( class=\"grey\")?><th scope=\"row\">(.*?)</tr>", differ, re.DOTALL)
    assert all(bool(grey) == ("recalled only" in row) for grey, row in rows)
    assert len(rows) == sum(len(one.sides) for one in planned()[patient].disagreements)


def test_what_hours_would_change_and_the_clock_stand_beside_the_course() -> None:
    """Before the sources' cards, with the time and how far off it is."""
    text = paged(WEIGHED)
    later = shown(part(text, "later"))
    assert "In 19 h , 12 Jan 21:00" in later
    told = shown(part(text, "bundle"))
    assert "Blood cultures onset 11 Jan 08:00 not on record 18 h so far" in told
    assert "Tocilizumab onset 11 Jan 08:00 11 Jan 21:00 13 h" in told
    assert text.index('id="bundle"') < text.index('id="plan"')


def test_rules_on_staying_near_and_what_to_mind_are_told() -> None:
    """With how each is known."""
    text = paged(WEIGHED)
    assert "stay near the treatment facility for 4 weeks read in its source" in shown(part(text, "stay"))
    assert all(one.says in shown(part(text, "mind")) for one in planned()[WEIGHED].warnings)


@pytest.mark.parametrize("patient", GRADED)
def test_it_says_what_it_is(patient: str) -> None:
    """Each source "says"; and no order, no medical device, in both places."""
    text = paged(patient)
    for name in ("plan-now", "plan"):
        assert "no order, no medical device" in shown(part(text, name))
    heads = re.findall(r'<h3 id="says-[^"]*-name">(.*?)<small>', text)
    assert heads != []
    assert all(head.strip().endswith(" says") for head in heads)


def test_moments_are_told_on_the_clock_of_the_page() -> None:
    """A page in the record's local time has no second clock in its reasons."""
    told = shown(part(paged(WEIGHED, "Europe/Berlin"), "plan"))
    assert "the last dose was at 11 Jan 22:00" in told
    assert "UTC" not in told.replace("UTC+01:00", "")


def test_a_patient_without_a_therapy_has_no_plan() -> None:
    """Nothing is graded, so nothing is said."""
    assert planned()[UNTREATED].not_graded
    assert 'id="plan' not in paged(UNTREATED)


def test_a_dose_given_counts_against_every_source_that_says_how_far_apart() -> None:
    """Tocilizumab five hours ago: whoever prints a distance holds the next one back; whoever prints none warns."""
    distances = {one.id: one.doses for one in (*guidelines(), protocol())}
    told = [one for one in planned()[WEIGHED].suggestions if one.drug == "tocilizumab" and one.dose is not None]
    to_mind = [one.says for one in planned()[WEIGHED].warnings if one.drug == "tocilizumab"]
    assert len({one.source_id for one in told}) >= 3
    for one in told:
        apart = [rule.apart_hours for rule in distances[one.source_id].values() if rule.drug == "tocilizumab"]
        assert one.blocked if all(apart) else any(one.source in warned for warned in to_mind)


def test_sources_are_told_to_be_alternatives() -> None:
    """On the page and to a machine that reads the proposals."""
    assert ALTERNATIVES in shown(part(paged(WEIGHED), "plan"))
    [group] = [
        one["resource"]
        for one in bundle(planned()[WEIGHED])["entry"]
        if one["resource"]["resourceType"] == "RequestGroup"
    ]
    assert ALTERNATIVES in [note["text"] for note in group["note"]]


def test_each_source_names_the_grade_on_its_own_scale() -> None:
    """CARTOX is asked with its own range, ASCO with ASTCT's sure grade."""
    made = cards(paged(WEIGHED))
    assert "CRS 2 to 4 by CARTOX 2018" in shown(made["cartox-2018"])
    assert "CRS 2 by ASTCT 2019" in shown(made["asco-2021"])
    assert "ASTCT" not in shown(made["cartox-2018"].split("</h3>")[0])


def test_what_is_taken_for_granted_is_told() -> None:
    """Above all that a drug not on record was read as not given."""
    told = shown(part(paged(WEIGHED), "granted", "p"))
    assert all(one in told for one in planned()[WEIGHED].assumptions)
    assert "a drug that is not on record was read as not given" in told


def spoilt(held: Any, key: str = "") -> Any:
    """A plan's builtins with every text of a file or record made hostile."""
    if isinstance(held, dict):
        return {name: spoilt(one, name) for name, one in held.items()}
    if isinstance(held, list):
        return held if key == "ends" else [spoilt(one, key) for one in held]
    return held + NASTY if isinstance(held, str) and key not in FIXED else held


def test_markup_in_any_text_of_a_plan_is_shown_as_text() -> None:
    """A protocol is a file that anybody may have written."""
    plan = msgspec.convert(spoilt(msgspec.to_builtins(planned()[WEIGHED])), Plan)
    plan = msgspec.structs.replace(plan, patient=WEIGHED)
    text = paged_with(plan)
    assert "<script" not in text.lower()
    assert 'id="says-asco-2021&lt;script' in text
    reader = Reader(text)
    assert [name for _, held in reader.elements for name in held if name.startswith("on")] == []


@pytest.mark.parametrize("patient", GRADED)
def test_the_page_is_well_formed_and_its_references_exist(patient: str) -> None:
    """Elements close, ids are unique, each link and label leads somewhere on the page, nothing comes from outside."""
    reader = Reader(paged(patient))
    ids = reader.ids()
    assert len(ids) == len(set(ids))
    named = [held["aria-labelledby"] or "" for _, held in reader.elements if "aria-labelledby" in held]
    links = [held["href"] or "" for _, held in reader.elements if "href" in held]
    assert {name for several in named for name in several.split()} <= set(ids)
    assert {link[1:] for link in links} <= set(ids)
    assert {tag for tag, _ in reader.elements} & {"script", "img", "link", "iframe"} == set()


def test_a_folder_of_pages_gives_each_patient_their_own_plan(tmp_path: Path) -> None:
    """Seventy kilograms stand on one page, fifty on the other, and the local protocol on both."""
    write_pages(record(), question(record()), tmp_path, protocol=protocol())
    heavy, light = ((tmp_path / page_name(name)).read_text(encoding="utf-8") for name in (WEIGHED, LIGHT))
    assert "8 mg/kg x 70 kg = 560 mg" in heavy
    assert "x 50 kg" not in heavy
    assert "8 mg/kg x 50 kg = 400 mg" in light
    assert "x 70 kg" not in light
    assert "Example protocol says" in shown(heavy)
    assert 'id="plan"' not in (tmp_path / page_name(UNTREATED)).read_text(encoding="utf-8")


def test_the_command_takes_a_protocol_and_refuses_a_bad_one(tmp_path: Path) -> None:
    """`leeward report --protocol`: shown first, or an exit code with the file and what is wrong in it."""
    sample = str(FOLDER / "c12-cervical-oedema.csv")
    bad = tmp_path / "bad.toml"
    bad.write_text(PROTOCOL.read_text(encoding="utf-8").replace('">= 2"', '">= 3"'), encoding="utf-8")
    refused = CliRunner().invoke(cli.app, ["report", sample, "--out", str(tmp_path / "a"), "--protocol", str(bad)])
    assert refused.exit_code == 2
    assert "bad.toml" in refused.output
    done = CliRunner().invoke(cli.app, ["report", sample, "--out", str(tmp_path / "b"), "--protocol", str(PROTOCOL)])
    assert done.exit_code == 0
    assert "Example protocol" in shown(part((tmp_path / "b" / "C12.html").read_text(encoding="utf-8"), "plan"))
