"""What a centre sets for sign-in: the `[sign_in]` part of the ward's settings file (docs/security.md)."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias
from urllib.parse import urlsplit

import msgspec

from leeward.record.errors import BadSetting
from leeward.ward.access.people import Role
from leeward.ward.settings import WardSettings

Reach: TypeAlias = Literal["public", "private", "loopback"]
"""Where a listed address may resolve to. Link-local addresses, where clouds keep their secrets, are never reached."""

Keys: TypeAlias = dict[str, Any]
"""A JSON Web Key Set."""


class Claims(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where a provider says what somebody is, and what that means here.

    role: the claim; roles: what its values mean; the strongest counts, and nobody without one comes in. unit: the claim
    that lists units (None: all units are theirs); units: what its values mean (empty: the values are the units).
    patient: the claim that names the one patient a token is for.
    """

    role: str = "roles"
    roles: dict[str, Role] = {}
    unit: str | None = None
    units: dict[str, tuple[str, ...]] = {}
    patient: str | None = None


class Oidc(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The hospital's OpenID provider, as it registered us. also: further origins at which it has its addresses."""

    issuer: str
    client: str
    secret: str | None = None
    scope: str = "openid profile"
    reach: Reach = "public"
    also: tuple[str, ...] = ()
    claims: Claims = Claims()


class Ehr(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A FHIR server that may launch us, or be asked by us, as a SMART app.

    units: whose patients it may show; none given: all. also: further origins that its sign-in pages use.
    """

    iss: str
    client: str
    secret: str | None = None
    scope: str = "openid fhirUser patient/*.rs"
    reach: Reach = "public"
    also: tuple[str, ...] = ()
    role: Role = "clinician"
    units: tuple[str, ...] | None = None


class Client(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Another system that asks for tokens in its own name (SMART backend services)."""

    id: str
    name: str
    keys: Keys | None = None
    jku: str | None = None
    reach: Reach = "public"
    role: Role = "integrator"
    units: tuple[str, ...] | None = None


class Caller(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A system that calls our CDS Hooks, by the issuer that its tokens name; its keys, or the one address of them."""

    iss: str
    name: str
    keys: Keys | None = None
    jku: str | None = None
    reach: Reach = "public"
    units: tuple[str, ...] | None = None


class Issuer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A server whose access tokens (JWT, RFC 9068) programs may bring, made for `audience`, else for our address."""

    issuer: str
    keys: Keys | None = None
    jku: str | None = None
    reach: Reach = "public"
    audience: str | None = None
    claims: Claims = Claims()


class SignIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Everything about who may come in. service: our own address as others write it, without a slash at its end."""

    service: str = ""
    names: tuple[str, ...] = ()
    oidc: Oidc | None = None
    smart: tuple[Ehr, ...] = ()
    clients: tuple[Client, ...] = ()
    cds_hooks: tuple[Caller, ...] = ()
    tokens: tuple[Issuer, ...] = ()
    break_glass_file: str | None = None

    @property
    def somebody(self) -> bool:
        """Whether a person can sign in at all."""
        return self.oidc is not None or bool(self.smart)

    @property
    def others(self) -> tuple[Client | Caller | Issuer, ...]:
        """Every other system whose keys are listed."""
        return (*self.clients, *self.cds_hooks, *self.tokens)

    @property
    def ways(self) -> tuple[Oidc | Ehr, ...]:
        """Every way in for a browser."""
        return (*(() if self.oidc is None else (self.oidc,)), *self.smart)

    @property
    def secure(self) -> bool:
        """Whether browsers reach us over TLS."""
        return self.service.startswith("https://")


def sign_in(settings: WardSettings) -> SignIn:
    """The part about sign-in. Raises BadSetting that names what cannot be used."""
    try:
        return msgspec.convert(settings.sign_in, SignIn)
    except msgspec.ValidationError as error:
        raise BadSetting(f"[sign_in] {error}") from error


def address_of(settings: WardSettings) -> str:
    """Our own address as others write it, without a slash at its end."""
    said = str(settings.sign_in.get("service", ""))
    host = f"[{settings.address}]" if ":" in settings.address else settings.address
    return said.rstrip("/") or f"http://{host}:{settings.port}"


def listed(said: SignIn) -> dict[str, Reach]:
    """Every origin that may be asked, and where it may resolve to."""
    made: dict[str, Reach] = {}
    for way in said.ways:
        home = way.issuer if isinstance(way, Oidc) else way.iss
        made |= {origin(address): way.reach for address in (home, *way.also)}
    for one in said.others:
        if one.jku is not None:
            made[origin(one.jku)] = one.reach
    return made


def origin(url: str) -> str:
    """Scheme, host and port of an address."""
    parts = urlsplit(url)
    port = parts.port or {"https": 443, "http": 80}.get(parts.scheme, 0)
    return f"{parts.scheme}://{(parts.hostname or '').lower()}:{port}"
