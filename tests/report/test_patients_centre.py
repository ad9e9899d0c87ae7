"""A centre's settings and the command that uses them: what is missing is named, what is wrong is refused."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner, Result

from leeward.cli import app
from leeward.knowledge.centre import NEEDED, BadCentre, Centre, complete, read_centre
from leeward.knowledge.patients import PAGES, text
from leeward.report.patients import NoCard, made
from leeward.report.patients.files import html
from tests.report.patients_made import CENTRE, asked

FILE = """
name = "Example Centre"
daytime_phone = "+49 30 555 0100"
out_of_hours_phone = "+49 30 555 0199"
emergency_number = "112"
language = "de"
zone = "Europe/Berlin"
"""


@pytest.mark.parametrize("name", NEEDED)
def test_what_a_centre_lacks_is_named_and_no_card_is_printed(name: str) -> None:
    """Each of four things; the other pages say it, with room to write it in."""
    lacking = msgspec.structs.replace(CENTRE, **{name: None})
    with pytest.raises(NoCard, match=name):
        made(asked(centre=lacking), "card")
    for one in PAGES:
        if one != "card":
            assert made(asked(centre=lacking), one).notices == [text("en")[f"shared.missing-{name.replace('_', '-')}"]]
    assert "____" in html(made(asked(centre=lacking), "when-to-call" if name != "name" else "leaflet"))


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ('daytime_phone = "call us"', "daytime_phone is not a telephone number"),
        ('emergency_number = "11"', "emergency_number is not a telephone number"),
        ("emergency_number = 112", "Expected `str | null`, got `int`"),
        ('zone = "Mars/Olympus"', "no time zone 'Mars/Olympus'"),
        ('phone = "112"', "unknown field `phone`"),
        ('name = "two\\nlines"', "a line break"),
        ('name = "   "', "name"),
        (f'name = "{"m" * 61}"', "name"),
        ('language = "it"', "language"),
        ("name =", "not TOML"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(written: str, says: str, tmp_path: Path) -> None:
    """And nothing is put in its place."""
    file = tmp_path / "centre.toml"
    file.write_text(written, encoding="utf-8")
    with pytest.raises(BadCentre, match=re.escape(says)):
        read_centre(file)


def written_in_the_documentation(folder: Path) -> Centre:
    """The example of docs/patients.md."""
    told = (Path(__file__).parents[2] / "docs" / "patients.md").read_text(encoding="utf-8")
    [example] = re.findall(r"```toml\n(.*?)```", told, re.DOTALL)
    (folder / "example.toml").write_text(example, encoding="utf-8")
    return read_centre(folder / "example.toml")


def test_a_centre_is_read_whole(tmp_path: Path) -> None:
    """What is written, and no more."""
    file = tmp_path / "centre.toml"
    file.write_text(FILE, encoding="utf-8")
    held = read_centre(file)
    assert complete(held) is held
    assert (held.name, held.emergency_number, held.ward, held.missing) == ("Example Centre", "112", None, ())
    assert complete(written_in_the_documentation(tmp_path)).zone == "Europe/Berlin"
    with pytest.raises(BadCentre, match="cannot be read"):
        read_centre(tmp_path / "none.toml")


# ------------------------------------------------------------------------------------------------------ command


def run(*arguments: object) -> Result:
    """The command, as a person would call it."""
    return CliRunner().invoke(app, ["leaflet", *map(str, arguments)])


@pytest.fixture
def centre(tmp_path: Path) -> Path:
    """A settings file."""
    file = tmp_path / "centre.toml"
    file.write_text(FILE, encoding="utf-8")
    return file


def test_the_command_writes_every_page_in_the_centres_language(centre: Path, tmp_path: Path) -> None:
    """As HTML and as PDF, and names each file."""
    out = tmp_path / "out"
    told = run("--product", "Yescarta", "--date", "2026-03-28", "--centre", centre, "--out", out)
    assert told.exit_code == 0, told.output
    assert sorted(file.name for file in out.iterdir()) == sorted(
        f"{n}.de.{kind}" for n in PAGES for kind in ("html", "pdf")
    )


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--product", "Nobodymab", "--date", "2026-03-28"], "no product 'Nobodymab' is known"),
        (["--product", "Yescarta"], "no date was given"),
        (["--date", "2026-03-28"], "no product was named"),
        (["--product", "Yescarta", "--date", "28.3.2026"], "is not a date"),
        (["--product", "Yescarta", "--date", "2026-03-28", "--language", "it"], "no language 'it'"),
        (["--product", "Yescarta", "--date", "2026-03-28", "--page", "poster"], "no page 'poster'"),
        (["--product", "Yescarta", "--date", "2026-03-28", "--region", "UK"], "no region 'UK'"),
        (["--product", "Yescarta", "--date", "2026-03-28", "--page", "card"], "no card was written"),
    ],
)
def test_what_cannot_be_answered_is_said(arguments: list[str], says: str, tmp_path: Path) -> None:
    """With exit code 2; no page is written."""
    told = run(*arguments, "--out", tmp_path / "out")
    assert told.exit_code == 2
    assert says in told.output
    assert not list(tmp_path.glob("out/*"))


@pytest.mark.slow
def test_product_and_day_come_from_a_record(centre: Path, tmp_path: Path) -> None:
    """The latest dose, on its day in the centre's zone, 23:30 UTC the next day; a day before birth is none."""
    record = tmp_path / "record.csv"
    record.write_text(
        "patient_id,start,end,quantity,value,unit,text\n"
        "P,2026-03-27T23:30:00Z,,trigger,,,teclistamab\n"
        "P,2026-03-27T23:00:00Z,,body-temperature,36.8,Cel,\n"
        "P,2026-03-01T00:00:00Z,,birth-date,,,1980-01-01\n",
        encoding="utf-8",
    )
    out = tmp_path / "out"
    arguments = (record, "--centre", centre, "--out", out, "--page", "leaflet", "--html")
    told = run(*arguments)
    assert told.exit_code == 0, told.output
    [file] = out.rglob("*.html")
    assert "Samstag, 28. März 2026" in file.read_text(encoding="utf-8")
    early = run(*arguments, "--product", "teclistamab", "--date", "1979-12-31")
    assert early.exit_code == 2
    assert "before the date of birth" in early.output
    record.write_text(record.read_text(encoding="utf-8").replace("1980-01-01", "2026-03-30"), encoding="utf-8")
    unborn = run(*arguments)
    assert unborn.exit_code == 2
    assert "no dose on record (not understood: " in unborn.output
