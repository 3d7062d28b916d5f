"""The runs of the studies of the line of work, from one base; each has the controls of its question in it."""

from __future__ import annotations

from dataclasses import replace

from mixkd.specs.parts import Augment
from mixkd.specs.run import TEMPERATURE, Constant, Mixup, RunSpec, TeacherSpec
from mixkd.studies.bases import Extent, n_trained, taught

SPHERES = 0.01  # weight of the Orthogonal Spheres term: declared
SMOOTH_TEMPERATURE = 3.0  # source: released code of Smooth-Distill
SSD_TEMPERATURE = 5.0  # of the weights of passes; source: released code of the stochastic teacher
MTL_RATE = 0.03  # peak learning rate of MTL-net, which has no batch norm: book/defaults.md
KINDS: tuple[Augment, ...] = ("removal", "noise", "shifting", "mix1", "mix2")
SWAP_OPTIONS = {  # constants of patch swap beside its defaults: a cross-fade is half as long as a segment (declared)
    "cross-fade of 10 samples": Constant("fade", 10.0),
    "both windows from one person": Constant("same_person", 1.0),
    "no gradient through the other view": Constant("stop_gradient", 1.0),
}
FEW = (2, 4)  # training people; declared
WRONG = (0.4, 0.2)  # shares of wrong labels; `quick`: the first alone; declared
DECODED = 0.01  # alpha of a control that decodes and does not mix


def plain(base: RunSpec, of: Extent) -> list[RunSpec]:
    """The controls that most systems have in common: labels, mixup, a signal teacher, and a teacher with mixup."""
    mixup = Mixup(of.alpha)
    return [base, replace(base, mixup=mixup), taught(base, "signal"), taught(base, "signal", mixup=mixup)]


def patch_swap(base: RunSpec, of: Extent) -> list[RunSpec]:
    """Alone, with mixup, with a teacher; beside label smoothing, which softens labels and pairs nothing.

    `full`: with both too, and each option alone.
    """
    runs = plain(base, of)
    swaps = [replace(run, method="patch_swap", temperature=TEMPERATURE) for run in runs]
    options = [replace(swaps[0], constants=(option,)) for option in SWAP_OPTIONS.values()]
    return runs + (swaps + options if of.full else swaps[:3]) + [replace(base, method="label_smoothing")]


def without_teacher(base: RunSpec, of: Extent) -> list[RunSpec]:
    """Students that teach themselves or ask a teacher many times, beside labels alone and an ordinary teacher."""
    selves = [replace(base, method=name, temperature=SMOOTH_TEMPERATURE) for name in ("smooth", "dropout")]
    stochastic = taught(base, "signal", method="ssd", temperature=SSD_TEMPERATURE)
    return [base, taught(base, "signal"), *selves, stochastic]


def spheres(base: RunSpec, of: Extent) -> list[RunSpec]:
    """Orthogonal Spheres beside labels, mixup, a teacher and both."""
    runs = plain(base, of)
    with_term = [replace(run, orthogonality=SPHERES) for run in runs]
    return runs + (with_term if of.full else with_term[:2])


def augmentation(base: RunSpec, of: Extent) -> list[RunSpec]:
    """What is done to signals, and for whom: Mix1 alone, each kind for the student and for both; beside mixup.

    The teacher is a signal WRN16-1. `quick`: Mix1 only. `full`: also the early stopped teacher (ESKD), and another kind
    for the teacher than for the student.
    """
    kd = taught(base, "signal")
    runs = [*plain(base, of), replace(base, augment="mix1")]
    for kind in KINDS if of.full else ("mix1",):
        runs += [replace(kd, augment=kind), replace(kd, augment=kind, teachers=(TeacherSpec(augment=kind),))]
    if of.full:
        runs += [
            replace(kd, augment="noise", teachers=(TeacherSpec(augment="shifting"),)),
            replace(kd, teachers=(TeacherSpec(stopping="best_validation"),)),
        ]
    return runs


def moments(base: RunSpec, of: Extent) -> list[RunSpec]:
    """The image teacher, a linear one on the moments of its images, and one that pools its maps by moments.

    And the student of each, beside labels alone, also for twice as many steps. `quick`: without the pooled one.
    """
    runs = [base, replace(base, init="scratch")]
    for family in ("wrn", "moments", "wrn_moments") if of.full else ("wrn", "moments"):
        teacher = TeacherSpec("image", family=family)
        student = taught(base, "image", teachers=(teacher,))
        runs += [student.teacher_runs[0], student]
    return runs


def sphere_mixing(base: RunSpec, of: Extent) -> list[RunSpec]:
    """Mixup of inputs and on the sphere, beside none, without a teacher and, in `full`, with both; and of half a batch.

    An alpha of 0.01 mixes next to nothing: about half of the windows are decoded as they are, the rest untouched.
    """
    mixups = [None, Mixup(of.alpha), Mixup(of.alpha, where="sphere")]
    runs = [replace(base, mixup=mixup) for mixup in mixups]
    if of.full:
        runs += [taught(base, "both", mixup=mixup) for mixup in mixups]
        runs += [replace(base, mixup=replace(mixup, share=0.5)) for mixup in mixups if mixup]
        runs.append(replace(base, mixup=Mixup(DECODED, where="sphere")))
    return runs


def two_heads(base: RunSpec, of: Extent) -> list[RunSpec]:
    """Activity and placement by a network each, by one network of two heads, and by one that teaches itself.

    For the WideResNet and, in `full`, for MTL-net, in the form that was released too.
    """
    networks = [base]
    if of.full:
        networks += [replace(base, family=family, learning_rate=MTL_RATE) for family in ("mtl", "mtl_released")]
    runs = []
    for own in networks:
        both = replace(own, task="two_heads")
        selves = [replace(both, method=name, temperature=SMOOTH_TEMPERATURE) for name in ("smooth", "dropout")]
        released = own.family == "mtl_released"  # what its defect costs, and no more
        runs += [both, selves[0]] if released else [own, replace(own, task="placement"), both, *selves]
    return runs


def forces(base: RunSpec, of: Extent) -> list[RunSpec]:
    """The systems of `force_systems` and their teacher. `quick`: without outputs in time order and without mixup."""
    systems = force_systems(base, of.alpha)
    runs = [run for name, run in systems.items() if of.full or name not in FULL_FORCES]
    return [*runs, *systems["outputs"].teacher_runs]


FULL_FORCES = ("outputs, in time", "mixup", "C-mixup")  # systems of forces that `quick` leaves out


def force_systems(base: RunSpec, alpha: float) -> dict[str, RunSpec]:
    """Regressors of forces by name. Each line adds one term to the loss; the terms of a step have equal weights.

    Labels; outputs of a wider signal teacher; similarities of its features; their changes in time, which only batches
    in time order have. So order and terms are told apart. `sp` is no control here: it has its own weights and layers.
    """
    labels = replace(base, task="regression")
    teachers = (TeacherSpec(width=3),)
    all_terms = taught(labels, "signal", teachers=teachers, method="time_aware", order="time")
    features = replace(all_terms, constants=(Constant("changes", 0.0),))
    outputs = replace(all_terms, constants=(Constant("changes", 0.0), Constant("similarity", 0.0)))
    return {
        "labels": labels,
        "labels, in time": replace(labels, order="time"),
        "outputs": replace(outputs, order="shuffled"),
        "outputs, in time": outputs,
        "features": replace(features, order="shuffled"),
        "features, in time": features,
        "time-aware": all_terms,
        "mixup": replace(labels, mixup=Mixup(alpha)),
        "C-mixup": replace(labels, mixup=Mixup(alpha, partners="near")),
    }


def few_people(base: RunSpec, of: Extent) -> list[RunSpec]:
    """Labels, mixup, a teacher, both, labels for twice as many steps: of all training people, two and (`full`) four.

    A teacher sees the same people as its student, and every run has as many steps as one with all people.
    """
    trained = n_trained(base, of.surveyed)
    fewer = [n for n in (FEW if of.full else FEW[:1]) if n < trained]
    cells = (base, *(replace(base, people=n) for n in fewer))
    return [run for one in cells for run in (*plain(one, of), replace(one, init="scratch"))]


def label_noise(base: RunSpec, of: Extent) -> list[RunSpec]:
    """Labels, mixup, a teacher, both: with the labels as they are, and with a share of them wrong, for teachers too.

    `quick`: without teachers.
    """
    cells = (base, *(replace(base, label_noise=share) for share in sorted(WRONG if of.full else WRONG[:1])))
    return [run for one in cells for run in plain(one, of) if of.full or not run.teachers]
