"""Detection of recordings that share samples, also shifted or cut, by hashes of blocks of consecutive rows.

A block starts at every row, so that a shift does not matter. Blocks in which most rows repeat the previous row (rest,
in coarse steps) and blocks that occur twice in a recording are no evidence and are left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

BLOCK = 16  # rows
LONG = 50_000  # rows; of longer recordings one block in EVERY is compared, chosen by its hash
EVERY = 8
SHARE = 0.05  # of the shorter recording's blocks, at least; below 1 / EVERY


def marks(values: np.ndarray) -> np.ndarray:
    """Sorted hashes (n,) uint64 of the blocks of `values` (n_rows, n_channels) float32."""
    rows = _hashed(np.ascontiguousarray(values, np.float32).view(np.uint32).astype(np.uint64).T)
    if len(rows) < BLOCK:
        return np.empty(0, np.uint64)
    n = len(rows) - BLOCK + 1
    blocks = _hashed(rows[i : i + n] for i in range(BLOCK))
    changes = np.r_[0, np.cumsum(rows[1:] != rows[:-1])]
    blocks = blocks[changes[BLOCK - 1 :] - changes[:n] >= BLOCK // 2]
    hashes, times = np.unique(blocks, return_counts=True)
    hashes = hashes[times == 1]
    return hashes[hashes % np.uint64(EVERY) == 0] if len(rows) > LONG else hashes


def _hashed(columns) -> np.ndarray:
    """One hash of columns of equal length: (n,) uint64. The multiplier is that of Knuth's MMIX generator."""
    total: np.ndarray | None = None
    for column in columns:
        total = column if total is None else total * np.uint64(6364136223846793005) + column
        total = total ^ (total >> np.uint64(29))
    assert total is not None
    return total


def shared(recordings: Sequence[np.ndarray]) -> list[tuple[int, int, int]]:
    """Pairs of recordings (their `marks`, (n,) each) with common blocks: indices and number of common blocks."""
    if not recordings:
        return []
    owner = np.repeat(np.arange(len(recordings)), [len(recording) for recording in recordings])
    hashes = np.concatenate(recordings)
    order = np.argsort(hashes, kind="stable")
    hashes, owner = hashes[order], owner[order]
    pairs: Counter[tuple[int, int]] = Counter()
    for distance in range(1, len(recordings)):
        same = np.flatnonzero(hashes[distance:] == hashes[:-distance])
        if not same.size:
            break
        both, times = np.unique(np.c_[owner[same], owner[same + distance]], axis=0, return_counts=True)
        for (one, other), n in zip(both.tolist(), times.tolist(), strict=True):
            pairs[one, other] += n
    return [(a, b, n) for (a, b), n in sorted(pairs.items()) if n >= max(1, SHARE * _blocks(recordings, a, b))]


def _blocks(recordings: Sequence[np.ndarray], one: int, other: int) -> int:
    return min(len(recordings[one]), len(recordings[other]))
