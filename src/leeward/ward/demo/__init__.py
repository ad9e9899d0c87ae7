"""The demo ward: invented and published patients, replayed in accelerated time through the same intake as real ones."""

from leeward.ward.demo.replay import Replay
from leeward.ward.demo.script import script

__all__ = ["Replay", "script"]
