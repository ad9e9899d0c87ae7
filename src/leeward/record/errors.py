"""Everything that can go wrong while reading.

* LeewardError
  * CannotRead: nothing can be read from this path
    * NotFound: there is nothing at the path
    * Unrecognised: no reader knows this format; the message says what was looked for
    * Malformed: the format is known, but the file lacks what it needs (a column, a table)
  * BadSetting: an argument or a setting cannot be used
    * UnknownZone: not a time zone
    * UnknownLocal: no such local code system

A single line, value or resource that cannot be used is not an error: it is refused, listed and counted.
"""

from __future__ import annotations


class LeewardError(Exception):
    """Anything Leeward itself raises; the message is meant for the person at the keyboard."""


class CannotRead(LeewardError):
    """Nothing can be read from this path."""


class NotFound(CannotRead):
    """There is nothing at the path."""


class Unrecognised(CannotRead):
    """No reader knows this format."""


class Malformed(CannotRead):
    """The format is known, but the file lacks what it needs."""


class BadSetting(LeewardError):
    """An argument or a setting cannot be used."""


class UnknownZone(BadSetting):
    """Not a time zone."""


class UnknownLocal(BadSetting):
    """No such local code system."""
