"""The services of CDS Hooks: what each is called for, and what its client is asked to send with the call."""

from __future__ import annotations

from typing import Any

import msgspec

VERSION = "STU2"
"""CDS Hooks 2.0."""
PATIENT = "{{context.patientId}}"


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One prefetch template. `tells`: what is not known while it has not come, as a reader knows it.

    `grades`: whether a grade rests on it, so that half of it leaves the grade open. `newest_first`: it is asked for so,
    and of half of it the newer one is known.
    """

    template: str
    tells: str
    grades: bool = True
    newest_first: bool = False


_COMMON: dict[str, Asked] = {
    "patient": Asked(template=f"Patient/{PATIENT}", tells="date of birth", grades=False),
    "observations": Asked(
        template=f"Observation?patient={PATIENT}&_sort=-date&_count=500",
        tells="vital signs and results",
        newest_first=True,
    ),
    "given": Asked(template=f"MedicationAdministration?patient={PATIENT}&_count=500", tells="drugs given"),
    "procedures": Asked(template=f"Procedure?patient={PATIENT}&_count=200", tells="procedures and cell infusions"),
    "encounters": Asked(template=f"Encounter?patient={PATIENT}&_count=50", tells="place of care", grades=False),
}
_ORDERS = _COMMON | {
    "orders": Asked(
        template=f"MedicationRequest?patient={PATIENT}&status=active&_count=200",
        tells="active orders", grades=False,
    )
}  # fmt: skip


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """One service; `orders`: it looks at the orders that its client's user is about to make."""

    id: str
    hook: str
    title: str
    description: str
    prefetch: dict[str, Asked]
    orders: bool = False

    def as_json(self) -> dict[str, Any]:
        """The service as discovery lists it."""
        return {
            "hook": self.hook, "title": self.title, "description": self.description, "id": self.id,
            "prefetch": {key: asked.template for key, asked in self.prefetch.items()},
            "usageRequirements": USAGE, "version": VERSION,
        }  # fmt: skip


USAGE = (
    "Every prefetch key is needed: null where there is nothing, or a token for a FHIR server that this centre has "
    "listed. For a professional's review; a research instrument, not a medical device."
)
_ORDER_SAYS = (
    "For a drafted order of tocilizumab, siltuximab, anakinra or a corticosteroid: the interval, the caps and the dose "
    "by weight that each published source gives, beside what was given before."
)

SERVICES: dict[str, Service] = {
    one.id: one
    for one in (
        Service(
            id="leeward-course", hook="patient-view", title="Cytokine release: grade and its reasons",
            description=(
                "Grades of CRS and ICANS (ASTCT 2019) as ranges with reasons and what is missing, states that no grade "
                "shows, and where published sources differ."
            ),
            prefetch=_COMMON,
        ),
        Service(
            id="leeward-order-select", hook="order-select",
            title="Cytokine release: selected orders beside their sources",
            description=_ORDER_SAYS, prefetch=_ORDERS, orders=True,
        ),
        Service(
            id="leeward-order-sign", hook="order-sign", title="Cytokine release: orders beside their sources",
            description=_ORDER_SAYS, prefetch=_ORDERS, orders=True,
        ),
    )
}  # fmt: skip
