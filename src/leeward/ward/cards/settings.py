"""What a centre sets for CDS Hooks: the `[cds_hooks]` part of the ward's settings file (docs/cds-hooks.md)."""

from __future__ import annotations

import msgspec

from leeward.record.errors import BadSetting
from leeward.ward.access.settings import Reach, origin
from leeward.ward.settings import WardSettings

SOURCE = "cds-hooks"
"""Under which name of `[sources]` the zone and the local codes of prefetched data are set."""


class FhirServer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A FHIR server that may be asked for what was not prefetched; `reach`: where its name may resolve to."""

    address: str
    reach: Reach = "public"


class CdsHooks(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which clients' servers may be asked, and from where browsers may call.

    origins: of web pages that call us from a browser. join_by: the system of the identifier by which the ward's own
    findings of a patient may be joined to what a client sends; None joins nothing.
    """

    fhir_servers: tuple[FhirServer, ...] = ()
    origins: tuple[str, ...] = ()
    join_by: str | None = None


def cds_hooks(settings: WardSettings) -> CdsHooks:
    """The part about CDS Hooks. Raises BadSetting that names what cannot be used."""
    try:
        made = msgspec.convert(settings.cds_hooks, CdsHooks)
    except msgspec.ValidationError as error:
        raise BadSetting(f"[cds_hooks] {error}") from error
    for server in made.fhir_servers:
        secure = server.address.startswith("https://")
        if not secure and not (server.reach == "loopback" and server.address.startswith("http://")):
            raise BadSetting(f"[cds_hooks] {server.address}: only https, or http with reach = 'loopback'")
        if origin(server.address).endswith(":0"):
            raise BadSetting(f"[cds_hooks] {server.address} is no address")
    return made
