"""Which part of each definition gave which grade, as further steps of the plan: for one patient and for a cohort."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import ibis
import ibis.expr.types as ir
import msgspec

from leeward.cohort.plan import steps
from leeward.scales import astct_2019_crs, astct_2019_icans, parts

STEPS = ("crs_parts", "icans_parts")
"""The steps whose rows the parts are made of."""


class Part(msgspec.Struct, frozen=True):
    """The grade that one part of a definition gives at the answer's moment, at its mildest and its worst.

    `known`: something of it is charted and not too old.
    """

    syndrome: str
    name: str
    known: bool
    at_least: int
    at_most: int


def named() -> list[tuple[str, ir.Table]]:
    """The steps by name, over those of the plan."""
    made = {name: ibis.table(step.schema(), name=name) for name, step in steps(room_air=False)}
    return [
        ("crs_parts", parts.crs(made["crs_signs"], made["people"], astct_2019_crs.limits())),
        ("icans_parts", parts.icans(made["icans_signs"], made["people"], astct_2019_icans.limits())),
    ]


@cache
def compiled() -> tuple[tuple[str, str], ...]:
    """The steps as DuckDB SQL, compiled once."""
    ibis.options.sql.fuse_selects = False
    return tuple((name, str(ibis.to_sql(step, dialect="duckdb"))) for name, step in named())


def told(rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> tuple[Part, ...]:
    """One patient's, from their rows of STEPS, in the order of the definitions."""
    held = [row for name in STEPS for row in sorted(rows.get(name, ()), key=lambda row: row["place"])]
    return tuple(Part(row["syndrome"], row["part"], bool(row["known"]), row["at_least"], row["at_most"])
                 for row in held)  # fmt: skip
