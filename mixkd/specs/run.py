"""What describes a run: a frozen dataclass, strictly parsed, with a hash that is stable everywhere.

Two runs that train the same network have equal specs: a field that has no effect on a run takes
its neutral value, so that equality and the hash mean "the same training".
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

from mixkd.specs.checks import KD_WEIGHT, check_inputs, check_method
from mixkd.specs.methods import METHODS
from mixkd.specs.parts import (
    Augment,
    Constant,
    Family,
    ImageSpec,
    Mixup,
    Modality,
    Order,
    Precision,
    TeacherSpec,
    check_size,
)
from mixkd.specs.strict import Spec
from mixkd.specs.tasks import TASKS
from mixkd.specs.views import DataView, NetworkView, StreamView, WindowsView

__all__ = ["KD_WEIGHT", "RECIPE", "Constant", "ImageSpec", "Mixup", "Modality", "RunSpec", "TeacherSpec"]
TEMPERATURE = 4.0  # source: released code of the group
PLAIN: dict[str, Any] = {"teachers": (), "method": "kd", "constants": (), "orthogonality": 0.0, "order": "shuffled"}
RECIPE = 1  # raise when a change of code changes the numbers of all runs; of some runs: `RunSpec.recipe`


@dataclass(frozen=True)
class RunSpec(Spec):
    """One network to train, completely described. Defaults: declared in book/defaults.md unless a source is given.

    A run with `teachers` is a distillation; `mixup` is then the one stream that student and teachers see.
    `init`: `random` (Base); `scratch` starts from the same network trained from scratch (Ann, or `scratch-2x`
    without teachers); `base` starts from this very run with random initialisation (`base-2x`).
    `method`: see mixkd/specs/methods.py. `released` options do what the group's released code does where it differs
    from its equations: KL averaged over classes too; logits divided by their standard deviation, without a temperature
    (MIX-KD), or by half of it in the KD term, whose factor T^2 stays (`tda_kd`).
    `precision`: of activations and products in a step, also where its teachers are trained. Weights, losses, statistics
    of BatchNorm, the optimiser, what teachers answer, and evaluation are float32.
    """

    dataset: str = "watch"
    fold: int = 0
    seed: int = 0
    role: Literal["student", "teacher"] = "student"
    modality: Modality = "signal"
    depth: int = 16
    width: int = 1
    init: Literal["random", "scratch", "base"] = "random"
    teachers: tuple[TeacherSpec, ...] = ()
    method: str = "kd"
    kd_reduction: Literal["exact", "released"] = "exact"
    logit_scaling: Literal["exact", "released", "tda_kd"] = "exact"
    stopping: Literal["last", "best_validation"] = "last"
    mixup: Mixup | None = None
    temperature: float = TEMPERATURE
    kd_weight: float = KD_WEIGHT
    image_mixing: Literal["linear", "recompute"] = "linear"
    image: ImageSpec | None = None
    epochs: int = 20
    batch_size: int = 64  # source: released code
    schedule: Literal["onecycle", "step"] = "onecycle"
    learning_rate: float = 0.1
    momentum: float = 0.9  # source: released code
    weight_decay: float = 1e-4  # source: released code
    windows_per_class: int | None = None  # cap per subject and class: makes the `smoke` profile small
    task: str = "classification"  # of `specs/tasks.py`
    constants: tuple[Constant, ...] = ()  # of the method, those that differ from their defaults
    family: Family = "wrn"  # of the network; depth and width are those of a `wrn`
    order: Order = "shuffled"  # of the windows of a batch; `time`: consecutive ones
    augment: Augment = "none"  # of the signals of a batch, after mixup
    orthogonality: float = 0.0  # weight of the Orthogonal Spheres term, with any method; see `map_losses`
    people: int | None = None  # training people, the first so many of an order drawn from the seed; None: all
    label_noise: float = 0.0  # share of training windows that are labelled as another class, drawn from the seed
    balance: bool = False  # cross-entropy weighted by the inverse frequency of classes in the training windows
    start: str | None = None  # name of the weights of an earlier student, see mixkd/runs/starts.py
    precision: Precision = "float32"

    def check(self) -> None:
        """See `Spec.check`."""
        self.require("method", self.method in METHODS, f"one of {', '.join(METHODS)}")
        self.require("task", self.task in TASKS, f"one of {', '.join(TASKS)}")
        self.require("fold", self.fold >= 0, "a fold from 0")
        self.require("seed", 0 <= self.seed < 2**31, "a seed from 0 to 2^31 - 1")
        check_size(self)
        self.require("temperature", 0.1 <= self.temperature <= 100, "a temperature from 0.1 to 100")
        self.require("kd_weight", 0 <= self.kd_weight <= 1, "a weight from 0 to 1")
        self.require("epochs", self.epochs >= 1, "at least 1 epoch")
        self.require("batch_size", self.batch_size >= 2, "at least 2 windows")
        self.require("learning_rate", 0 < self.learning_rate <= 10, "a rate in (0, 10]")
        self.require("momentum", 0 <= self.momentum < 1, "a momentum in [0, 1)")
        self.require("weight_decay", 0 <= self.weight_decay < 1, "a decay in [0, 1)")
        check_method(self)
        check_inputs(self)

    def constant(self, name: str) -> float:
        """A constant of the method: as given, or its default."""
        given = {constant.name: constant.value for constant in self.constants}
        return given.get(name, METHODS[self.method].constants[name])

    @cached_property
    def windows(self) -> WindowsView:
        """See `views`."""
        seed = self.seed if self.people is not None or self.label_noise else None
        return WindowsView(self.dataset, self.fold, self.windows_per_class, self.people, seed, self.label_noise)

    @cached_property
    def data(self) -> DataView:
        """See `views`."""
        return DataView(self.windows, self.task, self.image, self.image_mixing, self.on_sphere, self.balance)

    @cached_property
    def stream(self) -> StreamView:
        """See `views`."""
        about = self.windows, self.seed, self.role, self.epochs, self.batch_size
        return StreamView(*about, self.mixup, self.augment, self.order)

    @cached_property
    def network(self) -> NetworkView:
        """See `views`."""
        way = METHODS[self.method].own_head
        head = self.teachers[0].width if way else None
        about = self.seed, self.role, self.modality, self.depth, self.width, head
        return NetworkView(*about, self.family, way == "maps")

    @property
    def sees_images(self) -> bool:
        """Whether the network or one of its teachers reads persistence images."""
        return self.modality == "image" or any(t.modality == "image" for t in self.teachers)

    @property
    def on_sphere(self) -> bool:
        """Whether its mixup mixes latents of windows and images, see mixkd/learning/sphere.py."""
        return self.mixup is not None and self.mixup.where == "sphere"

    @cached_property
    def teacher_runs(self) -> tuple[RunSpec, ...]:
        """The runs that train this run's teachers: same fold and schedule, their own mixup, the seed plus an offset."""
        return tuple(
            replace(
                self,
                role="teacher",
                seed=self.seed + t.seed_offset,
                modality=t.modality,
                depth=t.depth,
                width=t.width,
                mixup=t.mixup,
                stopping=t.stopping,
                augment=t.augment,
                init="random",
                start=None,
                family=t.family,
                **PLAIN,
            )
            for t in self.teachers
        )

    @cached_property
    def parent(self) -> RunSpec | None:
        """The run whose last weights this one starts from, or None."""
        if self.init == "scratch":
            alone = replace(self, init="random", **PLAIN)
            return replace(alone, mixup=None, augment="none") if self.teachers else alone
        return replace(self, init="random") if self.init == "base" else None

    @cached_property
    def requires(self) -> tuple[RunSpec, ...]:
        """Runs that must be trained before this one."""
        return self.teacher_runs + ((self.parent,) if self.parent else ())

    @cached_property
    def recipe(self) -> int:
        """Version of the code that this run's numbers depend on; a stored run of another version is trained anew.

        2 (November 2026): `released` sampling keeps clean rows in the permuted batch; the local part of AMD is scaled
        on the whole map; EBKD weights by inverse entropy.
        """
        sampled = self.mixup is not None and self.mixup.sampling == "released"
        own = 2 if sampled or self.method in ("amd_local", "ebkd") else 1
        return max(RECIPE, own, *(required.recipe for required in self.requires))

    @property
    def total_epochs(self) -> int:
        """Epochs of the student's weights, its parent's included; teachers not."""
        return self.epochs + (self.parent.total_epochs if self.parent else 0)

    @property
    def name(self) -> str:
        """Short and readable, for progress bars and errors; not unique (the hash is)."""
        mix = f" mixup {self.mixup.alpha:g}/{self.mixup.share:g}" if self.mixup else ""
        teachers = "".join(f" <{_network(t)}{'m' if t.mixup else ''}" for t in self.teachers)
        temperature = f" {self.method} T={self.temperature:g}" if self.teachers else ""
        init = "" if self.init == "random" else f" from {self.init}"
        init = f" from {self.start}" if self.start else init
        init += " balanced" if self.balance else ""
        return (
            f"{self.dataset} fold {self.fold} seed {self.seed} {self.role} {_network(self)}"
            f"{teachers}{temperature}{mix}{init}"
        )


def _network(of: RunSpec | TeacherSpec) -> str:
    return f"{of.modality} {f'{of.depth}-{of.width}' if of.family == 'wrn' else of.family}"
