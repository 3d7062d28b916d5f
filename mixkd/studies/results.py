"""The records of studies: trained where they are missing, as tables; and the data that they were trained on."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from mixkd.runs import sweep
from mixkd.runs.planning import with_requirements
from mixkd.runs.published import Published
from mixkd.runs.store import RunRecord, Store, same_people
from mixkd.specs.views import WindowsView
from mixkd.studies.bases import bases
from mixkd.studies.catalogue import every, specs
from mixkd.studies.scope import Scope

if TYPE_CHECKING:
    import pandas as pd

    from mixkd.learning.fold_data import FoldData

LOCAL_FIRST = "MIXKD_LOCAL_FIRST"  # set by `mixkd book --train full`


def store_of(scope: Scope) -> Store:
    """Where a scope finds records: `full` among the published ones first, others in the local store alone.

    With LOCAL_FIRST in the environment, runs of this machine precede published ones.
    """
    return Store(published=Published() if scope.full else None, local_first=bool(os.environ.get(LOCAL_FIRST)))


def data(scope: Scope) -> dict[int, FoldData]:
    """The data of every fold of a scope, by fold."""
    from mixkd.learning.fold_data import fold_data  # here: a plan of runs needs no torch

    return {base.fold: fold_data(base.data) for base in bases(scope) if base.seed == scope.seed}


def load(study: str, scope: Scope) -> pd.DataFrame:
    """The study's table, one row per run, after training what is missing. Columns: see `tables.row`.

    MixkdError where runs of one fold saw other people: two copies of a data set, published and local. Those that
    train on fewer people are compared with their like, and all of a fold in who was held out.
    """
    from mixkd.studies import tables  # here: a plan of runs needs no pandas

    records = sweep.run(specs(study, scope), store_of(scope))
    alike: dict[WindowsView, RunRecord] = {}
    held_out: dict[int, RunRecord] = {}
    for record in records:
        same_people(alike.setdefault(record.spec.windows, record).data["subjects"], record)
        first = held_out.setdefault(record.spec.fold, record).data["subjects"]
        same_people({part: first[part] for part in ("test", "validation")}, record)
    return tables.frame(records)


def every_record(scope: Scope) -> list[RunRecord]:
    """Records of all studies and of what they need, those that are there. Trains nothing."""
    store = store_of(scope)
    return [record for spec in with_requirements(every(scope)) if (record := store.find(spec))]
