"""OMOP's vocabulary, as far as a record brings it along: what a concept id stands for, and which drug it belongs to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import duckdb
import msgspec

from leeward.knowledge.loader import Evidence, load
from leeward.knowledge.vocabulary import Quantity, code_systems, quantities
from leeward.record import units
from leeward.record.codes import Codes
from leeward.record.codings import parted
from leeward.record.tables import ROWS, Table

OMOP = "omop"
KNOWN = "known_concepts_"
"""Table of concept_id, system, code: concepts whose own code is known here."""
ROLLED = "ingredients_"
"""Table of drug, ingredient: which known drug a more specific drug concept belongs to."""
NAMED = "concept_names_"
"""Table or view of concept_id, concept_name."""


class _DrugType(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    given: tuple[str, ...]
    prescribed: tuple[str, ...]
    order: tuple[str, ...]


class Omop(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """knowledge/formats/omop.toml."""

    evidence: Evidence
    source: str
    checked: date
    tables: tuple[str, ...]
    drug_type: _DrugType
    vocabulary: dict[str, str]
    source_value: dict[str, tuple[str, ...]]
    gender: dict[str, str]
    operator: dict[str, str]
    unit: dict[str, str]


def omop() -> Omop:
    """How OMOP tables say things."""
    held: Omop = load("formats/omop", Omop)
    return held


def prepare(con: duckdb.DuckDBPyConnection, tables: Mapping[str, Sequence[Table]], codes: Codes) -> None:
    """Fills the lookup tables from the vocabulary tables of the record, where there are any."""
    con.execute(f"create or replace table {KNOWN} (concept_id varchar primary key, system varchar, code varchar)")
    con.execute(f"create or replace table {ROLLED} (drug varchar, ingredient varchar)")
    con.execute(f"create or replace table {NAMED} (concept_id varchar primary key, concept_name varchar)")
    for concept in tables.get("concept", ()):
        _known_concepts(con, concept, codes)
        _names(con, concept, codes)
    for ancestor in tables.get("concept_ancestor", ()):
        _ingredients(con, ancestor)


def _known_concepts(con: duckdb.DuckDBPyConnection, concept: Table, codes: Codes) -> None:
    """Concepts of published code systems whose code is known; a vocabulary has millions, of which few are."""
    systems = omop().vocabulary
    listed = ", ".join(f"'{name}'" for name in systems)
    rows = con.cursor().sql(
        f"select {concept.raw('concept_id')}, {concept.raw('vocabulary_id')}, {concept.raw('concept_code')} "
        f"from {concept.scan} where {concept.raw('vocabulary_id')} in ({listed})"
    )
    for batch in rows.to_arrow_reader(ROWS):
        found = [
            (concept_id, systems[vocabulary], code)
            for concept_id, vocabulary, code in zip(*(column.to_pylist() for column in batch.columns), strict=True)
            if codes.meaning(systems[vocabulary], code) is not None
        ]
        if found:
            con.executemany(f"insert or ignore into {KNOWN} values (?, ?, ?)", found)


def _names(con: duckdb.DuckDBPyConnection, concept: Table, codes: Codes) -> None:
    """Names of drug concepts that name a drug known here, for records without ancestors."""
    rows = con.cursor().sql(
        f"select {concept.raw('concept_id')}, {concept.raw('concept_name')} from {concept.scan} "
        f"where {concept.raw('domain_id')} = 'Drug'"
    )
    for batch in rows.to_arrow_reader(ROWS):
        pairs = zip(*(column.to_pylist() for column in batch.columns), strict=True)
        found = [(number, name) for number, name in pairs if codes.meaning("drug-name", name) is not None]
        if found:
            con.executemany(f"insert or ignore into {NAMED} values (?, ?)", found)


def _ingredients(con: duckdb.DuckDBPyConnection, ancestor: Table) -> None:
    """Every drug concept below an ingredient that is known, by OMOP's own hierarchy."""
    drugs = {name for name, quantity in quantities().items() if _is_drug(name, quantity)}
    own = [
        code.code
        for system in code_systems()
        if system.system == OMOP
        for code in system.codes
        if code.quantity in drugs
    ]
    con.execute("create or replace temp table drugs_ as select unnest(?::varchar[]) as concept_id", [own])
    con.execute(
        f"insert into {ROLLED} select {ancestor.raw('descendant_concept_id')}, {ancestor.raw('ancestor_concept_id')} "
        f"from {ancestor.scan} where {ancestor.raw('ancestor_concept_id')} in (select concept_id from drugs_) "
        f"and {ancestor.raw('ancestor_concept_id')} <> {ancestor.raw('descendant_concept_id')}"
    )


def _is_drug(name: str, quantity: Quantity) -> bool:
    return quantity.kind in ("dose", "rate") or name == "trigger"


def unit(said: str) -> str | None:
    """The unit of a value out of the record's own spelling and the unit's concept id, joined.

    The spelling is taken where it is known, else the concept. Where both are known and differ, both are returned,
    which is no unit, so that the value is refused and shows why.
    """
    spelt, concept = parted(said)
    standard = omop().unit.get(concept)
    if standard is None or units.ucum(spelt) is None:
        return spelt if standard is None or (spelt and units.ucum(spelt)) else standard
    same = units.conversion(Quantity(title="", kind="number", unit=standard), spelt)
    agree = same.outcome == "exact" and same.changes_nothing
    return spelt if agree else f"{spelt}, but unit concept {concept} is {standard}"


def comparator(said: str) -> str | None:
    """The comparator out of the operator's concept id joined with the source's value, which may begin with one."""
    concept, spelt = parted(said)
    return omop().operator.get(concept) or next(
        (sign for sign in ("<=", ">=", "<", ">") if spelt.startswith(sign)), None
    )
