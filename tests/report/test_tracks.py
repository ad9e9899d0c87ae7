"""What a page draws of a patient's findings is what the timeline says of them; its clock is the record's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from leeward.api import question
from leeward.record.read import read
from leeward.report.clock import seconds
from leeward.report.folder import write_pages
from leeward.report.tracks import tracks
from tests.report.charting import at, finding, oxygen, table

HOUR_S = 3600


def hours_of(at_s: int) -> float:
    """Seconds as hours since the therapy."""
    return (at_s - seconds(at(0))) / HOUR_S


def test_the_tenth_version_is_newer_than_the_ninth() -> None:
    """Versions that are numbers go by their value, as in the grades."""
    versions = [
        finding("body-temperature", 1, 39.9, record="a", version="9", revised=True),
        finding("body-temperature", 1, 38.1, record="a", version="10", revised=True, status="corrected"),
    ]
    assert [row.value for row in tracks(table(versions), None).temperature] == [38.1]


def test_what_reached_us_later_is_not_drawn() -> None:
    """A page of a moment shows what was known then."""
    rows = [finding("body-temperature", 1, 39.9, received_at=at(5)), finding("body-temperature", 2, 38.1)]
    assert [row.value for row in tracks(table(rows), seconds(at(3))).temperature] == [38.1]


def test_a_device_over_a_stretch_ends_with_it() -> None:
    """After its end nobody says what the patient breathes."""
    rows = [finding("oxygen-device", 1, text="non-rebreather", until=4), finding("body-temperature", 6, 38.0)]
    bands = [(hours_of(b.from_s), hours_of(b.until_s), b.device) for b in tracks(table(rows), None).oxygen]
    assert bands == [(1.0, 4.0, "non-rebreather"), (4.0, 6.0, None)]


@pytest.mark.parametrize(("flow_minutes", "flow"), [(-5, (3.0, 3.0)), (-30, None), (20, (3.0, 3.0))])
def test_a_flow_belongs_to_the_device_it_was_charted_with(flow_minutes: int, flow: tuple[float, float] | None) -> None:
    """A few minutes before the device still count; a flow from long before belongs to the device before it."""
    rows = [*oxygen(0, "simple-mask"), *oxygen(2, "nasal-cannula"), finding("oxygen-flow", 2 + flow_minutes / 60, 3.0)]
    made = tracks(table([*rows, finding("body-temperature", 4, 38.0)]), None)
    assert (made.oxygen[-1].device, made.oxygen[-1].flow) == ("nasal-cannula", flow)


@pytest.mark.parametrize(("zone", "shown"), [("Asia/Kolkata", "UTC+05:30"), ("-05:00", "UTC−05:00"), (None, "UTC")])
def test_pages_show_the_local_time_of_the_record(tmp_path: Path, zone: str | None, shown: str) -> None:
    """`leeward report --zone` reads local times in that zone, and its pages say them in it."""
    lines = ["patient_id,start,end,quantity,value,unit,text", "A,2026-03-01T00:00:00Z,,trigger,,,tisagenlecleucel"]
    lines += ["A,2026-03-02T20:00:00Z,,body-temperature,39.1,Cel,", "A,2026-03-02T21:00:00Z,,systolic-bp,84,mm[Hg],"]
    (tmp_path / "a.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    record = read(tmp_path / "a.csv", zone=zone)
    write_pages(record, question(record), tmp_path / "pages")
    page = (tmp_path / "pages" / "A.html").read_text(encoding="utf-8")
    assert shown in page
    assert {"UTC+05:30": "3 Mar 01:30", "UTC−05:00": "2 Mar 15:00", "UTC": "2 Mar 20:00"}[shown] in page


def test_a_page_says_what_else_it_could_be_and_what_was_corrected(tmp_path: Path) -> None:
    """Without a rank; markup of the record stays text; a page without either has no such section."""
    lines = ["patient_id,start,end,quantity,value,unit,text,status,record,version"]
    lines += ["A,2026-03-01T00:00:00Z,,trigger,,,tisagenlecleucel,,,"]
    lines += ["A,2026-03-02T20:00:00Z,,body-temperature,39.4,Cel,,final,r<b>,1"]
    lines += ["A,2026-03-02T20:00:00Z,,body-temperature,38.4,Cel,,corrected,r<b>,2"]
    lines += ["A,2026-03-02T20:00:00Z,,heart-rate,130,/min,,,,", "A,2026-03-02T20:30:00Z,,norepinephrine,5,ug/min,,,,"]
    lines += ["B,2026-03-02T20:00:00Z,,body-temperature,36.4,Cel,,,,"]
    (tmp_path / "a.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    record = read(tmp_path / "a.csv", zone="UTC")
    write_pages(record, question(record), tmp_path / "pages")
    page = (tmp_path / "pages" / "A.html").read_text(encoding="utf-8")
    assert "Temperature of 2 Mar 20:00: 39.4 °C became 38.4 °C (known 2 Mar 20:00)" in page
    assert "Asked because an episode is open. Several may hold at once" in page
    assert "Pulmonary embolism" in page
    other = (tmp_path / "pages" / "B.html").read_text(encoding="utf-8")
    assert 'id="otherwise"' not in other
    assert 'id="corrected"' not in other
