"""Backups: what comes back is what there was, in either database; one byte changed, and nothing comes back."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from typer.testing import CliRunner

from leeward.cli import app
from leeward.ward.access.people import DEMO
from leeward.ward.access.sessions import Session
from leeward.ward.arrivals import Decision, Move
from leeward.ward.backup import Damaged, NotEmpty, back_up, restore, verify
from leeward.ward.clock import SetClock
from leeward.ward.settings import WardSettings
from leeward.ward.world import World
from tests.ward.conftest import NOW
from tests.ward.postgresql import database
from tests.ward.taken import said, take


@pytest.fixture
def settings(any_database: str) -> WardSettings:
    """A demo ward on either database."""
    return WardSettings(database=any_database, demo=True)


@pytest.fixture
def lived(world: World) -> World:
    """A ward after a day: findings, a refusal, a merge, answers, looks, and somebody signed in."""
    for patient in ("007", "008"):
        rows = (
            said(patient, "trigger", NOW.replace(day=2), "axicabtagene ciloleucel"),
            said(patient, "body-temperature", NOW, 38.6, "Cel"),
            said(patient, "body-temperature", NOW, 38.6, "nonsense"),
        )
        take(world, *rows, moves=[Move(kind="placed", patient=patient, at=NOW, unit="7 West", bed="1")])
    take(world, moves=[Move(kind="merged", patient="008", other="007", at=NOW, reason="one person")], message="merge")
    graded = {"crs_low": 1, "crs_high": 2, "icans_low": None, "icans_high": None, "answer": b"{}", "said": b"x"}
    answer = Decision(patient="007", decided_at=NOW, edition="x", **graded)  # type: ignore[arg-type]
    world.store.save_decisions([answer])
    for _ in range(3):
        world.access.admit_person(DEMO, "read", "007")
    world.access.sessions.open(Session(person=DEMO, how="oidc", ends_us=2**52), NOW.replace(hour=20))
    return world


@pytest.fixture
def saved(lived: World, tmp_path: Path) -> Path:
    """Its backup."""
    out = tmp_path / "ward.backup"
    back_up(lived.engine, out, SetClock(NOW))
    return out


@pytest.fixture(params=["sqlite", "postgresql"])
def elsewhere(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database of each kind to bring it back into."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'again.db'}"
        return
    with database(request.getfixturevalue("postgresql")) as address:
        yield address


def test_51_what_comes_back_is_what_there_was(lived: World, saved: Path, elsewhere: str) -> None:
    """From either database into either; and the ward goes on from there."""
    manifest = restore(saved, elsewhere)
    assert manifest == verify(saved)
    assert (manifest.tables["findings"].rows, manifest.tables["audit"].rows, manifest.made_at) == (
        4,
        5,
        NOW.isoformat(),
    )
    again = World(WardSettings(database=elsewhere, demo=True), SetClock(NOW))
    by = [("measured_at", "ascending"), ("quantity", "ascending"), ("place", "ascending")]
    assert again.store.findings_of("007").sort_by(by) == lived.store.findings_of("007").sort_by(by)
    assert again.store.patients() == lived.store.patients()
    assert again.store.decisions_of("007") == lived.store.decisions_of("007")
    assert again.audit.head().seq == lived.audit.head().seq + 1, "that it was brought back is a record"
    assert take(again, said("009", "body-temperature", NOW, 37.0, "Cel"), message="new").new == 1
    assert again.access.admit_person(DEMO, "read", "009") == DEMO
    assert list(again.audit.verify(noted=lived.audit.head())) == []
    again.engine.dispose()


def test_51_nobody_stays_signed_in(saved: Path, elsewhere: str) -> None:
    restore(saved, elsewhere)
    engine = create_engine(elsewhere)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("select count(*) from sessions").scalar() == 0
    engine.dispose()


def test_51_the_same_store_is_the_same_manifest_from_either_database(lived: World, saved: Path, elsewhere: str) -> None:
    restore(saved, elsewhere)
    again = World(WardSettings(database=elsewhere, demo=True), SetClock(NOW))
    second = saved.with_suffix(".second")
    made = back_up(again.engine, second, SetClock(NOW)).tables
    assert made.pop("audit").rows == verify(saved).tables["audit"].rows + 2, (
        "that it was brought back, and copied again"
    )
    assert made == {name: held for name, held in verify(saved).tables.items() if name != "audit"}
    again.engine.dispose()


@pytest.mark.parametrize("any_database", ["sqlite"], indirect=True)
class TestDamage:
    """Whatever was done to the file, nothing comes back from it."""

    def test_51_a_flipped_byte_anywhere_is_refused(self, saved: Path, tmp_path: Path) -> None:
        """In the words at its start, in what it says of itself, in the store, at its very end."""
        whole, step = saved.read_bytes(), 997
        target = tmp_path / "again.db"
        for place in [*range(100), *range(100, len(whole), step * 8), len(whole) - 1]:
            broken = bytearray(whole)
            broken[place] ^= 1 << (place % 8)
            saved.write_bytes(broken)
            with pytest.raises(Damaged):
                restore(saved, f"sqlite:///{target}")
        assert not target.exists()

    def test_51_a_cut_or_longer_file_is_refused(self, saved: Path) -> None:
        """Also an empty one."""
        whole = saved.read_bytes()
        for other in (b"", whole[:10], whole[:80], whole[: len(whole) // 2], whole[:-1], whole + b"\0"):
            saved.write_bytes(other)
            with pytest.raises(Damaged):
                verify(saved)

    @pytest.mark.parametrize(
        ("done", "said"),
        [
            ("update findings set low = 36.5", "findings"),
            ("delete from refusals", "refusals"),
            ("update audit set person = 'somebody' where seq = 2", "audit"),
            ("insert into notes (patient_key, at, person, text) values (1, 1, 'x', 'x')", "notes"),
        ],
    )
    def test_51_a_file_sealed_anew_after_a_change_is_refused_for_what_it_says_of_itself(
        self, saved: Path, tmp_path: Path, done: str, said: str
    ) -> None:
        """Its checksum fits; what the tables must hold does not."""
        with pytest.raises(Damaged, match=said):
            verify(sealed_anew(saved, tmp_path, lambda store: run(store, done)))

    def test_51_a_finding_altered_in_the_store_itself_is_found_by_its_own_digest(
        self, lived: World, tmp_path: Path
    ) -> None:
        """Before the backup was made: its checksums fit, the finding does not."""
        with lived.engine.execution_options(writes=True).begin() as connection:
            connection.exec_driver_sql("update findings set low = 36.5 where low > 38")
        out = tmp_path / "late.backup"
        back_up(lived.engine, out)
        with pytest.raises(Damaged, match="not what was written"):
            verify(out)

    def test_51_an_audit_altered_in_the_store_itself_is_found(self, lived: World, tmp_path: Path) -> None:
        """By the number of the record."""
        with lived.engine.execution_options(writes=True).begin() as connection:
            connection.exec_driver_sql("update audit set person = 'somebody' where seq = 2")
        out = tmp_path / "late.backup"
        back_up(lived.engine, out)
        with pytest.raises(Damaged, match="2 was altered"):
            verify(out)

    def test_nothing_is_written_over(self, lived: World, saved: Path, tmp_path: Path) -> None:
        """Neither a file nor a database; and nothing half made is left lying."""
        with pytest.raises(FileExistsError):
            back_up(lived.engine, saved)
        with pytest.raises(NotEmpty):
            restore(saved, lived.settings.database)
        assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == []

    def test_a_backup_is_for_its_owner_s_eyes(self, saved: Path) -> None:
        """It holds patients."""
        assert saved.stat().st_mode & 0o777 == 0o600

    def test_a_backup_is_of_one_moment_while_the_ward_goes_on(self, lived: World, tmp_path: Path) -> None:
        """What came before is in it, what came after is not."""
        out = tmp_path / "busy.backup"
        take(lived, said("010", "body-temperature", NOW, 39.0, "Cel"), message="before")
        manifest = back_up(lived.engine, out)
        take(lived, said("011", "body-temperature", NOW, 39.0, "Cel"), message="after")
        assert verify(out) == manifest
        assert manifest.tables["findings"].rows == 5

    def test_the_commands_say_what_they_did(self, lived: World, tmp_path: Path) -> None:
        """And leave with the exit codes of reading."""
        out, again = tmp_path / "cli.backup", f"sqlite:///{tmp_path / 'again.db'}"
        made = CliRunner().invoke(app, ["backup", str(out), "--database", lived.settings.database])
        assert (made.exit_code, "4 findings, audit up to 5" in made.output) == (0, True)
        assert CliRunner().invoke(app, ["backup", str(out), "--database", lived.settings.database]).exit_code == 3
        back = CliRunner().invoke(app, ["restore", str(out), "--database", again])
        assert (back.exit_code, "audit up to 5; sign in anew" in back.output) == (0, True)
        out.write_bytes(out.read_bytes()[:-1])
        refused = CliRunner().invoke(app, ["restore", str(out), "--database", f"sqlite:///{tmp_path / 'third.db'}"])
        assert (refused.exit_code, "its checksum does not fit" in refused.output) == (3, True)
        assert CliRunner().invoke(app, ["restore", str(out)]).exit_code == 2


def run(store: Path, done: str) -> None:
    """Do something to a store."""
    engine = create_engine(f"sqlite:///{store}")
    with engine.begin() as connection:
        connection.exec_driver_sql(done)
    engine.dispose()


def sealed_anew(saved: Path, folder: Path, change: Callable[[Path], None]) -> Path:
    """A backup whose store was changed by somebody who knows the file's checksum."""
    first, _, manifest, store = saved.read_bytes().split(b"\n", 3)
    held = folder / "changed.db"
    held.write_bytes(store)
    change(held)
    rest = manifest + b"\n" + held.read_bytes()
    made = folder / "sealed.backup"
    made.write_bytes(first + b"\n" + hashlib.sha256(rest).hexdigest().encode() + b"\n" + rest)
    return made
