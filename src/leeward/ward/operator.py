"""Who works on a ward from its own machine, past every door: named in the audit as this machine knows them."""

from __future__ import annotations

import getpass
import os

from leeward.ward.audit import Entry


def entry(action: str, what: str) -> Entry:
    """What the audit is told of a command. what: the command and the file it was given, without its folder."""
    try:
        name = getpass.getuser()
    except (OSError, KeyError):  # a number without a name, as in a container
        name = str(os.getuid())
    return Entry(action, f"this machine: {name}", detail=what)
