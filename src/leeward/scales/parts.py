"""Which part of the definition gave which grade: fever, pressure and oxygen of CRS; the domains of ICANS."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from leeward.scales import astct_2019_crs as crs_
from leeward.scales import astct_2019_icans as icans_
from leeward.scales import icans_signs

CRS = ("fever", "pressure", "oxygen")
ICANS = ("score", "consciousness", "seizure", "motor-weakness", "cerebral-oedema")


def crs(signs: ir.Table, people: ir.Table, limits: crs_.Limits) -> ir.Table:
    """The parts of a CRS grade at each patient's last moment: patient, syndrome, part, known (1), at_least, at_most.

    `signs`: crs_signs.carried. Fever alone is the lowest grade; what is not charted is at its mildest and its worst.
    """
    rows = _last(signs, people)
    none = ibis.literal(0)
    least, most = (
        crs_.State(none, rows[f"hypotension_{end}"], rows[f"vasopressors_{end}"], none, none) for end in ("low", "high")
    )
    febrile = limits.grades.febrile_only
    return _listed(rows, "crs", {
        "fever": (rows.fever_known, rows.fever_low * febrile, rows.fever_high * febrile),
        "pressure": (rows.pressure_known, crs_.pressure(least, limits), crs_.pressure(most, limits)),
        "oxygen": (rows.oxygen_known, rows.oxygen_low, rows.oxygen_high),
    })  # fmt: skip


def icans(signs: ir.Table, people: ir.Table, limits: icans_.Limits) -> ir.Table:
    """The domains of an ICANS grade, as `crs`. `signs`: icans_signs.carried; `score` is by ICE or CAPD."""
    rows = _last(icans_signs.domains(signs, limits), people)
    columns = {name: name.replace("-", "_") for name in ICANS[1:]}
    words = {name: (rows[f"{column}_known"], rows[column], rows[column]) for name, column in columns.items()}
    return _listed(rows, "icans", {"score": (rows.scored, rows.score_low, rows.score_high), **words})


def _last(rows: ir.Table, people: ir.Table) -> ir.Table:
    """What stood at the end: the last row of each patient."""
    rows = rows.mutate(last_s=rows.at_s.max().over(ibis.window(group_by=[rows.who])))
    return rows.filter(rows.at_s == rows.last_s).join(people.select("who", "patient"), "who")


def _listed(rows: ir.Table, syndrome: str, parts: dict[str, tuple[ir.Value, ir.Value, ir.Value]]) -> ir.Table:
    """One row per part."""
    made = [
        rows.select(
            "patient", syndrome=ibis.literal(syndrome), part=ibis.literal(part), place=ibis.literal(place, "int64"),
            known=known.cast("int64"), at_least=low.cast("int64"), at_most=high.cast("int64"),
        )
        for place, (part, (known, low, high)) in enumerate(parts.items())
    ]  # fmt: skip
    return made[0].union(*made[1:])
