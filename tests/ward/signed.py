"""Keys and tokens for tests: what a hospital's systems would sign."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

HOME = "https://leeward.example"
CALLER = "https://ehr.example/cds"
CLIENT = "interface-engine"

CALLER_KEY = ECKey.generate_key("P-384", {"kid": "caller-1"})
CLIENT_KEY = ECKey.generate_key("P-384", {"kid": "client-1"})
CLIENT_RSA = RSAKey.generate_key(2048, {"kid": "client-2"})
STRANGER_KEY = ECKey.generate_key("P-384", {"kid": "caller-1"})
SERVER_KEY = RSAKey.generate_key(2048, {"kid": "server-1"})
SERVER = "https://sign-in.example"


def public(*keys: Any) -> dict[str, Any]:
    """Public halves as a key set."""
    return {"keys": [dict(key.as_dict(private=False)) for key in keys]}


def sign_in(**more: Any) -> dict[str, Any]:
    """The settings of a ward with a provider and other systems."""
    return {
        "service": HOME,
        "names": ["testserver"],
        "oidc": {
            "issuer": SERVER,
            "client": "leeward",
            "claims": {"role": "groups", "roles": {"ward": "clinician", "staff": "viewer"}, "unit": "units"},
        },
        "clients": [{"id": CLIENT, "name": "Interface engine", "keys": public(CLIENT_KEY, CLIENT_RSA)}],
        "cds_hooks": [{"iss": CALLER, "name": "The EHR", "keys": public(CALLER_KEY)}],
        "tokens": [
            {
                "issuer": SERVER,
                "keys": public(SERVER_KEY),
                "claims": {
                    "role": "groups",
                    "roles": {"ward": "clinician", "staff": "viewer", "hospital": "administrator"},
                    "unit": "units",
                    "patient": "patient_only" if more.pop("one_patient", False) else None,
                },
            }
        ],
    } | more  # fmt: skip


def token(key: Any, claims: dict[str, Any], algorithm: str = "ES384", **header: Any) -> str:
    """A signed token."""
    held = {"alg": algorithm, "typ": "JWT", "kid": key.kid} | header
    return str(jwt.encode({k: v for k, v in held.items() if v is not None}, claims, key, algorithms=[algorithm]))


def hooks_claims(now: datetime, path: str, **more: Any) -> dict[str, Any]:
    """What a CDS Hooks client says."""
    at = int(now.timestamp())
    return {"iss": CALLER, "aud": HOME + path, "iat": at, "exp": at + 300, "jti": f"{at}-{len(more)}"} | more


def access_token(now: datetime, **more: Any) -> str:
    """A program's token from the hospital's server."""
    at = int(now.timestamp())
    claims = {"iss": SERVER, "aud": HOME, "iat": at, "exp": at + 600, "sub": "person-1", "groups": ["ward"],
              "units": ["7 West"]} | more  # fmt: skip
    return token(SERVER_KEY, claims, "RS256")


def assertion(now: datetime, key: Any = CLIENT_KEY, algorithm: str = "ES384", **more: Any) -> str:
    """What a backend service signs to ask for a token."""
    at = int(now.timestamp())
    claims = {"iss": CLIENT, "sub": CLIENT, "aud": f"{HOME}/token", "iat": at, "exp": at + 240, "jti": "one"} | more
    return token(key, claims, algorithm)
