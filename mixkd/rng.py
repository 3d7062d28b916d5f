"""Random generators: one of its own for each seed and purpose. There is no other source of randomness."""

from __future__ import annotations

import hashlib

import numpy as np


def generator(seed: int, *purpose: str) -> np.random.Generator:
    """A generator for each seed and purpose: how often one is used does not change what another draws."""
    digest = hashlib.sha256("/".join((str(seed), *purpose)).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "little"))
