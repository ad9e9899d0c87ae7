"""What each SDTM domain says, as SQL."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import duckdb
import msgspec

from leeward.record.codings import joined, pair
from leeward.record.sdtm_terms import NAMES, listed, name_drugs, sdtm
from leeward.record.tables import PLACE, Table, literal, statement

PEOPLE = "people_"
"""Table of patient: the day of the first study treatment, and the end of the study for that patient."""
FATAL = "fatal_"
"""Table of patient: crs, icans or other, where an adverse event was fatal."""
_OFFSET = "T.*([zZ]|[+-][0-9]{2}:?[0-9]{2})$"
_DAY_CHARACTERS = len("2014-01-02")


class Said(msgspec.Struct, frozen=True):
    """One dataset on its way to statements; `zoneless`: nobody named the zone of the study's clock."""

    table: Table
    root: Path
    zoneless: bool

    def of(self, table: Table) -> Said:
        """The same of another table: the readable part of a file, or rows said several times."""
        return msgspec.structs.replace(self, table=table)

    def word(self, variable: str) -> str:
        """SQL: a variable of this domain by its last part: `trt` is CMTRT in CM."""
        return self.table.word(self.table.name + variable)

    def spelt(self, *variables: str) -> str:
        """SQL: the first of these times of this domain; of an ISO 8601 interval, its beginning."""
        return f"split_part({self.table.time(*(self.table.name + name for name in variables))}, '/', 1)"

    def clocked(self, time: str) -> str:
        """SQL: a time (SQL) with the zone that knowledge declares, where nobody named one."""
        said = f"nullif({time}, '')"
        if not self.zoneless:
            return said
        return f"case when regexp_matches({said}, '{_OFFSET}') then {said} else {said} || '{_zone()}' end"

    def status(self) -> str:
        """SQL: whether it was done at all, or only planned; a derived row is no measurement."""
        words = sdtm().record
        return (
            f"case when upper({self.word('stat')}) in ({listed(words.not_done)}) "
            f"or upper({self.word('occur')}) in ({listed(words.not_given)}) then 'absent' "
            f"when upper({self.word('mood')}) in ({listed(words.scheduled)}) then 'order' "
            f"when upper({self.word('drvfl')}) = 'Y' then 'derived by the study' end"
        )

    def say(self, columns: Mapping[str, str], tail: str = "") -> str:
        """SQL: the statements of this table."""
        name = self.table.name.upper()
        whole = {
            "patient": self.table.word("usubjid"),
            "status": self.status(),
            "record": f"'{name}/' || {self.word('seq')}",
            **columns,
        }
        return statement(self.table, whole, root=self.root, tail=tail)


def _zone() -> str:
    zone = sdtm().clock.zone
    return "Z" if zone == "UTC" else zone


def prepare(con: duckdb.DuckDBPyConnection, held: Mapping[str, Sequence[Table]]) -> None:
    """Looks up what rows of one domain need to know from another."""
    con.execute(f"create table {PEOPLE} (patient varchar, treated date, ends varchar)")
    con.execute(f"create table {FATAL} (patient varchar, cause varchar)")
    for part in held.get("dm", ()):
        treated = f"try_cast(left({part.time('rfxstdtc', 'rfstdtc')}, {_DAY_CHARACTERS}) as date)"
        ends = part.time("rfpendtc", "rfendtc")
        listing = f"select {part.word('usubjid')}, min({treated}), max({ends}) from {part.scan} group by 1"
        con.execute(f"insert into {PEOPLE} {listing}")
    for part in held.get("ae", ()):
        kind = f"coalesce({_event(part)}, 'other')"
        fatal = f"upper({part.word('aeout')}) in ({listed(sdtm().adverse_event.fatal)})"
        fatal += f" or upper({part.word('aesdth')}) = 'Y'"
        con.execute(f"insert into {FATAL} select {part.word('usubjid')}, {kind} from {part.scan} where {fatal}")
    for domain in ("ex", "ec", "cm", "pr"):
        name_drugs(con, domain, held.get(domain, ()))


def _event(table: Table) -> str:
    """SQL: `crs` or `icans` for an adverse event of that name, else null."""
    words = sdtm().adverse_event
    named = f"lower(concat_ws(' ', {table.word('aedecod')}, {table.word('aeterm')}))"
    return (
        f"case when regexp_matches({named}, {literal(words.crs)}) then 'crs' "
        f"when regexp_matches({named}, {literal(words.icans)}) then 'icans' end"
    )


def _split(table: Table, *said: str) -> Table:
    """A table with each row once for every thing it says, named in said_."""
    return msgspec.structs.replace(table, scan=f"(select *, unnest([{listed(said)}]) as said_ from {table.scan})")


def _cause() -> str:
    """SQL: the cause of a patient's death; of several fatal events the one that names CRS, then ICANS."""
    order = "case cause when 'crs' then 0 when 'icans' then 1 else 2 end"
    found = f"(select cause from {FATAL} where {FATAL}.patient = patient_ order by {order} limit 1)"
    return f"coalesce({found}, 'unstated')"


def _people(said: Said) -> str:
    """Birth, age at the start, sex, and death where its day or the flag is there."""
    table = said.table
    born, start = table.time("brthdtc"), table.time("rfstdtc", "dmdtc", "rficdtc")
    each = _split(table, "birth-date", "age-years", "sex", "death").scan
    scan = f"(select *, {table.word('usubjid')} as patient_ from {each})"
    age, sex, died = table.word("age"), table.word("sex"), table.time("dthdtc")
    told = (
        f"case said_ when 'birth-date' then {born} is not null when 'age-years' then {age} is not null "
        f"when 'sex' then {sex} is not null else {died} is not null or upper({table.word('dthfl')}) = 'Y' end"
    )
    text = f"case said_ when 'birth-date' then {born} when 'sex' then {sex} when 'death' then {_cause()} end"
    columns = {
        "quantity": "said_",
        "value": f"case said_ when 'age-years' then {age} end",
        "unit": f"case said_ when 'age-years' then {table.word('ageu')} end",
        "text": text,
        "start": said.clocked(f"case said_ when 'age-years' then {start} when 'death' then {died} end"),
        "record": "null",
    }
    return said.of(msgspec.structs.replace(table, scan=scan)).say(columns, f"where {told}")


def _disposition(said: Said) -> str:
    """A death, where the study's end was one."""
    died = f"where upper({said.word('decod')}) in ({listed(sdtm().record.died)})"
    scan = f"(select *, {said.table.word('usubjid')} as patient_ from {said.table.scan})"
    columns = {"quantity": "'death'", "text": _cause(), "start": said.clocked(said.spelt("stdtc", "dtc"))}
    return said.of(msgspec.structs.replace(said.table, scan=scan)).say(columns, died)


def _result(said: Said, code: str, site: str) -> str:
    """A measured value: standardised with its unit where there is one, else as first written with that unit.

    A standard result that is no number (`<3.42`) stands in its text.
    """
    table, name = said.table, said.table.name
    standard = table.raw(f"{name}stresn", f"{name}stresc")
    until = f"nullif(split_part({table.time(name + 'dtc')}, '/', 2), '')"
    columns = {
        "code": code,
        "value": f"coalesce({standard}, {table.raw(name + 'orres')})",
        "unit": f"case when {standard} is not null then {said.word('stresu')} else {said.word('orresu')} end",
        "text": said.word("reasnd"),
        "start": said.clocked(said.spelt("dtc", "stdtc")),
        "end": said.clocked(f"coalesce({until}, {table.time(name + 'endtc')})"),
        "site": site,
    }
    return said.say(columns)


def _vitals(said: Said) -> str:
    code = pair("'sdtm'", f"'VS/' || upper({said.word('testcd')})")
    arterial = f"regexp_matches(lower({said.word('method')}), {literal(sdtm().method.arterial)})"
    place = f"lower(coalesce({said.word('loc')}, {said.word('pos')}))"
    return _result(said, joined([code]), f"case when {arterial} then 'arterial' else {place} end")


def _labs(said: Said) -> str:
    """By test code, else by the test's name; of another specimen than blood a test is another test."""
    words = sdtm().specimen
    test, name = f"upper({said.word('testcd')})", f"upper({said.word('test')})"
    spec = f"upper({said.word('spec')})"
    urine = f"case when contains(upper({said.word('cat')}), '{words.urine}') then '/{words.urine}' else '' end"
    arterial = f"case when {test} in ({listed(words.arterial_tests)}) then '/ARTERIAL' else '' end"
    other = (
        f"case when {spec} is null then {urine} when {spec} in ({listed(words.usual)}) then '' "
        f"when contains({spec}, '{words.arterial}') then {arterial} else '/' || {spec} end"
    )
    codes = [pair("'sdtm'", f"'LB/' || {word} || {other}") for word in (test, name)]
    return _result(said, joined(codes), f"lower({said.word('spec')})")


def _events(said: Said) -> str:
    """Adverse events that document CRS or ICANS, with their toxicity grade; the others are not read.

    An event without an end lasts until the patient's end of the study.
    """
    table = said.table
    grade = f"nullif(regexp_extract(lower({table.word('aetoxgr')}), {literal(sdtm().adverse_event.grade)}, 1), '')"
    columns = {
        "system": "'sdtm'",
        "code": joined([pair("'sdtm'", f"'AE/' || upper(event_) || coalesce('/' || {grade}, '')")]),
        "start": said.clocked(said.spelt("stdtc", "dtc")),
        "end": said.clocked(f"coalesce({table.time('aeendtc')}, people_end_)"),
        "site": table.word("aetoxgr"),
    }
    ends = f"(select max(ends) from {PEOPLE} where patient = {table.word('usubjid')})"
    scan = f"(select *, {_event(table)} as event_, {ends} as people_end_ from {table.scan})"
    return said.of(msgspec.structs.replace(table, scan=scan)).say(columns, "where event_ is not null")


def _given(said: Said) -> str:
    """A drug, a therapy or oxygen: once, day by day, or as a stretch (`_parts`)."""
    table = said.table
    trt, decod = said.word("trt"), said.word("decod")
    goes_on = f"coalesce(upper({said.word('enrtpt')}), upper({said.word('enrf')}))"
    read = (
        f"select t_.*, n_.name as name_, n_.kind as kind_, n_.device as device_, p_.treated as treated_, "
        f"{said.spelt('stdtc', 'dtc')} as from_, {table.time(table.name + 'endtc')} as to_, "
        f"{goes_on} in ({listed(sdtm().daily.ongoing)}) as goes_on_, "
        f"upper({said.word('dosfrq')}) as often_ "
        f"from {table.scan} t_ left join {NAMES} n_ on n_.domain = '{table.name}' "
        f"and n_.trt is not distinct from {trt} and n_.decod is not distinct from {decod} "
        f"and n_.route is not distinct from {said.word('route')} "
        f"left join {PEOPLE} p_ on p_.patient = {table.word('usubjid')}"
    )
    scan = f"(select *, unnest({_parts()}) as part_ from ({_days(read)}))"
    dose = table.raw(f"{table.name}dose", f"{table.name}dostxt")
    amount = f"case when part_.perhaps then '0' else {dose} end"
    nothing = f"coalesce(try_cast({dose} as double) = 0 and kind_ is distinct from 'rate', false)"
    columns = {
        "quantity": "case when kind_ = 'device' then 'oxygen-device' end",
        "code": joined([pair("'drug-name'", "name_")]),
        "value": f"case when kind_ = 'device' then null else {amount} end",
        "comparator": "case when part_.perhaps and kind_ <> 'device' then '>=' end",
        "unit": f"case when not part_.perhaps then {said.word('dosu')} end",
        "text": f"case when kind_ = 'device' then if(part_.perhaps, 'unrecognised', device_) else {decod} end",
        "start": said.clocked("part_.since"),
        "end": said.clocked("part_.upto"),
        "status": f"case when {nothing} then 'not-done' else {said.status()} end",
        "site": f"lower({said.word('route')})",
    }
    return said.of(msgspec.structs.replace(table, scan=scan)).say(columns, f"order by cast({PLACE} as bigint)")


def _days(read: str) -> str:
    """SQL: rows with the first and the last day on which a drug can have been taken, near the first study treatment."""
    daily = sdtm().daily
    early, late = f"treated_ - {daily.before_days}", f"treated_ + {daily.after_days}"
    first = f"coalesce(try_cast(left(from_, {_DAY_CHARACTERS}) as date), {early})"
    last = f"coalesce(try_cast(left(to_, {_DAY_CHARACTERS}) as date), case when goes_on_ then {late} end)"
    return (
        f"select *, length(from_) > {_DAY_CHARACTERS} as timed_, length(to_) > {_DAY_CHARACTERS} as end_timed_, "
        f"greatest({first}, coalesce({early}, {first})) as first_, "
        f"least({last}, coalesce({late}, {first} + {daily.after_days})) as last_, "
        f"coalesce(often_ in ({listed(daily.regular)}), false) as regular_, "
        f"coalesce(often_ in ({listed(daily.once)}), false) as once_ from ({read})"
    )


def _parts() -> str:
    """SQL: a row as what is surely and what is only possibly so: a list of since, upto, perhaps.

    A dose over several days is a dose a day, at an unknown hour; perhaps, where it was not taken regularly. An infusion
    or a device known by its days ran surely between them, and perhaps on the days at its ends.
    """
    struct = "struct_pack(since := {}, upto := {}, perhaps := {})"
    whole = "[" + struct.format("from_", "to_", "false") + "]"
    day = "strftime(d_, '%Y-%m-%d')"
    at = f"case when timed_ and {day} = left(from_, {_DAY_CHARACTERS}) then from_ else {day} end"
    each = struct.format(at, "cast(null as varchar)", "not regular_")
    daily = f"[{each} for d_ in generate_series(cast(first_ as timestamp), cast(last_ as timestamp), interval 1 day)]"
    days = "kind_ = 'dose' and not once_ and last_ > first_ and (to_ is not null or goes_on_)"
    midnight = "strftime(try_cast(left({}, 10) as date) + {}, '%Y-%m-%dT00:00:00')"
    after, before = midnight.format("from_", 1), midnight.format("to_", 0)
    opening = struct.format("from_", f"least({after}, case when end_timed_ then to_ else {after} end)", "true")
    since, upto = f"case when timed_ then from_ else {after} end", f"case when end_timed_ then to_ else {before} end"
    core = struct.format(since, upto, "false")
    closing = struct.format(f"greatest(from_, {before})", midnight.format("to_", 1), "true")
    stretch = (
        f"list_concat(list_concat(case when not timed_ then [{opening}] else [] end, "
        f"case when {since} < {upto} then [{core}] else [] end), "
        f"case when not end_timed_ and (timed_ or left(to_, 10) > left(from_, 10)) then [{closing}] else [] end)"
    )
    endless = "[" + struct.format("from_", "cast(null as varchar)", "true") + "]"
    # A stretch of which only month or year is known is perhaps all of it.
    vague = "[" + struct.format("from_", "to_", "true") + "]"
    dated = f"length(from_) >= {_DAY_CHARACTERS} and (to_ is null or length(to_) >= {_DAY_CHARACTERS})"
    exact = "from_ is null or timed_ and (end_timed_ or to_ is null)"
    return (
        f"case when kind_ in ('rate', 'device') then case when {exact} then {whole} "
        f"when not ({dated}) then {vague} when to_ is null then {endless} else {stretch} end "
        f"when {days} then {daily} else {whole} end"
    )


SAY: dict[str, Callable[[Said], str]] = {
    "dm": _people,
    "ds": _disposition,
    "vs": _vitals,
    "lb": _labs,
    "ae": _events,
    "ex": _given,
    "ec": _given,
    "cm": _given,
    "pr": _given,
}
"""The domains that are read, in this order: weights come before the rates that need them."""
