"""FHIR medications: given, infused, ordered, not given, mixed, and referred to."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.record.fhir_bedside import (
    AT,
    RXNORM,
    Json,
    administration,
    bundle,
    concept,
    ndjson,
    patient,
    quantity,
    tell,
    told,
)

ATC = "http://www.whocc.no/atc"
NOREPINEPHRINE = concept("7512", RXNORM)
PERIOD = {"start": "2026-03-01T08:00:00Z", "end": "2026-03-01T12:00:00Z"}
METHOD = "http://mimic.mit.edu/fhir/mimic/CodeSystem/mimic-medication-method"


def infusion(**dosage: Any) -> Json:
    """Norepinephrine from eight to twelve."""
    return administration(
        medicationCodeableConcept=NOREPINEPHRINE, effectiveDateTime=None, effectivePeriod=PERIOD, dosage=dosage
    )


def request(**parts: Any) -> Json:
    """An order for tocilizumab."""
    return {
        "resourceType": "MedicationRequest",
        "id": "r1",
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": concept("612865", RXNORM),
        "subject": {"reference": "Patient/007"},
        "authoredOn": AT,
        **parts,
    }


def referring(reference: str, **parts: Any) -> Json:
    """An administration that points to its medication."""
    return administration(medicationCodeableConcept=None, medicationReference={"reference": reference}, **parts)


def medication(key: str = "med", **parts: Any) -> Json:
    """Tocilizumab as a resource of its own, unless said otherwise."""
    return {"resourceType": "Medication", "id": key, "code": concept("L04AC07", ATC), **parts}


def test_a_dose_given(tmp_path: Path) -> None:
    """What, how much, when."""
    found = tell(tmp_path, administration()).finding()
    assert (found["quantity"], found["low"], found["measured_at"]) == (
        "tocilizumab",
        560.0,
        datetime(2026, 3, 1, 7, tzinfo=UTC),
    )


def test_a_dose_whose_unit_nobody_knows_was_given_all_the_same(tmp_path: Path) -> None:
    """That it was given stands; how much is refused."""
    both = tell(tmp_path, administration(dosage={"dose": quantity(1, "vial", "urn:x")}))
    assert (both.findings[0]["quantity"], both.findings[0]["low"]) == ("tocilizumab", None)
    assert both.reasons() == ["unit-unknown"]


def test_a_dose_infused_at_a_rate_is_a_dose(tmp_path: Path) -> None:
    """The pump's millilitres per hour are not the dose of a drug that is dosed in milligrams."""
    dosage = {"dose": quantity(560, "mg"), "rateQuantity": quantity(100, "mL/h")}
    assert tell(tmp_path, administration(dosage=dosage)).finding()["low"] == 560.0


@pytest.mark.parametrize(
    "dosage",
    [
        {"rateQuantity": quantity(6, "ug/min")},
        {"rateQuantity": quantity(6, "ug/min"), "dose": quantity(1.44, "mg")},
        {"rateRatio": {"numerator": quantity(6, "ug"), "denominator": quantity(1, "min")}},
        {"rateRatio": {"numerator": quantity(60, "ug"), "denominator": quantity(10, "min")}},
        {"rateRatio": {"numerator": quantity(6, "ug"), "denominator": {"unit": "min"}}},
        {"rateQuantity": {"value": 6, "unit": "mcg/min"}},
    ],
)
def test_an_infusion_runs_at_its_rate(tmp_path: Path, dosage: Json) -> None:
    """By quantity or by ratio; a dose beside it is not the rate."""
    found = tell(tmp_path, infusion(**dosage)).finding()
    assert (found["quantity"], found["low"], found["high"]) == ("norepinephrine", 6.0, 6.0)
    assert (found["measured_at"].hour, found["measured_until"].hour) == (8, 12)


def test_an_infusion_without_end_is_open(tmp_path: Path) -> None:
    """No end recorded is not an end."""
    open_ = infusion(rateQuantity=quantity(6, "ug/min")) | {"effectivePeriod": {"start": AT}, "status": "in-progress"}
    assert tell(tmp_path, open_).finding()["measured_until"] is None


def test_a_rate_at_a_time_runs_on(tmp_path: Path) -> None:
    """A change of rate is charted as a moment; the infusion runs on from there."""
    changed = administration(medicationCodeableConcept=NOREPINEPHRINE, dosage={"rateQuantity": quantity(6, "ug/min")})
    assert tell(tmp_path, changed).finding()["measured_until"] is None


def test_a_vasopressor_pushed_by_hand_does_not_run_on(tmp_path: Path) -> None:
    """A dose at a moment is no infusion without an end."""
    pushed = administration(medicationCodeableConcept=NOREPINEPHRINE, dosage={"dose": quantity(10, "ug")})
    found = tell(tmp_path, pushed).findings[0]
    assert found["measured_until"] == found["measured_at"]


def test_zero_is_a_stop(tmp_path: Path) -> None:
    """An explicit stop is kept as one."""
    assert tell(tmp_path, infusion(rateQuantity=quantity(0, "ug/min"))).finding()["low"] == 0.0


@pytest.mark.parametrize("below", [{"value": 0, "unit": "min"}, {"value": "x", "unit": "min"}])
def test_a_ratio_that_is_none(tmp_path: Path, below: Json) -> None:
    """It ran, at no rate that can be read."""
    both = tell(tmp_path, infusion(rateRatio={"numerator": quantity(6, "ug"), "denominator": below}))
    assert (both.findings[0]["low"], both.reasons()) == (None, ["not-a-number"])


@pytest.mark.parametrize("status", ["not-done", "unknown"])
def test_not_given(tmp_path: Path, status: str) -> None:
    """What was not given grades nothing."""
    assert tell(tmp_path, administration(status=status)).refusal()["reason"] == "status-not-usable"


def test_entered_in_error(tmp_path: Path) -> None:
    """Kept to withdraw what was read before."""
    assert tell(tmp_path, administration(status="entered-in-error")).finding()["status"] == "withdrawn"


@pytest.mark.parametrize("word", ["Not Given", "Hold Dose", "Stopped"])
def test_completed_and_yet_not_given(tmp_path: Path, word: str) -> None:
    """One export marks everything as completed and says elsewhere that nothing was given."""
    dosage = {"dose": quantity(560, "mg"), "method": concept(word, METHOD)}
    refused = tell(tmp_path, administration(dosage=dosage)).refusal()
    assert (refused["reason"], refused["detail"]) == ("status-not-usable", "not-done")


def test_the_route_is_kept(tmp_path: Path) -> None:
    """An eye drop is not a systemic steroid; whoever judges must be able to see it."""
    dosage = {"dose": quantity(560, "mg"), "route": concept("47625008", "http://snomed.info/sct", "Intravenous route")}
    assert tell(tmp_path, administration(dosage=dosage)).finding()["site"] == "Intravenous route"


def test_an_order_is_not_a_dose(tmp_path: Path) -> None:
    """Refused as a dose, and a finding of its own: that it was ordered, and when."""
    both = tell(tmp_path, request())
    assert [(one["reason"], one["quantity"]) for one in both.refusals] == [("order-only", "tocilizumab")]
    found = [(one["quantity"], one["text"], one["low"], one["measured_at"]) for one in both.findings]
    assert found == [("ordered", "tocilizumab", None, datetime(2026, 3, 1, 7, tzinfo=UTC))]


@pytest.mark.parametrize(
    "parts",
    [
        {"intent": "proposal"},
        {"intent": "plan"},
        {"intent": "option"},
        {"intent": None},
        {"medicationCodeableConcept": concept("1192", RXNORM, "Docusate")},
        {"medicationCodeableConcept": concept("7258", RXNORM, "Naproxen")},
    ],
)
def test_what_is_no_order_or_of_no_drug_that_a_plan_doses(tmp_path: Path, parts: Json) -> None:
    """A proposal is none; of other drugs an order tells nothing that is asked."""
    assert tell(tmp_path, request(**parts)).findings == []


@pytest.mark.parametrize("status", ["cancelled", "stopped", "on-hold", "draft", "entered-in-error", "unknown", None])
def test_an_order_that_does_not_stand(tmp_path: Path, status: str | None) -> None:
    """It tells nothing by itself, and takes back the version in which it stood."""
    later = request(status=status, meta={"versionId": "2"})
    assert [one["status"] for one in tell(tmp_path, later).findings] == ["withdrawn"]
    found = tell(tmp_path, request(meta={"versionId": "1"}), later).findings
    assert {one["record"] for one in found} == {found[0]["record"]}
    assert [(one["version"], one["status"], one["revised"]) for one in found] == [
        ("1".zfill(20), "final", True),
        ("2".zfill(20), "withdrawn", True),
    ]


def test_an_order_not_to_give(tmp_path: Path) -> None:
    """It is the opposite of an order."""
    assert [one["status"] for one in tell(tmp_path, request(doNotPerform=True)).findings] == ["withdrawn"]


@pytest.mark.parametrize(
    ("code", "system", "word"),
    [("J01CR05", ATC, "piperacillin-tazobactam"), ("11124", RXNORM, "vancomycin")],
)
def test_an_antibiotic_given(tmp_path: Path, code: str, system: str, word: str) -> None:
    """It is known by its name; how much was given is not asked."""
    found = tell(tmp_path, administration(medicationCodeableConcept=concept(code, system))).finding()
    assert (found["quantity"], found["text"], found["low"]) == ("antibiotic", word, None)


@pytest.mark.parametrize(
    "named",
    [
        {"text": "Tocilizumab 20 mg/mL injection"},
        concept("0000-0000-00", "http://hl7.org/fhir/sid/ndc", "ACTEMRA 400 mg vial"),
        {"coding": [{"display": "RoActemra"}]},
    ],
)
def test_a_drug_known_by_its_name(tmp_path: Path, named: Json) -> None:
    """Where no code is known, the names are tried."""
    assert tell(tmp_path, administration(medicationCodeableConcept=named)).finding()["quantity"] == "tocilizumab"


def test_a_drug_nobody_knows(tmp_path: Path) -> None:
    """Listed by its first code."""
    unknown = concept("1", RXNORM, "Docusate")
    refused = tell(tmp_path, administration(medicationCodeableConcept=unknown)).refusal()
    assert (refused["reason"], refused["detail"]) == ("code-unknown", "rxnorm|1")


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("reference", ["Medication/med", "https://here.example/fhir/Medication/med/_history/2"])
def test_a_medication_referred_to(tmp_path: Path, reference: str, *, late: bool) -> None:
    """Before it or behind it."""
    resources = [medication(), referring(reference)]
    assert tell(tmp_path, *(reversed(resources) if late else resources)).finding()["quantity"] == "tocilizumab"


def test_a_medication_in_another_file(tmp_path: Path) -> None:
    """Medications are read before what refers to them, whatever the files are called."""
    (tmp_path / "1-given.ndjson").write_bytes(ndjson([referring("Medication/med")]))
    (tmp_path / "2-medication.ndjson.gz").write_bytes(gzip.compress(ndjson([medication()])))
    found = told(tmp_path).finding()
    assert (found["quantity"], found["source"], found["place"]) == ("tocilizumab", "1-given.ndjson", "line 1")


def test_a_medication_inside(tmp_path: Path) -> None:
    """Contained in the administration itself."""
    assert tell(tmp_path, referring("#med", contained=[medication()])).finding()["quantity"] == "tocilizumab"


def test_a_medication_of_the_same_bundle(tmp_path: Path) -> None:
    """By a temporary address, or by an id that another bundle uses for another drug."""
    other = medication(code=concept("H02AB02", ATC))
    record = [
        bundle(medication(), referring("urn:uuid:1"), addresses=["urn:uuid:1"]),
        bundle(other, referring("Medication/med", id="m2"), addresses=["urn:uuid:2"]),
    ]
    assert [f["quantity"] for f in tell(tmp_path, *record).findings] == ["tocilizumab", "dexamethasone"]


def test_two_medications_under_one_id(tmp_path: Path) -> None:
    """Neither is taken."""
    both = tell(tmp_path, medication(), medication(code=concept("H02AB02", ATC)), referring("Medication/med"))
    assert both.refusal()["reason"] == "code-unknown"


def test_a_medication_that_is_nowhere(tmp_path: Path) -> None:
    """The name beside the reference may still tell; without one it is unknown."""
    named = administration(
        id="m2", medicationCodeableConcept=None, medicationReference={"reference": "Medication/x", "display": "Actemra"}
    )
    both = tell(tmp_path, referring("Medication/x"), named)
    assert [f["record"] for f in both.findings] == ["MedicationAdministration/m2"]
    assert [(r["reason"], r["place"]) for r in both.refusals] == [("code-unknown", "line 1")]


def test_a_mixture_is_what_is_known_in_it(tmp_path: Path) -> None:
    """Norepinephrine in saline is norepinephrine; the amount is its own only if it is the only drug."""
    mixture = medication(
        code=None,
        ingredient=[
            {"itemCodeableConcept": concept("313002", RXNORM)},
            {"itemReference": {"reference": "Medication/nor"}},
        ],
    )
    nor = medication("nor", code=NOREPINEPHRINE)
    infused = infusion(rateQuantity=quantity(6, "ug/min")) | {"medicationReference": {"reference": "Medication/med"}}
    del infused["medicationCodeableConcept"], mixture["code"]
    assert tell(tmp_path, nor, mixture, infused).finding()["low"] == 6.0


def test_a_mixture_of_two_drugs_has_no_amount_of_either(tmp_path: Path) -> None:
    """Both were given; how much of each is not said."""
    mixture = medication(
        ingredient=[{"itemCodeableConcept": concept(c, ATC)} for c in ("L04AC07", "H02AB02")], code={"text": "mix"}
    )
    found = tell(tmp_path, mixture, referring("Medication/med")).findings
    assert {(f["quantity"], f["low"]) for f in found} == {("tocilizumab", None), ("dexamethasone", None)}
    assert len({f["record"] for f in found}) == 2


def test_a_mixture_of_itself_ends(tmp_path: Path) -> None:
    """A circle of references is no reason to turn for ever."""
    circle = medication(code={"text": "mix"}, ingredient=[{"itemReference": {"reference": "Medication/med"}}])
    assert tell(tmp_path, circle, referring("Medication/med")).refusal()["reason"] == "code-unknown"


@pytest.mark.parametrize("code", [concept("2479136", RXNORM), concept("L01XL08", ATC), {"text": "BREYANZI susp"}])
def test_a_therapy_that_can_cause_crs(tmp_path: Path, code: Json) -> None:
    """By code or by brand, one name."""
    given = administration(medicationCodeableConcept=code, dosage=None)
    assert tell(tmp_path, patient(), given).values() == {"trigger": "lisocabtagene maraleucel"}
