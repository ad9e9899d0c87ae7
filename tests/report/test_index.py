"""The page of a folder, and the names of its files."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from leeward.report import index_page, page_name
from tests.report.courses import COURSES, NASTY


def test_every_patient_is_linked_to_its_page() -> None:
    """Each answer has one row, linked to the file its page is written to, the most severe first."""
    answers = [make()[0] for make in COURSES.values()]
    text = index_page(answers)
    links = re.findall(r'<a href="([^"]+)"', text)
    assert sorted(links) == sorted(page_name(answer["patient"]) for answer in answers)
    assert links[0] == page_name("SHORT-06H")


def test_an_empty_folder_says_so() -> None:
    """No patient is not an error."""
    assert "No patient in this folder." in index_page([])


def test_now_and_peak_are_told() -> None:
    """A row holds both grades, with their times."""
    text = " ".join(re.sub("<[^>]+>", " ", index_page([COURSES["ward"]()[0]])).split())
    assert "tisagenlecleucel 10 Mar 09:40 1 to 4 2 13 Mar 09:40, 2 episodes" in text


def test_names_of_the_record_are_text() -> None:
    """Nothing of a record becomes markup, and no address leads outside."""
    text = index_page([COURSES["hostile"]()[0]])
    assert NASTY not in text
    assert "http" not in text.replace('<meta http-equiv="Content', "")


def test_plain_identifiers_keep_their_name() -> None:
    """Samples are found by their id."""
    assert page_name("C06") == "C06.html"
    assert page_name("10000032") == "10000032.html"


@given(st.lists(st.text(min_size=1), min_size=2, max_size=30, unique=True))
def test_no_two_patients_share_a_file(patients: list[str]) -> None:
    """Whatever identifiers hold, on file systems that tell case apart and on those that do not."""
    names = [page_name(patient).lower() for patient in patients]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z0-9._-]+\.html", name) and not name.startswith(".") for name in names)
    assert "index.html" not in names
