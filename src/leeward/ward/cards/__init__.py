"""What a CDS Hooks client is told: cards, each with the findings, rule, edition and source it rests on.

Here: reading a request and its prefetch, asking a listed FHIR server for the rest, answers in memory, cards.
Not here: HTTP (doors/cds_hooks), and anything that is kept; nothing of a patient stays after the answer.
"""
