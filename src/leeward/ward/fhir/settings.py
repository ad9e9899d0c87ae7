"""What a centre sets for FHIR: whose addresses are this ward's, whose feed is whose, what a board shows of a name."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from leeward.record.errors import BadSetting


class FhirSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The section `fhir`. servers: base addresses whose ids are the same as ours, so that whole addresses are followed.

    clients: which feed of [sources] a client's resources belong to, by the id it signs in with; else the feed `fhir`.
    identifier: the system of the identifiers that are the hospital's own numbers, by which HL7 v2 names patients too: a
    Patient that bears one is the person of that number.
    label: what the board may show of a name. Who may subscribe is listed with the webhooks.
    """

    servers: tuple[str, ...] = ()
    clients: dict[str, str] = {}
    identifier: str = ""
    label: Literal["initials", "none"] = "initials"

    def source(self, client: str) -> str:
        """The feed of a client."""
        return self.clients.get(client, "fhir")


def fhir_settings(said: dict[str, Any]) -> FhirSettings:
    """The section `fhir` of the settings. Raises BadSetting that names what cannot be used."""
    try:
        return msgspec.convert(said, FhirSettings)
    except msgspec.ValidationError as error:
        raise BadSetting(f"fhir: {error}") from error
