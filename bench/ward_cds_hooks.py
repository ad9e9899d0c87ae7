"""CDS Hooks over HTTP: one patient, 200 Observations in prefetch, beside the same rule in CQL."""

from __future__ import annotations

import copy
import json
import shutil
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import fhir
from home import BENCH, home, made
from job import Absent, Outcome, run
from reading import _write_bundle
from runs import OURS, Size
from table import Bar, Workload, measured, seconds_text

Json = dict[str, Any]
PACKAGES = ("cql-execution@3.3.2", "cql-exec-fhir@2.2.0", "@cqframework/cql@5.3.0")
TITLE = "cql-execution 3.3.2"
FOLDER = BENCH / "jobs" / "cql"
INSTALL_LIMIT_S = 600
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"


def cds_hooks(size: Size) -> Workload:
    """Peer 3: a service that answers a call of `patient-view`, from the request to the cards."""
    work = Workload("CDS Hooks over HTTP: a call with 200 Observations in prefetch", "patients")
    bodies, at = _bodies()
    task = {"bodies": str(bodies), "calls": max(300, size.patient_calls), "warm": 20}
    server = [sys.executable, str(BENCH / "jobs" / "hooks_server.py"), at]
    mine = run(OURS, "patient-view: grade, look-alikes, where sources differ", sys.executable, "hooks_calls",
               task | {"server": server, "path": "/cds-services/leeward-course"})  # fmt: skip
    theirs = _theirs(task)
    work.outcomes += [mine, theirs]
    _bars(work, mine, theirs)
    work.notes += [
        "The peer grades by the latest value of each sign (bench/jobs/cql/Astct.cql) and answers one card.",
        "Ours also writes each call into its audit, finds episodes and look-alikes, and compares sources.",
        "Calls come one after another on one connection.",
    ]
    return work


def _bars(work: Workload, mine: Outcome, theirs: Outcome) -> None:
    """Both limits, how many times faster than the peer, and equal grades."""
    own, peer = measured(mine), measured(theirs)
    for claim, limit_s, name in (("p50 under 30 ms", 0.030, "p50"), ("p99 under 60 ms", 0.060, "p99")):
        took_s = None if own is None else own.seconds if name == "p50" else float(own.more["p99_s"])
        said = "absent" if took_s is None else seconds_text(took_s)
        work.bars.append(Bar(f"CDS Hooks: {claim}", said, None if took_s is None else took_s < limit_s))
    if own is None or peer is None:
        work.bars.append(Bar(f"CDS Hooks: the same grades as {TITLE}", "absent", None))
        return
    ratio = peer.seconds / own.seconds
    work.bars.append(Bar(f"CDS Hooks: faster than {TITLE}", f"{ratio:.1f}x", ratio > 1))
    same = own.answer == peer.answer
    grades = ", ".join(str(low) if low == high else f"{low} to {high}" for low, high in own.answer)
    said = grades if same else f"{own.answer} {peer.answer}"
    work.bars.append(Bar(f"CDS Hooks: the same grades as {TITLE}", said, same))


def _theirs(task: Json) -> Outcome:
    """The peer's service; absent, saying why, where Node or its packages cannot be had."""
    what = "ASTCT grade by CQL"
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        return Absent(TITLE, what, "needs Node and npm, which are not on this machine")
    folder = home() / "peers" / "cql"
    elm = folder / "astct-elm.json"
    try:
        _install(folder)
        _said(node, str(FOLDER / "compile.mjs"), str(folder), str(FOLDER / "Astct.cql"), str(elm))
    except (subprocess.SubprocessError, OSError) as error:
        return Absent(TITLE, what, f"could not be installed ({type(error).__name__})")
    server = [node, str(FOLDER / "server.mjs"), str(folder), str(elm)]
    return run(TITLE, what, sys.executable, "hooks_calls", task | {"server": server, "path": "/"})


def _install(folder: Path) -> None:
    """The packages, once."""
    ready = folder / "ready.txt"
    wanted = "\n".join(PACKAGES)
    if ready.exists() and ready.read_text(encoding="utf-8") == wanted:
        return
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "package.json").write_text('{"private": true}', encoding="utf-8")
    print(f"  installing {TITLE} into {folder} (once) ...", flush=True)
    _said("npm", "install", "--no-audit", "--no-fund", "--silent", *PACKAGES, cwd=folder)
    ready.write_text(wanted, encoding="utf-8")


def _said(*command: str, cwd: Path | None = None) -> None:
    """Run a command of the peer's to its end."""
    subprocess.run(command, cwd=cwd, check=True, capture_output=True, timeout=INSTALL_LIMIT_S)


# ---------------------------------------------------------------- the calls


def _bodies() -> tuple[Path, str]:
    """The calls as a file, the timed one first; and the moment they are about."""
    bundle = json.loads(made(f"bundle-{fhir.VERSION}.json", _write_bundle).read_bytes())
    resources = [entry["resource"] for entry in bundle["entry"]]
    last = max(datetime.fromisoformat(one["effectiveDateTime"]) for one in resources if "effectiveDateTime" in one)
    bodies = [_body(changed) for changed in (resources, *_variants(resources, last))]
    path = home() / "data" / "hooks-calls.json"
    path.write_text(json.dumps(bodies), encoding="utf-8")
    return path, (last + timedelta(minutes=10)).isoformat()


def _body(resources: list[Json]) -> Json:
    """One call: everything the service asks for, as its client has fetched it."""
    patient = next(one for one in resources if one["resourceType"] == "Patient")

    def found(kind: str) -> Json:
        entries = [{"resource": one} for one in resources if one["resourceType"] == kind]
        return {"resourceType": "Bundle", "type": "searchset", "total": len(entries), "entry": entries}

    return {
        "hook": "patient-view", "hookInstance": "4a74b1d0-4fee-4d18-b76f-7f3bd361e4bc",
        "context": {"userId": "Practitioner/bench", "patientId": patient["id"]},
        "prefetch": {
            "patient": patient, "observations": found("Observation"), "given": found("MedicationAdministration"),
            "procedures": None, "encounters": None,
        },
    }  # fmt: skip


def _variants(resources: list[Json], last: datetime) -> list[list[Json]]:
    """The same patient with other values at the end: no fever, fever, pressure, oxygen, one and two vasopressors."""
    subject = next(one["subject"] for one in resources if "subject" in one)
    at, before = (last + timedelta(minutes=5)).isoformat(), (last - timedelta(hours=2)).isoformat()

    def amount(value: float, unit: str) -> Json:
        return {"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit}

    def charted(code: str, value: float, unit: str) -> Json:
        return {
            "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
            "valueQuantity": amount(value, unit),
        }

    def observed(**said: Any) -> Json:
        return {
            "resourceType": "Observation", "id": f"last-{json.dumps(said['code'])[-12:-5].strip()}", "status": "final",
            "subject": subject, "effectiveDateTime": at, **said,
        }  # fmt: skip

    def pressure(value: float) -> Json:
        code = {"coding": [{"system": "http://loinc.org", "code": "85354-9"}]}
        return observed(code=code, component=[charted("8480-6", value, "mm[Hg]")])

    def running(code: str) -> Json:
        return {
            "resourceType": "MedicationAdministration", "id": f"running-{code}", "status": "in-progress",
            "medicationCodeableConcept": {"coding": [{"system": RXNORM, "code": code}]}, "subject": subject,
            "effectivePeriod": {"start": before}, "dosage": {"rateQuantity": amount(5, "ug/min")},
        }  # fmt: skip

    fever, none = observed(**charted("8310-5", 39.2, "Cel")), observed(**charted("8310-5", 37.1, "Cel"))
    flow = observed(**charted("3151-8", 2, "L/min"))
    device = observed(code={"coding": [{"system": "http://loinc.org", "code": "3152-6"}]}, valueString="nasal cannula")
    added = [
        [none, pressure(120)], [fever, pressure(120)], [fever, pressure(90)], [fever, pressure(89)],
        [fever, pressure(120), device, flow], [fever, pressure(100), running("7512")],
        [fever, pressure(100), running("7512"), running("3992")],
    ]  # fmt: skip
    return [copy.deepcopy([*resources, *more]) for more in added]
