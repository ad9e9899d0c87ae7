"""What a centre sets for HL7 v2: where it listens, and which sender is which feed."""

from __future__ import annotations

import ipaddress
from typing import Any, Literal

import msgspec

from leeward.record.errors import BadSetting
from leeward.ward.hl7.vocabulary import vocabulary


class Sender(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One sending application (MSH-3) of a facility (MSH-4; None: any).

    source: the feed of the settings whose zone and local codes hold for it.
    numbers: what its filler number (OBR-3, ORC-3) names. `order`: one report, whose results it and the code of each
    identify, as the standard has it. `session`: a stretch of measuring, so that the time belongs to the name as well.
    identifier: the type (CX.5) of the identifier that is the patient's; authority: who assigned it (CX.4), if one must.
    ignored: messages (MSH-9, "MDM^T02") that are acknowledged, counted and not read: the feed need not be filtered.
    processing: the only processing id (MSH-11) that is taken. charset: of messages without MSH-18.
    """

    application: str
    source: str
    numbers: Literal["order", "session"]
    facility: str | None = None
    identifier: str = "MR"
    authority: str | None = None
    ignored: tuple[str, ...] = ()
    processing: str = "P"
    charset: str = "ASCII"

    def __post_init__(self) -> None:
        read = sorted(set(self.ignored) & set(vocabulary().message))
        if read:
            raise ValueError(f"{', '.join(read)} is read: it cannot be ignored")
        if self.charset not in vocabulary().charset:
            raise ValueError(f"no character set '{self.charset}'; known: {', '.join(vocabulary().charset)}")


class Listening(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Address and port of MLLP; certificate, key and the authority of the senders' certificates, as files.

    label: what the board may show of a name. `none`: nothing.
    """

    address: str = "127.0.0.1"
    port: int = 2575
    senders: tuple[Sender, ...] = ()
    label: Literal["initials", "none"] = "initials"
    certificate: str | None = None
    key: str | None = None
    clients: str | None = None

    @property
    def is_encrypted(self) -> bool:
        """Whether senders must show a certificate."""
        return None not in (self.certificate, self.key, self.clients)

    def sender(self, application: str | None, facility: str | None) -> Sender | None:
        """Whoever sends under this name; the one with this facility before one with any."""
        fitting = [s for s in self.senders if s.application == application and s.facility in (facility, None)]
        return max(fitting, key=lambda s: s.facility is not None, default=None)


def listening(said: dict[str, Any]) -> Listening:
    """The section `hl7` of the settings. Raises BadSetting that names what cannot be used."""
    try:
        made = msgspec.convert(said, Listening, strict=True)
    except msgspec.ValidationError as error:
        raise BadSetting(f"hl7: {error}") from error
    try:
        is_near = ipaddress.ip_address(made.address).is_loopback
    except ValueError:
        raise BadSetting(f"hl7: '{made.address}' is no address of this machine") from None
    if not is_near and not made.is_encrypted:
        raise BadSetting(
            f"hl7: MLLP knows no sign-in, so that {made.address} needs certificate, key and clients (mutual TLS); "
            "without them it listens on this machine only (127.0.0.1), behind whatever secures the line"
        )
    return made
