"""A patient whose every identifier can be recognised, led through a whole ward in a process of its own.

Run as a program: it prints what a ward logs, and writes what it answered into the file that it is given.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import text
from starlette.testclient import TestClient

KINDS = {
    "name": "Zebedee Quillfeather",
    "address": "14 Gossamer Lane",
    "date": "1931-02-29",
    "telephone": "+1-555-010-7741",
    "fax": "+1-555-010-7742",
    "e-mail": "zebedee@quillfeather.example",
    "social security number": "078-05-1120",
    "record number": "MRN5550123987",
    "health plan number": "HPN-88-4412",
    "account number": "ACC-90-3317",
    "licence number": "LIC-77-1203",
    "vehicle": "VIN1M8GDM9AXKP042788",
    "device": "SN-PUMP-40417",
    "web address": "https://quillfeather.example/me",
    "internet address": "203.0.113.77",
    "fingerprint": "BIO-5f3759df",
    "photograph": "zebedee-face.jpg",
    "other code": "STUDY-QF-0042",
}
"""The eighteen kinds of identifier of the HIPAA safe harbour (45 CFR 164.514(b)(2)), each a word found nowhere else."""
ALL = "; ".join(KINDS.values())
PATIENT = KINDS["record number"]


def world_of(folder: Path) -> Any:
    """A demo ward with the patient in it."""
    from leeward.ward.arrivals import Move
    from leeward.ward.clock import SetClock
    from leeward.ward.settings import WardSettings
    from leeward.ward.world import World
    from tests.ward.conftest import NOW
    from tests.ward.taken import said, take

    limits = {"limits": {"burst": 100_000.0}}
    settings = WardSettings(database=f"sqlite:///{folder / 'ward.db'}", demo=True, limits=limits)
    world = World(settings, SetClock(NOW))
    label = Move(kind="placed", patient=PATIENT, at=NOW, unit="7 West", bed="1", label=KINDS["name"])
    rows = (
        said(PATIENT, "trigger", NOW - timedelta(days=2), "axicabtagene ciloleucel"),
        said(PATIENT, "body-temperature", NOW, 39.2, "Cel", source=ALL, place=ALL),
        said(PATIENT, "body-temperature", NOW, ALL, "Cel"),
        said(PATIENT, ALL, NOW, 1, ALL),
    )
    take(world, *rows, moves=[label], message=ALL, by=KINDS["name"])
    return world


def bodies() -> Iterator[tuple[str, bytes]]:
    """What is sent to every address: whole, broken, too deep, of the wrong kind; each full of the patient."""
    resource = {
        "resourceType": "Patient",
        "id": "1",
        "name": [{"text": ALL}],
        ALL: ALL,
        "identifier": [{"value": PATIENT}],
    }
    hook = {
        "hook": "patient-view",
        "hookInstance": ALL,
        "context": {"patientId": PATIENT, "userId": ALL},
        "prefetch": resource,
    }
    for held in (resource, hook, [ALL], ALL, {"minutes": ALL, "reason": ALL, "speed": ALL}):
        yield "application/json", json.dumps(held).encode()
    yield "application/fhir+json", json.dumps(resource).encode()
    yield "application/json", json.dumps(resource).encode()[:-1]
    yield "application/json", f'{{"{ALL}": 1, "{ALL}": 2}}'.encode()
    yield "application/json", (f'{{"{PATIENT}":' * 300 + "1" + "}" * 300).encode()
    yield "application/xml", f"<name>{ALL}</name>".encode()
    yield "text/csv", f"patient,quantity\n{PATIENT},{ALL}\n".encode()
    yield "application/x-www-form-urlencoded", f"name={ALL}&client_assertion={ALL}&csrf={ALL}".encode()
    yield "x-application/hl7-v2+er7", f"MSH|^~\\&|{ALL}\rPID|1||{PATIENT}||{ALL}".encode()


def led_through(client: TestClient, paths: list[tuple[str, str]], handle: str) -> Iterator[dict[str, Any]]:
    """Every answer of every address, asked well and badly."""
    for method, pattern in paths:
        if pattern == "/events":
            continue  # a stream without end
        for word in (handle, PATIENT, KINDS["name"]):
            path = re.sub(r"\{[^}]*\}", word, pattern)
            if method == "GET":
                yield answered(client.get(path))
                yield answered(client.get(path, params={"then": ALL, "of": ALL, "iss": ALL, "state": ALL, "at": ALL}))
                yield answered(
                    client.get(path, headers={"Authorization": f"Bearer {PATIENT}", "X-Who": KINDS["telephone"]})
                )
                continue
            for kind, body in bodies():
                yield answered(client.request(method, path, content=body, headers={"Content-Type": kind}))
    yield answered(client.get(f"/{PATIENT}/{KINDS['name']}"))


def answered(answer: Any) -> dict[str, Any]:
    """What is looked at afterwards."""
    page = answer.headers.get("content-type", "").startswith("text/html")
    shows = answer.status_code < 400 or (page and answer.status_code == 422)  # a form back, for whoever may see it
    links = re.findall(r'(?:href|src|action|data-url)="([^"]*)"', answer.text)
    named = ("location", "content-location", "link") if answer.status_code != 307 else ()
    where = [value for name, value in answer.headers.items() if name in named]  # 307: the caller's own address, respelt
    return {
        "status": answer.status_code,
        "links": [*links, *where],
        "text": "" if shows else answer.text,
    }


def failing(_self: Any, *_asked: Any, **_more: Any) -> Any:
    """A part of the ward that breaks, with the patient in its words."""
    raise ValueError(ALL)


def crashes(world: Any) -> None:
    """Everything that can go wrong outside a request, each with the patient in its words."""

    class Unraisable:
        def __del__(self) -> None:
            raise ValueError(ALL)

    def thread() -> None:
        raise ValueError(ALL)

    async def forgotten() -> None:
        asyncio.get_running_loop().create_task(wrong())
        await asyncio.sleep(0.01)

    async def wrong() -> None:
        raise ValueError(ALL)

    made = threading.Thread(target=thread, name=ALL)
    made.start()
    made.join()
    Unraisable()
    asyncio.run(forgotten(), debug=True)
    warnings.warn(ALL, stacklevel=1)
    for name in ("uvicorn.error", "sqlalchemy.engine", "hl7", "mcp.server", "anything"):
        try:
            failing(None)
        except ValueError:
            logging.getLogger(name).exception("%s broke", ALL)
    try:
        with world.engine.connect() as connection:
            connection.execute(text("select * from nowhere where a = :name"), {"name": ALL})
    except Exception:
        logging.getLogger("leeward").exception(ALL)


def main(folder: Path, out: Path) -> None:
    """Lead the patient through; at the end break altogether."""
    from leeward.ward.app import create_app
    from leeward.ward.logs import configure
    from tests.ward.test_access_routes import walked

    configure()
    world = world_of(folder)
    app = create_app(world, start=False)
    client = TestClient(app, follow_redirects=False, raise_server_exceptions=False)
    paths = sorted(set(walked(app)) | {("GET", "/none"), ("POST", "/none")})
    handle = world.store.handle_of(PATIENT)
    found = list(led_through(client, paths, handle))
    whole: dict[str, Callable[..., Any]] = {}
    for name in ("patients", "patient", "known", "board", "events_after", "patient_of"):
        whole[name] = getattr(type(world.store), name)
        setattr(type(world.store), name, failing)
    found += led_through(client, paths, handle)
    for name, held in whole.items():
        setattr(type(world.store), name, held)
    crashes(world)
    out.write_text(json.dumps(found), encoding="utf-8")
    raise RuntimeError(ALL)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
