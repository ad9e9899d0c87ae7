"""Pages for patients, caregivers and emergency departments: one page as data, drawn as HTML and as PDF.

Here: which sentences a page holds for a product, a day and a centre, and how they look. Not here: any sentence, number
or source (knowledge/patients, knowledge/therapies, knowledge/prepare).
"""

from leeward.report.patients.files import write
from leeward.report.patients.pages import made
from leeward.report.patients.paper import Asked, NoCard, Page

__all__ = ["Asked", "NoCard", "Page", "made", "write"]
