"""FHIR R4 resources, as far as Leeward reads them: the rest of a resource is checked to be JSON and skipped.

Every field may be missing, because records leave out what the standard requires; what a reading then lacks is
refused later, by name. A field of the wrong shape (a number where an object belongs) makes the resource unreadable.
Numbers stay as the record spells them: 38.50 is not 38.5 before the door has looked at it, and 1e999 is no number.
"""

from __future__ import annotations

import msgspec

NOTHING = msgspec.Raw()


class Part(msgspec.Struct, gc=False):
    """Any piece of a resource; holds no cycles, so the garbage collector need not follow it."""


class Coding(Part):
    """A code in a code system."""

    system: str | None = None
    code: str | None = None
    display: str | None = None


class Concept(Part):
    """CodeableConcept: one meaning, in several code systems or as text."""

    coding: list[Coding] | None = None
    text: str | None = None


class Quantity(Part):
    """A number with its unit."""

    value: msgspec.Raw = NOTHING
    comparator: str | None = None
    unit: str | None = None
    system: str | None = None
    code: str | None = None


class Ratio(Part):
    """One quantity per another."""

    numerator: Quantity | None = None
    denominator: Quantity | None = None


class Period(Part):
    """From a time to a time."""

    start: str | None = None
    end: str | None = None


class Identifier(Part):
    """An identity given by some system."""

    system: str | None = None
    value: str | None = None


class Reference(Part):
    """A pointer to another resource."""

    reference: str | None = None
    type: str | None = None
    display: str | None = None


class Meta(Part):
    """Which version of a resource this is."""

    versionId: str | None = None
    lastUpdated: str | None = None


class Resource(Part):
    """What all resources share."""

    resourceType: str = ""
    id: str | None = None
    meta: Meta | None = None
    contained: msgspec.Raw = NOTHING


class Head(Part):
    """Only enough of a resource to know what it is."""

    resourceType: str
    id: str | None = None


class Valued(Part):
    """The value of an observation or of one of its components."""

    code: Concept | None = None
    valueQuantity: Quantity | None = None
    valueCodeableConcept: Concept | None = None
    valueString: str | None = None
    valueInteger: msgspec.Raw = NOTHING
    valueBoolean: bool | None = None
    valueDateTime: str | None = None
    valueTime: str | None = None
    valuePeriod: msgspec.Raw = NOTHING
    valueRange: msgspec.Raw = NOTHING
    valueRatio: msgspec.Raw = NOTHING
    valueSampledData: msgspec.Raw = NOTHING
    dataAbsentReason: Concept | None = None
    referenceRange: msgspec.Raw = NOTHING


class ReferenceRange(Part):
    """What a laboratory prints as usual beside a value."""

    high: Quantity | None = None
    type: Concept | None = None


class Observation(Valued):
    """A measurement or finding."""

    resourceType: str = ""
    id: str | None = None
    meta: Meta | None = None
    status: str | None = None
    category: msgspec.Raw = NOTHING
    subject: Reference | None = None
    focus: list[Reference] | None = None
    effectiveDateTime: str | None = None
    effectivePeriod: Period | None = None
    effectiveInstant: str | None = None
    issued: str | None = None
    component: list[Valued] | None = None
    hasMember: list[Reference] | None = None
    bodySite: Concept | None = None
    method: Concept | None = None


class Dosage(Part):
    """What was given of a medication, and how."""

    site: Concept | None = None
    route: Concept | None = None
    method: Concept | None = None
    dose: Quantity | None = None
    rateQuantity: Quantity | None = None
    rateRatio: Ratio | None = None


class MedicationAdministration(Resource):
    """A medication given."""

    status: str | None = None
    medicationCodeableConcept: Concept | None = None
    medicationReference: Reference | None = None
    subject: Reference | None = None
    effectiveDateTime: str | None = None
    effectivePeriod: Period | None = None
    dosage: Dosage | None = None


class MedicationRequest(Resource):
    """A medication ordered, which is not a medication given."""

    status: str | None = None
    intent: str | None = None
    doNotPerform: bool | None = None
    medicationCodeableConcept: Concept | None = None
    medicationReference: Reference | None = None
    subject: Reference | None = None
    authoredOn: str | None = None


class Ingredient(Part):
    """One part of a mixture."""

    itemCodeableConcept: Concept | None = None
    itemReference: Reference | None = None


class Medication(Resource):
    """A medication that others refer to."""

    code: Concept | None = None
    ingredient: list[Ingredient] | None = None


class Procedure(Resource):
    """Something done to a patient."""

    status: str | None = None
    code: Concept | None = None
    subject: Reference | None = None
    performedDateTime: str | None = None
    performedPeriod: Period | None = None
    bodySite: list[Concept] | None = None


class DeviceUseStatement(Resource):
    """A device used by a patient."""

    status: str | None = None
    subject: Reference | None = None
    timingPeriod: Period | None = None
    timingDateTime: str | None = None
    recordedOn: str | None = None
    device: Reference | None = None


class DeviceName(Part):
    """What a device is called."""

    name: str | None = None


class Device(Resource):
    """A device that others refer to."""

    type: Concept | None = None
    deviceName: list[DeviceName] | None = None


class Condition(Resource):
    """A diagnosis."""

    verificationStatus: Concept | None = None
    code: Concept | None = None
    subject: Reference | None = None
    onsetDateTime: str | None = None
    onsetPeriod: Period | None = None
    abatementDateTime: str | None = None
    recordedDate: str | None = None


class Stay(Part):
    """A place within an encounter."""

    location: Reference | None = None
    period: Period | None = None
    physicalType: Concept | None = None


class Encounter(Resource):
    """A stay or a visit."""

    status: str | None = None
    class_: Coding | None = msgspec.field(default=None, name="class")
    subject: Reference | None = None
    period: Period | None = None
    location: list[Stay] | None = None


class Location(Resource):
    """A place that encounters refer to."""

    name: str | None = None
    type: list[Concept] | None = None


class Patient(Resource):
    """Who it is about."""

    identifier: list[Identifier] | None = None
    gender: str | None = None
    birthDate: str | None = None
    deceasedBoolean: bool | None = None
    deceasedDateTime: str | None = None


class Link(Part):
    """Where the next page of a search result lies."""

    relation: str | None = None


class Entry(Part):
    """One resource in a bundle, not yet decoded."""

    fullUrl: str | None = None
    resource: msgspec.Raw = NOTHING


class Bundle(Resource):
    """Many resources in one document."""

    type: str | None = None
    link: list[Link] | None = None
    entry: list[Entry] | None = None
