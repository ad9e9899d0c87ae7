"""The courier: messages of the outbox to their receivers, each at least once, each receiver by itself.

Only the address that a centre wrote down is asked, only where it may resolve to, and no redirect is followed. Neither
the address nor a log names a patient.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import structlog
from sqlalchemy import or_, select, update

from leeward.record.errors import BadSetting
from leeward.ward import tables as t
from leeward.ward.access.outside import within
from leeward.ward.alerts import rows, signature
from leeward.ward.news import add_news
from leeward.ward.rows import microseconds
from leeward.ward.settings import Webhook
from leeward.ward.worker import Worker

if TYPE_CHECKING:
    from leeward.ward.world import World

log = structlog.get_logger(__name__)
PAUSE_S = 0.5
"""How soon the outbox is looked at again when nothing new was said."""


class Courier:
    """Sends what waits; `reason` of a failure is a word, never the receiver's answer."""

    def __init__(self, world: World) -> None:
        self._world, self._number = world, world.settings.number
        self._keys = {one.name: signature.key(one.secret) for one in world.settings.webhooks}
        check(world.settings.webhooks)
        self._workers = [Worker(f"courier-{hook.name}", partial(self._send, hook), PAUSE_S)
                         for hook in world.settings.webhooks]  # fmt: skip

    def start(self) -> None:
        """Begin to send: to each receiver by itself, so that a slow one keeps nobody waiting."""
        for worker in self._workers:
            worker.start()

    def stop(self) -> None:
        """End, after what is under way."""
        for worker in self._workers:
            worker.stop()

    def tell(self) -> None:
        """Something new waits."""
        for worker in self._workers:
            worker.wake()

    def once(self) -> int:
        """Send what is due now, once; how many messages it was."""
        return sum(self._send(hook) for hook in self._world.settings.webhooks)

    # ------------------------------------------------------------ the outbox

    def _send(self, hook: Webhook) -> int:
        """What is due for one receiver, a few at a time."""
        due = self._claim(hook.name)
        if not due:
            return 0
        for row, reason in zip(due, asyncio.run(self._posted(hook, due)), strict=True):
            self._record(row, reason)
        return len(due)

    async def _posted(self, hook: Webhook, due: Sequence[Any]) -> list[str | None]:
        """Messages sent together; what became of each."""
        return await asyncio.gather(*(self._post(hook, row) for row in due))

    def _claim(self, receiver: str) -> list[Any]:
        """Messages that nobody else sends meanwhile; should this worker die, they are due again after a while."""
        now = self._world.clock.now()
        longest = timedelta(seconds=self._number("webhooks", "retry_most_s") * (1 + self._number("webhooks", "jitter")))
        c = t.outbox.c
        # A moment further away than any wait was written before the clock was set back.
        due = or_(c.next_at <= microseconds(now), c.next_at > microseconds(now + longest + self._claimed()))
        asked = select(t.outbox).where((c.receiver == receiver) & c.delivered_at.is_(None) & due).order_by(c.seq)
        with self._world.engine.connect() as connection:
            waiting = connection.execute(asked.limit(int(self._number("webhooks", "at_once")))).all()
        if not waiting:
            return []
        with rows.writing(self._world.engine) as connection:
            until = microseconds(now + self._claimed())
            taken = []
            for row in waiting:
                mine = (c.seq == row.seq) & (c.attempts == row.attempts) & c.delivered_at.is_(None)
                taking = update(t.outbox).where(mine).values(attempts=row.attempts + 1, next_at=until)
                taken += [row] if connection.execute(taking).rowcount == 1 else []
        return taken

    def _claimed(self) -> timedelta:
        return timedelta(seconds=self._number("webhooks", "claim_s"))

    def _record(self, row: Any, reason: str | None) -> None:
        """What became of one attempt."""
        now, attempts = self._world.clock.now(), row.attempts + 1
        if reason is None:
            log.info("webhook-delivered", seq=row.seq, count=attempts)
            wanted: dict[str, Any] = {"delivered_at": microseconds(now), "next_at": None}
        else:
            log.warning("webhook-failed", seq=row.seq, count=attempts, reason=reason)
            wanted = {"next_at": microseconds(now + self._wait(attempts))}
            if attempts >= self._number("webhooks", "attempts_most"):
                wanted["next_at"] = None
        with rows.writing(self._world.engine) as connection:
            connection.execute(update(t.outbox).where(t.outbox.c.seq == row.seq).values(wanted))
            if row.alert is not None and (reason is None or wanted["next_at"] is None):
                what = "delivered" if reason is None else "given-up"
                rows.add_event(connection, row.alert, what, now, person=row.receiver, said=row.kind)
                key, unit = connection.execute(
                    select(t.alerts.c.patient_key, t.alerts.c.unit).where(t.alerts.c.seq == row.alert)
                ).one()
                news = {"alert": row.alert, "what": what, "receiver": row.receiver, "at": now}
                add_news(connection, f"alert-{what}", now, key, unit, news)

    def _wait(self, attempts: int) -> timedelta:
        """How long until the next attempt: twice the wait before, up to a limit, a little more or less by chance."""
        first, most = self._number("webhooks", "first_retry_s"), self._number("webhooks", "retry_most_s")
        doubled = min(most, first * 2 ** min(attempts - 1, int(most)))
        jitter = self._number("webhooks", "jitter")
        return timedelta(seconds=doubled * random.uniform(1 - jitter, 1 + jitter))  # noqa: S311  no secret

    # ------------------------------------------------------------ one message

    async def _post(self, hook: Webhook, row: Any) -> str | None:
        """Send one message; None when it was accepted, else why not."""
        body = bytes(row.body)
        name = "msg_" + hashlib.sha256(f"{row.key}@{row.queued_at}".encode()).hexdigest()[:32]
        said = signature.headers(self._keys[hook.name], name, self._world.clock.now(), body)
        if row.alert is None:  # of a Subscription
            said["content-type"] = "application/fhir+json"
        try:
            async with asyncio.timeout(self._number("webhooks", "timeout_s")):
                return await asked(hook, said, body)
        except TimeoutError:
            return "slow"
        except httpx.HTTPError:
            return "no-answer"


async def asked(hook: Webhook, headers: dict[str, str], body: bytes) -> str | None:
    """One request to the address that was looked at; None when it accepted. Only the status is read."""
    parts = urlsplit(hook.url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        found = await asyncio.get_running_loop().getaddrinfo(parts.hostname, port)
    except OSError:
        return "unknown-name"
    addresses = [ip_address(one[4][0]) for one in found]
    if not addresses or not all(within(address, hook.reach) for address in addresses):
        return "not-its-place"
    number = f"[{addresses[0]}]" if addresses[0].version == 6 else str(addresses[0])
    target = parts._replace(netloc=f"{number}:{port}").geturl()
    headers = {"host": parts.netloc, **headers}
    # `_post` ends what takes too long, however slowly the receiver speaks.
    async with (
        httpx.AsyncClient(timeout=None, follow_redirects=False, trust_env=False) as client,  # noqa: S113
        client.stream(
            "POST", target, content=body, headers=headers, extensions={"sni_hostname": parts.hostname}
        ) as got,
    ):
        return None if got.is_success else f"status-{got.status_code}"


def check(hooks: Sequence[Webhook]) -> None:
    """Raises BadSetting where nobody would ever be told, or where an address says more than where to."""
    names = [hook.name for hook in hooks]
    firsts = set(names) - {hook.next for hook in hooks}
    if hooks and (not firsts or len(set(names)) != len(names)):
        raise BadSetting("webhooks: each needs a name of its own, and one of them must be told first")
    for hook in hooks:
        parts = urlsplit(hook.url)
        if hook.next is not None and hook.next not in names:
            raise BadSetting(f"webhook '{hook.name}': there is no '{hook.next}' to be told next")
        if parts.username is not None or parts.query or parts.fragment or not parts.hostname:
            raise BadSetting(f"webhook '{hook.name}': the address is scheme, host and path, nothing else")
        if parts.scheme != "https" and (parts.scheme != "http" or hook.reach != "loopback"):
            raise BadSetting(f"webhook '{hook.name}': only https, or http to this machine")
