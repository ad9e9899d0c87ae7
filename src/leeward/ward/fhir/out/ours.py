"""Reading and searching what we say: worked out for the moment that is asked for, never stored."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import msgspec

from leeward.cohort.answer import Because
from leeward.knowledge import edition
from leeward.report import plan_fhir
from leeward.ward.audit import Record
from leeward.ward.fhir import search as seek
from leeward.ward.fhir.out import findings, grades, issues, risk_scores, risks
from leeward.ward.fhir.out.audits import event
from leeward.ward.fhir.out.course import DEVICE, GRADE, Course, Named, Resource, course, device, named, short, subject
from leeward.ward.fhir.out.provenance import provenance
from leeward.ward.fhir.outcomes import unfit

if TYPE_CHECKING:
    from leeward.ward.fhir.desk import Desk
    from leeward.ward.world import World

Said = tuple[str, Resource, Sequence[Because]]
"""A resource of ours: its name, itself, the findings it rests on."""
PATIENT = ("patient", "subject")
READ = {
    "Observation": (*PATIENT, "category", "code"), "RiskAssessment": PATIENT, "DetectedIssue": PATIENT,
    "CarePlan": PATIENT, "Provenance": ("target",), "AuditEvent": (*PATIENT, "_count", "_offset"),
}  # fmt: skip
"""What is sought of ours, and which parameters are read."""


def is_ours(id_: str) -> bool:
    """Whether an id is one that we gave."""
    return id_ == DEVICE or named(id_) is not None


def is_sought(kind: str, asked: seek.Asked) -> bool:
    """Whether a search is for what we say."""
    if kind == "Observation":
        return any(name == "category" and GRADE in value.split("|")[-1:] for name, value in asked)
    return kind in READ


def read(desk: Desk, kind: str, id_: str) -> bytes:
    """A resource of ours, worked out again as known then. Raises Unfit."""
    if id_ == DEVICE:
        if kind != "Device":
            raise unfit(404, "not-found", "There is nothing here.")
        desk.world.access.admit(desk.request, "read")
        return msgspec.json.encode(device(edition()))
    held = named(id_)
    assert held is not None
    if held.kind == "Finding" and not held.of_provenance and kind == "Observation":
        return msgspec.json.encode(_finding(desk, held))
    if kind != ("Provenance" if held.of_provenance else held.kind):
        raise unfit(404, "not-found", "There is nothing here.")
    return msgspec.json.encode(_again(desk, held, provenance_=held.of_provenance))


def _finding(desk: Desk, held: Named) -> Resource:
    """A finding that came by another door, as it reached us."""
    patient, _ = desk.called(held.handle, posted=False)
    desk.admit("export", patient)
    found = findings.observation(course(desk.world, patient, desk.home, held.at), held.what)
    if found is None:
        raise unfit(404, "not-found", "There is nothing here.")
    return found


def _again(desk: Desk, held: Named, *, provenance_: bool) -> Resource:
    """One resource, or its provenance, as known at the moment that its id names."""
    patient, _ = desk.called(held.handle, posted=False)
    desk.admit("export", patient)
    seen = course(desk.world, patient, desk.home, held.at, plan=held.kind == "DetectedIssue")
    for what, resource, because in _said(desk.world, seen, held.kind):
        if short(what) == held.what:
            return provenance(seen, held.kind, what, because) if provenance_ else resource
    raise unfit(404, "not-found", "There is nothing here.")


def _said(world: World, seen: Course, kind: str) -> Iterable[Said]:
    """Everything of a type that we say of a patient."""
    if kind == "Observation":
        known = findings.Known(seen)
        for scale, grade in grades.grades(seen):
            yield scale, grades.observation(seen, scale, grade, known), grade.because
    elif kind == "RiskAssessment":
        for name, score in risks.scores(seen):
            yield name, risks.assessment(seen, name, score), ()
        yield from risk_scores.risks(world, seen)
    else:
        for name, issue in issues.issues(seen):
            yield name, issue, ()


def search(desk: Desk, kind: str, asked: seek.Asked, *, posted: bool) -> bytes:
    """What we say, as a searchset. Raises Unfit."""
    seek.checked(asked, READ[kind])
    if kind == "AuditEvent":
        return _audit(desk, asked, posted=posted)
    if kind == "Provenance":
        return _provenances(desk, asked)
    patient, handle = desk.whose(asked, posted=posted)
    desk.admit("export", patient)
    seen = course(desk.world, patient, desk.home, plan=kind in ("DetectedIssue", "CarePlan"))
    self_ = [("patient", handle), *((name, value) for name, value in asked if name not in PATIENT)]
    if kind == "CarePlan":
        return _bundle(desk, kind, self_, _plan(seen))
    test = _coded(seek.one(asked, "code"))
    found = [
        (f"{desk.home}/{kind}/{one['id']}", one, "match") for _, one, _ in _said(desk.world, seen, kind) if test(one)
    ]
    return _bundle(desk, kind, self_, found)


def _coded(wanted: str | None) -> Callable[[Mapping[str, Any]], bool]:
    """Whether a grade is of the scale that is asked for."""
    return (lambda _: True) if wanted is None else seek.has_code(wanted)


def _plan(seen: Course) -> list[tuple[str, Resource, str]]:
    """What each source says, as drafts: the plans as found, and what belongs to them beside."""
    assert seen.look.plan is not None
    entries = plan_fhir.bundle(seen.look.plan).get("entry", ())
    made = []
    for entry in entries:
        resource = entry["resource"]
        if "subject" in resource:
            resource = resource | {"subject": seen.subject}
        mode = "match" if resource["resourceType"] == "CarePlan" else "include"
        made.append((entry["fullUrl"], resource, mode))
    return made


def _provenances(desk: Desk, asked: seek.Asked) -> bytes:
    """The provenance of one resource of ours."""
    target = seek.one(asked, "target") or ""
    kind, _, id_ = target.removeprefix(f"{desk.home}/").partition("/")
    held = named(id_)
    if held is None or held.of_provenance or held.kind != kind:
        raise unfit(400, "value", "target is a resource that came of a search here.", "http.target")
    made = _again(desk, held, provenance_=True)
    return _bundle(desk, "Provenance", [("target", target)], [(f"{desk.home}/Provenance/{made['id']}", made, "match")])


def _audit(desk: Desk, asked: seek.Asked, *, posted: bool) -> bytes:
    """The audit, newest last; for administrators who may see everybody: it names patients of every unit."""
    desk.world.access.admit_to_all(desk.request, "operate")
    wanted = seek.page([(name, value) for name, value in asked if name not in PATIENT], *desk.limits())
    handle, whose = None, None
    if any(name in PATIENT for name, _ in asked):
        whose, handle = desk.whose(asked, posted=posted)
    same = desk.world.store.same_as(whose) if whose else ()
    found: list[Record] = []
    more = False
    for record in desk.world.audit.records(after=wanted.offset, patient=whose, same=same):
        if len(found) == wanted.count:
            more = True
            break
        found.append(record)
    entries = []
    for record in found:
        name = record.patient or whose  # a board that showed the patient who is asked for names a list, not them
        known = desk.world.store.handle_of(name) if name else None
        patient = subject(desk.resources, name or "", known) if known else None
        entries.append((f"{desk.home}/AuditEvent/{record.seq}", event(record, patient), "match"))
    keep = [("patient", handle)] if handle else []
    following = [*keep, ("_count", str(wanted.count)), ("_offset", str(found[-1].seq))] if more and found else None
    return _bundle(desk, "AuditEvent", keep, entries, following)


def _bundle(
    desk: Desk, kind: str, asked: Sequence[tuple[str, str]], found: Sequence[tuple[str, Resource, str]],
    following: Sequence[tuple[str, str]] | None = None,
) -> bytes:  # fmt: skip
    """A searchset of resources of ours."""
    links = [{"relation": "self", "url": f"{desk.home}/{kind}" + (f"?{urlencode(asked)}" if asked else "")}]
    if following:
        links.append({"relation": "next", "url": f"{desk.home}/{kind}?{urlencode(following)}"})
    entries = [{"fullUrl": url, "resource": one, "search": {"mode": mode}} for url, one, mode in found]
    made: Resource = {"resourceType": "Bundle", "type": "searchset", "link": links}
    if following is None and kind != "AuditEvent":
        made["total"] = sum(mode == "match" for _, _, mode in found)
    return msgspec.json.encode(made | ({"entry": entries} if entries else {}))
