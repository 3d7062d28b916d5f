"""Tables of the data sets: sizes, repairs by loaders, sensors, people and hours, balance of classes."""

from __future__ import annotations

import pandas as pd

from mixkd.datasets import DATASETS
from mixkd.studies.inventory import Rows

UNKNOWN = "–"


def sizes(rows: Rows) -> pd.DataFrame:
    """Sizes of every registered data set, as text; unknown if not measured."""
    columns = ("people", "hours", "classes", "channels", "rate, Hz", "window, s", "windows", "folds", "files")
    table = {}
    for name in DATASETS:
        if not (row := rows.get(name)):
            table[name] = [*[UNKNOWN] * (len(columns) - 1), "not measured"]
            continue
        n_windows = sum(row["windows"].values())
        table[name] = [
            *(f"{row['people']}", f"{row['hours']:.2f}", f"{len(row['windows'])}", f"{row['channels']}"),
            *(f"{row['rate']:.4g}", f"{row['seconds']:.3g}", f"{n_windows:,}", f"{row['folds']}", row["files"]),
        ]
    return pd.DataFrame.from_dict(table, orient="index", columns=columns)


def repairs(rows: Rows) -> pd.DataFrame:
    """Counts of values that loaders interpolated, split or left out, summed over classes."""
    counts: dict[tuple[str, str], int] = {}
    for name in (name for name in DATASETS if name in rows):
        for what, n in rows[name]["counts"].items():
            stem, _, last = what.rpartition(", ")
            key = name, stem if last in rows[name]["windows"] else what
            counts[key] = counts.get(key, 0) + n
    table = [(name, what, f"{n:,}") for (name, what), n in counts.items()]
    return pd.DataFrame(table, columns=["", "what", "count"]).set_index("").rename_axis(None)


def registered() -> pd.DataFrame:
    """Sensors and licence of every registered data set; needs no raw files."""
    rows = {name: (entry.sensors, entry.licence) for name, entry in DATASETS.items()}
    return pd.DataFrame.from_dict(rows, orient="index", columns=["sensors", "licence"])


def restrictions(rows: Rows) -> dict[str, str]:
    """What `gaitpdb` and `running` cannot show, each as the end of a sentence."""
    unmeasured = "is not measured here"
    result = {"of_gaitpdb": unmeasured, "of_running": unmeasured}
    if row := rows.get("gaitpdb"):
        result["of_gaitpdb"] = f"has {row['people']} of its 166 people here"
        absent = [name for name, n in row["windows"].items() if not n]
        result["of_gaitpdb"] += "".join(f", no {name} among them: nothing here is about {name}s" for name in absent)
    if row := rows.get("running"):
        result["of_running"] = f"has one runner, whose {row['people']} speeds and slopes are counted as people"
    return result


def scale(rows: Rows) -> pd.DataFrame:
    """People and hours of each measured set; columns dataset, people, hours, classes."""
    table = [
        (name, rows[name]["people"], rows[name]["hours"], len(rows[name]["windows"]))
        for name in DATASETS
        if name in rows
    ]
    return pd.DataFrame(table, columns=["dataset", "people", "hours", "classes"])


def balance(rows: Rows) -> pd.DataFrame:
    """Share of each class in the windows of each measured set; columns dataset, class, share, equal."""
    table = [
        (name, label, n / sum(rows[name]["windows"].values()), 1 / len(rows[name]["windows"]))
        for name in DATASETS
        if name in rows
        for label, n in rows[name]["windows"].items()
    ]
    return pd.DataFrame(table, columns=["dataset", "class", "share", "equal"])
