"""The board as it is served: rows by need, ages, words for what is missing, nothing that a page could run."""

from __future__ import annotations

from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from leeward.report.stood import stood
from leeward.ward.arrivals import Move
from leeward.ward.clock import ReplayClock, SetClock
from leeward.ward.demo.ward import demo_world
from leeward.ward.row import read
from leeward.ward.standing import LATEST, standing
from leeward.ward.world import World

from .conftest import NOW
from .taken import said, take


def placed(patient: str, bed: str, label: str = "A. M., 61", unit: str = "7A") -> Move:
    """A patient in a bed."""
    return Move(kind="placed", patient=patient, unit=unit, bed=bed, label=label, at=NOW)


def course(patient: str, celsius: float, *, device: str | None = "room-air") -> list[dict[str, object]]:
    """A patient three days after a therapy, with one set of vital signs now."""
    made = [
        said(patient, "trigger", NOW - timedelta(days=3), "axicabtagene ciloleucel"),
        said(patient, "body-temperature", NOW, celsius, "Cel"),
        said(patient, "systolic-bp", NOW, 121, "mm[Hg]"),
        said(patient, "diastolic-bp", NOW, 70, "mm[Hg]"),
    ]
    return [*made, said(patient, "oxygen-device", NOW, device)] if device else made


def graded(world: World) -> None:
    """Everybody who waits is graded."""
    while world.grader.once():
        pass


@pytest.fixture
def ward(world: World) -> World:
    """Three patients: well, feverish, feverish without a charted device."""
    take(world, *course("A", 36.9), moves=[placed("A", "15", "R. B., 55")])
    take(world, *course("B", 39.4, device=None), moves=[placed("B", "07", "J. K., 8", "7B")])
    take(world, *course("C", 38.6), moves=[placed("C", "12")])
    graded(world)
    return world


def order(page: str) -> list[str]:
    """The labels in the order of the rows."""
    labels = ["R. B., 55", "J. K., 8", "A. M., 61"]
    return sorted((one for one in labels if one in page), key=page.index)


def test_rows_are_sorted_by_need(ward: World, client: TestClient) -> None:
    """Of two with grade 1 for sure, whose grade may be higher comes first; who is well comes last."""
    assert ward.present()
    assert order(client.get("/").text) == ["J. K., 8", "A. M., 61", "R. B., 55"]


def test_a_range_is_worded(ward: World, client: TestClient) -> None:
    """What is missing stands beside the grade, and nothing missing is shown as normal."""
    page = client.get("/").text
    assert ward.present()
    assert "Oxygen never charted" in page
    assert "39.4 °C" in page
    assert "121/70" in page


def test_a_row_is_fetched_alone(ward: World, client: TestClient) -> None:
    """A page that is open asks for the rows that changed, by handle."""
    handle = ward.store.handle_of("C")
    page = client.get(f"/rows?of={handle}").text
    assert order(page) == ["A. M., 61"]
    assert 'data-tally="3 patients' in page


def test_no_identifier_stands_in_a_page(world: World, client: TestClient) -> None:
    """Patients go by handles in addresses and by labels in text."""
    take(world, *course("MRN-4711", 38.6), moves=[placed("MRN-4711", "3")])
    graded(world)
    page = client.get("/").text
    assert "A. M., 61" in page
    assert "MRN-4711" not in page


def test_47_markup_in_a_name_or_unit_is_text(world: World, client: TestClient) -> None:
    """Nothing of a record becomes markup."""
    take(world, *course("M", 38.6), moves=[placed("M", "<b>1", "<script>alert(1)</script>", "<img src=x onerror=y>")])
    graded(world)
    page = client.get("/").text
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page
    assert "<img" not in page
    assert "<b>1" not in page


def test_52_the_page_is_told_the_servers_time_and_edition(ward: World, client: TestClient, clock: SetClock) -> None:
    """Both stand in the page, and move with the server's clock."""
    page = client.get("/").text
    assert ward.present()
    assert f'data-now="{NOW.isoformat()}"' in page
    assert 'data-edition="' in page
    clock.advance(timedelta(minutes=7))
    assert "7 min ago" in client.get("/").text


def test_pages_carry_a_strict_policy(ward: World, client: TestClient) -> None:
    """No script or style stands in a page, and nothing may be loaded from elsewhere."""
    found = client.get("/")
    assert ward.present()
    assert "script-src 'self'" in found.headers["content-security-policy"]
    assert "unsafe" not in found.headers["content-security-policy"]
    assert " style=" not in found.text
    assert "<style" not in found.text
    assert " onclick" not in found.text


def test_a_grade_that_rose_says_from_what_and_when(world: World, client: TestClient, clock: SetClock) -> None:
    """An arrow never stands without its word."""
    take(world, *course("R", 38.6), moves=[placed("R", "1")])
    graded(world)
    clock.advance(timedelta(hours=1))
    take(world, said("R", "oxygen-device", NOW + timedelta(minutes=55), "nasal-cannula"),
         said("R", "oxygen-flow", NOW + timedelta(minutes=55), 2, "L/min"))  # fmt: skip
    graded(world)
    page = client.get("/").text
    assert "risen" in page
    assert "5 min at 2, 1 before" in page


def test_a_correction_says_what_was_shown(world: World, clock: SetClock) -> None:
    """A value taken back changes the course; the row says what stood on the board until then."""
    late = {"record": "t1", "version": "1"}
    fever = said("K", "body-temperature", NOW - timedelta(hours=1), 39.0, "Cel", **late)
    take(world, *course("K", 36.9)[:1], *course("K", 36.9)[2:], fever, moves=[placed("K", "1")])
    graded(world)
    clock.advance(timedelta(minutes=10))
    again = {"record": "t1", "version": "2", "status": "corrected"}
    take(world, said("K", "body-temperature", NOW - timedelta(hours=1), 36.6, "Cel", **again))
    graded(world)
    row = read(world.store.board(["K"])["K"])
    assert row is not None
    assert (row.crs.at_least, row.crs.at_most) == (0, 0)
    assert row.temperature is not None
    assert row.temperature.low == pytest.approx(36.6)
    assert row.crs.corrected == (1, 1)


def test_the_last_value_is_the_timelines(world: World) -> None:
    """The quick reading of rows says what timeline/known.py says: newest version, nothing withdrawn."""
    rows = [
        said("T", "body-temperature", NOW - timedelta(hours=2), 37.0, "Cel", record="a", version="2"),
        said("T", "body-temperature", NOW - timedelta(hours=1), 39.9, "Cel", record="a", version="1"),
        said("T", "body-temperature", NOW - timedelta(hours=3), 38.1, "Cel"),
        said("T", "spo2", NOW - timedelta(minutes=5), 91, "%", record="s", version="1"),
        said("T", "spo2", NOW - timedelta(minutes=5), 91, "%", record="s", version="10", status="withdrawn"),
        said("T", "spo2", NOW - timedelta(minutes=9), 96, "%"),
    ]
    take(world, *rows)
    findings = world.store.findings_of("T")
    slow: dict[str, tuple[object, object]] = {}
    for one in stood(findings, int(NOW.timestamp())).findings.sort_by("measured_at").to_pylist():
        if one["quantity"] in LATEST:
            slow[one["quantity"]] = (one["measured_at"], one["low"])
    assert {name: (one.at, one.low) for name, one in standing(findings, NOW).items()} == slow
    assert slow["body-temperature"][1] == pytest.approx(37.0)


def kept(page: str, *labels: str) -> list[str]:
    """Labels in the order of the rows."""
    return sorted(labels, key=page.index)


def test_an_alert_that_is_seen_sinks_nobody_below_a_lower_grade(world: World, client: TestClient) -> None:
    """Who has the higher sure grade stays above, whoever's alert is still untold."""
    for patient, bed, label in (("D", "1", "deep"), ("E", "2", "mild")):
        take(world, *course(patient, 38.6), moves=[placed(patient, bed, label)], message=patient)
    pressor = ("norepinephrine", NOW - timedelta(minutes=30), 0.2, "ug/kg/min")
    take(world, said("D", *pressor), message="pressor")
    graded(world)
    row = read(world.store.board(["D"])["D"])
    assert row is not None
    assert (row.crs.at_least or 0) >= 3
    assert any(one.patient == "E" for one in world.alerts.open())
    for one in world.alerts.open():
        if one.patient == "D":
            world.alerts.acknowledge(one.id, "nurse")
    assert all(one.told == "acknowledged" for one in world.alerts.open() if one.patient == "D")
    assert kept(client.get("/").text, "deep", "mild") == ["deep", "mild"]


def test_a_sure_grade_whose_data_grew_old_does_not_sink(world: World, client: TestClient, clock: SetClock) -> None:
    """Nothing charted for long is no recovery: the row stays above a grade 1, and says why."""
    take(world, *course("D", 38.6), moves=[placed("D", "1", "deep")], message="D")
    pressor = said("D", "norepinephrine", NOW - timedelta(minutes=30), 0.2, "ug/kg/min")
    take(world, pressor, message="pressor")
    graded(world)
    clock.advance(timedelta(hours=30))
    late = NOW + timedelta(hours=30)
    fresh = [{**one, "start": late.isoformat()} for one in course("E", 38.6)[1:]]
    take(world, course("E", 38.6)[0], *fresh, moves=[placed("E", "2", "mild")], message="E")
    world.store.mark({"D": False})
    graded(world)
    row = read(world.store.board(["D"])["D"])
    assert row is not None
    assert (row.crs.at_least, row.crs.stood) == (0, 3)
    page = client.get("/").text
    assert kept(page, "deep", "mild") == ["deep", "mild"]
    assert "3 was sure, and nothing rules it out" in page


def test_14_a_patient_whom_nothing_is_received_of_says_so(world: World, client: TestClient, clock: SetClock) -> None:
    """Grey, with the time, above those of the same grade who are heard."""
    for patient, bed in (("H", "1"), ("S", "2")):
        take(world, *course(patient, 36.9), moves=[placed(patient, bed, f"label {patient}")], message=patient)
    for minute in range(1, 30):
        clock.advance(timedelta(minutes=1))
        at = NOW + timedelta(minutes=minute)
        heard = ["H", "S"] if minute < 16 else ["H"]
        take(world, *[said(who, "spo2", at, 97, "%") for who in heard], message=str(minute))
        graded(world)
    page = client.get("/").text
    assert kept(page, "label H", "label S") == ["label S", "label H"]
    assert page.count("Nothing received since 12:15") == 1
    assert page.count('class="unheard"') == 1


def test_a_row_that_nobody_graded_yet_says_that_it_is_being_graded(world: World, client: TestClient) -> None:
    """Until the first pass; afterwards no row says so."""
    take(world, *course("A", 38.6), moves=[placed("A", "1")])
    assert "being graded …" in client.get("/").text
    graded(world)
    assert "being graded" not in client.get("/").text


def test_a_replay_that_ended_is_told_by_its_clock() -> None:
    """When the last of the script is played, time goes on as on the wall, and whoever asks hears that it ended."""
    with demo_world(speed=60, port=0, start=NOW) as (world, replay):
        replay._left = [one for one in replay._left if one.minutes < 0][:3]
        clock = world.clock
        assert isinstance(clock, ReplayClock)
        before = clock.ended
        replay.start()
        assert replay._thread is not None
        replay._thread.join(10)
        assert (before, clock.ended, clock.speed) == (False, True, 1)


def test_14_where_nobody_is_heard_every_row_says_so(world: World, client: TestClient, clock: SetClock) -> None:
    """The ward's own alert of silence marks everybody: no row looks fresh while nothing arrives."""
    for patient, bed in (("H", "1"), ("S", "2")):
        take(world, *course(patient, 36.9), moves=[placed(patient, bed, f"label {patient}")], message=patient)
    for minute in range(1, 16):
        clock.advance(timedelta(minutes=1))
        at = NOW + timedelta(minutes=minute)
        take(world, *[said(who, "spo2", at, 97, "%") for who in ("H", "S")], message=str(minute))
    graded(world)
    assert 'class="unheard"' not in client.get("/").text
    clock.advance(timedelta(hours=8))
    world.store.mark({"H": False, "S": False})
    graded(world)
    page = client.get("/").text
    assert page.count("Nothing received of any patient since 12:15") == 2
    assert page.count('class="unheard"') == 2
