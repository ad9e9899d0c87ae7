"""Whose an HL7 v2 message is; who comes, goes and turns out to be another; what is given and what is only ordered."""

from __future__ import annotations

import pytest

from leeward.ward.arrivals import Held
from leeward.ward.clock import SetClock
from leeward.ward.hl7.receiver import Receiver
from leeward.ward.settings import WardSettings
from leeward.ward.world import World

from .hl7_messages import PID, message, obr, obx, receiver, rows, told, with_hl7

TOCILIZUMAB, NORADRENALINE = "612865^tocilizumab^RXNORM", "7512^norepinephrine^RXNORM"


@pytest.fixture
def world(settings: WardSettings, clock: SetClock) -> World:
    """A ward with senders."""
    return World(with_hl7(settings), clock)


@pytest.fixture
def door(world: World) -> Receiver:
    """Its door for HL7 v2."""
    return receiver(world)


def event(
    code: str,
    when: str,
    place: str = "",
    *,
    occurred: str = "",
    patient: str = "007",
    class_: str = "I",
    person: str = "Doe^Jane||19630402|F",
    left: str = "",
) -> bytes:
    """An ADT event recorded at a time of the day (hhmm, local)."""
    stamp = f"20260305{when}00"
    visit = f"PV1|1|{class_}|{place}" + "|" * 42 + left
    pid = f"PID|1||{patient}^^^H^MR||{person}"
    return message(
        f"EVN||{stamp}||||{occurred}", pid, visit, kind=f"ADT^{code}", sender="ADT", sent=stamp, control=when
    )


def merge(code: str, when: str, *people: str) -> bytes:
    """A40 of (kept, absorbed), or A37 of two."""
    stamp = f"20260305{when}00"
    return message(f"EVN||{stamp}", *people, kind=f"ADT^{code}", sender="ADT", sent=stamp, control=when)


def held(world: World, patient: str = "007") -> Held:
    """Where the store says that a patient lies."""
    found = world.store.patient(patient)
    assert found is not None
    return found


# ------------------------------------------------------------------------------------------------ whose


@pytest.mark.parametrize(
    ("people", "answer"),
    [
        (["PID|1||"], "patient-missing"),
        ([], "patient-missing"),
        (['PID|1||""^^^H^MR'], "patient-missing"),
        (["PID|1||9001^^^H^SS"], "patient-missing"),
        (["PID|1||0\\Zbad\\7^^^H^MR"], "patient-missing"),
        (["PID|1||007^^^H^MR~008^^^H^MR"], "ambiguous-patient"),
        (["PID|1||007^^^H^MR", "PID|2||7^^^H^MR"], "ambiguous-patient"),
    ],
)
def test_26_a_message_of_nobody_or_of_two_is_refused_whole(
    door: Receiver, world: World, people: list[str], answer: str
) -> None:
    """Nothing of it is kept but that it was refused, and why."""
    assert told(door.receive(message(*people, obr(), obx("12")))) == [("AE", answer)]
    assert world.store.patients() == []


def test_26_identifiers_are_text(door: Receiver, world: World) -> None:
    """007, 7 and 12&3 are three patients, and a second identifier of another kind makes no fourth."""
    for number, pid in enumerate(("007^^^H^MR", "7^^^H^MR~007^^^SOCIAL^SS", "12&3^^^H^MR")):
        assert told(door.receive(message(f"PID|1||{pid}", obr(f"F{number}"), obx("12")))) == [("AA",)]
    assert sorted(one.patient for one in world.store.patients()) == ["007", "12&3", "7"]


def test_26_an_identifier_of_another_authority_is_nobody_here(settings: WardSettings, clock: SetClock) -> None:
    """Where the settings name who assigns identifiers, the same number from elsewhere is another person."""
    sender = {"application": "LAB", "source": "laboratory", "numbers": "order", "authority": "H"}
    world = World(with_hl7(settings, senders=[sender]), clock)
    door = receiver(world)
    assert told(door.receive(message("PID|1||007^^^OTHER&1.2.3&ISO^MR", obr(), obx("12")))) == [
        ("AE", "patient-missing")
    ]
    assert told(door.receive(message("PID|1||007^^^H&1.2.3&ISO^MR", obr(), obx("12")))) == [("AA",)]


def test_26_findings_follow_a_merge_and_its_undoing_and_nothing_else(door: Receiver, world: World) -> None:
    """No row moves: what was charted under the other number is read with it until the two are parted again."""
    door.receive(message(PID, obr("F1"), obx("12")))
    door.receive(message("PID|1||99^^^H^MR", obr("F2"), obx("15")))
    assert told(door.receive(merge("A40", "1000", PID, "MRG|99^^^H^MR"))) == [("AA",)]
    assert [row["low"] for row in rows(world)] == [12, 15]
    assert held(world, "99").merged_into == "007"
    assert told(door.receive(merge("A37", "1010", PID, "PID|2||99^^^H^MR"))) == [("AA",)]
    assert [row["low"] for row in rows(world)] == [12]
    assert held(world, "99").merged_into is None


@pytest.mark.parametrize(
    ("code", "people", "answer"),
    [
        ("A40", [PID, "MRG|007^^^H^MR"], "same-patient"),
        ("A40", [PID], "segment-missing"),
        ("A40", ["MRG|99^^^H^MR", PID], "segment-order"),
        ("A40", [PID, "MRG|"], "patient-missing"),
        ("A37", [PID, "PID|2||99^^^H^MR"], "not-merged"),
        ("A43", [PID, "MRG|99^^^H^MR"], "by-hand"),
        ("A44", [PID, "MRG|99^^^H^MR"], "by-hand"),
        ("A45", [PID, "MRG|99^^^H^MR"], "by-hand"),
    ],
)
def test_26_what_cannot_be_merged_or_moved_is_refused(
    door: Receiver, world: World, code: str, people: list[str], answer: str
) -> None:
    """An account or a visit that moves to another person is for a human to settle: findings are kept by person."""
    assert told(door.receive(merge(code, "1000", *people))) == [("AE", answer)]
    assert world.store.patients() == []


# ------------------------------------------------------------------------------------------------ where


def test_a_patient_is_admitted_moved_and_discharged(door: Receiver, world: World) -> None:
    """Unit, bed and a label of initials and age; never the name."""
    door.receive(event("A01", "0900", "W4^12^B"))
    assert (held(world).unit, held(world).bed, held(world).label) == ("W4", "12-B", "JD, 62")
    door.receive(event("A02", "1000", "ICU 3"))
    assert (held(world).unit, held(world).bed) == ("ICU 3", "")
    door.receive(event("A03", "1100", "ICU 3", left="20260305110000"))
    assert held(world).discharged_at is not None
    door.receive(event("A08", "1110", "ICU 3", left="20260305110000"))
    assert held(world).discharged_at is not None
    door.receive(event("A13", "1130", "ICU 3"))
    assert held(world).discharged_at is None
    assert "Jane" not in str(world.store.patients())
    stays = [row["text"] for row in rows(world) if row["quantity"] == "care-setting"]
    assert stays == ["ward", "icu", "icu"]  # admitted, moved, discharge undone


def test_20_moves_in_any_order_leave_the_patient_in_the_same_bed(door: Receiver, world: World) -> None:
    """What was recorded last holds, also where it arrives first or says of an earlier time."""
    sent = [
        event("A01", "0900", "W4^12^B"),
        event("A02", "1030", "ICU 3^1", occurred="20260305100000"),
        event("A08", "1015", "W4^12^B"),
    ]
    for block in (*sent[::-1], *sent):
        assert told(door.receive(block)) == [("AA",)]
    assert (held(world).unit, held(world).bed) == ("ICU 3", "1")


def test_20_the_event_s_own_time_comes_before_the_message_s(door: Receiver, world: World) -> None:
    """An event recorded at ten and sent at one is older than one recorded and sent at eleven."""
    door.receive(event("A02", "1100", "ICU 3"))
    late = event("A01", "1000", "W4").replace(b"LEEWARD|W|20260305100000", b"LEEWARD|W|20260305130000")
    assert told(door.receive(late)) == [("AA",)]
    assert held(world).unit == "ICU 3"


def test_24_a_transfer_that_never_was_is_taken_back(door: Receiver, world: World) -> None:
    """A12 names when the transfer was said to have been: that stay is withdrawn, and the one before lasts."""
    door.receive(event("A01", "0900", "W4^12^B"))
    door.receive(event("A02", "1000", "ICU 3^1", occurred="20260305100000"))
    door.receive(event("A12", "1010", "W4^12^B", occurred="20260305100000"))
    assert (held(world).unit, held(world).bed) == ("W4", "12-B")
    stays = [(row["text"], row["status"]) for row in rows(world) if row["quantity"] == "care-setting"]
    assert stays == [("ward", "final"), ("icu", "final"), ("ward", "withdrawn")]


def test_24_an_admission_that_never_was_leaves_nobody(door: Receiver, world: World) -> None:
    """A11: neither on the board nor with a stay that stands."""
    door.receive(event("A01", "0900", "W4^12^B", occurred="20260305090000"))
    door.receive(event("A11", "0930", "W4^12^B", occurred="20260305090000"))
    assert held(world).discharged_at is not None
    assert [row["status"] for row in rows(world) if row["quantity"] == "care-setting"] == ["final", "withdrawn"]


def test_who_somebody_is_is_corrected_by_the_newest_event(door: Receiver, world: World) -> None:
    """Birth and sex are versions of one record each; a letter of table 0001 is a word."""
    door.receive(event("A01", "0900", "W4^1", person="Doe^Jane||1963|A"))
    door.receive(event("A31", "0910", person="Doe^Jane||19630402|F"))
    told_ = [(row["quantity"], row["text"]) for row in rows(world) if row["quantity"] in ("birth-date", "sex")]
    assert told_ == [("birth-date", "1963"), ("birth-date", "1963-04-02"), ("sex", "other"), ("sex", "female")]


def test_a_label_may_be_nothing_at_all(settings: WardSettings, clock: SetClock) -> None:
    """Where the settings want no initials, none are kept."""
    world = World(with_hl7(settings, label="none"), clock)
    receiver(world).receive(event("A01", "0900", "W4^12^B"))
    assert held(world).label is None


# ------------------------------------------------------------------------------------------------ drugs


def dose(
    drug: str,
    amount: str,
    unit: str,
    *,
    end: str = "",
    per: str = "",
    done: str = "",
    action: str = "",
    number: str = "1",
    sent: str = "20260305110000",
    order: str = "O1",
) -> bytes:
    """An administration at ten, and its route."""
    fields = [number, "1", "20260305100000", end, drug, amount, unit, "", "", "", "", per]
    rxa = "RXA|" + "|".join([*fields, *[""] * 7, done, action])
    return message(PID, f"ORC|RE||{order}", rxa, "RXR|IV^intravenous", kind="RAS^O17", sender="PHARMACY", sent=sent)


def amounts(world: World) -> list[tuple[str, float | None, bool, str]]:
    """Quantity, amount, whether it has an end, status."""
    return [(r["quantity"], r["low"], r["measured_until"] is not None, r["status"]) for r in rows(world)]


def test_a_dose_that_was_given_is_one(door: Receiver, world: World) -> None:
    """With its amount and its route."""
    assert told(door.receive(dose(TOCILIZUMAB, "480", "mg"))) == [("AA",)]
    assert amounts(world) == [("tocilizumab", 480, False, "final")]
    assert rows(world)[0]["site"] == "intravenous"


@pytest.mark.parametrize(
    ("amount", "unit", "per", "end", "expected"),
    [
        ("5", "ug/min", "", "", (5, False)),
        ("5", "ug/min", "", "20260305100000", (5, False)),  # RXA-4 must be filled: the rate was charted, and runs on
        ("5", "ug/min", "", "20260305103000", (5, True)),
        ("300", "ug", "H1", "", (5, False)),
        ("600", "ug", "H2", "", (5, False)),
        ("0", "ug/min", "", "", (0, False)),
        ("1", "mg", "", "", (None, True)),  # pushed by hand: at its moment only
        ("300", "ug", "H0", "", (None, False)),
        ("300", "ug", "fortnight", "", (None, False)),
    ],
)
def test_an_infusion_runs_until_something_ends_it(
    door: Receiver, world: World, amount: str, unit: str, per: str, end: str, expected: tuple[float | None, bool]
) -> None:
    """A rate that cannot be read still runs: that a vasopressor ran is known, how fast is not."""
    door.receive(dose(NORADRENALINE, amount, unit, per=per, end=end))
    assert [(value, has_end) for _, value, has_end, _ in amounts(world)] == [expected]


@pytest.mark.parametrize(
    ("done", "action", "standing"),
    [("CP", "A", 1), ("PA", "", 1), ("RE", "", 0), ("NA", "A", 0), ("??", "", 0), ("", "??", 0)],
)
def test_25_only_what_was_given_is_given(door: Receiver, world: World, done: str, action: str, standing: int) -> None:
    """Refused, not administered, and letters that nobody knows are no doses."""
    door.receive(dose(TOCILIZUMAB, "480", "mg", done=done, action=action))
    assert len(amounts(world)) == standing


@pytest.mark.parametrize(("done", "action"), [("", "D"), ("RE", "U"), ("NA", "U")])
def test_24_a_dose_charted_in_error_is_taken_back(door: Receiver, world: World, done: str, action: str) -> None:
    """Deleted, or changed to not given."""
    door.receive(dose(TOCILIZUMAB, "480", "mg"))
    door.receive(dose(TOCILIZUMAB, "480", "mg", done=done, action=action, sent="20260305113000"))
    assert [status for *_, status in amounts(world)] == ["final", "withdrawn"]


def test_an_order_is_no_dose(door: Receiver, world: World) -> None:
    """It is listed as ordered, and taken back when it is called off."""
    for control, sent in (("NW", "20260305100000"), ("DC", "20260305110000")):
        order = [PID, f"ORC|{control}||O1", f"RXE|1|{TOCILIZUMAB}|480||mg"]
        assert told(door.receive(message(*order, kind="RDE^O11", sender="PHARMACY", sent=sent))) == [("AA",)]
    assert [(row["quantity"], row["text"], row["status"]) for row in rows(world)] == [
        ("ordered", "tocilizumab", "final"),
        ("ordered", "tocilizumab", "withdrawn"),
    ]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["RDE^O11", "ORM^O01"])
def test_an_order_by_any_message_is_the_same_order(door: Receiver, world: World, kind: str) -> None:
    """RXO names the drug before the pharmacy has encoded it; neither is a dose."""
    drug = "RXE|1|612865^tocilizumab^RXNORM|8" if kind == "RDE^O11" else "RXO|612865^tocilizumab^RXNORM|8"
    made = message(PID, "ORC|NW|1|F9||||||20260305110000", drug, kind=kind, sender="PHARMACY")
    assert told(door.receive(made)) == [("AA",)]
    assert [(row["quantity"], row["text"]) for row in rows(world)] == [("ordered", "tocilizumab")]


def test_a_course_by_hl7_alone_is_graded(door: Receiver, world: World) -> None:
    """Cells on Tuesday; on Thursday fever, low pressure, oxygen and a vasopressor: grade 3, from named segments."""
    cells = "RXA|0|1|20260303100000|20260303103000|X^axicabtagene ciloleucel^L|1|bag"
    signs = [
        obx("39.1", "Cel", code="8310-5^T^LN"),
        obx("84", "mm[Hg]", code="8480-6^S^LN"),
        obx("nasal cannula", "", code="3152-6^D^LN", kind="ST"),
        obx("2", "L/min", code="3151-8^F^LN"),
    ]
    sent = [
        event("A01", "0900", "W4^12^B"),
        message(PID, "ORC|RE||O0", cells, kind="RAS^O17", sender="PHARMACY"),
        message(PID, obr("V1", taken="20260305110000"), *signs, sender="MONITOR", control="V17"),
        dose(NORADRENALINE, "5", "ug/min"),
    ]
    assert [told(door.receive(block)) for block in sent] == [[("AA",)]] * 4
    grade = world.grader.look("007").answer.now["crs"]
    assert (grade.at_least, grade.at_most) == (3, 3)
    assert "OBX 2 of message V17" in {reason.place for reason in grade.because}
