"""What was true when: which findings were known, how long values stand, what ran together, where episodes begin.

Here: time. Not here: how severe anything is (scales). All times inside are whole seconds since 1970 in UTC (`..._s`).
"""
