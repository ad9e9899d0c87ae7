"""The two tables every reader speaks: statements (what a record says) and findings (what was understood).

A reader turns its format into *statements*: the record's own code, unit, word and time, untouched.
The door (`leeward.record.door`) turns statements into *findings* in Leeward's quantities and units,
or into *refusals* with a reason and the place they stood. Nothing else converts or interprets.
"""

from __future__ import annotations

import pyarrow as pa

INSTANT = pa.timestamp("us", tz="UTC")

STATEMENT = pa.schema(
    [
        pa.field("patient", pa.string()),
        pa.field("quantity", pa.string()),  # Leeward's own name, where the format already uses it
        pa.field("system", pa.string()),  # else a code system id ("loinc", "rxnorm", "omop", ...)
        pa.field("code", pa.string()),
        pa.field("value", pa.string()),  # the number as the record spells it
        pa.field("comparator", pa.string()),  # <, <=, >, >= or none
        pa.field("unit", pa.string()),
        pa.field("text", pa.string()),  # a word instead of, or beside, a number
        pa.field("start", pa.string()),  # time as spelt: RFC 3339, or local, or a date
        pa.field("end", pa.string()),
        pa.field("reported", pa.string()),
        pa.field("received", pa.string()),
        pa.field("status", pa.string()),  # final, preliminary, corrected, withdrawn, absent, order, unknown
        pa.field("site", pa.string()),  # where or how it was measured
        pa.field("record", pa.string()),  # the source's own identifier of this statement
        pa.field("version", pa.string()),  # the source's version: a time, or a number that only rises
        pa.field("source", pa.string()),  # which file or table
        pa.field("place", pa.string()),  # where in it: line or resource
    ]
)

FINDING = pa.schema(
    [
        pa.field("patient", pa.string(), nullable=False),
        pa.field("quantity", pa.string(), nullable=False),
        pa.field("measured_at", INSTANT, nullable=False),  # start of an interval, or of a date-only day
        pa.field("measured_until", INSTANT),  # end of an interval, or of a date-only day
        pa.field("reported_at", INSTANT),
        pa.field("received_at", INSTANT),
        pa.field("low", pa.float64()),  # the true value lies in [low, high], in the quantity's unit;
        pa.field("high", pa.float64()),  # equal when exact, infinite on the open side of "<0.3"
        pa.field("text", pa.string()),
        pa.field("site", pa.string()),
        pa.field("status", pa.string(), nullable=False),  # final, preliminary, corrected, withdrawn
        pa.field("record", pa.string()),
        pa.field("version", pa.string()),
        pa.field("revised", pa.bool_(), nullable=False),  # more than one statement bears this record id
        pa.field("source", pa.string()),
        pa.field("place", pa.string()),
    ]
)

REFUSAL = pa.schema(
    [
        pa.field("patient", pa.string()),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("quantity", pa.string()),
        pa.field("detail", pa.string()),
        pa.field("source", pa.string()),
        pa.field("place", pa.string()),
    ]
)
