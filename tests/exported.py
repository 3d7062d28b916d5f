"""Data sets of the registry, written as a practitioner's folder: a CSV file for each person."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv

from mixkd.datasets import Recordings


def export(recordings: Recordings, base: Path, people: int | None = None) -> Path:
    """A file for each of the first people: channels, and who, what and which recording in columns."""
    base.mkdir(parents=True, exist_ok=True)
    for subject in np.unique(recordings.subjects)[:people]:
        own = np.flatnonzero(recordings.subjects == subject)
        lengths = [len(recordings.signals[i]) for i in own]
        signal = np.concatenate([recordings.signals[i] for i in own])
        label = np.concatenate([recordings.labels[i] for i in own])
        columns = {name: signal[:, i] for i, name in enumerate(recordings.channels)}
        columns["subject"] = np.full(len(signal), f"p{subject}")
        columns["activity"] = np.array(recordings.classes)[label]
        columns["recording"] = np.repeat(own, lengths)
        pa.csv.write_csv(pa.table(columns), base / f"p{subject}.csv")
    return base
