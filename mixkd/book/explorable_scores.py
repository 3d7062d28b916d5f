"""Scores of published runs person by person, for the explorable of contrasts: every setting under a name in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import count
from typing import Any

import numpy as np

from mixkd.analysis.measures import MEASURES
from mixkd.book.explorable_data import packed
from mixkd.runs.store import RunRecord
from mixkd.specs.run import KD_WEIGHT, TEMPERATURE, ImageSpec, RunSpec
from mixkd.studies import Scope
from mixkd.studies.scope import DEFAULT_ALPHA
from mixkd.studies.tables import describe

STEPS = 2**24 - 1  # an NLL is kept in three bytes
GROUPS = {"none": "No teacher", "signal": "Signal teacher", "image": "Image teacher", "both": "Both teachers"}
STARTS = {"none": "labels alone", "both": "both teachers", "two signal": "two signal teachers"}
UNUSUAL: dict[str, tuple[Any, str]] = {  # column of `describe`: its usual value, and words for another
    "network": ("WRN16-1", "{}"),
    "teacher_network": ("WRN16-1", "teacher {}"),
    "image_mixing": ("linear", "image of the mixture"),
    "sampling": ("exact", "rows drawn as released"),
    "kd_reduction": ("equation", "KL as released"),
    "logit_scaling": ("none", "logits scaled as released"),
    "augment": ("none", "augmented by {}"),
    "teacher_augment": ("none", "teacher augmented by {}"),
    "orthogonality": (0.0, "orthogonality {:g}"),
    "people": (0, "trained on {} people"),
    "constants": ("", "{}"),
}


def label(spec: RunSpec) -> tuple[str, str]:
    """A setting in words, and the group that lists put it in: who taught, mixup, and what else is not usual."""
    about, plain = describe(spec), describe(RunSpec())
    itself = spec.role == "teacher"
    words = [STARTS.get(about["teachers"], f"{spec.modality if itself else about['teachers']} teacher")]
    if itself:
        words = [f"{spec.modality} network"]
    if about["teacher_mixup"]:
        only = about["mixed_teachers"] if about["mixed_teachers"] != about["teachers"] else ""
        words.append(" ".join(["mixup in the", *filter(None, [only]), "teacher"]) + _strength(about, "teacher_"))
    if spec.mixup:
        words.append(("mixup in the student" if spec.teachers else "mixup") + _strength(about, ""))
    if about["method"] not in ("Base", "Scratch"):
        words.append(about["method"])
    if spec.teachers and spec.method == "kd" and about["method"] != "RL":
        usual = {"temperature": (TEMPERATURE, "T = {:g}"), "kd_weight": (KD_WEIGHT, "weight of teachers {:g}")}
        usual |= {"image_weight": (0.5, "of the image teacher {:g}")} if about["teachers"] == "both" else {}
        words += [text.format(about[name]) for name, (value, text) in usual.items() if about[name] != value]
    if spec.image and about["resolution"] != ImageSpec().resolution:
        words.append("{0} x {0} pixels".format(about["resolution"]))
    for name, (value, text) in UNUSUAL.items():
        if about[name] not in (value, plain[name], ""):
            words.append(text.format(about[name]))
    return ", ".join(words), "Teachers themselves" if itself else GROUPS.get(about["teachers"], "Two signal teachers")


def _strength(about: dict[str, Any], of: str) -> str:
    alpha, share = about[f"{of}alpha"], about[f"{of}share"]
    parts = [f"α = {alpha:g}"] * (alpha != DEFAULT_ALPHA) + [f"{100 * share:.0f} % of each batch"] * (share != 1)
    return f" ({', '.join(parts)})" if parts else ""


def scores(records: Sequence[RunRecord], name: str) -> dict[str, Any] | None:
    """Accuracy and NLL of all people of a data set in each setting that has all folds; None without any.

    cells, by setting, seed and person: number of windows labelled right (two bytes), NLL in STEPS (three), in base64
    """
    settings: dict[RunSpec, dict[tuple[int, int], RunRecord]] = {}
    for record in records:
        if record.spec.dataset == name and record.spec.task == "classification":
            settings.setdefault(replace(record.spec, fold=0, seed=0), {})[record.spec.seed, record.spec.fold] = record
    if not settings:
        return None
    first = min(seed for runs in settings.values() for seed, _ in runs)
    folds = sorted({fold for runs in settings.values() for _, fold in runs})
    values: list[tuple[float, float]] = []
    rows: list[tuple[str, str, int]] = []
    for spec, runs in settings.items():
        text, group = label(spec)
        n_seeds = next(n for n in count() if not all((first + n, fold) in runs for fold in folds))
        if not n_seeds or text in (row[0] for row in rows):
            continue
        rows.append((text, group, n_seeds))
        for seed in range(first, first + n_seeds):
            subjects = [runs[seed, fold].probes["subjects"] for fold in folds]
            values += [(of["accuracy"], of["nll"]) for fold in subjects for of in fold.values()]
    people = [(fold, who) for fold in folds for who in next(iter(settings.values()))[first, fold].probes["subjects"]]
    accuracy, nll = np.array(values).reshape(-1, len(people), 2).transpose(2, 0, 1)
    n_windows = [_denominator(own) for own in accuracy.T]
    most = float(nll.max())
    right, steps = np.rint(accuracy * n_windows).astype("<u2"), np.rint(nll / most * STEPS).astype("<u4")
    cells = np.concatenate([right.reshape(-1, 1).view("u1"), steps.reshape(-1, 1).view("u1")[:, :3]], axis=1)
    about = {"name": name, "people": people, "windows": n_windows, "settings": rows, "most": most, "steps": STEPS}
    return about | {"cells": packed(cells)}


def _denominator(shares: np.ndarray) -> int:
    """The smallest number of windows of which all `shares` (n,) can be the part that was labelled right."""
    return next(n for n in range(1, 65536) if np.abs(shares * n - np.rint(shares * n)).max() < 1e-7 * n)


def contrasts(scope: Scope, records: Sequence[RunRecord]) -> dict[str, Any]:
    """Scores of the scope's data set, and of others `later`: scripts of their own, see `explorables.write`."""
    names = list(dict.fromkeys([scope.dataset, *(record.spec.dataset for record in records)]))
    sets = {name: one for name in names if (one := scores(records, name))}
    own, *others = sets
    labels = [row[0] for row in sets[own]["settings"]]
    wanted = ("image teacher, mixup in the teacher", "image teacher")
    return {
        "sets": list(sets),
        "people": {name: len(one["people"]) for name, one in sets.items()},
        "set": sets[own],
        "start": [text if text in labels else labels[0] for text in wanted],
        "metric": "nll",
        "margins": {metric: MEASURES[metric].margin for metric in ("accuracy", "nll")},
        "later": {name: sets[name] for name in others},
    }
