"""The signature on a webhook, in the shape of Standard Webhooks: HMAC-SHA256 over id, time and body."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from datetime import datetime

from leeward.record.errors import BadSetting

PREFIX = "whsec_"


def key(secret: str) -> bytes:
    """The key in a secret as centres write it: "whsec_" and base64. Raises BadSetting that does not show it."""
    try:
        made = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        made = b""
    if not secret.startswith(PREFIX) or len(made) < hashlib.sha256().digest_size:
        raise BadSetting(f"a webhook's secret is '{PREFIX}' and at least 32 random bytes in base64")
    return made


def headers(secret: bytes, message: str, at: datetime, body: bytes) -> dict[str, str]:
    """What goes with a message: its id, which is also its idempotency key; the time; the signature over both and it."""
    second = str(int(at.timestamp()))
    signed = hmac.digest(secret, f"{message}.{second}.".encode() + body, "sha256")
    return {
        "webhook-id": message,
        "webhook-timestamp": second,
        "webhook-signature": f"v1,{base64.b64encode(signed).decode()}",
        "idempotency-key": message,
        "content-type": "application/json",
    }
