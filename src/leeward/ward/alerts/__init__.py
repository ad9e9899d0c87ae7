"""What is told, to whom, once: signs of a patient as ranges, a pure machine of alerts, their storage, their delivery.

`machine.consider` knows neither quieting nor acknowledging, so neither can hide a rise. A sign that cannot be told
never closes an alert; only a value that is surely lower does. Nothing here is an alarm: it is for review.
"""

from leeward.ward.alerts.alert import Alert
from leeward.ward.alerts.book import Alerts

__all__ = ["Alert", "Alerts"]
