"""What every route asks before it answers: who is this, may they, may they see this patient; and the record of it."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog
from msgspec.structs import replace
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection, Request

from leeward.ward.access.asked import Asked, asked_of, route_of
from leeward.ward.access.bearers import Bearers
from leeward.ward.access.broken import BROKEN, Notes
from leeward.ward.access.flow import Flow
from leeward.ward.access.glass import Glass
from leeward.ward.access.known import Known, credential
from leeward.ward.access.outside import Outside
from leeward.ward.access.people import DEMO, NOBODY, Action, Person
from leeward.ward.access.refusal import Refusal
from leeward.ward.access.sessions import Sessions, form_word
from leeward.ward.access.settings import address_of, listed, sign_in
from leeward.ward.access.start import check
from leeward.ward.access.tokens import BadToken, KeyShelf, Seen
from leeward.ward.audit import AuditDown, Entry

if TYPE_CHECKING:  # the world holds this
    from leeward.ward.world import World

log = structlog.get_logger(__name__)

COMING_NEW: frozenset[Action] = frozenset({"write", "grade"})
"""Actions that may be about a patient who is not on record yet: what is brought in, or sent along to be graded."""
READING = ("GET", "HEAD", "OPTIONS")
"""Methods that change nothing, so that a page elsewhere gains nothing by having a browser send them."""
BY_THEMSELVES = ("/events", "/rows", "/me", "/demo/speed", "/patient/{handle}/said")
"""What open pages ask for by themselves: nobody need sit before them."""


class Access:
    """Who may do what in a world. Raises BadSetting where its settings would let in somebody unknown."""

    def __init__(self, world: World) -> None:
        settings, clock = world.settings, world.clock
        check(settings)
        self._world = world
        self.said, self.home = sign_in(settings), address_of(settings)
        number = settings.number
        idle = timedelta(minutes=number("access", "idle_minutes"))
        self.outside = Outside(
            listed(self.said),
            wait_s=number("access", "outside_wait_s"),
            most_bytes=int(number("access", "outside_bytes")),
        )
        self.sessions = Sessions(world.engine, clock, idle=idle)
        shelf = KeyShelf(self.outside, clock.monotonic, keep_s=60 * number("access", "keys_minutes"),
                         again_s=number("access", "keys_again_s"))  # fmt: skip
        seen = Seen(world.engine, clock, most=int(number("access", "jti_most")))
        self.flow = Flow(settings, self.said, self.home, clock, outside=self.outside, shelf=shelf,
                         sessions=self.sessions)  # fmt: skip
        self.bearers = Bearers(settings, self.said, self.home, clock, shelf=shelf, sessions=self.sessions, seen=seen)
        self.glass = Glass(world.audit, self.said.break_glass_file, int(number("access", "break_glass_letters")))
        self.glass.bring_back()
        self.broken = Notes(world.engine, clock, number("access", "break_glass_hours"))
        self.known = Known(clock.monotonic, idle.total_seconds(), int(number("limits", "clients")))
        self.cookie = "__Host-leeward" if self.said.secure else "leeward"

    def may(self, action: Action) -> Callable[[Request], Awaitable[Person]]:
        """A dependency of a route: the person, when their role allows the action.

        What a route that shows no single patient answers is audited as such, before the answer leaves; where the route
        goes on to `admit` a patient, that record stands for both.
        """

        async def asked(request: Request) -> Person:
            held = asked_of(request)
            if action == "open":
                held.is_open = True
                return NOBODY
            await self._form_word(request, held)
            person = await run_in_threadpool(self.person_of, request)
            await run_in_threadpool(self._check_role, person, action)
            held.owed = Entry(action, person.id, person.role, detail=route_of(request))
            if not held.kept:
                await run_in_threadpool(self.settle, held)
            return person

        return asked

    def admit(self, request: Request, action: Action, patient: str | None = None, why: str | None = None) -> Person:
        """The person who asks, when they may do this, to this patient; audited before it returns.

        Raises Refusal: 401 nobody, 403 not for this role, 404 no such patient for them, 503 the audit is down.
        """
        person = self.person_of(request)
        held = asked_of(request)
        broken = self.glass.reason(request.headers, person)
        self.admit_person(person, action, patient, why, detail=route_of(request), broken=broken)
        held.owed, held.settled = None, True
        return person

    def admit_to_all(self, request: Request, action: Action) -> Person:
        """The same for what tells of everybody: whoever is limited to units or patients is refused (403)."""
        person = self.person_of(request)
        if person.limited:
            self._refused(person, action, None, "limited", route_of(request))
            raise Refusal(403)
        return self.admit(request, action)

    def admit_person(
        self,
        person: Person,
        action: Action,
        patient: str | None = None,
        why: str | None = None,
        *,
        detail: str | None = None,
        broken: str | None = None,
    ) -> Person:
        """The same for a person who is known already: a tool over stdio, a feed over MLLP.

        broken: why the glass is broken, where somebody says that they must see this patient now.
        """
        self._check_role(person, action, patient)
        outcome = "answered"
        if patient is not None and not self._may_see(person, action, patient):
            if broken is None or person.patients is not None or not self._on_record(patient):
                self._refused(person, action, patient, "patient")
                raise Refusal(404)
            outcome = "break-glass"
        entry = Entry(action, person.id, person.role, patient, broken or why, outcome, detail)
        if outcome == "break-glass":
            self._write(entry)
            self._loud(person, patient)
        else:
            self._write(entry, broken=broken)
        return person

    def person_of(self, request: Request) -> Person:
        """Who asks. Raises Refusal(401) for nobody, and 403 for a form that another site had a browser send."""
        held = asked_of(request)
        if held.person is None:
            held.person = self._recognised(request, held, used=_by_somebody(request))
            self.known.believed(credential(request.headers))
        return held.person

    def is_still(self, request: Request, person: Person) -> bool:
        """Whether whoever began to listen is still who they were, and may still; asking keeps no session alive."""
        try:
            return self._recognised(request, asked_of(request), used=False) == person
        except Refusal:
            return False

    def showed(self, request: Request, patients: Iterable[str]) -> None:
        """Have the audit told whom an answer about several patients shows, before it leaves.

        Raises Refusal(503) when it cannot be written.
        """
        held, names = asked_of(request), tuple(patients)
        if held.owed is not None:
            held.owed = replace(held.owed, shown=names)
            return
        person = self.person_of(request)
        self._write(Entry("read", person.id, person.role, detail=route_of(request), shown=names))

    def is_known(self, secret: str) -> bool:
        """Whether somebody was known lately by what a request brings; everybody is, where nobody can sign in."""
        return not self.said.somebody or self.known.holds(secret)

    def has_session(self, request: HTTPConnection) -> bool:
        """Whether a request brings the cookie or the token of an open session: asked of the database."""
        _, _, token = request.headers.get("authorization", "").partition(" ")
        secret = token.strip() or request.cookies.get(self.cookie, "")
        try:
            return bool(secret) and self.sessions.find(secret, used=False) is not None
        except SQLAlchemyError:
            return False

    def form_word(self, request: Request) -> str:
        """What every form of a page carries as `csrf`, and a script as `X-CSRF-Token`."""
        secret = request.cookies.get(self.cookie)
        return form_word(secret) if secret else ""

    def settle(self, held: Asked) -> None:
        """Write what a request still owes the audit; raises Refusal(503) when it cannot be written."""
        if held.owed is not None:
            self._write(held.owed)
            held.owed, held.settled = None, True

    def write(self, entry: Entry) -> None:
        """Add an entry of sign-in itself to the audit; raises Refusal(503) when it cannot be written."""
        self._write(entry)

    def _recognised(self, request: Request, held: Asked, *, used: bool) -> Person:
        """Whose token or cookie that is; everybody is the demo's clinician where nobody can sign in."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if not self.said.somebody:
            return DEMO
        if scheme.lower() == "bearer" and token:
            try:
                return self.bearers.person(token.strip(), request.url.path)
            except BadToken as error:
                self.nobody(request, "token", _at(request, str(error)))
                raise Refusal(401) from None
        secret = request.cookies.get(self.cookie)
        session = self.sessions.find(secret, used=used) if secret else None
        if secret is None or session is None or session.how == "token":
            self.nobody(request, "enter", _at(request, "nobody"))
            raise Refusal(401)
        if request.method not in READING and not hmac.compare_digest(held.word, form_word(secret)):
            self._refused(session.person, "enter", None, "csrf", route_of(request))
            raise Refusal(403)
        return session.person

    async def _form_word(self, request: Request, held: Asked) -> None:
        """What the request's own form or header says as its word, kept for `person_of`."""
        held.word = request.headers.get("x-csrf-token", "")
        kind = request.headers.get("content-type", "")
        if held.word or request.method in READING or self.cookie not in request.cookies:
            return
        if kind.startswith(("application/x-www-form-urlencoded", "multipart/form-data")):
            held.form = await request.form()
            said = held.form.get("csrf")
            held.word = said if isinstance(said, str) else ""

    def _check_role(self, person: Person, action: Action, patient: str | None = None) -> None:
        """Raises Refusal(403) where the role, or the token, does not allow the action."""
        if not person.may(action):
            self._refused(person, action, patient, "role")
            raise Refusal(403)

    def _may_see(self, person: Person, action: Action, patient: str) -> bool:
        """Whether the patient is there and theirs; one who comes new is for people without limits only."""
        held = self._world.store.patient(patient)
        if held is None:
            return action in COMING_NEW and not person.limited
        same = {patient, held.merged_into or patient}
        for mine in person.patients or ():
            other = self._world.store.patient(mine)
            same |= {mine} if other is not None and other.merged_into in same else set()
        return person.may_see(frozenset(same), held.unit)

    def _on_record(self, patient: str) -> bool:
        """Whether there is such a patient at all."""
        return self._world.store.patient(patient) is not None

    def _loud(self, person: Person, patient: str | None) -> None:
        """Tell the board and the log that the glass was broken."""
        log.critical("break-glass")
        self._world.store.add_event(BROKEN, patient, None, {"person": person.name})

    def nobody(self, request: Request, action: str, reason: str) -> None:
        """Have the audit told that somebody unknown was refused; of many refusals of a kind, how many they were.

        Raises Refusal(503) when it cannot be written.
        """
        self.known.forget(credential(request.headers))
        try:
            self._world.audit.refused_nobody(
                Entry(action, NOBODY.id, NOBODY.role, outcome="refused", detail=reason)
            )  # fmt: skip
        except AuditDown:
            log.critical("audit-down")
            raise Refusal(503) from None

    def _refused(
        self, person: Person, action: str, patient: str | None, reason: str, detail: str | None = None
    ) -> None:
        """Write down that something was refused and why; the answer does not say."""
        said = reason if detail is None else f"{reason} at {detail}"
        self._write(Entry(action, person.id, person.role, patient, outcome="refused", detail=said))

    def _write(self, entry: Entry, broken: str | None = None) -> None:
        """Add to the audit; raises Refusal(503) when it cannot be written and the glass is not broken."""
        try:
            self._world.audit.write(entry)
        except AuditDown:
            log.critical("audit-down")
            if broken is None or not self.glass.kept_aside(entry):
                raise Refusal(503) from None


def _by_somebody(request: Request) -> bool:
    """Whether a person asks, as far as a browser tells: a page that asks by itself would keep a session for ever.

    A browser says `Sec-Fetch-User` where somebody clicked or typed, and a script's or a stream's question has none.
    """
    if request.method not in READING:
        return True
    if getattr(request.scope.get("route"), "path", None) in BY_THEMSELVES:
        return False
    return "sec-fetch-mode" not in request.headers or request.headers.get("sec-fetch-user") == "?1"


def _at(request: Request, reason: str) -> str:
    """Why somebody unknown was refused, and by which route."""
    return " at ".join(filter(None, (reason, route_of(request))))
