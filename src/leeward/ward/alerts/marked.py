"""A mark of another cause hides no rise: what would be graded without it, and values that grew worse while it stands.

A grade, or a part of one, is told when it is above what it was (without any mark) when the mark was made, so that
whoever made it is told of nothing that they knew. A value is told by its difference from the one that stood then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from leeward.knowledge.vocabulary import quantities
from leeward.report.words import grade, listed, scale
from leeward.ward.alerts.record import of
from leeward.ward.alerts.signs import Basis, Sign
from leeward.ward.alerts.words import Spelling
from leeward.ward.look import Look, Marked, Unmarked
from leeward.ward.marks import QUANTITY, Mark, known_then
from leeward.ward.standing import Seen, standing

SOURCE = "a clinician's mark; ASTCT 2019 (Lee et al.) without it"
SIGNS = {"fever": "fever", "hypotension": "low pressure", "hypoxia": "need of oxygen", "neurological": "neurology"}
"""How the sign of a mark reads in an alert."""
PARTS = {"fever": "fever", "hypotension": "pressure", "hypoxia": "oxygen"}
"""The part of the definition of CRS that a mark speaks of; a neurological one speaks of all of ICANS."""
WORSE = {"fever": ("body-temperature", 1, "marked_cel"), "hypotension": ("systolic-bp", -1, "marked_mmhg"),
         "hypoxia": ("spo2", -1, "marked_percent"),
         "neurological": ("ice-score", -1, "marked_points")}  # fmt: skip
"""The value that tells how bad a marked sign is, which way is worse, and the name of the difference that is told."""
LIMITED = ("fever", "hypotension")
"""Signs whose value may lie on the well side of the definition's limit, where nothing is hidden."""

Step = Callable[[str], float]


def marked(look: Look, words: Spelling, step: Step) -> list[Sign]:
    """What has risen under the marks that stand, as it would be told without them. step: differences by name."""
    held = look.marked
    if held is None:
        return []
    made = [sign for name in ("crs", "icans") for sign in _graded(look, held, name, words)]
    first: dict[str, tuple[Mark, Unmarked]] = {}
    for mark, then in zip(held.marks, held.then, strict=True):
        first.setdefault(mark.sign, (mark, then))
    for mark, then in first.values():
        made += _part(held.now, mark, then, words)
        made += _value(look, held.now, mark, words, step)
    return made


def _graded(look: Look, held: Marked, syndrome: str, words: Spelling) -> Iterator[Sign]:
    """The grade without the marks, where it is above the one with them."""
    mine = [one for one in zip(held.marks, held.then, strict=True) if one[0].syndrome == syndrome]
    without, now = held.now.answer.now[syndrome], look.answer.now[syndrome]
    if not mine or without.at_least is None or without.at_most is None:
        return
    mark, then = mine[0]
    told = listed(sorted({SIGNS[one.sign] for one, _ in mine}))
    was = then.answer.now[syndrome]
    rises = f"{grade(was.at_least or 0, was.at_most or 0)} → {grade(without.at_least, without.at_most)}"
    head = f"{scale(syndrome).name} would be {rises} while {told} is marked as of another cause"
    above = max(then.least(syndrome), now.at_least or 0)
    yield _sign(f"marked/{syndrome}", (without.at_least, without.at_most), above, mark, held.now, head, words)


def _part(now: Unmarked, mark: Mark, then: Unmarked, words: Spelling) -> Iterator[Sign]:
    """The marked part's own grade: another part may give the same whole, and hide that this one rose."""
    here, before = (one.part(PARTS.get(mark.sign, "")) for one in (now, then))
    if here is None:
        return
    above = before.at_least if before else 0
    head = f"{SIGNS[mark.sign]} grew worse while marked as of another cause"
    yield _sign(f"marked/{mark.sign}", (here.at_least, here.at_most), above, mark, now, head, words)


def _sign(
    about: str, bounds: tuple[int, int], above: int, mark: Mark, now: Unmarked, head: str, words: Spelling
) -> Sign:  # fmt: skip
    """A grade that counts only where it is above what the mark's maker knew."""
    least, most = (one if one > above else 0 for one in bounds)
    found = sorted(
        map(of, now.answer.now[mark.syndrome].because), key=lambda one: (one.at <= mark.made_at, -one.at.timestamp())
    )
    return Sign(about=about, kind="marked-rise", at_least=least, at_most=most, since=found[0].at if found else None,
                says=words.text(head, [words.basis(one) for one in found if one.at > mark.made_at]),
                because=(*found, _mark(mark)), source=SOURCE)  # fmt: skip


def _value(look: Look, now: Unmarked, mark: Mark, words: Spelling, step: Step) -> Iterator[Sign]:
    """The value of the marked sign: how many times the difference that is told it is worse than when it was marked."""
    quantity, way, name = WORSE[mark.sign]
    here = standing(look.findings, look.at).get(quantity)
    before = standing(known_then(look.findings, mark.made_at), mark.made_at).get(quantity)
    if here is None or before is None or here.at <= before.at:
        return
    part = now.part(PARTS[mark.sign]) if mark.sign in LIMITED else None
    hidden = part is None or part.at_most > 0
    level = int(_worse(before, here, way) // step(name)) if hidden else 0
    found, was = (_basis(quantity, one) for one in (here, before))
    said = words.text(f"{words.basis(found)} while {SIGNS[mark.sign]} is marked as of another cause",
                      [f"{words.basis(was)} when it was marked"])  # fmt: skip
    yield Sign(about=f"marked/{quantity}", kind="marked-rise", at_least=level, at_most=level, says=said, since=here.at,
               because=(found, _mark(mark)), source=SOURCE)  # fmt: skip


def _worse(before: Seen, here: Seen, way: int) -> float:
    """By how much a value is worse for sure; nothing where a bound is open."""
    here_bound, before_bound = (here.low, before.high) if way > 0 else (here.high, before.low)
    return 0.0 if here_bound is None or before_bound is None else max(0.0, way * (here_bound - before_bound))


def _basis(quantity: str, one: Seen) -> Basis:
    """A value as a sign rests on it."""
    exact = one.low if one.low == one.high else None
    return Basis(quantity=quantity, at=one.at, value=exact, unit=quantities()[quantity].unit)


def _mark(mark: Mark) -> Basis:
    """The mark itself: taken back, there is nothing to tell. Its words are free, and go nowhere."""
    return Basis(quantity=QUANTITY, at=mark.at)
