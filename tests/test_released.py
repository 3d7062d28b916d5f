"""The same numbers as other people's released code, on the tensors that it was run on.

`released.npz` holds inputs and outputs alone. The code was fetched and run for it, in float32, and is not part of this
repository: hchoi71/MIX-KD 6e8c149, jeunsom/AMD_loss 7169f62, jeunsom/TDA_KD b9091bb, jeunsom/TGD 242ad11,
Rorozhl/CA-MKD c2f39a9, HobbitLong/RepDistiller b84f547, hunto/DIST_KD 2418f18, haseebaslam95/SSD 6a1b51f,
DefangChen/SimKD 2b389c3, sunshangquan/logit-standardization-KD f6e5aa5, zju-SWJ/RLD d54578f. Of AMD's
local loss, which crashes as released, the two missing assignments (`excl`, `excl2` of each block) were put in.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from runs import IMAGE, SIGNAL, small, step_of
from torch.nn import functional as F

from mixkd.learning import losses, map_losses, networks, training
from mixkd.learning.methods import kd, ssd
from mixkd.learning.networks import Outputs
from mixkd.learning.streams import mix, stream
from mixkd.specs.methods import METHODS
from mixkd.specs.run import Mixup, TeacherSpec
from mixkd.studies.line import SSD_TEMPERATURE

GIVEN = {name: torch.from_numpy(array) for name, array in np.load(Path(__file__).with_name("released.npz")).items()}


def outputs(name: str) -> Outputs:
    """Logits (8, 5), features (8, 12) and three maps of the `student`, the `signal` or the `image` teacher."""
    stages = tuple(GIVEN[f"maps/{name}/{i}"] for i in range(3))
    return Outputs(GIVEN[f"logits/{name}"], GIVEN[f"features/{name}"], stages)


STUDENT, SIGNAL_TEACHER, IMAGE_TEACHER = map(outputs, ("student", "signal", "image"))
ONE_HOT = F.one_hot(GIVEN["y"], 5).float()


def found(name: str) -> torch.Tensor:
    """What the released code gave."""
    return GIVEN[f"found/{name}"]


def close(ours: torch.Tensor, released: str, factor: float = 1.0) -> None:
    torch.testing.assert_close(factor * ours, found(released), rtol=2e-6, atol=1e-7)


def loss(taught: list[Outputs], target: torch.Tensor = ONE_HOT, **fields) -> torch.Tensor:
    spec = small(**fields)
    return training.distil_loss(step_of(STUDENT, target, taught, spec))[0]


def test_mixkd_rescaled_logits():
    rescaled = {"logit_scaling": "released", "teachers": (SIGNAL,), "kd_weight": 0.9}
    both = loss([SIGNAL_TEACHER], GIVEN["soft"], **rescaled)
    torch.testing.assert_close(both, found("mixkd/ce") + found("mixkd/kl"), rtol=2e-6, atol=0)
    step = step_of(STUDENT, GIVEN["soft"], [SIGNAL_TEACHER], small(**rescaled))
    close(kd(STUDENT.logits, SIGNAL_TEACHER.logits, step).mean(), "mixkd/kl", 0.9)


def test_kd():
    close(losses.kd(STUDENT.logits, SIGNAL_TEACHER.logits, 4.0).mean(), "mixkd/kd4")
    equal = tuple(replace(teacher, weight=0.5) for teacher in (SIGNAL, IMAGE))
    whole = loss([SIGNAL_TEACHER, IMAGE_TEACHER], teachers=equal, kd_weight=1.0, temperature=4.0)
    close(whole, "camkd/aver")


def test_tda_kd_whole():
    teachers = (TeacherSpec(weight=0.3), TeacherSpec("image", weight=0.7))
    options = {"kd_reduction": "released", "logit_scaling": "tda_kd", "kd_weight": 0.99, "temperature": 4.0}
    close(loss([SIGNAL_TEACHER, IMAGE_TEACHER], teachers=teachers, **options), "tda_kd/loss")


def test_tgd_whole():
    teachers = (TeacherSpec(weight=0.99), TeacherSpec("image", weight=0.01))
    options = {"method": "sp", "kd_reduction": "released", "kd_weight": 0.9, "temperature": 4.0}
    close(loss([SIGNAL_TEACHER, IMAGE_TEACHER], teachers=teachers, **options), "tgd/loss")
    assert METHODS["sp"].weight == 3000


@pytest.mark.parametrize(("local", "released"), [(False, "amd/global_stages"), (True, "amd/local_stages")])
def test_amd_on_square_maps(local, released):
    pairs = zip(STUDENT.stages, SIGNAL_TEACHER.stages, strict=True)
    close(torch.stack([map_losses.amd([s], [t], local=local) for s, t in pairs]), released)


def test_ebkd():
    teachers = [SIGNAL_TEACHER.logits, IMAGE_TEACHER.logits]
    close(losses.entropy_trust(teachers), "camkd/ebkd_weights")
    options = {"teachers": (replace(SIGNAL, weight=0.5), replace(IMAGE, weight=0.5)), "kd_weight": 1.0}
    whole = loss([SIGNAL_TEACHER, IMAGE_TEACHER], method="ebkd", temperature=4.0, **options)
    close(whole, "camkd/ebkd", 0.5)  # the released code divides by the number of teachers once more


def test_camkd():
    teachers = [SIGNAL_TEACHER, IMAGE_TEACHER]
    weights = losses.label_trust([teacher.logits for teacher in teachers], ONE_HOT)
    close(weights, "camkd/weights")
    distances = torch.stack([losses.kd(STUDENT.logits, teacher.logits, 4.0) for teacher in teachers])
    close((weights * distances).sum(dim=0).mean(), "camkd/kd", 0.5)
    gaps = torch.stack([(STUDENT.features - teacher.features).pow(2).mean(dim=1) for teacher in teachers])
    close((weights * gaps).sum(dim=0).mean(), "camkd/features", 0.5)


def test_maps_of_repdistiller():
    close(map_losses.at(STUDENT.stages, SIGNAL_TEACHER.stages), "rep/at")
    close(map_losses.sp(STUDENT.stages, [SIGNAL_TEACHER.stages], [1.0]), "rep/sp")


def test_dist():
    close(losses.dist(STUDENT.logits, SIGNAL_TEACHER.logits, 1.0), "dist/beta1gamma1")


def test_dist_of_a_run():
    ce = losses.soft_cross_entropy(STUDENT.logits, ONE_HOT).mean()
    whole = loss([SIGNAL_TEACHER], teachers=(SIGNAL,), method="dist_plain", temperature=4.0)
    torch.testing.assert_close(whole - ce, found("dist/beta1gamma1"), rtol=2e-6, atol=1e-6)


@pytest.mark.parametrize("name", ["lskd", "rld"])
def test_refined_logits_and_their_gradient(name):
    """Whole losses with the published weights; RLD at one temperature, as its command, after its warm-up."""
    logits = STUDENT.logits.clone().requires_grad_()
    step = step_of(replace(STUDENT, logits=logits), ONE_HOT, [SIGNAL_TEACHER], small(teachers=(SIGNAL,), method=name))
    whole = training.distil_loss(step)[0]
    whole.backward()
    close(whole.detach(), f"{name}/loss")
    torch.testing.assert_close(logits.grad, found(f"{name}/gradient"), rtol=2e-6, atol=1e-6)  # means cancel in it


def test_simkd():
    """Its convolutions in training, its loss, and what the teacher's head says of their maps."""
    transfer = networks.undrawn(networks.bottleneck, 16, 16, (3, 3)).train()
    weights = {f"{i}.weight": GIVEN[f"simkd/{name}"] for i, name in ((0, "first"), (3, "middle"), (6, "last"))}
    transfer.load_state_dict(weights, strict=False)
    maps = transfer(STUDENT.stages[2])
    close(maps, "simkd/maps")
    features = maps.mean((2, 3))
    close(F.linear(features, GIVEN["simkd/head_weight"], GIVEN["simkd/head_bias"]), "simkd/logits")
    student = replace(STUDENT, stages=(*STUDENT.stages[:2], maps))
    spec = small(teachers=(SIGNAL,), method="simkd_maps")
    close(training.distil_loss(step_of(student, ONE_HOT, [SIGNAL_TEACHER], spec))[0], "simkd/loss")


def test_ssd():
    """Its loss and its gradient, which flows through the weights of the passes too."""
    student = STUDENT.features.clone().requires_grad_()
    quantile = METHODS["ssd"].constants["quantile"]
    gap = F.mse_loss(student, ssd.followed(student, GIVEN["ssd/passes"], SSD_TEMPERATURE, quantile))
    gap.backward()
    close(gap.detach(), "ssd/loss")
    close(student.grad, "ssd/gradient")


# -- partial mixup


def test_a_released_batch_is_ours_in_another_order():
    """The released code permutes both windows of a pair: number by number the mixture of ours, rows rearranged."""
    rows, partners = GIVEN["batch/rows"], GIVEN["batch/partners"]
    coefficients, x = GIVEN["batch/coefficients"].float(), GIVEN["batch/x"]
    torch.testing.assert_close(mix(x[rows], x[partners], coefficients), GIVEN["batch/mixed"])
    labels = F.one_hot(torch.arange(64) % 7, 7).float()
    torch.testing.assert_close(mix(labels[rows], labels[partners], coefficients), GIVEN["batch/labels"])
    order = rows.argsort()  # back to a batch whose own windows stand in their place
    ours = mix(x, x[partners[order]], coefficients[order])
    torch.testing.assert_close(ours, GIVEN["batch/mixed"][order])


@pytest.mark.parametrize(
    ("released", "share", "batch_size"), [("10", 0.1, 64), ("25", 0.25, 64), ("50", 0.5, 64), ("10_of_10", 0.9, 10)]
)
def test_released_batches_are_like_ours(released, share, batch_size):
    """Over 50 released and 400 of our batches: windows seen, rows mixed, variance of a window's weight in its batch."""
    draws = stream(400 * batch_size, batch_size, 1, Mixup(1.0, share, "released"), seed=3)
    weights = np.zeros((len(draws), batch_size))
    for step, rows in enumerate(draws.rows):
        at = {window: i for i, window in enumerate(rows)}
        np.add.at(weights[step], [at[window] for window in rows], draws.coefficients[step])
        np.add.at(weights[step], [at[window] for window in draws.partners[step]], 1 - draws.coefficients[step])
    theirs = {name: GIVEN[f"pmu/{released}/{name}"].numpy() for name in ("distinct", "mixed", "variance")}
    mixed = ((draws.coefficients < 1) & (draws.rows != draws.partners)).mean(axis=1)
    for name, ours in {"distinct": (weights > 0).sum(axis=1), "mixed": mixed, "variance": weights.var(axis=1)}.items():
        error = np.hypot(ours.std() / np.sqrt(400), theirs[name].std() / np.sqrt(50))
        assert abs(ours.mean() - theirs[name].mean()) <= 3 * error, (name, ours.mean(), theirs[name].mean())
