"""Promises of SAFETY.md that no one room can hold alone: from a record's bytes to what a person sees."""

from __future__ import annotations

import csv
import gzip
import json
import random
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner, Result

import leeward
from leeward.cli import app
from leeward.cohort.answer import Answer
from leeward.samples import FOLDER

HEADER = ["patient_id", "start", "end", "quantity", "value", "unit", "text"]
NOT_A_DEVICE = "not a medical device"
CANARY = ("Featherstonehaugh", "MRN-8842817", "1961-04-02", "0161 496 0000")

Line = dict[str, str]
Range = tuple[int, int]
Said = dict[str, Any]


def run(*arguments: object) -> Result:
    """The command line, as a person would call it."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments], env={"COLUMNS": "200"})


@cache
def lines() -> tuple[Line, ...]:
    """The lines of every sample patient."""
    found: list[Line] = []
    for file in sorted(FOLDER.glob("*.csv")):
        with file.open(encoding="utf-8", newline="") as handle:
            found.extend({name: line.get(name) or "" for name in HEADER} for line in csv.DictReader(handle))
    return tuple(found)


def write(path: Path, written: list[Line]) -> Path:
    """Lines as one Leeward CSV."""
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, HEADER)
        writer.writeheader()
        writer.writerows(written)
    return path


def answers(path: Path) -> dict[str, Answer]:
    """Every patient of a record, graded."""
    return {answer.patient: answer for answer in leeward.grade(leeward.read(path))}


def said(answer: Answer) -> Said:
    """An answer without where its findings stood, which an order of lines does change."""
    plain: Said = msgspec.to_builtins(answer)
    for grade in plain["now"].values():
        for finding in grade["because"]:
            finding.pop("place", None)
            finding.pop("source", None)
    return plain


@cache
def plain_answers(folder: Path) -> dict[str, Said]:
    """What is said about every sample patient when their lines stand in one file, in order."""
    return {patient: said(answer) for patient, answer in answers(write(folder / "plain.csv", list(lines()))).items()}


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Said]:
    """See plain_answers."""
    return plain_answers(tmp_path_factory.mktemp("plain"))


@pytest.mark.parametrize("seed", range(3))
def test_20_the_order_of_the_rows_changes_nothing(plain: dict[str, Said], tmp_path: Path, seed: int) -> None:
    """Shuffled, the same record has the same answer."""
    shuffled = list(lines())
    random.Random(seed).shuffle(shuffled)  # noqa: S311  not for secrets
    found = answers(write(tmp_path / "shuffled.csv", shuffled))
    assert {patient: said(answer) for patient, answer in found.items()} == plain


def test_20_rows_said_twice_and_in_pieces_change_nothing(plain: dict[str, Said], tmp_path: Path) -> None:
    """A record in seven files, each line in two of them, has the same answer; its refusals are counted twice."""
    for piece in range(7):
        mine = [line for place, line in enumerate(lines()) if place % 7 == piece or (place + 3) % 7 == piece]
        write(tmp_path / f"piece-{piece}.csv", mine)
    found = {patient: said(answer) for patient, answer in answers(tmp_path).items()}
    for patient, answer in found.items():
        once = plain[patient]["refused"]
        assert answer.pop("refused") == {reason: 2 * count for reason, count in once.items()}
        assert answer == {name: held for name, held in plain[patient].items() if name != "refused"}
    assert found.keys() == plain.keys()


def range_at(answer: Answer, syndrome: str, at: datetime) -> Range | None:
    """The range that held at a moment."""
    held = None
    for change in answer.course:
        if change.syndrome == syndrome and change.at <= at:
            held = (change.at_least, change.at_most)
    return held


@pytest.mark.parametrize(
    "gone",
    [
        ("body-temperature",),
        ("systolic-bp",),
        ("oxygen-device", "oxygen-flow"),
        ("ice-score", "capd-score", "consciousness"),
    ],
    ids=["temperature", "pressure", "oxygen", "neurological"],
)
def test_10_what_is_not_charted_only_widens(tmp_path: Path, gone: tuple[str, ...]) -> None:
    """Without a quantity, each range at each moment holds the range that the whole record gives."""
    whole = answers(write(tmp_path / "whole.csv", list(lines())))
    less = answers(write(tmp_path / "less.csv", [line for line in lines() if line["quantity"] not in gone]))
    narrower = []
    for patient, full in whole.items():
        for change in full.course:
            wider = range_at(less[patient], change.syndrome, change.at) if patient in less else None
            if wider is not None and not (wider[0] <= change.at_least and wider[1] >= change.at_most):
                narrower.append((patient, change, wider))
    assert narrower == []


@pytest.mark.parametrize("command", [("grade", FOLDER), ("explain", FOLDER, "C01a")], ids=["grade", "explain"])
def test_every_way_out_says_what_leeward_is_not(command: tuple[object, ...]) -> None:
    """The table and the words say that they are no device; the pages have their own test."""
    done = run(*command)
    assert done.exit_code == 0
    assert NOT_A_DEVICE in " ".join(done.stdout.split())


def broken(folder: Path) -> list[Path]:
    """Records that name a patient and cannot be read, each in another way."""
    name, number, birth, phone = CANARY
    patient = {
        "resourceType": "Patient",
        "id": number,
        "name": [{"family": name}],
        "birthDate": birth,
        "telecom": [{"value": phone}],
    }
    whole = json.dumps(patient)
    (folder / "cut.ndjson").write_text(whole[:-9] + "\n" + whole.replace("{", "{{") + "\n", encoding="utf-8")
    (folder / "cut.json").write_text('{"resourceType": "Bundle", "entry": [{"resource": ' + whole, encoding="utf-8")
    (folder / "cut.csv.gz").write_bytes(gzip.compress(f"{','.join(HEADER)}\n{number},{name}".encode())[:-9])
    (folder / "wrong.csv").write_text(f"{name},{number},{birth}\n{name},{phone},x\n", encoding="utf-8")
    (folder / "plain.txt").write_text(f"{name} {number} {phone}", encoding="utf-8")
    row = f"{number},{birth},,body-temperature,{name},Cel,{phone}\n"
    (folder / "refused.csv").write_text(f"{','.join(HEADER)}\n{row}", encoding="utf-8")
    return sorted(folder.iterdir())


def test_48_no_message_names_the_patient(tmp_path: Path) -> None:
    """Whatever is wrong with a record, the message tells the file and the place and not what stood there."""
    for path in broken(tmp_path):
        done = run("grade", path)
        assert done.exit_code in {3, 4}, (path.name, done.exit_code, done.output)
        assert done.exception is None or isinstance(done.exception, SystemExit), path.name
        assert [word for word in CANARY if word in done.output] == [], (path.name, done.output)
