"""MATLAB `.mat` files up to version 7: each variable with one row per sample is a column, or one for each axis."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np

from mixkd.datasets.own.arrays import Columns
from mixkd.errors import MixkdError, short

SUFFIX = ".mat"
HDF5 = b"MATLAB 7.3"


def columns(path: Path) -> tuple[Columns, dict[str, int]]:
    """Columns (n_rows,) of the variables of the most common length; `acc` of three columns is `acc 1` to `acc 3`.

    Raises MixkdError for a file without such variables, or of version 7.3.
    """
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        with path.open("rb") as file:
            if file.read(len(HDF5)) == HDF5:
                raise MixkdError(f'{path}: found version 7.3, expected an older one: save(…, "-v7") in MATLAB')
        content = loadmat(path, variable_names=None)
    except (OSError, ValueError, TypeError, NotImplementedError, MatReadError, EOFError, KeyError) as error:
        raise MixkdError(f"{path}: {short(error, 100)}, expected a MATLAB file, whole") from error
    found = {name: np.asarray(value) for name, value in content.items() if not name.startswith("__")}
    tables = {name: _upright(value) for name, value in found.items() if value.ndim == 2 and value.dtype.kind in "fiub"}
    lengths = Counter(len(table) for table in tables.values() if len(table) > 1)
    if not lengths:
        raise MixkdError(f"{path}: found {_shapes(found)}, expected variables with a row for each sample")
    n_rows = max(lengths, key=lambda n: (lengths[n], n))
    result: Columns = {}
    for name, table in tables.items():
        if len(table) == n_rows:
            single = table.shape[1] == 1
            result |= {name if single else f"{name} {i}": column for i, column in enumerate(table.T, start=1)}
    return result, {}


def _upright(table: np.ndarray) -> np.ndarray:
    """With the samples along the first axis, the longer one."""
    return table.T if table.shape[1] > table.shape[0] else table


def _shapes(variables: dict[str, np.ndarray]) -> str:
    shapes = [f"{name} {'x'.join(map(str, value.shape))}" for name, value in variables.items()]
    return short(", ".join(shapes) or "no variables", 100)
