"""Bad knowledge does not load; good knowledge says which edition it is."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import msgspec
import pytest

from leeward.knowledge import BadKnowledge, edition, loader, weakest
from leeward.knowledge.definition import Dated, value


class Limit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The smallest shape that a wrong file can miss."""

    title: str
    hours: float
    code: str = ""


def read(folder: Path, text: str) -> Limit:
    """A knowledge file of this text."""
    path = folder / "limit.toml"
    path.write_text(text, encoding="utf-8")
    return loader.read(path, Limit)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "title"),
        ("title = 'a'\nhours = '4'\n", "limit.toml:2"),
        ("title = 'a'\nhours = 4.0\nours = 3\n", "limit.toml:3"),
        ("title = 'a'\nhours = 4.0\ntitle = 'b'\n", "limit.toml: not TOML"),
        ("title = 'a'\nhours = 010\n", "limit.toml: not TOML"),
        ("title = no\nhours = 4.0\n", "limit.toml: not TOML"),
        ("title = 'a'\nhours = 4.0\ncode = 1.10\n", "limit.toml:3"),
        ("title = 'a'\nhours = true\n", "limit.toml:2"),
        ("title = 'a'\nhours = 12:30\n", "limit.toml: not TOML"),
        ("title = 'a'\nhours = nan\n", "limit.toml:2: not a number"),
        ("title = 'inf'\n# inf\nhours = +inf\n", "limit.toml:3: not a number"),
        ("title = 'a'\nhours = 1e999\n", "limit.toml:2: not a number"),
        ("title = 'a'\nhours = " + "[" * 5000, "limit.toml: nested too deeply"),
    ],
    ids=[
        "empty",
        "text for a number",
        "unknown field",
        "key twice",
        "leading zero",
        "bare word",
        "number for a code",
        "truth for a number",
        "time of day for a number",
        "nan",
        "infinite",
        "beyond all numbers",
        "a bomb of brackets",
    ],
)
def test_31_a_bad_file_is_refused_by_name_and_line(tmp_path: Path, text: str, said: str) -> None:
    """What a careless editor types is refused, and the message says where."""
    with pytest.raises(BadKnowledge, match=r"limit\.toml") as refused:
        read(tmp_path, text)
    assert said in str(refused.value)


def test_31_a_file_of_another_encoding_is_refused_by_name(tmp_path: Path) -> None:
    """What an editor saved as Latin-1 is not guessed at."""
    path = tmp_path / "limit.toml"
    path.write_bytes("title = 'fièvre'\nhours = 4.0\n".encode("latin-1"))
    with pytest.raises(BadKnowledge, match=r"limit\.toml: not UTF-8"):
        loader.read(path, Limit)


def test_31_a_missing_file_is_refused_by_name() -> None:
    """A name that no file bears is not an empty file."""
    with pytest.raises(BadKnowledge, match=r"nowhere\.toml"):
        loader.load("scales/nowhere", Limit)


def dated(number: float, since: date, until: date | None = None) -> Dated:
    """A line in force from a day on."""
    return Dated(value=number, unit="Cel", from_=since, where="table", checked=since, until=until)


def test_30_the_newest_line_holds_and_a_past_day_has_its_own() -> None:
    """A corrected value is a new line; on a day before it the old one held."""
    lines = [dated(38.0, date(2018, 12, 25), date(2025, 3, 1)), dated(37.8, date(2025, 3, 1))]
    assert value(lines) == 37.8
    assert value(lines, date(2025, 3, 1)) == 37.8
    assert value(lines, date(2025, 2, 28)) == 38.0


@pytest.mark.parametrize(
    "lines",
    [
        [dated(38.0, date(2018, 12, 25)), dated(37.8, date(2018, 12, 25))],
        [dated(38.0, date(2018, 12, 25), date(2026, 1, 1)), dated(37.8, date(2027, 3, 1))],
        [dated(38.0, date(2018, 12, 25), date(2028, 1, 1)), dated(37.8, date(2027, 3, 1))],
        [],
    ],
    ids=["same day", "gap", "overlap", "none"],
)
def test_30_lines_that_overlap_or_leave_a_gap_are_refused(lines: list[Dated]) -> None:
    """On each day exactly one value is in force."""
    with pytest.raises(BadKnowledge):
        value(lines)


def test_30_before_the_first_line_nothing_is_in_force() -> None:
    """A definition does not hold before it was published."""
    with pytest.raises(BadKnowledge):
        value([dated(38.0, date(2018, 12, 25))], date(2018, 12, 24))


def test_32_the_edition_changes_with_any_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two answers of one edition used the same numbers."""
    copy = Path(shutil.copytree(loader.ROOT, tmp_path / "knowledge", ignore=shutil.ignore_patterns("__pycache__")))
    monkeypatch.setattr(loader, "ROOT", copy)
    before = loader.edition_of(loader.shipped.__wrapped__())
    assert before == edition()
    scale = copy / "scales" / "astct-2019-crs.toml"
    scale.write_text(scale.read_text(encoding="utf-8").replace("value = 38.0", "value = 37.8"), encoding="utf-8")
    assert loader.edition_of(loader.shipped.__wrapped__()) != before


def test_an_answer_rests_on_its_weakest_number() -> None:
    """Recalled is weaker than derived, derived than seen reproduced, reproduced than read."""
    assert weakest(["read", "recalled", "secondary"]) == "recalled"
    assert weakest(["read", "secondary", "derived"]) == "derived"
    assert weakest(["read", "secondary"]) == "secondary"
