"""One training process of a sweep: `python -m mixkd.runs.worker [STORE [DEVICE]]`.

It reads specs from stdin and answers on stdout. In: a line of JSON per chunk, see `planning.Chunk.line`; a file of such
lines will do. Out: a line per run, `{"hash", "error"}`. Single-threaded: several such processes outrun one
multi-threaded process here. It exits at the end of input or when the pipe closes.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from mixkd.errors import MixkdError, machine_fault
from mixkd.learning.fold_data import FoldData, fold_data
from mixkd.runs import single
from mixkd.runs.planning import Chunk
from mixkd.runs.store import Store
from mixkd.specs.methods import METHODS
from mixkd.specs.run import RunSpec
from mixkd.specs.stacks import stackable


def train_stack(specs: Sequence[RunSpec], store: Store, answer: Callable[[dict], None], device: str) -> int:
    """Train runs side by side on a device. How many are done: what fails together, `train_chunk` takes one by one."""
    done = 0
    try:
        for spec in single.run_stacked(list(specs), store, device):
            answer({"hash": spec.hash, "error": None})
            done += 1
    except Exception as fault:
        print(f"a stack of {len(specs)} runs failed, they go one by one: {fault}", file=sys.stderr, flush=True)
    return done


def train_chunk(specs: Sequence[RunSpec], store: Store, answer: Callable[[dict], None], device: str = "cpu") -> None:
    """Train runs that share a stream: data is prepared once, traces are built once, feature methods go in lockstep."""
    if device != "cpu" and all(map(stackable, specs)):
        specs = specs[train_stack(specs, store, answer, device) :]
    data: FoldData | None = None
    traces: single.Traces = {}
    together = [spec for spec in specs if METHODS[spec.method].reads == "maps"]
    if len(together) > 1:
        try:
            data = fold_data(together[0].data)
            single.run_together(together, store, data)
        except Exception as fault:  # training them one by one below says which run it was, if it was one
            print(f"lockstep of {len(together)} runs failed, they go one by one: {fault}", file=sys.stderr, flush=True)
    for spec in specs:
        error = None
        try:
            data = fold_data(spec.data, data)
            single.run(spec, store, data, traces)
        except MixkdError as refusal:
            error = str(refusal)
        except Exception as other:  # reported with its run; the other runs go on
            error = machine_fault(other)
            if not error:  # a bug
                traceback.print_exc()
                error = f"{type(other).__name__}: {other}"
        answer({"hash": spec.hash, "error": error})


def main() -> None:
    """Answer chunks until the input ends."""
    torch.set_num_threads(1)
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever a library prints goes to stderr

    def answer(content: dict) -> None:
        answers.write(json.dumps(content) + "\n")
        answers.flush()

    store = Store(Path(sys.argv[1]) if sys.argv[1:] else None)
    device = sys.argv[2] if sys.argv[2:] else "cpu"
    torch.backends.cudnn.allow_tf32 = False  # numbers of 32 bits everywhere, as on a processor
    for line in sys.stdin:
        train_chunk(Chunk.parse(line).specs, store, answer, device)


if __name__ == "__main__":
    try:
        main()
    except BrokenPipeError:
        os._exit(1)  # the sweep is gone; what it asked for so far is stored
    except MixkdError as refusal:
        sys.exit(f"error: {refusal}")
