"""What every route asks before it answers: who is this, may they, may they see this patient; and the record of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import structlog
from starlette.requests import HTTPConnection

from leeward.ward.access.people import DEMO, NOBODY, Action, Person
from leeward.ward.access.refusal import Refusal
from leeward.ward.audit import AuditDown, Entry

if TYPE_CHECKING:  # the world holds this
    from leeward.ward.world import World

log = structlog.get_logger(__name__)

DUE = "leeward.due"
"""Where a request keeps what is still to be audited before its answer leaves (`access.answers`)."""


class Access:
    """Who may do what in a world."""

    def __init__(self, world: World) -> None:
        self._world = world

    def may(self, action: Action) -> Callable[[HTTPConnection], Awaitable[Person]]:
        """A dependency of a route: the person, when their role allows the action.

        What a route that shows no single patient answers is audited as such, before the answer leaves; where the route
        goes on to `admit` a patient, that record stands for both.
        """

        async def asked(request: HTTPConnection) -> Person:
            if action == "open":
                due(request).is_open = True
                return NOBODY
            person = self.person_of(request)
            self._check_role(person, action)
            held = due(request)
            held.entry = Entry(action, person.id, person.role, detail=_route(request))
            if not held.kept:
                self._write(held.entry)
            return person

        return asked

    def admit(
        self, request: HTTPConnection, action: Action, patient: str | None = None, why: str | None = None
    ) -> Person:
        """The person who asks, when they may do this, to this patient; audited before it returns.

        Raises Refusal: 401 nobody, 403 not for this role, 404 no such patient for them, 503 the audit is down.
        """
        person = self.person_of(request)
        held = due(request)
        held.entry, held.written = None, True
        return self.admit_person(person, action, patient, why, detail=_route(request))

    def admit_person(
        self,
        person: Person,
        action: Action,
        patient: str | None = None,
        why: str | None = None,
        detail: str | None = None,
    ) -> Person:
        """The same for a person who is known already: a tool over stdio, a feed over MLLP."""
        self._check_role(person, action, patient)
        if patient is not None and not self._may_see(person, action, patient):
            self._refused(person, action, patient, "not a patient of theirs, or of nobody's")
            raise Refusal(404)
        self._write(Entry(action, person.id, person.role, patient, why, detail=detail))
        return person

    def person_of(self, request: HTTPConnection) -> Person:
        """Who asks; raises Refusal(401) for nobody."""
        return DEMO

    def _check_role(self, person: Person, action: Action, patient: str | None = None) -> None:
        """Raises Refusal(403) where the role, or the token, does not allow the action."""
        if not person.may(action):
            self._refused(person, action, patient, "role")
            raise Refusal(403)

    def _may_see(self, person: Person, action: Action, patient: str) -> bool:
        """Whether the patient is there and theirs; what is brought in, or is to be graded, may be of a new one."""
        return True

    def _refused(self, person: Person | None, action: str, patient: str | None, reason: str) -> None:
        """Write down that something was refused and why; the answer does not say."""
        held = person or NOBODY
        self._write(Entry(action, held.id, held.role, patient, outcome="refused", detail=reason))

    def _write(self, *entries: Entry) -> None:
        """Add to the audit; raises Refusal(503) when it cannot be written."""
        try:
            self._world.audit.write(*entries)
        except AuditDown:
            log.critical("audit-down")
            raise Refusal(503) from None


class Due:
    """What one request still owes the audit before its answer may leave."""

    def __init__(self, *, kept: bool) -> None:
        self.kept = kept  # whether `access.answers` stands around the routes and will write it
        self.entry: Entry | None = None
        self.written = False
        self.is_open = False


def due(request: HTTPConnection) -> Due:
    """What the request owes; where nobody keeps it, an entry is written at once."""
    held: Any = request.scope.get(DUE)
    return held if isinstance(held, Due) else Due(kept=False)


def _route(request: HTTPConnection) -> str | None:
    """The method and the route's own pattern: it names no patient."""
    route = request.scope.get("route")
    path = getattr(route, "path", None)
    return f"{request.scope.get('method', 'GET')} {path}" if path else None
