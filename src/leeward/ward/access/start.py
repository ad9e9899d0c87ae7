"""Whether a ward may start with the settings it was given: without sign-in only for the demo, on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from leeward.record.errors import BadSetting
from leeward.ward.access.settings import Caller, Client, Keys, Reach, SignIn, sign_in
from leeward.ward.settings import WardSettings


def check(settings: WardSettings) -> None:
    """Raises BadSetting, saying why, where the ward would be open to somebody it does not know."""
    for why in faults(settings, sign_in(settings)):
        raise BadSetting(why)


def faults(settings: WardSettings, said: SignIn) -> Iterator[str]:
    """Every reason not to start."""
    if not said.somebody:
        if not settings.demo:
            yield "this ward is not the demo, and nobody can sign in: set [sign_in.oidc] or [[sign_in.smart]]"
        elif not loopback(settings.address):
            yield f"without sign-in the demo listens on this machine only, not on {settings.address}: use 127.0.0.1"
        if settings.demo and (said.clients or said.cds_hooks or said.tokens):
            yield "the demo without sign-in lets everybody on this machine in: take other systems out of [sign_in]"
        return
    if not said.service:
        yield "sign-in needs [sign_in] service: the address under which browsers and other systems reach this ward"
        return
    host = urlsplit(said.service).hostname or ""
    if not said.secure and not loopback(host):
        yield f"[sign_in] service is {said.service}: sessions and tokens need https"
    if not loopback(settings.address) and not said.secure:
        yield f"a ward that listens on {settings.address} needs an https address in [sign_in] service"
    yield from _others(said)


def loopback(host: str) -> bool:
    """Whether only this machine reaches an address to listen on."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _others(said: SignIn) -> Iterator[str]:
    """What is wrong with the systems named: an address without TLS, keys that are missing or shared."""
    if said.oidc is not None:
        yield from _plain(said.oidc.issuer, said.oidc.reach)
        if not said.oidc.claims.roles:
            yield "[sign_in.oidc.claims] roles says nobody's role, so nobody could come in"
    for ehr in said.smart:
        yield from _plain(ehr.iss, ehr.reach)
    for one in said.others:
        name = one.id if isinstance(one, Client) else one.iss if isinstance(one, Caller) else one.issuer
        if (one.keys is None) == (one.jku is None):
            yield f"[sign_in] {name}: give its keys, or the one address of them as jku"
        if one.jku is not None:
            yield from _plain(one.jku, one.reach)
        if one.keys is not None and not _public(one.keys):
            yield f"[sign_in] {name}: keys are public RSA or EC keys with a kid; no shared secret, no private key"


def _plain(url: str, reach: Reach) -> Iterator[str]:
    """Only this machine is asked without TLS."""
    if not url.startswith("https://") and not (reach == "loopback" and url.startswith("http://")):
        yield f"[sign_in] {url}: only https, or http with reach = 'loopback'"


def _public(keys: Keys) -> bool:
    """Whether a key set holds public keys of two sides, each with its name, and nothing else."""
    listed: Any = keys.get("keys")
    return bool(listed) and all(
        isinstance(key, dict) and key.get("kty") in ("RSA", "EC") and key.get("kid") and "d" not in key
        for key in listed
    )
