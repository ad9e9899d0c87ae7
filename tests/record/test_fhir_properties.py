"""What must hold for every FHIR record: the way it is cut, ordered, packed or repeated changes nothing it says."""

from __future__ import annotations

import gzip
import json
import random
from collections import Counter
from datetime import datetime, timedelta, timezone
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leeward.record import fhir
from leeward.record.fhir import observation as reader
from leeward.record.fhir.batches import ordered
from leeward.record.fhir.reading import Reading
from leeward.record.fhir.resources import Observation
from leeward.record.fhir.rows import ROWS_ENOUGH
from leeward.record.settings import Refused, Settings
from tests.record.fhir_bedside import (
    Json,
    administration,
    bundle,
    concept,
    ndjson,
    observation,
    patient,
    quantity,
)

CODES = st.sampled_from(["8310-5", "8867-4", "2708-6", "59408-5", "1988-5", "85354-9", "0-0"])
NUMBERS = st.sampled_from([38.0, 38.5, 37.99999999999999, 0, -1, 1e300, 120, None, "38", True])
UNITS = st.sampled_from([("Cel", "Cel"), ("mmHg", "mm[Hg]"), ("F", "[degF]"), ("°C", None), (None, "%"), ("x", "Cel")])
SPELT = st.sampled_from(["2026-03-01T08:00:00Z", "2026-03-01T08:00:00.25+01:00", "2026-03-01", None])
WORDS = st.sampled_from(["final", "amended", "entered-in-error", "preliminary", "cancelled", None])


@st.composite
def quantities(draw: st.DrawFn) -> Json | None:
    """A quantity, complete or not."""
    unit, code = draw(UNITS)
    parts = {
        "value": draw(NUMBERS),
        "unit": unit,
        "code": code,
        "system": draw(st.sampled_from(["http://unitsofmeasure.org", "urn:x", None])),
        "comparator": draw(st.sampled_from([None, None, "<", ">="])),
    }
    return draw(st.one_of(st.none(), st.just({k: v for k, v in parts.items() if v is not None or k == "value"})))


@st.composite
def observations(draw: st.DrawFn) -> Json:
    """An observation with any of its parts there or missing."""
    component = st.builds(lambda code, value: {"code": concept(code), "valueQuantity": value}, CODES, quantities())
    parts: dict[str, Any] = {
        "id": draw(st.sampled_from(["a", "b", None])),
        "status": draw(WORDS),
        "valueQuantity": draw(quantities()),
        "effectiveDateTime": draw(SPELT),
        "effectivePeriod": draw(st.sampled_from([None, None, {"start": "2026-03-01T07:00:00Z"}])),
        "issued": draw(SPELT),
        "category": draw(st.sampled_from([None, [concept("vital-signs")], [concept("laboratory")]])),
        "meta": draw(st.sampled_from([None, {"versionId": "12"}, {"lastUpdated": "2026-03-01T09:00:00Z"}])),
        "dataAbsentReason": draw(st.sampled_from([None, None, None, concept("unknown")])),
        "method": draw(st.sampled_from([None, None, concept("m")])),
        "subject": draw(st.sampled_from([{"reference": "Patient/1"}, {"reference": "Patient/2"}, None])),
        "component": draw(st.one_of(st.none(), st.lists(component, max_size=3))),
    }
    return observation(draw(CODES), **parts)


def batches(path: Path) -> list[Any]:
    """Everything a path says."""
    return list(fhir.statements(path, Settings()))


def rows(said: list[Any]) -> list[Json]:
    """Statements and refusals as rows."""
    found = [row for batch in said if not isinstance(batch, Refused) for row in batch.to_pylist()]
    return found + [msgspec.structs.asdict(refused) for refused in said if isinstance(refused, Refused)]


def counted(said: list[Any]) -> Counter[str]:
    """How often each thing is said, wherever it stands."""
    return Counter(json.dumps({k: v for k, v in row.items() if k not in ("source", "place")}) for row in rows(said))


def record(resources: list[Json]) -> Counter[str]:
    """What resources say as lines of one file."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "r.ndjson"
        path.write_bytes(ndjson(resources))
        return counted(batches(path))


@pytest.mark.parametrize("coding", [{}, {"system": "http://loinc.org"}])
def test_what_has_no_code_goes_by_its_own_text(coding: Json) -> None:
    """Not by that of another which has none either."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "r.ndjson"
        path.write_bytes(ndjson([{**observation(), "code": {"coding": [coding], "text": text}} for text in "abba"]))
        assert [row["code"] for row in rows(batches(path))] == list("abba")


@given(observations())
def test_the_short_way_says_what_the_long_way_says(resource: Json) -> None:
    """Plain observations are read without detours; the detours give the same."""
    both = []
    for long in (False, True):
        to = Reading(Settings())
        decoded = msgspec.json.decode(json.dumps(resource), type=Observation)
        if long:
            reader._grouped(decoded, to.patients.of(decoded.subject), to)
        else:
            reader.read(decoded, to)
        both.append(rows(list(to.take())))
    assert both[0] == both[1]


SYSTOLIC, DIASTOLIC = (
    {"code": concept(code), "valueQuantity": quantity(value, "mm[Hg]")}
    for code, value in (("8480-6", 9), ("8462-4", 6))
)
NEARLY_PLAIN: list[Json] = [
    {}, {"note": [{"text": "x"}]}, {"valueString": "x"}, {"valueInteger": 7}, {"hasMember": []}, {"id": 7},
    {"focus": [{"reference": "Patient/2"}]}, {"bodySite": concept("s")}, {"resourceType": "Condition"},
    {"status": "entered-in-error", "meta": {"lastUpdated": "2026-03-01T09:00:00Z"}}, {"meta": {"lastUpdated": 1}},
    {"code": concept("2708-6"), "category": [{"coding": [{"code": "vital-signs"}]}]},
    {"code": {"coding": [{"system": "http://loinc.org", "code": c} for c in ("8310-5", "8867-4")]}},
    {"code": {"coding": [{"system": "urn:x", "code": "x"}, {"system": "http://loinc.org", "code": "8310-5"}]}},
    {"code": {"text": "temperature"}}, {"code": None}, {"code": "8310-5"}, {"subject": {"reference": 7}},
    {"valueQuantity": quantity("1" * 70, "Cel")}, {"valueQuantity": {}}, {"effectiveInstant": "2026-03-01T08:00:00Z"},
    {"valueQuantity": None, "component": [SYSTOLIC, DIASTOLIC]}, {"component": [SYSTOLIC, DIASTOLIC]},
    {"valueQuantity": None, "component": [SYSTOLIC, SYSTOLIC]}, {"valueQuantity": None, "component": []},
    {"valueQuantity": None, "component": [{**SYSTOLIC, "dataAbsentReason": concept("unknown")}]},
    {"valueQuantity": None, "component": [{**SYSTOLIC, "code": concept("2708-6")}]},
    {"code": concept("1742-6"), "referenceRange": [{"high": quantity(55, "U/L")}]},
    {"referenceRange": [{"high": quantity(38, "Cel")}]}, {"referenceRange": 7}, {"referenceRange": None},
    {"code": concept("1742-6"), "referenceRange": 7}, {"valueInteger": None}, {"valueString": None}, {"valueTime": 7},
    {"status": None}, {"status": 7}, {"status": "prelimin\\u0061ry"}, {"extension": [{"url": "x"}]}, {"x": 7},
    {"valueQuantity": None, "component": [SYSTOLIC], "code": 7}, {"component": [SYSTOLIC], "valueQuantity": 7},
    {"valueQuantity": None, "component": [SYSTOLIC, {**DIASTOLIC, "valueInteger": 7}], "valueInteger": None},
    {"valueQuantity": None, "component": [{**SYSTOLIC, "valueString": 7}]}, {"valueQuantity": {"value": 8, "unit": 7}},
    {"valueQuantity": None, "component": [{**SYSTOLIC, "referenceRange": [{"high": quantity(9, "mm[Hg]")}]}]},
]  # fmt: skip


def as_the_full_reader(resources: list[Json]) -> bool:
    """Whether lines, met for the first or the second time, say the same without the short way, at the same places."""
    met = [observation(subject={"reference": f"Patient/{n}"}) for n in (1, 2, "007")]
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patched:
        path = Path(folder) / "r.ndjson"
        path.write_bytes(ndjson([*met, *resources, *resources]))
        told = rows(batches(path))
        patched.setattr(fhir, "tell", lambda _lines, begin, _first, _to: begin)
        return told == rows(batches(path))


@pytest.mark.parametrize("beside", NEARLY_PLAIN)
def test_nearly_plain_lines_say_what_the_full_reader_says(beside: Json) -> None:
    """Whatever may stand beside the parts of a plain observation, or in their place."""
    assert as_the_full_reader([{**observation(), **beside}])


@given(st.lists(observations(), min_size=1, max_size=6))
def test_lines_say_what_the_full_reader_says(resources: list[Json]) -> None:
    """Lines of any kind beside each other."""
    assert as_the_full_reader(resources)


@given(st.lists(observations(), max_size=6), st.randoms(use_true_random=False))
def test_order_changes_nothing(resources: list[Json], chance: random.Random) -> None:
    """Lines in any order."""
    shuffled = list(resources)
    chance.shuffle(shuffled)
    assert record(shuffled) == record(resources)


@given(st.lists(observations(), min_size=1, max_size=6), st.integers(1, 6), st.booleans())
def test_packing_changes_nothing(resources: list[Json], cut: int, zipped: bool) -> None:
    """One file or two, compressed or not, as lines or as a bundle."""
    expected = record(resources)
    with TemporaryDirectory() as folder:
        for number, part in enumerate((resources[:cut], resources[cut:])):
            content = ndjson(part)
            path = Path(folder) / f"{number}.ndjson{'.gz' if zipped else ''}"
            if content:
                path.write_bytes(gzip.compress(content) if zipped else content)
        assert counted(batches(Path(folder))) == expected
    with TemporaryDirectory() as folder:
        path = Path(folder) / "b.json"
        path.write_text(json.dumps(bundle(*resources), indent=1), encoding="utf-8")
        assert counted(batches(path)) == expected


@given(st.binary(max_size=200))
def test_no_bytes_are_a_crash(noise: bytes) -> None:
    """Anything may stand in a line; the lines around it are read."""
    good = observation()
    with TemporaryDirectory() as folder:
        path = Path(folder) / "r.ndjson"
        path.write_bytes(ndjson([good]) + noise.replace(b"\n", b" ") + b"\n" + ndjson([good]))
        said = rows(batches(path))
    assert [row["place"] for row in said if "status" in row] == ["line 1", "line 3"]


@given(st.data())
def test_no_shape_is_a_crash(data: st.DataObject) -> None:
    """Any field of any resource may hold anything: it is said, or refused, or not there."""
    anything = st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["code", "coding", "value"]), inner)
        ),
        max_leaves=5,
    )
    whole = data.draw(st.sampled_from([observation(), administration(), patient(), bundle(observation())]))
    broken = {**whole, data.draw(st.sampled_from(sorted(whole))): data.draw(anything)}
    with TemporaryDirectory() as folder:
        path = Path(folder) / "r.ndjson"
        path.write_bytes(ndjson([observation(id="ok"), broken]))
        assert any(row.get("record") == "Observation/ok" for row in rows(batches(path)))


def test_batches_may_end_anywhere(tmp_path: Path) -> None:
    """Statements on both sides of the end of a batch are the same as elsewhere."""
    plain = [observation(id=str(n), valueQuantity=quantity(37 + n % 4, "Cel")) for n in range(ROWS_ENOUGH + 50)]
    panels = [
        observation("85354-9", id=f"p{n}", valueQuantity=None, component=[
            {"code": concept(c), "valueQuantity": quantity(v, "mm[Hg]")} for c, v in (("8480-6", 90), ("8462-4", 60))
        ])
        for n in range(50)
    ]  # fmt: skip
    path = tmp_path / "r.ndjson"
    path.write_bytes(ndjson([*plain, *panels]))
    said = [row for row in rows(batches(path)) if "status" in row]
    assert [row["value"] for row in said[: len(plain)]] == [str(37 + n % 4) for n in range(len(plain))]
    assert len(said) == len(plain) + 2 * len(panels)
    assert {row["unit"] for row in said} == {"Cel", "mm[Hg]"}


ZONES = st.integers(-12 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=ZONES)  # noqa: DTZ001  zones are drawn
DIGITS = st.sampled_from(["seconds", "milliseconds", "microseconds"])


@given(st.lists(st.builds(lambda moment, digits: moment.isoformat(timespec=digits), MOMENTS, DIGITS), min_size=2))
def test_versions_sort_as_they_came_about(spelt: list[str]) -> None:
    """Whatever offset and precision a server writes."""
    made = ordered(pa.array(spelt)).to_pylist()
    came_about = sorted(range(len(spelt)), key=lambda n: datetime.fromisoformat(spelt[n]))
    assert sorted(range(len(spelt)), key=lambda n: made[n]) == came_about


@given(st.lists(st.integers(0, 10**19), min_size=2, max_size=5))
def test_numbered_versions_sort_as_numbers(numbers: list[int]) -> None:
    """10 comes after 9."""
    made = ordered(pa.array([str(number) for number in numbers])).to_pylist()
    assert sorted(made) == [f"{number:020d}" for number in sorted(numbers)]
