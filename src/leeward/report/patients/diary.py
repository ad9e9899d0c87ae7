"""The home diary: a day per block, with a slot for each check and room to write by hand."""

from __future__ import annotations

import math
from datetime import time

from leeward.knowledge import patients
from leeward.knowledge.therapies import Therapy, schedules
from leeward.plan.around import gaps
from leeward.plan.schedule import day_of
from leeward.report.patients import stay_rules
from leeward.report.patients.home import checks, checks_a_day, claims, regular
from leeward.report.patients.paper import Asked, Block, Line, Section
from leeward.report.patients.sources import Sources
from leeward.report.patients.speaker import DAY_HOURS, Speaker

SENTENCE = "sentence"
"""The claim that asks for a written sentence and three named things; a diary has room for them where it speaks."""
_LABELS = ("time", "temperature", "symptoms", "drug", "write", "objects", "right", "extra")


def diary(asked: Asked, speaker: Speaker, sources: Sources) -> list[Section]:
    """How to use it, then every day."""
    count, why = length(asked)
    times = [speaker.clock(at) for at in hours_of_checks(asked)]
    told = checks(asked, speaker, sources)
    told.append(Line(text=speaker.say("diary.for-instance", times=", ".join(times))))
    told += claims([one for one in patients.facts().claim if "diary" in one.pages], asked, speaker, sources)
    limit = patients.facts().numbers["fever"]
    phones = [one for one in (asked.centre.daytime_phone, asked.centre.out_of_hours_phone) if one]
    told.append(
        sources.line(speaker.say("diary.fever-line", temperature=speaker.fever()), [(limit.where, limit.evidence)])
    )
    told += [Line(text=speaker.say(why, days=speaker.days(count))), Line(text=speaker.say("diary.show"))]
    foot = speaker.say("diary.foot", temperature=speaker.fever(), phones=", ".join(phones) or "________________")
    crs = Block(kind="text", lines=[Line(text=speaker.say("leaflet.crs-is"))])
    return [
        Section(id="how", title=speaker.say("diary.how"), blocks=[crs, Block(kind="list", lines=told)]),
        Section(id="days", title=speaker.say("diary.days"),
                blocks=[_day(asked, speaker, number, foot) for number in range(count)]),
    ]  # fmt: skip


def hours_of_checks(asked: Asked) -> list[time]:
    """Examples of when: the day split evenly, from an hour that is decided in facts.toml."""
    number, first = checks_a_day(asked), round(patients.number("first_check_hour"))
    return [time((first + place * DAY_HOURS // number) % DAY_HOURS) for place in range(number)]


def length(asked: Asked) -> tuple[int, str]:
    """How many days, and the sentence that says why: the longest rule on file, the steps of the dose, else decided."""
    most = round(patients.number("diary_days_most"))
    ruled = [
        one.rule.days or one.rule.daily_days or 0 for one in stay_rules.in_force(asked) if one.rule.about != "driving"
    ]
    stepped = _stepped(asked)
    if stepped and stepped >= max(ruled, default=0):
        return min(stepped, most), "diary.days-dose"
    if any(ruled):
        return min(max(ruled), most), "diary.days-rule"
    return round(patients.number("diary_days")), "diary.days-decided"


def _stepped(asked: Asked) -> int:
    """Days from the first dose to the end of the checks after the last one that can be counted; 0 where none can."""
    line = regular(asked)
    if line is None or not line.until_hours:
        return 0
    doses = [
        found[1]
        for each in schedules(asked.product, asked.start.day)
        if asked.region in (None, each.region) or each.region == "any"
        for dose in each.doses
        if (found := day_of(dose.when, cycle_days(asked.product))) is not None
    ]
    return max(doses, default=0) + math.ceil(line.until_hours / DAY_HOURS) if doses else 0


def cycle_days(product: Therapy) -> int | None:
    """How many days a cycle of a product has, where that is on file."""
    return next((one.days for one in gaps().cycle if one.product == product.inn), None)


def _day(asked: Asked, speaker: Speaker, number: int, foot: str) -> Block:
    """One day."""
    on = asked.start.after_days(number)[0]
    claimed = next(one for one in patients.facts().claim if one.id == SENTENCE)
    written = round(patients.number("checks_a_day")) if claimed.of(asked.product) else 0
    labels = {key: speaker.say(f"diary.{key}") for key in _LABELS}
    return Block(
        kind="day", title=speaker.say("diary.day-number", number=number + 1), caption=speaker.day(on),
        slots=[speaker.say("diary.check", time=speaker.clock(at)) for at in hours_of_checks(asked)],
        labels=labels | {"foot": foot}, written=written, note=speaker.say("diary.dose-day") if number == 0 else "",
    )  # fmt: skip
