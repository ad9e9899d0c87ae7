"""Other systems: the tokens they bring, and the ones we give them for a signed assertion (SMART backend services)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from leeward.ward.access.claims import SCOPES, actions_of, from_provider
from leeward.ward.access.people import Person
from leeward.ward.access.sessions import Session, Sessions
from leeward.ward.access.settings import Caller, Issuer, SignIn
from leeward.ward.access.tokens import SMART, BadToken, KeyShelf, Seen, Wanted, believed, unproved
from leeward.ward.clock import Clock
from leeward.ward.rows import microseconds
from leeward.ward.settings import WardSettings

HOOKS = "/cds-services"
"""Below this address CDS Hooks clients call, each with a token made for that very address."""
TOKEN = "/token"  # noqa: S105  an address
"""Where other systems ask for tokens; the audience of their assertions."""
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class Bearers:
    """Tokens of other systems."""

    def __init__(
        self, settings: WardSettings, said: SignIn, home: str, clock: Clock, *,
        shelf: KeyShelf, sessions: Sessions, seen: Seen,
    ) -> None:  # fmt: skip
        self._settings, self._said, self._home, self._clock = settings, said, home, clock
        self._shelf, self._sessions, self._seen = shelf, sessions, seen

    def person(self, token: str, path: str) -> Person:
        """Whose token that is. path: of the request, without the service's own address. Raises BadToken."""
        if path == HOOKS or path.startswith(f"{HOOKS}/"):
            return self._hooks(token, path)
        if "." in token:
            return self._issued(token, path)
        held = self._sessions.find(token)
        if held is None or held.how != "token":
            raise BadToken("unknown")
        return held.person

    def given(self, form: Mapping[str, str]) -> tuple[dict[str, Any], Person]:
        """The token for a client's assertion, as OAuth answers it. Raises BadToken."""
        if form.get("grant_type") != "client_credentials" or form.get("client_assertion_type") != ASSERTION:
            raise BadToken("grant")
        token = form.get("client_assertion", "")
        header, unchecked = self._peeked(token)
        client = next((one for one in self._said.clients if one.id == unchecked.get("iss")), None)
        if client is None:
            raise BadToken("client-not-listed")
        keys = self._shelf.keys(client.keys, client.jku, header.get("kid"))
        audience = (self._home + TOKEN,)
        claims = self._believed(token, keys, client.id, audience, "assertion_minutes", algorithms=SMART, once=True)
        if claims.get("sub") != client.id:
            raise BadToken("subject")
        scopes = [scope for scope in form.get("scope", "").split() if scope in SCOPES]
        if not scopes:
            raise BadToken("scope")
        units = None if client.units is None else frozenset(client.units)
        person = Person(client.id, client.name, client.role, units=units, actions=actions_of(scopes))
        return self._fresh(person, scopes), person

    def _fresh(self, person: Person, scopes: list[str]) -> dict[str, Any]:
        """A new access token, short-lived, in OAuth's words."""
        lives = timedelta(minutes=self._settings.number("access", "token_minutes"))
        ends = self._clock.now() + lives
        secret = self._sessions.open(Session(person=person, how="token", ends_us=microseconds(ends)), ends)
        return {"access_token": secret, "token_type": "bearer", "expires_in": int(lives.total_seconds()),
                "scope": " ".join(scopes)}  # fmt: skip

    def _hooks(self, token: str, path: str) -> Person:
        """The listed system that calls a hook."""
        header, unchecked = self._peeked(token)
        caller = next((one for one in self._said.cds_hooks if one.iss == unchecked.get("iss")), None)
        if caller is None:
            raise BadToken("issuer-not-listed")
        if "jku" in header and header["jku"] != caller.jku:
            raise BadToken("jku-not-listed")
        keys = self._shelf.keys(caller.keys, caller.jku, header.get("kid"))
        audience = (f"{self._home}{path}",)
        self._believed(token, keys, caller.iss, audience, "assertion_minutes", once=True)
        return _caller(caller)

    def _issued(self, token: str, path: str) -> Person:
        """Whoever a listed server says; the token must be for us, or for the door it is brought to."""
        header, unchecked = self._peeked(token)
        issuer = next((one for one in self._said.tokens if one.issuer == unchecked.get("iss")), None)
        if issuer is None:
            raise BadToken("issuer-not-listed")
        keys = self._shelf.keys(issuer.keys, issuer.jku, header.get("kid"))
        ours = (issuer.audience or self._home, f"{self._home}/{path.split('/')[1]}")
        claims = self._believed(token, keys, issuer.issuer, ours, "access_token_minutes")
        return _subject(issuer, claims)

    def _peeked(self, token: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """Header and claims, not believed yet; a key must be named."""
        header, unchecked = unproved(token, int(self._settings.number("access", "token_bytes")))
        if not isinstance(header.get("kid"), str):
            raise BadToken("no-kid")
        return header, unchecked

    def _believed(
        self, token: str, keys: Any, issuer: str, audience: tuple[str, ...], lives: str, **more: Any
    ) -> dict[str, Any]:
        """The claims, once every check has passed; a token for one use is remembered."""
        wanted = Wanted(
            issuer=issuer,
            audience=audience,
            lives=timedelta(minutes=self._settings.number("access", lives)),
            drift=timedelta(seconds=self._settings.number("access", "drift_s")),
            **more,
        )
        claims = believed(token, keys, wanted, self._clock.now())
        if wanted.once:
            until = datetime.fromtimestamp(claims["exp"], UTC) + wanted.drift
            self._seen.first_use(issuer, claims["jti"], until)
        return claims


def _caller(caller: Caller) -> Person:
    """A listed system that calls hooks: it may have a patient graded, nothing else."""
    units = None if caller.units is None else frozenset(caller.units)
    return Person(caller.iss, caller.name, "integrator", units=units, actions=frozenset({"read", "grade"}))


def _subject(issuer: Issuer, claims: dict[str, Any]) -> Person:
    """Whoever a token is about; raises BadToken for somebody without a role."""
    if not isinstance(claims.get("sub"), str):
        raise BadToken("subject")
    person = from_provider(issuer.claims, issuer.issuer, claims)
    if person is None:
        raise BadToken("no-role")
    return person
