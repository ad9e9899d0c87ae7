"""Reads FHIR R4: a resource, a Bundle, an NDJSON file, or a folder of bulk NDJSON or of Bundles, plain or gzip.

Lines are decoded one by one into the few fields Leeward needs, so that memory does not grow with the file; a document
(a Bundle) is held whole, up to a limit. What cannot be read is refused with its place, and reading goes on.
A patient whom one id does not tell from another is refused whole. Where that comes to light only after statements of
that id have been handed on, the refusal `ambiguous-patient` names the patient, and the record must drop what it holds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

import pyarrow as pa

from leeward.record.fhir.batches import of_piece, unambiguous
from leeward.record.fhir.dispatch import KEPT, READ, UNREADABLE, any_resource, meet_patients
from leeward.record.fhir.files import Broken, File, blocks, candidates, document, lines, look
from leeward.record.fhir.pieces import Told
from leeward.record.fhir.plain import tell
from leeward.record.fhir.reading import Reading
from leeward.record.fhir.rows import ROWS_MAX
from leeward.record.fhir.several import Several, is_for_several, stretch
from leeward.record.settings import Refused, Settings

__all__ = ["NAME", "recognises", "statements"]

NAME = "FHIR R4"
LOOKED_AT_MAX = 200
"""Files looked at to say what a folder holds."""


def recognises(path: Path) -> str | None:
    """What is at a path, if it is FHIR JSON."""
    files = list(islice(candidates(path), LOOKED_AT_MAX))
    found = [file for file in map(look, files) if file is not None]
    if not found:
        return None
    if path.is_file():
        return f"{NAME}, NDJSON of {found[0].kind}" if found[0].lines else f"{NAME} {found[0].kind}"
    kinds = Counter(file.kind for file in found)
    form = "a folder of Bundles" if set(kinds) == {"Bundle"} else "bulk NDJSON"
    many = f"{len(found)} files" if len(files) < LOOKED_AT_MAX else f"{LOOKED_AT_MAX} files or more"
    return f"{NAME}, {form}: {many} ({', '.join(sorted(kinds))})"


def statements(path: Path, settings: Settings) -> Iterator[pa.RecordBatch | Refused]:
    """Everything a record says, in batches, and what could not be read; what others refer to comes first."""
    to = Reading(settings)
    root = path if path.is_dir() else path.parent
    found: list[File] = []
    for file in candidates(path):
        looked = look(file)
        if looked is not None:
            found.append(looked)
        else:
            yield _not_fhir(file, root)
    _meet_everyone([file for file in found if file.kind == "Bundle"], to)
    rank = {kind: place for place, kind in enumerate(KEPT)}
    for known in sorted(found, key=lambda file: rank.get(file.kind, len(rank))):
        to.rows.source = known.path.relative_to(root).as_posix()
        yield from _file(known, to)
    yield from to.last_attempts()


def _meet_everyone(bundles: list[File], to: Reading) -> None:
    """Who is in several Bundles, before the first of them is read: one id may stand for two patients."""
    if len(bundles) > 1 or any(file.lines for file in bundles):
        for file in bundles:
            with suppress(Broken):
                texts = lines(file.path) if file.lines else [document(file.path)]
                for text in texts:
                    meet_patients(text, to)


def _not_fhir(file: Path, root: Path) -> Refused:
    """A file that bears a name of FHIR JSON and is none."""
    empty = file.stat().st_size == 0
    detail = "the file holds nothing" if empty else "no FHIR resource at its beginning"
    return Refused("file-empty" if empty else "file-not-fhir", None, None, detail, file.relative_to(root).as_posix())


def _file(file: File, to: Reading) -> Iterator[pa.RecordBatch | Refused]:
    """Everything one file says."""
    to.rows.stand("line" if file.lines else "document")
    try:
        if file.lines:
            yield from _lines(file, to)
        else:
            to.line = 1
            any_resource(document(file.path), None, to)
    except Broken as broken:
        to.rows.refuse(broken.reason, None, broken.detail)
    for kind, count in sorted(to.unread.items()):
        to.rows.refuse("resource-not-read", None, f"{kind}: {count}, of a type that grades nothing")
    to.unread.clear()
    yield from to.take()


def _lines(file: File, to: Reading) -> Iterator[pa.RecordBatch | Refused]:
    """A file of lines, as a stream; a large one of Observations by several processes."""
    if file.kind != "Observation" or to.patients.is_in_bundle or not is_for_several(file.path):
        yield from _stretch(file, to)
        return
    before = 0
    for number, told in enumerate(Several(file.path.resolve(), to.local)):
        if told is None:
            before += yield from _stretch(file, to, before, *stretch(number))
            continue
        yield from _piece(told, before, to)
        for line, text in told.left:
            yield from _block([text], before + line, file.kind, to)
        before += told.lines


def _piece(told: Told, before: int, to: Reading) -> Iterator[pa.RecordBatch | Refused]:
    """What another reader found in a piece, of which `before` lines come before."""
    to.patients.learn(told.bases, told.ambiguous)
    source = to.rows.source
    if told.line:
        batch, lost = unambiguous(of_piece(told, before, source), to.patients.ambiguous, source)
        yield from (batch.slice(first, ROWS_MAX) for first in range(0, len(batch), ROWS_MAX))
        yield from lost
    for reason, patient, detail, line in told.refused:
        yield Refused(reason, patient, None, detail, source, f"{to.rows.where} {before + line}")


def _stretch(
    file: File, to: Reading, before: int = 0, begin: int = 0, end: int | None = None
) -> Generator[pa.RecordBatch | Refused, None, int]:
    """A file of lines, or those that begin between two bytes; gives back how many there were.

    The type of the last line is tried first: bulk files hold one type each.
    """
    lines = 0

    def too_long(line: int) -> None:
        nonlocal lines
        lines = line
        to.rows.refuse("line-too-long", before + line, "longer than a line may be; skipped")

    kind = file.kind if file.kind in READ else "Observation"
    for first, block in blocks(file.path, too_long, begin, end):
        kind = yield from _block(block, before + first, kind, to)
        lines = first + len(block) - 1
        if to.rows.full:
            yield from to.take()
    return lines


def _block(lines: list[bytes], first: int, kind: str, to: Reading) -> Generator[pa.RecordBatch | Refused, None, str]:
    """Some lines, of which the first has the number `first` and probably the type `kind`; gives back the last type."""
    decoder, read = READ[kind]
    flat, index = to.rows.flat, 0
    while index < len(lines):
        if kind == "Observation":
            index = tell(lines, index, first, to)
            if index == len(lines):
                break
        line, to.line, before = lines[index], first + index, len(flat)
        index += 1
        try:
            resource = decoder.decode(line)
            if resource.resourceType == kind:
                read(resource, to)
                if to.rows.full:
                    yield from to.take()
                continue
        except UNREADABLE:
            del flat[before:]
            if not line.strip():
                continue
        # Another type, or unreadable: decided where any type is read.
        other = any_resource(line, None, to)
        if other in READ:
            kind = other
            decoder, read = READ[kind]
        if to.rows.full:
            yield from to.take()
    return kind
