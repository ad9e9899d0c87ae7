"""A large file is read by several processes: what it says does not depend on how many, nor on where it is cut."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from leeward.record import fhir
from leeward.record.fhir import files, pieces, several
from leeward.record.settings import Refused, Settings
from tests.record.fhir_bedside import administration, bundle, concept, ndjson, observation, patient, quantity

LINES = [
    observation(id=f"o{n}", valueQuantity=quantity(36 + n % 5, "Cel"), subject={"reference": f"Patient/{n % 7}"})
    for n in range(60)
]
OTHERS = [
    observation("59408-5", id="ä", valueQuantity=quantity(91, "%"), issued="2026-03-01T09:00:00Z"),
    observation(id="absent", valueQuantity=None, dataAbsentReason=concept("unknown")),
    observation(id="nobody", subject=None),
    observation(id=7),
    patient("3"),
    administration(),
    {"resourceType": "Claim"},
    bundle(observation(id="inside")),
]


def said(path: Path) -> Counter[str]:
    """Every statement and refusal with its place."""
    found: list[Any] = []
    for each in fhir.statements(path, Settings()):
        found += [[str(each)]] if isinstance(each, Refused) else each.to_pylist()
    return Counter(json.dumps(row) for row in found)


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """No file is long enough for several."""
    monkeypatch.setattr(several, "WORTHWHILE_BYTES", 2**60)
    return monkeypatch


def by_several(patched: pytest.MonkeyPatch, helpers: int, piece_bytes: int) -> None:
    """From here on every file is."""
    patched.setattr(several, "WORTHWHILE_BYTES", 0)
    patched.setattr(several, "PIECE_BYTES", piece_bytes)
    patched.setattr(several, "helpers", lambda: helpers)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Observations of all sorts, other resources among them, what nobody can read, and a blank line."""
    mixed = [line for n, each in enumerate(LINES) for line in [each, *OTHERS[n // 6 : n // 6 + (n % 6 == 0)]]]
    file = tmp_path / "o.ndjson"
    file.write_bytes(b"\xef\xbb\xbf" + ndjson(mixed[:20]) + b"no JSON\n\n" + ndjson(mixed[20:]).removesuffix(b"\n"))
    return file


@pytest.mark.parametrize("piece_bytes", [10, 100, 333, 4000, 10**6])
def test_pieces_say_what_the_whole_says(alone: pytest.MonkeyPatch, path: Path, piece_bytes: int) -> None:
    """Wherever they are cut, also within lines, and shorter than these."""
    expected = said(path)
    by_several(alone, 1, piece_bytes)
    alone.setattr(several, "_started", no_process)
    assert said(path) == expected


def no_process() -> None:
    """A system on which no process can be started."""
    raise OSError


def test_several_processes_say_what_one_says(alone: pytest.MonkeyPatch, path: Path) -> None:
    """And in the same order each time."""
    expected = said(path)
    by_several(alone, 2, 500)
    assert said(path) == expected
    by_several(alone, 2, 500)
    first, second = ([str(each) for each in fhir.statements(path, Settings())] for _ in range(2))
    assert first == second


@pytest.mark.parametrize("helper", ["raise SystemExit", "print('no piece', flush=True); input()"])
def test_a_helper_that_fails_costs_nothing(alone: pytest.MonkeyPatch, path: Path, helper: str) -> None:
    """Its pieces are read here."""
    expected = said(path)
    by_several(alone, 2, 500)
    alone.setattr(several, "_HELPER", helper)
    assert said(path) == expected


def test_a_helper_reads_on_its_own(alone: pytest.MonkeyPatch, path: Path) -> None:
    """Every piece by a helper, none by this process."""
    expected = said(path)
    by_several(alone, 1, 500)
    alone.setattr(several.Several, "_next", only_helped)
    assert said(path) == expected


def only_helped(these: several.Several) -> pieces.Told | None:
    """The next piece once a helper has read it."""
    with these._turn:
        assert these._turn.wait_for(lambda: these._handed in these._read, timeout=60)
        these._handed += 1
        these._turn.notify_all()
        return these._read.pop(these._handed - 1)


def test_a_piece_of_something_else_is_read_another_way(alone: pytest.MonkeyPatch, path: Path) -> None:
    """More than a few lines are no Observations."""
    expected = said(path)
    by_several(alone, 0, 500)
    alone.setattr(pieces, "LEFT_MAX", 0)
    assert said(path) == expected


def test_a_line_that_is_too_long(alone: pytest.MonkeyPatch, path: Path) -> None:
    """It is skipped with its number in whichever piece it begins."""
    alone.setattr(files, "DOCUMENT_BYTES_MAX", 2000)
    path.write_bytes(ndjson([LINES[0], observation(note="x" * 7000), *LINES[1:]]))
    expected = said(path)
    assert any("line-too-long" in row and "line 2" in row for row in expected)
    by_several(alone, 1, 500)
    alone.setattr(several, "_started", no_process)
    assert said(path) == expected


def test_an_id_of_two_servers_is_ambiguous_across_pieces(alone: pytest.MonkeyPatch, path: Path) -> None:
    """Whoever meets them."""
    there = [{"subject": {"reference": f"https://{server}.example/Patient/1"}} for server in "ab"]
    path.write_bytes(ndjson([observation(id="a", **there[0]), *LINES, observation(id="b", **there[1])]))
    by_several(alone, 1, 500)
    refused = [each for each in fhir.statements(path, Settings()) if isinstance(each, Refused)]
    assert [(each.reason, each.patient, each.place) for each in refused] == [("ambiguous-patient", "1", "line 62")]
