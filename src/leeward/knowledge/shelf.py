"""The guidelines that a running service works with: the last good set, and what is wrong with a newer one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from threading import Lock

from leeward.knowledge import loader
from leeward.knowledge.guidelines import FOLDER, InUse, edition, in_use, read_guideline, read_guidelines, take
from leeward.knowledge.loader import BadKnowledge


class Shelf:
    """The published guidelines and a centre's own protocol, read anew when a file changes while a service runs.

    A set that cannot be used never takes the place of one that can: the last good one stays in use, `refused` says what
    is wrong with the newer one, naming file and line, and `since` says when the set in use was read. A process has one
    set in use, and a new shelf puts its own there; BadKnowledge where that cannot be used.
    """

    def __init__(
        self, now: Callable[[], datetime], *, protocol: Path | None = None, folder: Path | None = None
    ) -> None:
        self._now, self._protocol, self._folder = now, protocol, folder or loader.ROOT / FOLDER
        self._turn = Lock()
        self._seen = self._judged = self._stamps()
        take(self._read() if protocol or folder else None)
        in_use()  # what is shipped is read now: when somebody first asks, its files may have changed
        self.since, self.refused = now(), ""

    @property
    def trouble(self) -> str:
        """What is wrong with the newer set, file and line first, and since when the one in use is; else nothing."""
        stays = f"the guidelines read at {self.since:%Y-%m-%d %H:%M} UTC stay in use (edition {edition()})"
        return f"{self.refused}; {stays}" if self.refused else ""

    def refresh(self) -> bool:
        """Takes what changed on the disk, once it has stood still between two calls; whether another set is in use."""
        with self._turn:
            before, self._seen = self._seen, self._stamps()
            if self._seen != before or self._seen == self._judged:
                return False
            self._judged = self._seen
            return self._taken()

    def _taken(self) -> bool:
        """Puts the set on the disk in use, or says why not."""
        try:
            newer = self._read()
        except (BadKnowledge, OSError) as error:
            self.refused = str(error)
            return False
        self.refused = ""
        if newer.edition == edition():
            return False
        take(newer)
        self.since = self._now()
        return True

    def _files(self) -> dict[str, Path]:
        """Every file of the set, by the name that it has in the edition."""
        found = {f"{FOLDER}/{path.stem}": path for path in sorted(self._folder.glob("*.toml"))}
        return found if self._protocol is None else found | {"protocol": self._protocol}

    def _stamps(self) -> dict[str, tuple[int, ...]]:
        """What shows that a file was written again."""
        return {name: _stamp(path) for name, path in self._files().items()}

    def _read(self) -> InUse:
        """The set on the disk."""
        published = read_guidelines(self._folder)
        if not published:
            raise BadKnowledge(f"{self._folder.name}: holds no guideline")
        protocol = None if self._protocol is None else read_guideline(self._protocol)
        rest = {name: held for name, held in loader.shipped().items() if not name.startswith(f"{FOLDER}/")}
        made = loader.edition_of(rest | {name: loader.digest(path) for name, path in self._files().items()})
        return InUse(published=published, edition=made, protocol=protocol)


def _stamp(path: Path) -> tuple[int, ...]:
    """When a file was written, and how long it is; nothing where there is none."""
    try:
        held = path.stat()
    except OSError:
        return ()
    return held.st_mtime_ns, held.st_size, held.st_ino
