"""cases/cds-hooks.md: what is in prefetch, and the card that is said."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from tests.cases.parse import tables
from tests.record.fhir_bedside import RXNORM, concept, quantity
from tests.ward.hooks import Json, cards, charted, device, dose, ordered, prefetch, request

VIEW, ORDERS = tables(Path(__file__).parents[2] / "cases" / "cds-hooks.md")
DRUGS = {
    "tocilizumab": "612865", "dexamethasone": "3264", "acetaminophen": "161", "methylprednisolone": "6902",
    "prednisolone": "8638", "hydrocortisone": "5492",
}  # fmt: skip
STATE = [charted("temperature", 39.4, 1), charted("pressure", 84, 1), device("room air", 1), charted("weight", 70, 20)]


def parts(cell: str) -> list[tuple[str, str, float]]:
    """What a cell lists: the first word, the rest, hours ago."""
    found = []
    for one in filter(None, (part.strip() for part in cell.split(","))):
        said, _, hours = one.partition("@")
        name, _, rest = said.strip().partition(" ")
        found.append((name, rest.strip(), float(hours or 1)))
    return found


def observed(cell: str) -> list[Json]:
    """Observations of a cell."""
    return [
        device(rest, hours) if name == "device" else charted(name, float(rest), hours)
        for name, rest, hours in parts(cell)
    ]


def given(cell: str) -> list[Json]:
    """Doses of a cell."""
    return [dose(DRUGS[name], float(rest.split()[0]), hours, rest.split()[1]) for name, rest, hours in parts(cell)]


def order(cell: str) -> Json:
    """The order of a cell."""
    name, _, rest = cell.partition(" ")
    amount, _, unit = rest.partition(" ")
    return ordered(DRUGS[name], float(amount) if amount else None, unit)


def first(client: TestClient, call: Json) -> tuple[str, str]:
    """Indicator and summary of the first card."""
    found = cards(client, call)
    return (found[0]["indicator"], found[0]["summary"]) if found else ("", "-")


@pytest.mark.parametrize("row", [row for _, row in VIEW.rows], ids=lambda row: row["case"])
def test_what_is_said_on_opening_a_patient(client: TestClient, row: Json) -> None:
    """Each row, word for word."""
    call = request("patient-view", prefetch(observed(row["charted"]), given(row["given"])))
    assert first(client, call) == (row["indicator"], row["card"])


@pytest.mark.parametrize("hook", ["order-sign", "order-select"])
@pytest.mark.parametrize("row", [row for _, row in ORDERS.rows], ids=lambda row: row["case"])
def test_what_is_said_of_an_order(client: TestClient, row: Json, hook: str) -> None:
    """Each row, word for word, for either hook."""
    call = request(hook, prefetch(observed(row["charted"]), given(row["given"])), order(row["order"]))
    assert first(client, call) == (row["indicator"], row["card"])


def test_only_what_is_selected_is_looked_at(client: TestClient) -> None:
    """Of two drafted orders the one that the user has just chosen."""
    one, other = ordered(amount=900), ordered("3264", 10, id="draft-2")
    call = request("order-select", prefetch(STATE), one, other)
    assert len(cards(client, call)) == 1
    call["context"]["selections"] = ["MedicationRequest/draft-2"]
    assert cards(client, call) == []


def test_a_medication_by_reference_is_found(client: TestClient) -> None:
    """Carried inside the order, or beside it in the draft."""
    medicine = {"resourceType": "Medication", "id": "m", "code": concept("612865", RXNORM)}
    bare = ordered(amount=900, medicationCodeableConcept=None)
    inside = {**bare, "contained": [medicine], "medicationReference": {"reference": "#m"}}
    beside = {**bare, "medicationReference": {"reference": "Medication/m"}}
    for orders in ([inside], [beside, medicine]):
        assert cards(client, request("order-sign", prefetch(STATE), *orders))[0]["summary"].startswith(
            "Tocilizumab 900"
        )


def test_an_order_that_is_more_frequent_than_a_source_gives_it_says_so(client: TestClient) -> None:
    """Every six hours, where it is given at least eight apart."""
    often = {"repeat": {"frequency": 4, "period": 1, "periodUnit": "d"}}
    doses = [{"doseAndRate": [{"doseQuantity": quantity(560, "mg")}], "timing": often}]
    card = cards(client, request("order-sign", prefetch(STATE), ordered(dosageInstruction=doses)))[0]
    assert "every 6 h is ordered" in card["summary"]
    assert card["indicator"] == "warning"


def test_an_open_order_leaves_the_doses_before_unknown(client: TestClient) -> None:
    """Ordered two hours ago and not charted as given: it may have been."""
    active = ordered(id="active-1", status="active", authoredOn="2026-03-05T10:00:00Z")
    sent = prefetch(STATE, orders={"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": active}]})
    card = cards(client, request("order-sign", sent, ordered()))[0]
    assert "earlier doses of tocilizumab" in card["summary"]


def test_two_orders_of_one_drug_in_a_draft_are_said(client: TestClient) -> None:
    """Signed together they would be two doses at once."""
    found = cards(client, request("order-sign", prefetch(STATE), ordered(), ordered(id="draft-2")))
    assert [card["indicator"] for card in found] == ["warning", "warning"]
    assert "2 orders of it" in found[0]["summary"]
    assert len({card["uuid"] for card in found}) == 2


def test_the_cap_of_the_episode_holds(client: TestClient) -> None:
    """Four doses a day apart: each source that caps them is named."""
    before = [dose("612865", 560, hours) for hours in (12, 24, 36, 48)]
    card = cards(client, request("order-sign", prefetch(STATE, before), ordered()))[0]
    assert "in an episode" in card["detail"]
    assert card["indicator"] == "warning"
