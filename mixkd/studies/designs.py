"""The runs of each study of the paper, from one base: a list of specs that any order of training gives."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mixkd.specs.run import ImageSpec, Mixup, RunSpec, TeacherSpec
from mixkd.studies.bases import MODALITIES, taught

ALPHAS = (0.2, 0.4, 1.0)  # values of the group's mixup study; 1.0 is its default
SHARES = (0.0, 0.1, 0.25, 0.5, 1.0)
TEMPERATURES = (1.0, 2.0, 4.0, 8.0)
FEW_SHARES, FEW_TEMPERATURES = (0.0, 0.1, 1.0), (1.0, 4.0, 8.0)  # of `quick`: those that claims are about
PARTIAL_SHARES = (0.1, 0.25, 0.5)
TDA_KD: dict[str, Any] = {
    "kd_weight": 0.99,
    "teachers": (TeacherSpec("signal", weight=0.3), TeacherSpec("image", weight=0.7)),
}
RL: dict[str, Any] = {"logit_scaling": "released", "kd_weight": 0.9}
KD_WEIGHTS = (0.3, 0.5, 0.9, 0.99)  # beside the default; 0.99 is the group's setting for PAMAP2
IMAGE_WEIGHTS = (0.3, 0.7)  # of the image teacher, beside one half; the group's GENEActiv and PAMAP2 settings


def teachers(base: RunSpec, large: bool, alpha: float) -> list[RunSpec]:
    """The networks that teach: both modalities with and without mixup, and larger ones."""
    teacher = replace(base, role="teacher")
    image = replace(teacher, modality="image")
    sizes = [(16, 3), (28, 1), (28, 3)] if large else [(16, 3)]
    runs = [replace(m, mixup=mixup) for m in (teacher, image) for mixup in (None, Mixup(alpha))]
    runs += [replace(teacher, depth=depth, width=width) for depth, width in sizes]
    return runs + ([replace(image, depth=depth, width=width) for depth, width in sizes] if large else [])


def distillation(base: RunSpec, full: bool) -> list[RunSpec]:
    """Scratch, one teacher, two teachers; Base and Ann with their controls; temperatures (`quick`: without 2)."""
    both = taught(base, "both")
    runs = [base, replace(base, init="scratch"), taught(base, "signal"), taught(base, "image")]
    runs += [replace(both, init=init) for init in ("random", "scratch", "base")]
    return runs + [taught(base, "signal", temperature=t) for t in (TEMPERATURES if full else FEW_TEMPERATURES)]


def capacity(base: RunSpec, full: bool, large: bool) -> list[RunSpec]:
    """Students of larger teachers. `quick` has the signal teacher alone; networks of depth 28 are for one seed."""
    sizes = [(16, 1), (16, 3), *(((28, 1), (28, 3)) if large else ())]
    runs = []
    for depth, width in sizes:
        of_size = [_sized(taught(base, by), depth, width) for by in ("signal", *(("image", "both") if full else ()))]
        runs += [*of_size, replace(of_size[-1], init="scratch")] if full else of_size
    return runs


def _sized(run: RunSpec, depth: int, width: int) -> RunSpec:
    """`run` with all of its teachers of another size."""
    return replace(run, teachers=tuple(replace(t, depth=depth, width=width) for t in run.teachers))


def methods(base: RunSpec, full: bool) -> list[RunSpec]:
    """Every method of the table from WRN16-1 teachers, with its controls; the group's SP and TPKD start as Ann does.

    `quick` leaves out four that are close to others of the table: ESKD, AVER, EBKD with the weights of CA-MKD, and AMD
    without its local part.
    """
    one, both = taught(base, "signal"), taught(base, "both")
    ann = replace(both, init="scratch")
    early = replace(one, teachers=(TeacherSpec(stopping="best_validation"),))
    runs = [base, replace(base, init="scratch"), one, taught(base, "image"), early]
    runs += [both, ann, replace(both, init="base"), replace(one, **RL)]
    runs += [replace(both, method=name) for name in ("aver", "ebkd", "ebkd_softmax", "camkd")]
    runs += [replace(one, method=name) for name in ("at", "sp", "amd", "amd_local", "simkd", "dist")]
    runs += [replace(ann, method=name) for name in ("sp", "tpkd")]
    close = (early, *(replace(both, method=name) for name in ("aver", "ebkd_softmax")), replace(one, method="amd"))
    return [run for run in runs if full or run not in close]


def four_cases(base: RunSpec, alpha: float) -> list[RunSpec]:
    """Mixup in the teachers' training and/or in the distillation; for the signal teacher, the image teacher, both."""
    mixup = Mixup(alpha)
    runs = [base, replace(base, mixup=mixup)]
    for by in ("signal", "image", "both"):
        for in_teacher in (None, mixup):
            runs += [taught(base, by, in_teacher, mixup=in_student) for in_student in (None, mixup)]
    return runs


def alphas(base: RunSpec, full: bool) -> list[RunSpec]:
    """The strength of mixup in the distillation from two plain teachers (`quick`: the ends)."""
    return [taught(base, "both", mixup=Mixup(alpha)) for alpha in (ALPHAS if full else ALPHAS[::2])]


def image_mixing(base: RunSpec, alpha: float) -> list[RunSpec]:
    """The image of a mixed window: mixture of images (linear) or image of the mixture (recompute)."""
    return [taught(base, "both", mixup=Mixup(alpha), image_mixing=how) for how in ("linear", "recompute")]


def resolutions(base: RunSpec) -> list[RunSpec]:
    """Image teachers that see coarser and finer images."""
    teacher = replace(base, role="teacher", modality="image")
    return [replace(teacher, image=ImageSpec(resolution=n)) for n in (8, 16, 24, 64)]


def shares(base: RunSpec, full: bool, alpha: float) -> list[RunSpec]:
    """Partial mixup in the distillation from two plain teachers, exact and as released (`quick`: 10 % alone)."""
    exact = [taught(base, "both", mixup=Mixup.of(alpha, share)) for share in (SHARES if full else FEW_SHARES)]
    released = SHARES[1:-1] if full else (0.1,)  # all rows: the same as exact
    return exact + [taught(base, "both", mixup=Mixup(alpha, share, "released")) for share in released]


def teacher_mixup(base: RunSpec, alpha: float) -> list[RunSpec]:
    """Strength and share of the mixup that trains one teacher; its student sees no mixup. Both: mixup in one of two."""
    settings = [None, *(Mixup(a) for a in ALPHAS), *(Mixup(alpha, share) for share in PARTIAL_SHARES)]
    runs = [taught(base, by, mixup) for by in ("signal", "image") for mixup in settings]
    both = taught(base, "both")
    one = [
        tuple(replace(t, mixup=Mixup(alpha) if t.modality == m else None) for t in both.teachers) for m in MODALITIES
    ]
    return [*runs, both, *(replace(both, teachers=teachers) for teachers in one), taught(base, "both", Mixup(alpha))]


def weights(base: RunSpec) -> list[RunSpec]:
    """How much the student listens: to teachers against labels, and to one teacher against the other."""
    both = taught(base, "both")
    listening = [both, *(replace(both, kd_weight=w) for w in KD_WEIGHTS)]
    shared = [
        tuple(replace(t, weight=w if t.modality == "image" else 1 - w) for t in both.teachers) for w in IMAGE_WEIGHTS
    ]
    return listening + [replace(both, teachers=teachers) for teachers in shared]


OTHER_SEED = 100  # of the second of two signal teachers, from the student's seed on: declared
TWO_SIGNAL = tuple(TeacherSpec(weight=0.5, seed_offset=offset) for offset in (0, OTHER_SEED))


FOREST = (TeacherSpec(family="forest"),)
STEPS: dict[str, Any] = {"schedule": "step", "learning_rate": 0.05}  # released steps, see book/defaults.md


def stronger(base: RunSpec, full: bool) -> list[RunSpec]:
    """Teachers that are another kind of model, and a smaller student, beside labels for as many steps as both take.

    Students WRN16-1 and WRN10-1; teachers: extra trees, a signal WRN16-1, both of these (`full`), signal and image.
    """
    two = (replace(FOREST[0], weight=0.5), TeacherSpec(weight=0.5))
    runs = [replace(base, role="teacher", family="forest")]
    for student in (base, replace(base, depth=10)):
        one, trees = taught(student, "signal"), taught(student, "signal", teachers=FOREST)
        runs += [student, replace(student, init="scratch"), one, trees, replace(trees, mixup=Mixup())]
        runs += [replace(one, teachers=two), taught(student, "both")] if full else []
    return runs


def repaired(base: RunSpec, full: bool) -> list[RunSpec]:
    """Methods whose rows looked wrong, as published or under the schedule that they need, each with its control.

    `full`: an early stopped teacher, too, under a schedule whose rate is not high in the middle.
    """
    one = taught(base, "signal")
    methods = [replace(one, method=name) for name in ("simkd", "simkd_maps", "dist", "dist_plain")]
    early = replace(one, teachers=(TeacherSpec(stopping="best_validation"),))
    return [one, *methods, *((early, replace(one, **STEPS), replace(early, **STEPS)) if full else ())]


def of_logits(base: RunSpec) -> list[RunSpec]:
    """Losses that standardise or refine logits, beside KD, from one signal teacher; RL is the oldest of them."""
    one = taught(base, "signal")
    return [one, replace(one, **RL), *(replace(one, method=name) for name in ("lskd", "rld"))]


def second_round(base: RunSpec) -> list[RunSpec]:
    """What the claims of the second round need beside the studies of the first: see `analysis.round_two`."""
    tenth = taught(base, "signal", mixup=Mixup(share=0.1), temperature=8.0)
    return [tenth, taught(base, "signal", teachers=TWO_SIGNAL)]


def deviations(base: RunSpec, full: bool) -> list[RunSpec]:
    """What released code does otherwise: KL averaged over classes too; logits divided by their standard deviation.

    `full` adds the whole loss of TDA_KD, as released and by its equation.
    """
    both = taught(base, "both")
    runs = [both, replace(both, kd_reduction="released"), replace(both, logit_scaling="released")]
    whole = replace(both, **TDA_KD)
    return [*runs, replace(whole, kd_reduction="released", logit_scaling="tda_kd"), whole] if full else runs


def temperatures(base: RunSpec, full: bool, alpha: float) -> list[RunSpec]:
    """Temperature (`quick`: without 2) x mixup, from a signal teacher: two ways to smooth the same targets."""
    mixup = Mixup(alpha)
    return [
        taught(base, "signal", in_teacher, mixup=in_student, temperature=t)
        for in_teacher in (None, mixup)
        for in_student in (None, mixup)
        for t in (TEMPERATURES if full else FEW_TEMPERATURES)
    ]
