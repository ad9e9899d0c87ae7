"""The promises of alerts, held through a whole ward: findings come, age, are corrected; people quiet; it restarts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from leeward.ward.alerts import Alert, Alerts
from leeward.ward.clock import SetClock
from leeward.ward.settings import WardSettings, Webhook
from leeward.ward.world import World

from .bedside import Patient
from .conftest import NOW
from .receiver import SECRET

pytestmark = pytest.mark.slow

ROUNDS: dict[str, dict[str, float | str]] = {
    "well": {"temperature": 36.9, "pressure": 120, "saturation": 97, "oxygen": "room-air"},
    "fever": {"temperature": 38.0, "pressure": 120, "saturation": 97, "oxygen": "room-air"},
    "low pressure": {"temperature": 39.0, "pressure": 89, "saturation": 97, "oxygen": "room-air"},
    "high flow": {
        "temperature": 39.0,
        "pressure": 110,
        "saturation": 92,
        "oxygen": "high-flow-nasal-cannula",
        "flow": 40,
    },
    "hypoxia": {"temperature": 38.5, "pressure": 120, "saturation": 85, "oxygen": "room-air"},
    "flow not charted": {"temperature": 38.5, "pressure": 120, "oxygen": "nasal-cannula"},
    "temperature only": {"temperature": 38.3},
}
HOOKS = (Webhook(name="phone", url="https://phone.example/alerts", secret=SECRET, next="on call"),
         Webhook(name="on call", url="https://doctor.example/alerts", secret=SECRET))  # fmt: skip
"""Nobody is sent anything here: what waits for them is on record."""
PATIENCE = {"physiological": timedelta(minutes=10), "technical": timedelta(minutes=30)}
SILENT_HOURS = 5.6
"""After so long without a value something must have been said, whatever the setting: five hours, and the waits."""


class Ward(RuleBasedStateMachine):
    """One patient after another on one ward, whose clock only goes on."""

    world: World
    clock: SetClock
    count = 0

    @initialize()
    def admitted(self) -> None:
        """A patient of their own for each run, dosed two hours ago and well."""
        Ward.count += 1
        self.patient = Patient(self.world, self.clock, f"patient {Ward.count}")
        self.records: list[tuple[str, dict[str, float | str], object]] = []
        self.highest = 0
        self.opened: set[int] = set()
        self.fresh: list[Alert] = []
        self.chart("well", 0)

    def teardown(self) -> None:
        """They leave; nothing of theirs stays open."""
        if hasattr(self, "patient"):
            self.patient.discharge()
            assert self.patient.open() == []

    def look(self) -> None:
        """The grader looks; what is new is told, and every rise to a height never seen before is among it."""
        self.patient.graded()
        self.clock.advance(timedelta(seconds=61))
        self.patient.graded()
        self.world.alerts.escalate()
        self.fresh = [one for one in self.world.alerts.of(self.patient.name) if one.id not in self.opened]
        self.opened |= {one.id for one in self.fresh}
        low = self.world.grader.look(self.patient.name).answer.now["crs"].at_least or 0
        if low > self.highest:
            told = [sign.at_least for one in self.fresh for sign in one.signs if sign.about == "crs"]
            assert low in told
        self.highest = max(self.highest, low)

    @rule(how=st.sampled_from(sorted(ROUNDS)), minutes=st.sampled_from([1, 5, 45, 240]))
    def chart(self, how: str, minutes: int) -> None:
        """Some values arrive."""
        self.clock.advance(timedelta(minutes=minutes))
        at = self.clock.now()
        self.heard = at
        self.records.append((self.patient.chart(**ROUNDS[how]), ROUNDS[how], at))  # type: ignore[arg-type]
        self.look()

    @rule(hours=st.sampled_from([0.5, 1.1, 6, 9]))
    def time_passes(self, hours: float) -> None:
        """Nobody charts; nothing of the patient rises by that."""
        self.clock.advance(timedelta(hours=hours))
        self.look()
        assert [one for one in self.fresh if one.kind_class == "physiological"] == []

    @rule(how=st.sampled_from(sorted(ROUNDS)), hours=st.sampled_from([2, 6]))
    def backlog_comes_in(self, how: str, hours: int) -> None:
        """Values of hours ago are graded silently; once they are all here, what holds now is told, once at most."""
        before = {one.id for one in self.patient.open()}
        at = self.clock.now() - timedelta(hours=hours)
        self.patient.chart(at=at, silent=True, **ROUNDS[how])  # type: ignore[arg-type]
        self.patient.graded()
        silent = [one for one in self.patient.open() if one.id not in before]
        assert [one for one in silent if one.kind_class == "physiological"] == []
        self.clock.advance(timedelta(seconds=6))
        self.world.alerts.catch_up()
        self.patient.graded()
        told = [one for one in self.patient.open() if one.id not in before and one.kind_class == "physiological"]
        assert len(told) <= 1
        self.look()

    @precondition(lambda self: len(self.records) > 1)
    @rule(status=st.sampled_from(["corrected", "withdrawn"]))
    def taken_back(self, status: str) -> None:
        """The newest values were wrong: normal ones stand instead, or none."""
        record, values, at = self.records.pop()
        instead = {name: ROUNDS["well"].get(name, 2.0) for name in values} if status == "corrected" else values
        self.patient.chart(record=record, version="2", status=status, at=at, **instead)  # type: ignore[arg-type]
        self.look()
        for one in self.patient.open():
            if one.kind_class == "physiological" and one.id not in {fresh.id for fresh in self.fresh}:
                assert self.holds_otherwise(one, at)

    def holds_otherwise(self, one: Alert, at: object) -> bool:
        """Whether an alert that stays open was corrected, or rests on nothing of that moment."""
        rests = {basis.at for sign in one.signs for basis in sign.because if basis.quantity != "trigger"}
        corrected = any(event.what in ("corrected", "withdrawn") for event in one.happened)
        return at not in rests or corrected

    @precondition(lambda self: bool(self.patient.open()))
    @rule(data=st.data(), acknowledge=st.booleans())
    def somebody_quiets(self, data: st.DataObject, acknowledge: bool) -> None:
        """One alert is acknowledged, or quieted for as long as may be; what rises after that is told all the same."""
        one = data.draw(st.sampled_from(self.patient.open()))
        if acknowledge:
            self.world.alerts.acknowledge(one.id, "nurse")
        else:
            self.world.alerts.quiet(one.id, "nurse", self.clock.now() + timedelta(days=1))

    @rule()
    def restarted(self) -> None:
        """The service starts again, and looks again: nothing is told twice."""
        before = {one.id for one in self.patient.open()}
        self.world.alerts = Alerts(self.world)
        self.world.alerts.consider([self.world.grader.look(self.patient.name)])
        assert {one.id for one in self.patient.open()} - before == set()

    @invariant()
    def silence_is_said(self) -> None:
        """Where nothing came for long, something open says that it cannot be seen."""
        if hasattr(self, "heard") and self.clock.now() - self.heard > timedelta(hours=SILENT_HOURS):
            open_ = [one for one in self.world.alerts.open() if one.patient in (None, self.patient.name)]
            assert any(one.kind_class == "technical" for one in open_)

    @invariant()
    def whoever_was_told_hears_of_its_withdrawal_and_nobody_else(self) -> None:
        """Each receiver once of an alert, and of its withdrawal exactly those who were told."""
        for one in self.world.alerts.of(self.patient.name) if hasattr(self, "patient") else ():
            told = [sent.receiver for sent in one.deliveries if sent.what == "opened"]
            ended = [sent.receiver for sent in one.deliveries if sent.what == "withdrawn"]
            assert len(told) == len(set(told))
            assert one.closed != "withdrawn" or sorted(ended) == sorted(told)

    @invariant()
    def what_nobody_acknowledges_goes_on_to_somebody(self) -> None:
        """Past the ward's patience the next receiver was told, unless somebody acknowledged or quieted it."""
        for one in self.patient.open() if hasattr(self, "patient") else ():
            waits = one.acknowledged_at is None and one.quiet_until is None
            if waits and self.clock.now() - one.opened_at >= PATIENCE[one.kind_class] + timedelta(minutes=5):
                assert {"escalated", "undelivered"} & {event.what for event in one.happened}
                assert "on call" in {sent.receiver for sent in one.deliveries}

    @invariant()
    def one_open_alert_speaks_of_one_level_of_one_thing(self) -> None:
        """Nothing is told twice at once."""
        if hasattr(self, "patient"):
            said = [(sign.about, sign.at_least) for one in self.patient.open() for sign in one.signs]
            assert len(said) == len(set(said))


@pytest.fixture
def ward() -> Iterator[None]:
    """One ward for every run."""
    with TemporaryDirectory() as folder:
        Ward.clock = SetClock(NOW)
        Ward.world = World(
            WardSettings(database=f"sqlite:///{Path(folder) / 'ward.db'}", demo=True, webhooks=HOOKS), Ward.clock
        )
        yield
        Ward.world.engine.dispose()


def test_35_no_suppression_hides_a_rise_and_the_other_promises(ward: None) -> None:
    """Through the door, the store, the grader and the book of alerts."""
    quiet = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    run_state_machine_as_test(
        Ward,
        settings=settings(
            max_examples=8,
            stateful_step_count=12,
            deadline=None,
            suppress_health_check=quiet,
            phases=(Phase.explicit, Phase.reuse, Phase.generate),
        ),  # shrinking would take minutes
    )
