"""What the README shows is what Leeward does: every example in it is run and its output compared."""

from __future__ import annotations

import doctest
import re
import shlex
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from leeward import cli
from leeward.cohort import answer
from leeward.samples import FOLDER
from leeward.scales.scores import scores

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
AS_SHOWN = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def blocks(language: str) -> list[str]:
    """The fenced blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def commands() -> list[tuple[str, str]]:
    """Each `$ command` of the console blocks, with the output shown below it."""
    shown = []
    for block in blocks("console"):
        for piece in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = piece.partition("\n")
            shown.append((command, output))
    return shown


@pytest.fixture
def beside_samples(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A folder in which `samples` are the bundled ones, as in the examples."""
    (tmp_path / "samples").symlink_to(FOLDER)
    monkeypatch.chdir(tmp_path)
    for console in (cli._out, cli._err):  # they took their width from the terminal that started the tests
        monkeypatch.setattr(console, "_width", 120)


@pytest.mark.usefixtures("beside_samples")
@pytest.mark.parametrize(("command", "shown"), commands(), ids=[command for command, _ in commands()])
def test_command_prints_what_is_shown(command: str, shown: str) -> None:
    """A command of the README prints the lines below it (`...` stands for anything)."""
    program, *arguments = shlex.split(command)
    assert program == "leeward"
    done = CliRunner().invoke(cli.app, arguments, env={"NO_COLOR": "1", "TERM": "dumb"})
    assert done.exit_code == 0, done.output
    assert doctest.OutputChecker().check_output(shown, done.stdout, AS_SHOWN), done.stdout


@pytest.mark.usefixtures("beside_samples")
def test_python_examples_run() -> None:
    """The Python of the README runs as one session and gives the results shown."""
    session = "\n".join(blocks("pycon"))
    test = doctest.DocTestParser().get_doctest(session, {}, "README.md", "README.md", 0)
    runner = doctest.DocTestRunner(optionflags=AS_SHOWN, verbose=False)
    runner.run(test)
    assert runner.failures == 0


def test_the_two_commands_stand_at_the_top() -> None:
    """A newcomer sees first what to type."""
    top = README.split("\n## ")[0]
    assert "make run" in top
    assert "make test" in top


def test_every_score_is_named() -> None:
    """So does each score that an answer may hold, and what its second reading is called."""
    page = (ROOT / "docs" / "answers.md").read_text(encoding="utf-8")
    named = [*scores(), *(score.reading for score in scores().values() if score.reading)]
    assert [name for name in named if f"`{name}`" not in page] == []


@pytest.mark.parametrize(
    "shape",
    [
        answer.Answer,
        answer.Trigger,
        answer.Episode,
        answer.Peak,
        answer.Grade,
        answer.Because,
        answer.Change,
        answer.Unobserved,
        answer.Physiology,
        answer.Correction,
    ],
)
def test_every_key_of_an_answer_is_explained(shape: type[msgspec.Struct]) -> None:
    """What the JSON holds stands in docs/answers.md."""
    page = (ROOT / "docs" / "answers.md").read_text(encoding="utf-8")
    assert [field.encode_name for field in msgspec.structs.fields(shape) if f"`{field.encode_name}`" not in page] == []


def test_links_lead_somewhere() -> None:
    """Each file that a page of ours links to exists."""
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "hazards").glob("*.md")]
    broken = [
        f"{page.name}: {target}"
        for page in pages
        for target in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8"))
        if "://" not in target and not (page.parent / target).exists()
    ]
    assert broken == []
