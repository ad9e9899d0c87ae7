"""A treating centre as its own settings file names it: who to call, by day, by night, and in an emergency.

Leeward knows no telephone number. What a centre has not written is missing, is said to be missing, and is never filled
in; docs/patients.md shows a file.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

Language = Literal["en", "de", "fr", "es"]
LANGUAGES: tuple[Language, ...] = ("en", "de", "fr", "es")
NEEDED = ("name", "daytime_phone", "out_of_hours_phone", "emergency_number")
"""What a wallet card cannot do without."""
PHONES = NEEDED[1:]

Printed = Annotated[str, msgspec.Meta(min_length=1, max_length=60, pattern=r"\S")]
"""One line, as long as a card has room for."""
Phone = Annotated[str, msgspec.Meta(max_length=24, pattern=r"^\+?[0-9(](?:[ ()/.\-]*[0-9]){2}[0-9 ()/.\-]*\Z")]


class BadCentre(ValueError):
    """A centre's settings file cannot be used; the message names the file and what is wrong or missing."""


class Centre(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a centre's file holds; None is what it does not."""

    name: Printed | None = None
    daytime_phone: Phone | None = None
    daytime_hours: Printed | None = None
    out_of_hours_phone: Phone | None = None
    emergency_number: Phone | None = None
    ward: Printed | None = None
    address: Printed | None = None
    language: Language | None = None
    zone: str | None = None

    def __post_init__(self) -> None:
        """Refuses a zone nobody knows, and text that would not print as one line."""
        if self.zone is not None:
            try:
                ZoneInfo(self.zone)
            except (ZoneInfoNotFoundError, ValueError, OSError):
                raise ValueError(f"no time zone '{self.zone}' - at `$.zone`") from None
        for field in ("name", "daytime_hours", "ward", "address"):
            if any(unicodedata.category(letter).startswith("C") for letter in getattr(self, field) or ""):
                raise ValueError(f"a line break or an invisible character - at `$.{field}`")

    @property
    def missing(self) -> tuple[str, ...]:
        """What a card would need and the file does not hold."""
        return tuple(name for name in NEEDED if getattr(self, name) is None)


def read_centre(path: Path) -> Centre:
    """A centre's settings, as far as they are written: `missing` names what is not.

    Raises BadCentre where the file is not there, is not TOML, holds a key nobody knows, or a number that is none.
    """
    try:
        return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Centre, strict=True)
    except OSError as error:
        raise BadCentre(f"{path.name}: cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise BadCentre(f"{path.name}: not text in UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise BadCentre(f"{path.name}: not TOML: {error}") from None
    except (msgspec.ValidationError, ValueError) as error:
        raise BadCentre(f"{path.name}: {_plainly(str(error))}") from None


def complete(centre: Centre, file: str = "the centre's settings") -> Centre:
    """The same centre, once it holds all that a card needs. Raises BadCentre naming what is missing."""
    if centre.missing:
        raise BadCentre(f"{file}: no {', no '.join(centre.missing)}: a card that cannot be called from is not printed")
    return centre


def _plainly(error: str) -> str:
    """A refused telephone number in words: the pattern it had to match tells a reader nothing."""
    found = re.search(r"`\$\.(\w+)`", error)
    if found and found[1] in PHONES and "regex" in error:
        return f"{found[1]} is not a telephone number: digits, spaces and + ( ) / . - only"
    return error
