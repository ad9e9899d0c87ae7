"""Rules of staying near, being watched and driving as a table for patients: plain words, dates, the source's words."""

from __future__ import annotations

from leeward.knowledge.therapies import About
from leeward.plan import stay
from leeward.plan.prepare import Ends, ends
from leeward.report.patients.paper import Asked, Block, Cell, Line
from leeward.report.patients.sources import Sources
from leeward.report.patients.speaker import Speaker

SHOWN: tuple[About, ...] = ("hospital", "stay", "monitoring", "driving")
_HEAD = ("rule.what", "rule.where", "rule.how-long", "rule.source")


def told(asked: Asked, speaker: Speaker, sources: Sources) -> list[Block]:
    """The rules of the day of the treatment; where none is on file, that."""
    held = in_force(asked)
    if not held:
        return [Block(kind="text", lines=[Line(text=speaker.say("rule.none"))])]
    notes = ["rule.of-its-time"] + (["rule.several"] if len({one.rule.region for one in held}) > 1 else [])
    return [
        Block(kind="text", lines=[Line(text=speaker.say(note)) for note in notes]),
        Block(kind="table", head=[speaker.say(key) for key in _HEAD],
              rows=[_row(one, asked, speaker, sources) for one in held]),
    ]  # fmt: skip


def in_force(asked: Asked) -> list[Ends]:
    """Rules of the product on its day that a patient lives by, each with its end."""
    rules = stay.rules(asked.product.inn, asked.start.day, asked.region)
    return ends([one for one in rules if one.about in SHOWN], asked.start, asked.product.inn)


def _row(one: Ends, asked: Asked, speaker: Speaker, sources: Sources) -> list[Cell]:
    """One rule: what, where, how long, and in whose words."""
    rule = one.rule
    own = f"{rule.for_}: {rule.says}" if rule.for_ else rule.says
    return [
        Cell(text=speaker.say(f"rule.about-{rule.about}"), strong=True),
        Cell(text="–" if rule.region == "any" else speaker.say(f"rule.region-{rule.region}")),
        Cell(text=" ".join(_lengths(one, asked, speaker)) or "–", recalled=rule.evidence == "recalled"),
        Cell(text=own, foreign="en", marks=[sources.mark(rule.source, rule.evidence)]),
    ]


def _lengths(one: Ends, asked: Asked, speaker: Speaker) -> list[str]:
    """How long, with a last day where the treatment is given once; of which dose, its words say."""
    rule, said = one.rule, []
    once = not asked.product.repeated
    if rule.daily_days and one.daily_until_day and once:
        said.append(
            speaker.say("rule.daily", length=speaker.days(rule.daily_days), day=speaker.day(one.daily_until_day))
        )
    if rule.days and one.until_day:
        length = speaker.days(rule.days)
        said.append(
            speaker.say("rule.until", length=length, day=speaker.day(one.until_day))
            if once
            else speaker.say("rule.days", length=length)
        )
    if rule.hours:
        said.append(speaker.say("rule.hours", length=speaker.hours(rule.hours)))
    return said
