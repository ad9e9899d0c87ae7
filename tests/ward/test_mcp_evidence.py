"""Every statement that an agent is told names what it rests on, and each name leads somewhere: all sample patients."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from leeward.ward.arrivals import Move
from leeward.ward.backlog import take_backlog
from leeward.ward.clock import SetClock
from leeward.ward.look import Look
from leeward.ward.settings import WardSettings
from leeward.ward.tools import told
from leeward.ward.tools.definitions import definition
from leeward.ward.world import World

from .taken import take

SAMPLES = sorted((one for one in files("leeward.samples").iterdir() if one.name.endswith(".csv")),
                 key=lambda one: one.name)  # fmt: skip


def answers(world: World, look: Look) -> dict[str, dict[str, Any]]:
    """What each tool tells of a patient."""
    assert look.plan is not None
    said = {"grade": told.grade(look), "course": told.course(look), "scales": told.scales(look),
            "lookalikes": told.lookalikes(look), "plan": told.plan(look.plan, None), "schedule": told.schedule(look),
            "findings": told.findings(look, None, 720, free_text=False),
            "alerts": told.alerts(world.alerts.of(look.patient), look)}  # fmt: skip
    return {tool: msgspec.to_builtins(one) for tool, one in said.items()}


def statements(said: dict[str, Any], where: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object that stands in an answer by itself or in a list, and at any depth what something rests on."""
    for name, value in said.items():
        several = value if isinstance(value, list) else value.values() if name in ("scales", "scores") else [value]
        yield from ((f"{where}.{name}", one) for one in several if isinstance(one, dict) and name != "not_understood")
        yield from ((f"{where}.{name}", one) for one in reasons(value))


def reasons(said: Any) -> Iterator[dict[str, Any]]:
    """Every object in a list of reasons."""
    if isinstance(said, dict):
        for name, value in said.items():
            if name in ("because", "rests_on", "speaks_for", "speaks_against", "not_known"):
                yield from (one for one in value if isinstance(one, dict))
            yield from reasons(value)
    if isinstance(said, list):
        for one in said:
            yield from reasons(one)


def names(said: Any) -> Iterator[str]:
    """Every name of something that a statement rests on."""
    if isinstance(said, dict):
        for name, value in said.items():
            if name == "evidence_id":
                yield value
            else:
                yield from names(value)
    if isinstance(said, list):
        for one in said:
            yield from names(one)


@pytest.mark.slow
@pytest.mark.parametrize("sample", SAMPLES, ids=lambda one: one.name)
def test_every_statement_is_named_and_every_name_leads_somewhere(sample: Traversable, tmp_path: Path) -> None:
    """By `findings` where it is of the record, by `definition` where it was published."""
    rows = list(csv.DictReader(sample.read_text(encoding="utf-8").splitlines()))
    last = max(datetime.fromisoformat(row["start"]) for row in rows)
    clock = SetClock(last.astimezone(UTC) + timedelta(minutes=5))
    world = World(WardSettings(database=f"sqlite:///{tmp_path / 'ward.db'}", demo=True), clock)
    path = tmp_path / sample.name
    path.write_text(sample.read_text(encoding="utf-8"), encoding="utf-8")
    take_backlog(world.intake, path, "sample", piece=10_000)
    patient = rows[0]["patient_id"]
    take(world, moves=[Move(kind="placed", patient=patient, unit="A", bed="1", at=clock.now())])
    while world.grader.once():
        pass
    clock.advance(timedelta(hours=9))
    while world.grader.once():
        pass
    look = world.grader.look(patient, plan=True)
    said = answers(world, look)
    for tool, answer in said.items():
        for where, one in statements(answer, tool):
            assert one.get("evidence_id"), (where, one)
    found = {name for name in names(said) if name is not None}
    assert found
    lost = [name for name in sorted(found) if not leads(name, look)]
    assert lost == []
    world.engine.dispose()


def leads(name: str, look: Look) -> bool:
    """Whether a tool tells what stands behind a name."""
    if name.startswith("finding/"):
        return bool(told.findings(look, None, 1, free_text=False, evidence_id=name)["findings"])
    return definition(name) is not None
