"""Scores before a T-cell therapy and early after it: published rules, a user's own coefficients, published base rates.

No rule here grades anything, and no colour stands for a score: a value, its range, its place in the user's own cohort.
"""
