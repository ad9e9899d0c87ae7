"""Whose a resource is: patients by their logical id, and those whom one id does not tell apart."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from leeward.record.fhir.resources import Patient, Reference
from leeward.record.fhir.words import CACHE_MAX

_PATIENT = re.compile(r"(?:(?P<base>[a-z]+://[^?#]+?)/)?Patient/(?P<id>[^/?#]+)(?:/_history/[^/?#]+)?")
_URN = re.compile(r"urn:(?:uuid|oid):(?P<id>\S+)")


class Identity(msgspec.Struct, frozen=True, gc=False):
    """What tells two patients with one id apart."""

    home: str | None  # the address that holds the patient, without its server's changes of spelling
    identifiers: frozenset[tuple[str, str]]
    born: str | None
    sex: str | None

    def differs(self, other: Identity) -> str | None:
        """Why the two cannot be taken for one person; None if they can."""
        if self.home and other.home and self.home != other.home and not _is_temporary(self.home, other.home):
            return "two servers"
        if self.identifiers & other.identifiers:
            return None  # the same person, perhaps in a corrected version
        if self.identifiers and other.identifiers:
            return "no identifier in common"
        if self.born and other.born and self.born != other.born:
            return "two dates of birth"
        return "two sexes" if self.sex and other.sex and self.sex != other.sex else None


def _is_temporary(*homes: str) -> bool:
    """Whether an address was made up for one exchange (urn:uuid:...), so that a difference means nothing by itself."""
    return any(home.startswith("urn:") for home in homes)


class Patients:
    """The patients met so far in one input, and how each reference names one of them.

    A patient whom one id does not tell from another is `ambiguous`: every statement of that id is refused. Identity is
    kept for every Patient resource (about 300 bytes each), because the second one may come at the end.
    """

    def __init__(self) -> None:
        self.ambiguous: set[str] = set()
        self._known: dict[str, Identity] = {}
        self.bases: dict[str, str] = {}  # the server of each id that was referred to by a whole address
        self.by_reference: dict[str | None, str | None] = {}
        self._in_bundle: dict[str, str] = {}

    def enter_bundle(self) -> None:
        """Temporary addresses hold within one bundle only."""
        self._in_bundle.clear()
        self.by_reference.clear()

    @property
    def is_in_bundle(self) -> bool:
        """Whether addresses of a bundle are held."""
        return bool(self._in_bundle)

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Within a Bundle inside another the addresses of both hold, its own first; after it the outer one's again."""
        outer = dict(self._in_bundle)
        self.by_reference.clear()
        yield
        self._in_bundle = outer
        self.by_reference.clear()

    def meet(self, patient: Patient, address: str | None) -> tuple[str | None, str | None]:
        """A Patient resource: its id, and why that id is ambiguous from now on, if it is."""
        key = patient.id or (_bare(address) if address else None)
        if key is None:
            return None, None
        if address:
            self._in_bundle[address] = key
        named = frozenset((i.system or "", i.value) for i in patient.identifier or () if i.value)
        home = address.partition("/_history/")[0] if address else None
        met = Identity(home, named, patient.birthDate, patient.gender)
        known = self._known.setdefault(key, met)
        why = known.differs(met)
        if why:
            self.ambiguous.add(key)
        return key, why

    def of(self, reference: Reference | None) -> str | None:
        """The id of the patient a reference points to, None if it points to none."""
        spelt = reference.reference if reference is not None else None
        if spelt is None:
            return None
        try:
            return self.by_reference[spelt]
        except KeyError:
            if len(self.by_reference) >= CACHE_MAX:
                self.by_reference.clear()
            found = self.by_reference[spelt] = self._find(spelt)
            return found

    def learn(self, bases: dict[str, str], ambiguous: set[str]) -> None:
        """What another reader of the same input has met: the server of each id, and ids that stand for two patients."""
        self.ambiguous |= ambiguous
        self.ambiguous.update(key for key, base in bases.items() if self.bases.setdefault(key, base) != base)

    def _find(self, spelt: str) -> str | None:
        if spelt in self._in_bundle:
            return self._in_bundle[spelt]
        named = _PATIENT.fullmatch(spelt)
        if named is None:
            return _bare(spelt) if spelt.startswith("urn:") else None
        key, base = named["id"], named["base"]
        if base and self.bases.setdefault(key, base) != base:
            self.ambiguous.add(key)
        return key


def _bare(address: str) -> str | None:
    """The id at the end of an address."""
    named = _URN.fullmatch(address) or _PATIENT.fullmatch(address)
    return named["id"] if named else None


def why_nobody(reference: Reference | None) -> str:
    """Why a reference names no patient."""
    if reference is None or reference.reference is None:
        return "no subject" if reference is None else "a subject without reference"
    spelt = reference.reference
    kind = spelt.split("/")[-2] if spelt.count("/") else spelt.split("?")[0][:1]
    return "a contained subject" if spelt.startswith("#") else f"the subject is not one Patient: {kind}"
