"""How severe: one published grading per file.

Here: what each scale reads from a moment and how its rows combine. Not here: numbers (knowledge), time (timeline).
A rule takes columns and limits, returns a column, and touches nothing else.
"""
