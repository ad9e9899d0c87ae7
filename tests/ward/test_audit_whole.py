"""Nothing of a patient is read, brought in or answered without a record that names them, whichever way it goes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import func, select, update
from starlette.testclient import TestClient
from typer.testing import CliRunner

from leeward.cli import app
from leeward.ward.access import Person
from leeward.ward.app import create_app
from leeward.ward.arrivals import Move
from leeward.ward.audit import AuditDown, Record
from leeward.ward.clock import SetClock
from leeward.ward.settings import WardSettings
from leeward.ward.tables import audit_lists
from leeward.ward.world import World
from tests.ward.conftest import NOW
from tests.ward.hl7_messages import PID, message, obr, obx, receiver, rows, told, with_hl7
from tests.ward.signed import access_token
from tests.ward.small import audit_down
from tests.ward.taken import said, take

MERGE = message("PID|1||007^^^H^MR", "MRG|008^^^H^MR", kind="ADT^A40", sender="ADT", control="9")
MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)


# ------------------------------------------------------------------ messages


@pytest.fixture
def hospital(settings: WardSettings, clock: SetClock) -> Iterator[World]:
    """A ward with senders of HL7 v2."""
    made = World(with_hl7(settings), clock)
    yield made
    made.engine.dispose()


def whom(record: Record) -> tuple[Any, ...]:
    """What a record says of somebody and something."""
    return record.person, record.action, record.patient, record.outcome, record.detail


def test_49_every_message_is_a_record_and_every_merge_another(hospital: World) -> None:
    door = receiver(hospital)
    assert told(door.receive(message(PID, obr(), obx("12")))) == [("AA",)]
    assert told(door.receive(message(PID, obr(), obx("12")))) == [("AA",)], "sent again"
    assert told(door.receive(message(obr(), obx("12"), control="2"))) == [("AE", "patient-missing")]
    assert told(door.receive(MERGE)) == [("AA",)]
    assert [whom(record)[:4] for record in hospital.audit.records()] == [
        ("laboratory", "write", "007", "answered"),
        ("laboratory", "write", "007", "answered"),
        ("laboratory", "write", None, "refused"),
        ("admission", "write", None, "answered"),
        ("admission", "override", "008", "answered"),
    ]
    *_, merge = hospital.audit.records()
    assert (merge.why, merge.detail) == ("merged: 007 (HL7 A40)", "hl7 ADT^A40 9")
    assert [record.seq for record in hospital.audit.records(patient="008")] == [4, 5], "the message named both"
    assert list(hospital.audit.verify()) == []


def test_49_without_the_audit_no_message_is_kept_and_its_sender_knows(hospital: World) -> None:
    door = receiver(hospital)
    made = message(PID, obr(), obx("12"))
    with audit_down(hospital.engine):
        assert told(door.receive(made)) == [("AE", "audit-down")]
        assert told(door.receive(MERGE)) == [("AE", "audit-down")]
    assert hospital.store.patients() == []
    assert told(door.receive(made)) == [("AA",)]
    assert [row["low"] for row in rows(hospital)] == [12.0]


def test_49_a_merge_by_any_door_is_a_record(world: World) -> None:
    take(
        world, moves=[Move(kind="merged", patient="P8", other="P7", at=NOW, reason="typed twice")], door="fhir", by="it"
    )
    assert [whom(record) for record in world.audit.records()] == [("it", "override", "P8", "answered", "fhir")]


# ------------------------------------------------------------------ the grader


def test_49_the_grader_s_own_answers_are_records(world: World, clock: SetClock) -> None:
    """Each pass that said something new, of whom; the others as a number, once a minute."""
    for patient in ("P1", "P2"):
        take(world, said(patient, "body-temperature", NOW, 38.2, "Cel"), message=patient)
    world.grader.once()
    first, *more = world.audit.records()
    assert (first.person, first.action, more) == ("grader", "grade", [])
    assert (first.detail or "").startswith("2 graded, 2 answers new, showing ")
    assert [record.seq for record in world.audit.records(patient="P2")] == [1]
    for _ in range(3):
        world.store.mark({"P1": True})
        world.grader.once()
    assert world.audit.head().seq == 1
    clock.advance(61 * SECOND)
    world.store.mark({"P1": True})
    world.grader.once()
    *_, last = world.audit.records()
    assert (last.seq, last.detail) == (2, "4 graded, 0 answers new")


def test_49_without_the_audit_nothing_is_graded_and_nobody_is_lost(world: World) -> None:
    take(world, said("P1", "body-temperature", NOW, 38.2, "Cel"))
    with audit_down(world.engine), pytest.raises(AuditDown):
        world.grader.once()
    assert world.store.decisions_of("P1") == []
    assert world.grader.once() == 1
    assert len(world.store.decisions_of("P1")) == 1


# ------------------------------------------------------------------ boards


def asks(client: TestClient, path: str, who: str, unit: str) -> int:
    """Somebody of a unit asks for a page."""
    head = {"Authorization": f"Bearer {access_token(NOW, sub=who, units=[unit])}"}
    return int(client.get(path, headers=head).status_code)


def seen_by(world: World, patient: str, **when: Any) -> list[str]:
    """Who a patient was shown to, by name and route."""
    found = world.audit.records(patient=patient, **when)
    return [f"{(one.person or '').partition('#')[2]} {(one.detail or '').partition(',')[0]}" for one in found]


def test_49_a_board_says_whom_it_showed(guarded: World, clock: SetClock) -> None:
    """Who saw a patient at two o'clock: also whoever had the ward's page open, and nobody of another unit."""
    client = TestClient(create_app(guarded, start=False))
    paths = ("/", "/rows", "/rows?of=x", "/alerts")
    for path in paths:
        assert asks(client, path, "amal", "7 West") == 200
    clock.advance(5 * MINUTE)
    assert asks(client, "/rows", "bo", "8 East") == 200
    assert seen_by(guarded, "A") == ["amal GET /", "amal GET /rows", "amal GET /rows"], "no alert of A is open"
    assert seen_by(guarded, "C") == ["bo GET /rows"]
    assert seen_by(guarded, "A", from_=NOW + MINUTE, until=NOW + 20 * MINUTE) == []
    assert seen_by(guarded, "C", from_=NOW + MINUTE, until=NOW + 20 * MINUTE) == ["bo GET /rows"]
    with guarded.engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(audit_lists)).scalar() == 2, "each list stands once"


def test_49_a_list_that_was_altered_or_taken_away_shows(guarded: World) -> None:
    client = TestClient(create_app(guarded, start=False))
    assert asks(client, "/", "amal", "7 West") == 200
    assert list(guarded.audit.verify()) == []
    with guarded.engine.begin() as connection:
        connection.execute(update(audit_lists).values(patients=b'["A"]'))
    assert [fault.what for fault in guarded.audit.verify()] == ["1 names a list of patients that is altered or missing"]


def test_49_without_the_audit_no_board_is_shown(guarded: World) -> None:
    client = TestClient(create_app(guarded, start=False))
    with audit_down(guarded.engine):
        assert [asks(client, path, "amal", "7 West") for path in ("/", "/rows", "/alerts")] == [503] * 3


def test_49_the_command_line_says_who_saw_somebody(guarded: World, settings: WardSettings) -> None:
    """By any of the numbers under which they are known; the number need not be typed where a shell remembers it."""
    client = TestClient(create_app(guarded, start=False))
    assert asks(client, "/", "amal", "7 West") == 200
    assert asks(client, "/", "bo", "8 East") == 200
    take(guarded, moves=[Move(kind="merged", patient="A", other="Z", at=NOW)], message="merge", by="it")
    when = ("--from", "2026-03-05T12:00", "--until", "2026-03-05T13:01+01:00", "--database", settings.database)
    done = CliRunner().invoke(app, ["audit-log", "who", *when], input="Z\n")
    assert done.exit_code == 0
    told_of = [line.split("\t") for line in done.output.splitlines()[1:]]
    assert [(line[1].partition("#")[2] or line[1], line[3], line[5]) for line in told_of] == [
        ("amal", "read", "among others"), ("it", "override", "–"),
    ]  # fmt: skip
    later = ("--from", "2026-03-05T12:01", "--until", "2026-03-05T13:00", "--database", settings.database)
    assert CliRunner().invoke(app, ["audit-log", "who", *later, "--patient", "A"]).output == ""


def test_49_the_audit_of_everybody_is_for_who_may_see_everybody(
    client: TestClient, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It names patients of every unit; an administrator of one unit reads nothing of it."""
    take(world, said("P1", "body-temperature", NOW, 38.2, "Cel"))
    assert client.get("/rows").status_code == 200
    handle = world.store.handle_of("P1")
    found = client.get(f"/fhir/AuditEvent?patient={handle}").json()["entry"]
    assert [one["resource"]["entity"][0]["what"]["reference"][:8] for one in found] == ["Patient/"] * len(found)
    assert len(found) >= 1, "the board that showed them"
    nowhere = Person(id="x", name="X", role="administrator", units=frozenset({"NOWHERE"}))
    monkeypatch.setattr(world.access, "_recognised", lambda *_, **__: nowhere)
    for asked in ("", f"?patient={handle}", "?_count=1"):
        answered = client.get(f"/fhir/AuditEvent{asked}")
        assert (answered.status_code, "entry" in answered.json()) == (403, False)


def test_49_a_broken_glass_stands_on_the_board_until_somebody_responsible_has_seen_it(
    guarded: World, clock: SetClock
) -> None:
    """To whoever may see that patient, with who it was and when, and for a day at most."""
    client = TestClient(create_app(guarded, start=False), follow_redirects=False)

    def head(who: str, unit: str, role: str = "ward") -> dict[str, str]:
        """Somebody of a unit."""
        name = who.capitalize()
        return {"Authorization": f"Bearer {access_token(NOW, sub=who, name=name, units=[unit], groups=[role])}"}

    def board(who: str, unit: str, role: str = "ward", path: str = "/") -> str:
        """What stands on their board."""
        return str(client.get(path, headers=head(who, unit, role)).text)

    handle = guarded.store.handle_of("C")
    why = {"Break-Glass": "consulted about this patient"}
    assert client.get(f"/patient/{handle}", headers=head("amal", "7 West") | why).status_code == 200
    assert "broke the glass" not in board("amal", "7 West"), "C is not theirs to see"
    for path in ("/", "/rows"):
        assert "Amal broke the glass at 12:00 to see" in " ".join(board("bo", "8 East", path=path).split())
    (number,) = [one.number for one in guarded.access.broken.open()]
    seen = f"/glass/{number}/seen"
    assert client.post(seen, headers=head("bo", "8 East")).status_code == 403
    assert client.post(seen, headers=head("eve", "7 West", "hospital")).status_code == 404, "of another unit"
    assert client.post(seen, headers=head("ida", "8 East", "hospital")).status_code == 303
    assert "broke the glass" not in board("bo", "8 East")
    assert client.get(f"/patient/{handle}", headers=head("amal", "7 West") | why).status_code == 200
    assert len(guarded.access.broken.open()) == 1
    clock.advance(timedelta(hours=25))
    assert guarded.access.broken.open() == []


# ------------------------------------------------------------------ the whole store


def test_49_backup_restore_and_take_in_are_records(settings: WardSettings, tmp_path: Path) -> None:
    """Whoever runs them, by the name under which they are on this machine."""
    file, here = tmp_path / "ward.toml", settings.database
    file.write_text(f'name = "Ward"\ndemo = true\ndatabase = "{here}"\n', "utf-8")
    record = tmp_path / "old.csv"
    record.write_text(
        "patient_id,start,quantity,value,unit,text\nP1,2026-01-05T10:00:00Z,body-temperature,38.2,Cel,\n"
        "P2,2026-01-05T10:00:00Z,body-temperature,38.4,Cel,\n", "utf-8")  # fmt: skip
    backup, other = tmp_path / "b.leeward", f"sqlite:///{tmp_path / 'other.db'}"
    for words in (["take-in", str(record), "--settings", str(file)], ["backup", str(backup), "--database", here],
                  ["restore", str(backup), "--database", other]):  # fmt: skip
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 0, done.output
    brought = World(msgspec.structs.replace(settings, database=other))
    found = list(brought.audit.records())
    assert [(one.action, (one.detail or "").partition(",")[0]) for one in found] == [
        ("write", "take-in old.csv"), ("export", "backup b.leeward"), ("write", "restore b.leeward"),
    ]  # fmt: skip
    assert all((one.person or "").startswith("this machine: ") for one in found)
    assert [one.seq for one in brought.audit.records(patient="P2")] == [1]
    assert list(brought.audit.verify()) == []
    brought.engine.dispose()


def test_49_without_the_audit_there_is_no_backup_and_nothing_is_taken_in(world: World, tmp_path: Path) -> None:
    take(world, said("P1", "body-temperature", NOW, 38.2, "Cel"))
    with audit_down(world.engine):
        out = tmp_path / "b.leeward"
        done = CliRunner().invoke(app, ["backup", str(out), "--database", str(world.engine.url)])
        assert (done.exit_code, out.exists()) == (3, False)
        assert "audit cannot be written" in done.output
