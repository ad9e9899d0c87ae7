"""From what a provider, an EHR or a token says of somebody to a person here: role, units, patients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from leeward.ward.access.people import Action, Person, Role
from leeward.ward.access.settings import Claims, Ehr

STRENGTH: tuple[Role, ...] = ("administrator", "clinician", "integrator", "viewer")
"""Where somebody has several roles, the first of these counts."""

SCOPES: Mapping[str, frozenset[Action]] = {
    "system/*.rs": frozenset({"read", "grade", "export"}),
    "system/*.read": frozenset({"read", "grade", "export"}),
    "system/*.cud": frozenset({"write"}),
    "system/*.write": frozenset({"write"}),
    "system/*.cruds": frozenset({"read", "grade", "export", "write"}),
    "system/*.*": frozenset({"read", "grade", "export", "write"}),
}
"""The scopes that our tokens know, of SMART 2 and of SMART 1, and what each allows; narrower ones we do not give."""


def from_provider(rules: Claims, issuer: str, said: Mapping[str, Any]) -> Person | None:
    """A person as the provider's claims say; None for somebody who has no role here."""
    role = _role(rules, said)
    if role is None:
        return None
    named = next((said[key] for key in ("name", "preferred_username") if isinstance(said.get(key), str)), said["sub"])
    patients = None
    if rules.patient is not None:
        patient = said.get(rules.patient)
        patients = frozenset({patient}) if isinstance(patient, str) else frozenset()
    return Person(f"{issuer}#{said['sub']}", named, role, units=_units(rules, said), patients=patients)


def from_ehr(ehr: Ehr, said: Mapping[str, Any], answer: Mapping[str, Any]) -> Person | None:
    """A person as an EHR's launch says: limited to the patient of the launch; None where no reading was granted.

    Without a patient only a grant for the user's own view (`user/…`) shows anybody.
    """
    granted = str(answer.get("scope", "")).split()
    reading = [scope for scope in granted if _reads(scope)]
    patient = answer.get("patient")
    if not reading:
        return None
    if isinstance(patient, str) and patient:
        patients: frozenset[str] | None = frozenset({patient})
    else:
        patients = None if any(scope.startswith("user/") for scope in reading) else frozenset()
    who = said.get("fhirUser") if isinstance(said.get("fhirUser"), str) else said["sub"]
    name = said.get("name") if isinstance(said.get("name"), str) else who
    units = None if ehr.units is None else frozenset(ehr.units)
    return Person(f"{ehr.iss}#{said['sub']}", str(name), ehr.role, units=units, patients=patients)


def actions_of(scopes: list[str]) -> frozenset[Action]:
    """What some of our scopes allow together."""
    return frozenset().union(*(SCOPES[scope] for scope in scopes if scope in SCOPES))


def _reads(scope: str) -> bool:
    """Whether a scope of SMART lets a patient's observations be read."""
    context, _, rest = scope.partition("/")
    kind, _, allowed = rest.partition(".")
    allowed = allowed.partition("?")[0]
    return context in ("patient", "user") and kind in ("*", "Observation") and ("r" in allowed or allowed == "*")


def _role(rules: Claims, said: Mapping[str, Any]) -> Role | None:
    """The strongest role that the claim gives."""
    held = {rules.roles[one] for one in _words(said.get(rules.role)) if one in rules.roles}
    return next((role for role in STRENGTH if role in held), None)


def _units(rules: Claims, said: Mapping[str, Any]) -> frozenset[str] | None:
    """The units that the claim gives; with a claim named and absent, none."""
    if rules.unit is None:
        return None
    named = _words(said.get(rules.unit))
    if not rules.units:
        return frozenset(named)
    return frozenset(unit for one in named for unit in rules.units.get(one, ()))


def _words(said: Any) -> list[str]:
    """A claim as words: a list of them, or one text with spaces between."""
    if isinstance(said, str):
        return said.split()
    return [one for one in said if isinstance(one, str)] if isinstance(said, list) else []
