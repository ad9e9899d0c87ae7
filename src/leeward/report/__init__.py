"""One course for a reader: a self-contained page per patient, and the page that lists a folder of them.

Here: words, charts, pages. Not here: what anything means (scales, timeline) or any number of medicine (knowledge).
A page loads nothing from outside, runs no script, and shows every text of the record as text.
"""

from leeward.report.page import index_page, page, page_name

__all__ = ["index_page", "page", "page_name"]
