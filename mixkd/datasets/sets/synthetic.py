"""`synthetic`: signals whose topology is known in closed form, for tests and for teaching.

Class (tempo, dips) on every channel: a cosine of amplitude a and 1 or 2 cycles per second; with `dips`, every crest
carries a notch down to 0, between shoulders at s = cos(0.2 pi) a = 0.81 a. Without noise, the sublevel-set H0 diagram
of k cycles from crest to crest has k - 1 finite pairs (-a, a), for each valley but one; with dips k - 1 pairs (-a, s)
and k + 1 pairs (0, s), for each notch, the halves at both ends included. (At 2 cycles per second 50 Hz just misses the
valleys and shoulders.) Each subject has its own gain, phase and noise.
"""

from __future__ import annotations

import numpy as np

from mixkd.datasets import Recordings

RATE = 50.0
CLASSES = ("slow", "slow dips", "fast", "fast dips")
N_SUBJECTS, SECONDS, NOISE = 6, 24, 0.15


def wave(seconds: float, tempo: float, dips: bool, *, amplitude: float = 1.0, phase: float = 0.0) -> np.ndarray:
    """One noiseless channel, (n_samples,) float64; starts at a crest when phase (in cycles) is 0."""
    cycle = (np.arange(round(seconds * RATE)) * tempo / RATE + phase) % 1.0
    crest = np.minimum(cycle, 1 - cycle)  # distance to the nearest crest, in cycles
    x = amplitude * np.cos(2 * np.pi * cycle)
    if dips:
        x = x - amplitude * np.clip(1 - crest / 0.1, 0, None)
    return x


def load() -> Recordings:
    """One recording per subject and class: 6 subjects, 4 classes, 2 channels of unit `a`, 24 s at 50 Hz."""
    rng = np.random.default_rng(20250202)
    signals, labels, subjects = [], [], []
    for subject in range(1, N_SUBJECTS + 1):
        gain, phase = rng.uniform(0.6, 1.4), rng.uniform(size=2)
        for label in range(len(CLASSES)):
            tempo, dips = 1.0 + label // 2, bool(label % 2)
            x = np.stack([wave(SECONDS, tempo, dips, amplitude=gain, phase=p) for p in phase], axis=1)
            signals.append((x + NOISE * rng.standard_normal(x.shape)).astype(np.float32))
            labels.append(np.full(len(x), label))
            subjects.append(subject)
    return Recordings(
        signals=tuple(signals),
        labels=tuple(labels),
        subjects=np.array(subjects),
        rate=RATE,
        channels=("x", "y"),
        units=("a", "a"),
        classes=CLASSES,
    )
