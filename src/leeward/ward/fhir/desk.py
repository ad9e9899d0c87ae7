"""What is done for one request: reading and writing, alone or as entries of a Bundle, after access was asked."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import Request

from leeward.ward.access import Action, Refusal
from leeward.ward.access.refusal import FHIR_CODES
from leeward.ward.fhir import posted as p
from leeward.ward.fhir import search as seek
from leeward.ward.fhir.out import ours
from leeward.ward.fhir.outcomes import Unfit, unfit
from leeward.ward.fhir.settings import FhirSettings
from leeward.ward.fhir.wishes import Done, Wish
from leeward.ward.fhir.writing import Writing
from leeward.ward.resources import Resources, Version, newest

if TYPE_CHECKING:
    from leeward.ward.world import World

NOTHING = "There is nothing here."


class Desk:
    """One request's dealings. feed: under which feed what it brings is kept; None: that of whoever asks."""

    def __init__(self, world: World, settings: FhirSettings, request: Request, feed: str | None = None) -> None:
        self.world, self.settings, self.request = world, settings, request
        self.resources = Resources(world.engine)
        self.home = f"{world.access.home}/fhir"
        self._feed = feed
        self._admitted: set[tuple[str, str]] = set()

    # ------------------------------------------------------------ access

    def admit(self, action: Action, patient: str) -> None:
        """Ask once whether somebody may be read or written of. Raises Unfit as the refusal would be told."""
        if (action, patient) in self._admitted:
            return
        try:
            self.world.access.admit(self.request, action, patient=patient)
        except Refusal as refusal:
            code = FHIR_CODES.get(refusal.status_code, "processing")
            raise unfit(refusal.status_code, code, str(refusal.detail)) from None
        self._admitted.add((action, patient))

    def writing(self) -> Writing:
        """Writes in the name of whoever asks."""
        person = self.world.access.person_of(self.request)
        return Writing(
            self.world,
            self.settings,
            feed=self.feed(),
            by=person.id,
            admit=lambda patient: self.admit("write", patient),
        )

    def feed(self) -> str:
        """Under which feed what is brought is kept."""
        return self._feed or self.settings.source(self.world.access.person_of(self.request).id)

    # ------------------------------------------------------------ in

    def write(self, wish: Wish) -> Done:
        """One create, update or deletion. Raises Unfit."""
        return self.writing().whole([wish])[0]

    # ------------------------------------------------------------ out

    def read(self, kind: str, id_: str) -> tuple[bytes, int | None]:
        """A resource as it stands now, and its version's number. Raises Unfit."""
        if ours.is_ours(id_):
            return ours.read(self, kind, id_), None
        if kind == "Patient":
            return self._patient(id_)
        held = self._mine(kind, self.resources.history(kind, id_))
        last = newest(held)
        assert last is not None
        if last.deleted:
            raise unfit(410, "deleted", "It was taken back.")
        return self._dressed(last), last.version

    def version(self, kind: str, id_: str, number: str) -> bytes:
        """One version. Raises Unfit."""
        found = [one for one in self._mine(kind, self.resources.history(kind, id_)) if str(one.version) == number]
        if not found:
            raise unfit(404, "not-found", NOTHING)
        if found[0].deleted:
            raise unfit(410, "deleted", "It was taken back.")
        return self._dressed(found[0])

    def history(self, kind: str, id_: str) -> bytes:
        """Every version, the last to arrive first, as a Bundle. Raises Unfit."""
        held = self._mine(kind, self.resources.history(kind, id_))
        made = {
            "resourceType": "Bundle", "type": "history", "total": len(held),
            "link": [{"relation": "self", "url": f"{self.home}/{kind}/{id_}/_history"}],
            "entry": [self._past(one) for one in reversed(held)],
        }  # fmt: skip
        return msgspec.json.encode(made)

    def search(self, kind: str, asked: seek.Asked, *, posted: bool) -> bytes:
        """A page of what is sought. posted: it came in a body, where an identifier may stand. Raises Unfit."""
        if kind == "Patient":
            return self._people(asked, posted=posted)
        if ours.is_sought(kind, asked):
            return ours.search(self, kind, asked, posted=posted)
        if kind not in p.WHOSE:
            raise unfit(404, "not-supported", "Resources of this type are not sought.")
        seek.checked(asked, seek.CLINICAL)
        patient, handle = self.whose(asked, posted=posted)
        self.admit("read", patient)
        rest = [(name, value) for name, value in asked if name not in ("patient", "subject")]
        keep = {"patient": handle}
        found = seek.clinical(
            self.resources, kind, self.world.store.same_as(patient), rest, self.limits(), keep
        )  # fmt: skip
        return seek.bundle(found, self.home, kind, [*keep.items(), *rest])

    def limits(self) -> tuple[int, int]:
        """Entries of a page: usually, and at most."""
        number = self.world.settings.number
        return int(number("fhir", "page_entries")), int(number("fhir", "page_most"))

    def whose(self, asked: seek.Asked, *, posted: bool) -> tuple[str, str]:
        """The patient whom a search names, and the handle. Raises Unfit."""
        said = seek.one(asked, "patient") or seek.one(asked, "subject")
        if said is None:
            raise unfit(400, "required", "A search names one patient.", "http.patient")
        return self.called(said.removeprefix("Patient/"), posted=posted)

    def called(self, name: str, *, posted: bool) -> tuple[str, str]:
        """Who goes by a handle; in a body also by the sender's id. Raises Unfit."""
        store = self.world.store
        patient = store.patient_of(name) or (name if posted and store.patient(name) is not None else None)
        if patient is None:
            self._nobody(name)
            raise unfit(404, "not-found", NOTHING)
        return patient, store.handle_of(patient) or ""

    def _nobody(self, name: str) -> None:
        """Somebody who is not on record is refused as somebody who is another's, and audited."""
        try:
            self.admit("read", f"unknown:{len(name)}")
        except Unfit as fault:
            if fault.status != 404:
                raise

    def _mine(self, kind: str, held: list[Version]) -> list[Version]:
        """The versions, when whoever asks may see them. Raises Unfit."""
        patient = next((one.patient for one in held if one.patient is not None), None)
        if not held:
            self._nobody(kind)
            raise unfit(404, "not-found", NOTHING)
        if patient is not None:
            self.admit("read", patient)
        return held

    def _dressed(self, one: Version) -> bytes:
        return p.dressed(one.body, one.id, one.version, one.received_at)

    def _past(self, one: Version) -> dict[str, Any]:
        """A version as an entry of a history."""
        method = "DELETE" if one.deleted else "POST" if one.version == 1 else "PUT"
        entry: dict[str, Any] = {
            "fullUrl": f"{self.home}/{one.reference}",
            "request": {"method": method, "url": one.reference if method != "POST" else one.kind},
            "response": {
                "status": {"DELETE": "204", "POST": "201", "PUT": "200"}[method],
                "etag": f'W/"{one.version}"', "lastModified": p.stamp(one.received_at),
            },
        }  # fmt: skip
        return entry if one.deleted else entry | {"resource": msgspec.Raw(self._dressed(one))}

    def _patient(self, id_: str) -> tuple[bytes, int | None]:
        """A Patient by the sender's id or by handle; of one who came without a resource, the identifier only."""
        patient = self.world.store.patient_of(id_) or id_
        self.admit("read", patient)
        held = newest(self.resources.history("Patient", patient))
        if held is not None:
            return self._dressed(held), held.version
        said = {"resourceType": "Patient", "id": id_, "identifier": [{"value": patient}]}
        return msgspec.json.encode(said), None

    def _people(self, asked: seek.Asked, *, posted: bool) -> bytes:
        """Patients by an identifier, of those whom whoever asks may see."""
        seek.checked(asked, seek.OF_PATIENTS)
        wanted = seek.page(asked, *self.limits())
        identifier, named = seek.one(asked, "identifier"), seek.one(asked, "_id")
        if identifier is not None and not posted:
            says = "An identifier is sent in a body: POST Patient/_search."
            raise unfit(400, "security", says, "http.identifier")
        if identifier is None and named is None:
            raise unfit(400, "required", "A search for patients names an identifier or an _id.", "http.identifier")
        found = self.resources.named("Patient", identifier) if identifier else []
        if identifier is None and named is not None:
            found = [one for one in [newest(self.resources.history("Patient", named))] if one is not None]
        mine = [one for one in found if (named in (None, one.id)) and self._seen(one)]
        listed = seek.paged(mine, wanted, self.resources.last(), [])
        return seek.bundle(msgspec.structs.replace(listed, next=None), self.home, "Patient", [])

    def _seen(self, one: Version) -> bool:
        try:
            self.admit("read", one.patient or one.id)
        except Unfit as fault:
            if fault.status in (403, 404):
                return False
            raise
        return True

    # ------------------------------------------------------------ addresses within a Bundle

    def asked(self, url: str) -> bytes:
        """What a GET entry of a Bundle asks for: a read, a version, a history or a search. Raises Unfit."""
        path, _, query = p.relative(url, (self.home,)).partition("?") if "/_history" not in url else (url, "", "")
        parts = path.strip("/").split("/")
        if len(parts) == 1 and (query or parts[0] in p.KINDS):
            return self.search(parts[0], parse_qsl(query, keep_blank_values=True), posted=True)
        if len(parts) == 2 and not query:
            return self.read(parts[0], parts[1])[0]
        if re.fullmatch(r"\w+/[^/]+/_history", path):
            return self.history(parts[0], parts[1])
        if re.fullmatch(r"\w+/[^/]+/_history/\d+", path):
            return self.version(parts[0], parts[1], parts[3])
        raise unfit(400, "not-supported", "An entry reads one resource, its history, or searches.")
