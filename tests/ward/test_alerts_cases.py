"""cases/alerts.md: what arrives at a bedside, and who is told what, row by row."""

from __future__ import annotations

import base64
import re
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from leeward.ward import tables
from leeward.ward.alerts import Alert
from leeward.ward.clock import SetClock
from leeward.ward.settings import WardSettings, Webhook
from leeward.ward.world import World
from tests.cases.parse import Table
from tests.cases.parse import tables as tables_of

from .bedside import NUMBERS, Patient
from .conftest import NOW

CASES = Path(__file__).parents[2] / "cases" / "alerts.md"
SECRET = "whsec_" + base64.b64encode(bytes(32)).decode()
PHONE = Webhook(name="phone", url="https://phone.example/alerts", secret=SECRET, next="on call")
ON_CALL = Webhook(name="on call", url="https://doctor.example/alerts", secret=SECRET)
WAYS = {"new": ["opened"], "worse": ["opened", "overtaken"], "settled": ["resolved"], "withdrawn": ["withdrawn"],
        "beneath": ["withdrawn", "opened"], "corrected": ["corrected"], "again": ["again"],
        "escalated": ["escalated"]}  # fmt: skip
BY_PERSON = ("acknowledged", "quieted")


class Bedside:
    """One section of the file, played on a ward of its own."""

    def __init__(self, path: Path) -> None:
        self.clock = SetClock(NOW)
        settings = WardSettings(database=f"sqlite:///{path / 'ward.db'}", demo=True, webhooks=(PHONE, ON_CALL))
        self.world = World(settings, self.clock)
        self.patient = Patient(self.world, self.clock)
        self.charted: dict[str, tuple[str, dict[str, float | str], datetime]] = {}
        self.patient.round(ice=10, consciousness="awake")
        self.patient.told()
        self.heard, self.sent = self.world.store.last_event(), 0

    def row(self, row: dict[str, str]) -> None:
        """Let one row happen, and hold what is told against it."""
        self.clock.set(self.moment(row["time"]))
        if row["arrives"]:
            self.arrives(row["time"], row["arrives"])
        if row["done"]:
            self.does(row["done"])
        self.patient.graded()
        self.world.alerts.escalate()
        told = self.news()
        way, _, phrases = row["told"].partition(": ")
        assert [what for what, _ in told] == WAYS.get(way, []), row
        said = {what: words(alert) for what, alert in reversed(told)}
        for phrase in filter(None, re.split(r", and |, ", phrases)):
            assert phrase.lower() in said.get("opened", next(iter(said.values()))), row
        assert sorted(self.messages()) == sorted(filter(None, row["to"].split(", "))), row

    @staticmethod
    def moment(said: str) -> datetime:
        """Hours and minutes after 12:00."""
        hours, minutes = said.split(":")
        return NOW + timedelta(hours=int(hours), minutes=int(minutes))

    def arrives(self, time: str, said: str) -> None:
        """Values, a round, a correction or a withdrawal."""
        found = re.fullmatch(r"(?:(?P<values>.*?) ?)??(?:(?P<how>at|corrects|withdraws) (?P<when>\d+:\d\d))?", said)
        assert found, said
        values: dict[str, float | str] = {}
        for item in filter(None, (found["values"] or "").split(", ")):
            name, _, value = item.partition(" ")
            values |= {name: float(value) if name in NUMBERS else value} if value else {}
        if said == "round":
            self.patient.round()
        elif found["how"] in ("corrects", "withdraws"):
            record, before, at = self.charted[found["when"]]
            status = "corrected" if found["how"] == "corrects" else "withdrawn"
            self.patient.chart(record=record, version="2", status=status, at=at, **(values or before))  # type: ignore[arg-type]
        else:
            at = self.moment(found["when"]) if found["when"] else self.clock.now()
            self.charted[time] = (self.patient.chart(at=at, **values), values, at)  # type: ignore[arg-type]

    def does(self, said: str) -> None:
        """Somebody acknowledges or quiets an open alert, named by its words."""
        found = re.fullmatch(r"(acknowledges|quiets) the (.+?)(?: for (\d+) min)?", said)
        assert found, said
        (one,) = [alert for alert in self.patient.open() if found[2].lower() in words(alert)]
        if found[1] == "acknowledges":
            self.world.alerts.acknowledge(one.id, "nurse")
        else:
            self.world.alerts.quiet(one.id, "nurse", self.clock.now() + timedelta(minutes=int(found[3])))

    def news(self) -> list[tuple[str, Alert]]:
        """What the board was told since the row before."""
        events = self.world.store.events_after(self.heard)
        self.heard = self.world.store.last_event()
        made = []
        for event in events:
            what = event.kind.removeprefix("alert-")
            if event.kind.startswith("alert-") and what not in BY_PERSON:
                alert = self.world.alerts.one(event.body["alert"])
                assert alert is not None
                made.append((what, alert))
        return made

    def messages(self) -> list[str]:
        """To whom a message was queued since the row before."""
        with self.world.engine.connect() as connection:
            rows = connection.execute(select(tables.outbox.c.seq, tables.outbox.c.receiver)).all()
        new = [row.receiver for row in rows if row.seq > self.sent]
        self.sent = max((row.seq for row in rows), default=0)
        return new


def words(alert: Alert) -> str:
    """Everything an alert says, its kinds among it."""
    return " ".join([alert.text, *(f"{sign.kind.replace('-', ' ')} {sign.says}" for sign in alert.signs)]).lower()


@pytest.mark.parametrize("table", tables_of(CASES), ids=lambda table: table.headings[-1])
def test_case(table: Table, tmp_path: Path) -> None:
    """One section: each row tells what it says, and nothing else."""
    bedside = Bedside(tmp_path)
    for _, row in table.rows:
        bedside.row(row)
    bedside.world.engine.dispose()
