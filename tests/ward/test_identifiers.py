"""No identifier of any kind in a log, an error, an address or what is left of a crash."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.ward.canary import KINDS

ROOT = Path(__file__).parents[2]


class Led(NamedTuple):
    """What a ward logged and answered while the patient was led through it, and how it ended."""

    log: str
    answers: list[dict[str, Any]]
    code: int
    folder: Path


@pytest.fixture(scope="module")
def led(tmp_path_factory: pytest.TempPathFactory) -> Led:
    """The whole walk, once."""
    folder = tmp_path_factory.mktemp("canary")
    out = folder / "answers.json"
    done = subprocess.run(
        [sys.executable, "-m", "tests.ward.canary", str(folder), str(out)],
        cwd=folder, env={"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}", "PATH": ""},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert out.exists(), done.stderr[-3000:]
    return Led(done.stdout + done.stderr, json.loads(out.read_text(encoding="utf-8")), done.returncode, folder)


def lines(led: Led) -> list[dict[str, Any]]:
    """The log, line by line; every line is JSON of ours."""
    return [json.loads(line) for line in led.log.splitlines()]


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_48_no_log_holds_an_identifier(led: Led, kind: str) -> None:
    assert KINDS[kind].lower() not in led.log.lower()


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_48_no_error_and_no_address_holds_an_identifier(led: Led, kind: str) -> None:
    for answer in led.answers:
        held = [answer["text"], *answer["links"]]
        assert not any(KINDS[kind].lower() in one.lower() for one in held), answer


@pytest.mark.slow
def test_48_the_walk_met_what_it_was_to_meet(led: Led) -> None:
    """Answers, refusals and faults; crashes of threads, of finalisers, of tasks, of the whole."""
    statuses = {answer["status"] for answer in led.answers}
    assert {200, 400, 404, 413, 415, 422, 500} <= statuses
    said = lines(led)
    assert {"answered", "fault", "library", "crash"} <= {line["event"] for line in said}
    crashed = [line["error"] for line in said if line["event"] == "crash"]
    assert crashed == ["ValueError", "ValueError", "RuntimeError"]
    loggers = {line.get("logger") for line in said if line["event"] == "library"}
    assert {"uvicorn.error", "sqlalchemy.engine", "asyncio", "py.warnings", "leeward"} <= loggers
    assert led.code == 1


@pytest.mark.slow
def test_48_a_fault_can_be_found_by_its_id(led: Led) -> None:
    """The id of the answer stands in the log, with the kind of the error and where it happened."""
    told = [answer["text"] for answer in led.answers if answer["status"] == 500]
    faults = [line for line in lines(led) if line["event"] == "fault"]
    assert faults
    assert len(faults) == len(told)
    assert all(any(line["id"] in text for text in told) for line in faults)
    assert all(line["error"] and line["where"] for line in faults)


@pytest.mark.slow
def test_48_nothing_else_is_left_lying(led: Led) -> None:
    """No core file, no dump: the store is the one place where the patient is."""
    left = list(led.folder.iterdir())
    assert {path.name.partition("-")[0] for path in left} <= {"ward.db", "answers.json"}
    assert {path.stat().st_mode & 0o077 for path in left} == {0}
