"""FHIR R4 over REST: resources in, kept as they came beside the findings read from them; what we say of patients, out.

What a resource means is read in record/fhir, as a file of it would be. Nothing here grades, and nothing is answered
before `access` was asked. Every refusal is an OperationOutcome that names a code and a place and holds no value.
"""
