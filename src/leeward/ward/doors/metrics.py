"""How the service fares: `/metrics` for Prometheus and `/health`. Counts, ages, names of settings; never a patient."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from threading import Lock
from typing import TYPE_CHECKING

from fastapi import APIRouter, Depends
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric, SummaryMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector
from sqlalchemy import Connection, Table, func, select
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import JSONResponse, Response

from leeward.knowledge import edition
from leeward.ward import tables as t
from leeward.ward.alerts.rows import is_closed
from leeward.ward.fhir.answers import refused_requests
from leeward.ward.rows import microseconds, moment

if TYPE_CHECKING:  # the world mounts this
    from leeward.ward.world import World

DOORS = ("fhir", "hl7", "csv", "bedside", "replay", "demo")
OTHER = "other"
"""What a name goes by that no setting names: it may have come from outside."""
_TOLD = {"description": "As asked", "content": {"text/plain": {"schema": {"type": "string"}}}}


def router(world: World) -> APIRouter:
    """Both addresses."""
    made = APIRouter(tags=["operation"])
    registry = CollectorRegistry()
    registry.register(Ward(world))

    @made.get("/metrics", dependencies=[Depends(world.access.may("operate"))], response_class=Response,
              responses={200: _TOLD})  # fmt: skip
    def metrics() -> Response:
        """Everything that is counted, for Prometheus."""
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)

    @made.get("/health", dependencies=[Depends(world.access.may("open"))],
              responses={503: {"description": "It does not work", "content": {"application/json": {}}}})  # fmt: skip
    def health() -> JSONResponse:
        """Whether the store can be read and patients are graded."""
        said = {"store": _is_readable(world), "grader": world.grader.trouble is None}
        return JSONResponse(said, 200 if all(said.values()) else 503)

    return made


def _is_readable(world: World) -> bool:
    try:
        world.store.last_event()
    except SQLAlchemyError:
        return False
    return True


class Ward(Collector):
    """Counts the store's rows when it is asked, so that all workers say the same and a restart loses nothing."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._turn = Lock()
        self._since_s: float | None = None
        self._counted: list[Metric] = []

    def describe(self) -> list[Metric]:
        """Nothing beforehand: what there is depends on the store."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Every metric; what takes a walk over the store is counted anew after a while only."""
        with self._turn, self._world.engine.connect() as connection:
            now_s = self._world.clock.monotonic()
            wait_s = self._world.settings.number("metrics", "count_again_s")
            if self._since_s is None or now_s - self._since_s >= wait_s:
                self._counted, self._since_s = list(self._counts(connection)), now_s
            yield from self._counted
            yield from self._now(connection)

    def _source(self, name: str | None) -> str:
        """A feed's name where the settings name it, or a door's own."""
        own = {*self._world.settings.sources, *self._world.settings.fhir.get("clients", {}).values(), *DOORS}
        return name if name is not None and name in own else OTHER

    def _counts(self, connection: Connection) -> Iterator[Metric]:
        c = t.arrivals.c
        arrived = CounterMetricFamily("leeward_arrivals", "Arrivals by door and feed", labels=("door", "source"))
        heard = GaugeMetricFamily("leeward_feed_silence_seconds", "Since a feed was last heard", labels=("source",))
        last: dict[str, int] = {}
        counted: dict[tuple[str, str], int] = {}
        for door, source, number, at in connection.execute(
            select(c.door, c.source, func.count(), func.max(c.received_at)).group_by(c.door, c.source)
        ):
            key = (door if door in DOORS else OTHER, self._source(source))
            counted[key] = counted.get(key, 0) + number
            last[key[1]] = max(last.get(key[1], 0), at)
        for labels, number in sorted(counted.items()):
            arrived.add_metric(labels, number)
        for source, at in sorted(last.items()):
            heard.add_metric((source,), max(timedelta(), self._world.clock.now() - moment(at)).total_seconds())
        yield from (arrived, heard)
        yield self._by_source(connection, "findings", "Findings by feed", t.findings, ())
        yield self._by_source(connection, "refusals", "Refusals by feed and reason", t.refusals, ("reason",))

    def _by_source(self, connection: Connection, name: str, says: str, table: Table, more: tuple[str, ...]) -> Metric:
        """Rows of a table by the feed of their arrival."""
        c = table.c
        made = CounterMetricFamily(f"leeward_{name}", says, labels=("source", *more))
        columns = [t.arrivals.c.source, *(c[one] for one in more)]
        joined = table.join(t.arrivals, t.arrivals.c.seq == c.arrival)
        asked = select(*columns, func.count()).select_from(joined).group_by(*columns)
        counted: dict[tuple[str, ...], int] = {}
        for source, *rest, number in connection.execute(asked):
            key = (self._source(source), *rest)
            counted[key] = counted.get(key, 0) + number
        for labels, number in sorted(counted.items()):
            made.add_metric(labels, number)
        return made

    def _now(self, connection: Connection) -> Iterator[Metric]:
        """What changes from moment to moment."""
        grader = self._world.grader
        passes = SummaryMetricFamily("leeward_grading_pass_seconds", "Passes of the grader of this worker")
        passes.add_metric((), count_value=grader.passes, sum_value=grader.passes_s)
        yield passes
        yield GaugeMetricFamily("leeward_grader_in_trouble", "1: grading failed last", value=bool(grader.trouble))
        known = GaugeMetricFamily("leeward_edition", "1: the edition that answers come from", labels=("edition",))
        known.add_metric((edition(),), 1)
        yield known
        told = "1: newer guidelines are refused, and the last good ones are in use"
        yield GaugeMetricFamily("leeward_guidelines_refused", told, value=bool(self._world.editions.shelf.refused))
        since = connection.execute(select(func.min(t.changed.c.since))).scalar()
        waiting_s = 0.0 if since is None else (microseconds(self._world.clock.now()) - since) / 1e6
        says = "Since when the patient who waits longest has waited to be graded"
        yield GaugeMetricFamily("leeward_oldest_ungraded_seconds", says, value=max(0.0, waiting_s))
        alerts = GaugeMetricFamily("leeward_open_alerts", "Open alerts by kind", labels=("kind",))
        asked = select(t.alerts.c.kind, func.count()).where(~is_closed()).group_by(t.alerts.c.kind)
        for kind, number in connection.execute(asked):
            alerts.add_metric((kind,), number)
        yield alerts
        says = "Control charts by what they count"
        loud = GaugeMetricFamily("leeward_charts_outside_limits", says, labels=("counts",))
        for group in ("grades", "alerts", "findings"):
            loud.add_metric((group,), sum(one.loud for one in self._world.alerts.rules if one.group == group))
        yield loud
        yield self._undelivered(connection)
        refused = CounterMetricFamily("leeward_fhir_refused", "Refused requests or entries", labels=("source", "code"))
        for (source, code), number in sorted(refused_requests.items()):
            refused.add_metric((self._source(source), code), number)
        yield refused

    def _undelivered(self, connection: Connection) -> Metric:
        """Messages that wait for a receiver, or were given up."""
        made = GaugeMetricFamily("leeward_undelivered", "Messages by receiver", labels=("receiver",))
        c = t.outbox.c
        asked = select(c.receiver, func.count()).where(c.delivered_at.is_(None)).group_by(c.receiver)
        for receiver, number in connection.execute(asked):
            made.add_metric((receiver,), number)
        return made
