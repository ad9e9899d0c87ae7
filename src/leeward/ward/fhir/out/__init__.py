"""What we say of a patient as FHIR: worked out when asked, under ids from which the same can be worked out again.

Every resource names the device that made it and its edition of knowledge; nothing in it is an order or an alarm.
"""
