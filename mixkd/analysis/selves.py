"""Students that teach themselves or ask a teacher many times, alone and with two heads; what MTL-net sees.

Effects are paired and summarised as in `effects`. Of two heads each is measured alone; its single task is a network of
the same family that was trained for this head only.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
import torch

from mixkd import studies
from mixkd.analysis.claims import scratch, student
from mixkd.analysis.effects import SHOWN, TOO_FEW, Effect, summary
from mixkd.learning import networks
from mixkd.learning.families import FAMILIES
from mixkd.learning.networks import channels_last
from mixkd.runs.cost import multiply_adds
from mixkd.runs.planning import with_requirements
from mixkd.specs.methods import METHODS
from mixkd.specs.parts import Family
from mixkd.specs.run import RunSpec
from mixkd.specs.views import NetworkView
from mixkd.studies import Scope, tables
from mixkd.studies.catalogue import PLACED, where
from mixkd.studies.line import SMOOTH_TEMPERATURE, SSD_TEMPERATURE

WAYS = {  # to train a student, by name
    "scratch": scratch(),
    "signal teacher": student("signal"),
    **{METHODS[name].title: scratch(method=name, temperature=SMOOTH_TEMPERATURE) for name in ("smooth", "dropout")},
    METHODS["ssd"].title: student("signal", method="ssd", temperature=SSD_TEMPERATURE),
    "scratch 2x": scratch(init="scratch"),
}
DRAW = torch.Generator()  # of weights that are counted alone
PASSES = 3  # a step of training in forward passes: the backward pass counts two
PREFIXES = {  # of the metrics of each head, by task
    "classification": {"activity": ""},
    "placement": {"placement": ""},
    "two_heads": {"activity": "", "placement": "placement_"},
}
SINGLE, HARD = "single task", "hard sharing"
SMOOTH, DROPOUT = METHODS["smooth"].title, METHODS["dropout"].title
MTL, RELEASED = (tables.NETWORKS[family] for family in ("mtl", "mtl_released"))
Kind = tuple[str, str]  # network, training


ALONE = (
    *(
        Effect("without_teacher", f"{way} against scratch", make, WAYS["scratch"])
        for way, make in WAYS.items()
        if way != "scratch"
    ),
    # as many steps on both sides as teacher and student take together
    Effect("without_teacher", "signal teacher against scratch 2x", WAYS["signal teacher"], WAYS["scratch 2x"]),
    Effect(
        "without_teacher",
        "Stochastic teacher against signal teacher",
        WAYS["Stochastic teacher"],
        WAYS["signal teacher"],
    ),
)


def costs(base: RunSpec, n_windows: int, shape: tuple[int, int], n_classes: int) -> pd.DataFrame:
    """Of each way, its teacher's training included: networks trained, gradient steps, multiply-adds over scratch's.

    parameters: held while the student trains, those of its teacher or average included. n_windows: training windows of
    (n_channels, n_samples), the `shape`. Counted, not measured; traces are not used.
    """
    net = networks.build("signal", base.depth, base.width, n_channels=shape[0], n_classes=n_classes, generator=DRAW)
    forward = multiply_adds(base.modality, base.depth, base.width, shape, n_classes=n_classes)
    n_features = 64 * base.width

    def per_window(spec: RunSpec) -> int:
        if spec.method == "smooth":
            beside = forward
        elif spec.method == "dropout":
            beside = 2 * PASSES * n_features * n_classes
        else:
            beside = 2 * PASSES * int(spec.constant("passes")) * n_features if spec.method == "ssd" else 0
        return (PASSES + len(spec.teachers)) * forward + beside

    rows = []
    for way, make in WAYS.items():
        run = make(base)
        trained = with_requirements([run])
        steps = [n_windows // spec.batch_size * spec.epochs for spec in trained]
        work = sum(n * per_window(spec) for n, spec in zip(steps, trained, strict=True))
        n_networks = len(trained) - (run.parent is not None)  # a parent's weights are trained on
        held = networks.n_parameters(net) * (1 + len(run.teachers) + (run.method == "smooth"))
        rows.append({"way": way, "networks": n_networks, "parameters": held, "steps": sum(steps), "work": work})
    table = pd.DataFrame(rows)
    return table.assign(work=table["work"] / table["work"].iloc[0])


def scopes(scope: Scope) -> list[Scope]:
    """Where two heads are compared: the scope, or `watch`; of `full` also the placed sets whose runs are published."""
    chosen = where("two_heads", scope)
    others = [Scope(name, scope.profile, scope.seed, scope.alpha) for name in PLACED] if scope.full else []
    store = studies.store_of(scope)
    return [chosen, *(o for o in others if o != chosen and all(map(store.find, studies.specs("two_heads", o))))]


def scores(runs: pd.DataFrame) -> pd.DataFrame:
    """A row per run, head and held-out subject: dataset, fold, network, training, head, subject, SHOWN metrics."""
    return pd.DataFrame(
        {
            **{name: row[name] for name in ("dataset", "fold", "network")},
            "training": _training(row),
            "head": head,
            "subject": subject,
            **{metric: metrics[prefix + metric] for metric in SHOWN},
        }
        for row in runs.to_dict("records")
        for head, prefix in PREFIXES[row["task"]].items()
        for subject, metrics in row["record"].probes["subjects"].items()
    )


def _training(row: dict) -> str:
    if row["method"] != "Scratch":
        return row["method"]
    return HARD if row["task"] == "two_heads" else SINGLE


def contrasts() -> Iterator[tuple[str, str, Kind, Kind]]:
    """Question, its text, what is compared with what. Question: a network's name, or `released` for its defect."""
    for network in ("WRN16-1", MTL):
        for changed, plain in ((HARD, SINGLE), (SMOOTH, HARD), (DROPOUT, HARD)):
            yield network, f"{network}: {changed} against {plain}", (network, changed), (network, plain)
    for training in (HARD, SMOOTH):
        yield "released", f"{training}: as released against repaired", (RELEASED, training), (MTL, training)


def heads(table: pd.DataFrame, final: bool) -> pd.DataFrame:
    """Of `scores`, a row per data set, head, contrast and metric: question, what, `effects.summary`.

    Contrasts whose runs are not there (MTL-net is shown where its runs are published) are left out.
    """
    keys = ["network", "training", "fold", "subject"]
    rows = []
    for (name, head), own in table.groupby(["dataset", "head"], sort=False):
        mean = own.groupby(keys)[list(SHOWN)].mean()
        kinds = set(mean.index.droplevel(["fold", "subject"]))
        for question, what, changed, plain in contrasts():
            if {changed, plain} <= kinds:
                by_person = mean.loc[changed] - mean.loc[plain]
                about = {"dataset": name, "head": head, "question": question, "what": what}
                rows += [about | {"metric": m} | summary(by_person[m].dropna(), final) for m in SHOWN]
    return pd.DataFrame(rows)


def unseen(family: Family, x: np.ndarray, n_outputs: int) -> np.ndarray:
    """Which numbers of a window have no effect on a random MTL-net: their gradient is exactly 0 in all windows.

    x: (n, n_channels, n_samples) float32; result: (n_channels, n_samples) bool
    """
    about = NetworkView(0, "student", "signal", 16, 1, None, family)
    net = FAMILIES[family](about, (x.shape[1], x.shape[2]), n_outputs, 0)
    inputs = channels_last(torch.from_numpy(x)).requires_grad_()
    net(inputs).square().sum().backward()
    assert inputs.grad is not None
    return (inputs.grad == 0).all(0)[:, 0].numpy()


def sentence(rows: pd.DataFrame, final: bool) -> str:
    """What effects say, as the end of a sentence: a clause per data set. Clear: the interval leaves out zero."""
    return "; ".join(f"on {name} {_clause(own, final)}" for name, own in rows.groupby("dataset", sort=False))


def _clause(rows: pd.DataFrame, final: bool) -> str:
    accuracy, nll = (rows[rows["metric"] == metric] for metric in SHOWN)
    if not final:
        points = [f"{100 * row.effect:+.1f} ({row.what})" for row in accuracy.itertuples()]
        return f"accuracy changes by {', '.join(points)} points ({TOO_FEW})"
    sides = (
        ("accuracy rises", accuracy, 1),
        ("accuracy falls", accuracy, -1),
        ("NLL falls", nll, -1),
        ("NLL rises", nll, 1),
    )
    clear = [(what, _names(of, side)) for what, of, side in sides]
    clauses = [f"{what} clearly with {names}" for what, names in clear if names]
    return ", ".join(clauses) or "no difference in accuracy or NLL is clear"


def _names(rows: pd.DataFrame, side: int) -> str:
    """The effects whose intervals lie above (side 1) or below (-1) zero; empty where none does."""
    clear = rows[(rows["low"] > 0) if side > 0 else (rows["high"] < 0)]
    return ", ".join(clear["what"])


def answers(one: pd.DataFrame, two: pd.DataFrame, final: bool, *, unseen: np.ndarray) -> dict[str, str | int]:
    """The chapter's answers in words, of `alone` and `heads`; samples of a window, and those among them that are seen.

    unseen: (n_channels, n_samples) bool, of the released form
    """
    smooth = two[two["what"].str.contains(f"{SMOOTH} against", regex=False)]
    defect = two[two["question"] == "released"]

    def named(rows: pd.DataFrame, known: str) -> pd.DataFrame:
        return rows.assign(what=rows["what"].str.removesuffix(known) + " in " + rows["head"])

    ways = one[one["what"].str.endswith(" against scratch")]
    return {
        "alone": sentence(ways.assign(what=ways["what"].str.removesuffix(" against scratch")), final),
        "heads": sentence(named(smooth, f": {SMOOTH} against {HARD}"), final),
        "defect": sentence(named(defect, ": as released against repaired"), final)
        if len(defect)
        else "runs of MTL-net are not part of this build",
        "seen": int((~unseen.all(axis=0)).sum()),
        "n_samples": unseen.shape[1],
    }


def temperatures(runs: pd.DataFrame) -> dict[str, str]:
    """The temperature of each way that has one, of the study `without_teacher`."""
    used = runs[runs["method"] != "Scratch"].groupby("method", sort=False)["temperature"].first()
    return {"temperatures": ", ".join(f"{name} {t:g}" for name, t in used.rename({"Base": "signal teacher"}).items())}


def placements(table: pd.DataFrame) -> dict[str, float | str]:
    """Of `scores`: accuracy of the placement head on the first data set, per cent, alone and with a shared network."""
    own = table[(table["head"] == "placement") & (table["network"] == "WRN16-1")]
    first = own["dataset"].iloc[0]
    mean = 100 * own[own["dataset"] == first].groupby("training")["accuracy"].mean()
    return {"placement_on": str(first), "placement_single": mean[SINGLE], "placement_shared": mean[HARD]}
