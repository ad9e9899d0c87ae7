"""HL7 version 2: messages in, statements, moves and an acknowledgement out.

Segments, fields and escapes are read by the library `hl7`; what the letters of HL7's tables mean stands in
knowledge/formats/hl7.toml. Units, codes of quantities, words and times are left to the door of record/.
"""
