"""An outside record in; findings out, or refusals with a reason.

Here: one reader per format, the door that understands what they read, and nothing clinical.
Not here: what was true when (timeline), how severe it was (scales).
"""
