"""Tokens that others sign: their claims once every check has passed, each `jti` once, keys only from where listed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from threading import Lock
from typing import Any

import msgspec
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from sqlalchemy import Engine, delete, func, insert, select
from sqlalchemy.exc import IntegrityError

from leeward.ward.access.outside import NotAsked, Outside
from leeward.ward.access.settings import Keys
from leeward.ward.clock import Clock
from leeward.ward.rows import microseconds
from leeward.ward.tables import tokens

TWO_SIDED = ("RS256", "RS384", "RS512", "PS256", "PS384", "ES256", "ES384", "ES512")
"""Signatures of a private key, checked with a public one. `none` and shared secrets (HS256) are nowhere accepted."""
SMART = ("RS384", "ES384")
"""The two that SMART names for backend services (SMART App Launch 2.2, asymmetric client authentication)."""


class BadToken(Exception):
    """A token that is not believed; the message is a word for the audit and holds nothing of the token."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What a token must say to be believed. lives: the longest from now to its `exp`; drift: between two clocks."""

    issuer: str
    audience: tuple[str, ...]
    lives: timedelta
    drift: timedelta
    algorithms: Sequence[str] = TWO_SIDED
    once: bool = False
    issued: bool = True


def unproved(token: str, most_bytes: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims as they stand there, not believed: only to find whose keys to check with."""
    if len(token) > most_bytes:
        raise BadToken("too-long")
    try:
        found = jws.extract_compact(token.encode("ascii"))
        claims = msgspec.json.decode(found.payload, type=dict[str, Any])
    except (JoseError, ValueError) as error:
        raise BadToken("not-a-token") from error
    return dict(found.headers()), claims


def believed(token: str, keys: KeySet, wanted: Wanted, now: datetime) -> dict[str, Any]:
    """The claims of a token whose signature and every wanted claim hold. Raises BadToken."""
    try:
        claims = jwt.decode(token, keys, algorithms=list(wanted.algorithms)).claims
    except (JoseError, ValueError) as error:
        raise BadToken("signature-or-key") from error
    if claims.get("iss") != wanted.issuer:
        raise BadToken("issuer")
    named = claims.get("aud")
    audience = [named] if isinstance(named, str) else named if isinstance(named, list) else []
    if not any(one in wanted.audience for one in audience):
        raise BadToken("audience")
    _in_time(claims, wanted, now)
    if wanted.once and not (isinstance(claims.get("jti"), str) and claims["jti"]):
        raise BadToken("no-jti")
    return claims


def _in_time(claims: dict[str, Any], wanted: Wanted, now: datetime) -> None:
    """Raises BadToken where a token has expired, would live too long, or is not yet valid."""
    at, drift_s = now.timestamp(), wanted.drift.total_seconds()
    expires, issued, begins = (claims.get(name) for name in ("exp", "iat", "nbf"))
    if expires is None or not _number(expires):
        raise BadToken("no-exp")
    if expires <= at - drift_s:
        raise BadToken("expired")
    if expires > at + wanted.lives.total_seconds() + drift_s:
        raise BadToken("lives-too-long")
    if wanted.issued and not _number(issued):
        raise BadToken("no-iat")
    if any(one is not None and _number(one) and one > at + drift_s for one in (issued, begins)):
        raise BadToken("not-yet-valid")


def _number(said: Any) -> bool:
    """Whether a claim is a time; true and false are none."""
    return isinstance(said, int | float) and not isinstance(said, bool)


class Seen:
    """Which `jti` of which issuer has been used; shared by all workers, forgotten once the token has expired."""

    def __init__(self, engine: Engine, clock: Clock, *, most: int) -> None:
        self._engine, self._clock, self._most = engine.execution_options(writes=True), clock, most

    def first_use(self, issuer: str, jti: str, until: datetime) -> None:
        """Remember a `jti`. Raises BadToken where it was used before, or where too many are remembered already."""
        now = microseconds(self._clock.now())
        try:
            with self._engine.begin() as connection:
                connection.execute(delete(tokens).where(tokens.c.until < now))
                held = connection.execute(select(func.count()).where(tokens.c.issuer == issuer)).scalar_one()
                if held >= self._most:
                    raise BadToken("too-many-jti")
                connection.execute(insert(tokens).values(issuer=issuer, jti=jti, until=microseconds(until)))
        except IntegrityError as error:
            raise BadToken("jti-used-before") from error


class KeyShelf:
    """The public keys of those listed: as the settings give them, or from the one address that the settings name."""

    def __init__(self, outside: Outside, monotonic: Callable[[], float], *, keep_s: float, again_s: float) -> None:
        self._outside, self._monotonic = outside, monotonic
        self._keep_s, self._again_s = keep_s, again_s
        self._held: dict[str, tuple[float, KeySet]] = {}
        self._turn = Lock()

    def keys(self, given: Keys | None, jku: str | None, kid: str | None) -> KeySet:
        """The keys to check with; an unknown `kid` has the address asked again, no more often than `again_s`."""
        if given is not None:
            return _read(given)
        if jku is None:
            raise BadToken("no-keys")
        with self._turn:
            fetched_s, held = self._held.get(jku, (None, None))
            age_s = None if fetched_s is None else self._monotonic() - fetched_s
            known = held is not None and any(key.kid == kid for key in held)
            if held is not None and age_s is not None and age_s < (self._keep_s if known else self._again_s):
                return held
            try:
                fresh = _read(self._outside.get(jku))
            except NotAsked as error:
                raise BadToken("keys-not-reached") from error
            self._held[jku] = (self._monotonic(), fresh)
            return fresh


def _read(keys: Keys) -> KeySet:
    """A key set of public keys of two sides; whatever else stands in it is left out."""
    try:
        two_sided = [key for key in keys["keys"] if key.get("kty") in ("RSA", "EC")]
        return KeySet.import_key_set({"keys": two_sided})
    except (JoseError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadToken("keys-unreadable") from error
