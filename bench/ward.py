"""A virtual ward: what is charted for patients after a T-cell therapy, made to be timed and not to be believed.

Values drift as charted ones do (each hour resembles the last), come in whole charting rounds, are rounded as a nurse
or a machine rounds them, and fever, pressure, oxygen, infusions and treatment move in step with a hidden course of
CRS. Every block of patients has its own seed, so a longer file begins with the shorter one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

VERSION = 3
"""Raise it when the rows change, so that no cached file of an older ward is measured."""
SEED = 20190413
BLOCK = 100
HOURS = 14 * 24
HOUR_US = 3600 * 1_000_000

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

TRIGGERS = ("axicabtagene ciloleucel", "tisagenlecleucel", "lisocabtagene maraleucel", "teclistamab")
DEVICES = ("room-air", "nasal-cannula", "high-flow-nasal-cannula", "non-rebreather", "bipap", "ventilator")
LABS: tuple[tuple[str, float, float, float, int], ...] = (
    # name, usual value, spread of its logarithm, rise of the logarithm at the height of CRS, decimals
    ("crp", 20.0, 0.6, 1.6, 1),
    ("ferritin", 600.0, 0.7, 1.8, 0),
    ("creatinine", 0.9, 0.3, 0.4, 2),
    ("urea-nitrogen", 15.0, 0.3, 0.3, 0),
    ("platelets", 90.0, 0.6, -0.6, 0),
    ("haemoglobin", 9.0, 0.15, -0.1, 1),
    ("leukocytes", 2.0, 0.8, -0.5, 1),
    ("fibrinogen", 400.0, 0.3, -0.5, 0),
    ("ast", 25.0, 0.5, 0.8, 0),
    ("alt", 25.0, 0.5, 0.7, 0),
    ("bilirubin-total", 0.6, 0.4, 0.3, 1),
    ("ldh", 220.0, 0.3, 0.6, 0),
    ("lactate", 1.2, 0.3, 0.5, 1),
)


@dataclass(frozen=True)
class Charted:
    """Rows of one quantity: numbers in `low`, or words as positions in `words`; intervals have `until_us`."""

    quantity: str
    patient: Whole
    at_us: Whole
    low: Floats | None = None
    until_us: Whole | None = None
    words: tuple[str, ...] = ()
    word: Whole | None = None
    reported_after_s: int = 60


@dataclass(frozen=True)
class Block:
    """The hidden course of one block of patients; arrays are patients by hours after the infusion."""

    rng: np.random.Generator
    first_patient: int
    infused_us: Whole
    severity: Whole
    onset_hour: Floats
    storm: Floats  # 0 quiet .. 1 height of CRS
    temperature: Floats
    systolic: Floats
    diastolic: Floats
    spo2: Floats
    heart_rate: Floats
    respiratory_rate: Floats


def drift(rng: np.random.Generator, patients: int, spread: float, memory: float) -> Floats:
    """Noise in which each hour keeps `memory` of the last one; its standard deviation is `spread`."""
    noise = rng.standard_normal((HOURS, patients)) * spread * np.sqrt(1 - memory**2)
    noise[0] /= np.sqrt(1 - memory**2)
    for hour in range(1, HOURS):
        noise[hour] += memory * noise[hour - 1]
    return np.ascontiguousarray(noise.T)


def block(number: int, patients: int = BLOCK) -> Block:
    """Block `number` of the ward, always the same."""
    rng = np.random.default_rng([SEED, number])
    severity = rng.choice(5, size=patients, p=[0.2, 0.35, 0.25, 0.12, 0.08]).astype(np.int64)
    onset = np.clip(rng.lognormal(np.log(50.0), 0.6, patients), 4, 200)
    half = rng.uniform(24, 84, patients)
    hours = np.arange(HOURS)[None, :]
    storm = np.exp(-(((hours - (onset + half)[:, None]) / (half / 1.5)[:, None]) ** 2))
    storm *= (hours >= onset[:, None]) & (severity > 0)[:, None]
    weight = severity[:, None]
    clock = 0.25 * np.sin((hours - 10) * 2 * np.pi / 24)
    systolic = rng.normal(120, 10, patients)[:, None] + drift(rng, patients, 7, 0.8) - storm * weight * 10
    start_s = 1_546_300_800 + number * 86_400 + rng.integers(0, 6 * 365 * 86_400, patients)
    return Block(
        rng=rng,
        first_patient=number * BLOCK,
        infused_us=start_s.astype(np.int64) * 1_000_000,
        severity=severity,
        onset_hour=onset,
        storm=storm,
        temperature=36.7 + clock + drift(rng, patients, 0.25, 0.85) + storm * (1.3 + 0.35 * weight),
        systolic=systolic,
        diastolic=systolic * 0.6 + drift(rng, patients, 4, 0.7),
        spo2=np.minimum(100, 97 + drift(rng, patients, 1.0, 0.85) - storm * np.maximum(0, weight - 1) * 2.2),
        heart_rate=82 + drift(rng, patients, 9, 0.9) + storm * 22,
        respiratory_rate=17 + drift(rng, patients, 2, 0.8) + storm * 5,
    )


def watched(one: Block) -> Flags:
    """Hours with a full charting round: hourly while CRS lasts, every four hours otherwise; one in fifty is missed."""
    hours = np.arange(HOURS)[None, :]
    due = (one.storm > 0.08) | (hours % 4 == 0)
    return np.asarray(due & (one.rng.random(due.shape) > 0.02))


def charted(one: Block) -> Iterator[Charted]:
    """Everything charted for one block, quantity by quantity."""
    yield from _who(one)
    yield from _vital_signs(one)
    yield from _oxygen(one)
    yield from _infusions(one)
    yield from _drugs(one)
    yield from _laboratory(one)
    yield from _neurology(one)


def _who(one: Block) -> Iterator[Charted]:
    """Age, weight and the triggering therapy."""
    everyone = np.arange(len(one.severity)) + one.first_patient
    before = one.infused_us - HOUR_US
    product = one.rng.integers(0, len(TRIGGERS), len(everyone))
    yield Charted("trigger", everyone, one.infused_us, words=TRIGGERS, word=product)
    yield Charted("age-years", everyone, before, low=np.floor(one.rng.uniform(18, 85, len(everyone))))
    yield Charted("body-weight", everyone, before, low=np.round(one.rng.normal(76, 14, len(everyone)).clip(40, 140), 1))


def _vital_signs(one: Block) -> Iterator[Charted]:
    """A round writes all its values at one minute; now and then a single value is left out."""
    due = watched(one)
    minute = one.rng.integers(0, 50, due.shape) * 60_000_000
    mean = one.diastolic + (one.systolic - one.diastolic) / 3
    signs = (
        ("body-temperature", one.temperature, 1),
        ("systolic-bp", one.systolic, 0),
        ("diastolic-bp", one.diastolic, 0),
        ("mean-bp", mean, 0),
        ("heart-rate", one.heart_rate, 0),
        ("respiratory-rate", one.respiratory_rate, 0),
        ("spo2", one.spo2, 0),
    )
    for quantity, values, decimals in signs:
        patient, hour = np.nonzero(due & (one.rng.random(due.shape) > 0.03))
        at_us = one.infused_us[patient] + hour * HOUR_US + minute[patient, hour]
        yield Charted(quantity, patient + one.first_patient, at_us, low=np.round(values[patient, hour], decimals))


def _oxygen(one: Block) -> Iterator[Charted]:
    """Device every four hours, room air included; a flow beside every device that has one."""
    weight = one.severity[:, None]
    support = np.zeros_like(one.storm, dtype=np.int64)
    support[(weight >= 2) & (one.storm > 0.3)] = 1
    support[(weight >= 3) & (one.storm > 0.6)] = 2
    support[(weight >= 3) & (one.storm > 0.9)] = 3
    support[(weight >= 4) & (one.storm > 0.85)] = 4
    support[(weight >= 4) & (one.storm > 0.95)] = 5
    due = (np.arange(HOURS)[None, :] % 4 == 1) & (one.rng.random(support.shape) > 0.03)
    patient, hour = np.nonzero(due)
    device = support[patient, hour]
    at_us = one.infused_us[patient] + hour * HOUR_US + 5 * 60_000_000
    patient = patient + one.first_patient
    yield Charted("oxygen-device", patient, at_us, words=DEVICES, word=device)
    flowing = (device >= 1) & (device <= 3)
    usual = np.array([0.0, 3.0, 40.0, 12.0])[device[flowing]]
    flow = np.maximum(1, np.round(usual * one.rng.uniform(0.6, 1.6, len(usual))))
    yield Charted("oxygen-flow", patient[flowing], at_us[flowing], low=flow)


def _infusions(one: Block) -> Iterator[Charted]:
    """Vasopressor intervals between rate changes; vasopressin and epinephrine join in the worst hours."""
    plans = (("norepinephrine", 3, 0.55, 8.0), ("vasopressin", 4, 0.8, 0.03), ("epinephrine", 4, 0.92, 3.0))
    hours = np.arange(HOURS)[None, :]
    for drug, from_severity, from_storm, usual in plans:
        running = (one.severity[:, None] >= from_severity) & (one.storm > from_storm)
        starts = running & ((hours % 3 == 0) | ~np.roll(running, 1, axis=1))
        patient, hour = np.nonzero(starts)
        length = np.ones(len(patient), dtype=np.int64)
        for ahead in (1, 2):
            later = np.minimum(hour + ahead, HOURS - 1)
            goes_on = running[patient, later] & ~starts[patient, later] & (length == ahead) & (hour + ahead < HOURS)
            length += goes_on
        at_us = one.infused_us[patient] + hour * HOUR_US
        rate = np.round(usual * one.rng.uniform(0.4, 2.0, len(patient)), 3)
        yield Charted(drug, patient + one.first_patient, at_us, low=rate, until_us=at_us + length * HOUR_US)


def _drugs(one: Block) -> Iterator[Charted]:
    """Antipyretic at fever, tocilizumab and steroid in the graver courses, fluid for low pressure."""
    hours = np.arange(HOURS)[None, :]
    grave = one.severity[:, None]
    plans = (
        ("acetaminophen", (one.temperature >= 38.5) & (hours % 6 == 2), 650.0),
        ("tocilizumab", (grave >= 2) & (np.abs(hours - (one.onset_hour[:, None] + 12)) < 0.5), 600.0),
        ("dexamethasone", (grave >= 3) & (one.storm > 0.4) & (hours % 12 == 6), 10.0),
        ("fluid-bolus", (grave >= 2) & (one.systolic < 88) & (hours % 4 == 3), 500.0),
    )
    for drug, given, dose in plans:
        patient, hour = np.nonzero(given)
        at_us = one.infused_us[patient] + hour * HOUR_US + 20 * 60_000_000
        yield Charted(drug, patient + one.first_patient, at_us, low=np.full(len(patient), dose))


def _laboratory(one: Block) -> Iterator[Charted]:
    """A panel each morning, two a day while CRS lasts, reported three quarters of an hour later."""
    hours = np.arange(HOURS)[None, :]
    patient, hour = np.nonzero((hours % 24 == 6) | ((one.storm > 0.1) & (hours % 24 == 18)))
    at_us = one.infused_us[patient] + hour * HOUR_US
    height = one.storm[patient, hour] * np.sqrt(one.severity[patient])
    for name, usual, spread, rise, decimals in LABS:
        habit = one.rng.normal(0, spread, len(one.severity))[patient]
        value = usual * np.exp(habit + rise * height + one.rng.normal(0, 0.08, len(patient)))
        yield Charted(name, patient + one.first_patient, at_us, low=np.round(value, decimals), reported_after_s=2700)


def _neurology(one: Block) -> Iterator[Charted]:
    """ICE score twice a day, a day and a half behind the CRS, with the level of consciousness beside it."""
    late = np.roll(one.storm, 36, axis=1)
    late[:, :36] = 0
    patient, hour = np.nonzero(np.broadcast_to(np.arange(HOURS)[None, :] % 12 == 8, late.shape))
    at_us = one.infused_us[patient] + hour * HOUR_US + 10 * 60_000_000
    loss = late[patient, hour] * np.maximum(0, one.severity[patient] - 1) * 3.2
    score = np.clip(np.round(10 - loss - one.rng.exponential(0.2, len(patient))), 0, 10)
    yield Charted("ice-score", patient + one.first_patient, at_us, low=score)
    state = np.digitize(-score, [-6.5, -2.5, -0.5])
    words = ("alert", "voice", "touch", "vigorous")
    yield Charted("consciousness", patient + one.first_patient, at_us, words=words, word=state.astype(np.int64))
