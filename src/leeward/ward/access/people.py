"""Who may do what: the one table of roles and actions, and a person as a request brings one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias, get_args

import msgspec

Role: TypeAlias = Literal["viewer", "clinician", "integrator", "administrator"]
Action: TypeAlias = Literal["read", "write", "grade", "export", "override", "operate", "open"]

ALLOWED: Mapping[Role, frozenset[Action]] = {
    "viewer": frozenset({"read"}),
    "clinician": frozenset({"read", "write", "grade", "export", "override"}),
    "integrator": frozenset({"read", "write", "grade", "export"}),
    "administrator": frozenset({"read", "write", "grade", "export", "override", "operate"}),
}
"""What each role may do.

read      see a patient, the ward, an alert
write     bring findings in; chart at the bedside
grade     have a grade worked out from what the caller sends (CDS Hooks, a tool)
export    take a course out: FHIR, CSV, PDF
override  quiet an alert, mark an attribution, merge two patients
operate   settings, speed of the replay, metrics of sources, sign-in of others
open      asks for nobody: health, capability statement, sign-in. No patient data may stand in such an answer.
"""

ROLES: tuple[Role, ...] = get_args(Role)
ACTIONS: tuple[Action, ...] = get_args(Action)


class Person(msgspec.Struct, frozen=True):
    """Somebody, or some system, who asks.

    units, patients: what they are limited to; None is no limit. actions: what their token allows of their role.
    """

    id: str
    name: str
    role: Role
    units: frozenset[str] | None = None
    patients: frozenset[str] | None = None
    actions: frozenset[str] | None = None

    def may(self, action: Action) -> bool:
        """Whether the role, and the token where one narrows it, allows an action."""
        return action in ALLOWED[self.role] and (self.actions is None or action in self.actions)

    def may_see(self, patients: frozenset[str], unit: str | None) -> bool:
        """Whether a patient, by any of the identifiers that are the same person, in a unit, is theirs to see."""
        if self.patients is not None and not patients & self.patients:
            return False
        return self.units is None or (unit is not None and unit in self.units)

    @property
    def limited(self) -> bool:
        """Whether there are patients that this person may not see."""
        return self.units is not None or self.patients is not None


DEMO = Person(id="demo", name="Demo clinician", role="administrator")
"""Everybody, where the demo data are shown on this machine only."""

NOBODY = Person(id="nobody", name="not signed in", role="viewer", units=frozenset(), patients=frozenset())
"""Whoever asks for what is open to all."""
