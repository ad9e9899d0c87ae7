"""Invented patients for the pictures in docs/: `python -m tests.risk.invented FOLDER` writes a cohort and a table."""

from __future__ import annotations

import csv
import math
import random
import sys
from pathlib import Path

from tests.risk.bedside import Line, record

_VITALS = (("heart-rate", "82", "/min"), ("body-temperature", "36.8", "Cel"), ("systolic-bp", "121", "mm[Hg]"),
           ("respiratory-rate", "14", "/min"), ("spo2", "97", "%"))  # fmt: skip


def cohort(count: int = 24) -> list[Line]:
    """Adults with lymphoma before axi-cel; no number of theirs was measured in anybody."""
    draw = random.Random(4)  # noqa: S311  the same picture every time
    lines: list[Line] = []
    for n in range(1, count + 1):
        who = f"D{n:02}"
        labs = {
            ("ldh", "U/L"): draw.lognormvariate(5.6, 0.5),
            ("creatinine", "mg/dL"): draw.uniform(0.6, 1.4),
            ("platelets", "10*9/L"): draw.lognormvariate(4.8, 0.5),
            ("crp", "mg/L"): draw.lognormvariate(2.5, 1),
            ("ferritin", "ug/L"): draw.lognormvariate(6.3, 0.8),
            ("haemoglobin", "g/dL"): draw.uniform(7.5, 13),
            ("neutrophils", "10*9/L"): draw.uniform(0.6, 5),
            ("tumour-bulk", "cm"): draw.uniform(2, 14),
        }
        lines += [
            (who, -200, "age-years", str(draw.randint(30, 78)), "a", ""),
            (who, None, "disease", "", "", "DLBCL"),
            (who, 0, "trigger", "", "", "axi-cel"),
            (who, -122, "lymphodepletion", "", "", "fludarabine"),
            (who, -126, "consciousness", "", "", "alert"),
            (who, -126, "oxygen-device", "", "", "room-air"),
        ]
        lines += [(who, -126, name, f"{value:.2f}", unit, "") for (name, unit), value in labs.items()]
        lines += [(who, -124, name, value, unit, "") for name, value, unit in _VITALS]
    return lines


def model(file: Path, count: int = 400) -> None:
    """A model that predicts too low and too extreme a risk, beside a weaker score."""
    draw = random.Random(3)  # noqa: S311  the same picture every time
    with file.open("w", encoding="utf-8", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(["patient", "crs_3_or_more", "model", "easix", "sex"])
        for n in range(count):
            logit = draw.gauss(-1.6, 1.1)
            outcome = int(draw.random() < 1 / (1 + math.exp(-(0.3 + 0.7 * logit))))
            told = f"{1 / (1 + math.exp(-logit)):.4f}"
            rows.writerow(
                [f"V{n}", outcome, told, f"{math.exp(logit + draw.gauss(0, 1)):.3f}", ("female", "male")[n % 2]]
            )


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    record(folder, cohort())
    model(folder / "model.csv")
