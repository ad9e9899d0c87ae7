"""What people enter: values at the bedside and their corrections, notes, alerts seen, files in Leeward CSV."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
from fastapi import APIRouter, Depends, Form, Request, UploadFile
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, RedirectResponse, Response

from leeward.record import leeward_csv
from leeward.record.errors import Malformed
from leeward.record.settings import Refused
from leeward.report import words
from leeward.ward.access import Person, Refusal
from leeward.ward.arrivals import Arrival, Receipt
from leeward.ward.audit import Entry
from leeward.ward.doors.alerts import theirs
from leeward.ward.doors.pages import admitted, shown
from leeward.ward.pages import charted, entry, notes, paper
from leeward.ward.world import World


def router(world: World) -> APIRouter:
    """Every form of the pages."""
    made = APIRouter(tags=["bedside"], include_in_schema=False)
    _chart(made, world)
    _said(made, world)
    _upload(made, world)
    return made


def _patient(world: World, handle: str) -> str:
    """Who a handle stands for; nobody's handle is answered as a patient who is not theirs."""
    patient = world.store.patient_of(handle)
    if patient is None:
        raise Refusal(404)
    return patient


def _chart(made: APIRouter, world: World) -> None:
    """Values, their corrections, and marks that end."""
    writer, reader = Depends(world.access.may("write")), Depends(world.access.may("read"))

    @made.post("/patient/{handle}/chart", dependencies=[writer])
    async def chart(handle: str, request: Request) -> Response:
        """Take in what the form holds; then on to a page that can be read again without charting anything again."""
        return await run_in_threadpool(taken_in, handle, request, await _filled(request))

    def taken_in(handle: str, request: Request, filled: dict[str, str]) -> Response:
        patient = _patient(world, handle)
        person = world.access.admit(request, "write", patient=patient, why="charted at the bedside")
        said = entry.chart(world, patient, person, filled)
        if said.wrong:
            return shown(world, request, person, handle, said=said, status=422)
        return _on(handle, said.once, again=said.again)

    @made.post("/patient/{handle}/entries/{record}", dependencies=[writer])
    async def again(handle: str, record: str, request: Request) -> Response:
        """Correct or take back an entry of one's own, or end a mark."""
        return await run_in_threadpool(corrected, handle, record, request, await _filled(request))

    def corrected(handle: str, record: str, request: Request, filled: dict[str, str]) -> Response:
        patient = _patient(world, handle)
        ends = filled.get("do") == "end"
        why = "ended a mark" if ends else "corrected an entry"
        person = world.access.admit(request, "override" if ends else "write", patient=patient, why=why)
        change = charted.end_mark if ends else charted.again
        became = change(world, patient, person, record, filled)
        if became.wrong:
            said = entry.Said(told=became.wrong, wrong={"again": became.wrong})
            return shown(world, request, person, handle, said=said, status=422)
        return _on(handle, became.once)

    @made.get("/patient/{handle}/chart", dependencies=[reader])
    @made.get("/patient/{handle}/entries/{record}", dependencies=[reader])
    def back(handle: str, request: Request) -> Response:
        """Whoever reads the address of a form again comes to the patient's page."""
        admitted(world, request, handle)
        return RedirectResponse(f"/patient/{handle}#chart", 303)


async def _filled(request: Request) -> dict[str, str]:
    """A form's words."""
    return {name: held for name, held in (await request.form()).items() if isinstance(held, str)}


def _on(handle: str, once: str, *, again: bool = False) -> Response:
    """To the patient's page, which says what became of a form."""
    return RedirectResponse(f"/patient/{handle}?charted={once}{'&again=1' if again else ''}#chart", 303)


def _said(made: APIRouter, world: World) -> None:
    """Notes, and alerts that were seen."""
    writer = Depends(world.access.may("write"))

    @made.post("/patient/{handle}/notes", dependencies=[writer])
    def note(handle: str, request: Request, text: str = Form(min_length=1, max_length=2000)) -> Response:
        """Keep a note."""
        patient = _patient(world, handle)
        person = world.access.admit(request, "write", patient=patient, why="wrote a note")
        if text.strip():
            notes.add(world, patient, person.name, text.strip())
        return RedirectResponse(f"/patient/{handle}#notes", 303)

    @made.post("/patient/{handle}/alerts/{number}/seen", dependencies=[writer])
    def seen(handle: str, number: int, request: Request) -> Response:
        """Somebody has seen an alert of this patient."""
        patient = _patient(world, handle)
        person = world.access.admit(request, "write", patient=patient, why="acknowledged an alert")
        held = world.alerts.one(number)
        if held is None or held.patient != patient:
            raise Refusal(404)
        world.alerts.acknowledge(number, person.id)
        return RedirectResponse(f"/patient/{handle}#alerts", 303)


def _upload(made: APIRouter, world: World) -> None:
    """Leeward CSV from a file."""
    writer = Depends(world.access.may("write"))

    @made.get("/upload")
    def ask(request: Request, person: Person = writer) -> HTMLResponse:
        """The form, and the columns."""
        return paper.answer(world, request, person, "upload.html", columns=leeward_csv.COLUMNS, more=leeward_csv.MORE)

    @made.post("/upload")
    async def upload(request: Request, file: UploadFile, silent: str = Form(""), person: Person = writer) -> Response:
        """Take a file in: what was understood, and what was not, line by line."""
        body = await file.read()
        return await run_in_threadpool(taken, request, person, body, bool(silent))

    def taken(request: Request, person: Person, body: bytes, silent: bool) -> Response:
        person = world.access.admit(request, "write", why="uploaded a file")
        try:
            told = _told(_taken(world, person, body, silent=silent))
            status = 200
        except Malformed as error:
            told, status = {"wrong": str(error)}, 422
        return paper.answer(world, request, person, "upload.html", status=status, columns=leeward_csv.COLUMNS,
                            more=leeward_csv.MORE, told=told)  # fmt: skip


def _taken(world: World, person: Person, body: bytes, *, silent: bool) -> Receipt:
    """A file's statements through the intake."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "upload.csv"
        path.write_bytes(body)
        lines = leeward_csv.statements(path, world.intake.reading("csv"))
        statements = _theirs(world, person, lines) if person.limited else lines
        told = Entry("write", person.id, person.role, why="uploaded a file", detail="csv")
        return world.intake.take(
            Arrival(door="csv", source="csv", by=person.id, silent=silent), statements, audited=told
        )


def _theirs(
    world: World, person: Person, lines: Iterable[pa.RecordBatch | Refused]
) -> Iterator[pa.RecordBatch | Refused]:  # fmt: skip
    """The lines of those whom somebody may see; the others are refused by line, and whose they were is not kept."""
    known: dict[str | None, bool] = {}
    for said in lines:
        if isinstance(said, Refused):
            yield said
            continue
        names, sources, places = (said.column(name).to_pylist() for name in ("patient", "source", "place"))
        for name in set(names) - known.keys():
            known[name] = not name or theirs(world, person, name, None)  # a line of nobody has a reason of its own
        yield said.filter(pa.array([known[name] for name in names], pa.bool_()))
        for name, source, place in zip(names, sources, places, strict=True):
            if not known[name]:
                yield Refused("patient-not-theirs", source=source, place=place)


def _told(receipt: Receipt) -> dict[str, Any]:
    """What was understood and what was not."""
    told = words.words().refusals
    by_reason = Counter(row["reason"] for row in receipt.refusals)
    return {
        "duplicate": receipt.duplicate, "new": receipt.new, "findings": receipt.findings,
        "patients": len(receipt.patients), "refused": len(receipt.refusals),
        "reasons": [(told.get(reason, reason), count) for reason, count in by_reason.most_common()],
        "places": [(row["place"], row["quantity"], told.get(row["reason"], row["reason"])) for row in receipt.refusals],
    }  # fmt: skip
