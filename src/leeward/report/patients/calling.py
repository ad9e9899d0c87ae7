"""When to call and when to dial the emergency number: two short lists, and every source side by side."""

from __future__ import annotations

from leeward.knowledge import patients
from leeward.knowledge.patients import Act, Sign
from leeward.report.patients.paper import Asked, Block, Cell, Line
from leeward.report.patients.sources import Sources
from leeward.report.patients.speaker import Speaker

_ORDER: dict[Act, int] = {"call": 0, "dial": 1}


def signs(asked: Asked) -> list[Sign]:
    """The signs that are told to people with this product."""
    return [one for one in patients.facts().sign if not one.products or asked.product.inn in one.products]


def act(sign: Sign) -> Act:
    """What a page goes by where sources differ: the one that asks for more."""
    return max(sign.says.values(), key=lambda said: _ORDER[said])


def lists(asked: Asked, speaker: Speaker, sources: Sources) -> list[Block]:
    """The framed lists, with the numbers to call; where there is none, a line to write it on."""
    dial, centre = asked.centre.emergency_number, asked.centre
    phones = [
        (speaker.say("shared.day-phone"), with_hours(centre.daytime_phone, centre.daytime_hours)),
        (speaker.say("shared.night-phone"), centre.out_of_hours_phone),
    ]
    blank = speaker.say("shared.missing-ask")
    return [
        Block(
            kind="dial", title=speaker.say("when.dial", phone=dial) if dial else speaker.say("when.dial-none"),
            lines=[_line(one, "dial", speaker, sources) for one in signs(asked) if act(one) == "dial"],
            note=speaker.say("when.one-is-enough"), pairs=[] if dial else [(speaker.say("shared.dial-number"), blank)],
        ),
        Block(
            kind="call", title=speaker.say("when.call"),
            lines=[_line(one, "call", speaker, sources) for one in signs(asked) if act(one) == "call"],
            note=f"{speaker.say('when.one-is-enough')} {speaker.say('when.call-how')}",
            pairs=[(name, phone or blank) for name, phone in phones],
        ),
    ]  # fmt: skip


def with_hours(phone: str | None, hours: str | None) -> str | None:
    """A day number with the hours at which it is answered."""
    return f"{phone} ({hours})" if phone and hours else phone


def worded(sign: Sign, speaker: Speaker) -> str:
    """A sign in words, with its numbers; a sentence takes of them what it names."""
    return speaker.say(
        f"sign.{sign.id}", temperature=speaker.fever(), number=speaker.number(patients.number("pressure_below")),
        fall=speaker.number(patients.number("pressure_fall")), percent=speaker.percent(patients.number("oxygen_below")),
    )  # fmt: skip


def _line(sign: Sign, wanted: Act, speaker: Speaker, sources: Sources) -> Line:
    """A sign with those who ask for this."""
    held = [one for one in patients.facts().voice if sign.says.get(one.id) == wanted]
    return sources.line(worded(sign, speaker), [(one.source, one.evidence) for one in held])


def beside(asked: Asked, speaker: Speaker, sources: Sources) -> list[Block]:
    """Every sign against every source, in words."""
    voices = patients.facts().voice
    heads = [
        Cell(text=speaker.say(f"voice.{one.id}"), recalled=one.evidence == "recalled",
             marks=[sources.mark(one.source, one.evidence)])
        for one in voices
    ]  # fmt: skip
    whom = [Cell(text=speaker.say(f"kind.of-{one.of}")) for one in voices]
    rows = [
        [Cell(text=worded(sign, speaker)), *(_cell(sign.says.get(one.id), speaker) for one in voices)]
        for sign in signs(asked)
    ]
    kind = patients.kind_of(asked.product).id
    notes = [] if any(one.of == kind for one in voices) else ["when.not-written"]
    notes += ["when.dash", "when.differ", "when.unclear", "when.not-fine"]
    head = [[Cell(text=speaker.say("when.sign")), *heads]]
    return [
        Block(kind="text", lines=[Line(text=speaker.say(key)) for key in notes]),
        Block(kind="table", cells=head,
              rows=[[Cell(text=speaker.say("when.written")), *whom], *rows]),
    ]  # fmt: skip


def _cell(said: Act | None, speaker: Speaker) -> Cell:
    """What one source makes of one sign."""
    return Cell(text=speaker.say(f"when.cell-{said or 'none'}"), strong=said is not None)
