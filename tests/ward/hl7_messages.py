"""HL7 v2 messages as a test sends them, and a ward that reads them."""

from __future__ import annotations

from typing import Any

import msgspec

from leeward.ward.hl7.receiver import Receiver
from leeward.ward.hl7.senders import listening
from leeward.ward.settings import Source, WardSettings
from leeward.ward.world import World

ZONE = "Europe/Berlin"
SENDERS = [
    {"application": "LAB", "source": "laboratory", "numbers": "order"},
    {"application": "ADT", "source": "admission", "numbers": "order", "ignored": ["SIU^S12"]},
    {"application": "PHARMACY", "source": "pharmacy", "numbers": "order"},
    {"application": "MONITOR", "source": "monitors", "numbers": "session"},
    {"application": "NOZONE", "source": "elsewhere", "numbers": "order"},
]
SOURCES = {name: Source(zone=ZONE) for name in ("laboratory", "admission", "pharmacy", "monitors")}
PID = "PID|1||007^^^H^MR"


def with_hl7(settings: WardSettings, **more: Any) -> WardSettings:
    """Settings of a ward with five senders, of which one has no zone."""
    section: dict[str, Any] = {"senders": SENDERS, "port": 0} | more
    return msgspec.structs.replace(settings, sources=SOURCES, hl7=section)


def receiver(world: World) -> Receiver:
    """What reads messages for a ward."""
    return Receiver(world.intake, world.store, world.settings, world.clock, listening(world.settings.hl7))


def message(
    *segments: str,
    kind: str = "ORU^R01",
    control: str = "1",
    sent: str = "20260305120000",
    sender: str = "LAB",
    rest: str = "P|2.5.1",
) -> bytes:
    """One message; `rest` is MSH-11 and what follows it."""
    return "\r".join([f"MSH|^~\\&|{sender}|H|LEEWARD|W|{sent}||{kind}|{control}|{rest}", *segments, ""]).encode()


def obr(filler: str = "F1", taken: str = "20260305100000", reported: str = "", status: str = "") -> str:
    """A report: filler number, when the sample was taken, when reported."""
    fields = {1: "1", 3: filler, 4: "PANEL", 7: taken, 22: reported, 25: status}
    return "OBR|" + "|".join(fields.get(number, "") for number in range(1, 26))


def obx(
    value: str,
    unit: str = "mg/L",
    *,
    code: str = "1988-5^CRP^LN",
    kind: str = "NM",
    status: str = "F",
    at: str = "",
    sub: str = "",
    flag: str = "",
    usual: str = "",
) -> str:
    """A result."""
    return f"OBX|1|{kind}|{code}|{sub}|{value}|{unit}|{usual}|{flag}|||{status}|||{at}"


def told(answers: list[bytes]) -> list[tuple[str, ...]]:
    """MSA-1 and the reasons (ERR-5) of each acknowledgement."""
    found = []
    for answer in answers:
        lines = answer.decode("latin-1").split("\r")
        codes = [line.split("|")[1] for line in lines if line.startswith("MSA")]
        found.append((*codes, *(line.split("|")[5] for line in lines if line.startswith("ERR"))))
    return found


def rows(world: World, patient: str = "007") -> list[dict[str, Any]]:
    """The findings of a patient, in order."""
    found: list[dict[str, Any]] = world.store.findings_of(patient).to_pylist()
    return sorted(found, key=lambda row: (row["quantity"], row["measured_at"], row["version"] or "", row["low"] or 0))


def stands(world: World, quantity: str, patient: str = "007") -> list[tuple[float | None, str]]:
    """Value and status of the newest version of each record, as a course reads it; withdrawn ones are gone."""
    newest: dict[str, dict[str, Any]] = {}
    for row in rows(world, patient):
        if row["quantity"] == quantity:
            before = newest.get(row["record"])
            if before is None or before["version"] <= row["version"]:
                newest[row["record"]] = row
    return [(row["low"], row["status"]) for row in newest.values() if row["status"] != "withdrawn"]
