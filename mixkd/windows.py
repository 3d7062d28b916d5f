"""Recordings -> windows, folds by subject, and normalisation fitted on training rows only."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from mixkd.datasets import Recordings, Rule, Scaling, dataset
from mixkd.errors import MixkdError
from mixkd.rng import generator
from mixkd.specs.views import WindowsView

LEAVE_ONE_OUT_UP_TO = 20  # subjects; larger sets are cut into 10 folds
CONSTANT = 1e-12  # a standard deviation up to this share of the mean is rounding


@dataclass(frozen=True)
class Windows:
    """Fixed-length cuts of recordings, in physical units.

    x: (n_windows, n_channels, n_samples) float32; y, subject, recording, start: (n_windows,) int64
    placement: (n_windows,) int64; target: (n_windows, n_targets) float32, at the middle of the window; None: not known
    """

    x: np.ndarray
    y: np.ndarray
    subject: np.ndarray
    recording: np.ndarray
    start: np.ndarray
    placement: np.ndarray | None = None
    target: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.y)

    def __getitem__(self, rows: np.ndarray) -> Windows:
        arrays = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        chosen = {name: array[rows] for name, array in arrays.items() if array is not None}
        return dataclasses.replace(self, **chosen)


@dataclass(frozen=True)
class Fold:
    """Subjects that are tested, subjects that choices are made on, and the rest, which trains.

    whole: windows of all the rest where `train` is a part of it, see `RunSpec.people`; 0: those of `train`
    """

    test: tuple[int, ...]
    validation: tuple[int, ...]
    train: tuple[int, ...]
    whole: int = 0

    @property
    def subject(self) -> str:
        """The test subjects as tables name them."""
        return "+".join(map(str, self.test))


def cut(recordings: Recordings, window: int, step: int, rule: Rule = "whole") -> Windows:
    """Windows of `window` samples every `step`; those whose label changes inside are left out.

    rule: `ends` asks only that the first and the last sample agree, and starts at `step` (the group's released code
    for PAMAP2). Raises MixkdError when none fits.
    """
    if window < 1 or step < 1:
        raise MixkdError(f"windows: found window {window} and step {step}, expected at least 1 sample each")
    x, y, subject, recording, start = [], [], [], [], []
    for i, (signal, label) in enumerate(zip(recordings.signals, recordings.labels, strict=True)):
        n = len(signal)
        for s in range(0, n - window + 1, step) if rule == "whole" else range(step, n - window, step):
            inside = label[s : s + window] if rule == "whole" else label[s + window - 1]
            if (inside == label[s]).all():
                x.append(signal[s : s + window].T)
                y.append(label[s])
                subject.append(recordings.subjects[i])
                recording.append(i)
                start.append(s)
    if not x:
        longest = max((len(s) for s in recordings.signals), default=0)
        raise MixkdError(f"windows: none of {window} samples with one label fits; the longest recording has {longest}")
    cuts = Windows(
        np.stack(x).astype(np.float32), *(np.array(a, dtype=np.int64) for a in (y, subject, recording, start))
    )
    placement = recordings.placement[cuts.recording] if recordings.placements else None
    if not recordings.targets:
        return dataclasses.replace(cuts, placement=placement)
    middles = zip(cuts.recording, cuts.start + window // 2, strict=True)
    target = np.stack([recordings.targets[i][sample] for i, sample in middles]).astype(np.float32)
    return dataclasses.replace(cuts, placement=placement, target=target)


def thin(windows: Windows, per_class: int) -> Windows:
    """At most `per_class` windows of each subject and class, evenly spaced."""
    keep = []
    for subject in np.unique(windows.subject):
        for label in np.unique(windows.y):
            rows = np.flatnonzero((windows.subject == subject) & (windows.y == label))
            if len(rows) > per_class:
                rows = rows[np.linspace(0, len(rows) - 1, per_class).round().astype(int)]
            keep.append(rows)
    return windows[np.sort(np.concatenate(keep))]


def folds(subjects: np.ndarray, test: tuple[int, ...] = ()) -> tuple[Fold, ...]:
    """Every subject is tested in exactly one fold; validation subjects are the next in (cyclic) order of id.

    subjects: (n,), the ids of people, of each recording or window. Up to 20: leave one out, one validation subject.
    Above: 10 folds, 10 % of the remaining to validate.
    test: the people of an official test set; then there is one fold. Raises MixkdError below 3 subjects.
    """
    ids = [int(s) for s in np.unique(subjects)]
    if len(ids) < 3:
        raise MixkdError(f"folds: found {len(ids)} subjects, expected at least 3 (test, validation, training)")
    small = len(ids) <= LEAVE_ONE_OUT_UP_TO
    groups = [[s] for s in ids] if small else [list(map(int, g)) for g in np.array_split(ids, 10)]
    if test:
        if missing := sorted(set(test) - set(ids)):
            raise MixkdError(f"folds: found no subject {missing[0]}, expected all of the official test set")
        groups = [sorted(test), [s for s in ids if s not in test]]
    result = []
    for i, tested in enumerate(groups[:1] if test else groups):
        following = [s for g in groups[i + 1 :] + groups[:i] for s in g]
        n_validation = 1 if small else round(0.1 * len(following))
        validation = following[:n_validation]
        result.append(Fold(tuple(tested), tuple(validation), tuple(sorted(following[n_validation:]))))
    return tuple(result)


def everybody(folds: tuple[Fold, ...]) -> Fold:
    """All subjects train. Those of the first fold are tested too, so its accuracies say nothing about new people."""
    first = folds[0]
    return Fold(first.test, first.validation, tuple(sorted({*first.test, *first.validation, *first.train})))


def split(windows: Windows, fold: Fold) -> dict[str, Windows]:
    """`train`, `validation` and `test` windows of a fold."""
    parts = {"train": fold.train, "validation": fold.validation, "test": fold.test}
    return {name: windows[np.flatnonzero(np.isin(windows.subject, subjects))] for name, subjects in parts.items()}


def fewer(fold: Fold, about: WindowsView) -> Fold:
    """The fold with `about.people` of its training people: the first of an order drawn for the fold from the seed.

    So fewer people are among more. Raises MixkdError for more than there are.
    """
    assert about.people is not None
    assert about.seed is not None
    n = len(fold.train)
    if about.people > n:
        there = f"1 to {n}, the training people of fold {about.fold} of {about.dataset}, or nothing for all"
        raise MixkdError(f"RunSpec.people: found {about.people}, expected {there}")
    order = generator(about.seed, "people", str(about.fold)).permutation(fold.train)
    return dataclasses.replace(fold, train=tuple(sorted(order[: about.people].tolist())))


def mislabelled(train: Windows, about: WindowsView, n_classes: int) -> Windows:
    """Training windows of which a share, `about.label_noise`, has another label: rows and labels drawn from the seed.

    Windows that a smaller share changes are among those of a larger one, and get the same label there. All other
    classes are equally probable. Raises MixkdError where there is no other class.
    """
    if n_classes < 2:
        raise MixkdError(f"RunSpec.label_noise: found {about.label_noise:g} for {about.dataset}, which has one class")
    assert about.seed is not None
    rng = generator(about.seed, "label noise", str(about.fold))
    rows, steps = rng.permutation(len(train)), rng.integers(1, n_classes, len(train))
    chosen = rows[: round(about.label_noise * len(train))]
    y = train.y.copy()
    y[chosen] = (y[chosen] + steps[chosen]) % n_classes
    return dataclasses.replace(train, y=y)


def of_fold(about: WindowsView) -> tuple[dict[str, Windows], Fold, Recordings]:
    """Windows by part of a data set's fold, who is in which, and the recordings.

    The fold after the last trains on everybody, for a student to take away. Raises MixkdError for an unknown data set
    or fold, and for too many people.
    """
    entry = dataset(about.dataset)
    recordings = entry.load()
    cuts = cut(recordings, entry.window, entry.step, entry.rule)
    if about.windows_per_class:
        cuts = thin(cuts, about.windows_per_class)
    every = folds(recordings.subjects, entry.test)
    if about.fold > len(every):
        expected = f"0 to {len(every) - 1}, or {len(every)} to train on everybody"
        raise MixkdError(f"RunSpec.fold: found {about.fold}, expected {expected}, for {about.dataset}")
    fold = every[about.fold] if about.fold < len(every) else everybody(every)
    if about.people is not None:
        fold = dataclasses.replace(fewer(fold, about), whole=int(np.isin(cuts.subject, fold.train).sum()))
    parts = split(cuts, fold)
    if about.label_noise:
        parts["train"] = mislabelled(parts["train"], about, len(recordings.classes))
    return parts, fold, recordings


@dataclass(frozen=True)
class Normalisation:
    """Per-channel mean and standard deviation, (n_channels,) each."""

    mean: np.ndarray
    std: np.ndarray

    @staticmethod
    def fit(x: np.ndarray, scaling: Scaling = "overall") -> Normalisation:
        """From training rows (n_windows, n_channels, ...). A constant channel keeps std 1.

        scaling: by the standard deviation over all samples, or (`within`, the group's released code) by the mean of
        those inside each window. Raises MixkdError on an empty array, and where a mean or std is not finite in float32.
        """
        _expect_channels(x)
        if x.size == 0:
            raise MixkdError(f"normalisation: found shape {x.shape}, expected at least one value in each channel")
        axes = (0, *range(2, x.ndim))
        with np.errstate(over="ignore", invalid="ignore"):  # refused below
            mean = x.mean(axes, dtype=np.float64)
            if scaling == "within":
                std = x.std(axes[1:], dtype=np.float64).mean(0)
            else:
                std = x.std(axes, dtype=np.float64)
            constant = std <= np.maximum(CONSTANT * np.abs(mean), np.finfo(np.float32).tiny)
            fitted = Normalisation(mean.astype(np.float32), np.where(constant, 1.0, std).astype(np.float32))
        finite = np.isfinite(fitted.mean) & np.isfinite(fitted.std)
        if not finite.all():
            raise MixkdError(f"normalisation: found a value in channel {finite.argmin()} that is not finite in float32")
        return fitted

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """(x - mean) / std of each channel of x (n_windows, n_channels, ...)."""
        _expect_channels(x, len(self.mean))
        shape = (1, -1) + (1,) * (x.ndim - 2)
        return (x - self.mean.reshape(shape)) / self.std.reshape(shape)


def _expect_channels(x: np.ndarray, n_channels: int | None = None) -> None:
    """MixkdError unless x is an array (n_windows, n_channels, ...) of real numbers."""
    found = f"{x.dtype} {x.shape}" if isinstance(x, np.ndarray) else type(x).__name__
    fits = isinstance(x, np.ndarray) and x.dtype.kind in "fiu" and x.ndim >= 2
    if not fits or n_channels not in (None, x.shape[1]):
        wanted = "n_channels" if n_channels is None else n_channels
        raise MixkdError(f"normalisation: found {found}, expected real numbers (n_windows, {wanted}, ...)")
