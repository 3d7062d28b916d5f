"""`gait`: simulated insoles: eight pressure cells under each foot, and the vertical force that they are to predict.

No measured data. Of a person everything but the speed is drawn once; formulas hold for either foot:

* Phase. A cycle lasts T (1 + 0.03 n) seconds, T of the person and the speed, n normal, cut at +-2.5. The phase p of the
  left foot rises evenly by 1 in each cycle; that of the right foot is p + 1/2.
* Force. A foot stands for the share s of a cycle; u = (p mod 1) / s is how far the stance is. In body weights
  F(u) = A [sin(pi u) + r sin(2 pi u) + q sin(3 pi u)] for u < 1, else 0 (Alexander and Jayes 1980, whose shape factor
  is q; r makes the two peaks unequal). q > 1/9 gives a dip in the middle. A = pi / (4 s (1 + q / 3)): over a cycle
  each foot then carries half of the body weight on average. s > 1/2: both feet stand for 2 s - 1 of a cycle.
* Cells. The centre of pressure goes from heel (0) to toe (1), c(u) = 0.1 + 0.8 (u - k sin(2 pi u) / (2 pi)). Cell i, at
  x_i = (i + 1/2) / 8, carries the share w_i of F, which is proportional to exp(-(x_i - c)^2 / (2 b^2)) and sums to 1.
* Reading of a cell, unit `a`: g_i (w_i F)^e, plus a sine of amplitude 0.01 and a period of 20 to 60 s (drift), plus
  normal noise of sd 0.01. Gains g_i and exponent e < 1 (saturation) differ between people: the way back to the force is
  not linear, and not the same for all of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mixkd.datasets import Recordings

RATE = 100.0
N_SUBJECTS, SECONDS = 8, 30
N_CELLS = 8  # of a foot
SPEEDS = {"slow": (1.25, 0.66, 0.2), "normal": (1.0, 0.62, 0.28), "fast": (0.85, 0.58, 0.38)}  # T (of normal), s, q
VARIATION, NOISE, DRIFT = 0.03, 0.01, 0.01
CHANNELS = tuple(f"{foot} {i}" for foot in ("left", "right") for i in range(1, N_CELLS + 1))  # from heel to toe
TARGETS = ("left force", "right force")


@dataclass(frozen=True)
class Person:
    """What does not change with the speed; `stance` and `shape` are added to those of the speed."""

    period: float  # T in s, at normal speed
    stance: float  # of s
    shape: float  # of q
    uneven: float  # r
    roll: float  # k
    width: float  # b
    exponent: float  # e
    gains: np.ndarray  # (2, N_CELLS)

    @staticmethod
    def draw(rng: np.random.Generator) -> Person:
        """A new person."""
        return Person(
            period=rng.uniform(1.0, 1.2),
            stance=rng.uniform(-0.01, 0.01),
            shape=rng.uniform(-0.03, 0.03),
            uneven=rng.uniform(-0.05, 0.05),
            roll=rng.uniform(0.2, 0.6),
            width=rng.uniform(0.12, 0.2),
            exponent=rng.uniform(0.6, 0.9),
            gains=np.exp(0.25 * rng.standard_normal((2, N_CELLS))),
        )


def phase(seconds: float, period: float, rng: np.random.Generator) -> np.ndarray:
    """Cycles since the first sample, in which the left heel strikes, (n_samples,)."""
    n_cycles = int(seconds / (period * (1 - 2.5 * VARIATION))) + 1
    durations = period * (1 + VARIATION * np.clip(rng.standard_normal(n_cycles), -2.5, 2.5))
    strikes = np.concatenate([[0.0], np.cumsum(durations)])
    return np.interp(np.arange(round(seconds * RATE)) / RATE, strikes, np.arange(n_cycles + 1))


def force(u: np.ndarray, stance: float, shape: float, uneven: float = 0.0) -> np.ndarray:
    """Vertical force of a foot in body weights, 0 from u = 1 on; `u` of any shape, not negative."""
    amplitude = np.pi / (4 * stance * (1 + shape / 3))
    curve = np.sin(np.pi * u) + uneven * np.sin(2 * np.pi * u) + shape * np.sin(3 * np.pi * u)
    return np.where(u < 1, amplitude * np.maximum(curve, 0), 0.0)  # rounding at the end of the stance


def loads(u: np.ndarray, forces: np.ndarray, person: Person) -> np.ndarray:
    """The part of the force on each cell in body weights, (n_samples, n_cells); it sums to `forces`, (n_samples,)."""
    u = np.minimum(u, 1)
    centre = 0.1 + 0.8 * (u - person.roll * np.sin(2 * np.pi * u) / (2 * np.pi))
    place = (np.arange(N_CELLS) + 0.5) / N_CELLS
    share = np.exp(-((place - centre[:, None]) ** 2) / (2 * person.width**2))
    return share / share.sum(axis=1, keepdims=True) * forces[:, None]


def walk(person: Person, speed: str, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Readings (n_samples, 16) and forces (n_samples, 2) of one recording."""
    relative, stance, shape = SPEEDS[speed]
    stance, shape = stance + person.stance, shape + person.shape
    cycles = phase(SECONDS, person.period * relative, rng)
    readings, forces = [], []
    for start, gains in zip((0.0, 0.5), person.gains, strict=True):
        u = (cycles + start) % 1.0 / stance
        forces.append(force(u, stance, shape, person.uneven))
        readings.append(gains * loads(u, forces[-1], person) ** person.exponent)
    clean = np.concatenate(readings, axis=1)
    seconds = np.arange(len(clean))[:, None] / RATE
    turns = seconds / rng.uniform(20, 60, clean.shape[1]) + rng.uniform(size=clean.shape[1])
    drift, noise = DRIFT * np.sin(2 * np.pi * turns), NOISE * rng.standard_normal(clean.shape)
    return (clean + drift + noise).astype(np.float32), np.stack(forces, axis=1).astype(np.float32)


def load() -> Recordings:
    """One recording per person and speed: 8 people, 3 speeds, 16 cells, 2 forces, 30 s at 100 Hz."""
    rng = np.random.default_rng(20261128)
    people = [Person.draw(rng) for _ in range(N_SUBJECTS)]
    walks = [walk(person, speed, rng) for person in people for speed in SPEEDS]
    return Recordings(
        signals=tuple(readings for readings, _ in walks),
        labels=tuple(np.full(len(x), i % len(SPEEDS)) for i, (x, _) in enumerate(walks)),
        subjects=np.repeat(np.arange(1, N_SUBJECTS + 1), len(SPEEDS)),
        rate=RATE,
        channels=CHANNELS,
        units=("a",) * len(CHANNELS),
        classes=tuple(SPEEDS),
        targets=tuple(forces for _, forces in walks),
        target_names=TARGETS,
        target_units=("body weights",) * len(TARGETS),
    )
