"""A sweep trains what is missing, each run once, in chunks that share a stream; a failure costs only what needs it."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
import threading
from collections import Counter
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from runs import BOTH, FULL, IMAGE, PARTIAL, SIGNAL, mtimes, results, tiny, train, wait_for

from mixkd import studies
from mixkd.errors import MixkdError
from mixkd.runs import local, planning, single, sweep, worker
from mixkd.runs.local import Local
from mixkd.runs.planning import Chunk, chunks, with_requirements
from mixkd.runs.store import Store
from mixkd.specs.methods import METHODS
from mixkd.specs.run import RunSpec

EVERY = studies.every(studies.Scope("synthetic", "smoke"))


def workers() -> list[psutil.Process]:
    return [p for p in psutil.Process().children() if "mixkd.runs.worker" in p.cmdline()]


@pytest.fixture(autouse=True)
def _no_worker_is_left():
    yield
    assert not workers()


# -- which runs, in which order, in which chunks


@pytest.mark.parametrize("specs", [EVERY, EVERY[::-1], [tiny(teachers=BOTH, init="base", mixup=FULL)]])
def test_requirements_come_first_and_every_run_once(specs):
    ordered = with_requirements(specs)
    at = {run.hash: i for i, run in enumerate(ordered)}
    assert len(at) == len(ordered)
    assert {run.hash for run in specs} <= at.keys()
    assert all(at[needed.hash] < at[run.hash] for run in ordered for needed in run.requires)
    assert with_requirements(ordered) == ordered
    needed = {r.hash for run in ordered for r in run.requires}
    assert at.keys() == {run.hash for run in specs} | needed


@pytest.mark.parametrize("stored", [0, 7, 40])
def test_chunks(stored):
    """Of all runs of the book, when the first so many are in the store."""
    missing = with_requirements(EVERY)[stored:]
    hashes = {run.hash for run in missing}
    made = [chunk.only(hashes) for chunk in chunks(with_requirements(EVERY))]
    made = [chunk for chunk in made if chunk.specs]
    assert sorted(run.hash for chunk in made for run in chunk.specs) == sorted(hashes)
    for chunk in made:
        inside = {run.hash for run in chunk.specs}
        assert chunk.needs == {r.hash for run in chunk.specs for r in run.requires}
        assert not chunk.needs & inside
        assert len({(run.windows, run.seed, bool(run.teachers)) for run in chunk.specs}) == 1
        assert chunk.seconds == pytest.approx(sum(map(planning.estimated_seconds, chunk.specs)))
    done = {run.hash for run in with_requirements(EVERY)[:stored]}
    for chunk in made:  # one worker could take them in this order
        assert chunk.needs <= done
        done |= {run.hash for run in chunk.specs}


@pytest.mark.parametrize("most", [1, 4, planning.CHUNK])
def test_students_of_one_stream_are_together(monkeypatch, most):
    def stream(run: RunSpec) -> tuple:
        lockstep = METHODS[run.method].reads == "maps" and (run.image, run.image_mixing)  # on the same images, apart
        return planning.level(run), run.stream, lockstep

    monkeypatch.setattr(planning, "CHUNK", most)
    missing = with_requirements(EVERY)
    students = Counter(stream(run) for run in missing if run.teachers)
    found = Counter(stream(chunk.specs[0]) for chunk in chunks(missing) if chunk.specs[0].teachers)
    assert found == {key: math.ceil(n / most) for key, n in students.items()}
    taught = [chunk.specs for chunk in chunks(missing) if chunk.specs[0].teachers]
    assert all(len({stream(run) for run in specs}) == 1 for specs in taught)


OTHER_DATA = {"fold": 1, "windows_per_class": 5, "dataset": "watch"}
OTHER_STREAM = {"seed": 1, "epochs": 3, "batch_size": 5, "mixup": FULL}


@pytest.mark.parametrize("method", ["kd", "at"])
@pytest.mark.parametrize(("field", "value"), (OTHER_DATA | OTHER_STREAM).items())
def test_students_of_other_data_or_streams_are_apart(field, value, method):
    student = tiny(teachers=[SIGNAL], method=method)
    one, other = chunks([student, replace(student, **{field: value})])
    assert [len(one.specs), len(other.specs)] == [1, 1]


def test_a_chunk_has_one_name_whatever_of_it_is_trained_already():
    whole = chunks(with_requirements(EVERY))
    assert len({chunk.name for chunk in whole}) == len(whole)
    assert [chunk.name for chunk in chunks(with_requirements(EVERY))] == [chunk.name for chunk in whole]
    longest = max(whole, key=lambda chunk: len(chunk.specs))
    assert longest.only({longest.specs[2].hash}) == Chunk(longest.name, (longest.specs[2],))


def test_a_chunk_is_a_line_of_json_and_comes_back_from_it():
    for chunk in chunks(with_requirements(EVERY)):
        assert "\n" not in chunk.line
        assert Chunk.parse(chunk.line) == chunk


@pytest.mark.parametrize("line", ["", "[]", "{}", '{"chunk": "a"}', '{"chunk": "a", "specs": 3}', '{"chunk": 1'])
def test_a_line_that_is_no_chunk_is_refused(line):
    with pytest.raises(MixkdError, match="chunk: found"):
        Chunk.parse(line)
    with pytest.raises(MixkdError, match="widht: unknown field"):
        Chunk.parse('{"chunk": "a", "specs": [{"widht": 3}]}')


def test_a_worker_trains_chunks_from_a_file(store_home, tmp_path):
    (tmp_path / "chunks").write_text("".join(chunk.line + "\n" for chunk in chunks(with_requirements([tiny()]))))
    with open(tmp_path / "chunks") as file:
        command = [sys.executable, "-m", "mixkd.runs.worker"]
        out = subprocess.run(command, stdin=file, capture_output=True, check=True)
    assert json.loads(out.stdout) == {"hash": tiny().hash, "error": None}
    assert results(Store()).keys() == {tiny().hash}


# -- executors


class Here:
    """An executor in a test: this process, one chunk after the other."""

    stacked = False

    def train(self, schedule, store):
        while chunk := schedule.take():
            by_hash = {spec.hash: spec for spec in chunk.specs}
            worker.train_chunk(
                chunk.specs, store, lambda a, specs=by_hash: schedule.finish(specs[a["hash"]], a["error"])
            )


def test_another_executor_trains_the_same(store_home, tmp_path):
    specs = [tiny(teachers=BOTH), tiny(teachers=[SIGNAL], mixup=PARTIAL), tiny(fold=9, teachers=[SIGNAL])]
    for at, executor in ((Store(), Local(2, quiet=True)), (Store(tmp_path / "here"), Here())):
        with pytest.raises(MixkdError, match=r"^2 of 6 runs failed: .*fold.*; 1 left out: runs they need failed$"):
            sweep.run(specs, at, on=executor)
    assert results(Store()) == results(Store(tmp_path / "here"))
    assert len(results(Store())) == 4


# -- plan


def test_plan_counts_and_trains_nothing(store_home):
    store = Store()
    students = [tiny(teachers=BOTH), tiny(teachers=[SIGNAL]), tiny(teachers=[SIGNAL], mixup=PARTIAL)]
    specs = [tiny(), *students, tiny()]
    plan = planning.plan(specs, store)
    assert (plan.total, len(plan.missing)) == (6, 6)
    assert plan.students_per_stream == {"fold 0, seed 0, clean": 2, "fold 0, seed 0, alpha 1, share 0.5, exact": 1}
    assert plan.core_hours == pytest.approx(sum(map(planning.estimated_seconds, plan.missing)) / 3600)
    assert not store_home.exists()
    train(students[1], store)
    after = planning.plan(specs, store)
    assert (after.total, len(after.missing)) == (6, 4)
    assert after.missing == [run for run in plan.missing if store.get(run) is None]
    assert after.core_hours < plan.core_hours


def test_estimate_grows_with_the_work():
    def seconds(**fields) -> float:
        return planning.estimated_seconds(RunSpec(dataset="synthetic", **fields))

    assert all(planning.estimated_seconds(run) > 0 for run in with_requirements(EVERY))
    assert seconds(epochs=30) - seconds(epochs=20) == pytest.approx(seconds(epochs=20) - seconds(epochs=10))
    assert seconds() < seconds(depth=28) < seconds(depth=28, width=3)
    assert seconds(windows_per_class=4) < seconds()
    assert seconds(batch_size=16) == seconds()
    assert seconds(family="mtl", batch_size=16) > seconds(family="mtl")  # more steps, each of which changes all weights
    assert seconds(modality="image") < seconds(modality="image", image={"resolution": 64})


# -- training


def test_only_what_is_missing_is_trained_and_records_come_in_order(store_home):
    store = Store()
    scratch, student = tiny(), tiny(teachers=[SIGNAL], init="scratch")
    teacher = student.teacher_runs[0]
    (first,) = sweep.run([scratch], on=Local(1, quiet=True))
    before = mtimes(store)
    assert len(before) == 3
    found = sweep.run([student, scratch, student], on=Local(1, quiet=True))
    assert [record.spec for record in found] == [student, scratch, student]
    assert found[1] == first
    assert before.items() < mtimes(store).items()
    assert results(store).keys() == {run.hash for run in (scratch, student, teacher)}
    after = mtimes(store)
    assert sweep.run([scratch, student], on=Local(quiet=True)) == [found[1], found[0]]
    assert mtimes(store) == after


def test_two_workers_give_what_one_gives(tmp_path):
    clean = [tiny(teachers=t, temperature=4.0, init=i) for t in ([SIGNAL], BOTH) for i in ("random", "base")]
    mixed = [replace(run, mixup=PARTIAL, image_mixing="recompute") for run in clean]
    stores = [Store(tmp_path / str(n)) for n in (1, 2)]
    for n, store in enumerate(stores, 1):
        sweep.run(clean + mixed, store, on=Local(n, quiet=True))
    assert results(stores[0]) == results(stores[1])
    assert len(results(stores[0])) == len(with_requirements(clean + mixed)) == 10


def test_a_folder_called_mixkd_is_not_the_package(tmp_path, monkeypatch):
    """As beside a clone: workers start in the folder of the command."""
    (tmp_path / "mixkd").mkdir()
    monkeypatch.chdir(tmp_path)
    sweep.run([tiny()], Store(tmp_path / "home"), on=Local(1, quiet=True))
    assert Store(tmp_path / "home").has(tiny())


def test_processes_of_ours_do_not_look_into_the_folder_they_start_in():
    """For every module of the package: a process that imports it by name is started with -P."""
    starts = re.compile(r'"-[mc]", "?(?:mixkd|jupyter_book)')
    package = Path(studies.__file__).parents[1]
    sources = [*package.rglob("*.py"), *package.rglob("*.R.in")]
    found = [line for path in sources for line in path.read_text(encoding="utf-8").splitlines() if starts.search(line)]
    assert len(found) >= 5
    assert all('"-P", "-' in line for line in found)


def test_unknown_data_set_is_refused_before_anything_starts(store_home):
    with pytest.raises(MixkdError, match=r"dataset: found 'sinthetic', did you mean 'synthetic'\?"):
        sweep.run([tiny(), tiny(dataset="sinthetic")])
    assert not store_home.exists()


# -- failures


def test_a_failed_run_costs_what_needs_it_and_nothing_else(store_home):
    """No fold 9: a teacher fails, so do its student and the student's student. Another run diverges."""
    student = tiny(teachers=[SIGNAL], fold=9)
    lost = [student.teacher_runs[0], student, replace(student, init="base"), replace(student, init="base", mixup=FULL)]
    lost.append(replace(lost[-1], init="random"))
    diverging = tiny(learning_rate=10.0, weight_decay=0.9, batch_size=2, windows_per_class=8)
    fine = [tiny(teachers=[SIGNAL]), tiny(fold=5)]
    with pytest.raises(MixkdError) as refusal:
        sweep.run([lost[2], diverging, *fine, lost[3]], on=Local(2, quiet=True))
    message = str(refusal.value)
    assert message.startswith("6 of 9 runs failed: ")
    assert "\n" not in message
    fold = "RunSpec.fold: found 9, expected 0 to 5, or 6 to train on everybody, for synthetic"
    assert f"{lost[0].name} ({lost[0].hash}): {fold}; " in message
    assert message.endswith("; 4 left out: runs they need failed")
    assert "; training diverged: lower the learning rate" in message.partition(diverging.hash)[2]
    assert results(Store()).keys() == {run.hash for run in with_requirements(fine)}


def killed(specs: list[RunSpec], victim: RunSpec) -> str:
    """The error of a sweep with one worker that is killed while it trains `victim`."""
    store = Store()

    def kill() -> None:
        wait_for(store.path(victim, ".lock").exists)
        for process in workers():
            process.suspend()  # at once: it must not be done before it is killed
        assert not store.has(victim)
        for process in workers():
            process.kill()

    killer = threading.Thread(target=kill)
    killer.start()
    with pytest.raises(MixkdError) as refusal:
        sweep.run(specs, store, on=Local(1, quiet=True))
    killer.join()
    return str(refusal.value)


def test_too_little_memory_for_a_run_is_one_line_and_no_traceback(tmp_path, capfd, monkeypatch):
    def run(*_):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 70000000000 bytes")

    answers: list[dict] = []
    monkeypatch.setattr(single, "run", run)
    worker.train_chunk([tiny()], Store(tmp_path), answers.append)
    [answer] = answers
    assert answer["error"].startswith("found too little memory (")
    assert capfd.readouterr().err == ""


def test_a_fault_of_lockstep_alone_is_said_and_costs_no_run(tmp_path, capfd, monkeypatch):
    def run_together(*_):
        raise RuntimeError("maps of two sizes")

    store, answers = Store(tmp_path), list[dict]()
    specs = [tiny(teachers=(SIGNAL,), method=method) for method in ("at", "amd")]
    for needed in specs[0].requires:
        train(needed, store)
    with monkeypatch.context() as patch:
        together = single.run_together
        patch.setattr(single, "run_together", lambda runs, *rest: (run_together if runs[1:] else together)(runs, *rest))
        worker.train_chunk(specs, store, answers.append)
    assert [answer["error"] for answer in answers] == [None, None]
    assert "lockstep of 2 runs failed, they go one by one: maps of two sizes" in capfd.readouterr().err


def test_a_killed_worker_costs_the_run_in_flight_and_what_needs_it(store_home):
    """The rest of its chunk and all other runs are trained by the next worker, and give the same."""
    store = Store()
    in_chunk = [tiny(teachers=[SIGNAL], temperature=t, epochs=30) for t in (1.0, 2.0, 4.0)]
    victim, dependent, others = in_chunk[1], replace(in_chunk[1], init="base"), [tiny(), tiny(modality="image")]
    message = killed([*in_chunk, dependent, *others], victim)
    assert message.startswith("2 of 7 runs failed: ")
    assert f"{victim.name} ({victim.hash}): its worker died (exit status -9)" in message
    assert message.endswith("; 1 left out: runs they need failed")
    finished = results(store)
    assert finished.keys() == {run.hash for run in with_requirements([in_chunk[0], in_chunk[2], *others])}
    again = Store(store_home / "again")
    for at in (store, again):
        train(dependent, at)
    train(in_chunk[2], again)
    assert results(again).items() <= results(store).items()


@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("dead_when_asked", [True, False])
def test_every_worker_that_cannot_start_is_reported(store_home, monkeypatch, dead_when_asked):
    start = local._Feeders.start_worker

    def start_dead(self):
        process = start(self)
        process.wait()
        return process

    monkeypatch.setattr(local.sys, "executable", "/bin/false")
    if dead_when_asked:
        monkeypatch.setattr(local._Feeders, "start_worker", start_dead)
    specs = [tiny(), tiny(seed=1), tiny(teachers=[IMAGE])]
    with pytest.raises(MixkdError, match=r"^4 of 4 runs failed: .*its worker died \(exit status 1\)"):
        sweep.run(specs, on=Local(quiet=True))
    assert not results(Store())
