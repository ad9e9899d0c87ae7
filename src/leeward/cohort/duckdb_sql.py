"""The plan's expressions as DuckDB spells them."""
# ruff: noqa: N802 - Ibis calls the rule of an operation `visit_` and the operation's name.

from __future__ import annotations

from typing import Any

import ibis
import ibis.expr.types as ir
import sqlglot.expressions as sge
from ibis.backends.sql.compilers.duckdb import DuckDBCompiler


class _Compiler(DuckDBCompiler):  # type: ignore[misc]
    """Ibis's compiler for DuckDB, with the one function of timeline.columns that DuckDB does not know by that name."""

    __slots__ = ()

    def visit_AggUDF(self, op: Any, *, rising: Any, where: Any) -> Any:  # noqa: ARG002
        """`last_known`."""
        return sge.IgnoreNulls(this=self.f.last_value(rising))


def spelt(step: ir.Table) -> str:
    """A step as one statement of DuckDB."""
    ibis.options.sql.fuse_selects = False
    return str(_Compiler().to_sqlglot(step).sql(dialect="duckdb"))
