"""The patient's page and what is entered there: sources of numbers, the past, charting, files, hand-over."""

from __future__ import annotations

import re
from datetime import timedelta

import msgspec
import pytest
from starlette.testclient import TestClient

from leeward.ward.access import Person
from leeward.ward.clock import SetClock
from leeward.ward.doors import pages as doors
from leeward.ward.pages import handover, quality
from leeward.ward.pages import patient as drawings
from leeward.ward.pages.knowledge import pages
from leeward.ward.world import World

from .conftest import NOW
from .taken import said, take
from .test_pages import course, graded, placed

AT = NOW.strftime("%Y-%m-%dT%H:%M")


@pytest.fixture
def patient(world: World) -> str:
    """The address of one patient with fever and no charted device."""
    take(world, *course("A", 39.1, device=None), moves=[placed("A", "12")])
    graded(world)
    return f"/patient/{world.store.handle_of('A')}"


def test_every_number_leads_to_its_source(client: TestClient, patient: str) -> None:
    """From the reason to the finding: value, unit, all its times, source, place, status."""
    page = client.get(patient).text
    link = re.search(r'class="source-of" href="([^"]+)"><b>39.1 °C', page)
    assert link
    found = client.get(link[1]).text
    assert "39.1 °C" in found
    assert "monitor, line 1" in found
    assert "final" in found


def test_the_past_is_shown_as_the_past(world: World, client: TestClient, clock: SetClock, patient: str) -> None:
    """What arrived later is not in it, and the page says so at its head."""
    clock.advance(timedelta(hours=3))
    take(world, said("A", "oxygen-device", NOW + timedelta(hours=2), "ventilator"))
    graded(world)
    assert "ventilator" in client.get(patient).text
    past = client.get(f"{patient}?known={AT}").text
    assert "This is the past" in past
    assert 'value="ventilator"' not in past  # nothing can be charted into the past from here
    assert "<b>ventilator</b>" not in past


def test_a_nonsense_moment_or_handle_is_refused(client: TestClient, patient: str) -> None:
    """Without a word about who there is."""
    assert client.get(f"{patient}?known=yesterday").status_code == 400
    assert client.get("/patient/nobody").status_code == 404


@pytest.mark.parametrize("at_s", [999_999_999_999_999_999, 253_402_300_800, -(2**40), -(2**70)])
def test_a_second_outside_any_life_is_no_page(client: TestClient, patient: str, at_s: int) -> None:
    """Whatever is typed into the address; a moment that may be on record is one, with or without findings."""
    assert client.get(f"{patient}/at/{at_s}").status_code == 404
    assert client.get(f"{patient}/at/{int(NOW.timestamp()) + 3 * 86_400}").status_code == 404
    assert client.get(f"{patient}/at/{int(NOW.timestamp())}").status_code == 200


@pytest.mark.parametrize("known", ["9999-12-31T23:59:59Z", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00"])
def test_what_will_be_known_is_not_answered(client: TestClient, patient: str, known: str) -> None:
    """Neither a page nor a drawing of a moment to come, nor one before anybody lived."""
    for address in (patient, f"{patient}/course"):
        assert client.get(address, params={"known": known}).status_code in (400, 404)
        later = (NOW + timedelta(minutes=1)).isoformat()
        assert client.get(address, params={"known": later}).status_code == 404
        assert client.get(address, params={"known": NOW.isoformat()}).status_code == 200


def test_the_first_reader_waits_for_no_compiling(world: World, patient: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page and why the scales differ were drawn once before anybody asked; on an empty ward nothing is."""
    del patient
    drawn = []
    monkeypatch.setattr(drawings, "page", lambda *_, **__: drawn.append("page"))
    monkeypatch.setattr(drawings, "differences", lambda _, of: drawn.append(of))
    doors.warm(world)
    assert drawn == ["A", "page"]
    monkeypatch.setattr(world, "present", list)
    doors.warm(world)
    assert drawn == ["A", "page"]


def test_charting_goes_through_the_intake(world: World, client: TestClient, patient: str) -> None:
    """Device and flow settle the range; who entered it is on record."""
    filled = {"at": AT, "oxygen-device": "nasal-cannula", "oxygen-flow": "2,5", "fio2": "28"}
    found = client.post(f"{patient}/chart", data=filled)
    assert "3 values are charted" in found.text
    graded(world)
    rows = {row["quantity"]: row for row in world.store.findings_of("A").to_pylist() if row["source"] == "bedside"}
    assert rows["oxygen-flow"]["low"] == pytest.approx(2.5)
    assert rows["fio2"]["low"] == pytest.approx(0.28)
    assert client.get("/").text.count("nasal cannula 2.5 L/min") == 1


@pytest.mark.parametrize(
    ("filled", "wrong"),
    [
        ({"spo2": "ninety"}, "is not a number"),
        ({"spo2": "nan"}, "is not a number"),
        ({"at": "2031-01-01T00:00", "spo2": "91"}, "lies in the future"),
        ({"at": "soon", "spo2": "91"}, "not a date and time"),
        ({"ice-naming": "3"}, "ICE needs every item"),
        ({"attribution": "hypoxia", "mark-hours": "4"}, "needs both the sign and the cause"),
        ({"attribution": "hypoxia", "reason": "pneumonia"}, "A mark needs an end: within 24 hours"),
        ({"attribution": "hypoxia", "reason": "pneumonia", "mark-hours": "25"}, "A mark needs an end"),
        ({}, "Nothing is filled in"),
    ],
)
def test_a_wrong_field_takes_nothing_in(
    world: World, client: TestClient, patient: str, filled: dict[str, str], wrong: str
) -> None:
    """It says which and why, and keeps what was typed."""
    before = world.store.findings_of("A").num_rows
    found = client.post(f"{patient}/chart", data={"at": AT} | filled)
    assert found.status_code == 422
    assert wrong in found.text
    assert world.store.findings_of("A").num_rows == before


def test_ice_is_the_sum_of_its_items(world: World, client: TestClient, patient: str) -> None:
    """All five items, or none."""
    items = {"ice-orientation": "3", "ice-naming": "2", "ice-commands": "1", "ice-writing": "1", "ice-attention": "0"}
    client.post(f"{patient}/chart", data={"at": AT} | items)
    scores = [row["low"] for row in world.store.findings_of("A").to_pylist() if row["quantity"] == "ice-score"]
    assert scores == [7.0]


def test_an_implausible_value_is_refused_with_its_reason(world: World, client: TestClient, patient: str) -> None:
    """The door decides, not the form."""
    found = client.post(f"{patient}/chart", data={"at": AT, "body-temperature": "101.3"}).text
    assert "0 values are charted" in found
    assert "does not fit its unit" in found
    assert world.store.known(["A"]).refusals.num_rows == 1


@pytest.mark.parametrize(
    ("filled", "told"),
    [
        ({"spo2": "0,88"}, "(0.88 %: likely a fraction: enter 88)"),
        ({"fio2": "0.4"}, "(0.4 %: likely a fraction: enter 40)"),
        ({"body-temperature": "101.3"}, "(101.3 °C: likely °F)"),
    ],
)
def test_why_a_value_is_not_taken_comes_first_and_in_no_code(
    client: TestClient, patient: str, filled: dict[str, str], told: str
) -> None:
    """What to enter instead, before how many were charted."""
    page = client.post(f"{patient}/chart", data={"at": AT} | filled).text
    assert told in page
    assert page.index(told) < page.index("0 values are charted")


def test_a_correction_in_percent_says_what_to_enter(client: TestClient, patient: str) -> None:
    """The oxygen fraction stands as a fraction where it is corrected."""
    page = client.post(f"{patient}/chart", data={"at": AT, "fio2": "40"}).text
    found = re.search(rf'action="({patient}/entries/[^"#]+)', page)
    assert found
    page = client.post(found[1], data={"version": "1", "do": "correct", "value": "50"}).text
    assert "(50: likely in percent: enter 0.5)" in page


def test_a_diastolic_above_the_systolic_is_asked_again(world: World, client: TestClient, patient: str) -> None:
    """Nothing is charted until it is ticked; then both are, as they are."""
    turned = {"at": AT, "systolic-bp": "61", "diastolic-bp": "95"}
    asked = client.post(f"{patient}/chart", data=turned)
    assert asked.status_code == 422
    assert "Diastolic is above systolic: tick to chart it as it is" in asked.text
    assert all(f'value="{typed}"' in asked.text for typed in ("61", "95"))
    box = re.search(r'<input type="checkbox" name="([^"]+)" value="([^"]+)"', asked.text)
    assert box
    rows = [row for row in world.store.findings_of("A").to_pylist() if row["source"] == "bedside"]
    assert rows == []
    assert "2 values are charted" in client.post(f"{patient}/chart", data=turned | {box[1]: box[2]}).text
    rows = [row for row in world.store.findings_of("A").to_pylist() if row["source"] == "bedside"]
    assert {row["quantity"]: row["low"] for row in rows} == {"systolic-bp": 61, "diastolic-bp": 95}
    right = client.post(f"{patient}/chart", data={"at": AT, "systolic-bp": "95", "diastolic-bp": "61"})
    assert "2 values are charted" in right.text


def test_an_own_entry_is_corrected_and_taken_back(world: World, client: TestClient, patient: str) -> None:
    """As newer versions of the same record; nobody else may."""
    page = client.post(f"{patient}/chart", data={"at": AT, "spo2": "81"}).text
    found = re.search(rf'action="({patient}/entries/[^"#]+)', page)
    assert found
    page = client.post(found[1], data={"version": "1", "do": "correct", "value": "91"}).text
    assert "91 %" in page
    stale = client.post(found[1], data={"version": "1", "do": "withdraw"})
    assert stale.status_code == 422
    assert "1 value is charted" in client.post(found[1], data={"version": "2", "do": "withdraw"}).text
    graded(world)
    assert "91 %" not in client.get("/").text


def test_an_attribution_carries_the_name(world: World, client: TestClient, patient: str) -> None:
    """The sign, the cause and who said so."""
    filled = {"at": AT, "attribution": "hypoxia", "reason": "pneumonia on CT", "mark-hours": "4"}
    client.post(f"{patient}/chart", data=filled)
    marks = [row for row in world.store.findings_of("A").to_pylist() if row["quantity"] == "attribution"]
    assert [row["text"] for row in marks] == ["hypoxia=pneumonia on CT (Demo clinician)"]
    assert marks[0]["measured_until"] == NOW + timedelta(hours=4)


def test_a_note_is_kept_as_text(client: TestClient, patient: str) -> None:
    """Markup stays text."""
    client.post(f"{patient}/notes", data={"text": "<b>slept</b> badly"})
    assert "&lt;b&gt;slept&lt;/b&gt; badly" in client.get(patient).text


def test_a_viewer_looks_and_charts_nothing(
    world: World, client: TestClient, patient: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No form is shown, and none is taken."""
    viewer = Person(id="v", name="V", role="viewer")
    monkeypatch.setattr(world.access, "person_of", lambda _request: viewer)
    assert "Chart it" not in client.get(patient).text
    assert client.post(f"{patient}/chart", data={"at": AT, "spo2": "91"}).status_code == 403
    assert client.get("/handover.pdf").status_code == 403


def test_somebody_of_another_unit_sees_nothing(
    world: World, client: TestClient, patient: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the row nor the page, and the page is answered as one of nobody."""
    other = Person(id="c", name="C", role="clinician", units=frozenset({"9Z"}))
    monkeypatch.setattr(world.access, "person_of", lambda _request: other)
    assert "A. M., 61" not in client.get("/").text
    assert "A. M., 61" not in client.get("/handover").text
    refused, nobody = client.get(patient), client.get("/patient/nobody")
    assert refused.status_code == nobody.status_code == 404
    assert refused.text == nobody.text


def test_a_file_is_taken_in_with_a_summary(world: World, client: TestClient) -> None:
    """What was understood and what was not, line by line; the same file again changes nothing."""
    lines = ["patient_id,start,end,quantity,value,unit,text",
             "B,2026-03-05T10:00:00Z,,body-temperature,38.9,Cel,",
             "B,2026-03-05T10:00:00Z,,body-temperature,101.3,Cel,",
             "B,2026-03-05T10:00:00Z,,=cmd|calc,1,,"]  # fmt: skip
    files = {"file": ("a.csv", "\n".join(lines).encode(), "text/csv")}
    page = client.post("/upload", files=files).text
    assert "<b>1</b> finding was understood" in page
    assert "<b>2</b> lines were not understood" in page
    assert "taken before" in client.post("/upload", files=files).text
    assert client.post("/upload", files={"file": ("b.csv", b"a,b\n1,2\n", "text/csv")}).status_code == 422
    assert world.store.findings_of("B").num_rows == 1


def test_the_hand_over_has_a_page_each(world: World, client: TestClient, patient: str) -> None:
    """The same words on the screen and on paper."""
    take(world, *course("C", 36.9), moves=[placed("C", "15", "R. B., 55")])
    graded(world)
    assert "Bed 12 · A. M., 61" in client.get("/handover").text
    both, one = (
        client.get("/handover.pdf").content,
        client.get(f"/handover.pdf?of={patient.rpartition('/')[2]}").content,
    )
    assert both.startswith(b"%PDF")
    assert len(both) > len(one)
    assert client.get("/handover.pdf?of=nobody").status_code == 404


def test_a_silent_feed_and_a_patient_nobody_heard_of_stand_on_the_sheet(
    world: World, client: TestClient, clock: SetClock, patient: str
) -> None:
    """On the screen and in the PDF's own data; who is heard has no such line."""
    take(world, moves=[placed("Z", "3", "Z. Z., 40")], message="placed")
    graded(world)
    told = {one.head: one.unheard for one in handover.sheets(world, world.present())}
    assert told == {"Bed 12 · A. M., 61 · 7A": "", "Bed 3 · Z. Z., 40 · 7A": "Nothing was ever received"}
    clock.advance(timedelta(hours=9))
    graded(world)
    told = {one.head: one.unheard for one in handover.sheets(world, world.present())}
    assert told["Bed 12 · A. M., 61 · 7A"].startswith("Nothing received ")
    assert "since 12:00" in told["Bed 12 · A. M., 61 · 7A"]
    assert client.get("/handover").text.count("<b>Nothing ") == 2
    assert "Nothing received" in client.get(patient).text


def test_knowledge_has_a_page_for_every_scale_and_source(client: TestClient) -> None:
    """Each with its tables; what is only recalled says so."""
    for kind, held in pages().items():
        name = next(iter(held))
        assert client.get(f"/knowledge/{kind}/{name}").status_code == 200
    page = client.get("/knowledge/scale/astct-2019-crs").text
    assert "38.0 °C" in page
    assert "2026-11-22" in page
    assert client.get("/knowledge/scale/nothing").status_code == 404


def test_the_doors_stand_on_the_page_of_quality(world: World, client: TestClient) -> None:
    """Each address answers, and MLLP is named only where it listens."""
    page = client.get("/quality").text
    for address, _ in quality.DOORS:
        assert f"{address}<" in page
        if address not in quality.NO_PAGE:
            assert client.get(address).status_code == 200, address
    assert client.post("/mcp/", json={}).status_code != 404
    assert "MLLP" not in page
    told = quality.doors(world)[-1]
    assert told["address"] == "/health"
    sender = {"application": "LAB", "source": "laboratory", "numbers": "order"}
    world.settings = msgspec.structs.replace(world.settings, hl7={"port": 2576, "senders": [sender]})
    told = quality.doors(world)[-1]
    assert told["address"] == "127.0.0.1:2576"
    assert told["says"] == "HL7 v2 over MLLP, in the clear; senders named: 1"


def test_19_a_clock_ahead_of_ours_is_shown(world: World, client: TestClient) -> None:
    """A source whose values reach us before they were measured has a clock that is wrong."""
    take(world, said("S", "spo2", NOW + timedelta(minutes=3), 95, "%"), source="analyser")
    take(world, said("S", "heart-rate", NOW - timedelta(minutes=3), 95, "/min"), source="monitor")
    ahead = {one["source"]: one["ahead"] for one in quality.skews(world)}
    assert ahead.get("monitor") is False
    assert ahead.get("analyser") in (True, None)  # None: beyond the tolerance it was refused
    assert client.get("/quality").status_code == 200
