"""What is known of one request while it is answered: who asks, and what is still owed to the audit."""

from __future__ import annotations

from typing import Any

from starlette.datastructures import FormData
from starlette.requests import HTTPConnection

from leeward.ward.access.people import Person
from leeward.ward.audit import Entry

ASKED = "leeward.asked"
"""Under which key a request's scope keeps it."""


class Asked:
    """One request. kept: `answers.Answers` stands around it and settles with the audit before the answer leaves."""

    def __init__(self, *, kept: bool = False) -> None:
        self.kept = kept
        self.person: Person | None = None
        self.word = ""
        self.form: FormData | None = None
        self.owed: Entry | None = None
        self.settled = False
        self.is_open = False


def asked_of(request: HTTPConnection) -> Asked:
    """What is known of this request."""
    held: Any = request.scope.setdefault(ASKED, Asked())
    assert isinstance(held, Asked)
    return held


def route_of(request: HTTPConnection) -> str | None:
    """The method and the route's own pattern, which names no patient."""
    path = getattr(request.scope.get("route"), "path", None)
    return f"{request.scope.get('method', 'GET')} {path}" if path else None
