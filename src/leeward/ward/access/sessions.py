"""What the service itself handed out: browser sessions and access tokens. Only their digests are kept."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from typing import Any, Literal, TypeVar

import msgspec
from sqlalchemy import Engine, delete, insert, select, update

from leeward.ward.access.people import Person
from leeward.ward.clock import Clock
from leeward.ward.rows import microseconds, moment
from leeward.ward.tables import sessions

SECRET_BYTES = 32
"""Random bytes of a session's cookie, an access token, a state."""


class Session(msgspec.Struct, frozen=True, kw_only=True, tag="session"):
    """Somebody signed in, in a browser or by a token (`how`). ends_us: when it ends at the latest, however busy."""

    person: Person
    how: Literal["oidc", "smart", "token"]
    ends_us: int
    goodbye: str | None = None


class Begun(msgspec.Struct, frozen=True, kw_only=True, tag="begun"):
    """A sign-in under way: what we told the provider, and the browser it began in."""

    provider: str
    browser: str
    verifier: str
    nonce: str
    then: str
    token_at: str
    keys_at: str | None
    person_at: str | None
    issuer: str
    goodbye: str | None = None


Kept = Session | Begun
One = TypeVar("One", Session, Begun)


class Sessions:
    """Sessions and sign-ins under way, shared by all workers."""

    def __init__(self, engine: Engine, clock: Clock, *, idle: timedelta) -> None:
        self._engine, self._clock, self._idle = engine, clock, idle
        self._writing = engine.execution_options(writes=True)

    def open(self, kept: Kept, until: datetime) -> str:
        """Keep something under a new secret, which is returned and nowhere else."""
        secret = secrets.token_urlsafe(SECRET_BYTES)
        now = microseconds(self._clock.now())
        row = {"digest": digest(secret), "person": msgspec.json.encode(kept), "until": microseconds(until)}
        with self._writing.begin() as connection:
            connection.execute(delete(sessions).where(sessions.c.until < now))
            connection.execute(insert(sessions).values(row))
        return secret

    def find(self, secret: str, *, used: bool = True) -> Session | None:
        """The session of a cookie or a token; a person who uses it keeps it alive, up to its end.

        used: false where a page asks by itself, whoever sits before it.
        """
        now = self._clock.now()
        kept, until = self._row(secret)
        if not isinstance(kept, Session) or until is None or until <= now:
            return None
        later = min(moment(kept.ends_us), now + self._idle)
        if used and kept.how != "token" and later - until > self._idle / 10:
            with self._writing.begin() as connection:
                mine = sessions.c.digest == digest(secret)
                connection.execute(update(sessions).where(mine).values(until=microseconds(later)))
        return kept

    def take(self, secret: str) -> Begun | None:
        """A sign-in under way, once."""
        kept, until = self._row(secret)
        if not isinstance(kept, Begun) or until is None or until <= self._clock.now() or not self.close(secret):
            return None
        return kept

    def close(self, secret: str) -> bool:
        """Forget it; whether it was there."""
        with self._writing.begin() as connection:
            return connection.execute(delete(sessions).where(sessions.c.digest == digest(secret))).rowcount == 1

    def _row(self, secret: str) -> tuple[Kept | None, datetime | None]:
        """What is kept under a secret, and until when."""
        asked = select(sessions.c.person, sessions.c.until).where(sessions.c.digest == digest(secret))
        with self._engine.connect() as connection:
            found = connection.execute(asked).first()
        if found is None:
            return None, None
        held: Any = msgspec.json.decode(found.person, type=Kept)
        return held, moment(found.until)


def digest(secret: str) -> bytes:
    """What is kept of a secret."""
    return hashlib.sha256(secret.encode()).digest()


def form_word(secret: str) -> str:
    """The word that every form of a session carries: only who holds the cookie can work it out."""
    return hmac.new(secret.encode(), b"leeward form", hashlib.sha256).hexdigest()
