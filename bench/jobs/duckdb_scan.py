"""DuckDB's bare scan-and-group of a findings file: the least work that brings one patient-moment together.

`moment`: keep the quantities a course needs, one row per patient and moment with each number's minimum
and maximum and each word.
`quantity`: the cheaper scan, one row per patient and quantity. Nothing is carried forward, joined or written.
"""

from __future__ import annotations

from clock import report, task, timed

FINDINGS, KIND, REPEATS, ROWS = (task()[name] for name in ("findings", "kind", "repeats", "rows"))
NUMBERS = (
    "body-temperature",
    "systolic-bp",
    "oxygen-flow",
    "ice-score",
    "norepinephrine",
    "epinephrine",
    "vasopressin",
)
WORDS = ("oxygen-device", "consciousness", "trigger")
DRUGS = ("acetaminophen", "tocilizumab", "dexamethasone")


def moment() -> str:
    """One row per patient and moment; the outer sums keep every column from being optimised away."""
    columns = []
    for number, name in enumerate(NUMBERS):
        columns += [f"min(low) filter (quantity = '{name}') as n{number}"]
        columns += [f"max(high) filter (quantity = '{name}') as x{number}"]
    for number, name in enumerate(WORDS):
        columns += [f"max(text) filter (quantity = '{name}') as w{number}"]
    given = ", ".join(f"'{name}'" for name in DRUGS)
    columns += [f"count(*) filter (quantity in ({given})) as drugs"]
    wanted = ", ".join(f"'{name}'" for name in (*NUMBERS, *WORDS, *DRUGS))
    sums = [f"sum(n{i}), sum(x{i})" for i in range(len(NUMBERS))]
    sums += [f"max(w{i})" for i in range(len(WORDS))]
    return (
        f"select count(*), sum(drugs), {', '.join(sums)} from ("
        f"select patient, measured_at, {', '.join(columns)} from '{FINDINGS}' "
        f"where quantity in ({wanted}) group by patient, measured_at)"
    )


def quantity() -> str:
    """One row per patient and quantity."""
    return (
        "select count(*), sum(l), sum(h), sum(n) from ("
        f"select patient, quantity, min(low) as l, max(high) as h, count(*) as n from '{FINDINGS}' group by all)"
    )


def answer() -> int:
    """The number of groups, on a fresh connection."""
    with duckdb.connect() as connection:
        connection.execute("set threads = 2")
        return int(connection.execute({"moment": moment, "quantity": quantity}[KIND]()).fetchall()[0][0])


import duckdb  # noqa: E402  (imported before the clock starts)

groups, seconds = timed(answer, REPEATS)
report(ROWS, seconds, groups)
