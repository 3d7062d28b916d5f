"""Registry of data sets: windows, epochs, licence and citation of each value of a `dataset` parameter."""

from __future__ import annotations

import importlib
import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from mixkd.datasets.recordings import Recordings
from mixkd.errors import MixkdError, nearest

Rule = Literal["whole", "ends"]
Scaling = Literal["overall", "within"]


@dataclass(frozen=True)
class Dataset:
    """A registry entry: how recordings are cut into windows and how long networks train on them.

    window, step in samples. Sources of the choices: book/defaults.md.
    """

    title: str
    module: str
    window: int
    step: int
    epochs: int
    batch_size: int
    licence: str
    citation: str
    seeds: int = 3  # maximum, in the full profile
    sensors: str = ""  # quantities; positions on the body
    loader: str = "load"  # function of the module
    unpaired: tuple[int, ...] = ()  # subjects that paired tests leave out
    test: tuple[int, ...] = ()  # subjects of an official test set; empty: cross-validation over all subjects
    rule: Rule = "whole"  # which windows have a label, see mixkd/windows.py
    scaling: Scaling = "overall"  # how signals are normalised, see mixkd/windows.py
    source: str = ""  # folder of the raw files, and name in mixkd/datasets/raw/sources.py; none: nothing to fetch
    reading: dict[str, Any] = field(default_factory=dict)  # format of files of your own, also of new ones
    quality: tuple[dict[str, str], ...] = ()  # a row for each file of your own
    labels: tuple[str, ...] = ()  # beside the activity: placement, targets
    imported: str = ""  # name of imported recordings of your own, see mixkd/datasets/own/imported.py

    def load(self) -> Recordings:
        """The recordings. Raises MixkdError if the raw files are missing or damaged."""
        loader = getattr(importlib.import_module(self.module), self.loader)
        return loader(self.imported) if self.imported else loader()


UCI_HAR_TEST = (2, 4, 9, 10, 12, 13, 18, 20, 24)  # subjects; the other 21 of 30 are for training

DATASETS = {
    "watch": Dataset(
        title="Smartwatch shoulder exercises (seglearn)",
        module="mixkd.datasets.sets.watch",
        window=100,
        step=50,
        epochs=20,
        batch_size=64,
        sensors="acc, gyro; wrist",
        licence="BSD-3-Clause, as part of the package seglearn",
        citation="burns2018",
        labels=("placement",),
    ),
    "selfback": Dataset(
        title="selfBACK, wrist, nine activities",
        module="mixkd.datasets.sets.selfback",
        window=250,
        step=250,
        epochs=8,
        batch_size=64,
        sensors="acc; wrist",
        licence="CC BY 4.0 at UCI (521); the authors' repository asks for citation",
        citation="sani2017",
        source="selfback",
        seeds=2,
    ),
    "hapt": Dataset(
        title="Postural transitions, phone at the waist (HAPT)",
        module="mixkd.datasets.sets.hapt",
        window=128,
        step=64,
        epochs=10,
        batch_size=64,
        sensors="acc, gyro; waist",
        licence="CC BY 4.0 at UCI (341); its README forbids commercial use",
        citation="reyes2016",
        source="hapt",
    ),
    "dsads": Dataset(
        title="Daily and sports activities, five units",
        module="mixkd.datasets.sets.dsads",
        window=100,
        step=100,
        epochs=10,
        batch_size=64,
        sensors="acc, gyro, mag; torso, arms, legs",
        licence="CC BY 4.0 at UCI (256)",
        citation="altun2010",
        source="dsads",
    ),
    "pamap2": Dataset(
        title="Three units and heart rate, twelve activities (PAMAP2)",
        module="mixkd.datasets.sets.pamap2",
        window=100,
        step=22,
        epochs=8,
        batch_size=64,
        sensors="acc, gyro, mag, temperature; hand, chest, ankle; heart rate",
        licence="CC BY 4.0 at UCI (231)",
        citation="reiss2012",
        source="pamap2",
        rule="ends",
        unpaired=(109,),  # has one activity only
        seeds=2,
    ),
    "ucihar": Dataset(
        title="Six activities, phone at the waist (UCI HAR)",
        module="mixkd.datasets.sets.ucihar",
        window=128,
        step=128,
        epochs=10,
        batch_size=64,
        sensors="acc, gyro; waist",
        licence="CC BY 4.0 at UCI (240); its README forbids commercial use",
        citation="anguita2013",
        source="ucihar",
        seeds=2,
    ),
    "mhealth": Dataset(
        title="Twelve exercises, chest, ankle and arm (MHEALTH)",
        module="mixkd.datasets.sets.mhealth",
        window=100,
        step=50,
        epochs=15,
        batch_size=64,
        sensors="acc, gyro, mag; ankle, lower arm; acc, ECG; chest",
        licence="CC BY 4.0 at UCI (319)",
        citation="banos2014",
        source="mhealth",
        seeds=2,
    ),
    "wisdm": Dataset(
        title="Eighteen activities, watch (WISDM 2019)",
        module="mixkd.datasets.sets.wisdm",
        window=100,
        step=100,
        epochs=6,
        batch_size=64,
        sensors="acc; wrist",
        licence="CC BY 4.0 at UCI (507)",
        citation="weiss2019",
        source="wisdm",
        seeds=2,
    ),
    "wisdm_v1": Dataset(
        title="Six activities, phone in the pocket (WISDM v1.1)",
        module="mixkd.datasets.sets.wisdm",
        loader="v1",
        window=100,
        step=100,
        epochs=10,
        batch_size=64,
        sensors="acc; trouser pocket",
        licence="none stated; the paper is to be cited",
        citation="kwapisz2010",
        source="wisdm_v1",
        seeds=2,
    ),
    "synthetic": Dataset(
        title="Synthetic signals of known topology",
        module="mixkd.datasets.sets.synthetic",
        window=100,
        step=50,
        epochs=10,
        batch_size=64,
        sensors="none: two made channels",
        licence="generated",
        citation="mixkd",
    ),
    "gait": Dataset(
        title="Simulated insoles, to vertical force",
        module="mixkd.datasets.sets.gait",
        window=50,
        step=10,
        epochs=12,
        batch_size=64,
        sensors="none: made pressure cells; both insoles",
        licence="generated",
        citation="alexander1980",
        labels=("targets",),
    ),
    "gaitpdb": Dataset(
        title="Insole sensors, two of eight, to total force (gaitpdb)",
        module="mixkd.datasets.sets.gaitpdb",
        window=50,
        step=10,
        epochs=12,
        batch_size=64,
        sensors="force; heel and ball of both insoles",
        licence="ODC-By 1.0 at PhysioNet",
        citation="hausdorff2008",
        source="gaitpdb",
        seeds=2,
        labels=("targets",),
    ),
    "running": Dataset(
        title="One runner, acceleration to force, by speed and slope",
        module="mixkd.datasets.sets.running",
        window=50,
        step=5,
        epochs=25,
        batch_size=64,
        sensors="acc, two axes; sacrum",
        licence="Apache 2.0, of the authors' repository",
        citation="alcantara2022",
        source="running",
        seeds=2,
        labels=("targets",),
    ),
}

DATASETS |= {  # other views of the same files
    "selfback_thigh": replace(
        DATASETS["selfback"], title="selfBACK, thigh, nine activities", sensors="acc; thigh", loader="thigh"
    ),
    "selfback_placed": replace(
        DATASETS["selfback"],
        title="selfBACK, wrist and thigh, nine activities",
        sensors="acc; wrist or thigh",
        loader="placed",
        epochs=6,
        labels=("placement",),
    ),
    "dsads_placed": replace(
        DATASETS["dsads"],
        title="Daily and sports activities, one of five units",
        sensors="acc, gyro, mag; torso, an arm or a leg",
        loader="placed",
        epochs=3,
        labels=("placement",),
    ),
    "mhealth_placed": replace(
        DATASETS["mhealth"],
        title="Twelve exercises, chest, ankle or arm (MHEALTH)",
        sensors="acc; chest, ankle or lower arm",
        loader="placed",
        epochs=5,
        labels=("placement",),
    ),
    "wisdm_placed": replace(
        DATASETS["wisdm"],
        title="Eighteen activities, watch or phone (WISDM 2019)",
        sensors="acc; wrist or pocket",
        loader="placed",
        epochs=3,
        labels=("placement",),
    ),
    "hapt_official": replace(DATASETS["hapt"], title="HAPT, official split by people", seeds=3, test=UCI_HAR_TEST),
    "pamap2_released": replace(
        DATASETS["pamap2"],
        title="PAMAP2, scaled and normalised as in the group's released code",
        loader="released",
        scaling="within",
    ),
    "ucihar_official": replace(
        DATASETS["ucihar"], title="UCI HAR, official split by people", seeds=3, test=UCI_HAR_TEST
    ),
}


KEPT = "folder-"  # prefix of the names of imported folders


def dataset(name: str) -> Dataset:
    """The registry entry of a public or imported data set. Raises MixkdError with the nearest name otherwise."""
    if name in DATASETS:
        return DATASETS[name]
    if name.startswith(KEPT):
        return importlib.import_module("mixkd.datasets.own.imported").entry(name)
    raise MixkdError(f"dataset: found {name!r}, {nearest(name, DATASETS)}")


def named(text: str) -> str:
    """The name of a data set, given that name or a folder of your own recordings, which is imported into the store."""
    if text not in DATASETS and not text.startswith(KEPT) and os.path.isdir(text):  # False where it is no path at all
        return importlib.import_module("mixkd.datasets.own.imported").keep(Path(text))
    dataset(text)
    return text
