"""Puts each page together: which sections a reader of this product, on this day, is given."""

from __future__ import annotations

from collections.abc import Callable

from leeward.knowledge import edition, patients
from leeward.knowledge.patients import PageName
from leeward.report.patients import calling, published, stay_rules
from leeward.report.patients.card import card
from leeward.report.patients.diary import diary
from leeward.report.patients.home import checks, claims
from leeward.report.patients.paper import Asked, Block, Line, Page, Section
from leeward.report.patients.sources import Sources
from leeward.report.patients.speaker import Speaker

Built = Callable[[Asked, Speaker, Sources], list[Section]]


def made(asked: Asked, name: PageName, speaker: Speaker | None = None) -> Page:
    """One page. Raises NoCard where a card is asked for and the centre's settings lack a name or a number."""
    speaker = speaker or Speaker(asked.language, asked.region)
    sources = Sources(speaker)
    front = card(asked, speaker, sources) if name == "card" else None
    sections, references = sources.listed([] if front else _PAGES[name](asked, speaker, sources))
    unreviewed = "" if speaker.reviewed else speaker.say("shared.unreviewed")
    labels = ("sources", "known", "back-to-top", "treatment", "given", "page-of")
    return Page(
        name=name, language=asked.language, title=speaker.say(f"title.{name}"), product=asked.product.title,
        day=speaker.day(asked.start.day), notices=[] if front else _missing(asked, speaker), sections=sections,
        references=references, card=front, unreviewed=unreviewed,
        closing=[speaker.say("emergency.standing" if name == "emergency" else "shared.not-device"),
                 speaker.say("shared.edition", edition=edition())],
        labels={key: _label(speaker, key) for key in labels} | {"recalled": speaker.say("evidence.mark")},
    )  # fmt: skip


def _label(speaker: Speaker, key: str) -> str:
    """A label; the foot of a paper page counts its pages only once they are laid out."""
    return speaker.say(f"shared.{key}", page="{page}", pages="{pages}")


def _missing(asked: Asked, speaker: Speaker) -> list[str]:
    """What the centre's settings lack, in words."""
    return [speaker.say(f"shared.missing-{name.replace('_', '-')}") for name in asked.centre.missing]


def _centre(asked: Asked, speaker: Speaker) -> Block:
    """The centre, as far as its settings name it."""
    held = asked.centre
    blank = speaker.say("shared.missing-ask")
    hours = f" ({held.daytime_hours})" if held.daytime_phone and held.daytime_hours else ""
    pairs = [
        ("centre-name", held.name or blank), ("ward", held.ward), ("address", held.address),
        ("day-phone", f"{held.daytime_phone or blank}{hours}"), ("night-phone", held.out_of_hours_phone or blank),
        ("dial-number", held.emergency_number or blank),
    ]  # fmt: skip
    return Block(kind="pairs", pairs=[(speaker.say(f"shared.{key}"), said) for key, said in pairs if said])


def _call(asked: Asked, speaker: Speaker, sources: Sources) -> Section:
    """When to call, in short."""
    return Section(id="call", title=speaker.say("title.when-to-call"), blocks=calling.lists(asked, speaker, sources))


def _where(asked: Asked, speaker: Speaker) -> Section:
    """Whom to reach."""
    return Section(id="centre", title=speaker.say("shared.centre"), blocks=[_centre(asked, speaker)])


def _until(asked: Asked, speaker: Speaker, sources: Sources) -> Section:
    """How long to stay near."""
    return Section(id="until", title=speaker.say("leaflet.until"), blocks=stay_rules.told(asked, speaker, sources))


def _leaflet(asked: Asked, speaker: Speaker, sources: Sources) -> list[Section]:
    """What CRS is, how often and when it comes with this product, when to call, how long to take care."""
    about = {one.id: claims([one], asked, speaker, sources) for one in patients.facts().claim if "leaflet" in one.pages}
    first = [line for key in ("crs-starts", "crs-degrees", "infection-too", "brain-too") for line in about.pop(key)]
    yours = [Line(text=speaker.say(f"kind.{patients.kind_of(asked.product).id}"))]
    when = published.onset(asked.product, speaker, sources)
    rest = [line for lines in about.values() for line in lines]
    return [
        Section(id="what", title=speaker.say("leaflet.what"),
                blocks=[Block(kind="text", lines=[Line(text=speaker.say("leaflet.crs-is")), *first])]),
        _call(asked, speaker, sources),
        Section(id="yours", title=speaker.say("leaflet.yours"),
                blocks=[Block(kind="text", lines=yours + published.rates(asked.product, speaker, sources))]),
        Section(id="when", title=speaker.say("leaflet.when"), blocks=[Block(kind="text", lines=when)]),
        Section(id="home", title=speaker.say("leaflet.home"),
                blocks=[Block(kind="list", lines=checks(asked, speaker, sources) + rest)]),
        _until(asked, speaker, sources),
        _where(asked, speaker),
    ]  # fmt: skip


def _when_to_call(asked: Asked, speaker: Speaker, sources: Sources) -> list[Section]:
    """The two lists, then the sources side by side."""
    return [
        Section(id="call", title=speaker.say("title.when-to-call"), blocks=[
            Block(kind="text", lines=[Line(text=speaker.say("leaflet.crs-is"))]),
            *calling.lists(asked, speaker, sources),
        ]),
        Section(id="tell", title=speaker.say("caregiver.tell"), blocks=[
            Block(kind="list", lines=[_tell(asked, speaker), *claims(_of("when-to-call"), asked, speaker, sources)]),
        ]),
        Section(id="by-source", title=speaker.say("when.by-source"), blocks=calling.beside(asked, speaker, sources)),
        _where(asked, speaker),
    ]  # fmt: skip


def _of(page: PageName) -> list[patients.Claim]:
    """The claims of a page."""
    return [one for one in patients.facts().claim if page in one.pages]


def _tell(asked: Asked, speaker: Speaker) -> Line:
    """What to say to somebody who does not know the patient."""
    return Line(
        text=speaker.say("caregiver.tell-words", product=asked.product.title, day=speaker.day_short(asked.start.day))
    )


def _caregiver(asked: Asked, speaker: Speaker, sources: Sources) -> list[Section]:
    """What to look for, what to do each day, whom to tell what."""
    about = {one.id: claims([one], asked, speaker, sources) for one in _of("caregiver")}
    first = [line for key in ("crs-starts", "brain-too") for line in about.pop(key)]
    telling = about.pop("tell-about-steroids") + about.pop("carry-card")
    daily = [line for lines in about.values() for line in lines]
    intro = [Line(text=speaker.say("caregiver.thanks")), Line(text=speaker.say("caregiver.crs-is"))]
    return [
        Section(id="watch", title=speaker.say("caregiver.watch"), blocks=[Block(kind="text", lines=intro + first)]),
        Section(id="daily", title=speaker.say("caregiver.each-day"),
                blocks=[Block(kind="list", lines=checks(asked, speaker, sources) + daily)]),
        Section(id="call", title=speaker.say("caregiver.if-wrong"), blocks=calling.lists(asked, speaker, sources)),
        Section(id="tell", title=speaker.say("caregiver.tell"),
                blocks=[Block(kind="list", lines=[_tell(asked, speaker), *telling])]),
        _until(asked, speaker, sources),
        _where(asked, speaker),
    ]  # fmt: skip


def _emergency(asked: Asked, speaker: Speaker, sources: Sources) -> list[Section]:
    """For professionals: what was given, what to think of, whom to call before treating."""
    said = {one.id: claims([one], asked, speaker, sources) for one in _of("emergency")}
    think = [line for key in ("ed-crs", "ed-neurotoxicity", "ed-sepsis", "ed-others") for line in said.pop(key)]
    onset = published.onset_rows(asked.product, speaker, sources)
    given = [(speaker.say("emergency.class"), speaker.say(f"class.{asked.product.klass}"))]
    heads = [speaker.say(f"emergency.{key}") for key in ("study", "began", "median")]
    table = Block(kind="table", head=heads, rows=onset, caption=speaker.say("emergency.counted"))
    none = Block(kind="text", lines=[Line(text=speaker.say("emergency.no-onset"))])
    words = Block(kind="list", title=speaker.say("emergency.in-words"),
                  lines=published.rates_in_words(asked.product, sources))  # fmt: skip
    return [
        Section(id="patient", title=speaker.say("emergency.patient"), blocks=[Block(kind="pairs", pairs=given)]),
        Section(id="think", title=speaker.say("emergency.think"), blocks=[Block(kind="list", lines=think)]),
        Section(id="act", title=speaker.say("emergency.act"),
                blocks=[Block(kind="list", lines=[line for lines in said.values() for line in lines])]),
        _where(asked, speaker),
        Section(id="onset", title=speaker.say("emergency.onset"),
                blocks=[table if onset else none, *([words] if words.lines else [])]),
    ]  # fmt: skip


_PAGES: dict[PageName, Built] = {
    "leaflet": _leaflet, "diary": diary, "when-to-call": _when_to_call, "caregiver": _caregiver,
    "emergency": _emergency,
}  # fmt: skip
