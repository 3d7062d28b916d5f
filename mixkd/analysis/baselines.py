"""Baselines without a network, untuned: the majority class, trees on statistics of a window, random convolutions.

On the splits of the networks: fitted on the training people, one temperature on the validation people, tested on the
held-out people. `python -m benchmarks.baselines` publishes what they reach.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd
import torch
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.linear_model import RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from mixkd.files import CHECKOUT
from mixkd.learning import calibration, metrics
from mixkd.learning.fold_data import FoldData
from mixkd.learning.forest import LOWEST, N_TREES
from mixkd.learning.statistics import simple_features, statistics
from mixkd.specs.views import WindowsView
from mixkd.windows import Windows

PUBLISHED = CHECKOUT / "results" / "baselines.csv"
STRENGTH = 1000.0  # of the ridge, the largest that Dempster et al. try: declared, cross validation would mix people
SHORTEST = 9  # samples of a window for MiniRocket; shorter ones repeat their last


def _on(features: Callable[[np.ndarray], np.ndarray], model: Any) -> Any:
    return make_pipeline(FunctionTransformer(features), model)


def _boosting(seed: int) -> Any:
    from lightgbm import LGBMClassifier  # here: slow to load, and needed by few

    # as XGBoost does: with 0.001 and 0, its own defaults, it diverges on rare classes, on three of ten folds of hapt
    model = LGBMClassifier(random_state=seed, n_jobs=1, verbose=-1, min_child_weight=1.0, reg_lambda=1.0)
    return _on(statistics, model)


class _Convolutions(BaseEstimator, TransformerMixin):
    """aeon's MiniRocket, without what it does to random numbers and threads of the rest of the program."""

    def __init__(self, seed: int):
        self.seed = seed

    def fit(self, x: np.ndarray, y: np.ndarray) -> _Convolutions:
        """To windows x (n, n_channels, n_samples)."""
        from aeon.transformations.collection.convolution_based import MiniRocket  # here: compiles itself, half a minute

        self.kernels = MiniRocket(random_state=self.seed, n_jobs=1)
        with _unchanged():
            self.kernels.fit(_long_enough(x))
        return self

    def transform(self, x: np.ndarray) -> np.ndarray:
        """Features (n, n_features) of windows x (n, n_channels, n_samples)."""
        with _unchanged():
            return self.kernels.transform(_long_enough(x))


@contextmanager
def _unchanged() -> Iterator[None]:
    numbers, threads = np.random.get_state(), torch.get_num_threads()  # noqa: NPY002 aeon seeds it
    try:
        yield
    finally:
        np.random.set_state(numbers)  # noqa: NPY002
        torch.set_num_threads(threads)


def _long_enough(x: np.ndarray) -> np.ndarray:
    """(n, n_channels, n_samples) to the same with at least SHORTEST samples."""
    return np.pad(x, ((0, 0), (0, 0), (0, max(0, SHORTEST - x.shape[2]))), mode="edge")


def _mini_rocket(seed: int) -> Any:
    return make_pipeline(_Convolutions(seed), StandardScaler(with_mean=False), RidgeClassifier(STRENGTH))


BASELINES: dict[str, Callable[[int], Any]] = {  # from a seed to an estimator of windows (n, n_channels, n_samples)
    "majority class": lambda seed: DummyClassifier(),
    "random forest": lambda seed: _on(simple_features, RandomForestClassifier(random_state=seed, n_jobs=1)),
    "extra trees": lambda seed: _on(statistics, ExtraTreesClassifier(N_TREES, random_state=seed, n_jobs=1)),
    "LightGBM": _boosting,
    "MiniRocket": _mini_rocket,
}


def fitted(name: str, train: Windows, seed: int = 0) -> Any:
    """A baseline fitted on the training windows. KeyError for a name that is not in BASELINES."""
    return BASELINES[name](seed).fit(train.x, train.y)


def logits(model: Any, x: np.ndarray, n_classes: int) -> np.ndarray:
    """What a fitted baseline says of windows x, (n, n_classes): log-probabilities, or the scores of a ridge.

    No class has a smaller probability than LOWEST, those that were not trained included.
    """
    if hasattr(model, "predict_proba"):
        answers, lowest = np.log(np.maximum(model.predict_proba(x), LOWEST)), np.log(LOWEST)
    else:
        answers = model.decision_function(x)
        answers = answers if answers.ndim == 2 else np.stack([-answers, answers], axis=1)
        lowest = answers.min(axis=1, keepdims=True)
    result = np.full((len(x), n_classes), lowest)
    result[:, model.classes_] = answers
    return result


def split_at_random(train: Windows, test: Windows, seed: int) -> tuple[Windows, Windows]:
    """All windows, split at random instead of by subject (leaky, for comparison); same number of test windows."""
    x, y, subject = (np.concatenate([getattr(w, a) for w in (train, test)]) for a in ("x", "y", "subject"))
    recording, start = (np.concatenate([getattr(w, a) for w in (train, test)]) for a in ("recording", "start"))
    order = np.random.default_rng(seed).permutation(len(y))
    everything = Windows(x, y, subject, recording, start)
    return everything[order[len(test) :]], everything[order[: len(test)]]


def accuracy(name: str, train: Windows, test: Windows, seed: int = 0) -> float:
    """Accuracy of a baseline that is fitted on training windows."""
    return float(fitted(name, train, seed).score(test.x, test.y))


def of_fold(part: FoldData, seed: int = 0, names: Iterable[str] = BASELINES) -> pd.DataFrame:
    """A row per baseline: dataset, fold, seed, baseline, subject (who is held out), temperature and the metrics.

    Metrics are those of the networks, as is and (`scaled_`) with outputs divided by the temperature.
    """
    train, validation, test = (part.splits[split] for split in ("train", "validation", "test"))
    about = {"dataset": part.about.windows.dataset, "fold": part.about.windows.fold, "seed": seed}
    rows = []
    for name in names:
        model = fitted(name, train, seed)
        answers, z = (logits(model, split.x, part.base.n_classes) for split in (validation, test))
        temperature = calibration.temperature(answers, validation.y)
        after = metrics.summary(z / temperature, test.y)
        row = about | {
            "baseline": name,
            "subject": part.fold.subject,
            "n_windows": len(test),
            "temperature": temperature,
        }
        row |= metrics.summary(z, test.y)
        rows.append(row | {f"scaled_{key}": after[key] for key in ("nll", "ece", "brier")})
    return pd.DataFrame(rows)


def table(data: dict[int, FoldData], seed: int = 0) -> pd.DataFrame:
    """`of_fold` for every fold: as published, where that is of the same windows, else fitted now."""
    known = {fold: published(part, seed) for fold, part in data.items()}
    return pd.concat([known[fold] if len(known[fold]) else of_fold(part, seed) for fold, part in data.items()])


def published(part: FoldData, seed: int = 0) -> pd.DataFrame:
    """What `of_fold` gave when it was published, without rows where that was not, or of other people or windows."""
    rows, view = pd.read_csv(PUBLISHED, dtype={"subject": str}), part.about.windows
    if view != WindowsView(view.dataset, view.fold, None):  # a part of the people or windows
        return rows[:0]
    of = {"dataset": view.dataset, "fold": view.fold, "seed": seed}
    of |= {"subject": part.fold.subject, "n_windows": len(part.splits["test"])}
    return rows[(rows[list(of)] == pd.Series(of)).all(axis=1)]
