"""What a centre sets for its ward: where it listens, where findings are kept, its feeds, who is told, who may look."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Literal

import msgspec

from leeward.knowledge.guidelines import read_guideline
from leeward.knowledge.loader import BadKnowledge, load
from leeward.record.errors import BadSetting


class Said(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One number of knowledge/ward.toml, and why it is so."""

    value: float
    why: str


Numbers = dict[str, dict[str, Said]]


@cache
def _numbers() -> Numbers:
    """Every wait and limit of the service, by section and name."""
    found: Numbers = load("ward", Numbers)
    return found


class Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One feed: the zone of its local times (None: such times are refused), its local code systems."""

    zone: str | None = None
    local: tuple[str, ...] = ()


class Webhook(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Somebody told of alerts by HTTP. `secret` signs what is sent; `next`: who is told if this one is silent.

    reach: where the address may resolve to; anything else is not asked.
    """

    name: str
    url: str
    secret: str
    units: tuple[str, ...] = ()
    next: str | None = None
    reach: Literal["public", "private", "loopback"] = "public"


class WardSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Everything a centre may set; `limits` replaces numbers of knowledge/ward.toml by section and name.

    protocol: the file of the centre's own (docs/protocol.md), whose words come first.
    """

    name: str = "Ward"
    address: str = "127.0.0.1"
    port: int = 8321
    database: str = "sqlite:///leeward-ward.db"
    demo: bool = False
    zone: str = "UTC"
    room_air: bool = False
    protocol: str = ""
    sources: dict[str, Source] = {}
    webhooks: tuple[Webhook, ...] = ()
    limits: dict[str, dict[str, float]] = {}
    sign_in: dict[str, Any] = {}
    cds_hooks: dict[str, Any] = {}
    hl7: dict[str, Any] = {}
    fhir: dict[str, Any] = {}

    def number(self, section: str, name: str) -> float:
        """A wait or limit: the centre's own, else the one of knowledge/ward.toml. KeyError: there is no such number."""
        own = self.limits.get(section, {}).get(name)
        return _numbers()[section][name].value if own is None else own

    def source(self, name: str) -> Source:
        """What is set for a feed; a feed that is not named has no zone of its own."""
        return self.sources.get(name, Source())


def read_settings(path: Path) -> WardSettings:
    """The settings of a file. Raises BadSetting that names what cannot be used."""
    try:
        made = msgspec.toml.decode(path.read_bytes(), type=WardSettings)
    except OSError as error:
        raise BadSetting(f"{path}: cannot be read") from error
    except msgspec.DecodeError as error:
        raise BadSetting(f"{path}: {error}") from error
    known = _numbers()
    for section, names in made.limits.items():
        for name in names:
            if name not in known.get(section, {}):
                raise BadSetting(f"{path}: there is no limit '{section}.{name}'")
    if made.protocol:
        _readable(path, Path(made.protocol))
    return made


def _readable(settings: Path, protocol: Path) -> None:
    """Raises BadSetting where a ward cannot start with a centre's own protocol."""
    try:
        read_guideline(protocol)
    except (BadKnowledge, OSError) as error:
        raise BadSetting(f"{settings}: the protocol cannot be used: {error}") from error
