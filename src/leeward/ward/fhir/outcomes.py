"""What is answered beside or instead of a resource: OperationOutcome, with a code and a place and never a value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import msgspec
from starlette.responses import Response

FHIR = "application/fhir+json"
REASONS = "urn:leeward:refusal"
"""The code system of the reasons with which findings are refused (docs/answers.md)."""
Severity = Literal["error", "warning", "information"]


class Issue(msgspec.Struct, frozen=True):
    """One thing that is wrong, or worth knowing. says: in words that repeat nothing of what was sent."""

    code: str
    says: str
    at: str | None = None
    severity: Severity = "error"
    reason: str | None = None

    def within(self, place: str) -> Issue:
        """The same, of an entry of a Bundle."""
        if not place:
            return self
        at = self.at or ""
        rest = at.partition(".")[2] if at[:1].isupper() else at
        return msgspec.structs.replace(self, at=f"{place}.{rest}" if rest else place)


class Unfit(Exception):
    """A request, or an entry of one, that is refused: a status and why."""

    def __init__(self, status: int, *issues: Issue) -> None:
        super().__init__(issues[0].says if issues else "")
        self.status, self.issues = status, issues

    def within(self, place: str) -> Unfit:
        """The same, of an entry of a Bundle."""
        return Unfit(self.status, *(issue.within(place) for issue in self.issues))


def unfit(status: int, code: str, says: str, at: str | None = None) -> Unfit:
    """A refusal for one reason."""
    return Unfit(status, Issue(code, says, at))


def outcome(issues: Sequence[Issue]) -> dict[str, Any]:
    """An OperationOutcome; without any issue it says that all went well."""
    said = issues or [Issue("informational", "All of it was understood.", severity="information")]
    return {"resourceType": "OperationOutcome", "issue": [_issue(one) for one in said]}


def _issue(one: Issue) -> dict[str, Any]:
    made: dict[str, Any] = {"severity": one.severity, "code": one.code, "diagnostics": one.says}
    if one.reason is not None:
        made["details"] = {"coding": [{"system": REASONS, "code": one.reason}], "text": one.says}
    if one.at:
        made["expression"] = [one.at]
    return made


_CODES = {"unit-unknown": "code-invalid", "code-unknown": "code-invalid", "resource-not-read": "not-supported"}


def of_refusals(refusals: Iterable[Mapping[str, Any]], most: int) -> list[Issue]:
    """What was kept and grades nothing, by reason and quantity; the details, which hold values, stay in the store."""
    said: dict[tuple[str, str | None], int] = {}
    for row in refusals:
        key = row["reason"], row["quantity"]
        said[key] = said.get(key, 0) + 1
    made = []
    for (reason, quantity), times in list(said.items())[:most]:
        of = f" of {quantity}" if quantity else ""
        often = f" ({times} times)" if times > 1 else ""
        says = f"Kept, and grades nothing: {reason}{of}{often}."
        made.append(Issue(_CODES.get(reason, "business-rule"), says, severity="warning", reason=reason))
    return made


def sent(status: int, body: bytes | Mapping[str, Any] | None, headers: Mapping[str, str] | None = None) -> Response:
    """An answer in FHIR's media type."""
    said = b"" if body is None else body if isinstance(body, bytes) else msgspec.json.encode(body)
    return Response(said, status, dict(headers or {}), media_type=FHIR)


def refused(fault: Unfit) -> Response:
    """A refusal as an answer."""
    return sent(fault.status, outcome(fault.issues))
