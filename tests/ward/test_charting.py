"""Charting at the bedside as a nurse meets it: twice the same form, the nights of the changed clock, marks, merges."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from leeward.ward.access import Person
from leeward.ward.app import create_app
from leeward.ward.arrivals import Move
from leeward.ward.clock import SetClock
from leeward.ward.settings import WardSettings
from leeward.ward.world import World

from .conftest import NOW
from .taken import said, take
from .test_pages import course, graded, placed

AT = NOW.strftime("%Y-%m-%dT%H:%M")


@pytest.fixture
def patient(world: World) -> str:
    """The address of one patient with fever and a low pressure."""
    rows = [row for row in course("A", 39.1) if row["quantity"] != "systolic-bp"]
    rows += [said("A", "systolic-bp", NOW, 80, "mm[Hg]"), said("A", "age-years", NOW, 60, "a")]
    take(world, *rows, moves=[placed("A", "12")])
    graded(world)
    return f"/patient/{world.store.handle_of('A')}"


@pytest.fixture
def berlin(tmp_path: Path, clock: SetClock) -> Iterator[World]:
    """A ward in Berlin, late in the year."""
    clock.set(datetime(2026, 11, 1, 12, 0, tzinfo=UTC))
    made = World(WardSettings(database=f"sqlite:///{tmp_path / 'ward.db'}", demo=True, zone="Europe/Berlin"), clock)
    yield made
    made.engine.dispose()


def charted(world: World, quantity: str, patient: str = "A") -> list[dict[str, object]]:
    """What was charted at the bedside of one quantity, every version."""
    rows = world.store.findings_of(patient).to_pylist()
    return [row for row in rows if row["source"] == "bedside" and row["quantity"] == quantity]


def once(page: str) -> str:
    """The word of the form on a page."""
    found = re.search(r'name="once" value="([^"]+)"', page)
    assert found
    return found[1]


# ------------------------------------------------------------ the same form again


def test_the_same_form_twice_is_charted_once(world: World, client: TestClient, patient: str) -> None:
    """A second click, or a page sent again: one value, and the page says so."""
    filled = {"at": AT, "spo2": "91", "once": once(client.get(patient).text)}
    first = client.post(f"{patient}/chart", data=filled, follow_redirects=False)
    assert (first.status_code, first.headers["location"]) == (303, f"{patient}?charted={filled['once']}#chart")
    assert "1 value is charted" in client.get(first.headers["location"]).text
    assert "1 value is charted" in client.get(first.headers["location"]).text  # read again: still one
    for spo2 in ("91", "99"):
        second = client.post(f"{patient}/chart", data=filled | {"spo2": spo2})
        assert "This form was sent more than once, and taken once, as it was sent first." in second.text
    assert [row["low"] for row in charted(world, "spo2")] == [91]
    assert once(client.get(patient).text) != filled["once"]


def test_the_address_of_a_form_leads_to_the_page(client: TestClient, patient: str) -> None:
    """Typed or reloaded, it is no fault."""
    for address in (f"{patient}/chart", f"{patient}/entries/x"):
        found = client.get(address, follow_redirects=False)
        assert (found.status_code, found.headers["location"]) == (303, f"{patient}#chart")


def test_nobody_reads_what_another_charted_from_its_word(
    world: World, client: TestClient, patient: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The word of a form tells its own sender only."""
    sent = client.post(f"{patient}/chart", data={"at": AT, "spo2": "91"}, follow_redirects=False)
    other = Person(id="v", name="V", role="clinician")
    monkeypatch.setattr(world.access, "person_of", lambda _request: other)
    assert "value is charted" not in client.get(sent.headers["location"]).text


# ------------------------------------------------------------ row 16


def test_16_an_hour_that_never_was_is_refused(berlin: World) -> None:
    """In plain words; nothing is charted."""
    take(berlin, *course("A", 38.0), moves=[placed("A", "12")])
    with TestClient(create_app(berlin, start=False)) as client:
        patient = f"/patient/{berlin.store.handle_of('A')}"
        found = client.post(f"{patient}/chart", data={"at": "2026-03-29T02:30", "spo2": "91"})
        assert found.status_code == 422
        assert "02:30 on 29 March 2026 never was: the clock was put forward over it." in found.text
        past = client.get(f"{patient}?known=2026-03-29T02:30")
        assert past.status_code == 400
        assert "02:30 on 29 March 2026 never was" in past.text
    assert charted(berlin, "spo2") == []


@pytest.mark.parametrize(("which", "hour"), [(0, 0), (1, 1)])
def test_16_an_hour_that_came_twice_is_asked_for(berlin: World, which: int, hour: int) -> None:
    """Both are offered, an hour apart, and the one that is chosen is charted; so it is for the past."""
    take(berlin, *course("A", 38.0), moves=[placed("A", "12")])
    with TestClient(create_app(berlin, start=False)) as client:
        patient = f"/patient/{berlin.store.handle_of('A')}"
        filled = {"at": "2026-10-25T02:30", "spo2": "91"}
        found = client.post(f"{patient}/chart", data=filled)
        assert found.status_code == 422
        offered = re.findall(r'<option value="(2026-10-25T[^"]+)">([^<]+)', found.text)
        assert [told for _, told in offered] == ["02:30 CEST (UTC+02:00), before the clock was put back",
                                                 "02:30 CET (UTC+01:00), after the clock was put back"]  # fmt: skip
        assert charted(berlin, "spo2") == []
        client.post(f"{patient}/chart", data=filled | {"which": offered[which][0]})
        at = datetime(2026, 10, 25, hour, 30, tzinfo=UTC)
        assert [row["measured_at"] for row in charted(berlin, "spo2")] == [at]
        past = client.get(f"{patient}?known=2026-10-25T02:30")
        assert past.status_code == 400
        links = re.findall(r'href="(/patient/[^"]+known=[^"]+)"', past.text)
        assert len(links) == 2
        shown = client.get(links[which])
        assert shown.status_code == 200
        assert "This is the past.</b> The page shows what was known at 25 Oct 2026 02:30" in shown.text


def test_16_a_choice_of_another_hour_is_no_choice(berlin: World) -> None:
    """Where the time was changed since, what was chosen for the other one does not count."""
    take(berlin, *course("A", 38.0), moves=[placed("A", "12")])
    with TestClient(create_app(berlin, start=False)) as client:
        sent = {"at": "2026-10-25T02:45", "spo2": "91", "which": "2026-10-25T02:30:00+02:00"}
        found = client.post(f"/patient/{berlin.store.handle_of('A')}/chart", data=sent)
    assert "02:45 on 25 October 2026 came twice" in found.text
    assert charted(berlin, "spo2") == []


# ------------------------------------------------------------ marks of another cause


def marked(client: TestClient, patient: str) -> str:
    """The page after low pressure was marked for four hours."""
    filled = {"at": AT, "attribution": "hypotension", "reason": "anaesthesia for biopsy", "mark-hours": "4"}
    return client.post(f"{patient}/chart", data=filled).text


def test_a_mark_is_read_on_the_page(world: World, client: TestClient, patient: str) -> None:
    """What, by whom, why, until when, and what it takes out of the grade."""
    page = marked(client, patient)
    graded(world)
    page = client.get(patient).text
    section = page[page.index('id="marks"') : page.index("</section>", page.index('id="marks"'))]
    for told in ("Low pressure", "anaesthesia for biopsy (Demo clinician)", "until", "16:00",
                 "without the mark CRS would be 2"):  # fmt: skip
        assert told in section


def test_any_clinician_ends_a_mark(
    world: World, client: TestClient, patient: str, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With their name and a reason; the pressure counts again, and who made the mark stays on record."""
    marked(client, patient)
    clock.advance(timedelta(minutes=10))
    other = Person(id="b", name="Dr B", role="clinician")
    monkeypatch.setattr(world.access, "person_of", lambda _request: other)
    page = client.get(patient).text
    found = re.search(rf'action="({patient}/entries/[^"#]+)"', page[page.index('id="marks"') :])
    assert found
    assert client.post(found[1], data={"do": "end", "version": "1", "reason": " "}).status_code == 422
    assert world.grader.look("A").answer.now["crs"].at_least == 1
    ended = client.post(found[1], data={"do": "end", "version": "1", "reason": "biopsy is over"})
    assert "1 value is charted" in ended.text
    assert 'id="marks"' not in ended.text
    assert world.grader.look("A").answer.now["crs"].at_least == 2
    versions = charted(world, "attribution")
    assert {row["version"] for row in versions} == {"1", "2"}
    assert "(Demo clinician); ended by Dr B: biopsy is over" in str(versions[-1]["text"]) + str(versions[0]["text"])
    assert client.post(found[1], data={"do": "end", "version": "1", "reason": "again"}).status_code == 422


def test_who_may_not_mark_ends_no_mark(
    world: World, client: TestClient, patient: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An interface that writes findings makes no judgement, and is shown no button."""
    marked(client, patient)
    record = charted(world, "attribution")[0]["record"]
    other = Person(id="i", name="Interface", role="integrator")
    monkeypatch.setattr(world.access, "person_of", lambda _request: other)
    assert "End the mark" not in client.get(patient).text
    sent = client.post(f"{patient}/entries/{record}", data={"do": "end", "version": "1", "reason": "over"})
    assert sent.status_code == 403


# ------------------------------------------------------------ merges


def test_notes_and_entries_follow_a_merge_and_its_undoing(world: World, client: TestClient, patient: str) -> None:
    """What was written of one who turns out to be another stands with both, until that is undone."""
    take(world, *course("B", 38.4), moves=[placed("B", "15", "R. B., 55")])
    graded(world)
    other = f"/patient/{world.store.handle_of('B')}"
    client.post(f"{other}/notes", data={"text": "allergic to metamizole"})
    client.post(f"{other}/chart", data={"at": AT, "spo2": "91"})
    take(world, moves=[Move(kind="merged", patient="B", other="A", at=NOW)])
    graded(world)
    for address in (patient, other, "/handover"):
        assert "allergic to metamizole" in client.get(address).text
    assert "SpO2: 91 %" in client.get(patient).text
    found = re.search(rf'action="({patient}/entries/[^"#]+)', client.get(patient).text)
    assert found
    assert "1 value is charted" in client.post(found[1], data={"version": "1", "do": "correct", "value": "92"}).text
    take(world, moves=[Move(kind="unmerged", patient="B", other="A", at=NOW)], message="undone")
    graded(world)
    assert "allergic to metamizole" not in client.get(patient).text
    assert "allergic to metamizole" in client.get(other).text
    assert {row["low"] for row in charted(world, "spo2", "B")} == {91, 92}
    assert charted(world, "spo2", "A") == []


# ------------------------------------------------------------ files


def test_a_file_of_somebody_limited_is_taken_in_for_their_patients(
    world: World, client: TestClient, patient: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others are refused line by line, as are those of nobody, and nothing says which of the two it was."""
    del patient
    take(world, *course("B", 38.4), moves=[placed("B", "15", "R. B., 55", "7B")])
    limited = Person(id="c", name="C", role="clinician", units=frozenset({"7A"}))
    monkeypatch.setattr(world.access, "person_of", lambda _request: limited)
    assert "whom you may not see are refused" in client.get("/upload").text
    lines = ["patient_id,start,end,quantity,value,unit,text"]
    lines += [f"{name},2026-03-05T10:00:00Z,,spo2,9{place},%," for place, name in enumerate(("A", "B", "Z", "A"))]
    files = {"file": ("a.csv", "\n".join(lines).encode(), "text/csv")}
    page = client.post("/upload", files=files)
    assert page.status_code == 200
    assert "<b>2</b> findings were understood" in page.text
    assert "<b>2</b> lines were not understood" in page.text
    assert re.findall(r"<li>([^<]*): a patient whom the sender may not see, or nobody on record", page.text) == [
        "row 2", "row 3"]  # fmt: skip
    values = {name: sorted(row["low"] for row in world.store.findings_of(name).to_pylist() if row["quantity"] == "spo2")
              for name in ("A", "B", "Z")}  # fmt: skip
    assert values == {"A": [90, 93], "B": [], "Z": []}
    assert world.store.known(["B"]).refusals.num_rows == 0
    assert world.store.patient("Z") is None
