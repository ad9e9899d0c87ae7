"""A user's own coefficients over the patients of a record: logistic and points in the engine, mixtures beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import duckdb
import ibis

from leeward.knowledge.citations import citation
from leeward.risk import scores
from leeward.risk.answers import rounded
from leeward.risk.coefficients import Coefficients, group, posterior, rule
from leeward.risk.definitions import Moment, quantity_of
from leeward.risk.fits import Person, verdict
from leeward.scales.score_inputs import At


class Own(NamedTuple):
    """Rows of a user's scores by patient, and the values of all patients, sorted, by score."""

    files: tuple[Coefficients, ...]
    rows: dict[str, dict[str, dict[str, Any]]]
    values: dict[str, list[float]]
    moment: Moment

    def of(self, patient: str, person: Person) -> list[dict[str, Any]]:
        """One patient's scores, as risk.answers takes them."""
        made = []
        for file in self.files:
            row = self.rows[file.score].get(patient)
            if row is not None:
                made.append({"score": file.score, "answer": _answer(file, row, person, self.moment)})
        return made


def scored(con: duckdb.DuckDBPyConnection, files: Sequence[Coefficients], at: Moment, schema: ibis.Schema) -> Own:
    """Every patient's score by each file, over the steps of risk that stand in `con`; `schema` of scores.ALL."""
    rows = {file.score: _mixed(con, file) if file.mixture is not None else _ruled(con, file, schema) for file in files}
    known = {name: [rounded(row["value"]) for row in held.values()] for name, held in rows.items()}
    values = {name: sorted(value for value in held if value is not None) for name, held in known.items()}
    return Own(tuple(files), rows, values, at)


def _ruled(con: duckdb.DuckDBPyConnection, file: Coefficients, schema: ibis.Schema) -> dict[str, dict[str, Any]]:
    """A logistic or points score in the engine."""
    items = ibis.table(schema, name=scores.ALL)
    found = rule(At(items), file).as_value(file.score)
    made = items.select("patient", answer=found).unpack("answer")
    held = con.sql(str(ibis.to_sql(made, dialect="duckdb"))).to_arrow_table().to_pylist()
    return {row["patient"]: row for row in held}


def _mixed(con: duckdb.DuckDBPyConnection, file: Coefficients) -> dict[str, dict[str, Any]]:
    """A mixture over the exact values of each patient; what is missing is left out of it, and named."""
    mixture = file.mixture
    assert mixture is not None
    values: dict[str, dict[str, float]] = {
        patient: {} for (patient,) in con.execute("select patient from risk_people").fetchall()
    }
    for patient, name, low in con.execute("select patient, input, low from risk_taken where low = high").fetchall():
        if name in mixture.inputs:
            values[patient][name] = low
    made = {}
    for patient, held in values.items():
        chance = posterior(mixture, held)
        lacks = sorted({quantity_of(name) for name in mixture.inputs if name not in held})
        bounds = (0.0, 1.0) if chance is None else (chance, chance)
        missing = "".join(f"{name}," for name in lacks)
        made[patient] = {"at_least": bounds[0], "at_most": bounds[1], "value": chance, "missing": missing}
    return made


def _answer(file: Coefficients, row: Mapping[str, Any], person: Person, at: Moment) -> dict[str, Any]:
    """One score by a user's file: its evidence is the user's, and the answer says so."""
    told, adapter = verdict(file.adapter.fits, person, at), file.adapter
    made: dict[str, Any] = {
        "title": adapter.title,
        "kind": "points" if file.kind == "points" else "number",
        "value": rounded(row["value"]),
        "at_least": rounded(row["at_least"]),
        "at_most": rounded(row["at_most"]),
        "missing": [name for name in row["missing"].split(",") if name],
        "applies": told.applies,
        "why": told.why,
        "evidence": f"the user's own file: {file.evidence}",
        "citation": f"{file.source} (coefficients); {citation(adapter.source)} (score)",
        "population": adapter.fits.population,
        "outcome": adapter.fits.outcome,
        "outcome_scale": adapter.fits.scale,
        "notes": ["Computed with coefficients that the user supplied; Leeward ships none and has checked none."],
    }
    if file.mixture is not None and made["missing"]:
        made["notes"].append("Missing values are left out of both components, as the method itself does.")
    if file.groups:
        made["group"] = {"at_least": group(file, row["at_least"]), "at_most": group(file, row["at_most"])}
    return made
