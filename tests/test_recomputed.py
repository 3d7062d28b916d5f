"""The averaged effects, intervals and verdicts of the twelve claims, computed anew from the Parquet files.

With pandas and scipy alone, from the definitions in chapter 11; `mixkd` gives the answers to compare with, and no more.
"""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mixkd import studies
from mixkd.analysis import contrasts, decisions

RESULTS = Path(__file__).parents[1] / "results"
SETS, LEVEL = {"watch": 3, "selfback": 2, "hapt": 1, "dsads": 2}, 0.05  # seeds of each data set, and level of tests
MARGIN = {"accuracy": 0.01, "sharpness": 0.001, "v_similar": 0.02, "v_gap": 0.02}  # of all others: of accuracy
USUAL = {"method": "kd", "kd_reduction": "exact", "logit_scaling": "exact", "image_mixing": "linear", "depth": 16}
USUAL |= {
    "schedule": "onecycle",
    "learning_rate": 0.1,
    "width": 1,
    "stopping": "last",
    "task": "classification",
    "family": "wrn",
    "order": "shuffled",
}
USUAL |= {"augment": "none", "orthogonality": 0.0, "people": None, "constants": [], "windows_per_class": None}
USUAL |= {"balance": False, "start": None, "label_noise": 0.0, "precision": "float32"}
S, IMG, BOTH = ("signal",), ("image",), ("signal", "image")  # teachers


def run(teachers=(), in_teacher=0, share=0, T=4, init="random", width=1, role="student") -> tuple:
    return (teachers, in_teacher, share, T if teachers else 0, init, width if teachers else 0, role)


def key(spec: dict) -> tuple | None:
    """What sets a run apart here, or None for one that no claim is about."""
    teachers, mixup = spec["teachers"], spec["mixup"]
    shares = {t["mixup"]["share"] if t["mixup"] else 0 for t in teachers} or {0}
    odd = [m for m in (mixup, *(t["mixup"] for t in teachers)) if m and (m["alpha"] != 1 or m["sampling"] != "exact")]
    odd += [m for m in [mixup] if m and m.get("where", "input") != "input"]
    odd += [t for t in teachers if t["depth"] != 16 or t["stopping"] != "last" or t["weight"] != 1 / len(teachers)]
    odd += [spec[name] for name, value in USUAL.items() if spec.get(name, value) != value]
    odd += [t for t in teachers if t.get("family", "wrn") != "wrn" or t.get("augment", "none") != "none"]
    odd += [spec["image"]] if (spec["image"] or {"resolution": 16})["resolution"] != 16 else []
    if odd or spec["modality"] != "signal" or len(shares) > 1 or (teachers and spec["kd_weight"] != 0.7):
        return None
    width = teachers[0]["width"] if teachers else 1
    share = mixup["share"] if mixup else 0
    made = tuple(t["modality"] for t in teachers), shares.pop(), share, spec["temperature"], spec["init"], width
    return run(*made, spec["role"])


PARTS = {  # of each claim: (weight, run), direction, metric
    "H1": [
        ([(w / 3, run(t, share=share)) for t in (S, IMG, BOTH) for w, share in ((1, 1), (-1, 0))], "above", "accuracy"),
    ],
    "H2": [
        ([(1, run(S, 1, T=8)), (-1, run(S))], "below", "accuracy"),
        ([(1, run(S, share=1, T=8)), (-1, run(S))], "below", "accuracy"),
    ],
    "H3": [
        ([(1, run(S, 1, T=1)), (-1, run(S, 1, T=8))], "above", "accuracy"),
        ([(1, run(S, T=1)), (-1, run(S, T=8))], "not_above", "accuracy"),
    ],
    "H4": [
        ([(1, run(share=1, role="teacher")), (-1, run(role="teacher"))], "above", "accuracy"),
        ([(1, run(S, 1)), (-1, run(S))], "below", "accuracy"),
    ],
    "H5": [
        ([(1, run(BOTH, 1, 1)), (-1, run(BOTH, 1))], "below", "sharpness"),
        ([(1, run(BOTH, 1, 1)), (-1, run(BOTH, 1))], "above", "fgsm_2"),
    ],
    "H6": [([(1, run(BOTH, share=0.1)), (-1, run(BOTH, share=1))], "above", "accuracy")],
    "H7": [([(1, run(S, 1)), (-1, run(S)), (1, run(IMG)), (-1, run(IMG, 1))], "differs", "accuracy")],
    "H8": [([(1, run(BOTH)), (-1, run(t))], "above", "accuracy") for t in (S, IMG)],
    "H9": [([(1, run(BOTH, init="scratch")), (-1, run(BOTH, init="base"))], "above", "accuracy")],
    "H10": [([(1, run(S, width=3)), (-1, run(S))], "not_above", "accuracy")],
    "H11": [
        ([(1, run(share=1)), (-1, run())], side, metric)
        for side, metric in (("below", "v_similar"), ("above", "v_gap"))
    ],
    "H12": [([(1, run(BOTH)), (-1, run(S))], "above", metric) for metric in ("gaussian_3", "missing_3")],
}


@pytest.fixture(scope="module")
def records() -> pd.DataFrame:
    """A row per published run that a claim is about: dataset, fold, seed, key, record. A later file replaces."""
    rows = {}
    for path in sorted(path for name in SETS for path in (RESULTS / name).glob("*.parquet")):
        for row in pd.read_parquet(path, columns=["dataset", "fold", "seed", "spec", "record"]).itertuples():
            record = json.loads(row.record)
            if (of := key(record["spec"])) is not None:
                rows[row.spec] = (row.dataset, row.fold, row.seed, of, record)
    return pd.DataFrame(rows.values(), columns=["dataset", "fold", "seed", "key", "record"])


def value(record: dict, metric: str, confusion: np.ndarray) -> float:
    probes = record["probes"]
    if metric == "accuracy":
        return float(np.mean([own["accuracy"] for own in probes["subjects"].values()]))
    if metric == "sharpness":
        return probes["sharpness"]
    if not metric.startswith("v_"):
        kind, level = metric.split("_")
        return probes[kind][int(level) - 1]
    rate = confusion / np.maximum(confusion.sum(1, keepdims=True), 1)
    pairs = pd.Series({p: rate[p] + rate[p[::-1]] for p in combinations(np.flatnonzero(confusion.sum(1)).tolist(), 2)})
    similar = pairs.sort_values(ascending=False, kind="stable").index[: min(3, len(pairs) // 2)]
    rest = pairs.drop(similar)
    scores = pd.Series({tuple(row["pair"]): row["v_score"] for row in probes["v_scores"]})
    mean = [scores[scores.index.intersection(list(of))].mean() for of in (similar, rest[rest == rest.min()].index)]
    return mean[0] if metric == "v_similar" else mean[1] - mean[0]


def cells(records: pd.DataFrame, name: str, terms: list, metric: str) -> np.ndarray:
    """The contrast (folds, seeds) on a data set; folds where it is not defined are left out."""
    own = records[records["dataset"] == name]
    of = {(row.fold, row.seed, row.key): row.record for row in own.itertuples()}
    folds, seeds = sorted(own["fold"].unique()), range(SETS[name])
    plain = {f: sum(np.array(of[f, s, run()]["probes"]["validation_confusion"]) for s in seeds) for f in folds}
    table = [[sum(w * value(of[f, s, k], metric, plain[f]) for w, k in terms) for s in seeds] for f in folds]
    return pd.DataFrame(table).dropna().to_numpy()


def average(sets: list[np.ndarray]) -> tuple[float, float, float]:
    """Effect, standard error and degrees of freedom: folds and seeds random, Satterthwaite."""
    mean, folds, seeds, squares, df_seeds = [], 0.0, 0.0, 0.0, 0
    for d in sets:
        (F, R), by_fold, by_seed = d.shape, d.mean(1), d.mean(0)
        rest = ((d - by_fold[:, None] - by_seed + d.mean()) ** 2).sum() / ((F - 1) * max(R - 1, 1))
        of_folds = by_fold.var(ddof=1) / F / len(sets) ** 2
        folds, squares = folds + of_folds, squares + of_folds**2 / (F - 1)
        if R > 1:
            seeds += (by_seed.var(ddof=1) / R - rest / (F * R)) / len(sets) ** 2
        df_seeds += R - 1
        mean.append(d.mean())
    seeds = max(seeds, 0.0)
    return float(np.mean(mean)), (folds + seeds) ** 0.5, (folds + seeds) ** 2 / (squares + seeds**2 / df_seeds)


def holm(p: list[float]) -> list[float]:
    order, adjusted, worst = np.argsort(p, kind="stable"), [0.0] * len(p), 0.0
    for rank, i in enumerate(order):
        worst = max(worst, min(1.0, p[i] * (len(p) - rank)))
        adjusted[i] = worst
    return adjusted


def test_effects_intervals_and_verdicts_are_those_of_the_published_files(records):
    effects, shown, opposite, excluded, small = [], [], [], [], []
    for claim in PARTS.values():
        gain, loss, less, little = [], [], [], []
        for terms, direction, metric in claim:
            effect, se, df = average([cells(records, name, terms, metric) for name in SETS])
            half = stats.t.ppf(1 - LEVEL / 2, df) * se
            effects.append((effect, effect - half, effect + half))
            margin = MARGIN.get(metric, 0.01)
            p_above = lambda bound, e=effect, s=se, d=df: stats.t.sf((e - bound) / s, d)  # noqa: E731  of no more than
            p_below = lambda bound, e=effect, s=se, d=df: stats.t.cdf((e - bound) / s, d)  # noqa: E731  of no less than
            if direction == "below":
                p_above, p_below = (lambda b, p=p_below: p(-b)), (lambda b, p=p_above: p(-b))
            if direction == "differs":
                gain.append(min(p_above(0), p_below(0)))
                loss.append(1.0)
                less.append(max(p_below(margin), p_above(-margin)))
                little.append(1.0)
            elif direction == "not_above":
                gain.append(p_below(margin))
                loss.append(p_above(margin))
                less.append(1.0)
                little.append(1.0)
            else:
                gain.append(p_above(0))
                loss.append(p_below(0))
                less.append(p_below(margin))
                little.append(p_above(-margin))
        shown.append(min(1, 2 * max(gain)))
        opposite.append(min(1, 2 * len(claim) * min(loss)))
        excluded.append(min(1, len(claim) * min(less)))
        small.append(max(little))
    effect_p, excluded, small = (
        holm([min(pair) for pair in zip(shown, opposite, strict=True)]),
        holm(excluded),
        holm(small),
    )
    words = []
    for g, o, e, x, m in zip(shown, opposite, effect_p, excluded, small, strict=True):
        relevant = e < LEVEL and (x if g <= o else m) >= LEVEL
        words.append(
            ("supported" if g <= o else "opposite") if relevant else "no relevant effect" if x < LEVEL else "undecided"
        )
    decided = decisions.decide(contrasts.of_claims(studies.Scope("watch", "full")))
    np.testing.assert_allclose(decided.parts[["effect", "low", "high"]], effects, rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(decided.claims["effect"], effect_p, rtol=1e-6)
    np.testing.assert_allclose(decided.claims["excluded"], excluded, rtol=1e-6)
    assert list(decided.claims["verdict"]) == words
