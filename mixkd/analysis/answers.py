"""What the text of each chapter says in numbers and words: tables in, values out by the names that the text gives them.

Accuracies are in per cent, their differences in points of it, NLL in nats.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import softmax

from mixkd.analysis.comparison import KEYS
from mixkd.analysis.effects import LONGER, in_points
from mixkd.studies import tables

Values = dict[str, float | str]


def _gain(runs: pd.DataFrame, by: str, after: object, before: object) -> float:
    """Points of accuracy from one group's mean to another's."""
    mean = runs.groupby(by)["accuracy"].mean()
    return 100 * (mean[after] - mean[before])


def by_setting(runs: pd.DataFrame, setting: str, metric: str = "accuracy") -> str:
    """Mean score at each value of a setting, as the end of a sentence; metric: accuracy (in per cent) or nll."""
    if runs.empty:
        return "not computed: this comparison needs all people"
    means = runs.astype({metric: float}).groupby(setting)[metric].mean()
    scores = [f"{100 * mean:.1f} %" if metric == "accuracy" else f"{mean:.2f} nats" for mean in means]
    return ", ".join(f"{v if isinstance(v, str) else f'{v:g}'}: {s}" for v, s in zip(means.index, scores, strict=True))


def means(table: pd.DataFrame, by: list[str], of: str, scale: float = 1.0) -> dict[str, float]:
    """Means of a column by group, times scale: `accuracy_MixT_S_4` is that of case `Mix-T & S` and temperature 4."""
    groups = scale * table.groupby(by, sort=False)[of].mean()
    keys = [key if isinstance(key, tuple) else (key,) for key in groups.index]
    names = ["_".join(f"{k:g}" if isinstance(k, float) else str(k).replace(" & ", "_") for k in key) for key in keys]
    return {f"{of}_{re.sub(r'[^0-9A-Za-z_]', '', name)}": value for name, value in zip(names, groups, strict=True)}


def splits(by_subject: dict[int, float], by_window: dict[int, float]) -> Values:
    """Mean over folds of accuracies on held-out people and on windows split at random."""
    means = {"leak_subject": by_subject, "leak_window": by_window}
    return {name: 100 * sum(accuracies.values()) / len(accuracies) for name, accuracies in means.items()}


def teachers(runs: pd.DataFrame, baseline: pd.DataFrame, image: pd.DataFrame, again: pd.DataFrame) -> Values:
    """Scores, confidence and lone right answers of teachers, of the study's runs and `baselines.table`.

    `image`, `again`: `agreement.table` of the signal teacher with the image teacher, with another signal network.
    """
    plain = runs[(runs["share"] == 0) & (runs["network"] == "WRN16-1")]
    signal = plain[plain["modality"] == "signal"]
    mixed = runs[(runs["share"] == 1) & (runs["modality"] == "signal")]
    values = {f"accuracy_{modality}": 100 * part["accuracy"].mean() for modality, part in plain.groupby("modality")}
    values |= {name.split()[0]: 100 * part["accuracy"].mean() for name, part in baseline.groupby("baseline")}
    for key, part in (("plain", signal), ("mixed", mixed)):
        answers = [softmax(record.arrays["test_logits"], axis=1) for record in tables.records(part)]
        sure = np.mean([p.max(axis=1).mean() for p in answers])
        values |= {f"accuracy_{key}": 100 * part["accuracy"].mean(), f"nll_{key}": part["nll"].mean()}
        values[f"sure_{key}"] = 100 * sure
    only_image, only_again = image["second"].mean(), again["second"].mean()
    return values | {
        "optimism": 100 * (plain["accuracy_best_test"] - plain["accuracy"]).mean(),
        "only_signal": 100 * image["first"].mean(),
        "only_image": 100 * only_image,
        "only_again": 100 * only_again,
        "only_more": 100 * (only_image - only_again),
    }


def distillation(runs: pd.DataFrame) -> Values:
    """Means by method and teachers at one temperature, their spread beside that of people, and Ann's differences."""
    mean = runs.groupby(["method", "teachers"])["accuracy"].mean() * 100
    ann, base = mean["Ann", "both"], mean["Base", "both"]
    single = max(mean["Base", "signal"], mean["Base", "image"])
    return {
        **{f"{method}_{by}".replace(" ", "_"): value for (method, by), value in mean.items()},
        "sd_people": 100 * runs.groupby("subject")["accuracy"].mean().std(),
        "sd_methods": 100 * runs.groupby(KEYS)["accuracy"].mean().std(),
        "ann_base": ann - base,
        "ann_base2x": ann - mean["Base 2x", "both"],
        "scratch_2x": mean["Scratch 2x", "none"] - mean["Scratch", "none"],
        "two_best": "Yes, on average" if base > single else "Not on average",
        "ann_best": f"{'has' if ann >= mean.max() else 'does not have'} the highest mean",
    }


def followers(repeated: pd.DataFrame, by_class: pd.DataFrame, runs: pd.DataFrame) -> Values:
    """How often students of both teachers answer as each, classes with the extreme gains, people where Ann is ahead.

    Of `agreement.followed`, `agreement.class_gains`, and the runs of the study at one temperature.
    """
    same = 100 * repeated.groupby(["modality", "where"])["share"].mean()
    gains = 100 * by_class.groupby("class")["gain"].mean()
    people = runs[runs["teachers"] == "both"].pivot_table(index="subject", columns="method", values="accuracy")
    return {
        **{f"{modality}_{where}": share for (modality, where), share in same.items()},
        **{f"{key}_class": str(name) for key, name in (("best", gains.idxmax()), ("worst", gains.idxmin()))},
        "best_class_gain": gains.max(),
        "worst_class_gain": gains.min(),
        "above_base": int((people["Ann"] > people["Base"]).sum()),
        "above_base_2x": int((people["Ann"] > people["Base 2x"]).sum()),
        "n_people": len(people),
    }


def mixup(runs: pd.DataFrame, teachers: pd.DataFrame) -> Values:
    """Accuracy and NLL by case over all kinds of teachers, and what mixup did to students and to their teachers."""
    values: Values = {}
    for case, row in runs.groupby("case")[["accuracy", "nll"]].mean().iterrows():
        key = case.replace(" & ", "_").replace("-", "")
        values |= {f"acc_{key}": 100 * row["accuracy"], f"nll_{key}": row["nll"]}
    small = teachers[teachers["network"] == "WRN16-1"]
    student_gain, mixt_gain = (_gain(runs, "case", case, "T & S") for case in ("T & Mix-S", "Mix-T & S"))
    teacher_gain = _gain(small, "share", 1.0, 0.0)
    return values | {
        "alone_gain": _gain(runs, "case", "Mix-S", "S"),
        "student_gain": student_gain,
        "mixt_gain": mixt_gain,
        "teacher_gain": teacher_gain,
        "h4_teacher": _gain(small[small["modality"] == "signal"], "share", 1.0, 0.0),
        "h4_student": _gain(runs[runs["teachers"] == "signal"], "case", "Mix-T & S", "T & S"),
        "helps": "helped" if student_gain > 0 else "did not help",
        "paradox": "was seen" if mixt_gain < 0 < teacher_gain else "was not seen",
    }


def partial_mixup(realised: pd.DataFrame, runs: pd.DataFrame) -> Values:
    """What the released code mixes of a nominal tenth, and means of exact runs without, with partial and full mixup.

    `realised`: columns sampling, share, realised.
    """
    mean = runs.groupby("share")[["accuracy", "nll"]].mean()
    none, full = mean.loc[0.0, "accuracy"], mean.loc[1.0, "accuracy"]
    partial = mean.loc[0.1:0.5, "accuracy"].mean()
    gain, partial_gain = 100 * (full - none), 100 * (partial - none)
    return {
        "tenth": 100 * realised.set_index(["sampling", "share"])["realised"]["released", 0.1],
        "none": 100 * none,
        "partial": 100 * partial,
        "full": 100 * full,
        **{f"nll_{key}": mean.loc[share, "nll"] for key, share in (("none", 0.0), ("tenth", 0.1), ("full", 1.0))},
        "h6": _gain(runs, "share", 0.1, 1.0),
        "gain": gain,
        "partial_gain": partial_gain,
        "kept": "is a gain to keep" if gain > 0 else "is no gain to keep",
        "spares": "did better" if partial_gain > gain else "did not do better",
    }


def smoothness(table: pd.DataFrame, matched: pd.DataFrame, effects: dict[str, pd.DataFrame]) -> Values:
    """Matched temperatures, effects of mixup and of matches, and how scores go with the entropy of targets.

    Of `target_entropies`, `matched_temperatures`, and `matched_effects` by metric, accuracy and nll.
    """
    effective = matched.groupby("temperature")["effective"].mean()
    cells = table.groupby(["case", "temperature"])[["entropy", "accuracy", "nll"]].mean()
    smoothest = cells["entropy"].idxmax()
    scales = {"accuracy": 100, "nll": 1}
    listed = ", ".join(f"{t:g}" for t in sorted(effects["nll"]["temperature"].unique()))
    return {
        **{f"effective_{t:g}": effective[t] for t in (1.0, 4.0)},
        **{f"{m}_{by}": scales[m] * effects[m][by].mean() for m in scales for by in ("mixup", "matched")},
        "kept": listed or "none",
        "smoothest": "{} at temperature {:g}".format(*smoothest),
        "loss": 100 * (cells.loc[smoothest, "accuracy"] - cells["accuracy"].max()),
        "correlation": cells["entropy"].corr(cells["nll"], method="spearman"),
    }


def smoothness_shown(table: pd.DataFrame, within: pd.DataFrame, v_scores: pd.DataFrame) -> Values:
    """What the figures of the chapter show: entropies, range of the grid's cells, ECE by case (points), V-scores.

    Of `target_entropies`, `temperature_scaling.errors_by_person` and `features.by_similarity`.
    """
    cells = table.groupby(["case", "temperature"])[["accuracy", "nll"]].mean() * [100, 1]
    return {
        **means(table, ["case", "temperature"], "entropy"),
        **means(within, ["case"], "ece", 100),
        **means(v_scores, ["case", "kind"], "v_score"),
        **{f"{name}_lowest": cells[name].min() for name in cells},
        **{f"{name}_highest": cells[name].max() for name in cells},
        "limit": table["limit"].max(),
    }


def methods(table: pd.DataFrame) -> Values:
    """The largest mean gain of taught students, and how far it is from the smallest, of `comparison.table`."""
    students = table[table["teachers"] != "none"]
    best = students.loc[students["gain"].idxmax()]
    return {
        "best": best["method"],
        "best_gain": 100 * best["gain"],
        "spread": 100 * (students["gain"].max() - students["gain"].min()),
        "n_folds": int(best["n"]),
        "n_methods": len(students),
    }


def robustness(remaining: pd.DataFrame, attacked: pd.DataFrame) -> Values:
    """What the student of both teachers keeps beyond the signal teacher's, and what mixup does under attack.

    `kept`: by teachers (rows) and kind of corruption; `attacked`: `robustness.table` at one strength of one attack.
    """
    return (100 * (remaining.loc["both"] - remaining.loc["signal"])).to_dict() | {
        "mixed": _gain(attacked, "case", "Mix-T & Mix-S", "T & S"),
        "n_folds": attacked["subject"].nunique(),
    }


def landscape(path: pd.DataFrame, table: pd.DataFrame) -> Values:
    """How deep test accuracy dips between two students, sharpness after mixup twice over once, its rank correlation.

    `path` is `landscape.line`, `table` is `landscape.sharpness`.
    """
    line = path[(path["batchnorm"] == "recomputed") & (path["split"] == "test")].set_index("at")["accuracy"]
    lowest = line[(line.index >= 0) & (line.index <= 1)].min()
    sharp = table[table["teachers"] == "both"].groupby("case")["sharpness"].mean()
    within = table.groupby("subject")[["sharpness", "fgsm"]].corr("spearman")
    return {
        "dip": 100 * (lowest - min(line[0.0], line[1.0])),
        "ratio": sharp["Mix-T & Mix-S"] / sharp["Mix-T & S"],
        "rank": within.xs("fgsm", level=1)["sharpness"].mean(),
    }


def deviations(table: pd.DataFrame, spread: pd.DataFrame) -> Values:
    """Two effects on accuracy, and how often the quoted spread goes into the standard deviation over people."""
    accuracy = table[table["metric"] == "accuracy"].set_index("what")["effect"]
    return {
        "optimism": 100 * accuracy["best epoch on the test person"],
        "kl": 100 * accuracy["KL averaged over classes too"],
        "too_small": (spread["sd"] / spread["quoted"]).mean(),
    }


def networks(sizes: pd.DataFrame, fine: pd.DataFrame, shares: pd.DataFrame) -> Values:
    """Work of the image network over the signal network's, and the per cent of the image path that are topology.

    `sizes`, `fine`: `cost.network_costs` at 16 and 64 pixels; `shares`: `cost.image_path`.
    """
    work, of_fine = (costs.set_index(["modality", "network"])["multiply_adds"] for costs in (sizes, fine))
    share = (shares["topology"] / (shares["topology"] + shares["network"])).set_axis(shares["name"])
    return {
        "ratio_16": work["image", "WRN16-1"] / work["signal", "WRN16-1"],
        "ratio_64": of_fine["image", "WRN16-1"] / work["signal", "WRN16-1"],
        "share_fast": 100 * share["16 px, fast"],
        "share_giotto": 100 * share["16 px, giotto"],
    }


def training(measured: dict[str, Any], grid: pd.DataFrame, campaign: dict[str, Any]) -> Values:
    """What teachers add to a step and to the quick profile, and what the runs that are there took.

    Of the records of the benchmarks `training` and `campaign`, and `cost.campaign` (`grid`).
    """
    step, quick = measured["step"], measured["quick_profile"]
    n_runs, hours = grid["runs"].sum(), grid["core_hours"].sum()
    return {
        "traced": step["traced_over_scratch"],
        "live": step["live_over_scratch"],
        "whole": quick["live_over_traced"],
        "building": quick["of_which_building_traces"],
        "priced": quick["runs"],
        "n_runs": int(n_runs),
        "hours": hours,
        "rate": n_runs / hours,
        **{f"campaign_{key}": value for key, value in campaign.items()},
    }


def other_people(table: pd.DataFrame, agreed: dict[str, int]) -> Values:
    """How far data sets agree, as the end of a sentence, and the largest effect on accuracy.

    Of `effects.table` of each data set, one below the other, and `effects.agreement`.
    """
    accuracy, n_sets = table[table["metric"] == "accuracy"], table["dataset"].nunique()
    largest = accuracy.loc[accuracy["effect"].abs().idxmax()]
    longer = accuracy[accuracy["what"] == LONGER]
    sentence = "none can be compared here: there is one data set"
    if n_sets > 1:
        sentence = (
            "{same} moved accuracy to the same side on all of them, {clear} of them with intervals that leave out zero"
        )
        sentence = (sentence + "; {opposite} moved it clearly to opposite sides").format(**agreed)
    return {
        "n_rows": table["what"].nunique(),
        "n_sets": n_sets,
        "agreement": sentence,
        "largest": f"{largest['what']}, {largest['dataset']}",
        "size": 100 * largest["effect"],
        "longer": "; ".join(f"{row['dataset']} {in_points(row)}" for _, row in longer.iterrows()),
    }
