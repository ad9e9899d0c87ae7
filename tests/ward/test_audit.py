"""The audit's chain: whole while nobody touches it, and saying at which number somebody did."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from sqlalchemy import Engine, delete, insert, select, update
from typer.testing import CliRunner

from leeward.cli import app
from leeward.knowledge import edition
from leeward.ward.audit import Audit, AuditDown, Entry, Head, Record
from leeward.ward.audit.chain import FIRST, faults
from leeward.ward.clock import SetClock
from leeward.ward.database import open_database
from leeward.ward.tables import audit
from tests.ward.conftest import NOW


@pytest.fixture
def engine(any_database: str) -> Iterator[Engine]:
    """A store of either kind."""
    made = open_database(any_database)
    yield made
    made.dispose()


@pytest.fixture
def book(engine: Engine) -> Audit:
    """An audit with nine records."""
    made = Audit(engine, SetClock(NOW))
    for number in range(9):
        made.write(Entry("read", "nurse", "clinician", f"P{number}", why="ward round"))
    return made


def test_49_a_record_says_who_whom_why_and_by_which_rules(book: Audit) -> None:
    first, *rest = book.records()
    assert (first.seq, first.moment, first.person, first.role, first.action) == (1, NOW, "nurse", "clinician", "read")
    assert (first.patient, first.why, first.outcome, first.edition) == ("P0", "ward round", "answered", edition())
    assert (first.before, [held.seq for held in rest]) == (FIRST, list(range(2, 10)))
    assert [held.seq for held in book.records(patient="P4")] == [5]
    assert [held.seq for held in book.records(after=7)] == [8, 9]


def test_49_a_chain_that_nobody_touched_is_whole(book: Audit) -> None:
    assert list(book.verify()) == []
    assert list(book.verify(noted=book.head())) == []


def _alter(engine: Engine, **values: object) -> None:
    with engine.begin() as connection:
        connection.execute(update(audit).where(audit.c.seq == 5).values(values))


def _take_out(engine: Engine, *numbers: int) -> None:
    with engine.begin() as connection:
        connection.execute(delete(audit).where(audit.c.seq.in_(numbers)))


def _swap(engine: Engine) -> None:
    """Records 4 and 5 in each other's place."""
    with engine.begin() as connection:
        for old, new in ((4, 100), (5, 4), (100, 5)):
            connection.execute(update(audit).where(audit.c.seq == old).values(seq=new))


def _seal_anew(engine: Engine) -> None:
    """Record 5 altered by somebody who knows how it is sealed."""
    with engine.begin() as connection:
        row = connection.execute(select(audit).where(audit.c.seq == 5)).one()
        made = structs.replace(Record(*row), patient="P9")
        connection.execute(update(audit).where(audit.c.seq == 5).values(patient="P9", digest=made.sealed().digest))


def _put_in(engine: Engine) -> None:
    """A record more, between the ninth and what comes."""
    with engine.begin() as connection:
        row = connection.execute(select(audit).where(audit.c.seq == 9)).one()
        connection.execute(insert(audit).values(**(dict(row._mapping) | {"seq": 10})))


TOUCHED: list[tuple[str, Callable[[Engine], None], list[str]]] = [
    ("who", lambda engine: _alter(engine, person="somebody"), ["5 was altered"]),
    ("whom", lambda engine: _alter(engine, patient="P9"), ["5 was altered"]),
    ("nobody", lambda engine: _alter(engine, person=None), ["5 was altered"]),
    ("when", lambda engine: _alter(engine, at=0), ["5 was altered"]),
    ("by which rules", lambda engine: _alter(engine, edition="x"), ["5 was altered"]),
    ("how it went", lambda engine: _alter(engine, outcome="refused"), ["5 was altered"]),
    ("a digest", lambda engine: _alter(engine, digest=bytes(32)),
     ["5 was altered", "6 does not follow the record before it"]),
    ("what stood before", lambda engine: _alter(engine, before=bytes(32)), ["5 was altered"]),
    ("one taken out", lambda engine: _take_out(engine, 5), ["5 is missing"]),
    ("three taken out", lambda engine: _take_out(engine, 4, 5, 6),
     ["4 to 6 are missing"]),
    ("the first taken out", lambda engine: _take_out(engine, 1),
     ["1 is missing"]),
    ("two in each other's place", _swap,
     ["4 was altered", "5 was altered", "6 does not follow the record before it"]),
    ("altered and sealed anew", _seal_anew, ["6 does not follow the record before it"]),
    ("one put in", _put_in, ["10 was altered"]),
]  # fmt: skip


@pytest.mark.parametrize(("touch", "said"), [row[1:] for row in TOUCHED], ids=[row[0] for row in TOUCHED])
def test_49_whoever_touches_the_chain_shows(
    book: Audit, engine: Engine, touch: Callable[[Engine], None], said: list[str]
) -> None:
    touch(engine)
    assert [fault.what for fault in book.verify()] == said


def test_49_records_cut_from_the_end_show_against_a_head_noted_elsewhere(book: Audit, engine: Engine) -> None:
    noted = book.head()
    _take_out(engine, 8, 9)
    assert list(book.verify()) == [], "a chain that was cut is whole in itself: that is why its head is noted elsewhere"
    assert [fault.what for fault in book.verify(noted=noted)] == ["9 was noted and is missing"]
    book.write(Entry("read"))
    book.write(Entry("read"))
    assert [fault.what for fault in book.verify(noted=noted)] == ["9 is not the record that was noted"]


CHAINS = st.lists(
    st.builds(Entry, st.text(min_size=1), st.none() | st.text(), st.none() | st.text(), st.none() | st.text()),
    min_size=2, max_size=12,
)  # fmt: skip


@given(entries=CHAINS, data=st.data())
def test_49_no_field_and_no_order_can_be_changed_unseen(entries: list[Entry], data: st.DataObject) -> None:
    """Also where text of one field could be read as part of the next."""
    chain: list[Record] = []
    for entry in entries:
        before = chain[-1].digest if chain else FIRST
        chain.append(Record.placed(entry, len(chain) + 1, 7, "edition", before))
    assert list(faults(chain)) == []
    place = data.draw(st.integers(0, len(chain) - 1))
    name = data.draw(st.sampled_from(["action", "person", "role", "patient"]))
    other = data.draw(st.text())
    changed = list(chain)
    changed[place] = structs.replace(chain[place], **{name: other})
    assert bool(list(faults(changed))) == (getattr(chain[place], name) != other)
    moved = data.draw(st.permutations(chain))
    assert bool(list(faults(moved))) == (moved != chain)


def test_49_several_workers_write_one_chain(any_database: str) -> None:
    """Each with its own engine, as processes have; no number twice, none left out."""
    workers = [open_database(any_database) for _ in range(3)]
    books = [Audit(engine, SetClock(NOW)) for engine in workers]
    with ThreadPoolExecutor(6) as pool:
        heads = list(pool.map(lambda n: books[n % 3].write(Entry("read", patient=str(n))), range(90)))
    assert sorted(head.seq for head in heads) == list(range(1, 91))
    assert list(books[0].verify()) == []
    for engine in workers:
        engine.dispose()


def test_49_what_cannot_be_written_is_said(engine: Engine) -> None:
    """And nothing of it was written: not the first of two either."""
    book = Audit(engine, SetClock(NOW))
    with engine.begin() as connection:
        connection.exec_driver_sql("alter table audit rename to elsewhere")
    with pytest.raises(AuditDown):
        book.write(Entry("read"), Entry("read"))
    with engine.begin() as connection:
        connection.exec_driver_sql("alter table elsewhere rename to audit")
    assert book.head() == Head(0, FIRST)


def told(*words: str) -> tuple[int, str]:
    """What the command line answers."""
    done = CliRunner().invoke(app, ["audit-log", *words])
    return done.exit_code, done.output.strip()


def test_the_command_says_whole_or_where_not(book: Audit, engine: Engine, any_database: str) -> None:
    where = ("--database", any_database)
    noted = book.head()
    shown = f"9:{noted.digest.hex()}"
    assert told("head", *where) == (0, shown)
    assert told("verify", *where, "--noted", shown) == (0, f"9 records, whole; head {shown}")
    _alter(engine, person="somebody")
    assert told("verify", *where) == (5, "5 was altered")
    _take_out(engine, 9)
    assert told("verify", *where, "--noted", shown)[1] == "5 was altered\n9 was noted and is missing"


def test_the_command_makes_no_database_by_looking_at_it(tmp_path: object) -> None:
    code, said = told("verify", "--database", f"sqlite:///{tmp_path}/none.db")
    assert (code, "no such database" in said) == (3, True)
