"""ORU through HL7 v2: times, versions, withdrawals, and what is never taken for a result."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leeward.ward.clock import SetClock
from leeward.ward.hl7.receiver import Receiver
from leeward.ward.settings import Source, WardSettings
from leeward.ward.world import World

from .conftest import NOW
from .hl7_messages import PID, ZONE, message, obr, obx, receiver, rows, stands, told, with_hl7

AUTUMN = datetime(2025, 10, 26, 12, tzinfo=UTC)
TEMPERATURE = "8310-5^Temperature^LN"


@pytest.fixture
def world(settings: WardSettings, clock: SetClock) -> World:
    """A ward with senders."""
    return World(with_hl7(settings), clock)


@pytest.fixture
def door(world: World) -> Receiver:
    """Its door for HL7 v2."""
    return receiver(world)


def at(hour: int, minute: int = 0) -> datetime:
    """A time of the test's day, in UTC."""
    return NOW.replace(hour=hour, minute=minute)


def reported(value: str, when: str, status: str = "F", sent: str = "") -> bytes:
    """A CRP of the report F1, as reported at a time of the day (hhmm, local)."""
    stamp = f"20260305{when}00"
    return message(PID, obr(reported=stamp), obx(value, status=status), sent=sent or stamp, control=f"{when}{status}")


# ------------------------------------------------------------------------------------------------ times


def test_16_the_repeated_hour_is_two_instants_with_offsets_and_refused_without(door: Receiver, world: World) -> None:
    """On the night of 26 October 2025 half past two came twice in Berlin; in March half past two never came."""
    world.clock.set(AUTUMN)  # type: ignore[attr-defined]
    sent = "20251026120000+0100"
    twice = [obx("38.1", "Cel", code=TEMPERATURE, at=f"20251026023000{zone}", sub=zone) for zone in ("+0200", "+0100")]
    assert told(door.receive(message(PID, obr(), *twice, sent=sent))) == [("AA",)]
    first, second = (row["measured_at"] for row in rows(world))
    assert second - first == timedelta(hours=1)
    night = obx("38.4", "Cel", code=TEMPERATURE, at="20251026023000")
    assert told(door.receive(message(PID, obr("F2"), night, sent=sent))) == [("AA", "ambiguous-time")]
    spring = obx("38.4", "Cel", code=TEMPERATURE, at="20250330023000")
    assert told(door.receive(message(PID, obr("F3"), spring, sent=sent))) == [("AA", "impossible-time")]


def test_16_a_version_in_the_repeated_hour_refuses_the_message(door: Receiver, world: World) -> None:
    """Whether it is older or newer than the version before cannot be told, and guessing would hide a correction."""
    world.clock.set(AUTUMN)  # type: ignore[attr-defined]
    sent = "20251026023000"
    assert told(door.receive(message(PID, obr(taken="20251025100000"), obx("9"), sent=sent))) == [
        ("AE", "ambiguous-time")
    ]
    assert rows(world) == []


def test_17_a_time_without_offset_is_in_the_zone_of_its_source(door: Receiver, world: World) -> None:
    """Ten in Berlin in March is nine in UTC."""
    door.receive(message(PID, obr(taken="20260305100000"), obx("12")))
    assert [row["measured_at"] for row in rows(world)] == [at(9)]


@pytest.mark.parametrize("sent", ["20260305120000", "20260305120000+0100"])
def test_17_a_source_without_a_zone_is_refused(door: Receiver, world: World, sent: str) -> None:
    """Neither the ward's zone nor the offset of the message's own time is taken for that of a result."""
    answer = told(door.receive(message(PID, obr(), obx("12"), sender="NOZONE", sent=sent)))
    assert answer == (
        [("AE", "ambiguous-time")] if sent.endswith("00") and "+" not in sent else [("AA", "ambiguous-time")]
    )
    assert rows(world) == []


def test_18_a_day_or_an_hour_is_the_stretch_it_leaves_open(door: Receiver, world: World) -> None:
    """A date without a time is not midnight."""
    results = [obx("12", at="20260304", sub="1"), obx("13", at="2026030508", sub="2")]
    door.receive(message(PID, obr(), *results))
    spans = [(row["measured_at"], row["measured_until"]) for row in rows(world)]
    day = datetime(2026, 3, 3, 23, tzinfo=UTC)
    assert spans == [(day, day + timedelta(days=1)), (at(7), at(8))]


def test_19_the_future_is_refused(door: Receiver, world: World) -> None:
    """A result measured tomorrow grades nothing; a message made tomorrow has a clock nobody can rely on."""
    assert told(door.receive(message(PID, obr(taken="20260306100000"), obx("12")))) == [("AA", "future-time")]
    assert told(door.receive(message(PID, obr(), obx("12"), sent="20260306100000"))) == [("AE", "future-time")]
    assert rows(world) == []


def test_21_a_late_result_is_known_from_when_it_reached_us(door: Receiver, world: World, clock: SetClock) -> None:
    """It stands at the time it was measured, and was not known before."""
    clock.advance(timedelta(hours=6))
    door.receive(message(PID, obr(taken="20260305100000", reported="20260305103000"), obx("12")))
    row = rows(world)[0]
    assert (row["measured_at"], row["reported_at"], row["received_at"]) == (at(9), at(9, 30), at(18))
    assert world.store.findings_of("007", known_at=at(17)).num_rows == 0


def test_22_taken_and_reported_are_both_kept(door: Receiver, world: World) -> None:
    """OBX-14 is when it was measured, before OBR-7; OBR-22 is when it was reported."""
    door.receive(message(PID, obr(taken="20260305090000", reported="20260305111500"), obx("12", at="20260305100000")))
    row = rows(world)[0]
    assert (row["measured_at"], row["reported_at"]) == (at(9), at(10, 15))


def test_22_a_collection_is_a_stretch_and_a_measurement_its_moment(door: Receiver, world: World) -> None:
    """OBR-7 to OBR-8 where a result has no time of its own."""
    report = obr(taken="20260305090000|20260305110000").replace("20260305110000|", "20260305110000", 1)
    door.receive(message(PID, report, obx("12", sub="1"), obx("13", sub="2", at="20260305100000")))
    assert [(row["measured_at"], row["measured_until"]) for row in rows(world)] == [(at(8), at(10)), (at(9), None)]


# ------------------------------------------------------------------------------------------------ versions


def test_23_an_older_message_after_a_newer_changes_nothing(door: Receiver, world: World) -> None:
    """The version is when it was reported, whichever arrives last."""
    for sent in (reported("120", "1100", "C"), reported("12", "1030")):
        assert told(door.receive(sent)) == [("AA",)]
    assert len(rows(world)) == 2
    assert stands(world, "crp") == [(120.0, "corrected")]


def test_23_an_old_version_sent_again_from_an_archive_changes_nothing(door: Receiver, world: World) -> None:
    """The message is new, its report is not: when it was reported comes before when it was sent."""
    door.receive(reported("120", "1100", "C"))
    door.receive(reported("12", "1030", sent="20260305123000"))
    assert stands(world, "crp") == [(120.0, "corrected")]


def test_23_two_corrections_under_one_time_of_report_follow_the_message(door: Receiver, world: World) -> None:
    """A laboratory that leaves OBR-22 as it was still sends the later correction later."""
    later, earlier = (
        reported(value, "1030", "C", sent=f"20260305{sent}00") for value, sent in (("90", "1200"), ("80", "1100"))
    )
    door.receive(later)
    door.receive(earlier)
    assert stands(world, "crp") == [(90.0, "corrected")]


def test_23_a_message_without_any_time_is_refused(door: Receiver) -> None:
    """Without a version a correction could lose to what it corrects."""
    assert told(door.receive(message(PID, obr(), obx("12"), sent=""))) == [("AE", "version-missing")]


@pytest.mark.parametrize("status", ["D", "W", "X"])
def test_24_what_is_taken_back_stands_no_longer(door: Receiver, world: World, status: str) -> None:
    """Deleted, wrong patient, cannot be obtained after all: also where the value is sent again, or left out."""
    door.receive(reported("12", "1030"))
    door.receive(reported("" if status != "W" else "12", "1100", status))
    assert stands(world, "crp") == []
    assert len(rows(world)) == 2


def test_24_hl7_null_takes_the_earlier_value_back(door: Receiver, world: World) -> None:
    """Two quotation marks say that there is no value, and not that nothing is said."""
    door.receive(reported("12", "1030"))
    assert told(door.receive(reported('""', "1100"))) == [("AA", "not-measured")]
    assert stands(world, "crp") == []


def test_24_a_correction_that_cannot_be_read_takes_the_earlier_value_back(door: Receiver, world: World) -> None:
    """What it replaced is known to be wrong."""
    door.receive(reported("12", "1030"))
    assert told(door.receive(reported("1,2", "1100", "C"))) == [("AA", "not-a-number")]
    assert stands(world, "crp") == []


@pytest.mark.parametrize("status", ["C", "D", "W"])
def test_24_a_correction_of_nobody_knows_what_refuses_the_message(door: Receiver, status: str) -> None:
    """Without a filler number the value it corrects would stand on."""
    assert told(door.receive(message(PID, obr(""), obx("12", status=status)))) == [("AE", "record-missing")]


@pytest.mark.parametrize(
    ("status", "becomes"),
    [("P", "preliminary"), ("S", "preliminary"), ("F", "final"), ("V", "final"), ("C", "corrected"), ("A", "corrected"),
     ("R", None), ("I", None), ("O", None), ("N", None), ("Z", None), ("", None)],
)  # fmt: skip
def test_25_only_what_a_laboratory_calls_a_result_is_one(
    door: Receiver, world: World, status: str, becomes: str | None
) -> None:
    """Preliminary results are marked; not verified, pending, unknown and nothing said grade nothing."""
    door.receive(message(PID, obr(), obx("12", status=status)))
    assert [row["status"] for row in rows(world)] == ([becomes] if becomes else [])


def test_25_the_report_says_it_where_the_result_does_not(door: Receiver, world: World) -> None:
    """OBR-25 stands in for an empty OBX-11."""
    door.receive(message(PID, obr(status="P"), obx("12", status="")))
    assert [row["status"] for row in rows(world)] == ["preliminary"]


def test_25_final_without_its_value_leaves_the_preliminary_one(door: Receiver, world: World) -> None:
    """U sends no value: it neither takes back what stands nor invents a number."""
    door.receive(reported("12", "1030", "P"))
    assert told(door.receive(reported("", "1100", "U"))) == [("AA", "status-only")]
    assert stands(world, "crp") == [(12.0, "preliminary")]


def test_27_monitor_and_nurse_within_a_minute_are_both_kept(door: Receiver, world: World) -> None:
    """Which of them counts is for the rules to say, with both in sight."""
    nurse, monitor = (
        obx(value, "Cel", code=TEMPERATURE, at=f"2026030510000{n}") for value, n in (("38.1", 0), ("37.9", 5))
    )
    door.receive(message(PID, obr("N1"), nurse))
    door.receive(message(PID, obr("M1"), monitor, sender="MONITOR"))
    assert [(row["source"], row["low"]) for row in rows(world)] == [("laboratory", 38.1), ("monitors", 37.9)]


def test_28_a_local_code_is_read_by_the_table_of_its_source_alone(settings: WardSettings, clock: SetClock) -> None:
    """The same code from a source without that table is unknown, refused and counted."""
    made = with_hl7(settings)
    of_mimic = {name: Source(zone=ZONE, local=("mimic-iv",) if name == "laboratory" else ()) for name in made.sources}
    world = World(msgspec.structs.replace(made, sources=of_mimic), clock)
    heart_rate = obx("104", "bpm", code="220045^Heart Rate^mimic-itemid")
    door = receiver(world)
    assert told(door.receive(message(PID, obr(), heart_rate))) == [("AA",)]
    assert told(door.receive(message(PID, obr(), heart_rate, sender="MONITOR"))) == [("AA", "code-unknown")]
    assert [(row["quantity"], row["source"]) for row in rows(world)] == [("heart-rate", "laboratory")]
    assert world.store.known(["007"]).refusals["detail"].to_pylist() == ["mimic-itemid|220045"]


def test_one_filler_number_for_a_stretch_of_measuring_must_be_set(door: Receiver, world: World) -> None:
    """Else the second temperature of a session would replace the first, and a fever would be gone."""
    hours = [
        obx(value, "Cel", code=TEMPERATURE, at=when)
        for value, when in (("39.2", "20260305090000"), ("37.0", "20260305100000"))
    ]
    assert told(door.receive(message(PID, obr("S1"), *hours))) == [("AE", "record-repeated")]
    for hour in hours:
        assert told(door.receive(message(PID, obr("S1"), hour, sender="MONITOR"))) == [("AA",)]
    assert [value for value, _ in stands(world, "body-temperature")] == [39.2, 37.0]


# ------------------------------------------------------------------------------------------------ any order

Sent = tuple[int, int, str, str]
VALUES = ["12", "120", ">400", "1,2"]
RESULTS = st.tuples(st.integers(1, 3), st.integers(0, 40), st.sampled_from("PFCD"), st.sampled_from(VALUES))


def _report(sent: Sent) -> bytes:
    filler, minute, status, value = sent
    stamp = f"202603051{minute // 60}{minute % 60:02}00"
    kind, said = ("SN", ">^400") if value == ">400" else ("NM", value)
    return message(
        PID, obr(f"F{filler}", reported=stamp), obx(said, status=status, kind=kind), sent=stamp, control=str(sent)
    )


def _kept(blocks: list[bytes]) -> list[tuple[object, ...]]:
    """What a new ward holds after some blocks: everything but when it arrived."""
    with TemporaryDirectory() as folder:
        made = WardSettings(database=f"sqlite:///{Path(folder) / 'ward.db'}", demo=True)
        world = World(with_hl7(made), SetClock(NOW))
        door = receiver(world)
        answers = [answer for block in blocks for answer in told(door.receive(block))]
        assert not {code for answer in answers for code in answer} & {"AE", "AR"}
        held = [tuple(v for name, v in row.items() if name not in ("received_at", "place")) for row in rows(world)]
        world.engine.dispose()
    return sorted(held, key=str)


@settings(max_examples=25, deadline=None)
@given(sent=st.lists(RESULTS, min_size=1, max_size=6), data=st.data())
def test_20_any_order_duplicated_and_in_any_batches(sent: list[Sent], data: st.DataObject) -> None:
    """The same messages leave the same findings, whatever their order, how often and in which batches they come."""
    blocks = [_report(one) for one in sent]
    again = data.draw(st.permutations(blocks + data.draw(st.lists(st.sampled_from(blocks), max_size=4))))
    cut = data.draw(st.integers(0, len(again)))
    batch = b"BHS|^~\\&\r" + b"".join(again[:cut]) + b"BTS|%d\r" % cut
    assert _kept([batch, *again[cut:]] if cut else again) == _kept(blocks)
