"""A ward at work: vital signs by the minute with open boards, and a backlog of a million findings."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

from home import made
from runs import QUICK, Size, ours
from table import Bar, Workload, measured, seconds_text

PATIENTS, BOARDS, MINUTES = 500, 20, 10
SHORT_MINUTES = 2
BACKLOG = 1_000_000
HEADER = "patient_id,start,end,quantity,value,unit,text\n"


def ward_live(size: Size) -> Workload:
    """Load on one machine, and a backlog."""
    work = Workload("A ward at work, over HTTP with FHIR", "findings")
    minutes = SHORT_MINUTES if size is QUICK else MINUTES
    patients = PATIENTS if size is not QUICK else PATIENTS // 5
    task = {"patients": patients, "boards": BOARDS, "minutes": minutes}
    load = ours(
        f"{patients} patients, a vital-sign set a minute for {minutes} minutes, {BOARDS} boards", "ward_live", task
    )
    rows = BACKLOG if size is not QUICK else BACKLOG // 5
    path = made(f"backlog-1-{rows}.csv", lambda path: _write(path, rows))
    backlog = ours(f"backlog of {rows:,} findings", "ward_backlog", {"path": str(path)})
    work.outcomes += [load, backlog]
    _bars(work, load, backlog)
    work.notes.append(
        "Seen: from the sending of a set to a board holding the patient's new row; sender and boards share the cores."
    )
    return work


def _bars(work: Workload, load: object, backlog: object) -> None:
    """Nothing lost, seen in time, taken in fast enough, and silently."""
    held, taken = measured(load), measured(backlog)  # type: ignore[arg-type]
    claims = (
        "ward: nothing lost",
        "ward: a grade is seen under 2 s (p99)",
        "ward: a backlog at 20,000 findings a second",
    )
    if held is None:
        work.bars += [Bar(claim, "absent", None) for claim in claims[:2]]
    else:
        lost = int(held.more["lost"]) + int(held.answer["refused"]) + int(held.answer["unseen"])
        p99_s = float(held.answer["p99_s"])
        work.bars += [Bar(claims[0], f"{lost} lost", lost == 0), Bar(claims[1], seconds_text(p99_s), p99_s < 2)]
        work.notes.append(
            f"Median {seconds_text(float(held.answer['p50_s']))}, "
            f"longest {seconds_text(float(held.answer['most_s']))}; "
            f"the ward kept {held.more['busy_cores']:.2f} cores busy."
        )
    if taken is None:
        work.bars.append(Bar(claims[2], "absent", None))
        return
    work.bars.append(Bar(claims[2], f"{taken.rows_per_second:,.0f} a second", taken.rows_per_second >= 20_000))
    work.notes.append(
        f"The backlog's {taken.more['graded']} patients were graded in {seconds_text(float(taken.more['graded_s']))}; "
        f"{taken.more['alerts']} alerts told of the present state, none of what has passed."
    )


def _write(path: Path, rows: int) -> None:
    """Invented values of five hundred patients, up to an hour before now."""
    rng = random.Random(20190413)  # noqa: S311  invented values, no secret
    now = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    each = rows // PATIENTS // 5
    with path.open("w", encoding="utf-8") as file:
        file.write(HEADER)
        for patient in range(PATIENTS):
            file.write(f"P{patient},{(now - timedelta(days=9)).isoformat()},,trigger,,,axicabtagene ciloleucel\n")
            for number in range(each):
                at = (now - timedelta(minutes=30 * (each - number))).isoformat()
                start = f"P{patient},{at},,"
                file.write(
                    f"{start}body-temperature,{36.3 + rng.random() * 3:.1f},Cel,\n"
                    f"{start}systolic-bp,{rng.randint(80, 140)},mm[Hg],\n"
                    f"{start}heart-rate,{rng.randint(60, 130)},/min,\n"
                    f"{start}spo2,{rng.randint(88, 100)},%,\n{start}oxygen-device,,,room-air\n"
                )
