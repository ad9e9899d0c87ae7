"""A request of CDS Hooks, read strictly: what is not known is refused, and nothing of it is guessed."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec

from leeward.ward.cards.services import Service


class Refused(Exception):
    """A request that is not answered: a status, a FHIR issue code, and why, without a word of the record."""

    def __init__(self, status: int, code: str, why: str) -> None:
        super().__init__(why)
        self.status, self.code, self.why = status, code, why


class Authorization(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The token for the client's FHIR server. Its text is never shown, logged or kept."""

    access_token: str
    token_type: str = "Bearer"  # noqa: S105  a kind of token
    expires_in: int = 0
    scope: str = ""
    subject: str = ""
    patient: str | None = None
    extension: Any = None

    def __repr__(self) -> str:
        """Without the token."""
        return "Authorization()"


class Context(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the client's user is doing; the fields of the three hooks that are answered here."""

    userId: str  # noqa: N815  as CDS Hooks spells it
    patientId: str  # noqa: N815
    encounterId: str | None = None  # noqa: N815
    selections: tuple[str, ...] | None = None
    draftOrders: msgspec.Raw = msgspec.Raw()  # noqa: N815
    extension: Any = None


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The body of a call."""

    hook: str
    hookInstance: UUID  # noqa: N815
    context: Context
    fhirServer: str | None = None  # noqa: N815
    fhirAuthorization: Authorization | None = None  # noqa: N815
    prefetch: dict[str, msgspec.Raw] | None = None
    extension: Any = None

    @property
    def patient(self) -> str:
        """The FHIR id of the patient, without the type that some clients write before it."""
        return self.context.patientId.removeprefix("Patient/")


class Feedback(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What became of one card."""

    card: UUID
    outcome: str
    outcomeTimestamp: str  # noqa: N815
    acceptedSuggestions: list[dict[str, str]] | None = None  # noqa: N815
    overrideReason: dict[str, Any] | None = None  # noqa: N815
    extension: Any = None


class Feedbacks(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What became of some cards."""

    feedback: tuple[Feedback, ...]


_request = msgspec.json.Decoder(Request)
_feedbacks = msgspec.json.Decoder(Feedbacks)
_OUTCOMES = ("accepted", "overridden")


def request_of(body: bytes, service: Service) -> Request:
    """The request of a body. Raises Refused(400)."""
    made: Request = _decoded(_request, body)
    if made.hook != service.hook:
        raise Refused(400, "value", f"hook: this service answers {service.hook}")
    if not _is_id(made.patient):
        raise Refused(400, "value", "context.patientId: not a FHIR id")
    if service.orders and not bytes(made.context.draftOrders):
        raise Refused(400, "required", f"context.draftOrders: {service.hook} has it")
    if service.hook == "order-select" and made.context.selections is None:
        raise Refused(400, "required", "context.selections: order-select has it")
    if not service.orders and (bytes(made.context.draftOrders) or made.context.selections is not None):
        raise Refused(400, "value", f"context: {service.hook} has no orders")
    return made


def feedbacks_of(body: bytes) -> Feedbacks:
    """What became of some cards. Raises Refused(400)."""
    made: Feedbacks = _decoded(_feedbacks, body)
    if not made.feedback or any(one.outcome not in _OUTCOMES for one in made.feedback):
        raise Refused(400, "value", "feedback: a list of outcomes, each accepted or overridden")
    return made


def _decoded(decoder: msgspec.json.Decoder[Any], body: bytes) -> Any:
    """A body in its shape; what is wrong is named by its place, never by what it holds."""
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(400, "structure", _said(error)) from None


def _said(error: BaseException) -> str:
    """Why a body cannot be read, without its values."""
    if isinstance(error, msgspec.ValidationError):
        return str(error)
    return "nested too deep" if isinstance(error, RecursionError) else "not JSON"


def _is_id(text: str) -> bool:
    """Whether a text may be the id of a FHIR resource."""
    return 0 < len(text) <= 64 and all(one.isascii() and (one.isalnum() or one in "-.") for one in text)


def outcome(code: str, why: str) -> dict[str, Any]:
    """The OperationOutcome of a refusal."""
    issue = {"severity": "error", "code": code, "details": {"text": why}}
    return {"resourceType": "OperationOutcome", "issue": [issue]}
