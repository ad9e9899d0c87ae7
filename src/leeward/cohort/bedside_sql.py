"""The plan's expressions as SQLite spells them, so that they mean what they mean on DuckDB.

Only operations listed in SPELT are compiled: each was shown to give DuckDB's answer (tests/engines/test_bedside.py).
Instants and days are whole microseconds since 1970, lists and structs are JSON text, booleans are 0 and 1.
"""
# ruff: noqa: N802 - Ibis calls the rule of an operation `visit_` and the operation's name.

from __future__ import annotations

import math
import sqlite3
from functools import cache
from typing import Any, ClassVar

import ibis
import ibis.expr.operations as ops
import ibis.expr.types as ir
import sqlglot as sg
import sqlglot.expressions as sge
from ibis.backends.sql.compilers.sqlite import SQLiteCompiler
from ibis.common.exceptions import OperationNotDefinedError
from sqlglot.optimizer.eliminate_subqueries import eliminate_subqueries

SPELT = {
    "Abs", "Add", "AggUDF", "Aggregate", "AliasedRelation", "And", "ArgMax", "Array", "ArrayDistinct", "ArrayIndex",
    "BitwiseAnd", "BitwiseRightShift", "CTE", "Cast", "Coalesce", "Count", "CountDistinct", "CountStar", "Distinct",
    "Divide", "DropColumns", "Equals", "Exp", "Field", "Filter", "Floor", "FloorDivide", "Greater", "GreaterEqual",
    "Greatest", "GroupConcat", "IdenticalTo", "IfElse", "InValues", "IntegerRange", "IsNull", "JoinChain", "JoinLink",
    "JoinReference", "JoinTable", "LPad", "Lag", "Lead", "Least", "Less", "LessEqual", "Literal", "Max", "Median",
    "Min", "Modulus", "Multiply", "Negate", "Not", "NotEquals", "NotNull", "NullIf", "Or", "Project", "RegexSearch",
    "Round", "RowNumber", "ScalarUDF", "SearchedCase", "Select", "SelfReference", "SortKey", "Sqrt", "StartsWith",
    "StringConcat", "StringContains", "StringLength", "StringSplit", "StructColumn", "StructField", "Substring",
    "Subtract", "Sum", "TryCast", "UnboundTable", "Union", "Unnest", "WindowBoundary", "WindowFunction",
}  # fmt: skip
"""Operations that were compared; one that a new rule needs is compared, then added."""

_UNNESTED = "unnested"
_KEEPS = sqlite3.sqlite_version_info >= (3, 35)
"""Whether this SQLite can be told to compute a part of a statement once."""


class _Compiler(SQLiteCompiler):  # type: ignore[misc]
    """Ibis's compiler for SQLite, with DuckDB's meaning where the two differ."""

    __slots__ = ()

    # Ibis sets a rule for each operation named in these, over those written below.
    SIMPLE_OPS: ClassVar[dict[Any, str]] = {}
    UNSUPPORTED_OPS = ()

    def visit_node(self, op: Any, **inputs: Any) -> Any:
        """Refuses an operation that nobody has compared."""
        name = next((one.__name__ for one in (ops.ScalarUDF, ops.AggUDF) if isinstance(op, one)), type(op).__name__)
        if name not in SPELT:
            raise OperationNotDefinedError(f"{name} has not been compared between DuckDB and SQLite")
        return super().visit_node(op, **inputs)

    def visit_ScalarUDF(self, op: Any, **inputs: Any) -> Any:
        """DuckDB's epoch_us: instants are microseconds already."""
        if type(op).__name__.strip("_").rstrip("0123456789_") != "microseconds":
            raise OperationNotDefinedError(f"{type(op).__name__} has no meaning in SQLite")
        return next(iter(inputs.values()))

    def visit_AggUDF(self, op: Any, *, rising: Any, where: Any) -> Any:  # noqa: ARG002
        """`last_known`: of numbers that never fall the last is the largest."""
        return self.f.max(rising)

    def visit_Cast(self, op: Any, *, arg: Any, to: Any) -> Any:
        """Numbers only; a day begins at its midnight in UTC. Halves go to the even number."""
        held = op.arg.dtype
        if (held.is_temporal() and to.is_temporal()) or ((held.is_integer() or held.is_boolean()) and to.is_integer()):
            return arg
        if held.is_floating() and to.is_integer():
            return self.f.anon.to_even(arg)
        if held.is_integer() and to.is_floating():
            return self.cast(arg, to)
        raise OperationNotDefinedError(f"a cast from {held} to {to} has not been compared")

    def visit_TryCast(self, op: Any, *, arg: Any, to: Any) -> Any:
        """Text as a day, null where it is none."""
        if not (op.arg.dtype.is_string() and to.is_date()):
            raise OperationNotDefinedError(f"a cast from {op.arg.dtype} to {to} has not been compared")
        return self.f.anon.day_us(arg)

    def visit_NonNullLiteral(self, op: Any, *, value: Any, dtype: Any) -> Any:
        """A fraction that SQLite would misread by a last bit is spelt as the quotient that it is."""
        if not dtype.is_floating() or not math.isfinite(value) or _reads(value):
            return super().visit_NonNullLiteral(op, value=value, dtype=dtype)
        over, under = float(value).as_integer_ratio()
        return sge.paren(sge.Div(this=self.cast(sge.convert(over), dtype), expression=sge.convert(under), typed=True))

    # ------------------------------------------------------------------ numbers

    def visit_Greatest(self, op: Any, *, arg: Any) -> Any:  # noqa: ARG002
        """The largest of those that are known."""
        return _of_known(self, self.f.anon.max, arg)

    def visit_Least(self, op: Any, *, arg: Any) -> Any:  # noqa: ARG002
        """The smallest of those that are known."""
        return _of_known(self, self.f.anon.min, arg)

    def visit_Divide(self, op: Any, *, left: Any, right: Any) -> Any:
        """Never a division of whole numbers; by zero it is endless."""
        quotient = sge.Div(this=self.cast(left, op.dtype), expression=sge.paren(right), typed=True)
        if isinstance(op.right, ops.Literal) and op.right.value:
            return quotient
        endless = sg.case().when(left > 0, self.POS_INF).when(left < 0, self.NEG_INF)
        return sg.case().when(sge.paren(right).eq(0), endless).else_(quotient)

    def visit_FloorDivide(self, op: Any, *, left: Any, right: Any) -> Any:
        """Towards the smaller number, also before 1970."""
        _divisor(op)
        left = sge.paren(left)
        return sge.paren(
            sge.Div(this=left, expression=right, typed=True) - sge.paren(sge.Mod(this=left, expression=right) < 0)
        )

    def visit_Modulus(self, op: Any, *, left: Any, right: Any) -> Any:
        """The remainder of whole numbers, with the sign of the left."""
        _divisor(op)
        return sge.Mod(this=sge.paren(left), expression=right)

    def visit_Round(self, op: Any, *, arg: Any, digits: Any) -> Any:
        """Halves go away from zero."""
        if op.dtype.is_integer():
            return self.f.anon.from_zero(arg)
        return self.f.anon.rounded(arg, digits)

    def visit_Floor(self, op: Any, *, arg: Any) -> Any:  # noqa: ARG002
        """Not every SQLite is built with it."""
        return self.f.anon.whole_below(arg)

    def visit_Exp(self, op: Any, *, arg: Any) -> Any:  # noqa: ARG002
        """Not every SQLite is built with it."""
        return self.f.anon.e_to_the(arg)

    # --------------------------------------------------------------------- text

    def visit_StartsWith(self, op: Any, *, arg: Any, start: Any) -> Any:  # noqa: ARG002
        """With the case of its letters, which SQLite's LIKE does not heed."""
        return self.f.anon.substr(arg, 1, self.f.length(start)).eq(start)

    def visit_RegexSearch(self, op: Any, *, arg: Any, pattern: Any) -> Any:  # noqa: ARG002
        """Whether the pattern is found."""
        return self.f.anon.matches(arg, pattern)

    def visit_LPad(self, op: Any, *, arg: Any, length: Any, pad: Any) -> Any:  # noqa: ARG002
        """Never cut short."""
        return self.f.anon.padded(arg, length, pad)

    # -------------------------------------------------------- lists and structs

    def visit_Array(self, op: Any, *, exprs: Any) -> Any:  # noqa: ARG002
        """JSON text."""
        return self.f.anon.listed(*exprs)

    def visit_StructColumn(self, op: Any, *, names: Any, values: Any) -> Any:  # noqa: ARG002
        """A struct is the list of its values."""
        return self.f.anon.listed(*values)

    def visit_StructField(self, op: Any, *, arg: Any, field: str) -> Any:
        """One value of a struct."""
        return self.f.anon.listed_at(arg, op.arg.dtype.names.index(field))

    def visit_ArrayDistinct(self, op: Any, *, arg: Any) -> Any:  # noqa: ARG002
        """Each value once, null left out."""
        return self.f.anon.listed_once(arg)

    def visit_IntegerRange(self, op: Any, *, start: Any, stop: Any, step: Any) -> Any:  # noqa: ARG002
        """Up to, and without, the stop."""
        return self.f.anon.listed_from(start, stop, step)

    def visit_StringSplit(self, op: Any, *, arg: Any, delimiter: Any) -> Any:  # noqa: ARG002
        """The parts of a text."""
        return self.f.anon.listed_parts(arg, delimiter)

    def visit_ArrayIndex(self, op: Any, *, arg: Any, index: Any) -> Any:
        """Of a list that is written out, only the value that is asked for is computed."""
        if not isinstance(op.arg, ops.Array):
            return self.f.anon.listed_at(arg, index)
        return sge.Case(this=index, ifs=[self.if_(place, one) for place, one in enumerate(arg.expressions)])

    def visit_Unnest(self, op: Any, *, arg: Any) -> Any:  # noqa: ARG002
        """Marked here, and joined to the rows by `visit_Select`."""
        return self.f.anon[_UNNESTED](arg)

    def visit_Select(self, op: Any, **inputs: Any) -> Any:
        """A row per value of a list that is unnested."""
        made = super().visit_Select(op, **inputs)
        if not isinstance(made, sge.Select):
            return made
        marks = [mark for one in made.expressions for mark in one.find_all(sge.Anonymous) if mark.name == _UNNESTED]
        for mark in marks:
            values = sge.Table(this=self.f.anon.json_each(mark.expressions[0].copy())).as_(_UNNESTED)
            mark.replace(sg.column("value", table=_UNNESTED))
            made = made.join(values, join_type="cross")
        return made

    # ------------------------------------------------------------- over columns

    def visit_Median(self, op: Any, *, arg: Any, where: Any) -> Any:  # noqa: ARG002
        """The middle one of some numbers."""
        return self.f.anon.middle(arg if where is None else self.if_(where, arg, sge.Null()))

    def visit_ArgMax(self, op: Any, *, arg: Any, key: Any, where: Any) -> Any:  # noqa: ARG002
        """The value beside the largest key."""
        if where is not None:
            raise OperationNotDefinedError("the value beside the largest of some keys has not been compared")
        return self.f.anon.beside_largest(arg, key)


def _of_known(compiler: _Compiler, choose: Any, values: Any) -> Any:
    """SQLite's max and min of several are null where one is: each unknown one is stood in for by another."""
    if len(values) == 1:
        return values[0]
    return choose(
        *(compiler.f.coalesce(one, *values[:place], *values[place + 1 :]) for place, one in enumerate(values))
    )


def _divisor(op: Any) -> None:
    """Refuses to divide whole numbers by anything but a positive one that is written out."""
    if not (isinstance(op.right, ops.Literal) and op.right.value > 0 and op.left.dtype.is_integer()):
        raise OperationNotDefinedError("whole numbers are divided by a positive literal only")


@cache
def _reads(value: float) -> bool:
    """Whether SQLite reads a number as it is written: older ones are a last bit off for some."""
    con = sqlite3.connect(":memory:")
    found = con.execute(f"select {sge.convert(value).sql(dialect='sqlite')}").fetchone()
    con.close()
    return bool(found[0] == value)


def sql(step: ir.Table) -> str:
    """A step as one statement of SQLite.

    Nested queries stand side by side, since its parser's stack is short; what unnests a list is computed once.
    """
    ibis.options.sql.fuse_selects = False
    flat = eliminate_subqueries(_Compiler().to_sqlglot(step))
    for part in flat.ctes:
        unnests = any(table.alias == _UNNESTED for table in part.this.find_all(sge.Table))
        if _KEEPS and unnests:
            part.set("materialized", True)
    return str(flat.sql(dialect="sqlite"))
