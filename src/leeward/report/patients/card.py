"""The wallet card: two sides of a credit card's size, and no card at all that nobody could call from."""

from __future__ import annotations

from leeward.knowledge import patients
from leeward.knowledge.centre import BadCentre, complete
from leeward.report.patients.home import claims
from leeward.report.patients.paper import Asked, Card, NoCard
from leeward.report.patients.sources import Sources
from leeward.report.patients.speaker import Speaker

WIDTH_MM, HEIGHT_MM = 85.6, 54.0
"""ID-1 of ISO/IEC 7810: the size of a credit card."""


def card(asked: Asked, speaker: Speaker, sources: Sources) -> Card:
    """Both sides. Raises NoCard naming what the centre's settings lack."""
    try:
        centre = complete(asked.centre)
    except BadCentre as error:
        raise NoCard(str(error)) from None
    kind = patients.kind_of(asked.product)
    hours = f" ({centre.daytime_hours})" if centre.daytime_hours else ""
    about = [one for one in patients.facts().claim if "card" in one.pages]
    pairs = [
        ("shared.treatment", asked.product.title), ("shared.given", speaker.day_short(asked.start.day)),
        ("shared.centre-name", centre.name), ("shared.ward", centre.ward), ("shared.address", centre.address),
    ]  # fmt: skip
    return Card(
        front=speaker.say("card.front"),
        pairs=[(speaker.say(key), said) for key, said in pairs if said],
        blanks=[speaker.say("card.name"), speaker.say("card.born")],
        phones=[
            (speaker.say("card.day"), f"{centre.daytime_phone}{hours}"),
            (speaker.say("card.night"), centre.out_of_hours_phone or ""),
            (speaker.say("card.dial"), centre.emergency_number or ""),
        ],
        fever=speaker.say("card.fever", temperature=speaker.fever()),
        back=speaker.say("card.back"),
        think=speaker.say("card.think-all" if kind.neurotoxicity else "card.think-two"),
        before=speaker.say("card.before"),
        lines=claims(about, asked, speaker, sources),
        keep=speaker.say("card.keep"),
        standing=speaker.say("card.not-device"),
        unreviewed="" if speaker.reviewed else speaker.say("shared.unreviewed"),
    )
