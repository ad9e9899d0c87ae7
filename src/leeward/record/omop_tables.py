"""What each OMOP table says, as SQL: one statement per row, coded by every coding the row has."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
import msgspec

from leeward.record.beside import PRESCRIBED
from leeward.record.codings import joined, pair, several
from leeward.record.omop_concepts import KNOWN, NAMED, OMOP, ROLLED, omop
from leeward.record.places import setting
from leeward.record.tables import Table, literal, statement

PLACES = "places_"
"""Table of care_site, place: the name of each care site."""
LOCAL = "omop-source"
"""The system of source values; a local source says which of its own systems they belong to."""
NOTHING = "cast(null as varchar)"
_MIDNIGHT = "('', '00:00', '00:00:')"


class Said(msgspec.Struct, frozen=True):
    """One table on its way to statements: and whether its clock times are real."""

    table: Table
    root: Path
    clock: bool

    def time(self, what: str) -> str:
        """SQL: the time of `what` (`measurement`, `visit_start`), or its day alone where the hour is a filler.

        OMOP asks for midnight where no hour is known. A table in which every time is midnight has only days; where
        some are not, midnight is an hour like any other.
        """
        moment, day = self.table.time(f"{what}_datetime"), self.table.time(f"{what}_date")
        if not self.clock:
            moment = f"left({moment}, 10)"
        hour = self.table.word(f"{what}_time")
        timed = f"case when regexp_matches({hour}, '^[0-9]{{2}}:[0-9]{{2}}') then left({day}, 10) || 'T' || {hour} end"
        return f"coalesce({moment}, {timed}, left({day}, 10))"

    def codings(self, what: str, *more: str) -> str:
        """SQL: every coding of a row, in order of preference.

        The source's own code by a local table, the standard concept, then whatever `more` offers, the codes that the
        concepts stand for in their own vocabularies, and the source value by itself.
        """
        concept, source = self.table.word(f"{what}_concept_id"), self.table.word(f"{what}_source_value")
        by_code = [pair("known_.system", "known_.code"), pair("known_source_.system", "known_source_.code")]
        bare = [pair(literal(system), source) for system in omop().source_value.get(self.table.name, ())]
        return joined([pair(literal(LOCAL), source), standard(concept), *more, *by_code, *bare])

    def known_joins(self, what: str) -> str:
        """SQL: the joins that `codings` needs."""
        concept, source = self.table.word(f"{what}_concept_id"), self.table.word(f"{what}_source_concept_id")
        return (
            f"left join {KNOWN} known_ on known_.concept_id = {concept} "
            f"left join {KNOWN} known_source_ on known_source_.concept_id = {source} "
        )

    def of(self, columns: dict[str, str], key: str, tail: str = "") -> str:
        """SQL: the statements of this table; `key` is its identifier column."""
        identifier = self.table.word(key)
        return statement(
            self.table,
            {"patient": self.table.word("person_id"), "record": f"'{self.table.name}/' || {identifier}", **columns},
            root=self.root,
            tail=tail,
        )


def standard(concept: str) -> str:
    """SQL: the coding of a concept id (SQL); 0 is OMOP's word for none."""
    return pair(literal(OMOP), f"nullif({concept}, '0')")


def has_clock(con: duckdb.DuckDBPyConnection, table: Table) -> bool:
    """Whether any time of a table is not midnight."""
    columns = [name for name in table.kinds if name.endswith("_datetime") and name != "birth_datetime"]
    if not columns:
        return False
    found = " or ".join(f"substr({table.time(name)}, 12, 5) not in {_MIDNIGHT}" for name in columns)
    try:
        return con.execute(f"select 1 from {table.scan} where {found} limit 1").fetchall() != []
    except (duckdb.Error, OSError):
        return False  # a file that breaks off: its readable part has only midnights


def _person(said: Said) -> str:
    """Birth, as exactly as it is known, and sex."""
    table = said.table
    year, month, day = (table.word(f"{part}_of_birth") for part in ("year", "month", "day"))
    month_on = f"coalesce('-' || lpad({month}, 2, '0') || coalesce('-' || lpad({day}, 2, '0'), ''), '')"
    born = f"coalesce(lpad({year}, 4, '0') || {month_on}, left({table.time('birth_datetime')}, 10))"
    gender = " ".join(f"when {literal(concept)} then {literal(word)}" for concept, word in omop().gender.items())
    sex = f"coalesce(case {table.word('gender_concept_id')} {gender} end, {table.word('gender_source_value')})"
    split = msgspec.structs.replace(said, table=_split(table, "birth-date", "sex"))
    columns = {"quantity": "said_", "text": f"case said_ when 'sex' then {sex} else {born} end"}
    tail = f"where case said_ when 'sex' then {sex} else {born} end is not null"
    return split.of({**columns, "record": NOTHING}, "person_id", tail)


def _split(table: Table, *said: str) -> Table:
    """A table with each row once for every thing it says, named in said_."""
    listed = ", ".join(literal(word) for word in said)
    return msgspec.structs.replace(table, scan=f"(select *, unnest([{listed}]) as said_ from {table.scan})")


def _death(said: Said) -> str:
    """Death; a death at midnight is known by its day only."""
    moment = said.table.time("death_datetime")
    timed = f"case when substr({moment}, 12, 5) not in {_MIDNIGHT} then {moment} end"
    when = f"coalesce({timed}, left({said.table.time('death_date', 'death_datetime')}, 10))"
    return said.of({"quantity": "'death'", "text": "'unstated'", "start": when, "record": NOTHING}, "person_id")


def _valued(said: Said, what: str, **more: str) -> str:
    """A value with its unit and comparator: measurement and observation."""
    table = said.table
    spelt = table.word("value_source_value")
    number = table.raw("value_as_number")
    coded = f"case when {number} is null then '{OMOP}|' || nullif({table.word('value_as_concept_id')}, '0') end"
    columns = {
        "code": said.codings(what),
        "value": table.raw("value_as_number", "value_source_value"),
        "comparator": several([table.word("operator_concept_id"), spelt]),
        "unit": several([table.word("unit_source_value"), table.word("unit_concept_id")]),
        "text": f"coalesce({table.word('value_as_string')}, {coded})",
        "start": said.time(what),
        **more,
    }
    return said.of(columns, f"{what}_id", said.known_joins(what))


def _measurement(said: Said) -> str:
    """A measurement has no end: the laboratory's upper limit of normal travels in its place (beside)."""
    return _valued(said, "measurement", end=said.table.raw("range_high"))


def _observation(said: Said) -> str:
    return _valued(said, "observation")


def _drug(said: Said) -> str:
    """A drug given, or only ordered, by the type of the record; also found by its ingredient or its name."""
    table, types = said.table, omop().drug_type
    given, prescribed, order = (
        ", ".join(literal(number) for number in numbers) for numbers in (types.given, types.prescribed, types.order)
    )
    kind = table.word("drug_type_concept_id")
    columns = {
        "code": said.codings("drug", standard("rolled_.ingredient"), pair("'drug-name'", "named_.concept_name")),
        "value": table.raw("quantity"),
        "unit": several([table.word("dose_unit_source_value"), NOTHING]),
        "text": f"coalesce(named_.concept_name, {table.word('drug_source_value')})",
        "start": said.time("drug_exposure_start"),
        "end": said.time("drug_exposure_end"),
        "site": table.word("route_source_value"),
        "status": f"case when {kind} in ({given}) then 'completed' when {kind} in ({order}) then 'order' "
        f"when {kind} in ({prescribed}) then '{PRESCRIBED}' "
        f"else 'drug type ' || coalesce({kind}, 'not said') end",
    }
    concept, source = table.word("drug_concept_id"), table.word("drug_source_concept_id")
    joins = (
        f"left join (select drug, min(ingredient) as ingredient from {ROLLED} group by 1) rolled_ "
        f"on rolled_.drug = {concept} "
        f"left join {NAMED} named_ on named_.concept_id = coalesce(nullif({concept}, '0'), {source}) "
    )
    return said.of(columns, "drug_exposure_id", said.known_joins("drug") + joins)


def _device(said: Said) -> str:
    columns = {
        "code": said.codings("device"),
        "start": said.time("device_exposure_start"),
        "end": said.time("device_exposure_end"),
    }
    return said.of(columns, "device_exposure_id", said.known_joins("device"))


def _procedure(said: Said) -> str:
    columns = {"code": said.codings("procedure"), "start": said.time("procedure"), "end": said.time("procedure_end")}
    return said.of(columns, "procedure_occurrence_id", said.known_joins("procedure"))


def _condition(said: Said) -> str:
    columns = {"code": said.codings("condition"), "start": said.time("condition_start")}
    return said.of(columns, "condition_occurrence_id", said.known_joins("condition"))


def _stay(said: Said, what: str, place: str) -> dict[str, str]:
    """Where the patient was; a stay without any length says nothing about where the patient was from then on."""
    start, end = said.time(f"{what}_start"), said.time(f"{what}_end")
    return {
        "quantity": f"case when {place} is not null then 'care-setting' end",
        "code": standard(said.table.word(f"{what}_concept_id")),
        "text": setting(place),
        "start": start,
        "end": end,
        "status": f"case when length({start}) > 10 and {start} = {end} then 'a stay without length' end",
    }


def _visit(said: Said) -> str:
    return said.of(_stay(said, "visit", NOTHING), "visit_occurrence_id")


def _visit_detail(said: Said) -> str:
    """A part of a visit, by the name of its place where that is known."""
    join = f"left join {PLACES} place_name_ on place_name_.care_site = {said.table.word('care_site_id')}"
    return said.of(_stay(said, "visit_detail", "place_name_.place"), "visit_detail_id", join)


SAY: dict[str, Callable[[Said], str]] = {
    "person": _person,
    "death": _death,
    "visit_occurrence": _visit,
    "visit_detail": _visit_detail,
    "measurement": _measurement,
    "observation": _observation,
    "device_exposure": _device,
    "procedure_occurrence": _procedure,
    "condition_occurrence": _condition,
    "drug_exposure": _drug,
}
"""The tables that are read, in this order: weights come before the rates that need them."""
