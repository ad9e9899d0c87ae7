"""Courses of real patients, encoded by hand from published reports as Leeward CSV, one file each.

Here: the files, where each comes from, what its report states and what we had to fill in (`samples.toml`).
Not here: what must come out (cases/published.md).
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal

import msgspec

from leeward.knowledge.loader import read

FOLDER = Path(__file__).parent
"""The folder of samples; `leeward grade` reads it as it stands."""

Read = Literal["whole", "abstract", "excerpt", "secondary"]
"""How much of a report its encoder has read; `secondary` means only what others say of it."""


class Filled(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A value in the file that the report does not give: ours, and why it had to be there."""

    what: str
    why: str


class Sample(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file and its report. Grades are those the authors gave, null where they gave none."""

    file: str
    case: str
    about: str
    title: str
    citation: str
    read: Read
    stated: str
    filled: list[Filled]
    not_encoded: list[str] = []
    doi: str | None = None
    url: str | None = None
    authors_crs: str | None = None
    authors_icans: str | None = None
    authors_scale: str | None = None

    @property
    def path(self) -> Path:
        """The file itself."""
        return FOLDER / self.file


class _Samples(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    conventions: list[str]
    sample: list[Sample]


@cache
def samples() -> list[Sample]:
    """Every sample, in the order of its case; BadKnowledge names what does not fit in samples.toml."""
    return read(FOLDER / "samples.toml", _Samples).sample


@cache
def conventions() -> list[str]:
    """How values that no report gives were chosen, the same way in every file."""
    return read(FOLDER / "samples.toml", _Samples).conventions


def sample(case: str) -> Sample:
    """The sample of a case id, such as `C03`; KeyError where there is none."""
    found = [each for each in samples() if each.case == case]
    if not found:
        raise KeyError(case)
    return found[0]
