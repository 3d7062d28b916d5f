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
from mixkd.analysis import line
from mixkd.analysis.claims import scratch, student
from mixkd.analysis.contrasts import required
from mixkd.analysis.effects import SHOWN, TOO_FEW, Effect, summary, together
from mixkd.analysis.measures import measure
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
NO_CONFUSION = np.zeros((1, 1))  # the metrics of `levels` need none


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


def changes(rows: pd.DataFrame, final: bool) -> str:
    """What effects change clearly, as the end of a sentence; `where` names the context of a row, such as its data set.

    Clear: the interval leaves out zero.
    """
    if not final:
        points = [
            f"{100 * row.effect:+.1f} points ({row.where})" for row in rows.itertuples() if row.metric == "accuracy"
        ]
        return f"changes accuracy by {together(points)}, with {TOO_FEW}"
    clauses = []
    for metric, name in (("accuracy", "accuracy"), ("nll", "NLL")):
        own = rows[rows["metric"] == metric]
        for verb, clear in (("raises", own["low"] > 0), ("lowers", own["high"] < 0)):
            if clear.any():
                clauses.append(f"{verb} {name} ({', '.join(own.loc[clear, 'where'])})")
    return together(clauses) if clauses else "clearly changes neither accuracy nor NLL"


def alone(ways: pd.DataFrame, final: bool) -> str:
    """Whether self-distillation beats labels alone, and what twice as many steps change, in sentences."""
    rows = ways.assign(where=ways["dataset"], way=ways["what"].str.removesuffix(" against scratch"))
    own = rows[rows["way"].isin((SMOOTH, DROPOUT))]
    each = "; ".join(f"{way} {changes(part, final)}" for way, part in own.groupby("way", sort=False))
    longer = f"For comparison, training twice as long {changes(rows[rows['way'] == 'scratch 2x'], final)}."
    if not final:
        return f"Open: {each}. {longer}"
    is_accuracy, up, down = own["metric"] == "accuracy", own["low"] > 0, own["high"] < 0
    better, worse = (np.where(is_accuracy, *sides).any() for sides in ((up, down), (down, up)))
    if not (better or worse):
        sets = together(list(own["dataset"].unique()))
        return f"No: on {sets} no way of self-distillation clearly changes accuracy or NLL. {longer}"
    return f"{'In part' if better and worse else 'Yes' if better else 'No'}: {each}. {longer}"


def by_head(rows: pd.DataFrame, final: bool) -> str:
    """`changes` of each head, of `heads` with a column `where`, in one sentence."""
    clauses = (f"for {head} it {changes(own, final)}" for head, own in rows.groupby("head", sort=False))
    text = "; ".join(clauses)
    return f"{text[0].upper()}{text[1:]}."


def answers(one: pd.DataFrame, two: pd.DataFrame, final: bool, *, unseen: np.ndarray) -> dict[str, str | int]:
    """The chapter's answers in words, of `alone` and `heads`; samples of a window, and those among them that are seen.

    unseen: (n_channels, n_samples) bool, of the released form
    """
    smooth = two[two["what"].str.contains(f"{SMOOTH} against", regex=False)]
    defect = two[two["question"] == "released"]

    def placed(rows: pd.DataFrame) -> pd.DataFrame:
        """What stands before the colon of a comparison or, of the defect, its training; and the data set."""
        return rows.assign(where=rows["what"].str.partition(": ")[0] + " on " + rows["dataset"])

    return {
        "alone": alone(one[one["what"].str.endswith(" against scratch")], final),
        "heads": by_head(placed(smooth), final),
        "defect": by_head(placed(defect), final) if len(defect) else "Runs of MTL-net are not part of this build.",
        "seen": int((~unseen.all(axis=0)).sum()),
        "n_samples": unseen.shape[1],
    }


def levels(scope: Scope) -> pd.DataFrame:
    """Mean accuracy, NLL and ECE of each way, over the people and seeds of its comparisons.

    A row per data set, number of seeds and way: a way that is compared over several sets of seeds has a row for each,
    so that rows of one data set and number of seeds are of the same runs as their comparisons.
    """
    rows = []
    for part in line.portions(scope, ALONE):
        made = {make for effect in part.effects for make in (effect.changed, effect.plain)}
        about = {"dataset": part.dataset, "seeds": len({base.seed for base in part.bases})}
        for way, make in WAYS.items():
            if make in made:
                records = [required(part.lookup, make(base)) for base in part.bases]
                means = {m: np.mean([measure(r, m, NO_CONFUSION).mean() for r in records]) for m in (*SHOWN, "ece")}
                rows.append(about | {"training": way} | means)
    return pd.DataFrame(rows)


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
