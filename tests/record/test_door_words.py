"""Words, codes and states at the door: faults 13 and 24 to 28 of the bar for trusted systems, each with its number."""

from __future__ import annotations

import pytest

from leeward.knowledge.guidelines import guidelines
from leeward.knowledge.loader import load
from leeward.knowledge.vocabulary import Drugs, code_systems, quantities
from leeward.record.codes import Codes
from leeward.record.words import DEVICE
from leeward.scales import astct_2019_crs, reasons
from tests.record.doorstep import Doorstep, said

TEMPERATURE = {"quantity": "body-temperature", "value": "38.5", "unit": "Cel"}


def test_13_looked_for_and_not_measured_is_its_own_state() -> None:
    """Sensor off is neither normal nor uncharted."""
    refusal = Doorstep().refusal(quantity="spo2", status="absent", text="leads-off")
    assert (refusal["reason"], refusal["detail"], refusal["quantity"]) == ("not-measured", "leads-off", "spo2")


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (None, "final"),
        ("final", "final"),
        ("preliminary", "preliminary"),
        ("amended", "corrected"),
        ("entered-in-error", "withdrawn"),
        ("completed", "final"),
    ],
)
def test_24_25_states_that_stand(status: str | None, expected: str) -> None:
    """Preliminary may grade, and says that it is; a withdrawal withdraws."""
    assert Doorstep().finding(**TEMPERATURE, status=status)["status"] == expected


@pytest.mark.parametrize("status", ["registered", "unknown", "cancelled", "not-done", "a word of ours"])
def test_25_states_that_say_nothing_are_refused(status: str) -> None:
    """Registered and unknown never grade."""
    assert Doorstep().refusal(**TEMPERATURE, status=status)["reason"] == "status-not-usable"


def test_24_a_withdrawal_needs_no_value_and_no_time() -> None:
    """What is taken back is named by its record."""
    finding = Doorstep().finding(quantity="spo2", status="withdrawn", start=None, record="r1", version="2")
    assert (finding["status"], finding["low"], finding["record"]) == ("withdrawn", None, "r1")


@pytest.mark.parametrize(
    "newer", [{"value": "38,5"}, {"unit": None}, {"status": "absent"}, {"status": "cancelled"}, {"value": "101.3"}]
)
def test_24_an_unreadable_newer_version_withdraws_the_older(newer: dict[str, str | None]) -> None:
    """A correction that cannot be read must not leave the old value standing."""
    finding, refusal = Doorstep().both(**{**TEMPERATURE, "record": "r1", "version": "2", **newer})
    assert (finding["status"], finding["record"], finding["version"]) == ("withdrawn", "r1", "2")
    assert refusal["reason"] != "code-unknown"


def test_26_identifiers_are_text_and_a_missing_patient_is_refused() -> None:
    """007 stays 007; nobody's value is nobody's."""
    assert Doorstep().finding(**TEMPERATURE)["patient"] == "007"
    for nobody in (None, ""):
        assert Doorstep().refusal(**TEMPERATURE, patient=nobody)["reason"] == "patient-missing"


def test_27_the_same_value_from_two_devices_is_two_findings() -> None:
    """Both are kept; choosing is not the door's."""
    findings, refusals = Doorstep().admit(said(**TEMPERATURE, site="monitor"), said(**TEMPERATURE, site="nurse"))
    assert ([f["site"] for f in findings], refusals) == (["monitor", "nurse"], [])


@pytest.mark.parametrize(
    "coded",
    [
        {"system": "loinc", "code": "3150-6"},
        {"system": "loinc", "code": "27415-9"},
        {"system": "nobody's", "code": "1"},
        {"quantity": "blood-mood"},
        {"system": None, "code": None},
    ],
)
def test_28_a_code_nobody_knows_is_refused_with_its_spelling(coded: dict[str, str | None]) -> None:
    """Also codes that are often printed and wrong."""
    refusal = Doorstep().refusal(value="0.4", unit="1", **coded)
    assert refusal["reason"] == "code-unknown"
    assert refusal["detail"] == (coded.get("quantity") or "|".join(filter(None, coded.values())) or "no code")


def test_28_a_reused_code_means_its_new_meaning_only_from_its_first_day() -> None:
    """J9380 was vincristine until 2010."""
    assert Doorstep().finding(system="hcpcs", code="J9380")["text"] == "teclistamab"
    old = Doorstep().refusal(system="hcpcs", code="J9380", start="2009-05-01T00:00:00Z")
    assert old["reason"] == "code-unknown"


def test_28_a_known_code_is_read_as_its_quantity() -> None:
    """Code, fixed word, fixed grade, fixed site."""
    assert Doorstep().finding(system="loinc", code="8331-1", value="38.5", unit="Cel")["site"] == "oral"
    assert Doorstep().finding(system="omop", code="4097246")["text"] == "ventilator"
    for system, code in (("omop", "4052536"), ("snomed", "233573008")):
        assert Doorstep().finding(system=system, code=code)["text"] == "ecmo"
    for system, code in (("omop", "4140455"), ("snomed", "426990007")):
        found = Doorstep().finding(system=system, code=code)
        assert (found["quantity"], found["text"]) == ("home-oxygen", "present")
    grade = Doorstep().finding(system="icd10cm", code="D89.833")
    assert (grade["quantity"], grade["low"], grade["high"]) == ("documented-crs-grade", 3.0, 3.0)
    unspecified = Doorstep().finding(system="icd10cm", code="D89839")
    assert (unspecified["low"], unspecified["high"]) == (1.0, 5.0)


def test_an_order_is_not_given() -> None:
    """Ordered tocilizumab treats nobody."""
    assert Doorstep().refusal(system="rxnorm", code="612865", status="order")["reason"] == "order-only"


def test_an_unknown_device_is_refused_and_ends_the_old_one() -> None:
    """The device before it must not be carried on silently."""
    finding, refusal = Doorstep().both(quantity=DEVICE, text="Zorb hood")
    assert (finding["text"], refusal["reason"], refusal["detail"]) == ("unrecognised", "word-unknown", "Zorb hood")


@pytest.mark.parametrize(
    ("word", "normal"),
    [
        ("Nasal cannula ", "nasal-cannula"),
        ("High flow nasal cannula", "high-flow-nasal-cannula"),
        ("NIPPV", "bipap"),
        ("Venti mask", "venturi"),
        ("Non-rebreather", "non-rebreather"),
        ("Face tent", "face-tent"),
        ("None", "room-air"),
        ("Endotracheal tube", "ventilator"),
        ("Aerosol-cool", "aerosol-mask"),
        ("CPAP mask", "cpap"),
        ("IMV", "ventilator"),
        ("VV-ECMO", "ecmo"),
        ("ECMO via femoral cannulae", "ecmo"),
        ("Medium conc mask", "simple-mask"),
        ("room_air", "room-air"),
        ("Trach Collar", "tracheostomy-mask"),
        ("snomed|371908008", "simple-mask"),
        ("oxygen-unspecified", "oxygen-unspecified"),
        ("Nasal specs", "nasal-cannula"),
        ("O2 goggles", "nasal-cannula"),
        ("NC 2 L", "nasal-cannula"),
        ("Reservoir cannula", "nasal-cannula"),
        ("Mask with reservoir bag", "non-rebreather"),
        ("SIMV(PC)+PS", "ventilator"),
        ("PS/CPAP in LEV", "bipap"),
        ("Off oxygen", "room-air"),
    ],
)
def test_device_words_are_made_one(word: str, normal: str) -> None:
    """As nurses, ventilators and two databases write them."""
    assert Doorstep().finding(quantity=DEVICE, text=word)["text"] == normal


@pytest.mark.parametrize("word", ["Weaned from ventilator", "Not on high flow nasal cannula", "BiPAP mask removed"])
def test_a_device_that_is_off_is_not_one_in_use(word: str) -> None:
    """What replaced it is not said, so the device is unknown, and the word is listed."""
    finding, refusal = Doorstep().both(quantity=DEVICE, text=word)
    assert (finding["text"], refusal["reason"]) == ("unrecognised", "word-unknown")


@pytest.mark.parametrize(
    ("word", "product"),
    [
        ("Yescarta", "axicabtagene ciloleucel"),
        ("TECLISTAMAB-cqyv 10 mg/mL", "teclistamab"),
        ("Carvykti", "ciltacabtagene autoleucel"),
        ("Allogeneic CAR-T", "allogeneic CAR-T, other"),
        ("Chimeric antigen receptor T-cells", "autologous CAR-T, other"),
    ],
)
def test_products_are_known_by_name_and_brand(word: str, product: str) -> None:
    """A trigger is its INN."""
    assert Doorstep().finding(quantity="trigger", text=word)["text"] == product
    assert Doorstep().finding(system="drug-name", code=word)["text"] == product


@pytest.mark.parametrize(
    "name", ["FLUDARABINE 50 mg (CAR-T LYMPHODEPLETION)", "Leukapheresis for Kymriah", "Yescarta premedication"]
)
def test_a_step_before_a_therapy_is_not_the_therapy(name: str) -> None:
    """Lymphodepletion five days before the cells would start the course five days early."""
    assert Doorstep().refusal(system="drug-name", code=name)["reason"] == "code-unknown"


@pytest.mark.parametrize(("code", "found"), [("38228", True), ("0540T", True), ("38225", False), ("0537T", False)])
def test_only_the_giving_of_cells_is_a_trigger(code: str, found: bool) -> None:
    """CPT has a code for each step; cells that were only collected cause nothing."""
    findings, refusals = Doorstep().admit(said(system="cpt", code=code))
    assert ([f["quantity"] for f in findings], len(refusals)) == (["trigger"] if found else [], int(not found))


@pytest.mark.parametrize("word", ["none", "XYZ-101 CD19xCD3", "cyclophosphamide"])
def test_a_therapy_nobody_knows_is_no_trigger(word: str) -> None:
    """Nothing is graded on a word that may mean no therapy at all; a trial product goes by its class (therapies/)."""
    assert Doorstep().refusal(quantity="trigger", text=word)["reason"] == "word-unknown"


@pytest.mark.parametrize("name", ["Hydrocortisone Cream 2.5%", "Dexamethasone Ophthalmic Soln 0.1%", "Racepinephrine"])
def test_drugs_that_stay_on_the_surface_are_not_given(name: str) -> None:
    """An eye drop is no systemic steroid."""
    assert Doorstep().refusal(system="drug-name", code=name)["reason"] == "code-unknown"


@pytest.mark.parametrize(
    ("quantity", "text", "expected"),
    [
        ("sex", "F", "female"),
        ("seizure", "status epilepticus", "prolonged"),
        ("consciousness", "Unresponsive", "unarousable"),
        ("cerebral-oedema", "Diffuse", "diffuse"),
        ("attribution", "hypoxia=pneumonia", "hypoxia=pneumonia"),
        ("birth-date", "1960-05-01", "1960-05-01"),
        ("death", None, "unstated"),
    ],
)
def test_words_of_other_quantities(quantity: str, text: str | None, expected: str) -> None:
    """Each quantity has its own words."""
    assert Doorstep().finding(quantity=quantity, text=text)["text"] == expected


def test_a_yes_charted_as_a_number_is_a_word() -> None:
    """Motor weakness may be 1 or 0."""
    assert Doorstep().finding(quantity="motor-weakness", value="1")["text"] == "present"


@pytest.mark.parametrize(
    ("quantity", "text", "reason"),
    [
        ("seizure", "maybe", "word-unknown"),
        ("attribution", "mood=weather", "word-unknown"),
        ("birth-date", "1960-02-30", "impossible-time"),
        ("consciousness", None, "not-measured"),
    ],
)
def test_words_outside_the_vocabulary_are_refused(quantity: str, text: str | None, reason: str) -> None:
    """No word is bent into another."""
    assert Doorstep().refusal(quantity=quantity, text=text)["reason"] == reason


def test_what_is_true_at_any_time_needs_none() -> None:
    """Sex and date of birth come without a time."""
    assert Doorstep().finding(quantity="sex", text="male", start=None)["measured_at"].year == 1900


def test_codes_of_one_statement_yield_to_the_specific_one() -> None:
    """US Core sends arterial and pulse saturation codes together for a pulse oximeter."""
    codes = Codes()
    assert codes.best([("loinc", "2708-6"), ("loinc", "59408-5")]) == 1
    assert codes.best([("loinc", "2708-6")]) == 0
    assert codes.best([("loinc", "0-0")]) is None


def test_composed_codes_are_taken_apart() -> None:
    """MEDS writes vocabulary, code and unit in one word."""
    meaning = Codes(("mimic-iv",)).meaning("meds", "LAB//223761//°F")
    assert meaning is not None
    assert (meaning.quantity, meaning.unit) == ("body-temperature", "°F")
    plain = Codes().meaning("meds", "LOINC//8310-5")
    assert plain is not None
    assert plain.quantity == "body-temperature"


def test_every_code_means_a_quantity_and_a_word_it_has() -> None:
    """A code mapped to a quantity or word that does not exist would be lost in silence."""
    doorstep = Doorstep()
    for system in code_systems():
        for code in system.codes:
            assert code.quantity in quantities(), (system.system, code.code)
            if code.text and code.quantity in {DEVICE, "trigger", "care-setting"}:
                finding = doorstep.finding(quantity=code.quantity, text=code.text)
                assert finding["text"] == code.text


def luhn(code: str) -> bool:
    """Whether a LOINC code's last digit is its check digit (Luhn, modulo 10)."""
    number, check = code.split("-")
    total = 0
    for place, digit in enumerate(reversed(number)):
        doubled = int(digit) * (2 if place % 2 == 0 else 1)
        total += doubled // 10 + doubled % 10
    return (10 - total % 10) % 10 == int(check)


def test_every_loinc_code_passes_its_check_digit() -> None:
    """Misprints such as 3150-6 do not get in."""
    codes = [c.code for s in code_systems() if s.system == "loinc" for c in s.codes]
    assert [code for code in codes if not luhn(code)] == []
    assert not luhn("3150-6")


@pytest.mark.parametrize(
    ("name", "quantity"),
    [
        ("Diclofenac 75 mg IV", "diclofenac"),
        ("KETOROLAC TROMETHAMINE 15 mg inj", "ketorolac"),
        ("Acetylsalicylic acid 500 mg", "aspirin"),
        ("Kevzara", "sarilumab"),
        ("emapalumab-lzsg", "emapalumab"),
        ("Jakafi 10 mg tab", "ruxolitinib"),
    ],
)
def test_drugs_that_hide_fever_are_known_by_name(name: str, quantity: str) -> None:
    """Antipyretics and blockers of cytokines, by substance and brand."""
    assert Doorstep().finding(system="drug-name", code=name)["quantity"] == quantity


@pytest.mark.parametrize(
    ("name", "quantity", "word"),
    [
        ("Piperacillin/Tazobactam 4.5 g IV", "antibiotic", "piperacillin-tazobactam"),
        ("CEFEPIME 2 g in NS", "antibiotic", "cefepime"),
        ("Merrem", "antibiotic", "meropenem"),
        ("amoxicillin/clavulanic acid 1.2 g", "antibiotic", "amoxicillin-clavulanate"),
        ("Keppra 500 mg", "levetiracetam", None),
        ("Sprycel 100 mg", "dasatinib", None),
        ("Etoposide phosphate", "etoposide", None),
        ("Methotrexate 12 mg IT", "methotrexate", None),
        ("Privigen 10 %", "immunoglobulin", None),
        ("Benadryl 25 mg", "diphenhydramine", None),
    ],
)
def test_drugs_that_plans_dose_and_antibiotics_are_known_by_name(name: str, quantity: str, word: str | None) -> None:
    """By substance and brand; an antibiotic by one word."""
    found = Doorstep().finding(system="drug-name", code=name)
    assert (found["quantity"], found["text"]) == (quantity, word)


@pytest.mark.parametrize(
    "name",
    [
        "tobramycin ophth drops", "vancomycin eye drops", "clindamycin gel", "Amoxicillin 500 mg", "Azithromycin",
        "Sulfamethoxazole-trimethoprim", "Penicillin V 250 mg", "anti-thymocyte immune globulin", "Levofloxacin",
        "Vancomycin Oral Liquid", "Tobramycin Inhalation Soln",
    ],
)  # fmt: skip
def test_no_antibiotic_of_a_fever(name: str) -> None:
    """On the surface, or mostly prophylaxis: it would pass for the antibiotic of a fever."""
    assert Doorstep().refusal(system="drug-name", code=name)["reason"] == "code-unknown"


def test_every_name_and_code_of_an_antibiotic_is_a_word_of_it() -> None:
    """Or it would be refused."""
    words = quantities()["antibiotic"].words
    spelt = {name for spellings in words.values() for name in spellings}
    assert set(load("drugs", Drugs).names["antibiotic"]) == spelt
    coded = {c.text for s in code_systems() for c in s.codes if c.quantity == "antibiotic"}
    assert coded <= set(words)
    assert [word for word in words if words[word][0] != word] == []


def test_orders_name_the_drugs_that_plans_dose() -> None:
    """No more and no fewer, and each has a quantity: a drug without one could not be counted as given."""
    rules = [dose for one in guidelines() for dose in one.doses.values()]
    assert set(quantities()["ordered"].words) == {rule.counted_as or rule.drug for rule in rules}
    assert set(quantities()["ordered"].words) <= set(quantities())


@pytest.mark.parametrize("name", ["Diclofenac 1 % gel", "Ketorolac ophth 0.5 %", "diclofenac patch"])
def test_drugs_that_stay_on_the_surface_hide_nothing(name: str) -> None:
    """They lower no fever."""
    assert Doorstep().refusal(system="drug-name", code=name)["reason"] == "code-unknown"


def test_an_answer_can_cite_every_drug_that_waives_fever() -> None:
    """Or it would rest on findings that it does not show."""
    assert set(astct_2019_crs.limits().waiver.drugs) <= set(reasons.SHOWN)
