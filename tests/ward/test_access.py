"""Who may do what and see whom; a ward that would be open to strangers does not start."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from starlette.requests import Request

from leeward.record.errors import BadSetting
from leeward.ward.access import Access, Person, Refusal
from leeward.ward.access.people import ACTIONS, ALLOWED, ROLES
from leeward.ward.access.sessions import Session, form_word
from leeward.ward.access.start import check
from leeward.ward.arrivals import Move
from leeward.ward.audit import AuditDown
from leeward.ward.clock import SetClock
from leeward.ward.settings import WardSettings
from leeward.ward.world import World
from tests.ward.conftest import NOW
from tests.ward.signed import access_token, sign_in
from tests.ward.small import audit_down, small
from tests.ward.taken import said, take


def bearer(**claims: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {access_token(NOW, **claims)}"}


# ------------------------------------------------------------------ starting

STARTS: list[tuple[str, dict[str, Any], str | None]] = [
    ("the demo on this machine", {"demo": True}, None),
    ("the demo on this machine, by IPv6", {"demo": True, "address": "::1"}, None),
    ("the demo for everybody", {"demo": True, "address": "0.0.0.0"}, "this machine only"),  # noqa: S104
    ("the demo on the hospital's network", {"demo": True, "address": "10.1.2.3"}, "this machine only"),
    ("real data without sign-in", {}, "nobody can sign in"),
    ("real data with sign-in", {"sign_in": sign_in()}, None),
    ("real data with sign-in, for everybody", {"sign_in": sign_in(), "address": "0.0.0.0"}, None),  # noqa: S104
    ("sign-in without an address of ours", {"sign_in": sign_in(service="")}, "the address under which"),
    ("sign-in in the clear", {"sign_in": sign_in(service="http://leeward.example")}, "need https"),
    ("sign-in in the clear on this machine", {"sign_in": sign_in(service="http://127.0.0.1:8321")}, None),
    ("listening to all, named as this machine",
     {"sign_in": sign_in(service="http://127.0.0.1:8321"), "address": "0.0.0.0"}, "needs an https address"),  # noqa: S104
    ("a provider in the clear",
     {"sign_in": sign_in(oidc={"issuer": "http://x", "client": "c", "claims": {"roles": {"a": "viewer"}}})},
     "only https"),
    ("a provider that gives nobody a role", {"sign_in": sign_in(oidc={"issuer": "https://x", "client": "c"})}, "role"),
    ("a caller without keys", {"sign_in": sign_in(cds_hooks=[{"iss": "x", "name": "x"}])}, "give its keys"),
    ("a caller with a shared secret",
     {"sign_in": sign_in(cds_hooks=[{"iss": "x", "name": "x", "keys": {"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}}])},
     "no shared secret"),
    ("a word nobody knows", {"sign_in": {"oidcc": {}}}, "oidcc"),
    ("a role nobody knows",
     {"sign_in": sign_in(oidc={"issuer": "https://x", "client": "c", "claims": {"roles": {"a": "king"}}})}, "king"),
]  # fmt: skip


@pytest.mark.parametrize(("settings_of", "why"), [row[1:] for row in STARTS], ids=[row[0] for row in STARTS])
def test_a_ward_starts_only_where_it_knows_who_comes(settings_of: dict[str, Any], why: str | None) -> None:
    settings = WardSettings(**settings_of)
    if why is None:
        check(settings)
        return
    with pytest.raises(BadSetting, match=why):
        check(settings)


# ------------------------------------------------------------------ roles

TABLE = """
role           read write grade export override operate
viewer         yes  no    no    no     no       no
clinician      yes  yes   yes   yes    yes      no
integrator     yes  yes   yes   yes    no       no
administrator  yes  yes   yes   yes    yes      yes
"""


def test_roles_and_actions_are_the_table() -> None:
    """Every role and every action but `open`, which asks for nobody, stands in the table."""
    names, *rows = [line.split() for line in TABLE.strip().splitlines()]
    assert set(names[1:]) | {"open"} == set(ACTIONS)
    assert {row[0] for row in rows} == set(ROLES) == set(ALLOWED)
    for role, *may in rows:
        held = Person("x", "x", role)  # type: ignore[arg-type]
        assert [held.may(action) for action in names[1:]] == [one == "yes" for one in may]  # type: ignore[arg-type]


def test_a_token_narrows_a_role_and_never_widens_it() -> None:
    held = Person("x", "x", "viewer", actions=frozenset({"read", "operate"}))
    assert [action for action in ACTIONS if held.may(action)] == ["read"]


def test_nobody_is_401_and_a_role_too_low_403(guarded: World) -> None:
    client = small(guarded)
    assert client.get("/list").status_code == 401
    assert client.get("/list", headers=bearer()).status_code == 200
    assert client.post("/speed", headers=bearer()).status_code == 403
    assert client.post("/speed", headers=bearer(groups=["hospital"])).status_code == 200
    assert client.post("/note", headers=bearer(groups=["staff"])).status_code == 403


# ------------------------------------------------------------------ 42: whose record


def same(*answers: Any) -> bool:
    """Whether answers cannot be told from one another, but for how much of the pace is left."""
    held = [
        (one.status_code, one.content, {k: v for k, v in one.headers.items() if k != "ratelimit"}) for one in answers
    ]
    return all(one == held[0] for one in held)


def test_42_token_for_patient_a_asks_b_as_if_b_did_not_exist(settings: WardSettings, clock: SetClock) -> None:
    world = World(msgspec.structs.replace(settings, demo=False, sign_in=sign_in(one_patient=True)), clock)
    for patient in ("A", "B"):
        take(world, said(patient, "body-temperature", NOW, 38.2, "Cel"), message=patient)
    client, only_a = small(world), bearer(patient_only="A", units=["7 West"])
    for patient in ("A", "B"):
        move = Move(kind="placed", patient=patient, at=NOW, unit="7 West", bed="1")
        take(world, moves=[move], message=f"placed {patient}")
    assert client.get("/patient/A", headers=only_a).json() == {"patient": "A", "for": "person-1"}
    assert same(client.get("/patient/B", headers=only_a), client.get("/patient/nobody", headers=only_a))
    assert client.get("/patient/B", headers=only_a).status_code == 404
    world.engine.dispose()


def test_42_another_unit_is_as_if_it_did_not_exist(guarded: World) -> None:
    client = small(guarded)
    assert client.get("/patient/B", headers=bearer()).status_code == 200
    assert same(client.get("/patient/C", headers=bearer()), client.get("/patient/nobody", headers=bearer()))
    assert client.get("/patient/C", headers=bearer()).status_code == 404
    assert client.get("/patient/A", headers=bearer(units=[])).status_code == 404


def test_42_a_patient_who_moves_takes_the_access_along(guarded: World) -> None:
    client = small(guarded)
    take(guarded, moves=[Move(kind="placed", patient="A", at=NOW, unit="8 East", bed="2")], message="moved")
    assert client.get("/patient/A", headers=bearer()).status_code == 404
    assert client.get("/patient/A", headers=bearer(units=["8 East"])).status_code == 200


def test_42_a_merge_takes_the_patient_s_own_access_along(settings: WardSettings, clock: SetClock) -> None:
    world = World(msgspec.structs.replace(settings, demo=False, sign_in=sign_in(one_patient=True)), clock)
    for patient in ("A", "B"):
        move = Move(kind="placed", patient=patient, at=NOW, unit="7 West", bed="1")
        take(world, said(patient, "body-temperature", NOW, 38.2, "Cel"), moves=[move], message=patient)
    client, only_a = small(world), bearer(patient_only="A")
    assert client.get("/patient/B", headers=only_a).status_code == 404
    take(world, moves=[Move(kind="merged", patient="A", other="B", at=NOW, reason="one person")], message="merge")
    assert client.get("/patient/B", headers=only_a).status_code == 200
    world.engine.dispose()


def test_42_someone_limited_cannot_find_out_who_exists_by_writing(guarded: World) -> None:
    """A patient who is not on record may be brought in, but only by somebody to whom every patient is open."""
    everywhere, limited = Person("e", "e", "integrator"), Person("l", "l", "integrator", units=frozenset({"7 West"}))
    guarded.access.admit_person(everywhere, "write", "new")
    for patient in ("new", "C"):
        with pytest.raises(Refusal) as refusal:
            guarded.access.admit_person(limited, "write", patient)
        assert refusal.value.status_code == 404
    with pytest.raises(Refusal):
        guarded.access.admit_person(everywhere, "read", "new")


def test_every_refusal_is_in_the_audit_with_its_reason(guarded: World) -> None:
    client = small(guarded)
    client.get("/list")
    client.post("/speed", headers=bearer())
    client.get("/patient/C", headers=bearer())
    assert [(held.person, held.action, held.patient, held.detail) for held in guarded.audit.records()] == [
        ("nobody", "enter", None, "nobody at GET /list"),
        ("https://sign-in.example#person-1", "operate", None, "role"),
        ("https://sign-in.example#person-1", "read", "C", "patient"),
    ]


def test_a_route_that_forgot_to_ask_answers_nothing(guarded: World) -> None:
    """What no rule let out stays in: 503 without a word of it."""
    answered = small(guarded).get("/forgot")
    assert (answered.status_code, "told" in answered.text) == (503, False)


# ------------------------------------------------------------------ browsers


def signed_in(world: World, person: Person) -> tuple[Any, str]:
    """A browser with a session, and its secret."""
    held = Session(person=person, how="oidc", ends_us=int((NOW.timestamp() + 10 * 3600) * 1e6))
    secret = world.access.sessions.open(held, NOW.replace(hour=12, minute=30))
    client = small(world)
    client.cookies.set(world.access.cookie, secret)
    return client, secret


WARD = Person("p", "Nurse", "clinician", units=frozenset({"7 West"}))


def test_a_form_needs_the_word_of_its_session(guarded: World) -> None:
    client, secret = signed_in(guarded, WARD)
    word = client.get("/me").json()["csrf"]
    assert word == form_word(secret) != secret
    assert client.post("/note").status_code == 403
    assert client.post("/note", headers={"X-CSRF-Token": "0" * 64}).status_code == 403
    assert client.post("/note", headers={"X-CSRF-Token": word}).status_code == 200
    assert client.post("/note", data={"csrf": word}).status_code == 200
    assert client.post("/note", data={"csrf": "x"}).status_code == 403
    assert client.post("/note", files={"file": ("a.csv", "a,b")}, data={"csrf": word}).status_code == 200


CLICK = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-User": "?1"}
SCRIPT, RELOAD = {"Sec-Fetch-Mode": "cors"}, {"Sec-Fetch-Mode": "navigate"}


@pytest.mark.parametrize(
    ("path", "headers", "lasts"),
    [
        ("/list", CLICK, True),
        ("/list", {}, True),
        ("/list", SCRIPT, False),
        ("/list", RELOAD, False),
        ("/me", {}, False),
    ],
)
def test_a_screen_that_was_left_alone_asks_who_sits_there(
    guarded: World, clock: SetClock, path: str, headers: dict[str, str], lasts: bool
) -> None:
    """Half an hour after somebody last did something, whatever its page goes on asking for by itself."""
    client, _ = signed_in(guarded, WARD)
    for _ in range(7):
        clock.advance(timedelta(minutes=5))
        client.get(path, headers=headers)
    assert (client.get("/list", headers=CLICK).status_code == 200) is lasts


def test_a_page_that_is_touched_keeps_its_session_and_its_stream_does_not(guarded: World, clock: SetClock) -> None:
    client, secret = signed_in(guarded, WARD)
    scope = {"type": "http", "method": "GET", "path": "/events", "query_string": b"", "server": ("testserver", 80),
             "headers": [(b"cookie", f"{guarded.access.cookie}={secret}".encode())]}  # fmt: skip
    stream = Request(scope)
    for _ in range(9):
        clock.advance(timedelta(minutes=5))
        assert guarded.access.is_still(stream, WARD)
        assert client.post("/me", headers={"X-CSRF-Token": form_word(secret)}).status_code == 204
    still = []
    for _ in range(7):
        clock.advance(timedelta(minutes=5))
        still.append(guarded.access.is_still(stream, WARD))
    assert still == [True] * 5 + [False] * 2


def test_whoever_has_to_sign_in_comes_back_to_the_address(guarded: World) -> None:
    page = small(guarded).get("/list?of=x&y=%22", headers={"Accept": "text/html"})
    assert (page.status_code, 'href="/sign-in?then=/list%3Fof%3Dx%26y%3D%2522"' in page.text) == (401, True)


def test_another_site_s_page_cannot_have_a_browser_ask(guarded: World) -> None:
    client, secret = signed_in(guarded, WARD)
    word = {"X-CSRF-Token": form_word(secret)}
    for from_elsewhere in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
        assert client.post("/note", headers=word | from_elsewhere).status_code == 403
    assert client.post("/note", headers=word | {"Origin": "http://testserver"}).status_code == 200
    assert client.get("/list", headers={"Host": "evil.example"}).status_code == 400


def test_a_session_ends_when_idle_when_old_and_when_left(guarded: World, clock: SetClock) -> None:
    client, secret = signed_in(guarded, WARD)
    for minute in (20, 40, 55):
        clock.set(NOW.replace(minute=minute))
        assert client.get("/list").status_code == 200
    left, other = client.post("/sign-out", headers={"X-CSRF-Token": form_word(secret)}), signed_in(guarded, WARD)[0]
    assert (left.status_code, client.get("/list").status_code) == (200, 401)
    clock.set(NOW.replace(hour=13, minute=31))
    assert other.get("/list").status_code == 401


def test_only_a_digest_of_the_cookie_is_kept(guarded: World) -> None:
    _, secret = signed_in(guarded, WARD)
    path = Path(str(guarded.engine.url.database))
    held = b"".join(file.read_bytes() for file in path.parent.glob("ward.db*"))
    assert secret.encode() not in held


def test_a_token_is_no_cookie_and_a_cookie_no_token(guarded: World) -> None:
    _, secret = signed_in(guarded, WARD)
    assert small(guarded).get("/list", headers={"Authorization": f"Bearer {secret}"}).status_code == 401


# ------------------------------------------------------------------ 49: the glass


def test_49_breaking_the_glass_shows_the_patient_and_says_so_louder(guarded: World) -> None:
    client, why = small(guarded), "cardiac arrest, covering 8 East"
    glass = bearer() | {"Break-Glass": why}
    assert client.get("/patient/C", headers=glass).status_code == 200
    *_, record = guarded.audit.records()
    assert (record.outcome, record.why, record.patient) == ("break-glass", why, "C")
    *_, event = guarded.store.events_after(0)
    assert (event.kind, event.patient) == ("break-glass", "C")
    assert client.get("/patient/C", headers=bearer() | {"Break-Glass": "x"}).status_code == 404
    assert client.get("/patient/nobody", headers=glass).status_code == 404
    staff = bearer(groups=["staff"]) | {"Break-Glass": why}
    assert client.get("/patient/C", headers=staff).status_code == 404


def test_49_audit_down_means_no_answer(guarded: World) -> None:
    client = small(guarded)
    with audit_down(guarded.engine):
        for path in ("/patient/A", "/list"):
            answered = client.get(path, headers=bearer())
            assert (answered.status_code, "A" in answered.json()["detail"][4:]) == (503, False)
        assert client.get("/patient/A", headers=bearer() | {"Break-Glass": "a reason long enough"}).status_code == 503
        assert client.get("/list").status_code == 503, "nobody is refused unwritten either"


def test_49_audit_down_the_glass_broken_is_written_aside_and_brought_back(
    settings: WardSettings, clock: SetClock, tmp_path: Path
) -> None:
    aside = tmp_path / "aside.jsonl"
    said_so = sign_in(break_glass_file=str(aside))
    world = World(msgspec.structs.replace(settings, demo=False, sign_in=said_so), clock)
    move = Move(kind="placed", patient="A", at=NOW, unit="7 West", bed="1")
    take(world, moves=[move], message="A")
    client, glass = small(world), bearer() | {"Break-Glass": "a reason long enough"}
    with audit_down(world.engine):
        assert client.get("/patient/A", headers=bearer()).status_code == 503
        assert client.get("/patient/A", headers=glass).status_code == 200
    assert aside.stat().st_mode & 0o777 == 0o600
    Access(world)
    *_, record = world.audit.records()
    assert (record.outcome, record.why, record.patient) == ("break-glass", "a reason long enough", "A")
    assert not aside.exists()
    assert list(world.audit.verify()) == []
    world.engine.dispose()


# ------------------------------------------------------------------ who saw whom


def test_49_refusals_of_nobody_are_summed(guarded: World, clock: SetClock) -> None:
    """Three hundred questions without a token are two records: the first at once, the others as a number."""
    client = small(guarded)
    assert {client.get("/list").status_code for _ in range(50)} == {401}
    assert client.get("/patient/A").status_code == 401
    kinds = [(held.action, held.outcome, held.detail) for held in guarded.audit.records()]
    assert kinds == [
        ("enter", "refused", "nobody at GET /list"),
        ("enter", "refused", "nobody at GET /patient/{handle}"),
    ]
    assert guarded.audit.write_sums() == 0, "a minute has not passed"
    clock.advance(timedelta(minutes=1))
    with audit_down(guarded.engine), pytest.raises(AuditDown):
        guarded.audit.write_sums()
    assert guarded.audit.write_sums() == 1
    *_, last = guarded.audit.records()
    assert (last.person, last.detail) == ("nobody", "nobody at GET /list, 49 more")
    assert client.get("/list").status_code == 401
    *_, last = guarded.audit.records()
    assert last.detail == "nobody at GET /list", "after that the first is a record again"
