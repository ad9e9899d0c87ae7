"""Scores that are named and not shipped, filled by a user's own file of coefficients; docs/risk.md shows one.

A file is held to the same rules as our own knowledge: unknown fields, inputs, units and kinds are refused.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

import ibis
import msgspec

from leeward.knowledge import BadKnowledge
from leeward.knowledge.loader import read
from leeward.knowledge.vocabulary import quantities
from leeward.risk import easix, points
from leeward.risk.definitions import Adapter, adapters, inputs, rules
from leeward.risk.outcome import Found
from leeward.scales.bands import Item, Span, parsed
from leeward.scales.bands import points as given
from leeward.scales.score_inputs import At
from leeward.timeline.columns import pick

Said = Annotated[str, msgspec.Meta(pattern=r"\S")]
Transform = Literal["none", "log2", "log10", "ln"]
_LOGARITHMS: dict[str, Callable[[Any], Any]] = {
    "log2": lambda x: x.log2(),
    "log10": lambda x: x.log10(),
    "ln": lambda x: x.ln(),
}
_STEEP = 700.0
MADE = ("easix", "mews", "spo2-fio2")
"""Inputs that are scores of ours."""


class Term(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One term of a linear predictor: coefficient times the transformed value."""

    input: str
    unit: str
    coefficient: float
    transform: Transform = "none"


class PointsItem(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Points by the cells of a value."""

    input: str
    unit: str
    cells: dict[str, int]


class Mixture(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A mixture of two normal components over standardised laboratory values.

    Each value is divided by its upper limit of normal, its log10 taken where `log10` names it, then standardised by
    `mean` and `deviation`. `positive`: the place (0 or 1) of the component whose probability is answered.
    """

    inputs: tuple[str, ...]
    units: tuple[str, ...]
    upper_limits: tuple[float, ...]
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    weights: tuple[float, float]
    centres: tuple[tuple[float, ...], tuple[float, ...]]
    covariances: tuple[tuple[tuple[float, ...], ...], tuple[tuple[float, ...], ...]]
    positive: Literal[0, 1]
    log10: tuple[str, ...] = ()
    at_least_values: int = 2


class Coefficients(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A user's file: which score, of which kind, where its numbers come from, and the numbers."""

    score: str
    kind: Literal["logistic", "points", "mixture"]
    source: Said
    evidence: Said
    checked: date
    intercept: float | None = None
    term: tuple[Term, ...] = ()
    item: tuple[PointsItem, ...] = ()
    groups: dict[str, int] = {}
    mixture: Mixture | None = None

    @property
    def adapter(self) -> Adapter:
        """The score it fills."""
        return adapters()[self.score]


def load_file(path: Path) -> Coefficients:
    """A user's file of coefficients. Raises BadKnowledge where it fills no score of ours or does not fit it."""
    made: Coefficients = read(path, Coefficients)
    wrong = _wrong(made)
    if wrong:
        raise BadKnowledge(f"{path.name}: {wrong}")
    for item in made.item:
        parsed(f"{path.name}: {item.input}", item.cells, None)
    if made.groups:
        parsed(f"{path.name}: groups", made.groups, 0)
    return made


def _wrong(made: Coefficients) -> str | None:
    """Why a file cannot be used; None where it can."""
    if made.score not in adapters():
        return f"no score '{made.score}' takes coefficients; there is {', '.join(sorted(adapters()))}"
    if made.kind not in made.adapter.kinds:
        return f"{made.score} takes {', '.join(made.adapter.kinds)}, not {made.kind}"
    holds = {"logistic": made.intercept is not None and made.term, "points": made.item, "mixture": made.mixture}
    if not holds[made.kind]:
        return f"it holds no numbers of a {made.kind} score"
    named = [(one.input, one.unit) for one in made.term] + [(one.input, one.unit) for one in made.item]
    if made.mixture is not None:
        named += list(zip(made.mixture.inputs, made.mixture.units, strict=False))
    for name, unit in named:
        if name not in inputs() and name not in MADE:
            return f"no input '{name}'"
        if made.adapter.inputs and name not in made.adapter.inputs:
            return f"{made.score} is made of {', '.join(made.adapter.inputs)}, not of {name}"
        if unit != unit_of(name):
            return f"{name} is kept in {unit_of(name)}, not in {unit}: give coefficients for that unit"
    return _shape(made.mixture) if made.mixture is not None else None


def unit_of(name: str) -> str | None:
    """The unit in which an input is kept."""
    return "1" if name in MADE else quantities()[inputs()[name].quantity].unit


def _shape(mixture: Mixture) -> str | None:
    """A mixture whose lists are not of one length."""
    n = len(mixture.inputs)
    lists = [mixture.units, mixture.upper_limits, mixture.mean, mixture.deviation, *mixture.centres]
    square = all(len(matrix) == n and all(len(row) == n for row in matrix) for matrix in mixture.covariances)
    return None if square and all(len(one) == n for one in lists) else f"its lists are not all of {n} values"


def span(at: At, name: str) -> Span:
    """An input as bounds; of a score of ours its own bounds."""
    if name not in MADE:
        return at.span(name)
    if name == "easix":
        found: Found = easix.easix(at, rules()["easix"])
        return Span(found.at_least, found.at_most)
    found = points.mews(at, rules()["mews"])
    reading = found.reading or (found.at_least, found.at_most)
    return Span(*reading) if name == "spo2-fio2" else Span(found.at_least, found.at_most)


def rule(at: At, made: Coefficients) -> Found:
    """A logistic or a points score over columns; what is missing leaves the whole width of its term."""
    return _logistic(at, made) if made.kind == "logistic" else _points(at, made)


def _logistic(at: At, made: Coefficients) -> Found:
    """A probability: the linear predictor at its mildest and its worst; without one of its values 0 to 1."""
    low: Any = ibis.literal(float(made.intercept or 0.0))
    high: Any = ibis.literal(float(made.intercept or 0.0))
    lacks: dict[str, Any] = {}
    for term in made.term:
        held = span(at, term.input)
        lacks[term.input] = held.low.isnull() | (held.low != held.high)
        ends = [_transformed(end, term.transform) * term.coefficient for end in held]
        low, high = low + ibis.least(*ends), high + ibis.greatest(*ends)
    least, most = _chance(low).fill_null(0.0), _chance(high).fill_null(1.0)
    return Found(least, most, ibis.ifelse(least == most, least, None), lacks)


def _transformed(value: Any, how: Transform) -> Any:
    """A value transformed; the logarithm of 0 is so low that nothing lies below it."""
    if how == "none":
        return value
    return pick([(value > 0, _LOGARITHMS[how](pick([(value > 0, value)], None))), (value <= 0, -math.inf)], None)


def _chance(predictor: Any) -> Any:
    """The logistic of a predictor; one that is very steep is 0 or 1."""
    kept = ibis.greatest(ibis.least(predictor, _STEEP), -_STEEP)
    return pick([(predictor.notnull(), 1 / (1 + (-kept).exp()))], None)


def _points(at: At, made: Coefficients) -> Found:
    """The sum of points."""
    least, most = ibis.literal(0), ibis.literal(0)
    lacks: dict[str, Any] = {}
    for one in made.item:
        item = Item(id=one.input, where=made.source, checked=made.checked, cells=one.cells)
        low, high = given(item, span(at, one.input), at.age)
        least, most, lacks[one.input] = least + low, most + high, low < high
    return Found(least, most, ibis.ifelse(least == most, least, None), lacks)


def group(made: Coefficients, points: float | None) -> int | None:
    """The group that so many points belong to, where the file names groups."""
    if not made.groups or points is None:
        return None
    reached = [cell for cell in parsed("groups", made.groups, 0) if points > cell.low or points == cell.low]
    inside = [cell for cell in reached if not (cell.open_low and points == cell.low)]
    return inside[-1].points if inside else None


def posterior(mixture: Mixture, values: Mapping[str, float]) -> float | None:
    """The probability of the positive component given the values on record; missing ones are left out.

    None with fewer values than the mixture asks for.
    """
    import numpy as np

    place = [at for at, name in enumerate(mixture.inputs) if name in values]
    if len(place) < mixture.at_least_values:
        return None
    raw = [values[mixture.inputs[at]] / mixture.upper_limits[at] for at in place]
    logged = [mixture.inputs[at] in mixture.log10 for at in place]
    if any(take and value <= 0 for take, value in zip(logged, raw, strict=True)):
        return None
    scaled = np.array([math.log10(value) if take else value for take, value in zip(logged, raw, strict=True)])
    x = (scaled - np.array(mixture.mean)[place]) / np.array(mixture.deviation)[place]
    logs = []
    for weight, centre, covariance in zip(mixture.weights, mixture.centres, mixture.covariances, strict=True):
        apart = x - np.array(centre)[place]
        within = np.array(covariance)[np.ix_(place, place)]
        _, size = np.linalg.slogdet(within)
        logs.append(math.log(weight) - 0.5 * (size + apart @ np.linalg.solve(within, apart)))
    top = max(logs)
    shares = [math.exp(one - top) for one in logs]
    return float(shares[mixture.positive] / sum(shares))
