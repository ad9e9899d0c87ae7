"""What the README shows is what Leeward does: every example in it is run and its output compared."""

from __future__ import annotations

import doctest
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

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


@pytest.mark.parametrize(("command", "shown"), commands(), ids=[command for command, _ in commands()])
def test_command_prints_what_is_shown(command: str, shown: str, tmp_path: Path) -> None:
    """A command of the README prints the lines below it (`...` stands for anything)."""
    program, *arguments = shlex.split(command)
    assert program == "leeward"
    samples = ROOT / "src" / "leeward" / "samples"
    (tmp_path / "samples").symlink_to(samples)
    done = subprocess.run(
        [sys.executable, "-c", "from leeward.cli import main; main()", *arguments],
        cwd=tmp_path,
        env=os.environ | {"COLUMNS": "120", "NO_COLOR": "1", "TERM": "dumb"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert doctest.OutputChecker().check_output(shown, done.stdout, AS_SHOWN), done.stdout


def test_python_examples_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The Python of the README runs as one session and gives the results shown."""
    (tmp_path / "samples").symlink_to(ROOT / "src" / "leeward" / "samples")
    monkeypatch.chdir(tmp_path)
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
