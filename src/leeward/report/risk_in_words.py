"""Risk scores of one patient in words, for the terminal: those that apply first, each with its range and its source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from leeward.knowledge.vocabulary import quantities
from leeward.report import words
from leeward.risk.definitions import MADE, VASOACTIVE, moments
from leeward.risk.outcome import STILL

CLOSING = (
    "No score here grades anything or decides anything; a percentile compares with your own patients only. "
    "Leeward is reviewable decision support and a research instrument, not a medical device."
)
_HOW = {True: "", None: "may not apply: ", False: "does not apply: "}


def in_words(answer: Mapping[str, Any]) -> str:
    """One patient's answer of `leeward risk`, as text."""
    return "\n".join(
        [*_head(answer), "", *_scores(answer), "", *_rates(answer), "", *_refused(answer), "", CLOSING, ""]
    )


def _head(answer: Mapping[str, Any]) -> Iterator[str]:
    """Who, what, when."""
    product = answer["infusion"]["product"] or "no therapy on record"
    given = f", infusion {clock(answer['infusion']['at'])}" if answer["infusion"]["at"] else ""
    yield f"Patient {answer['patient']}, {moments()[answer['at']].title}"
    yield f"  {product}{given}; {answer['disease'] or 'disease not on record'}"
    window = answer["window"]
    if window["until"]:
        yield f"  values from {clock(window['from'])} to {clock(window['until'])}"
    if answer["not_understood"]:
        yield "  not understood, so not used: " + ", ".join(
            f"{n} x {why}" for why, n in answer["not_understood"].items()
        )


def clock(moment: str | None) -> str:
    """A time of an answer as a reader writes it."""
    return "" if moment is None else f"{moment[:16].replace('T', ' ')} UTC"


def figure(one: Mapping[str, Any]) -> str:
    """A score's value, or its range; of a sign whether it is there."""
    if one.get("kind") == "sign":
        return {(1, 1): "yes", (0, 0): "no"}.get((one["at_least"], one["at_most"]), "cannot tell")
    if one["value"] is not None:
        return number(one["value"])
    low, high = one["at_least"], one["at_most"]
    if low is None and high is None:
        return "not known"
    if low is None or high is None:
        return f"at least {number(low)}" if high is None else f"at most {number(high)}"
    return f"{number(low)} to {number(high)}"


def number(value: float) -> str:
    """Four digits that count."""
    return f"{value:.4g}" if abs(value) < 1e4 else f"{value:,.0f}"


def by_use(scores: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, Mapping[str, Any]]]:
    """Scores that apply, then those that may, then those that do not; numbers before points before signs."""
    order: dict[Any, int] = {True: 0, None: 1, False: 2}

    def place(item: tuple[str, Mapping[str, Any]]) -> tuple[int, bool, str, str]:
        one = item[1]
        return order[one["applies"]], one["value"] is None, one["kind"], one["title"].lower()

    return sorted(scores.items(), key=place)


def _scores(answer: Mapping[str, Any]) -> Iterator[str]:
    """One block per score."""
    for _, one in by_use(answer["scores"]):
        if one["applies"] is False:
            yield f"  {one['title']}: does not apply: {'; '.join(one['why'])}"
            continue
        place = percentile(one)
        yield f"  {one['title']}: {figure(one)}{f' ({place})' if place else ''} [{one['evidence']}]"
        for said in details(one):
            yield f"      {said}"


def percentile(one: Mapping[str, Any]) -> str:
    """Where a value lies in the cohort."""
    held = one.get("percentile")
    if not held:
        return ""
    low, high = held["at_least"], held["at_most"]
    place = f"{low:g}" if low == high else f"{low:g} to {high:g}"
    return f"percentile {place} of {held['of']} patients of your own"


def details(one: Mapping[str, Any]) -> Iterator[str]:
    """What stands below a score: why it may not apply, what is missing, logarithm, cut, performance, notes."""
    if one["why"]:
        yield _HOW[one["applies"]] + "; ".join(one["why"])
    if one["missing"]:
        yield f"missing: {', '.join(one['missing'])}"
    if one.get("log2", {}).get("value") is not None:
        yield f"log2 {number(one['log2']['value'])}"
    if one.get("inputs"):
        yield f"made of {'; '.join(made_of(row) for row in one['inputs'])}"
    for cut in one.get("cuts", []):
        yield f"{met(cut)} {cut['says']}"
    yield f"outcome: {one['outcome']} (scale: {one['outcome_scale']}); population: {one['population']}"
    fared = one.get("performance", [])
    for row in [row for row in fared if row["external"]] or fared[:1]:
        yield performance(row)
    yield from one["notes"]
    yield one["citation"]


_ALSO = {STILL: "hours since the infusion", MADE[VASOACTIVE]: "vasoactive infusions"}


def named(quantity: str) -> str:
    """A quantity as its title spells it, in the middle of a sentence."""
    held = quantities().get(quantity)
    title = held.title if held is not None else _ALSO.get(quantity, quantity.replace("-", " "))
    return title if title[:2].isupper() else title[:1].lower() + title[1:]


def made_of(row: Mapping[str, Any]) -> str:
    """A value that a score was made of, with its time."""
    name = named(row["quantity"] or row["input"])
    if row.get("word"):
        return f"{name}: {row['word']}"
    low, high = row["at_least"], row["at_most"]
    said = figure({"value": low if low == high else None, "at_least": low, "at_most": high})
    unit = words.unit(row["unit"])
    return f"{name} {said} {unit}".rstrip() + f", {clock(row['at'])}"


def met(cut: Mapping[str, Any]) -> str:
    """Whether a cut is passed."""
    sure, maybe = cut["met"]["at_least"], cut["met"]["at_most"]
    return f"Above {cut['above']:g}: {'yes' if sure else 'not known' if maybe else 'no'}."


def performance(row: Mapping[str, Any]) -> str:
    """One publication's figure with its interval, or the words that none was seen."""
    where = "elsewhere" if row["external"] else "where it was derived"
    people = f", n = {row['n']}" if row.get("n") else ""
    return f"{row['cite']} ({where}{people}): {reported(row)}{row['about']} [{row['evidence']}]"


def reported(row: Mapping[str, Any]) -> str:
    """`AUC 0.71 (0.66 to 0.77), `; nothing where no figure was read."""
    unit = "" if row.get("unit") in (None, "1") else f" {row['unit']}"
    if row.get("value") is not None:
        interval = f" ({row['low']:g} to {row['high']:g})" if row.get("low") is not None else ", interval not seen"
        return f"{row['metric']} {row['value']:g}{unit}{interval}; "
    if row.get("about_value") is not None:
        return f"{row['metric']} about {row['about_value']:g}{unit}, interval not seen; "
    if row.get("high_of_several") is not None:
        low = row.get("low_of_several")
        span = f"{low:g} to {row['high_of_several']:g}" if low is not None else f"up to {row['high_of_several']:g}"
        return f"{row['metric']} {span}{unit} (of several, no interval); "
    return ""


def _rates(answer: Mapping[str, Any]) -> Iterator[str]:
    """What was published of the product, rows that fit first."""
    if not answer["base_rates"]:
        yield "Published base rates: none, since the product is not on record or nothing was published of it."
        return
    yield "Published base rates of this product (scales differ and are not comparable):"
    for row in answer["base_rates"]:
        if row["fits"] is not False:
            yield f"  {rate(row)}"


def share(row: Mapping[str, Any], key: str) -> str:
    """A share in percent or in words, recalled ones marked."""
    held = row.get(key) or {}
    said = f"{held['percent']:g} %" if held.get("percent") is not None else held.get("text", "not given")
    known = held.get("evidence") or row["evidence"]
    return f"{said} (recalled)" if known == "recalled" and held else said


def rate(row: Mapping[str, Any]) -> str:
    """One published population in one line."""
    n = (row.get("n") or {}).get("count")
    about = "; ".join(part for part in (row["indication"], row.get("given"), row.get("people")) if part)
    mark = "" if row["fits"] else f" [{'; '.join(row['why'])}]"
    numbers = f"CRS {share(row, 'crs_any')}, grade 3 or more {share(row, 'crs_grade_3_or_more')}"
    people = f", n = {n}" if n else ""
    return f"{about}: {numbers} ({row.get('scale') or 'scale not given'}{people}; {row['source']}){mark}"


def _refused(answer: Mapping[str, Any]) -> Iterator[str]:
    """Named scores that are not computed: why stands in the JSON, on the page, and where one is asked for."""
    if answer["refused"]:
        names = ", ".join(answer["refused"])
        yield f"Not computed, since no coefficients are shipped (your own: --coefficients FILE, docs/risk.md): {names}"
