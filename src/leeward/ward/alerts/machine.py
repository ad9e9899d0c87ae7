"""The machine of alerts: from what was held and what is seen now to what is told. No clock, no store, no quieting.

What was acknowledged is asked in one place only: whether an alert that ends may leave a lower level that still holds
without an open alert. What nobody has seen stays open, or opens again; nothing that rises is ever held back by it.

A rise is a rise of what is sure (`at_least`): it is told at once, above whatever was told before. A range that only
grew upwards (`at_most`) is told as what it is: the answer can no longer be told. Lower counts only what is lower for
sure, for as long as `Waits` says; what cannot be told closes nothing. What opens together is told together.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec

from leeward.ward.alerts.signs import (
    ANALYTE,
    KINDS,
    TECHNICAL,
    Change,
    Held,
    Seen,
    Sign,
    State,
    Waits,
    What,
    class_of,
    part,
)

replace = msgspec.structs.replace
EVERYTHING = "*"
UNTOLD_GRADES = ("answer-widened", "grade-open")
"""Kinds that say of a grade that it cannot be told."""


def consider(before: State, seen: Seen, now: datetime, waits: Waits) -> tuple[State, list[Change]]:
    """What is remembered and what is told once `seen` is known, of one patient or of the ward."""
    signs = {sign.about: sign for sign in seen.signs}
    held: dict[str, Held] = {}
    ended: list[tuple[What, Held, Sign | None]] = []
    for one in before.held:
        sign = signs.get(one.about)
        looked = sign is not None or part(one.about) in seen.looked
        what, after = _kept(one, sign, seen, now, waits) if looked else (None, one)
        if after is not None:
            held[one.about] = after
        if what is not None:
            ended.append((what, one, sign))
    behind = _behind(before, seen, now, waits)
    risen, waiting = ([], before.waiting) if behind else _risen(before, held, seen, now, waits)
    opened, state = _opened(before, held, risen, seen.acknowledged, now,
                            one=seen.silent or before.behind is not None)  # fmt: skip
    ended += [("overtaken", one, None) for one in before.held if _overtaken(one, state)]
    ended.sort(key=lambda one: ("withdrawn", "overtaken", "resolved", "corrected").index(one[0]))
    return replace(state, waiting=waiting, behind=behind), [*_told(before, state, ended, now), *opened]


def _kept(one: Held, sign: Sign | None, seen: Seen, now: datetime, waits: Waits) -> tuple[What | None, Held | None]:
    """What becomes of what was told, given what is seen of it now (None: looked at, and it does not hold)."""
    gone = any(basis in seen.gone for basis in one.because)
    least, most = (sign.at_least, sign.at_most) if sign else (0, 0)
    lower = _lower(one, most, now)
    if least >= one.level:
        if not gone or sign is None:
            return None, lower
        says = "" if one.alert is None else sign.says
        return "corrected" if one.alert is not None else None, replace(lower, because=sign.because, says=says)
    if gone:  # an acknowledgement of what was wrong is none of what lay beneath it: that opens again
        return "withdrawn" if one.alert is not None else None, _quietly(lower, min(one.before, least, one.seen))
    level = one.level
    while level and _settled(lower, level, now, waits):
        level -= 1
    if level == one.level:
        return None, lower
    if one.alert is None or one.alert in seen.acknowledged or level <= one.seen:
        return "resolved" if one.alert is not None else None, _quietly(lower, level)
    return "resolved", replace(
        lower, level=level, before=min(one.before, level), lower_since=lower.lower_since[:level],
        because=(sign.because if sign else ()) or one.because, says=sign.says if sign else "",
    )  # fmt: skip


def _lower(one: Held, most: int, now: datetime) -> Held:
    """What is held, with since when it is lower than each of its levels for sure; a clock set back begins anew."""
    since = (*one.lower_since, *[None] * one.level)[: one.level]
    return replace(
        one, lower_since=tuple(min(at or now, now) if most < level else None for level, at in enumerate(since, 1))
    )


def _settled(one: Held, level: int, now: datetime, waits: Waits) -> bool:
    """Whether something has been lower than a level for long enough: if it comes back, that is told again."""
    since = one.lower_since[level - 1]
    return since is not None and (now - since).total_seconds() >= waits.settle(one.about, level)


def _quietly(one: Held, level: int) -> Held | None:
    """What is remembered as told at a lower level, without an open alert; nothing at level 0."""
    if not level:
        return None
    return Held(
        about=one.about, kind=one.kind, level=level, alert=None, before=level, seen=level,
        lower_since=one.lower_since[:level],
    )  # fmt: skip


def _behind(before: State, seen: Seen, now: datetime, waits: Waits) -> datetime | None:
    """Since when a backlog comes in that is not all here; it is waited for no longer than `Waits` says."""
    since = min(before.behind or now, now)
    return since if seen.silent and (now - since).total_seconds() < waits.behind_s else None


def _risen(
    before: State, held: dict[str, Held], seen: Seen, now: datetime, waits: Waits
) -> tuple[list[Sign], tuple[tuple[str, datetime], ...]]:
    """The signs above what was told, long enough and not covered, the leading one first; and those that still wait."""
    since = dict(before.waiting)
    waiting = {about: at for about, at in since.items() if part(about) not in seen.looked}
    covered = [(one.about, one.covers) for one in held.values() if one.alert is not None]
    covered.append(("", seen.covered))
    risen = []
    for sign in sorted(seen.signs, key=_order):
        told = held[sign.about].level if sign.about in held else 0
        if sign.at_least <= told:
            continue
        first = min(since.get(sign.about, now), now)
        if (now - first).total_seconds() < waits.before(sign) or _covered(sign, covered):
            waiting[sign.about] = first
            continue
        risen.append(sign)
        covered.append((sign.about, sign.covers))
    return [*risen, *_with(risen, held, seen)], tuple(sorted(waiting.items()))


def _with(risen: list[Sign], held: dict[str, Held], seen: Seen) -> list[Sign]:
    """The other silent analytes that are open, once one more falls silent: one alert tells of all of them."""
    if not any(sign.about.startswith(ANALYTE) for sign in risen):
        return []
    open_ = {about for about, one in held.items() if one.alert is not None} - {sign.about for sign in risen}
    return [sign for sign in seen.signs if sign.about in open_ and sign.about.startswith(ANALYTE)]


def _order(sign: Sign) -> tuple[int, int, int, str]:
    """The patient before what we cannot see, then the worse grade, then the kinds as they are named."""
    return (class_of(sign.kind) == "technical", -sign.at_least if sign.part in ("crs", "icans") else 0,
            KINDS.index(sign.kind), sign.about)  # fmt: skip


def _covered(sign: Sign, covers: Iterable[tuple[str, frozenset[str]]]) -> bool:
    """Whether a wider technical alert already says that this cannot be seen."""
    if sign.kind not in TECHNICAL:
        return False
    known = [said for about, said in covers if about != sign.about]
    if any(EVERYTHING in said for said in known):
        return sign.part != "backlog"
    # That an answer can no longer be told is never left out for a narrower notice.
    return sign.kind not in UNTOLD_GRADES and any(sign.missing and said.issuperset(sign.missing) for said in known)


def _opened(
    before: State, held: dict[str, Held], risen: list[Sign], acknowledged: frozenset[int], now: datetime, *, one: bool
) -> tuple[list[Change], State]:
    """One alert for each class of what rose; after a backlog `one` for all of it."""
    was = {told.about: told.alert for told in before.held}
    groups = [[sign for sign in risen if class_of(sign.kind) == name] for name in ("physiological", "technical")]
    groups = [risen] if one else groups
    number, opened = before.opened, []
    for signs in filter(None, groups):
        number += 1
        for sign in signs:
            last = held.get(sign.about)
            told = last.level if last else 0
            known = last.level if last and last.alert in acknowledged else last.seen if last else 0
            held[sign.about] = Held(about=sign.about, kind=sign.kind, level=sign.at_least, alert=number, before=told,
                                    seen=known, because=sign.because, covers=sign.covers)  # fmt: skip
        abouts = tuple(sign.about for sign in signs)
        after = {old for about in abouts if (old := was.get(about)) is not None}
        opened.append(Change(what="opened", alert=number, at=now, abouts=abouts, kind=signs[0].kind,
                             level=max(sign.at_least for sign in signs), signs=tuple(signs),
                             after=tuple(sorted(after))))  # fmt: skip
    return opened, State(opened=number, held=tuple(held[about] for about in sorted(held)))


def _overtaken(one: Held, after: State) -> bool:
    """Whether a newer alert now tells of the same thing, at a higher level."""
    now = next((held for held in after.held if held.about == one.about), None)
    return one.alert is not None and now is not None and now.alert is not None and now.alert != one.alert


def _told(
    before: State, after: State, ended: Iterable[tuple[What, Held, Sign | None]], now: datetime
) -> list[Change]:  # fmt: skip
    """One change for each alert and what became of it; an alert closes when nothing it told of is held any more."""
    by_alert: dict[tuple[int, What], list[tuple[Held, Sign | None]]] = {}
    by = {held.about: held.alert for held in after.held}
    said = set()
    for what, one, sign in ended:
        assert one.alert is not None
        if (one.alert, one.about) not in said:  # settled and risen again at once is told once, as what it is now
            by_alert.setdefault((one.alert, what), []).append((one, sign))
            said.add((one.alert, one.about))
    closing = before.open - after.open
    last = dict(by_alert.keys())
    return [
        Change(
            what=what, alert=alert, at=now, abouts=tuple(one.about for one, _ in some),
            level=max(one.level for one, _ in some), kind=some[0][0].kind,
            signs=tuple(sign for _, sign in some if sign is not None),
            closes=alert in closing and last[alert] == what,
            by=by.get(some[0][0].about) if what == "overtaken" else None,
        )
        for (alert, what), some in by_alert.items()
    ]  # fmt: skip
