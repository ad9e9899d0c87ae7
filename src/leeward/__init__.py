"""A patient's record in, a graded course of cytokine release syndrome and ICANS out.

    record = leeward.read("path/to/record")        # FHIR, OMOP, MEDS, CLIF, CSV: recognised, not asked
    for answer in leeward.grade(record):
        print(answer.patient, answer.now["crs"])   # a range, at_least to at_most, with its reasons
    print(leeward.explain(record, "007"))
    plan = leeward.plan(answer)                    # what each published source says to do now

Reviewable decision support and a research instrument, not a medical device.
"""

from leeward.api import explain, grade, plan, read
from leeward.cohort.answer import Answer, Episode, Grade
from leeward.record.errors import LeewardError
from leeward.record.spool import Record

__all__ = ["Answer", "Episode", "Grade", "LeewardError", "Record", "explain", "grade", "plan", "read"]
