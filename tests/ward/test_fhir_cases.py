"""The table of cases/fhir-door.md, row by row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from leeward.ward.alerts.record import standing
from leeward.ward.world import World
from tests.cases.parse import tables

from .fhir_sent import Said, at, send, temperature

FILE = Path(__file__).parents[2] / "cases" / "fhir-door.md"
ROWS = [row for table in tables(FILE) for _, row in table.rows]


def resource(cell: str) -> Said:
    """`38.6 final @40` as an Observation."""
    value, status, *version = cell.split()
    made = temperature(float(value), status=status)
    for said in version:
        if said.startswith("#"):
            made["meta"] = {"versionId": said[1:]}
        elif said.startswith("issued@"):
            made["issued"] = at(minutes=float(said.removeprefix("issued@")))
        else:
            made["meta"] = {"lastUpdated": at(minutes=float(said[1:]))}
    return made


def do(client: TestClient, cell: str) -> Any:
    """What a cell says; its answer."""
    if not cell:
        return None
    if cell.startswith("delete"):
        do(client, cell.removeprefix("delete").removeprefix(" after "))
        return client.delete("/fhir/Observation/t1")
    return send(client, resource(cell))


@pytest.mark.parametrize("row", ROWS, ids=[row["case"] for row in ROWS])
def test_case(client: TestClient, world: World, row: dict[str, str]) -> None:
    """The second answer, and what stands after it."""
    do(client, row["first"])
    answer = do(client, row["first"] if row["then"] == "again" else row["then"])
    assert str(answer.status_code) == row["answer"]
    found = standing(world.store.known(["007"]).findings, world.clock.now())
    assert [one.value for one in found] == [float(cell) for cell in row["stands"].split(", ") if cell]
