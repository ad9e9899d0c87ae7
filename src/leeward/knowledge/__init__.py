"""What medicine says: dated, sourced TOML, and the loader that refuses a bad one.

Here: numbers, codes, units, words, windows, citations. Not here: how they combine (that is code).
"""

from leeward.knowledge.guidelines import edition
from leeward.knowledge.loader import BadKnowledge, Evidence, load, names, weakest

__all__ = ["BadKnowledge", "Evidence", "edition", "load", "names", "weakest"]
