"""Mixup of teachers chosen fold by fold on validation people, against settings that are the same for everybody.

The criterion, the student's NLL on validation people, was set before choices were scored on unseen people; the runs,
and the mean scores of the settings, were known.
"""

from __future__ import annotations

import pandas as pd

from mixkd.analysis import effects
from mixkd.analysis.inference import bounds, interval
from mixkd.studies import tables

TEACHERS = {"signal": "signal teacher", "image": "image teacher", "both": "two teachers"}
WHERE = {  # mixup, of two teachers
    "both": "in both teachers",
    "image": "in the image teacher only",
    "signal": "in the signal teacher only",
    "none": "in neither",
}
AGAINST = {
    "fixed": "against the best setting of the other people",
    "none": "against no mixup",
    "default": "against full mixup",
}
MISSING = "not computed: this comparison needs all people"


def setting_of(row: pd.Series) -> str:
    """What is called the mixup of a row of the study `teacher_mixup`: strength or share; of two, who was mixed."""
    if row["teachers"] == "both":
        return {"none": "no mixup", "both": "full mixup"}.get(row["mixed_teachers"], f"{row['mixed_teachers']} alone")
    if row["mixed_teachers"] == "none":
        return "no mixup"
    if row["teacher_share"] < 1:
        return f"{100 * row['teacher_share']:g} % of a batch"
    return "full mixup" if row["teacher_alpha"] == 1 else f"alpha {row['teacher_alpha']:g}"


def candidates(settings: pd.DataFrame) -> pd.DataFrame:
    """The runs of the study with columns `setting` and `validation_nll`, in nats."""
    nll = [record.metrics("last", "validation")["nll"] for record in tables.records(settings)]
    names = [setting_of(row) for _, row in settings.iterrows()]
    return settings.assign(setting=names, validation_nll=nll)


def choices(of: pd.DataFrame) -> pd.DataFrame:
    """Of `candidates`: a row per fold and teachers, with the setting that each rule takes.

    validation: the lowest NLL on the fold's validation people; fixed: the lowest mean NLL on the tested people of the
    other folds; none: no mixup; default: full mixup. Columns: teachers, fold, rule, setting.
    """
    rows = []
    for teachers, part in of.groupby("teachers", sort=False):
        on = {name: part.pivot_table(name, index="fold", columns="setting") for name in ("validation_nll", "nll")}
        for fold in on["nll"].index:
            rules = {
                "validation": on["validation_nll"].loc[fold].idxmin(),
                "fixed": on["nll"].drop(index=fold).mean().idxmin(),
                "none": "no mixup",
                "default": "full mixup",
            }
            rows += [(teachers, fold, rule, setting) for rule, setting in rules.items()]
    return pd.DataFrame(rows, columns=["teachers", "fold", "rule", "setting"])


def table(of: pd.DataFrame) -> pd.DataFrame:
    """Of `candidates`: what the choice on validation people changes for unseen people, against each other rule.

    Columns: teachers, rival, what, metric, dataset, n folds, and the mean effect with its 95 % t interval over folds.
    """
    scores = of.groupby(["teachers", "fold", "setting"])[list(effects.SHOWN)].mean()
    taken = choices(of)
    keys = pd.MultiIndex.from_frame(taken[["teachers", "fold", "setting"]])
    reached = taken.assign(**scores.reindex(keys).reset_index(drop=True))
    rows = []
    for teachers, part in reached.groupby("teachers", sort=False):
        for rival, words in AGAINST.items():
            for metric in effects.SHOWN:
                at = part.pivot(index="fold", columns="rule", values=metric)
                differences = (at["validation"] - at[rival]).to_numpy()
                low, high = interval(differences)
                what = f"{TEACHERS[str(teachers)]}: {words}"
                rows.append((teachers, rival, what, metric, len(at), differences.mean(), low, high))
    columns = ["teachers", "rival", "what", "metric", "n", "effect", "low", "high"]
    return pd.DataFrame(rows, columns=columns).assign(dataset=of["dataset"].iloc[0] if len(of) else "")


def counts(of: pd.DataFrame) -> pd.DataFrame:
    """Of `candidates`: mean NLL of each setting on validation and on unseen people, and in how many folds it is chosen.

    Rows: teachers and setting; `chosen` on validation people, `fixed` on the tested people of the other folds.
    """
    keys, taken = ["teachers", "setting"], choices(of)
    means = of.groupby(keys, sort=False)[["validation_nll", "nll"]].mean()
    for name, rule in (("chosen", "validation"), ("fixed", "fixed")):
        times = taken[taken["rule"] == rule].groupby(keys).size()
        means[name] = times.reindex(means.index, fill_value=0).astype(int)
    return means


def sentence(effect: pd.DataFrame) -> str:
    """Of `table`: the changes against the best fixed setting, with a verdict on NLL, for the text."""
    if effect.empty:
        return MISSING
    rows = effect[effect["rival"] == "fixed"].set_index(["teachers", "metric"])
    clauses = []
    for teachers, name in TEACHERS.items():
        nll, accuracy = rows.loc[(teachers, "nll")], rows.loc[(teachers, "accuracy")]
        side = "lower NLL" if nll["high"] < 0 else "higher NLL" if nll["low"] > 0 else "no clear change of NLL"
        change = f"{nll['effect']:+z.2f} nats {bounds(nll['low'], nll['high'], 2)}".rstrip()
        change += f"; accuracy {100 * accuracy['effect']:+z.1f} points"
        clauses.append(f"{name}: {side} ({change})")
    return "; ".join(clauses)
