"""Ours: a ward that answers CDS Hooks on loopback, its clock standing at the moment that the calls are about."""

from __future__ import annotations

import sys
import tempfile
from datetime import datetime

import structlog
import uvicorn

from leeward.ward.app import create_app
from leeward.ward.clock import SetClock
from leeward.ward.doors.cds_hooks import warm
from leeward.ward.listening import Listening
from leeward.ward.settings import WardSettings
from leeward.ward.world import World


def main(at: str) -> None:
    """Listens on a free port and prints it."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    with tempfile.TemporaryDirectory() as folder:
        settings = WardSettings(database=f"sqlite:///{folder}/ward.db", demo=True, room_air=True)
        world = World(settings, SetClock(datetime.fromisoformat(at)))
        app = create_app(world, start=False)
        warm(world)
        config = Listening(app, settings, port=0, log_level="critical")
        server = uvicorn.Server(config)
        listening = config.bind_socket()
        print(listening.getsockname()[1], flush=True)
        server.run([listening])


main(sys.argv[1])
