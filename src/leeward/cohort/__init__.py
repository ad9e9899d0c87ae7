"""Many courses, and one: the engines that run the rules, the answers they give, summaries.

Here: how expressions become SQL and rows become answers. Not here: any rule.
"""
