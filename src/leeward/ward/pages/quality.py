"""Whether the ward itself is well: what fires, what is refused, whose clock is off, who is silent, what was told.

Control charts (ward/firing.py) are of grades given, alerts opened and findings received each day (UTC).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from statistics import median
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import func, select

from leeward.report import words
from leeward.report.clock import seconds
from leeward.ward import tables as t
from leeward.ward.alerts.signs import spoken
from leeward.ward.firing import Chart, charts
from leeward.ward.hl7.senders import listening
from leeward.ward.pages.paper import ago, wall
from leeward.ward.rows import microseconds, moment

if TYPE_CHECKING:
    from leeward.ward.world import World

WIDTH, HEIGHT, EDGE = 168, 36, 3
"""Pixels of a small chart."""
DOORS = (
    ("/fhir/metadata", "FHIR R4: what is read and taken in"),
    ("/cds-services", "CDS Hooks: the services there are"),
    ("/mcp/", "Model Context Protocol: tools that only read, for agents"),
    ("/openapi.json", "every address with its form (OpenAPI)"),
    ("/events", "what happens, as it happens (server-sent events)"),
    ("/alerts", "open alerts"),
    ("/metrics", "counts and ages for Prometheus"),
    ("/health", "whether the service answers"),
)
"""The addresses an integrator looks for."""
NO_PAGE = ("/mcp/", "/events")
"""Doors that a browser cannot show."""


class Drawn(msgspec.Struct, frozen=True, kw_only=True):
    """A control chart with its bars (x, y, height, outside the limits or not) and lines in pixels."""

    chart: Chart
    bars: list[tuple[float, float, float, bool]]
    lines: list[float]


def page(world: World) -> dict[str, Any]:
    """Everything the template shows."""
    now = world.clock.now()
    return {
        "charts": [drawn(one) for one in charts(world.engine, world.settings.number, now)],
        "refusals": refusals(world, now), "skews": skews(world),
        "feeds": feeds(world, now), "told": told(world, now), "canary": canary(world), "doors": doors(world),
        "days": int(world.settings.number("quality", "days")),
        "guidelines": world.editions.shelf.trouble,
        "trouble": world.grader.trouble, "sigmas": f"{world.settings.number('quality', 'sigmas'):g}",
    }  # fmt: skip


def drawn(chart: Chart) -> Drawn:
    """The same in pixels."""
    top = max([*chart.counts, chart.high or 0, 1])
    step = (WIDTH - 2 * EDGE) / len(chart.counts)
    scale = (HEIGHT - 2 * EDGE) / top
    bars = [
        (EDGE + place * step, HEIGHT - EDGE - count * scale, max(count * scale, 0.5),
         chart.high is not None and chart.low is not None and place < len(chart.counts) - 1
         and not chart.low <= count <= chart.high)
        for place, count in enumerate(chart.counts)
    ]  # fmt: skip
    lines = [HEIGHT - EDGE - level * scale for level in (chart.low, chart.mean, chart.high) if level is not None]
    return Drawn(chart=chart, bars=bars, lines=lines)


def refusals(world: World, now: datetime) -> list[dict[str, Any]]:
    """What was not understood, by source and reason."""
    since = microseconds(now - timedelta(days=world.settings.number("quality", "days")))
    r, c = t.refusals.c, t.arrivals.c
    asked = select(c.source, r.reason, func.count(), func.max(r.received_at)).join(t.arrivals, c.seq == r.arrival)
    asked = asked.where(r.received_at >= since).group_by(c.source, r.reason).order_by(func.count().desc())
    known = words.words().refusals
    with world.engine.connect() as connection:
        return [{"source": row[0], "reason": known.get(row[1], row[1]), "count": row[2],
                 "last": ago(moment(row[3]), now)} for row in connection.execute(asked)]  # fmt: skip


def skews(world: World) -> list[dict[str, Any]]:
    """How each source's clock stands to ours: what reached us after it was measured, and whether any before."""
    f, c = t.findings.c, t.arrivals.c
    most = int(world.settings.number("quality", "skew_values"))
    made = []
    with world.engine.connect() as connection:
        for (source,) in connection.execute(select(c.source).distinct().order_by(c.source)).all():
            asked = select(f.received_at - f.measured_at).join(t.arrivals, c.seq == f.arrival)
            asked = asked.where(c.source == source).order_by(f.received_at.desc()).limit(most)
            late_s = sorted(row[0] / 1e6 for row in connection.execute(asked))
            if late_s:
                made.append({"source": source, "count": len(late_s), "median": words.span(median(late_s)),
                             "least": words.span(late_s[0]), "ahead": late_s[0] < 0})  # fmt: skip
    return made


def feeds(world: World, now: datetime) -> list[dict[str, Any]]:
    """When each source was last heard."""
    c = t.arrivals.c
    limit = timedelta(minutes=world.settings.number("feed", "most_ward_minutes"))
    asked = select(c.source, func.max(c.received_at), func.count()).group_by(c.source).order_by(c.source)
    with world.engine.connect() as connection:
        found = [(row[0], moment(row[1]), row[2]) for row in connection.execute(asked)]
    return [{"source": source, "last": ago(at, now), "at": at, "count": count, "silent": now - at > limit}
            for source, at, count in found]  # fmt: skip


def told(world: World, now: datetime) -> list[dict[str, Any]]:
    """Alerts by kind: how many were opened in the weeks shown, how many are open, how many nobody has seen."""
    since = microseconds(now - timedelta(days=world.settings.number("quality", "days")))
    a = t.alerts.c
    asked = select(a.kind, func.count()).where(a.opened_at >= since).group_by(a.kind).order_by(func.count().desc())
    open_ = world.alerts.open()
    with world.engine.connect() as connection:
        opened: dict[str, int] = {row[0]: row[1] for row in connection.execute(asked)}
    return [
        {"kind": spoken(kind), "opened": count, "open": sum(1 for one in open_ if one.kind == kind),
         "untold": sum(1 for one in open_ if one.kind == kind and one.told == "untold")}
        for kind, count in opened.items()
    ]  # fmt: skip


def doors(world: World) -> list[dict[str, Any]]:
    """Where others reach this ward: over HTTP, and over MLLP where the settings name senders."""
    made = [{"address": address, "says": says, "page": address not in NO_PAGE} for address, says in DOORS]
    where = listening(world.settings.hl7)
    if where.senders:
        secured = "encrypted" if where.is_encrypted else "in the clear"
        says = f"HL7 v2 over MLLP, {secured}; senders named: {len(where.senders)}"
        made.append({"address": f"{where.address}:{where.port}", "says": says, "page": False})
    return made


def canary(world: World) -> dict[str, Any] | None:
    """The last run of the canaries."""
    run = world.canary.last
    if run is None:
        return None
    clock = wall(world)
    return {"at": clock.full(seconds(run.at)), "ok": run.ok, "fault": run.fault, "birds": [
        {"name": one.name, "expected": words.grade(*one.expected), "found": words.grade(*one.found), "ok": one.ok}
        for one in run.sung
    ]}  # fmt: skip
