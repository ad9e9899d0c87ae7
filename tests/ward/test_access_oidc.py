"""Signing in at a real OpenID provider: node's certified `oidc-provider`, run here as a server of its own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
import msgspec
import pytest
from starlette.testclient import TestClient

from leeward.ward.clock import SystemClock
from leeward.ward.settings import WardSettings
from leeward.ward.world import World
from tests.ward.small import app_of

VERSION = "8.8.1"
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "leeward-tests" / f"oidc-provider-{VERSION}"
HOME = "http://127.0.0.1:8321"
SERVER = """
const { default: Provider } = require('oidc-provider');
const http = require('http');
const server = http.createServer();
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [{client_id: 'leeward', client_secret: 'for this test: only', redirect_uris: ['%(home)s/sign-in/back'],
               grant_types: ['authorization_code'], response_types: ['code']}],
    claims: {openid: ['sub'], profile: ['name'], ward: ['groups', 'units']},
    scopes: ['openid', 'profile', 'ward'],
    pkce: {required: () => true, methods: ['S256']},
    conformIdTokenClaims: %(in_userinfo)s,
    cookies: {keys: ['a key of this test']},
    findAccount: async (ctx, id) => ({accountId: id, claims: async () => ({
      sub: id, name: `Nurse ${id}`, groups: id === 'visitor' ? ['visitors'] : ['icu'], units: ['7 West']})}),
  });
  server.on('request', provider.callback());
  console.log(issuer);
});
"""


def installed() -> Path:
    """The provider in a cache folder outside the repository; skips, saying so, where it cannot be had."""
    if not shutil.which("npm") or not shutil.which("node"):
        pytest.skip("a real OpenID provider needs node and npm")
    if not (CACHE / "node_modules" / "oidc-provider").is_dir():
        CACHE.mkdir(parents=True, exist_ok=True)
        (CACHE / "package.json").write_text('{"private": true}', encoding="utf-8")
        command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", f"oidc-provider@{VERSION}"]
        done = subprocess.run(command, cwd=CACHE, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"npm could not install the provider: {done.stderr.strip()[-200:]}")
    return CACHE


@pytest.fixture(params=["true", "false"], ids=["roles in userinfo", "roles in the identity token"])
def provider(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a provider that runs."""
    script = SERVER % {"home": HOME, "in_userinfo": request.param}
    running = subprocess.Popen(
        ["node", "-e", script],  # noqa: S607  node from PATH, as the test says
        cwd=installed(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert running.stdout is not None
    try:
        yield running.stdout.readline().strip()
    finally:
        running.kill()
        running.wait()
        running.stdout.close()


def ward_at(provider: str, settings: WardSettings, **more: Any) -> World:
    """A ward whose people sign in there."""
    oidc = {"issuer": provider, "client": "leeward", "secret": "for this test: only", "reach": "loopback",
            "scope": "openid profile ward",
            "claims": {"role": "groups", "roles": {"icu": "clinician"}, "unit": "units"}} | more  # fmt: skip
    said = {"service": HOME, "oidc": oidc}
    return World(msgspec.structs.replace(settings, demo=False, sign_in=said), SystemClock())


def walk(there: str, login: str) -> str:
    """What a browser does at the provider: sign in, consent; the address with which it is sent back to us."""
    with httpx.Client(follow_redirects=False) as browser:
        answered = browser.get(there)
        for _ in range(12):
            if "location" in answered.headers:
                there = urljoin(there, answered.headers["location"])
                if there.startswith(HOME):
                    return there
                answered = browser.get(there)
                continue
            action = re.search(r'<form[^>]*action="([^"]+)"', answered.text)
            assert action, answered.text
            form = dict(re.findall(r'name="(prompt)" value="(\w+)"', answered.text)) | {"login": login, "password": "x"}
            there = urljoin(there, unescape(action.group(1)))
            answered = browser.post(there, data=form)
    raise AssertionError("the provider never sent the browser back")


@pytest.mark.slow
def test_a_person_signs_in_at_a_real_provider_and_out_again(provider: str, settings: WardSettings) -> None:
    world = ward_at(provider, settings)
    client = TestClient(app_of(world), base_url=HOME, follow_redirects=False)
    assert client.get("/list").status_code == 401
    out = client.get("/sign-in", params={"then": "/list"})
    asked = parse_qs(urlsplit(out.headers["location"]).query)
    assert (out.status_code, asked["code_challenge_method"]) == (303, ["S256"])
    back = walk(out.headers["location"], "amal")
    arrived = client.get(back)
    assert (arrived.status_code, arrived.headers["location"]) == (303, "/list")
    cookie = arrived.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert client.get("/list").status_code == 200
    me = client.get("/me").json()
    assert (me["name"], me["role"]) == ("Nurse amal", "clinician")
    record = next(held for held in world.audit.records() if held.action == "sign-in")
    assert (record.person, record.role, record.outcome) == (f"{provider}#amal", "clinician", "answered")
    assert client.get(back).status_code == 401, "a code and a state are good once"
    goodbye = client.post("/sign-out", headers={"X-CSRF-Token": me["csrf"]})
    assert f"{provider}/session/end" in goodbye.text
    assert client.get("/list").status_code == 401
    world.engine.dispose()


@pytest.mark.slow
def test_a_person_without_a_role_here_does_not_come_in(provider: str, settings: WardSettings) -> None:
    world = ward_at(provider, settings)
    client = TestClient(app_of(world), base_url=HOME, follow_redirects=False)
    back = walk(client.get("/sign-in").headers["location"], "visitor")
    assert (client.get(back).status_code, client.get("/list").status_code) == (401, 401)
    *_, record = [held for held in world.audit.records() if held.action == "sign-in"]
    assert (record.outcome, record.detail) == ("refused", "no-role")
    world.engine.dispose()


@pytest.mark.slow
def test_a_sign_in_of_another_browser_or_another_state_comes_to_nothing(provider: str, settings: WardSettings) -> None:
    world = ward_at(provider, settings)
    app = app_of(world)
    mine, theirs = (TestClient(app, base_url=HOME, follow_redirects=False) for _ in range(2))
    back = walk(mine.get("/sign-in").headers["location"], "amal")
    theirs.get("/sign-in")
    assert theirs.get(back).status_code == 401, "the code of one browser is worth nothing in another"
    assert mine.get("/sign-in/back", params={"state": "made-up", "code": "x"}).status_code == 401
    again = walk(mine.get("/sign-in").headers["location"], "amal")
    broken = re.sub(r"code=[^&]+", "code=made-up", again)
    assert mine.get(broken).status_code == 401
    reasons = [held.detail for held in world.audit.records() if held.action == "sign-in"]
    assert reasons == ["state", "state", "token-endpoint"]
    world.engine.dispose()


@pytest.mark.slow
def test_a_provider_that_is_another_or_is_down_lets_nobody_in(provider: str, settings: WardSettings) -> None:
    """By another name of the same server: its discovery names another issuer."""
    wrong = provider.replace("127.0.0.1", "localhost")
    for issuer, reason in ((wrong, "discovery-of-another-issuer"), ("http://127.0.0.1:9", "discovery")):
        world = ward_at(issuer, settings)
        client = TestClient(app_of(world), base_url=HOME, follow_redirects=False)
        assert client.get("/sign-in").status_code == 401
        *_, record = world.audit.records()
        assert record.detail == reason
        world.engine.dispose()


@pytest.mark.slow
@pytest.mark.parametrize("then", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:x"])
def test_nobody_is_sent_elsewhere_after_signing_in(provider: str, settings: WardSettings, then: str) -> None:
    world = ward_at(provider, settings)
    client = TestClient(app_of(world), base_url=HOME, follow_redirects=False)
    arrived = client.get(walk(client.get("/sign-in", params={"then": then}).headers["location"], "amal"))
    assert (arrived.status_code, arrived.headers["location"]) == (303, "/")
    world.engine.dispose()
