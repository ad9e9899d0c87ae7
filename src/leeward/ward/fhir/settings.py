"""What a centre sets for FHIR: whose addresses are this ward's, what a board may show of a name, who may be told."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from leeward.record.errors import BadSetting


class Told(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A system that may subscribe to grades: the address it is told at, and the secret with which that is signed."""

    name: str
    url: str
    secret: str


class FhirSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The section `fhir`. servers: base addresses whose ids are the same as ours, so that whole addresses are followed.

    clients: which feed of [sources] a client's resources belong to, by the id it signs in with; else the feed `fhir`.
    label: what the board may show of a name. hooks: who may be told by a Subscription.
    """

    servers: tuple[str, ...] = ()
    clients: dict[str, str] = {}
    label: Literal["initials", "none"] = "initials"
    hooks: tuple[Told, ...] = ()

    def source(self, client: str) -> str:
        """The feed of a client."""
        return self.clients.get(client, "fhir")


def fhir_settings(said: dict[str, Any]) -> FhirSettings:
    """The section `fhir` of the settings. Raises BadSetting that names what cannot be used."""
    try:
        return msgspec.convert(said, FhirSettings)
    except msgspec.ValidationError as error:
        raise BadSetting(f"fhir: {error}") from error
