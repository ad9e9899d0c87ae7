"""Codes: what each (system, code) of a record means here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

import msgspec

from leeward.knowledge.loader import BadKnowledge, names
from leeward.knowledge.vocabulary import Code, CodeSystem, Local, Template, code_systems, local, quantities
from leeward.record import words
from leeward.record.errors import UnknownLocal

DRUG_NAME = "drug-name"
MEDS = "meds"


class Meaning(msgspec.Struct, frozen=True):
    """The quantity a code stands for, and what the code itself says beside it."""

    quantity: str
    text: str | None = None
    value: str | None = None
    unit: str | None = None
    site: str | None = None
    general: bool = False
    since: date | None = None


class Codes:
    """The published code systems and the local ones a source uses."""

    def __init__(self, local_names: Sequence[str] = ()) -> None:
        self.locals = [_local(name) for name in local_names]
        self._uris: dict[str, str] = {}
        self._dotless: set[str] = set()
        self._meanings: dict[tuple[str, str], Meaning] = {}
        self._same_as: dict[str, tuple[str, ...]] = {}
        self._templates: list[Template] = []
        for system in code_systems():
            self._add_system(system)
        for source in self.locals:
            self._add_local(source)

    def _add_system(self, system: CodeSystem) -> None:
        self._uris.update(dict.fromkeys(system.uris, system.system))
        if system.ignore_dots:
            self._dotless.add(system.system)
        for code in system.codes:
            self._meanings[system.system, self._spelt(system.system, code.code)] = _meaning(code)

    def _add_local(self, source: Local) -> None:
        self._uris.update(source.uris)
        self._same_as.update(source.same_as)
        self._templates += source.meds
        for system, codes in source.codes.items():
            for code in codes:
                self._meanings[system, code.code] = _meaning(code)
                if code.omop is not None:
                    self._meanings["omop", code.omop] = _meaning(code)

    def system(self, name: str) -> str:
        """A code system's short id, from its id or its URI; an unknown name comes back as it is."""
        return self._uris.get(name, name)

    def meaning(self, system: str | None, code: str | None) -> Meaning | None:
        """What a code means, or None where nobody knows it."""
        if not system or not code:
            return None
        system = self.system(system)
        if system == MEDS:
            return self._composed(code)
        found = self._meanings.get((system, self._spelt(system, code)))
        if found is not None:
            return found
        if system == DRUG_NAME:
            drug = words.drug(code)
            return Meaning(drug[0], text=drug[1]) if drug else None
        others = (self.meaning(other, code) for other in self._same_as.get(system, ()))
        return next((m for m in others if m is not None), None)

    def best(self, codings: Iterable[tuple[str, str]]) -> int | None:
        """Of several codings of one statement the one to read: the first known, a specific before a general one."""
        known = [(m.general, i) for i, pair in enumerate(codings) if (m := self.meaning(*pair)) is not None]
        return min(known)[1] if known else None

    def _spelt(self, system: str, code: str) -> str:
        return code.replace(".", "").upper() if system in self._dotless else code.strip()

    def _composed(self, code: str) -> Meaning | None:
        """A MEDS code (`LAB//220045//bpm`, `LOINC//8310-5`): by a local template, else by its vocabulary."""
        parts = code.split("//")
        for template in self._templates:
            named = _fits(template.like.split("//"), parts)
            if named is not None:
                found = self.meaning(template.system, named.get("code"))
                unit = named.get("unit")
                if found is not None and found.unit is None and unit and unit != "UNK":
                    found = msgspec.structs.replace(found, unit=unit)
                return found
        return self.meaning(parts[0].lower(), parts[1]) if len(parts) > 1 else None


def _fits(like: list[str], parts: list[str]) -> dict[str, str] | None:
    """The named parts of a composed code that fits a template, or None."""
    if len(like) != len(parts):
        return None
    named = {}
    for wanted, part in zip(like, parts, strict=True):
        if wanted.startswith("{"):
            named[wanted.strip("{}")] = part
        elif wanted not in (part, "*"):
            return None
    return named


def _meaning(code: Code) -> Meaning:
    if code.quantity not in quantities():
        raise BadKnowledge(f"code {code.code}: no quantity '{code.quantity}'")
    return Meaning(code.quantity, code.text, code.value, code.unit, code.site, code.general, code.from_)


def _local(name: str) -> Local:
    known = [n.removeprefix("local/") for n in names("local")]
    if name not in known:
        raise UnknownLocal(f"no local code system '{name}'; known: {', '.join(known)}")
    return local(name)
