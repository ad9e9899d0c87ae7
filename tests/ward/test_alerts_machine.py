"""The machine of alerts: one alert per change, nothing hides a rise, what was taken back is taken back everywhere."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from leeward.ward.alerts.machine import consider
from leeward.ward.alerts.signs import KINDS, Basis, Change, Held, Kind, Seen, Sign, State, Waits, class_of

START = datetime(2026, 3, 5, tzinfo=UTC)
WAITS = Waits(settle_s=3600, settle_grade_1_s=8 * 3600, settle_feed_s=0, widened_s=1800, behind_s=300)
ALL = frozenset({"crs", "icans", "alarm", "widened", "check", "silent", "backlog"})


def minutes(count: float) -> datetime:
    """So many minutes after the start."""
    return START + timedelta(minutes=count)


def basis(at: datetime, value: float = 38.0) -> Basis:
    """A temperature."""
    return Basis(quantity="body-temperature", at=at, value=value, unit="Cel")


def crs(low: int, high: int | None = None, at: datetime = START, kind: Kind = "rising-grade") -> Sign:
    """A grade of CRS, resting on a temperature of that moment."""
    return Sign(about="crs", kind=kind, at_least=low, at_most=low if high is None else high, says="CRS", source="here",
                because=(basis(at),) if low else ())  # fmt: skip


def alarm(level: int = 1, at: datetime = START) -> Sign:
    """Untreated hypoxia: raised, or not to be told."""
    return Sign(about="alarm/untreated-hypoxia", kind="untreated-hypoxia", at_least=level, at_most=1, says="SpO2",
                source="here", because=(Basis(quantity="spo2", at=at, value=86.0),))  # fmt: skip


def technical(about: str, *covers: str, kind: Kind = "feed-silent", level: int = 1, can_wait: bool = False) -> Sign:
    """Something that cannot be seen."""
    return Sign(about=about, kind=kind, at_least=level, at_most=level, says="silent", source="here", missing=covers,
                covers=frozenset(covers), can_wait=can_wait)  # fmt: skip


def seen(*signs: Sign, gone: Iterable[Basis] = (), silent: bool = False, covered: Iterable[str] = (),
         acknowledged: Iterable[int] = ()) -> Seen:  # fmt: skip
    """A look that looked at everything."""
    return Seen(signs=signs, looked=ALL, gone=frozenset(gone), silent=silent, covered=frozenset(covered),
                acknowledged=frozenset(acknowledged))  # fmt: skip


def run(*looks: tuple[float, Seen], before: State | None = None) -> tuple[State, list[tuple[float, Change]]]:
    """Looks at minutes after the start, one after the other; between two the state is written and read again."""
    state, told = before or State(), []
    for minute, look in looks:
        state, changes = consider(state, look, minutes(minute), WAITS)
        state = msgspec.json.decode(msgspec.json.encode(state), type=State)
        told += [(minute, change) for change in changes]
    return state, told


def words(told: list[tuple[float, Change]]) -> list[tuple[float, str, int]]:
    """Changes in short: the minute, what, at which level."""
    return [(minute, change.what, change.level) for minute, change in told]


def test_34_flapping_around_the_limit_is_one_alert_and_one_resolution() -> None:
    """37.9 and 38.0 each minute for an hour, then afebrile: the hysteresis of grade 1 is eight hours, and is stated."""
    looks = [(minute, seen(crs(minute % 2, at=minutes(minute)))) for minute in range(61)]
    looks += [(minute, seen(crs(0))) for minute in range(61, 700, 10)]
    _, told = run(*looks)
    assert words(told) == [(1, "opened", 1), (541, "resolved", 1)]


@pytest.mark.parametrize("level", [2, 3, 4])
def test_34_a_higher_grade_settles_after_an_hour(level: int) -> None:
    """It is lower for sure at minute 60; at minute 119 nothing has settled, at 120 it has."""
    up = [(minute, seen(crs(level if minute % 2 else 1))) for minute in range(60)]
    down = [(minute, seen(crs(1))) for minute in (60, 119, 120)]
    assert words(run(*up, *down)[1]) == [
        (0, "opened", 1), (1, "overtaken", 1), (1, "opened", level), (120, "resolved", level)]  # fmt: skip


def test_35_a_rise_above_what_was_told_is_told_at_once() -> None:
    """Whatever was done about the alert before it: the machine never hears of quieting."""
    _, told = run((0, seen(crs(1))), (1, seen(crs(1))), (2, seen(crs(2))), (3, seen(crs(4))))
    assert words(told) == [
        (0, "opened", 1),
        (2, "overtaken", 1),
        (2, "opened", 2),
        (3, "overtaken", 2),
        (3, "opened", 4),
    ]
    assert [change.by for _, change in told if change.what == "overtaken"] == [2, 3]


def test_a_grade_that_cannot_be_told_is_neither_a_rise_nor_a_fall() -> None:
    """1 becomes 0 to 4: the alert stays, however long; 1 again is nothing new; 0 for sure settles it."""
    looks = [(minute, seen(crs(0, 4))) for minute in range(1, 2000, 60)]
    state, told = run((0, seen(crs(1))), *looks, (2001, seen(crs(1))))
    assert words(told) == [(0, "opened", 1)]
    assert state.open == {1}
    assert words(run((3000, seen(crs(0))), (3480, seen(crs(0))), before=state)[1]) == [(3480, "resolved", 1)]


def test_a_settled_grade_may_rise_again_and_is_told_again() -> None:
    """From 3 to 1 for an hour, then 3: two changes; grade 1 was told already, and stays open until it is seen."""
    looks = [(10, seen(crs(1))), (70, seen(crs(1), acknowledged=[1])), (80, seen(crs(1))), (90, seen(crs(3)))]
    _, told = run((0, seen(crs(3))), *looks)
    assert words(told) == [(0, "opened", 3), (70, "resolved", 3), (90, "opened", 3)]
    assert [change.closes for _, change in told] == [False, True, False]
    state, told = run((0, seen(crs(3))), (10, seen(crs(1))), (70, seen(crs(1))), (80, seen(crs(1))))
    assert [(change.what, change.closes) for _, change in told] == [("opened", False), ("resolved", False)]
    assert [(one.alert, one.level, one.says) for one in state.held] == [(1, 1, "CRS")]
    assert words(run((90, seen(crs(3))), before=state)[1]) == [(90, "overtaken", 1), (90, "opened", 3)]


def test_a_grade_that_was_two_while_it_settled_stays_told_as_two() -> None:
    """From 3 to 2, for a moment to 1: 2 is nothing new."""
    looks = [(minute, seen(crs(2))) for minute in range(1, 60)]
    _, told = run((0, seen(crs(3))), *looks, (60, seen(crs(1))), (61, seen(crs(1))), (62, seen(crs(2))))
    assert words(told) == [(0, "opened", 3), (61, "resolved", 3)]


def test_24_what_it_rested_on_is_taken_back() -> None:
    """The alert is withdrawn at once, without waiting for anything to settle."""
    state, told = run((0, seen(crs(2, at=minutes(0)))), (5, seen(crs(0), gone=[basis(minutes(0))])))
    assert words(told) == [(0, "opened", 2), (5, "withdrawn", 2)]
    assert (state.held, told[-1][1].closes) == ((), True)


def test_23_a_correction_that_changes_nothing_is_told_and_the_alert_stays() -> None:
    """It rests on what holds now, so that the next correction is noticed as well."""
    first, second = basis(minutes(0)), basis(minutes(1))
    state, told = run((0, seen(crs(2, at=minutes(0)))), (5, seen(crs(2, at=minutes(1)), gone=[first])))
    assert words(told) == [(0, "opened", 2), (5, "corrected", 2)]
    assert state.open == {1}
    assert words(run((6, seen(crs(0), gone=[second])), before=state)[1]) == [(6, "withdrawn", 2)]


def test_23_a_rise_that_was_no_rise_leaves_what_was_told_before_it() -> None:
    """Fever was told and seen, a false pressure made it grade 2: the fever is not told again, a later grade 2 is."""
    wrong = seen(crs(2, at=minutes(1)), acknowledged=[1])
    state, told = run((0, seen(crs(1, at=minutes(0)))), (1, wrong),
                      (2, seen(crs(1, at=minutes(0)), gone=[basis(minutes(1))])))  # fmt: skip
    assert words(told)[-1] == (2, "withdrawn", 2)
    assert words(run((3, seen(crs(2, at=minutes(3)))), before=state)[1]) == [(3, "opened", 2)]


@pytest.mark.parametrize("acknowledged", [[], [2]])
def test_23_a_withdrawal_buries_nothing_that_nobody_has_seen(acknowledged: list[int]) -> None:
    """The fever beneath a false rise opens again, once; that somebody acknowledged the false rise is nothing to it."""
    right, wrong = minutes(0), minutes(1)
    state, told = run((0, seen(crs(1, at=right))), (1, seen(crs(2, at=wrong))),
                      (2, seen(crs(1, at=right), gone=[basis(wrong)], acknowledged=acknowledged)),
                      (3, seen(crs(1, at=right))))  # fmt: skip
    assert words(told) == [
        (0, "opened", 1), (1, "overtaken", 1), (1, "opened", 2), (2, "withdrawn", 2), (2, "opened", 1)]  # fmt: skip
    assert [change.after for _, change in told if change.what == "opened"] == [(), (1,), (2,)]
    assert state.open == {3}


def test_a_grade_that_is_left_after_a_correction_and_was_never_told_is_told() -> None:
    """From nothing to 3 at once, corrected to 1: that there is a grade 1 was never said."""
    _, told = run((0, seen(crs(3, at=minutes(0)))), (1, seen(crs(1, at=minutes(1)), gone=[basis(minutes(0))])))
    assert words(told) == [(0, "opened", 3), (1, "withdrawn", 3), (1, "opened", 1)]


def test_what_opens_together_is_told_together_the_patient_apart_from_the_feed() -> None:
    """Fever with hypoxia and an overdue check: one physiological alert, one technical."""
    late = technical("check/neurology", "ice-score", kind="overdue-check")
    state, told = run((0, seen(crs(1, kind="first-fever"), alarm(), late)))
    assert [change.abouts for _, change in told] == [("crs", "alarm/untreated-hypoxia"), ("check/neurology",)]
    assert len(state.held) == 3


def test_an_alert_closes_when_nothing_it_told_of_is_held() -> None:
    """The hypoxia settles after an hour, the fever after eight: the alert that told of both closes with the last."""
    looks = [(minute, seen(crs(0))) for minute in range(10, 500, 10)]
    _, told = run((0, seen(crs(1), alarm())), *looks)
    assert [(minute, change.closes) for minute, change in told] == [(0, False), (70, False), (490, True)]


def test_a_part_that_was_not_looked_at_changes_nothing() -> None:
    """A look that does not show alarms says nothing of them."""
    blind = Seen(signs=(crs(0),), looked=frozenset({"crs"}))
    state, _ = run((0, seen(alarm())), *((minute, blind) for minute in range(10, 1000, 100)))
    assert state.open == {1}


def test_14_a_wider_silence_says_it_for_the_narrower_ones() -> None:
    """Nothing of anybody: none for each patient; when the ward is heard again and one patient is not, it is said."""
    mine = technical("silent/patient", "spo2")
    state, told = run((0, seen(mine, covered="*")), (1, seen(mine, covered="*")), (2, seen(mine)))
    assert words(told) == [(2, "opened", 1)]
    assert words(run((3, seen()), before=state)[1]) == [(3, "resolved", 1)]


def test_14_that_an_answer_can_no_longer_be_told_is_never_left_out_for_a_silent_feed() -> None:
    """Only the whole ward's silence says it already; it waits half an hour when it is only old, else not at all."""
    wide = technical("widened/crs", "systolic-bp", kind="answer-widened", level=4, can_wait=True)
    silent = technical("silent/patient", "systolic-bp", "spo2")
    assert words(run((0, seen(silent, wide)), (29, seen(silent, wide)), (30, seen(silent, wide)))[1]) == [
        (0, "opened", 1), (30, "opened", 4)]  # fmt: skip
    assert words(run((0, seen(msgspec.structs.replace(wide, can_wait=False))))[1]) == [(0, "opened", 4)]
    assert run((0, seen(wide, covered="*")), (60, seen(wide, covered="*")))[1] == []


def test_what_waits_and_ends_is_never_told() -> None:
    """A late round came after all; another time it waits anew."""
    wide = technical("widened/crs", "systolic-bp", kind="answer-widened", level=4, can_wait=True)
    assert run((0, seen(wide)), (29, seen()), (40, seen(wide)), (69, seen(wide)))[1] == []


def test_36_a_backlog_is_silent_and_then_one_alert_for_what_holds_now() -> None:
    """Six hours come in pieces; grade 3 was and is no more; fever, hypoxia and a late check hold: one alert."""
    late = technical("check/neurology", "ice-score", kind="overdue-check")
    pieces = [(0, seen(crs(1), silent=True)), (0.2, seen(crs(3), silent=True)), (0.4, seen(crs(2), silent=True))]
    _, told = run(*pieces, (1.4, seen(crs(1), alarm(), late)))
    assert words(told) == [(1.4, "opened", 1)]
    assert told[0][1].abouts == ("crs", "alarm/untreated-hypoxia", "check/neurology")


def test_36_a_feed_that_is_always_late_is_told_all_the_same() -> None:
    """A backlog is waited for five minutes and no longer."""
    looks = [(minute / 10, seen(crs(2), silent=True)) for minute in range(52)]
    assert [minute for minute, _ in run(*looks)[1]] == [5.0]


def test_51_a_clock_that_is_set_back_hides_nothing_and_ends_nothing_early() -> None:
    """What settles begins anew; a rise is told."""
    state, _ = run((100, seen(crs(2))), (110, seen(crs(0))), (50, seen(crs(0))), (109, seen(crs(0))))
    assert state.open == {1}
    assert words(run((60, seen(crs(3))), before=state)[1])[-1] == (60, "opened", 3)


def test_39_nothing_is_told_without_what_it_rests_on() -> None:
    """Impossible by type: a sign of the patient needs findings, one of the feed what is missing."""
    with pytest.raises(ValueError, match="rests on"):
        Sign(about="crs", kind="rising-grade", at_least=1, at_most=1, says="CRS", source="here", missing=("spo2",))
    with pytest.raises(ValueError, match="rests on"):
        technical("silent/all")
    with pytest.raises(ValueError, match="range"):
        crs(3, 2)


@given(st.lists(st.tuples(st.sampled_from([0, 1, 7, 30, 61, 481]), st.integers(0, 4), st.integers(0, 4)), max_size=30))
def test_35_a_grade_higher_than_ever_is_always_told(steps: list[tuple[int, int, int]]) -> None:
    """And never more often than it rose."""
    state, minute, highest, opened, rises, before = State(), 0, 0, 0, 0, 0
    for passed, one, other in steps:
        minute += passed
        low, high = sorted((one, other))
        state, changes = consider(state, seen(crs(low, high, at=minutes(minute))), minutes(minute), WAITS)
        new = [change for change in changes if change.what == "opened"]
        assert low <= highest or [change.level for change in new] == [low]
        rises += low > before
        highest, before, opened = max(highest, low), low, opened + len(new)
        assert opened <= rises


class Told(RuleBasedStateMachine):
    """A patient with a grade and an alarm, whose findings come, grow old, are corrected; the state is read anew."""

    def __init__(self) -> None:
        super().__init__()
        self.state, self.minute, self.told = State(), 0.0, 0
        self.low, self.high, self.rests, self.hypoxia = 0, 0, basis(START), False
        self.changes: list[Change] = []
        self.gone: set[Basis] = set()
        self.lower: dict[int, float | None] = dict.fromkeys(range(1, 5))  # since when lower than each level for sure
        self.acknowledged: set[int] = set()
        self.known: dict[str, int] = {}  # up to which level somebody has seen what still holds

    def _look(self, *gone: Basis) -> None:
        """One look at how it is."""
        self.gone |= set(gone)
        grade = Sign(about="crs", kind="rising-grade", at_least=self.low, at_most=self.high, says="CRS", source="here",
                     because=(self.rests,) if self.low else ())  # fmt: skip
        signs = (grade, alarm()) if self.hypoxia else (grade,)
        look = seen(*signs, gone=gone, acknowledged=self.acknowledged)
        self.state, self.changes = consider(self.state, look, minutes(self.minute), WAITS)
        for level in self.lower:
            self.lower[level] = (self.lower[level] or self.minute) if self.high < level else None

    @rule(passed=st.sampled_from([0.5, 1, 10, 59, 61, 479, 481]))
    def time_passes(self, passed: float) -> None:
        """Nothing new is charted."""
        self.minute += passed
        before = self.state
        self._look()
        assert not [change for change in self.changes if change.what in ("opened", "withdrawn", "corrected")]
        assert before.open >= self.state.open

    @rule(low=st.integers(0, 4), width=st.integers(0, 4), passed=st.sampled_from([0, 1, 30, 61, 481]))
    def charted(self, low: int, width: int, passed: int) -> None:
        """A new finding decides the grade; higher than what was told, or settled below it before: it is told."""
        self.minute += passed
        self._look()
        settled = self.lower.get(low) is not None and self.minute - (self.lower[low] or 0) >= (480 if low == 1 else 60)
        told = max((held.level for held in self.state.held if held.about == "crs"), default=0)
        self.low, self.high = low, min(4, low + width)
        self.rests = basis(minutes(self.minute), 38.0 + low + self.told / 1000)
        self.told += 1
        self._look()
        new = [change for change in self.changes if change.what == "opened"]
        assert len(new) == (low > told)
        assert not (low and settled) or len(new) == 1

    @precondition(lambda self: self.low > 0)
    @rule(low=st.integers(0, 4))
    def corrected(self, low: int) -> None:
        """The finding behind the grade was wrong."""
        wrong = self.rests
        self.low, self.high = low, low
        self.rests = basis(minutes(self.minute), 30.0 + self.told / 1000)
        self.told += 1
        self._look(wrong)

    @precondition(lambda self: bool(self.state.open))
    @rule(data=st.data())
    def acknowledged_by_somebody(self, data: st.DataObject) -> None:
        """One alert is seen; what it tells of is known from then on, as long as it is told of at all."""
        number = data.draw(st.sampled_from(sorted(self.state.open)))
        self.acknowledged.add(number)
        self.known |= {one.about: one.level for one in self.state.held if one.alert == number}

    @rule()
    def saturation_falls_or_rises(self) -> None:
        """Hypoxia without oxygen comes or goes."""
        self.hypoxia = not self.hypoxia
        self._look()

    @rule()
    def service_starts_again(self) -> None:
        """What is remembered is what was written; the same look again tells nothing."""
        self.state = msgspec.json.decode(msgspec.json.encode(self.state), type=State)
        self._look()
        assert [change for change in self.changes if change.what != "resolved"] == []

    @invariant()
    def no_state_hides_what_is_sure(self) -> None:
        """What holds for sure has been told at this level or a worse one."""
        held = {one.about: one.level for one in self.state.held}
        assert held.get("crs", 0) >= self.low
        assert not self.hypoxia or "alarm/untreated-hypoxia" in held

    @invariant()
    def what_holds_and_nobody_has_seen_is_open(self) -> None:
        """Whatever became of the alerts above it: settled, overtaken, withdrawn."""
        open_ = {one.about: one.level for one in self.state.held if one.alert is not None}
        held = {one.about: one.level for one in self.state.held}
        self.known = {about: min(level, held[about]) for about, level in self.known.items() if about in held}
        for about, level in (("crs", self.low), ("alarm/untreated-hypoxia", int(self.hypoxia))):
            assert level <= max(open_.get(about, 0), self.known.get(about, 0)), about

    @invariant()
    def no_open_alert_rests_on_what_was_taken_back(self) -> None:
        """Nor is it remembered as if it had."""
        assert not [one for one in self.state.held if one.alert is not None and self.gone.intersection(one.because)]

    @invariant()
    def one_alert_speaks_of_one_thing(self) -> None:
        """And an alert is open exactly while something it told of is held."""
        abouts = [one.about for one in self.state.held]
        assert len(abouts) == len(set(abouts))
        assert max(self.state.open, default=0) <= self.state.opened


TestTold = Told.TestCase


def test_every_kind_has_one_class() -> None:
    """The patient, or what we cannot see."""
    assert {class_of(kind) for kind in KINDS} == {"physiological", "technical"}
    assert isinstance(State().held, tuple)
    assert Held(about="crs", kind="rising-grade", level=1, alert=None).because == ()
