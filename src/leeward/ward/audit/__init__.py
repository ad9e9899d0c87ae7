"""The audit: every read, grade, export and override is written down, chained to the one before, before it is answered.

Nothing here decides who may do what (`access`); no record is ever changed or taken away.
"""

from leeward.ward.audit.book import Audit, AuditDown, Head, add
from leeward.ward.audit.chain import Entry, Fault, Record

__all__ = ["Audit", "AuditDown", "Entry", "Fault", "Head", "Record", "add"]
