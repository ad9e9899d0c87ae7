"""The live service: results arrive, courses are graded again, the board changes, the right person is told once.

Here live the store of findings, the grader that runs whenever something changed, alerts, and every door of the service
(FHIR, HL7 v2, CSV, bedside entry, CDS Hooks, MCP, pages). No rule of medicine lives here: grades, look-alikes and plans
come from the rooms below, from the same expressions as in a study. Time is always asked of `World.clock`.
"""
