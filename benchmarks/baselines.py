"""What baselines reach on all people: `python -m benchmarks.baselines watch hapt` adds to results/baselines.csv.

One seed; a data set that is there already is measured anew. One thread; minutes a data set.
"""

from __future__ import annotations

import sys

import pandas as pd

from benchmarks import as_worker
from mixkd import studies
from mixkd.analysis import baselines
from mixkd.files import atomic_write


def main() -> None:
    as_worker()
    names = sys.argv[1:]
    known = [pd.read_csv(baselines.PUBLISHED)] if baselines.PUBLISHED.is_file() else []
    tables = [table[~table["dataset"].isin(names)] for table in known]
    for name in names:
        data = studies.data(studies.Scope(name, "full"))
        tables.append(pd.concat([baselines.of_fold(part) for part in data.values()]))
        print(tables[-1].groupby("baseline", sort=False)[["accuracy", "nll", "scaled_nll"]].mean().round(3), flush=True)
    atomic_write(baselines.PUBLISHED, pd.concat(tables).to_csv(index=False, float_format="%.6f").encode())


if __name__ == "__main__":
    main()
