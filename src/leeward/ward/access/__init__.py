"""Who is asking, what they may do, and whose record they may see: checked and audited before anything is read.

Here live sign-in (OpenID Connect, SMART on FHIR), tokens of other systems, and the table of roles. Nothing here reads a
finding; a page or a door asks `Access` first.
"""

from leeward.ward.access.door import Access
from leeward.ward.access.people import Action, Person, Role
from leeward.ward.access.refusal import Refusal

__all__ = ["Access", "Action", "Person", "Refusal", "Role"]
