"""The signs of ICANS at every moment, and the ASTCT course made of them."""

from __future__ import annotations

from typing import Any

import ibis
import ibis.expr.types as ir

from leeward.knowledge import vocabulary
from leeward.knowledge.definition import decided, value
from leeward.scales import astct_2019_icans as astct
from leeward.scales.course import flags, handed_over
from leeward.scales.level import worst
from leeward.timeline.columns import back, closed, front, last_known, latest, nothing, packed, pick, true
from leeward.timeline.episodes import with_episodes
from leeward.timeline.infusions import FOREVER_S, switches
from leeward.timeline.moments import Kinds, changes, with_expiries
from leeward.timeline.people import died_of
from leeward.timeline.settings import HOUR_S, limit_s

STALE = ("ice-score", "capd-score", "consciousness", "seizure", "motor-weakness", "cerebral-oedema")
"""Behind the first bits of `unknown`: what was not charted, too long ago, or not the instrument for this patient."""

MISSING = ("ice-score", "capd-score", "consciousness", "cause-of-death")
"""Behind the bits that follow: the inputs that would narrow the range if they were known."""

_WORDS = {"consciousness": "consciousness", "seizure": "seizure", "motor-weakness": "motor_weakness",
          "cerebral-oedema": "cerebral_oedema"}  # fmt: skip
KINDS = Kinds(switched=("other",), charted=("ice", "capd", *_WORDS.values(), "setting", "dose", "death"))
_SCORE_BITS, _WORD_BITS = 6, 3  # scores are below 64, grades below 8


def quantities(limits: astct.Limits) -> list[str]:
    """The quantities that the signs are read from."""
    return [limits.ice.quantity, limits.capd.quantity, *_WORDS, "attribution", "care-setting"]


def charted(relevant: ir.Table, places: ir.Table, people: ir.Table, doses: ir.Table, limits: astct.Limits) -> ir.Table:
    """One row per patient-moment with what was charted at it: scores, and each domain's grade by its word."""
    mine = relevant.filter(relevant.quantity.isin([limits.ice.quantity, limits.capd.quantity, *_WORDS]))
    cases = [(mine.quantity == quantity, KINDS.code(kind)) for quantity, kind in
             ((limits.ice.quantity, "ice"), (limits.capd.quantity, "capd"), *_WORDS.items())]  # fmt: skip
    words = [_by_word(mine, quantity, getattr(limits.grades, column)) for quantity, column in _WORDS.items()]
    score = _score(mine, [limits.ice.quantity, limits.capd.quantity])
    marks = relevant.filter((relevant.quantity == "attribution") & relevant.text.startswith("neurological="))
    marks = marks.select("who", from_s=marks.at_s, until_s=marks.until_s.fill_null(FOREVER_S))
    events = [
        KINDS.events(mine, pick(cases, None), mine.at_s, ibis.coalesce(*words, score)),
        KINDS.events(places, "setting", places.at_s, ibis.coalesce(places.setting + 1, 0)),
        *switches(marks, KINDS, "other"),
        KINDS.events(doses, "dose", doses.dose_s, 1),
        _deaths(people),
    ]
    rows = KINDS.gathered(events).join(people.select("who", "as_of_s", "first_dose_s", "age_low", "age_high"), "who")
    return rows.filter((rows.at_s >= rows.first_dose_s) & (rows.at_s <= rows.as_of_s))


def _score(mine: ir.Table, instruments: list[str]) -> Any:
    """A score's bounds in one number, null in rows of another domain; "under 5" begins where its instrument does."""
    known = [(mine.quantity == name, vocabulary.quantities()[name]) for name in instruments]
    least = pick([(asked, scored.low) for asked, scored in known], nothing("float64"))
    most = pick([(asked, scored.high) for asked, scored in known], nothing("float64"))
    low, high = closed(mine.low, mine.high, least, most)
    return packed(low.cast("int64"), high.cast("int64"), _SCORE_BITS)


def _by_word(mine: ir.Table, quantity: str, grades: dict[str, int]) -> Any:
    """The grade of a domain's word, null in rows of another domain."""
    return pick(
        [((mine.quantity == quantity) & (mine.text == word), level) for word, level in grades.items()], nothing()
    )


def _deaths(people: ir.Table) -> ir.Table:
    """Death, surely of ICANS where the record says so, possibly where it names no cause."""
    dead = people.filter(people.death_s.notnull())
    of_icans = true(died_of(dead.death, "icans"))
    maybe = ibis.greatest(of_icans, true(died_of(dead.death, "unstated")))
    return KINDS.events(dead, "death", dead.death_s, packed(of_icans, maybe, 1))


def carried(rows: ir.Table) -> ir.Table:
    """What stood for the patient at each moment from the first dose on, moments of expiry included."""
    upto = ibis.window(group_by=[rows.who], order_by=[rows.at_s], rows=(None, 0))
    stands = rows.mutate(
        ice=latest(rows.ice, rows.at_s, 2 * _SCORE_BITS, upto),
        capd=latest(rows.capd, rows.at_s, 2 * _SCORE_BITS, upto),
        place=latest(rows.setting, rows.at_s, 2, upto),
        dose_s=last_known(ibis.ifelse(rows.dose == 1, rows.at_s, None), upto),
        marked_s=last_known(ibis.ifelse(rows.other > 0, rows.at_s, None), upto),
        next_s=rows.at_s.lead().over(ibis.window(group_by=[rows.who], order_by=[rows.at_s])),
        marked=rows.other.fill_null(0).sum().over(upto),
        charted=true(ibis.coalesce(rows.ice, rows.capd, *(rows[name] for name in _WORDS.values())).notnull()),
        **{f"{name}_": latest(rows[name], rows.at_s, _WORD_BITS, upto) for name in _WORDS.values()},
    )
    place = (back(stands.place, 2) - 1).nullif(-1)
    bits = {"ice": 2 * _SCORE_BITS, "capd": 2 * _SCORE_BITS, **{f"{name}_": _WORD_BITS for name in _WORDS.values()}}
    ends = {
        f"{name}_ends_s": front(stands[name], wide)
        + limit_s("cerebral-oedema" if name == "cerebral_oedema_" else "neurological", place)
        for name, wide in bits.items()
    }
    moments = with_expiries(stands.mutate(**ends), list(ends), "as_of_s")
    return moments.filter(moments.dose_s.notnull())


def graded(rows: ir.Table, limits: astct.Limits) -> ir.Table:
    """Carried signs as grades: columns GRADED."""
    rows = _bounds(rows, limits)
    rows = changes(rows.mutate(state=_state(rows)), ["who", "dose_s"], "at_s", ["state"])
    rows = rows.mutate(
        sign=true(rows.at_least > 0), opens=true(rows.at_least > 0), quiet=true(rows.at_most == 0), masks_s=nothing(),
    )  # fmt: skip
    quiet_s = int(decided(limits.decisions, "resolution") * HOUR_S)
    rows = with_episodes(rows, quiet_s, quiet_s)
    return handed_over(rows.mutate(first_sign_s=nothing(), masked=ibis.literal(0, "int64")), "icans", limits.scale)


def _state(rows: ir.Table) -> Any:
    """What a course tells apart, as one number, which is compared faster than many."""
    state = rows.unknown.cast("int64")
    for column, bits in ((rows.at_least, _WORD_BITS), (rows.at_most, _WORD_BITS), (rows.charted, 1), (rows.observed, 1),
                         (rows.died, 1)):  # fmt: skip
        state = packed(state, column, bits)
    return state


def _bounds(rows: ir.Table, limits: astct.Limits) -> ir.Table:
    """The grade with what is missing at its mildest and at its worst.

    A clinician's mark takes what was charted out; it does not stand in for a test that was not done.
    """
    rows = _ranged(domains(rows, limits), limits)
    open_ = true(rows.at_least != rows.at_most)
    unscored = (1 - rows.scored) * open_
    return rows.select(
        "who", "dose_s", "as_of_s", "at_s", "at_least", "at_most",
        charted=ibis.greatest(rows.charted, rows.death_high),
        observed=ibis.greatest(rows.scored, *(rows[f"{name}_known"] for name in _WORDS.values())),
        unknown=flags(1 - rows.by_ice, 1 - rows.by_capd, *(1 - rows[f"{name}_known"] for name in _WORDS.values()),
                      unscored * (1 - rows.child), unscored * rows.child,
                      (1 - rows.awake) * open_ * true(rows.own == 1),
                      (rows.death_high - rows.death_low) * rows.signs),
        died=rows.death_high,
    )  # fmt: skip


def domains(rows: ir.Table, limits: astct.Limits) -> ir.Table:
    """Carried signs taken apart into their domains: score_low, score_high, and each word as its grade."""
    return _scored(_parts(rows), limits)


def _scored(rows: ir.Table, limits: astct.Limits) -> ir.Table:
    """Adds which instrument tells of the patient, and its grade at its mildest and worst: score_low, score_high."""
    by_ice, by_capd = astct.scored(rows.ice_low, rows.capd_low, rows.age, limits)
    rows = rows.mutate(by_ice=by_ice, by_capd=by_capd)
    rows = rows.mutate(
        scored=ibis.greatest(rows.by_ice, rows.by_capd),
        score_low=worst(pick([(rows.by_ice == 1, astct.by_ice(rows.ice_high, limits))], 0),
                        pick([(rows.by_capd == 1, astct.by_capd(rows.capd_low, limits))], 0)),
        score_high=worst(pick([(rows.by_ice == 1, astct.worst_by_ice(rows.ice_low, rows.awake, limits))], 0),
                         pick([(rows.by_capd == 1, astct.worst_by_capd(rows.capd_high, rows.awake, limits))], 0)),
    )  # fmt: skip
    return rows.mutate(
        score_low=rows.score_low * rows.own,
        score_high=pick(
            [(rows.scored == 1, rows.score_high * rows.own), (rows.own == 0, 4)], astct.worst_unscored(rows.awake)
        ),
        **{name: rows[name] * rows.own for name in _WORDS.values()},
    )


def _ranged(rows: ir.Table, limits: astct.Limits) -> ir.Table:
    """Adds at_least and at_most: the grade of the domains, and death where there were signs of ICANS to die of."""

    def living(score: Any) -> Any:
        words = (rows.consciousness, rows.seizure, rows.motor_weakness, rows.cerebral_oedema)
        return astct.grade(astct.State(score, *words, ibis.literal(0)), limits)

    rows = rows.mutate(mild=living(rows.score_low), bad=living(rows.score_high))
    rows = rows.mutate(signs=true(rows.mild > 0))
    signs = rows.signs
    return rows.mutate(
        at_least=pick([(rows.death_low * signs == 1, limits.grades.death)], rows.mild),
        at_most=pick(
            [(ibis.greatest(rows.death_low, rows.death_high * signs) == 1, limits.grades.death)],
            ibis.greatest(rows.mild, rows.bad),
        ),
        child=true(rows.age < value(limits.capd.below_years)),
    )


def _parts(rows: ir.Table) -> ir.Table:
    """The carried columns taken apart, what is too old made unknown."""
    stands = {
        name: rows.moment_s < rows[f"{name}_ends_s"]
        for name in ("ice", "capd", *(f"{word}_" for word in _WORDS.values()))
    }
    # A score from before the mark does not tell how the patient is since: under sedation nobody knows.
    since = ~((rows.marked > 0) & (true(front(rows.ice, 2 * _SCORE_BITS) < rows.marked_s) == 1))
    stands["ice"] = stands["ice"] & since
    stands["capd"] = stands["capd"] & ~(
        (rows.marked > 0) & (true(front(rows.capd, 2 * _SCORE_BITS) < rows.marked_s) == 1)
    )
    columns: dict[str, Any] = {f"{name.rstrip('_')}_known": true(stood) for name, stood in stands.items()}
    for name in ("ice", "capd"):
        both = back(rows[name], 2 * _SCORE_BITS)
        columns[f"{name}_low"] = ibis.ifelse(stands[name], front(both, _SCORE_BITS), None)
        columns[f"{name}_high"] = ibis.ifelse(stands[name], back(both, _SCORE_BITS), None)
    for name in _WORDS.values():
        columns[name] = pick([(stands[f"{name}_"], back(rows[f"{name}_"], _WORD_BITS))], 0)
    return rows.select(
        "who", "dose_s", "as_of_s",
        at_s=rows.moment_s, charted=rows.charted * true(rows.moment_s == rows.at_s),
        age=ibis.coalesce(rows.age_low, rows.age_high),
        awake=true(stands["consciousness_"]), own=1 - true(rows.marked > 0),
        death_low=front(rows.death.fill_null(0), 1), death_high=back(rows.death.fill_null(0), 1), **columns,
    )  # fmt: skip
