"""Patients replayed, each on a ward of their own, and what came of each alert: how often, and how often rightly."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec

from leeward.cohort.answer import Answer
from leeward.knowledge.vocabulary import quantities
from leeward.scales.older_crs import ASTCT
from leeward.ward.alerts import Alert
from leeward.ward.arrivals import Move
from leeward.ward.clock import SetClock
from leeward.ward.settings import WardSettings
from leeward.ward.world import World

from .taken import take

Row = dict[str, str]
LATER_HOURS = (0, 0.75, 4.75, 8.75, 13)
"""When a patient is looked at after each charting: at once, and some time after each limit of age has passed."""
AFTER = timedelta(hours=24)
"""Within so long after it was opened an alert is borne out, or it is not."""
DAY_S = 86_400
STORM = 0.02
"""From here on the virtual ward's hidden course moves what is charted."""
LATE = timedelta(hours=48)
"""What is charted lies behind the hidden course: its ICANS by a day and a half, its laboratory by less."""
TREATMENTS = frozenset({
    "tocilizumab", "siltuximab", "anakinra", "dexamethasone", "methylprednisolone", "hydrocortisone", "prednisone",
    "fluid-bolus", "norepinephrine", "epinephrine", "vasopressin", "dopamine", "phenylephrine", "dobutamine",
})  # fmt: skip
"""What a ward does about CRS or ICANS; oxygen is one more, by its device."""


class Course(msgspec.Struct, frozen=True):
    """One patient to be replayed. looked: when. ill: from when to when the course was under way, if that is known."""

    patient: str
    rows: list[Row]
    looked: list[datetime]
    ill: tuple[datetime, datetime] | None = None


class Worth(msgspec.Struct, frozen=True):
    """One alert of the patient, and whether a rise of the sure grade, a treatment, or the course itself bore it out."""

    kind: str
    risen: bool
    treated: bool
    ill: bool | None


class Replayed(msgspec.Struct):
    """What a replay told. began: of patients who were ill, how many hours after it began the first alert came."""

    days: float = 0.0
    technical: int = 0
    worth: list[Worth] = []
    began: list[float | None] = []

    @property
    def borne_out(self) -> float:
        """The share of alerts of the patient that a further rise or a treatment bore out within a day."""
        return sum(one.risen or one.treated for one in self.worth) / len(self.worth)


def moment(said: str) -> datetime:
    """A time of a row."""
    return datetime.fromisoformat(said)


def samples() -> Iterator[Course]:
    """Every bundled sample, looked at long after each of its few values as well."""
    for path in sorted(files("leeward.samples").iterdir(), key=lambda path: path.name):
        if path.name.endswith(".csv"):
            rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
            charted = {moment(row[end]) for row in rows for end in ("start", "end") if row[end]}
            looked = sorted({at + timedelta(hours=hours) for at in charted for hours in LATER_HOURS})
            yield Course(rows[0]["patient_id"], sorted(rows, key=lambda row: row["start"]), looked)


def generated(patients: int, days: int) -> Iterator[Course]:
    """Patients of the bench's virtual ward, looked at each hour; it knows when each is ill."""
    from bench import ward

    block = ward.block(0, patients)
    infused = [datetime.fromtimestamp(at / 1e6, UTC) for at in block.infused_us.tolist()]
    rows: list[list[Row]] = [[] for _ in infused]
    for charted in ward.charted(block):
        unit = quantities()[charted.quantity].unit or ""
        ends = charted.until_us.tolist() if charted.until_us is not None else [None] * len(charted.at_us)
        for place, (who, at) in enumerate(zip(charted.patient.tolist(), charted.at_us.tolist(), strict=True)):
            value = "" if charted.low is None else f"{charted.low[place]:.10g}"
            word = "" if charted.word is None else charted.words[charted.word[place]]
            row = {"patient_id": f"v{who}", "start": spelt(at), "end": spelt(ends[place]), "text": word}
            rows[who].append(row | {"quantity": charted.quantity, "value": value, "unit": unit if value else ""})
    for who, began in enumerate(infused):
        last = began + timedelta(days=days)
        mine = sorted((row for row in rows[who] if moment(row["start"]) <= last), key=lambda row: row["start"])
        hours = [began + timedelta(hours=hour) for hour in range(-1, days * 24 + 1)]
        stormy = [hour for hour, storm in enumerate(block.storm[who][: days * 24].tolist()) if storm > STORM]
        ill = (began + timedelta(hours=stormy[0]), began + timedelta(hours=stormy[-1])) if stormy else (last, last)
        yield Course(f"v{who}", mine, hours, ill)


def spelt(at_us: int | None) -> str:
    """Microseconds since 1970 as a row has them."""
    return "" if at_us is None else datetime.fromtimestamp(at_us / 1e6, UTC).isoformat()


def replayed(courses: Iterable[Course], folder: Path) -> Replayed:
    """Every course on a ward of its own."""
    made = Replayed()
    for course in courses:
        clock = SetClock(moment(course.rows[0]["start"]))
        world = World(WardSettings(database=f"sqlite:///{folder / f'{course.patient}.db'}", demo=True), clock)
        take(world, moves=[Move(kind="placed", patient=course.patient, at=clock.now(), unit="A", bed="1", label="x")])
        before = datetime.min.replace(tzinfo=UTC)
        for at in course.looked:
            clock.set(at)
            new = [one for number, row in enumerate(course.rows) for one in arriving(row, str(number), before, at)]
            if new:
                take(world, *new)
            world.alerts.consider(world.grader.looks([course.patient]))
            before = at
        told = world.alerts._alerts(True)
        _weigh(made, course, told, world.grader.look(course.patient).answer)
        world.engine.dispose()
    return made


def arriving(row: Row, record: str, after: datetime, at: datetime) -> list[dict[str, Any]]:
    """A row as it arrives between two looks: when it starts, and again with its end when that is known."""
    given = {"patient": row["patient_id"], "start": row["start"], "quantity": row["quantity"], "value": row["value"],
             "unit": row["unit"], "text": row["text"], "source": "replay", "record": record}  # fmt: skip
    made: dict[str, Any] = {name: value or None for name, value in given.items()}
    begun = [made | {"version": "1"}] if after < moment(row["start"]) <= at else []
    ended = [made | {"version": "2", "end": row["end"]}] if row["end"] and after < moment(row["end"]) <= at else []
    return begun + ended


def _weigh(made: Replayed, course: Course, told: list[Alert], answer: Answer) -> None:
    """Add what one course told, and what came of each alert of the patient."""
    mine = [one for one in told if one.kind_class == "physiological"]
    made.days += sum(min(DAY_S, (b - a).total_seconds()) for a, b in pairwise(course.looked)) / DAY_S
    made.technical += len(told) - len(mine)
    made.worth += [
        Worth(kind=one.kind, risen=_risen(one, answer), treated=_treated(one, course.rows), ill=_ill(one, course))
        for one in mine
    ]
    if course.ill is not None and course.ill[0] < course.ill[1]:
        after = [(one.opened_at - course.ill[0]).total_seconds() / 3600 for one in mine if _ill(one, course)]
        made.began.append(min(after, default=None))


def _risen(one: Alert, answer: Answer) -> bool:
    """Whether the sure grade of CRS or ICANS rose above what it was when the alert was opened."""
    for syndrome in ("crs", "icans"):
        course = [step for step in answer.course if step.syndrome == syndrome and step.scale == ASTCT]
        then = [step.at_least for step in course if step.at <= one.opened_at]
        after = [step.at_least for step in course if one.opened_at < step.at <= one.opened_at + AFTER]
        if after and max(after) > (then[-1] if then else 0):
            return True
    return False


def _treated(one: Alert, rows: list[Row]) -> bool:
    """Whether something was done about CRS from then on."""
    return any(
        one.opened_at <= moment(row["start"]) <= one.opened_at + AFTER
        and (row["quantity"] in TREATMENTS or (row["quantity"] == "oxygen-device" and row["text"] != "room-air"))
        for row in rows
    )


def _ill(one: Alert, course: Course) -> bool | None:
    """Whether the course was under way, where that is known."""
    return None if course.ill is None else course.ill[0] <= one.opened_at <= course.ill[1] + LATE
