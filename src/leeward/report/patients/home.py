"""What is done at home: how often the temperature is taken, and the sentences of facts.toml that speak of a product."""

from __future__ import annotations

from collections.abc import Iterable

from leeward.knowledge import names, patients
from leeward.plan.around import Watch, monitoring, speaks_of
from leeward.report.patients.paper import Asked, Line
from leeward.report.patients.sources import Sources
from leeward.report.patients.speaker import DAY_HOURS, Speaker

LOOKALIKES = "lookalikes"


def watched_at_home(asked: Asked) -> list[Watch]:
    """The lines of the monitoring schedule that speak of the temperature of this product's patients at home."""
    return [
        one
        for one in monitoring().watch
        if "home" in one.settings and speaks_of(one.classes, (), asked.product) and "body-temperature" in one.quantities
    ]


def regular(asked: Asked) -> Watch | None:
    """The line that holds whether there is fever or not."""
    return next((one for one in watched_at_home(asked) if one.if_ is None and one.every_hours), None)


def checks_a_day(asked: Asked) -> int:
    """How often a day the temperature is taken: as a source prints it, else the recalled usual."""
    line = regular(asked)
    if line is not None and line.every_hours:
        return round(DAY_HOURS / line.every_hours)
    return round(patients.number("checks_a_day"))


def checks(asked: Asked, speaker: Speaker, sources: Sources) -> list[Line]:
    """When to take the temperature, each sentence with its source."""
    line, usual = regular(asked), patients.facts().numbers["checks_a_day"]
    who = (line.source, line.evidence) if line else (usual.where, usual.evidence)
    said = [sources.line(speaker.say("home.checks", number=checks_a_day(asked)), [who])]
    if line is not None and line.until_hours:
        said.append(sources.line(speaker.say("home.checks-end", length=speaker.hours(line.until_hours)), [who]))
    for one in watched_at_home(asked):
        if one.if_ == "fever" and one.every_hours:
            told = speaker.say("home.checks-fever", length=speaker.hours(one.every_hours))
            said.append(sources.line(told, [(one.source, one.evidence)]))
    return [*said, sources.line(speaker.say("home.checks-unwell"), [who])]


def claims(held: Iterable[patients.Claim], asked: Asked, speaker: Speaker, sources: Sources) -> list[Line]:
    """Those of these claims that speak of the product, in this language."""
    return [
        sources.line(
            speaker.say(
                f"claim.{one.id}", number=round(patients.number("checks_a_day")), temperature=speaker.fever(),
                length=speaker.days(round(patients.number("company_days"))), causes=_causes(speaker, one),
            ),
            [(one.source, one.evidence)],
        )
        for one in held
        if one.of(asked.product)
    ]  # fmt: skip


def _causes(speaker: Speaker, claim: patients.Claim) -> str:
    """The look-alikes, by name; said only where a claim names them."""
    if claim.id != "ed-others":
        return ""
    return ", ".join(speaker.say(f"cause.{name.removeprefix(f'{LOOKALIKES}/')}") for name in names(LOOKALIKES))
