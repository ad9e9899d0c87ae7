"""MLLP over a real socket: frames, acknowledgements, limits, and nothing acknowledged that is not durable."""

from __future__ import annotations

import logging
import re
import socket
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from select import select

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leeward.knowledge.loader import ROOT
from leeward.record.errors import BadSetting
from leeward.ward.clock import SetClock
from leeward.ward.hl7.listener import Listener
from leeward.ward.hl7.receiver import Receiver
from leeward.ward.hl7.senders import listening
from leeward.ward.hl7.vocabulary import vocabulary
from leeward.ward.settings import WardSettings
from leeward.ward.world import World

from .hl7_messages import PID, message, obr, obx, receiver, rows, told, with_hl7

LIMITS: dict[str, float] = {
    "message_bytes": 20_000, "segments": 60, "pieces": 2_000, "connections": 2, "message_s": 1, "linger_s": 1,
}  # fmt: skip
RESULT = message(PID, obr(), obx("12"))


@pytest.fixture
def world(tmp_path: Path, clock: SetClock) -> World:
    """A ward with senders and small limits."""
    made = WardSettings(database=f"sqlite:///{tmp_path / 'ward.db'}", demo=True, limits={"hl7": LIMITS})
    return World(with_hl7(made), clock)


@pytest.fixture
def door(world: World) -> Receiver:
    """Its door for HL7 v2."""
    return receiver(world)


@pytest.fixture
def line(door: Receiver) -> Iterator[Listener]:
    """The same, listening."""
    listener = Listener(door)
    listener.start()
    yield listener
    listener.stop()


@contextmanager
def connected(to: Listener) -> Iterator[socket.socket]:
    """A sender."""
    with socket.create_connection(("127.0.0.1", to.port), timeout=10) as made:
        yield made


def framed(block: bytes) -> bytes:
    """A block of MLLP."""
    return b"\x0b" + block + b"\x1c\r"


def heard(sender: socket.socket, frames: int = 1) -> list[bytes]:
    """The next acknowledgements; fewer where the line was closed."""
    got = b""
    while got.count(b"\x1c\r") < frames:
        more = sender.recv(65_536)
        if not more:
            break
        got += more
    return [frame.removeprefix(b"\x0b") for frame in got.split(b"\x1c\r") if frame]


def is_closed(sender: socket.socket) -> bool:
    """Whether the other side has ended the line."""
    try:
        return sender.recv(1) == b""
    except ConnectionError:
        return True


# ------------------------------------------------------------------------------------------------ acknowledgements


def test_messages_are_answered_in_order_on_one_line(line: Listener, world: World) -> None:
    """Each by its own control id, and kept before it is answered."""
    with connected(line) as sender:
        for control in ("A1", "A2", "A3"):
            sender.sendall(framed(message(PID, obr(control), obx("12"), control=control)))
            answer = heard(sender)[0].decode()
            assert (
                re.search(rf"^MSA\|AA\|{control}$", answer, re.MULTILINE | re.DOTALL) or f"MSA|AA|{control}\r" in answer
            )
            assert control in {row["record"].split("/")[1].partition("#")[0] for row in rows(world)}
        sender.sendall(framed(RESULT) + framed(RESULT))
        assert told(heard(sender, 2)) == [("AA",), ("AA",)]


def test_an_acknowledgement_names_both_sides_and_the_event(door: Receiver) -> None:
    """Sender and receiver change places; the time has its offset."""
    answer = door.receive(RESULT)[0].decode()
    assert re.fullmatch(
        r"MSH\|\^~\\&\|LEEWARD\|W\|LAB\|H\|20260305120000\+0000\|\|ACK\^R01\^ACK\|[0-9a-f]+\|P\|2\.5\.1\rMSA\|AA\|1\r",
        answer,
    )


def test_other_encoding_characters_are_read_and_answered_in(door: Receiver, world: World) -> None:
    """Whatever MSH-1 and MSH-2 declare; an escape becomes the sign it stands for."""
    segments = RESULT.replace(b"mg/L", b"mg\\X2F\\L")
    other = segments.translate(bytes.maketrans(b"|^~\\&", b"!*%$@"))
    answer = door.receive(other)[0].decode()
    assert answer.startswith("MSH!*%$@!LEEWARD!W!LAB!H!")
    assert "MSA!AA!1\r" in answer
    assert [row["low"] for row in rows(world)] == [12.0]


@pytest.mark.parametrize(
    ("asked", "good", "bad"),
    [("|", ["AA"], ["AE"]), ("AL|NE", ["CA"], ["CE"]), ("AL|AL", ["CA", "AA"], ["CE", "AE"]), ("NE|AL", ["AA"], ["AE"]),
     ("ER|NE", [], ["CE"]), ("SU|ER", ["CA"], ["AE"]), ("NE|NE", [], [])],
)  # fmt: skip
def test_enhanced_mode_answers_what_was_asked_for(door: Receiver, asked: str, good: list[str], bad: list[str]) -> None:
    """MSH-15 asks for the accept acknowledgement, MSH-16 for the application's, each on its own condition."""
    rest = f"P|2.5.1|||{asked}"
    for segments, expected in (([PID, obr(), obx("12")], good), ([obr(), obx("12")], bad)):
        assert [answer[0] for answer in told(door.receive(message(*segments, rest=rest)))] == expected


@pytest.mark.parametrize(
    ("made", "answer"),
    [
        (message(PID, obr(), obx("12"), kind="MDM^T02"), ("AR", "message-type")),
        (message(PID, obr(), obx("12"), kind="ADT^A99"), ("AR", "event-code")),
        (message(PID, obr(), obx("12"), rest="T|2.5.1"), ("AR", "processing-id")),
        (message(PID, obr(), obx("12"), rest="P|3.0"), ("AR", "version-id")),
        (message(PID, obr(), obx("12"), control=""), ("AR", "control-id-missing")),
        (message(PID, obr(), obx("12"), sender="STRANGER"), ("AR", "sender-unknown")),
        (message(PID, obx("12")), ("AE", "segment-order")),
        (message(PID), ("AE", "segment-missing")),
        (message(PID, kind="ADT^A60", sender="ADT"), ("AA",)),
        (message(PID, "ORC|NW|1", "OBR|1", kind="ORM^O01", sender="PHARMACY"), ("AA",)),
        (message(PID, kind="SIU^S12", sender="ADT"), ("AA",)),
    ],
)
def test_every_refusal_has_its_reason(door: Receiver, world: World, made: bytes, answer: tuple[str, ...]) -> None:
    """AR: not looked at; AE: wrong in itself; AA: nothing in it is read. Of a known feed it is kept that it was."""
    assert told(door.receive(made)) == [answer]
    assert world.store.patients() == []
    with world.engine.connect() as connection:
        kept = connection.exec_driver_sql("select reason from refusals").scalars().all()
    assert kept == [reason for reason in answer[1:] if reason != "sender-unknown"]


def test_what_is_not_of_interest_is_counted(door: Receiver) -> None:
    """Taken so that no queue stops, and nobody who looks believes that it was read."""
    for kind in ("SIU^S12", "ADT^A60", "ADT^A60"):
        assert told(door.receive(message(PID, kind=kind, sender="ADT"))) == [("AA",)]
    assert dict(door.counts) == {("admission", "AA", "ignored"): 3}


def test_what_is_read_cannot_be_ignored() -> None:
    """A slip in the settings must not lose results."""
    sender = {"application": "LAB", "source": "laboratory", "numbers": "order", "ignored": ["ORU^R01"]}
    with pytest.raises(BadSetting, match="ORU\\^R01 is read"):
        listening({"senders": [sender]})


@pytest.mark.parametrize("ended", ["\n", "\r\n", "\r"])
def test_segments_may_end_as_lines_of_a_file_do(door: Receiver, world: World, ended: str) -> None:
    """Some senders write messages as files are written."""
    assert told(door.receive(RESULT.replace(b"\r", ended.encode()))) == [("AA",)]
    assert [row["low"] for row in rows(world)] == [12.0]


def test_a_line_feed_in_a_note_ends_no_segment(door: Receiver, world: World) -> None:
    note = RESULT + b"NTE|1||first line\nsecond line\r"
    assert told(door.receive(note)) == [("AA",)]
    assert [row["low"] for row in rows(world)] == [12.0]


def test_a_device_at_the_bedside_may_send_before_its_order(door: Receiver, world: World) -> None:
    """R30 is a result whose order is still to be placed: it names no order, and its values count."""
    made = message(PID, "ORC|NW", obr(filler=""), obx("38.6", "Cel", code="8310-5^Temperature^LN"), kind="ORU^R30")
    answer = door.receive(made)
    assert told(answer) == [("AA",)]
    assert "|ACK^R30^ACK|" in answer[0].decode()
    assert [row["low"] for row in rows(world)] == [38.6]


def test_a_refused_value_is_a_warning_beside_what_was_taken(door: Receiver, world: World) -> None:
    """It is kept apart, counted, and told by place and reason, never by value."""
    answer = door.receive(
        message(PID, obr(), obx("12"), obx("SECRET", code="2276-4^Ferritin^LN"), obx("1", code="X^Y^L"))
    )
    assert told(answer) == [("AA", "code-unknown", "not-a-number")]
    assert "ERR||OBX^2|102|W|not-a-number" in answer[0].decode()
    assert "SECRET" not in answer[0].decode()
    assert world.store.known(["007"]).refusals.num_rows == 2


def test_every_reason_that_the_code_gives_has_its_words() -> None:
    """A reason without an answer would be no answer."""
    room = ROOT.parent / "ward" / "hl7"
    code = "".join(file.read_text("utf-8") for file in room.glob("*.py"))
    known = set(vocabulary().refusal)
    assert set(re.findall(r'Refusal\(\s*"([a-z0-9-]+)"', code)) <= known
    of_times = {"ambiguous-time", "impossible-time", "future-time"}
    assert {reason for reason in known if f'"{reason}"' not in code} == of_times


# ------------------------------------------------------------------------------------------------ batches and text


def test_a_batch_is_answered_as_a_batch(door: Receiver, world: World) -> None:
    """Each message by itself: one that is refused takes none of the others with it."""
    made = b"FHS|^~\\&\rBHS|^~\\&\r" + RESULT + message(obr(), obx("13"), control="2") + b"BTS|2\rFTS|1\r"
    answer = door.receive(made)[0].decode()
    assert re.findall(r"MSA\|(A.)\|(.)", answer) == [("AA", "1"), ("AE", "2")]
    assert answer.startswith("BHS|^~\\&\rMSH|")
    assert answer.endswith("\rBTS|2\r")
    assert len(rows(world)) == 1


@pytest.mark.parametrize(
    ("block", "reason"),
    [
        (b"BHS|^~\\&\r" + RESULT + b"BTS|2\r", "batch-incomplete"),
        (b"BHS|^~\\&\r" + RESULT, "batch-incomplete"),
        (b"BHS|^~\\&\rPID|1\rBTS|0\r", "message-in-message"),
        (RESULT + RESULT, "message-in-message"),
        (b"", "not-hl7"),
        (b"PID|1\r", "not-hl7"),
        (b"GET / HTTP/1.1", "not-hl7"),
        (b"MSH", "encoding-characters"),
        (b"MSH|^^^^|LAB\r", "encoding-characters"),
        (b"MSHAbcde|LAB\r", "encoding-characters"),
        (RESULT.replace(b"CRP", b"C\x00P"), "control-characters"),
        (RESULT.replace(b"\r", b"\n", 1), "control-characters"),
        (RESULT.replace(b"\r", b"\n").replace(b"CRP", b"C\nRP"), "control-characters"),
        (RESULT.replace(b"CRP", b"C\xc3P"), "charset-wrong"),
        (RESULT.replace(b"|2.5.1", b"|2.5.1||||||KLINGON"), "charset-unknown"),
        (RESULT.replace(b"|2.5.1", b"|2.5.1||||||ASCII~ISO IR87"), "charset-unknown"),
        (b"MSH|^~\\&|LAB|" + b"x" * 20_000, "message-too-large"),
        (RESULT + b"NTE|1\r" * 100, "too-many-segments"),
        (RESULT + b"NTE|" + b"^" * 3_000, "too-many-segments"),
    ],
)
def test_43_what_is_no_message_is_refused_before_it_is_parsed(
    door: Receiver, world: World, block: bytes, reason: str
) -> None:
    """With a reason, and nothing of it is kept."""
    assert [answer[1] for answer in told(door.receive(block))] == [reason]
    assert world.store.patients() == []


@pytest.mark.parametrize(
    ("charset", "codec"), [("UNICODE UTF-8", "utf-8"), ("8859/1", "latin-1"), ("8859/15", "iso8859-15")]
)
def test_a_character_set_is_read_as_declared(door: Receiver, world: World, charset: str, codec: str) -> None:
    """A micro sign is the same unit in each; the answer comes in it, too."""
    text = message(PID, obr(), obx("12", "µg/mL"), rest=f"P|2.5.1||||||{charset}").decode()
    made = text.replace("|LAB|H|", "|LAB|Köln|").encode(codec)
    answer = door.receive(made)[0].decode(codec)
    assert "|LAB|Köln|" in answer
    assert "MSA|AA|1\r" in answer
    assert [row["low"] for row in rows(world)] == [12.0]


@pytest.mark.parametrize("escape", ["\\.sp999999999\\", "\\Zx\\", "\\C2842\\", "\\XZZ\\", "\\", "\\\\", "\\F"])
def test_43_an_escape_is_no_bomb_and_no_line_in_a_log(
    door: Receiver, escape: str, caplog: pytest.LogCaptureFixture
) -> None:
    """An escape that cannot be read leaves the text as it is, so that no number is made of it."""
    with caplog.at_level(logging.DEBUG):
        assert told(door.receive(message(PID, obr(), obx(f"12{escape}")))) == [("AA", "not-a-number")]
    assert "12\\" not in caplog.text


PIECES = st.sampled_from(
    [
        b"|",
        b"^",
        b"~",
        b"\\",
        b"&",
        b"\r",
        b"\n",
        b'""',
        b"\\X41\\",
        b"MSH",
        b"\rPID|1||8",
        b"9" * 40,
        b"\xc3\xa9",
        b"\x00",
        b"",
    ]
)
CHANGES = st.lists(st.tuples(st.integers(0, 400), st.integers(0, 40), PIECES), min_size=1, max_size=5)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=CHANGES)
def test_43_whatever_arrives_is_answered(door: Receiver, changes: list[tuple[int, int, bytes]]) -> None:
    """A message with pieces lost and put in has an answer with a reason, and never one that says the fault is ours."""
    made = message(PID, obr(), obx("12"), obx(">^400", kind="SN"))
    for at, lost, put in changes:
        made = made[:at] + put + made[at + lost :]
    answers = door.receive(made)
    assert b"internal-error" not in b"".join(answers)
    assert all(b"MSA" in answer or answer.startswith(b"BHS") for answer in answers)


# ------------------------------------------------------------------------------------------------ limits on the line


def test_43_a_byte_a_second_is_too_slow(line: Listener) -> None:
    """A message that has begun must be whole in time; the sender is told, and the line is closed."""
    with connected(line) as sender:
        sender.sendall(framed(RESULT)[:30])
        assert told(heard(sender)) == [("AR", "too-slow")]
        assert is_closed(sender)


def test_43_a_message_without_an_end_is_cut_at_the_limit(line: Listener) -> None:
    """Neither is more of it kept than the limit, nor is the refusal lost with the line."""
    tracemalloc.start()
    with connected(line) as sender, suppress(ConnectionError):
        sender.sendall(b"\x0bMSH|^~\\&|")
        for _ in range(200):
            sender.sendall(b"x" * 65_536)
            if select([sender], [], [], 0)[0]:
                break
        answers = heard(sender)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert told(answers) == [("AR", "message-too-large")]
    assert most < 2_000_000


def test_43_no_more_connections_than_set(line: Listener) -> None:
    """One more is told so and closed; when one leaves there is room again."""
    with connected(line) as first, connected(line) as second:
        for sender in (first, second):
            sender.sendall(framed(RESULT))
            heard(sender)
        with connected(line) as third:
            assert told(heard(third)) == [("AR", "too-many-connections")]
    with connected(line) as again:
        for _ in range(50):
            again.sendall(framed(RESULT))
            if told(heard(again)) == [("AA",)]:
                break


def test_what_is_not_framed_is_refused(line: Listener) -> None:
    """A browser, or a message without its start block."""
    with connected(line) as sender:
        sender.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert told(heard(sender)) == [("AR", "framing")]
        assert is_closed(sender)


def test_half_a_message_is_no_message(line: Listener, world: World) -> None:
    """A line that breaks off keeps nothing of what it cut."""
    with connected(line) as sender:
        sender.sendall(framed(RESULT)[:-1])
    with connected(line) as sender:
        sender.sendall(framed(message(PID, obr("F2"), obx("13"), control="2")))
        assert told(heard(sender)) == [("AA",)]
    assert [row["low"] for row in rows(world)] == [13.0]
