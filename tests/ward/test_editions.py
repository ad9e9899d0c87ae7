"""Row 31 on a ward that runs: a bad file leaves the last good in use and says so; a good one is taken at once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from time import sleep

import msgspec
import pytest
from starlette.testclient import TestClient

from leeward.knowledge import edition
from leeward.knowledge.guidelines import in_use
from leeward.knowledge.guidelines import take as put_in_use
from leeward.record.errors import BadSetting
from leeward.ward.clock import SetClock
from leeward.ward.settings import WardSettings, read_settings
from leeward.ward.world import World

from .bedside import Patient

SAMPLE = Path(__file__).parents[2] / "src/leeward/samples/protocol-example.toml"
SAYS = "blood cultures"
ANEW = "two sets of cultures"


@dataclass
class Protocol:
    """The centre's own protocol, which somebody edits while the ward runs."""

    path: Path
    times_s: int = 1_000_000_000

    def write(self, text: str) -> None:
        """Save it, a second later than the last time."""
        self.path.write_text(text, encoding="utf-8")
        self.times_s += 1
        os.utime(self.path, (self.times_s, self.times_s))

    def change(self, old: str, new: str) -> None:
        """Put other words in it."""
        text = self.path.read_text(encoding="utf-8")
        assert old in text
        self.write(text.replace(old, new))


@pytest.fixture
def protocol(tmp_path: Path) -> Iterator[Protocol]:
    """A protocol that can be used; whatever was taken is put back for other tests."""
    held = Protocol(tmp_path / "ours.toml")
    held.write(SAMPLE.read_text(encoding="utf-8"))
    yield held
    put_in_use(None)


@pytest.fixture
def settings(tmp_path: Path, protocol: Protocol) -> WardSettings:
    """A ward with a protocol of its own."""
    return WardSettings(database=f"sqlite:///{tmp_path / 'ward.db'}", demo=True, protocol=str(protocol.path))


@pytest.fixture
def patient(world: World, clock: SetClock) -> Patient:
    """Somebody with a fever, of whom the protocol speaks."""
    made = Patient(world, clock)
    made.round(temperature=38.6)
    made.graded()
    return made


def look(world: World) -> None:
    """Two looks at the files: what changed stood still between them."""
    world.editions.once()
    world.editions.once()


def plan_of(world: World) -> tuple[str, str]:
    """What the plan says of the patient in the protocol's words, and its edition."""
    plan = world.grader.look("007", plan=True).plan
    assert plan is not None
    return " ".join(one.says for one in plan.suggestions if one.source == "Example protocol"), plan.edition


def told(world: World) -> list[dict[str, str]]:
    """What the store's events say of guidelines."""
    return [one.body for one in world.store.events_after(0) if one.kind == "guidelines"]


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ('crs_grade = ">= 2"', 'crs_grade = ">= 7"', "ours.toml:52: "),
        ("crs_grade = 0", "crs_grade = 1", "ours.toml:13: "),
        ("[tables.crs]", "[tables.crs", "ours.toml: not TOML"),
    ],
)
def test_31_a_bad_new_file_leaves_the_last_good_in_use_and_says_so(
    world: World, client: TestClient, patient: Patient, protocol: Protocol, old: str, new: str, line: str
) -> None:
    """Same words, same edition, nobody graded again; the quality page, the metrics and the events say what is wrong."""
    before = plan_of(world)
    assert "leeward_guidelines_refused 0.0" in client.get("/metrics").text
    protocol.change(old, new)
    look(world)
    assert plan_of(world) == before
    assert before[1] == edition()
    assert world.grader.once() == 0
    assert len(patient.world.store.decisions_of("007")) == 1
    assert line in client.get("/quality").text
    assert edition() in client.get("/quality").text
    assert "leeward_guidelines_refused 1.0" in client.get("/metrics").text
    assert [(one["edition"], line in one["trouble"]) for one in told(world)] == [(before[1], True)]
    protocol.write(SAMPLE.read_text(encoding="utf-8"))
    look(world)
    assert world.editions.shelf.trouble == ""
    assert "Newer guidelines are refused" not in client.get("/quality").text
    assert plan_of(world) == before


def test_31_a_file_that_is_gone_leaves_the_last_good_in_use(world: World, patient: Patient, protocol: Protocol) -> None:
    """A protocol that was moved away speaks on, as it was read."""
    before = plan_of(world)
    protocol.path.unlink()
    look(world)
    assert plan_of(world) == before
    assert "ours.toml: no such knowledge file" in world.editions.shelf.trouble


def test_31_a_good_new_file_is_taken_without_restart_and_patients_are_graded_again(
    world: World, client: TestClient, patient: Patient, protocol: Protocol
) -> None:
    """Every answer afterwards has the new words and names the new edition: plan, decision, page, metrics, audit."""
    says, before = plan_of(world)
    assert (SAYS in says, ANEW in says) == (True, False)
    protocol.change(SAYS, ANEW)
    look(world)
    says, after = plan_of(world)
    assert (SAYS in says, ANEW in says) == (False, True)
    assert before != after == edition()
    assert world.grader.once() == 1
    assert [one.edition for one in world.store.decisions_of("007")] == [before, after]
    assert f'data-edition="{after}"' in client.get("/").text
    assert f'leeward_edition{{edition="{after}"}} 1.0' in client.get("/metrics").text
    assert list(world.audit.records())[-1].edition == after
    assert told(world) == [{"edition": after, "trouble": ""}]
    assert patient.told() == [("opened", "first-fever", patient.open()[0].text)]  # nothing is told again


def test_31_what_is_left_of_doses_on_the_board_is_worked_out_again(
    world: World, clock: SetClock, patient: Patient, protocol: Protocol
) -> None:
    """At once, and not when it would be due again."""

    def worked_out() -> str:
        held: dict[str, str] = msgspec.json.decode(world.store.board(["007"])["007"] or b"")
        return held["left_at"]

    before = worked_out()
    clock.advance(timedelta(seconds=70))
    patient.graded()
    assert worked_out() == before
    protocol.change(SAYS, ANEW)
    look(world)
    patient.graded()
    assert worked_out() > before


def test_31_words_put_back_are_the_edition_they_were(world: World, protocol: Protocol) -> None:
    """An edition names what it holds, not when it was read."""
    before = edition()
    protocol.change(SAYS, ANEW)
    look(world)
    between = edition()
    protocol.change(ANEW, SAYS)
    look(world)
    assert before == edition() != between


def test_31_a_file_that_is_being_written_is_not_read(world: World, protocol: Protocol) -> None:
    """Only what stood still between two looks is taken, though half of it might be a good file."""
    before = edition()
    protocol.change(SAYS, ANEW)
    world.editions.once()
    assert edition() == before
    protocol.change(ANEW, ANEW.upper())
    world.editions.once()
    assert edition() == before
    world.editions.once()
    assert edition() != before
    assert ANEW.upper() in plan_texts(world)


def plan_texts(world: World) -> str:
    """Every word of the protocol in use."""
    held = in_use().protocol
    assert held is not None
    return " ".join(action.says or "" for row in held.rows for action in row.do)


def test_31_the_canary_shares_the_guidelines_of_its_ward(world: World, patient: Patient, protocol: Protocol) -> None:
    """A synthetic patient's run, in a ward of its own, puts nothing back that was taken."""
    protocol.change(SAYS, ANEW)
    look(world)
    after = edition()
    assert world.canary.once().ok
    assert edition() == after
    assert ANEW in plan_of(world)[0]


def test_31_a_running_ward_looks_by_itself(settings: WardSettings, clock: SetClock, protocol: Protocol) -> None:
    """The thread of a started ward takes the change."""
    world = World(msgspec.structs.replace(settings, limits={"knowledge": {"look_every_s": 0.01}}), clock)
    world.editions.start()
    try:
        protocol.change(SAYS, ANEW)
        for _ in range(500):
            if ANEW in plan_texts(world):
                break
            sleep(0.01)
        assert ANEW in plan_texts(world)
    finally:
        world.editions.stop()
        world.engine.dispose()


def test_31_a_ward_does_not_start_with_a_bad_protocol(tmp_path: Path, protocol: Protocol) -> None:
    """There is no last good one yet, so it says what is wrong instead."""
    protocol.change('crs_grade = ">= 2"', 'crs_grade = ">= 7"')
    file = tmp_path / "ward.toml"
    file.write_text(f'demo = true\nprotocol = "{protocol.path}"\n', encoding="utf-8")
    with pytest.raises(BadSetting, match=r"protocol cannot be used: ours\.toml:\d+"):
        read_settings(file)
