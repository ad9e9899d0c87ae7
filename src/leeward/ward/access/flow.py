"""Signing in with a browser: the authorization code flow with PKCE, state and nonce, of OpenID Connect and of SMART."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode
from datetime import timedelta
from typing import Any
from urllib.parse import quote_plus, urlencode

from leeward.ward.access.claims import from_ehr, from_provider
from leeward.ward.access.outside import NotAsked, Outside
from leeward.ward.access.people import Person
from leeward.ward.access.sessions import Begun, Session, Sessions
from leeward.ward.access.settings import Ehr, Oidc, SignIn
from leeward.ward.access.tokens import BadToken, KeyShelf, Wanted, believed, unproved
from leeward.ward.clock import Clock
from leeward.ward.rows import microseconds
from leeward.ward.settings import WardSettings

BACK = "/sign-in/back"
"""Where a provider sends the browser back to."""


class NotSignedIn(Exception):
    """A sign-in that came to nothing; the message is a word for the audit."""


class Flow:
    """Sign-ins through a browser, from the way out to the session."""

    def __init__(
        self, settings: WardSettings, said: SignIn, home: str, clock: Clock, *,
        outside: Outside, shelf: KeyShelf, sessions: Sessions,
    ) -> None:  # fmt: skip
        self._settings, self._said, self._home, self._clock = settings, said, home, clock
        self._outside, self._shelf, self._sessions = outside, shelf, sessions

    def to_provider(self, then: str, browser: str) -> str:
        """Where to send the browser so that the hospital's provider says who sits there. Raises NotSignedIn."""
        oidc = self._said.oidc
        if oidc is None:
            raise NotSignedIn("no-provider")
        found = self._discovered(f"{oidc.issuer.rstrip('/')}/.well-known/openid-configuration")
        if found.get("issuer") != oidc.issuer:
            raise NotSignedIn("discovery-of-another-issuer")
        return self._out(found, "oidc", oidc.client, {"scope": oidc.scope}, oidc.issuer, then, browser)

    def to_ehr(self, iss: str, launch: str | None, then: str, browser: str) -> str:
        """Where to send the browser for a SMART launch, from the EHR (`launch`) or from us. Raises NotSignedIn."""
        ehr = self._ehr(iss)
        found = self._discovered(f"{ehr.iss.rstrip('/')}/.well-known/smart-configuration")
        if "S256" not in found.get("code_challenge_methods_supported", ["S256"]):
            raise NotSignedIn("ehr-without-pkce")
        context = "launch" if launch else "launch/patient"
        more = {"scope": f"{context} {ehr.scope}", "aud": ehr.iss} | ({"launch": launch} if launch else {})
        issuer = str(found.get("issuer", ehr.iss))
        return self._out(found, ehr.iss, ehr.client, more, issuer, then, browser)

    def back(self, state: str, code: str, browser: str) -> tuple[str, Session, str]:
        """The new session of a browser that came back: its secret, what it holds, and where the person wanted to go.

        Raises NotSignedIn where the state is unknown or of another browser, or the provider's token is not believed.
        """
        begun = self._sessions.take(state)
        if begun is None or not hmac.compare_digest(begun.browser, browser):
            raise NotSignedIn("state")
        way = self._said.oidc if begun.provider == "oidc" else self._ehr(begun.provider)
        if way is None:
            raise NotSignedIn("no-provider")
        answer = self._redeemed(begun, way, code)
        claims = self._identity(begun, way, answer)
        person = self._person(way, begun, claims, answer)
        minutes = self._settings.number("access", "session_minutes")
        ends = self._clock.now() + timedelta(minutes=minutes)
        held = Session(person=person, how="oidc" if isinstance(way, Oidc) else "smart", ends_us=microseconds(ends),
                       goodbye=begun.goodbye)  # fmt: skip
        idle = timedelta(minutes=self._settings.number("access", "idle_minutes"))
        return self._sessions.open(held, min(ends, self._clock.now() + idle)), held, begun.then

    def _ehr(self, iss: str) -> Ehr:
        """The listed FHIR server of that address; raises NotSignedIn for any other."""
        for ehr in self._said.smart:
            if ehr.iss.rstrip("/") == iss.rstrip("/"):
                return ehr
        raise NotSignedIn("iss-not-listed")

    def _discovered(self, url: str) -> dict[str, Any]:
        """What a server says of itself."""
        try:
            found = self._outside.get(url)
        except NotAsked as error:
            raise NotSignedIn("discovery") from error
        if not isinstance(found, dict):
            raise NotSignedIn("discovery")
        return found

    def _out(
        self,
        found: dict[str, Any],
        provider: str,
        client: str,
        more: dict[str, str],
        issuer: str,
        then: str,
        browser: str,
    ) -> str:
        """The provider's address with all that it must give back, which is kept until then."""
        there, token_at = found.get("authorization_endpoint"), found.get("token_endpoint")
        if not isinstance(there, str) or not isinstance(token_at, str) or "#" in there:
            raise NotSignedIn("discovery")
        verifier, nonce = secrets.token_urlsafe(48), secrets.token_urlsafe(24)
        begun = Begun(provider=provider, browser=browser, verifier=verifier, nonce=nonce, then=then, token_at=token_at,
                      keys_at=found.get("jwks_uri"), person_at=found.get("userinfo_endpoint"), issuer=issuer,
                      goodbye=found.get("end_session_endpoint"))  # fmt: skip
        until = self._clock.now() + timedelta(minutes=self._settings.number("access", "sign_in_minutes"))
        challenge = urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {"response_type": "code", "client_id": client, "redirect_uri": self._home + BACK, "nonce": nonce,
                 "state": self._sessions.open(begun, until), "code_challenge": challenge,
                 "code_challenge_method": "S256", **more}  # fmt: skip
        return f"{there}{'&' if '?' in there else '?'}{urlencode(asked)}"

    def _redeemed(self, begun: Begun, way: Oidc | Ehr, code: str) -> dict[str, Any]:
        """What the provider gives for the code."""
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": self._home + BACK,
                "code_verifier": begun.verifier}  # fmt: skip
        auth = None
        if way.secret is None:
            form["client_id"] = way.client
        else:
            auth = (quote_plus(way.client), quote_plus(way.secret))
        try:
            answer = self._outside.post(begun.token_at, form, auth)
        except NotAsked as error:
            raise NotSignedIn("token-endpoint") from error
        if not isinstance(answer, dict) or not isinstance(answer.get("id_token"), str):
            raise NotSignedIn("no-id-token")
        return answer

    def _identity(self, begun: Begun, way: Oidc | Ehr, answer: dict[str, Any]) -> dict[str, Any]:
        """The claims of the identity token, every check passed."""
        token = answer["id_token"]
        number = self._settings.number
        wanted = Wanted(
            issuer=begun.issuer,
            audience=(way.client,),
            lives=timedelta(minutes=number("access", "identity_minutes")),
            drift=timedelta(seconds=number("access", "drift_s")),
        )
        try:
            header, _ = unproved(token, int(number("access", "token_bytes")))
            keys = self._shelf.keys(None, begun.keys_at, header.get("kid"))
            claims = believed(token, keys, wanted, self._clock.now())
        except BadToken as error:
            raise NotSignedIn(f"identity-{error}") from error
        if not hmac.compare_digest(str(claims.get("nonce", "")), begun.nonce):
            raise NotSignedIn("nonce")
        if claims.get("azp", way.client) != way.client or not isinstance(claims.get("sub"), str):
            raise NotSignedIn("subject")
        return claims

    def _person(self, way: Oidc | Ehr, begun: Begun, claims: dict[str, Any], answer: dict[str, Any]) -> Person:
        """Who that is here; raises NotSignedIn for somebody without a role."""
        if isinstance(way, Oidc):
            person = from_provider(way.claims, way.issuer, claims | self._more(begun, way, claims, answer))
        else:
            person = from_ehr(way, claims, answer)
        if person is None:
            raise NotSignedIn("no-role")
        return person

    def _more(self, begun: Begun, way: Oidc, claims: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
        """What the provider says of the person where the identity token does not say their role."""
        if way.claims.role in claims or begun.person_at is None or not isinstance(answer.get("access_token"), str):
            return {}
        try:
            said = self._outside.get(begun.person_at, {"Authorization": f"Bearer {answer['access_token']}"})
        except NotAsked as error:
            raise NotSignedIn("userinfo") from error
        if not isinstance(said, dict) or said.get("sub") != claims["sub"]:
            raise NotSignedIn("userinfo-of-another")
        return said
