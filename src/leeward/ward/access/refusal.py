"""The refusals of the service: a status and a body that is the same whatever the reason; the reason is in the audit."""

from __future__ import annotations

from starlette.exceptions import HTTPException

SAID = {
    400: "The request cannot be understood.",
    401: "Sign in to see this.",
    403: "This is not open to your role.",
    404: "There is nothing here.",
    503: "The audit cannot be written, so there is no answer.",
}
"""What stands in the body of each refusal, and nothing else."""


class Refusal(HTTPException):
    """A request that is not answered.

    A patient who does not exist and one whom the person may not see are the same 404; every fault of a token is the
    same 401.
    """

    def __init__(self, status: int, headers: dict[str, str] | None = None) -> None:
        if status == 401:
            headers = {"WWW-Authenticate": "Bearer", **(headers or {})}
        super().__init__(status_code=status, detail=SAID[status], headers=headers)
