"""Breaking the glass: seeing a patient of another unit, or seeing anybody while the audit is down; said and louder."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec
import structlog

from leeward.ward.access.people import Person
from leeward.ward.audit import Audit, Entry

log = structlog.get_logger(__name__)

HEADER = "break-glass"
"""The header in which a clinician says why; a page sends it after asking."""


class Glass:
    """The glass of one ward. file: where it is written who broke it while the audit is down; None: nobody may then."""

    def __init__(self, audit: Audit, file: str | None, letters: int) -> None:
        self._audit, self._file, self._letters = audit, None if file is None else Path(file), letters

    def reason(self, headers: Mapping[str, str], person: Person) -> str | None:
        """Why the glass is broken, by somebody who may: only clinicians, never a token of another system."""
        said = headers.get(HEADER, "").strip()
        allowed = person.role in ("clinician", "administrator") and person.actions is None
        return said if allowed and len(said) >= self._letters else None

    def kept_aside(self, entry: Entry) -> bool:
        """Write an entry to the file instead, durably; whether that worked."""
        if self._file is None:
            return False
        line = msgspec.json.encode(msgspec.structs.replace(entry, outcome="break-glass")) + b"\n"
        try:
            at = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                os.write(at, line)
                os.fsync(at)
            finally:
                os.close(at)
        except OSError:
            return False
        log.critical("break-glass-without-audit")
        return True

    def bring_back(self) -> int:
        """Add to the audit what was written aside while it was down; how many entries. For the start of a ward."""
        if self._file is None or not self._file.exists():
            return 0
        entries = [msgspec.json.decode(line, type=Entry) for line in self._file.read_bytes().splitlines()]
        if entries:
            self._audit.write(*entries)
        self._file.unlink()
        return len(entries)
