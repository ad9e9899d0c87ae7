"""The service's log: what happened, under ids; never a name, a value, an address of a page, or an exception's words."""

from __future__ import annotations

import logging
import os
import re
import resource
import sys
import threading
import traceback
from types import TracebackType
from typing import Any, TextIO, cast

import structlog
from structlog.typing import EventDict, WrappedLogger

KEPT = frozenset(
    {"event", "level", "logger", "at", "id", "route", "method", "status", "ms", "count", "kind", "reason", "where",
     "error", "door", "source", "seq", "digest", "edition", "version", "port", "seconds"}
)  # fmt: skip
"""What a line may carry; anything else is left out, and named as left out."""
OWNER_ALONE = 0o077
"""Files that the service makes, its database among them, are readable to its own user and to nobody else."""
FRAMES = 12
"""How many places of a traceback are told, nearest to the fault."""
WORD = re.compile(r"[\w.:/{} ()<>+=%-]{0,120}", re.ASCII)
"""What a kept text may look like: a route's pattern, a reason code."""


class StandardError:
    """Wherever standard error goes at the moment of writing."""

    def write(self, said: str) -> int:
        """Write to it."""
        return sys.stderr.write(said)

    def flush(self) -> None:
        """See that it is written."""
        sys.stderr.flush()


def narrow(to: TextIO | None = None, *, quiet: bool = False) -> None:
    """Send every line of ours through the narrow door. quiet: only what went wrong."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING if quiet else logging.INFO),
        processors=[
            structlog.stdlib.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
            error_without_words,
            only_kept,
            structlog.processors.JSONRenderer(sort_keys=True),
        ],
        logger_factory=structlog.PrintLoggerFactory(cast("TextIO", to or StandardError())),
        cache_logger_on_first_use=False,
    )


def configure(to: TextIO | None = None, *, quiet: bool = False) -> None:
    """Send every line of ours, of our libraries, and every crash through the narrow door; leave nothing behind."""
    narrow(to, quiet=quiet)
    root = logging.getLogger()
    root.handlers[:] = [Narrow()]
    root.setLevel(logging.WARNING)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "sqlalchemy", "alembic", "mcp", "httpx", "hl7"):
        other = logging.getLogger(name)
        other.handlers[:], other.propagate = [], True
    logging.captureWarnings(capture=True)
    logging.raiseExceptions = False
    sys.excepthook = _crashed
    threading.excepthook = lambda held: _crashed(held.exc_type, held.exc_value, held.exc_traceback)
    sys.unraisablehook = lambda held: _crashed(held.exc_type, held.exc_value, held.exc_traceback)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.umask(OWNER_ALONE)


def error_without_words(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """An exception as its kind and the places it passed; its message may hold what a patient's record held."""
    held = event.pop("exc_info", None)
    error = sys.exc_info()[1] if held is True else held[1] if isinstance(held, tuple) else held
    if isinstance(error, BaseException):
        event["error"], event["where"] = type(error).__name__, places(error)
    event.pop("stack_info", None)
    event.pop("exception", None)
    return event


def only_kept(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """A line with nothing in it but what may stand there."""
    made: EventDict = {}
    for key, value in event.items():
        if key in KEPT and (value is None or isinstance(value, bool | int | float)):
            made[key] = value
        elif key in KEPT and isinstance(value, list):
            made[key] = [str(one) for one in value]
        elif key in KEPT and WORD.fullmatch(str(value)):
            made[key] = str(value)
        else:
            made["left-out"] = made.get("left-out", 0) + 1
    return made


def places(error: BaseException) -> list[str]:
    """File, line and function of the last frames, without a line of source: a source line may hold a value."""
    frames = traceback.extract_tb(error.__traceback__, limit=-FRAMES)
    return [f"{frame.filename.rpartition('/')[2]}:{frame.lineno}:{frame.name}" for frame in frames]


class Narrow(logging.Handler):
    """Lines of other libraries: who said it, how badly, and where; not what, for that may hold a value."""

    def emit(self, record: logging.LogRecord) -> None:
        """One line."""
        said: dict[str, Any] = {"logger": record.name, "where": f"{record.filename}:{record.lineno}"}
        if record.exc_info and record.exc_info[1] is not None:
            said["exc_info"] = record.exc_info
        level = "error" if record.levelno >= logging.ERROR else "warning"
        getattr(structlog.get_logger(), level)("library", **said)


def _crashed(kind: type[BaseException] | None, error: BaseException | None, _frames: TracebackType | None) -> None:
    """What nobody caught, as its kind and places."""
    if kind is KeyboardInterrupt:
        return
    structlog.get_logger().critical("crash", error=kind.__name__ if kind else None, exc_info=error)
