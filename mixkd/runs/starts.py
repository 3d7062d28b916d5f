"""Weights of earlier students that runs start from, below `home()/starts`, named by a hash of their content."""

from __future__ import annotations

from pathlib import Path

import safetensors.numpy
import torch

from mixkd.errors import MixkdError
from mixkd.files import Arrays, atomic_write, home, pack, sha256
from mixkd.learning.networks import Network

HEAD = "head."  # names of the last layer's weights begin so


def keep(weights: Arrays) -> str:
    """Store weights by name, with or without those of the head; returns what `RunSpec.start` calls them."""
    content = pack(weights)
    name = sha256(content)[:16]
    atomic_write(_place(name), content)
    return name


def load(net: Network, name: str) -> None:
    """Give a network the stored weights; without a stored head it keeps its own. Raises MixkdError without them."""
    path = _place(name)
    content = path.read_bytes() if path.is_file() else b""
    if sha256(content)[:16] != name:
        raise MixkdError(f"{path}: missing or damaged; `mixkd distill` with the same --start writes it again")
    own = {key: value for key, value in net.state_dict().items() if key.startswith(HEAD)}
    stored = {key: torch.from_numpy(value) for key, value in safetensors.numpy.load(content).items()}
    net.load_state_dict(own | stored)


def _place(name: str) -> Path:
    return home() / "starts" / f"{name}.safetensors"
