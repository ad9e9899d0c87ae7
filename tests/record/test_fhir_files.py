"""FHIR files: recognised, opened, cut into resources; and what is done about bad ones."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from leeward.record import fhir
from leeward.record.errors import CannotRead, Unrecognised
from leeward.record.fhir import dispatch, files
from leeward.record.settings import Refused, Settings
from tests.record.fhir_bedside import Json, bundle, concept, ndjson, observation, patient, quantity, told

MANY = [observation(id=f"o{n}") for n in range(2000)]


def write(path: Path, content: bytes | str | Json) -> Path:
    """A file, compressed if its name says so."""
    text = json.dumps(content) if isinstance(content, dict) else content
    data = text.encode() if isinstance(text, str) else text
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def pretty(content: Json) -> str:
    """As people print it."""
    return json.dumps(content, indent=2)


@pytest.mark.parametrize(
    ("name", "content", "recognised"),
    [
        ("o.json", observation(), "FHIR R4, NDJSON of Observation"),
        ("o.json", pretty(observation()), "FHIR R4 Observation"),
        ("o.json", "\ufeff\n" + pretty(observation()), "FHIR R4 Observation"),
        ("b.json", pretty(bundle(observation())), "FHIR R4 Bundle"),
        ("b.json.gz", bundle(observation()), "FHIR R4, NDJSON of Bundle"),
        ("b.json.gz", pretty(bundle(observation())), "FHIR R4 Bundle"),
        ("o.ndjson", ndjson([observation()]), "FHIR R4, NDJSON of Observation"),
        ("o.ndjson.gz", ndjson([observation()]), "FHIR R4, NDJSON of Observation"),
        ("o.jsonl", ndjson([observation()]), "FHIR R4, NDJSON of Observation"),
        ("o.json", ndjson([observation(), patient()]), "FHIR R4, NDJSON of Observation"),
        ("o.ndjson", b"\n\n" + ndjson([observation()]).replace(b"\n", b"\r\n"), "FHIR R4, NDJSON of Observation"),
    ],
)
def test_forms(tmp_path: Path, name: str, content: bytes | str | Json, recognised: str) -> None:
    """One resource, a bundle, lines; printed in any way, compressed or not: the same finding."""
    path = write(tmp_path / name, content)
    assert fhir.recognises(path) == recognised
    assert told(path).finding()["low"] == 38.5


def test_a_folder_says_what_it_holds(tmp_path: Path) -> None:
    """Also in folders within it; other files are left alone."""
    (tmp_path / "fhir").mkdir()
    write(tmp_path / "fhir" / "Observation.ndjson.gz", ndjson([observation()]))
    write(tmp_path / "fhir" / "Patient.ndjson", ndjson([patient()]))
    write(tmp_path / "LICENSE.txt", "words")
    write(tmp_path / ".hidden.json", "{")
    assert fhir.recognises(tmp_path) == "FHIR R4, bulk NDJSON: 2 files (Observation, Patient)"
    assert told(tmp_path).finding()["source"] == "fhir/Observation.ndjson.gz"


def test_a_folder_of_bundles(tmp_path: Path) -> None:
    """One patient a file."""
    for key in "12":
        write(tmp_path / f"{key}.json", pretty(bundle(observation(subject={"reference": f"Patient/{key}"}))))
    assert fhir.recognises(tmp_path) == "FHIR R4, a folder of Bundles: 2 files (Bundle)"
    assert sorted(f["patient"] for f in told(tmp_path).findings) == ["1", "2"]


@pytest.mark.parametrize(
    "content",
    ["", "[]", "[{}]", '"resourceType"', "{}", '{"resource": 1}', "a,b\n1,2\n", "null", "\x00" * 99],
)
def test_what_is_not_fhir(tmp_path: Path, content: str) -> None:
    """Not taken for FHIR, and not a crash."""
    assert fhir.recognises(write(tmp_path / "x.json", content)) is None
    with pytest.raises((Unrecognised, CannotRead)):
        told(tmp_path / "x.json")


def test_files_among_others_that_are_not_fhir(tmp_path: Path) -> None:
    """An empty export and a manifest are listed, and the rest is read."""
    write(tmp_path / "Observation.ndjson", ndjson([observation()]))
    write(tmp_path / "Condition.ndjson", "")
    write(tmp_path / "manifest.json", '{"output": []}')
    both = told(tmp_path)
    assert len(both.findings) == 1
    assert {(r["reason"], r["source"]) for r in both.refusals} == {
        ("file-empty", "Condition.ndjson"),
        ("file-not-fhir", "manifest.json"),
    }


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.99])
def test_a_truncated_gzip_keeps_what_was_read(tmp_path: Path, kept: float) -> None:
    """Everything before the break is found; the break is reported, and a half line with it."""
    whole = gzip.compress(ndjson(MANY), mtime=0)
    path = tmp_path / "Observation.ndjson.gz"
    path.write_bytes(whole[: int(len(whole) * kept)])
    both = told(path)
    assert [f["record"] for f in both.findings] == [f"Observation/o{n}" for n in range(len(both.findings))]
    assert len(both.findings) > 2000 * kept / 2
    assert set(both.reasons()) <= {"file-truncated", "line-unreadable"}
    assert both.reasons().count("file-truncated") == 1


def test_a_damaged_gzip(tmp_path: Path) -> None:
    """Flipped bits are a break too."""
    whole = bytearray(gzip.compress(ndjson(MANY), mtime=0))
    whole[len(whole) // 2] ^= 0xFF
    path = tmp_path / "Observation.ndjson.gz"
    path.write_bytes(bytes(whole))
    both = told(path)
    assert "file-truncated" in both.reasons()
    assert all(f["low"] == 38.5 for f in both.findings)


def test_a_truncated_bundle_tells_nothing(tmp_path: Path) -> None:
    """Half a document is not read in parts: what follows the break might have withdrawn it."""
    whole = gzip.compress(pretty(bundle(*MANY)).encode(), mtime=0)
    path = tmp_path / "b.json.gz"
    path.write_bytes(whole[: len(whole) // 2])
    both = told(path)
    assert (both.findings, both.reasons()) == ([], ["file-truncated"])


def test_gzip_in_several_members(tmp_path: Path) -> None:
    """Compressed files may be laid end to end, and padded."""
    path = tmp_path / "o.ndjson.gz"
    path.write_bytes(b"".join(gzip.compress(ndjson([o])) for o in MANY[:5]) + b"\0" * 700)
    assert len(told(path).findings) == 5


DEEP = 15_000_000
"""Brackets opened and closed: 30 MB."""


@pytest.mark.parametrize(
    "bomb",
    [
        b'{"resourceType":"Observation","x":' + b"[" * DEEP + b"]" * DEEP + b"}",
        b'{"resourceType":"Observation","valueQuantity":{"value":' + b'{"a":' * (DEEP // 5),
        b'{"resourceType":"Bundle","entry":[{"resource":' + b"[" * DEEP,
    ],
    ids=["skipped", "in a value", "in a bundle"],
)
def test_thirty_megabytes_of_brackets(tmp_path: Path, bomb: bytes) -> None:
    """A line nested without end is refused; the lines around it are read."""
    path = tmp_path / "o.ndjson"
    path.write_bytes(ndjson([MANY[0]]) + bomb + b"\n" + ndjson([MANY[1]]))
    both = told(path)
    assert [f["record"] for f in both.findings] == ["Observation/o0", "Observation/o1"]
    assert [(r["reason"], r["place"]) for r in both.refusals] == [("line-unreadable", "line 2")]


def test_thirty_megabytes_of_document(tmp_path: Path) -> None:
    """The same in a document of its own."""
    path = tmp_path / "o.json"
    path.write_bytes(b'{\n"resourceType":"Bundle",\n"x":' + b"[" * DEEP + b"]" * DEEP + b"}")
    assert told(path).refusal()["reason"] == "line-unreadable"


def test_a_line_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line longer than may be held is skipped, with its place; the next one is read."""
    monkeypatch.setattr(files, "DOCUMENT_BYTES_MAX", 10_000)
    path = tmp_path / "o.ndjson"
    path.write_bytes(ndjson([MANY[0], observation(note="x" * 35_000), MANY[1]]))
    both = told(path)
    assert [f["place"] for f in both.findings] == ["line 1", "line 3"]
    assert [(r["reason"], r["place"]) for r in both.refusals] == [("line-too-long", "line 2")]


def test_a_document_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bundle larger than may be held is refused before it is read."""
    monkeypatch.setattr(files, "DOCUMENT_BYTES_MAX", 10_000)
    assert told(write(tmp_path / "b.json", pretty(bundle(*MANY)))).refusal()["reason"] == "file-too-large"


@pytest.mark.parametrize(
    ("line", "detail"),
    [
        (b"{", "truncated"),
        (b"not json", "malformed"),
        (b'{"resourceType":"Observation","id":7}', "id"),
        (b'{"resourceType":"Observation","code":"8310-5"}', "code"),
        (b'{"resourceType":7}', "resourceType"),
        (b'{"id":"x"}', "resourceType"),
        (b'{"resourceType":"Observation","status":"\xff"}', "not UTF-8"),
        (b'{"resourceType":"Observation"} {"resourceType":"Observation"}', "trailing"),
        (b"[1,2]", "object"),
        (b'{"resourceType":"Encounter","class":[]}', "class"),
    ],
)
def test_lines_that_cannot_be_read(tmp_path: Path, line: bytes, detail: str) -> None:
    """Refused with place and cause; the lines around them are read."""
    path = tmp_path / "o.ndjson"
    path.write_bytes(ndjson([MANY[0]]) + line + b"\n" + ndjson([MANY[1]]))
    both = told(path)
    assert [f["record"] for f in both.findings] == ["Observation/o0", "Observation/o1"]
    assert [(r["reason"], r["place"]) for r in both.refusals] == [("line-unreadable", "line 2")]
    assert detail in both.refusals[0]["detail"]


@pytest.mark.parametrize("packed", [False, True])
def test_half_a_panel_is_not_read(tmp_path: Path, *, packed: bool) -> None:
    """Where the second component cannot be read, the first one is not kept either, let alone twice."""
    parts = [{"code": concept(c), "valueQuantity": quantity(v, "mm[Hg]")} for c, v in (("8480-6", 90), ("8462-4", "?"))]
    panel = observation("85354-9", valueQuantity=None, component=parts)
    whole = ndjson([bundle(MANY[0], panel)] if packed else [MANY[0], panel]).replace(b'"?"', b'"\xff"')
    path = tmp_path / "o.ndjson"
    path.write_bytes(whole)
    both = told(path)
    assert [f["record"] for f in both.findings] == ["Observation/o0"]
    assert both.reasons() == ["line-unreadable"]


def test_a_message_repeats_nothing_of_the_patient(tmp_path: Path) -> None:
    """The cause of an unreadable line names the field and not its content."""
    path = write(tmp_path / "o.ndjson", ndjson([MANY[0], {**patient(), "birthDate": ["Amy Shaw"]}]))
    assert "Amy" not in told(path).refusals[0]["detail"]


def test_an_entry_that_cannot_be_read(tmp_path: Path) -> None:
    """The other entries of a bundle are read, each under its number."""
    held = bundle(MANY[0], {"resourceType": "Observation", "id": 7}, MANY[1])
    both = told(write(tmp_path / "b.json", pretty(held)))
    assert [f["place"] for f in both.findings] == ["entry 1", "entry 3"]
    assert [(r["reason"], r["place"]) for r in both.refusals] == [("line-unreadable", "entry 2")]


@pytest.mark.parametrize("wrong", ["NaN", "-Infinity", "Infinity"])
def test_a_value_that_no_json_has_costs_itself_only(tmp_path: Path, wrong: str) -> None:
    """The others of its Bundle are read, and its own entry is named."""
    text = json.dumps(bundle(patient(), observation(id="a"), observation(id="b")), indent=1).replace("38.5", wrong, 1)
    both = told(write(tmp_path / "b.json", text))
    assert [f["place"] for f in both.findings if f["quantity"] == "body-temperature"] == ["entry 3"]
    assert [(r["reason"], r["place"]) for r in both.refusals] == [("not-a-number", "entry 2")]
    assert wrong in both.refusals[0]["detail"]


def test_a_name_that_reads_like_no_number_stays_a_name(tmp_path: Path) -> None:
    """Only what stands where a value stands is quoted."""
    text = json.dumps(bundle(observation(id="a", note=[{"text": 'said "NaN" \\\\'}]), observation(id="NaN")))
    both = told(write(tmp_path / "b.json", text.replace("38.5", "NaN", 1)))
    assert [f["record"] for f in both.findings] == ["Observation/NaN"]


def test_bundles_inside_a_bundle_are_read(tmp_path: Path) -> None:
    """With the entry of each; an inner Bundle's own patient comes before one of the same address outside."""
    inner = bundle(observation(id="i", subject={"reference": "urn:uuid:x"}), type="searchset")
    inner["entry"].append({"fullUrl": "urn:uuid:x", "resource": patient(id="inside")})
    outer = bundle(observation(id="o", subject={"reference": "urn:uuid:x"}))
    outer["entry"].insert(0, {"fullUrl": "urn:uuid:x", "resource": patient(id="outside")})
    outer["entry"].insert(1, {"resource": inner})
    both = told(write(tmp_path / "b.json", pretty(outer)))
    found = {(f["patient"], f["place"]) for f in both.findings if f["quantity"] == "body-temperature"}
    assert (found, both.refusals) == ({("inside", "entry 2 entry 1"), ("outside", "entry 3")}, [])


def test_what_an_outer_bundle_holds_is_known_inside(tmp_path: Path) -> None:
    """And what an inner one holds is not known outside."""
    outer = bundle(bundle(observation(id="i", subject={"reference": "urn:uuid:x"})))
    outer["entry"].append({"fullUrl": "urn:uuid:x", "resource": patient(id="outside")})
    both = told(write(tmp_path / "b.json", outer))
    assert [f["patient"] for f in both.findings if f["quantity"] == "body-temperature"] == ["outside"]


@pytest.mark.parametrize(("deep", "reasons"), [(7, []), (8, ["bundle-too-deep"])])
def test_bundles_inside_one_another_have_an_end(tmp_path: Path, deep: int, reasons: list[str]) -> None:
    """A limit on everything."""
    held = bundle(observation())
    for _ in range(deep):
        held = bundle(held)
    both = told(write(tmp_path / "b.json", held))
    assert (len(both.findings), both.reasons()) == (1 - len(reasons), reasons)


def test_bundles_as_lines(tmp_path: Path) -> None:
    """Line and entry are both told."""
    path = write(tmp_path / "b.ndjson", ndjson([bundle(MANY[0]), bundle(patient(), MANY[1])]))
    assert [f["place"] for f in told(path).findings] == ["line 1 entry 1", "line 2 entry 2"]


@pytest.mark.parametrize("kind", ["collection", "transaction", "searchset", "batch", "document", "history", "message"])
def test_bundles_of_every_kind(tmp_path: Path, kind: str) -> None:
    """What a bundle was made for does not matter."""
    assert told(write(tmp_path / "b.json", bundle(observation(), type=kind))).finding()["low"] == 38.5


def test_a_page_of_a_search(tmp_path: Path) -> None:
    """That more pages exist is said."""
    page = bundle(observation(), type="searchset", link=[{"relation": "next", "url": "https://x.example/2"}])
    both = told(write(tmp_path / "b.json", page))
    assert (len(both.findings), both.reasons()) == (1, ["bundle-incomplete"])


def test_a_bundle_of_too_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit on everything; what is left out is said."""
    monkeypatch.setattr(dispatch, "ENTRIES_MAX", 3)
    both = told(write(tmp_path / "b.json", bundle(*MANY[:5])))
    assert (len(both.findings), both.reasons()) == (3, ["file-too-large"])


@pytest.mark.parametrize("held", [{}, {"entry": []}, {"entry": [{}]}, {"entry": [{"resource": None}]}, {"entry": None}])
def test_bundles_of_nothing(tmp_path: Path, held: Json) -> None:
    """Empty is not an error."""
    both = told(write(tmp_path / "b.json", {"resourceType": "Bundle", **held}))
    assert both.findings == []
    assert set(both.reasons()) <= {"resource-not-read", "line-unreadable"}


def test_batches_are_bounded(tmp_path: Path) -> None:
    """Statements come in batches, in the order of the lines, as the file is read."""
    path = write(tmp_path / "o.ndjson", ndjson(observation(id=str(n)) for n in range(90_000)))
    batches = [b for b in fhir.statements(path, Settings()) if not isinstance(b, Refused)]
    assert all(batch.num_rows <= 50_000 for batch in batches)
    records = [record for batch in batches for record in batch.column("record").to_pylist()]
    assert records == [f"Observation/{n}" for n in range(90_000)]
