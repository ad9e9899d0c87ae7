"""Search: what is on record of one patient, by type, code and time; no identifier ever stands in an address of ours."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import msgspec

from leeward.ward.fhir import posted as p
from leeward.ward.fhir.outcomes import Unfit, unfit
from leeward.ward.resources import Resources, Version

Asked = Sequence[tuple[str, str]]
"""Names and values of a search, as they were sent."""
PAGING = ("_count", "_offset", "_known")
CLINICAL = ("patient", "subject", "code", "date", "category", "_id", "_sort", *PAGING)
OF_PATIENTS = ("identifier", "_id", *PAGING)
_DATE = re.compile(r"(eq|ge|gt|le|lt)?(\d{4})(-\d\d)?(-\d\d)?(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?")
_MOMENTS = ("effectiveDateTime", "effectiveInstant", "performedDateTime", "onsetDateTime", "timingDateTime",
            "authoredOn", "recordedDate", "recordedOn", "issued")  # fmt: skip
_PERIODS = ("effectivePeriod", "performedPeriod", "onsetPeriod", "timingPeriod", "period")
_CODED = ("code", "medicationCodeableConcept", "type")
_FIRST, _LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
Span = tuple[datetime, datetime]


class Found(msgspec.Struct, frozen=True):
    """One page: resources as they are sent, how many there are in all, and what asks for the next page."""

    bodies: list[tuple[str, bytes]]
    total: int
    next: list[tuple[str, str]] | None = None


class Page(msgspec.Struct, frozen=True):
    """Which part of the answer is asked for, as of which version of all."""

    count: int
    offset: int
    known: int | None


def one(asked: Asked, name: str) -> str | None:
    """The only value of a parameter. Raises Unfit where it is given twice."""
    held = [value for said, value in asked if said == name]
    if len(held) > 1:
        raise unfit(400, "invalid", f"{name} is read once.", f"http.{name}")
    return held[0] if held else None


def checked(asked: Asked, allowed: Iterable[str]) -> None:
    """Raises Unfit for a parameter that is not read: to leave it out would answer another question."""
    if any(name not in set(allowed) for name, _ in asked):
        says = f"A search parameter is not read here. Read are: {', '.join(sorted(allowed))}."
        raise unfit(400, "not-supported", says)


def page(asked: Asked, usual: int, most: int) -> Page:
    """The page that is asked for. Raises Unfit."""
    said = {name: one(asked, name) for name in PAGING}
    for name, value in said.items():
        if value is not None and not (value.isdecimal() and value.isascii() and len(value) <= len(str(2**62))):
            raise unfit(400, "value", f"{name} is a whole number.", f"http.{name}")
    count = min(int(said["_count"]), most) if said["_count"] is not None else usual
    known = int(said["_known"]) if said["_known"] is not None else None
    return Page(count, int(said["_offset"] or 0), None if known is None else min(known, 2**62))


def clinical(
    resources: Resources,
    kind: str,
    patients: Sequence[str],
    asked: Asked,
    limits: tuple[int, int],
    keep: Mapping[str, str],
) -> Found:
    """What is on record of a patient: by code and time. keep: what the next page's address says of the patient."""
    wanted = page(asked, *limits)
    known = resources.last() if wanted.known is None else wanted.known
    tests = [has_code(value) for name, value in asked if name == "code"]
    tests += [_is_when(value) for name, value in asked if name == "date"]
    tests += [_has_category(value) for name, value in asked if name == "category"]
    only = one(asked, "_id")
    found = []
    for held in resources.of_patients(kind, patients, known=known):
        said = p.read(held.body)
        if (only is None or held.id == only) and all(test(said) for test in tests):
            found.append((held, said))
    found = _sorted(found, one(asked, "_sort"))
    listed = [held for held, _ in found]
    more = [(name, value) for name, value in asked if name in ("code", "category", "date", "_id", "_sort")]
    return paged(listed, wanted, known, [*keep.items(), *more])


def paged(found: Sequence[Version], wanted: Page, known: int, keep: Asked) -> Found:
    """One page of what was found. keep: what the address of the next page repeats."""
    here = found[wanted.offset : wanted.offset + wanted.count]
    then = wanted.offset + wanted.count
    following = None
    if wanted.count and then < len(found):
        paging = {"_count": wanted.count, "_offset": then, "_known": known}
        following = [*keep, *((name, str(value)) for name, value in paging.items())]
    bodies = [(held.reference, p.dressed(held.body, held.id, held.version, held.received_at)) for held in here]
    return Found(bodies, len(found), following)


def _sorted(found: list[tuple[Version, Any]], by: str | None) -> list[tuple[Version, Any]]:
    """In order of arrival, or of when it was."""
    if by is None:
        return found
    if by not in ("date", "-date"):
        raise unfit(400, "not-supported", "_sort is date or -date.", "http._sort")
    return sorted(found, key=lambda one: (span(one[1]) or (_FIRST, _FIRST))[0], reverse=by == "-date")


def has_code(wanted: str) -> Callable[[Mapping[str, Any]], bool]:
    """Whether a resource, or a part of it, bears one of some codes: system|code, |code, code."""
    tokens = [token.rpartition("|") for token in wanted.split(",") if token]

    def test(said: Mapping[str, Any]) -> bool:
        parts = [said, *(said.get("component") or ())]
        held = [coding for part in parts for name in _CODED for coding in _codings(part.get(name))]
        return any(_token(coding, *token) for coding in held for token in tokens)

    return test


def _has_category(wanted: str) -> Callable[[Mapping[str, Any]], bool]:
    """Whether a resource is of one of some categories."""
    tokens = [token.rpartition("|") for token in wanted.split(",") if token]

    def test(said: Mapping[str, Any]) -> bool:
        held = said.get("category")
        listed = held if isinstance(held, list) else [held]
        return any(_token(coding, *token) for one_ in listed for coding in _codings(one_) for token in tokens)

    return test


def _codings(concept: Any) -> list[Mapping[str, Any]]:
    """The codings of one concept, or of several."""
    listed = concept if isinstance(concept, list) else [concept]
    return [c for one_ in listed if isinstance(one_, dict) for c in one_.get("coding") or () if isinstance(c, dict)]


def _token(coding: Mapping[str, Any], system: str, bar: str, code: str) -> bool:
    """Whether a coding is meant by a token."""
    return coding.get("code") == code and (not bar or (coding.get("system") or "") == system)


def _is_when(wanted: str) -> Callable[[Mapping[str, Any]], bool]:
    """Whether a resource is of a time: `ge2026-03-05`, `lt2026-03-05T12:00:00Z`."""
    found = _DATE.fullmatch(wanted)
    if not found:
        raise unfit(400, "value", "date is eq, ge, gt, le or lt and a day, or a time with its zone.", "http.date")
    prefix, value = found[1] or "eq", _span(wanted.removeprefix(found[1] or ""))

    def test(said: Mapping[str, Any]) -> bool:
        held = span(said)
        return held is not None and _fits(held, prefix, value)

    return test


def _fits(held: Span, prefix: str, wanted: Span) -> bool:
    """As FHIR compares ranges: the stretch of the resource with the stretch that was asked for."""
    if prefix == "eq":
        return wanted[0] <= held[0] and held[1] <= wanted[1]
    if prefix in ("ge", "gt"):
        return held[1] > wanted[1] or (prefix == "ge" and held[1] >= wanted[0])
    return held[0] < wanted[0] or (prefix == "le" and held[0] < wanted[1])


def span(said: Mapping[str, Any]) -> Span | None:
    """When a resource is of: from its beginning to its end."""
    try:
        for name in _MOMENTS:
            if isinstance(said.get(name), str):
                return _span(said[name])
        for name in _PERIODS:
            held = said.get(name)
            if isinstance(held, dict):
                start, end = held.get("start"), held.get("end")
                return (_span(start)[0] if start else _FIRST), (_span(end)[1] if end else _LAST)
    except (Unfit, TypeError):
        return None
    return None


def _span(spelt: str) -> Span:
    """A day, month, year or moment as the stretch that it may mean. Raises Unfit."""
    try:
        if "T" in spelt:
            at = datetime.fromisoformat(spelt)
            fine = re.search(r"T\d\d:\d\d(:\d\d)?(\.\d+)?", spelt)
            width = timedelta(microseconds=1) if fine and fine[2] else timedelta(seconds=1 if fine and fine[1] else 60)
            at = at if at.tzinfo else at.replace(tzinfo=UTC)
            return at.astimezone(UTC), at.astimezone(UTC) + width
        year, month, day = (*map(int, spelt.split("-")), 0, 0)[:3]
        start = datetime(year, month or 1, day or 1, tzinfo=UTC)
        if day:
            return start, start + timedelta(days=1)
        return start, datetime(year + (month in (0, 12)), 1 if month in (0, 12) else month + 1, 1, tzinfo=UTC)
    except (ValueError, OverflowError):
        raise unfit(400, "value", "There is no such time.", "http.date") from None


def bundle(found: Found, home: str, address: str, asked: Asked) -> bytes:
    """A page as a searchset. address: of the search, without anything of a patient but their handle."""
    links = [{"relation": "self", "url": f"{home}/{address}" + (f"?{urlencode(list(asked))}" if asked else "")}]
    if found.next is not None:
        links.append({"relation": "next", "url": f"{home}/{address}?{urlencode(found.next)}"})
    entries = [
        {"fullUrl": f"{home}/{reference}", "resource": msgspec.Raw(body), "search": {"mode": "match"}}
        for reference, body in found.bodies
    ]
    made: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset", "total": found.total, "link": links}
    return msgspec.json.encode(made | ({"entry": entries} if entries else {}))
