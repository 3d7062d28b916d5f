"""Whatever is killed, whenever: what was finished stays, what is missing is trained, and the results are the same."""

from __future__ import annotations

import json
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from time import sleep

import psutil
import pytest
from runs import SIGNAL, lost, mtimes, results, start, tiny, train, wait_for

from mixkd import files, studies
from mixkd.runs import sweep
from mixkd.runs.local import Local
from mixkd.runs.planning import with_requirements
from mixkd.runs.store import Store

COMMAND = ("-m", "mixkd.cli.main", "sweep", "mixup", "--profile", "smoke", "--dataset", "synthetic")
RUNS = with_requirements(studies.specs("mixup", studies.Scope("synthetic", "smoke")))


def family(process: subprocess.Popen) -> list[psutil.Process]:
    """A sweep and its workers."""
    return [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]


def alive(process: psutil.Process) -> bool:
    """Running, and not just waiting for somebody to ask how it ended."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def stop(process: subprocess.Popen, how: signal.Signals, workers_too: bool = False) -> list[psutil.Process]:
    """Send a signal to a sweep, or to it and its workers at once; returns its workers."""
    main, *workers = family(process)
    for victim in (main, *workers) if workers_too else (main,):
        with suppress(psutil.NoSuchProcess):  # a worker that ended by itself
            victim.send_signal(how)
    return workers


@pytest.fixture(scope="module")
def uninterrupted(shared_home):
    """What the sweep gives when nobody disturbs it."""
    store = Store(shared_home)
    sweep.run(RUNS, store, on=Local(1, quiet=True))
    found = results(store)
    return {run.hash: found[run.hash] for run in RUNS}


ROUNDS = [  # when so many runs are stored: what happens, and whether it hits the workers too
    (1, signal.SIGKILL, True),
    (5, signal.SIGKILL, False),
    (11, signal.SIGTERM, False),
    (16, signal.SIGINT, False),
]


def test_interrupted_sweep_goes_on_and_ends_the_same(tmp_path, uninterrupted):
    """Interrupted in each way, started again each time, and left alone at last."""
    store = Store(tmp_path)
    for n_stored, how, workers_too in ROUNDS:
        process = start(*COMMAND, home=tmp_path)
        wait_for(lambda n=n_stored: len(list(store.runs.rglob("*.json"))) >= n)
        workers = stop(process, how, workers_too)
        before = mtimes(store)
        _, err = process.communicate(timeout=60)
        if how == signal.SIGINT:
            *progress, last = err.splitlines()
            assert (process.returncode, last) == (130, "mixkd: interrupted; what was finished is kept")
            assert all(line.startswith("training ") for line in progress)
        else:
            assert process.returncode == -how
        wait_for(lambda w=workers: not any(map(alive, w)))  # no worker outlives its sweep by more than a run
        stored = results(store)
        assert len(stored) >= n_stored
        assert len(lost(store)) <= len(workers)  # of each, the one in training
        assert stored.items() < uninterrupted.items()
        assert before.items() <= mtimes(store).items()
    finished = mtimes(store)
    process = start(*COMMAND, home=tmp_path)
    out, err = process.communicate()
    assert process.returncode == 0, err
    assert f"{len(RUNS)} runs, {len(RUNS) - len(stored)} missing" in out
    assert results(store) == uninterrupted
    assert finished.items() < mtimes(store).items()
    assert not list(tmp_path.rglob("*.tmp"))
    assert not (tmp_path / "quarantine").exists()


@pytest.mark.parametrize("n_written", [0, 1, 2])
def test_a_run_exists_when_all_of_it_is_written(store_home, monkeypatch, n_written):
    """Stopped between two of its three files, in each place."""
    spec, store, written = tiny(), Store(), []
    write = files.atomic_write

    def stop_after(path: Path, data: bytes) -> None:
        if len(written) == n_written:
            raise KeyboardInterrupt
        written.append(path)
        write(path, data)

    with monkeypatch.context() as patch:
        patch.setattr("mixkd.runs.store.atomic_write", stop_after)
        with pytest.raises(KeyboardInterrupt):
            train(spec, store)
    assert not store.has(spec)
    assert train(spec, store) == store.get(spec)
    assert len(results(store)) == 1


def test_damaged_records_are_trained_again_and_give_the_same(store_home):
    """One bit of a teacher's weights, half of a student's record: both go to quarantine, the rest stays."""
    store = Store()
    student, other = tiny(teachers=[SIGNAL]), tiny()
    sweep.run([student, other], on=Local(1, quiet=True))
    expected, before = results(store), mtimes(store)
    weights, record = store.path(student.teacher_runs[0], ".weights.safetensors"), store.path(student)
    raw = weights.read_bytes()
    weights.write_bytes(raw[:-1] + bytes([raw[-1] ^ 1]))
    record.write_bytes(record.read_bytes()[: record.stat().st_size // 2])
    sweep.run([student, other], on=Local(1, quiet=True))
    assert results(store) == expected
    same = {path for path, at in mtimes(store).items() if before[path] == at}
    assert {path.name.partition(".")[0] for path in same} == {other.hash}
    assert len(list((store_home / "quarantine").iterdir())) == 6


# -- several at once

TRAIN_AND_COUNT = """
import sys, json
from mixkd import files
from mixkd.runs import single
from mixkd.runs.store import Store
from mixkd.specs.run import RunSpec

spec, trained = RunSpec.parse(json.loads(sys.argv[1])), single._train
single._train = lambda *arguments: print("trained") or trained(*arguments)
print("ready", flush=True)
sys.stdin.readline()
record = single.run(spec, Store())
content = files.canonical_json({"": record.history}) + files.pack(record.arrays) + files.pack(record.weights)
print(files.sha256(content))
"""


def test_four_processes_train_a_run_once(tmp_path):
    spec = tiny()
    processes = [start("-c", TRAIN_AND_COUNT, json.dumps(spec.as_dict()), home=tmp_path) for _ in range(4)]
    assert [process.stdout.readline() for process in processes] == ["ready\n"] * 4
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    lines = [process.communicate(timeout=120)[0].split() for process in processes]
    assert sorted(map(len, lines)) == [1, 1, 1, 2]
    assert len({line[-1] for line in lines}) == 1
    assert len(results(Store(tmp_path))) == 1


def test_a_sweep_does_not_wait_for_a_dead_one(tmp_path):
    """Two sweeps need the same teacher; the one that trains it is killed while the other waits for the lock.

    It is halted first, so that it cannot be done before the other waits, however busy the machine is.
    """
    store = Store(tmp_path)
    one, other = (tiny(teachers=[SIGNAL], temperature=t, epochs=100) for t in (1.0, 4.0))
    teacher = one.teacher_runs[0]

    def sweep_of(run) -> subprocess.Popen:
        settings = [f"-s{name}={json.dumps(value)}" for name, value in run.as_dict().items()]
        return start("-m", "mixkd.cli.main", "run", *settings, home=tmp_path)

    def waits(process: subprocess.Popen) -> bool:
        """Its worker has loaded what it needs, and rests."""
        with suppress(psutil.NoSuchProcess):  # a child that was there for a moment
            workers = [p for p in family(process)[1:] if p.cpu_times().user > 1]
            before = sum(p.cpu_times().user for p in workers)
            sleep(0.5)
            return bool(workers) and sum(p.cpu_times().user for p in workers) - before < 0.1
        return False

    first = sweep_of(one)
    wait_for(store.path(teacher, ".lock").exists)
    stop(first, signal.SIGSTOP, workers_too=True)
    second = sweep_of(other)
    wait_for(lambda: waits(second))
    stop(first, signal.SIGKILL, workers_too=True)
    first.communicate(timeout=60)
    out, err = second.communicate(timeout=120)
    assert second.returncode == 0, err
    assert other.hash in out
    alone = Store(tmp_path / "alone")
    train(other, alone)
    assert results(store) == results(alone)
