"""One call of CDS Hooks from its body to its cards, without HTTP."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pyarrow as pa

from leeward.record.fhir.resources import Identifier
from leeward.record.settings import Settings
from leeward.record.spool import Record
from leeward.ward.access.settings import address_of
from leeward.ward.cards.card import Card
from leeward.ward.cards.course_cards import course_cards
from leeward.ward.cards.drafts import orders_of, watched
from leeward.ward.cards.fhir_server import FhirServers
from leeward.ward.cards.order_cards import order_cards
from leeward.ward.cards.prefetch import Gathered, gathered
from leeward.ward.cards.request import Request
from leeward.ward.cards.seen import Eyes, eyes, reaches_back, read
from leeward.ward.cards.services import Service
from leeward.ward.cards.settings import SOURCE, cds_hooks
from leeward.ward.clock import Clock
from leeward.ward.settings import WardSettings

Joined = Callable[[str], pa.Table | None]
"""The ward's own findings of a patient by their identifier there; None where there is none, or whoever asks may not."""


class _Known(msgspec.Struct):
    identifier: list[Identifier] | None = None


class Hooks:
    """Answers calls. Nothing of a patient is kept after an answer."""

    def __init__(self, settings: WardSettings, clock: Clock) -> None:
        self._settings, self._clock = settings, clock
        self.said, self._home = cds_hooks(settings), address_of(settings)
        self.servers = FhirServers(settings, self.said, clock)

    @property
    def eyes(self) -> Eyes:
        """Made at the first call; `warm` makes them before."""
        return eyes(room_air=self._settings.room_air, drugs=watched())

    def answer(self, service: Service, request: Request, joined: Joined) -> dict[str, Any]:
        """The cards of a call as CDS Hooks has them. Raises Refused."""
        at = self._clock.now()
        source = self._settings.source(SOURCE)
        orders = None
        if service.orders:
            draft = bytes(request.context.draftOrders)
            orders = orders_of(draft, request.patient, request.context.selections, source.local)
            if not orders:
                return {"cards": []}
        held = gathered(request, service, self.servers)
        record = read(held.texts, Settings(zone=source.zone, local=source.local, now=at), request.patient)
        findings = self._joined(record, held, request.patient, joined)
        lacking = tuple(f"{service.prefetch[one.part].tells} ({one.why})" for one in held.lost)
        if orders is None:
            seen = self.eyes.see(findings, record.refusals, request.patient, at)
            open_grade = self._is_open(service, held, record, at)
            seen = msgspec.structs.replace(seen, lacking=lacking, open_grade=open_grade)
            cards = course_cards(seen, at, self._settings.number, self._home)
        else:
            considered = self.eyes.consider(findings, record.refusals, request.patient, at)
            considered = msgspec.structs.replace(considered, lacking=lacking)
            cards = order_cards(orders, considered, at, self._settings.number, self._home)
        return {"cards": [_as_json(card, request) for card in cards]}

    def _is_open(self, service: Service, held: Gathered, record: Record, at: datetime) -> bool:
        """Whether something did not arrive on which the grade of now may rest."""
        to = at - timedelta(hours=self._settings.number("cds_hooks", "observed_back_hours"))
        return any(
            service.prefetch[one.part].grades
            and not (service.prefetch[one.part].newest_first and reaches_back(record, one.part, to))
            for one in held.lost
        )

    def _joined(self, record: Record, held: Gathered, patient: str, joined: Joined) -> pa.Table:
        """What was sent, and beside it the ward's own findings where a centre has said by which identifier."""
        system = self.said.join_by
        if system is None or "patient" not in held.texts:
            return record.findings
        known = msgspec.json.decode(held.texts["patient"], type=_Known)
        named = [one.value for one in known.identifier or () if one.system == system and one.value]
        own = joined(named[0]) if len(named) == 1 else None
        if own is None:
            return record.findings
        place = own.schema.get_field_index("patient")
        renamed = own.set_column(place, own.schema.field(place), pa.array([patient] * own.num_rows, pa.string()))
        return pa.concat_tables([record.findings, renamed.cast(record.findings.schema)])


def _as_json(card: Card, request: Request) -> dict[str, Any]:
    """A card of this call."""
    return card.as_json(request.hookInstance)
