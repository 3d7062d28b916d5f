"""A sweep in parts and on a cluster leaves what a sweep on one machine leaves, whatever is killed on the way.

What needs Snakemake (`make cluster`) or Slurm (Debian: slurm-wlm) is skipped without them; `make cluster-test` needs
both.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st
from runs import BOTH, FULL, IMAGE, PARTIAL, SIGNAL, lost, mtimes, results, tiny, wait_for

from mixkd.errors import MixkdError
from mixkd.files import locked
from mixkd.runs import cluster, planning, shards, sweep
from mixkd.runs.cluster import Cluster
from mixkd.runs.local import Local
from mixkd.runs.schedule import Schedule
from mixkd.runs.shards import Part
from mixkd.runs.store import Store

MIXUPS = (None, FULL, PARTIAL)
KILLS, N_SEEDS = (int(os.environ.get(name, least)) for name, least in (("KILLS", "2"), ("SEEDS", "1")))
GRID = [tiny(seed=s, teachers=t, mixup=m) for s in range(N_SEEDS) for t in ([SIGNAL], [IMAGE], BOTH) for m in MIXUPS]
NEEDED = planning.with_requirements(GRID)  # 11 runs per seed, on two levels
engine = pytest.mark.skipif(not cluster.ENGINE.is_file(), reason="no Snakemake: `make cluster` installs it")
CODE = os.pathsep.join(map(str, Path(__file__).parents[:2]))  # of the tests, and of the checkout they are of
CALL = "import sys, test_cluster as t; t.sweep.run({runs}, t.Store(t.Path(sys.argv[1])), on={on})"


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """What the grid leaves on this machine."""
    store = Store(tmp_path_factory.mktemp("local"))
    sweep.run(GRID, store, on=Local(quiet=True))
    return results(store)


def start(on: str, home: Path, runs: str = "t.GRID") -> subprocess.Popen:
    """The grid, or other runs, in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": CODE, "MIXKD_HOME": str(home)}
    return subprocess.Popen(
        [sys.executable, "-c", CALL.format(on=on, runs=runs), str(home)], env=environment, stderr=subprocess.PIPE
    )


# -- parts


@given(n=st.integers(1, 9))
def test_every_run_is_in_one_part(n, tmp_path_factory):
    store = Store(tmp_path_factory.mktemp("empty"))
    parts = [list(chain(*Part(i, n).own(GRID, store))) for i in range(n)]
    assert sorted(spec.hash for part in parts for spec in part) == sorted(spec.hash for spec in NEEDED)
    for part in parts:
        levels = [planning.level(spec) for spec in part]
        assert levels == sorted(levels)


def test_a_part_stays_the_same_while_others_train(tmp_path):
    store = Store(tmp_path)
    before = list(chain(*Part(1, 3).own(GRID, store)))
    shards.train(GRID, store, Part(0, 3), Local(1, quiet=True))
    left = list(chain(*Part(1, 3).own(GRID, store)))
    assert [spec for spec in before if not store.has(spec)] == left


def test_parts_one_after_the_other_are_one_sweep(tmp_path, expected):
    store = Store(tmp_path)
    for i in (2, 0, 3, 1):
        shards.train(GRID, store, Part(i, 4), Local(1, quiet=True))
    assert results(store) == expected


def test_parts_at_once_are_one_sweep_and_train_nothing_twice(tmp_path, expected):
    call = "import sys, test_cluster as t; t.shards.train(t.GRID, {}, {}, {})"
    environment = {**os.environ, "PYTHONPATH": CODE}
    store = "t.Store(t.Path(sys.argv[1]))"
    calls = [call.format(store, f"t.Part({i}, 4)", "t.Local(1, quiet=True)") for i in range(4)]
    parts = [subprocess.Popen([sys.executable, "-c", one, str(tmp_path)], env=environment) for one in calls]
    assert [part.wait() for part in parts] == [0, 0, 0, 0]
    assert results(Store(tmp_path)) == expected


@pytest.mark.parametrize("text", ["", "1", "1/", "4/4", "-1/4", "1/0", "0/0", "1.0/4", "a/b", "1/4 "])
def test_what_is_no_part_is_refused(text):
    with pytest.raises(MixkdError, match="shard: found"):
        Part.parse(text)
    assert Part.parse("3/4") == Part(3, 4)


def test_the_command_trains_a_part(mixkd, store_home):
    words = ("alpha", "--dataset", "synthetic", "--profile", "smoke")
    _, total, _ = mixkd("sweep", *words, "--dry-run")
    counts = []
    for i in (0, 1):
        status, said, _ = mixkd("sweep", *words, "--shard", f"{i}/2", "--workers", "1")
        assert status == 0
        counts.append(int(re.search(r"^(\d+) runs of part", said, re.MULTILINE)[1]))
    missing = int(re.search(r"(\d+) missing", total)[1])
    assert max(counts) < missing
    assert sum(counts) <= missing  # the second finds trained what the first needed
    assert len(results(Store())) == missing


SCRIPTS = {"slurm": ("SLURM_ARRAY_TASK_ID", "2"), "pbs": ("PBS_ARRAY_INDEX", "2"), "sge": ("SGE_TASK_ID", "3")}


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_job_script_runs_its_part(name, mixkd, store_home, tmp_path):
    words = ("alpha", "--dataset", "synthetic", "--profile", "smoke")
    status, script, _ = mixkd("sweep", *words, "--print-job", name, "--parts", "4")
    assert status == 0
    path = tmp_path / "job"
    path.write_text(script)
    assert subprocess.run(["sh", "-n", path], check=True).returncode == 0
    asked = [line for line in script.splitlines() if line.startswith(("#SBATCH", "#PBS", "#$"))]
    assert any("0-3" in line or "1-4" in line for line in asked)
    assert any("00:30:00" in line for line in asked)
    assert f"cd {Path.cwd()}\nexport MIXKD_HOME={store_home}\n" in script
    variable, index = SCRIPTS[name]
    said = subprocess.run(["sh", path], capture_output=True, text=True, env={**os.environ, variable: index}, check=True)
    assert f"runs of part 2/4 in {Store().runs}" in said.stdout.replace("\n", " ")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--print-job", "lsf"), "print-job: found 'lsf'"),
        (("--print-job", "slurm", "--parts", "0"), "parts: found 0"),
        (("--print-job", "slurm", "--parts", "9999"), "parts: found 9999"),
        (("--shard", "4/4"), "shard: found '?4/4"),
        (("--precision", "half"), r"RunSpec\.precision: found 'half', expected one of float32, bfloat16"),
        (("--on", "slrum"), "on: found 'slrum', expected kubernetes, local, slurm"),
        (("--on", "./nowhere"), "on: found './nowhere'"),
    ],
)
def test_wrong_words_are_one_line(words, message, mixkd):
    status, _, error = mixkd("sweep", "alpha", "--dataset", "synthetic", "--profile", "smoke", *words)
    assert status == 1
    assert error.count("\n") == 1
    assert re.search(message, error)


# -- Snakemake


def test_without_snakemake_the_way_on_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "ENGINE", tmp_path / "snakemake")
    with pytest.raises(MixkdError, match="install it with `make cluster`"):
        sweep.run(GRID, Store(tmp_path), on=Cluster("local", quiet=True))


def test_answers_are_read_as_they_are_written(tmp_path):
    chunks = planning.chunks([tiny(), tiny(seed=1)])
    schedule = Schedule(chunks)
    (tmp_path / "answers").mkdir()
    answers = cluster.Answers(tmp_path, chunks, schedule)
    path = tmp_path / "answers" / chunks[0].name
    line = json.dumps({"hash": chunks[0].specs[0].hash, "error": None}) + "\n"
    for text, left in ((None, 2), (line[:9], 2), (line, 1), (line * 2, 1)):  # a job that is started again says it again
        if text:
            path.write_text(text)
        answers.read()
        assert len(schedule.unfinished) == left


@engine
def test_snakemake_leaves_what_a_local_sweep_leaves(tmp_path, expected):
    store = Store(tmp_path)
    sweep.run(GRID, store, on=Cluster("local", quiet=True))
    assert results(store) == expected
    assert len(list((tmp_path / "cluster").glob("*/plan.json"))) == 1


@engine
def test_a_run_that_fails_is_named_and_what_needs_it_left_out(tmp_path):
    bad = tiny(learning_rate=10.0, weight_decay=0.99, teachers=[SIGNAL])
    with pytest.raises(MixkdError, match=r"1 of 4 runs failed: .*diverged|2 of 4 runs failed: .*1 left out"):
        sweep.run([bad, tiny(teachers=[SIGNAL])], Store(tmp_path), on=Cluster("local", quiet=True))
    assert Store(tmp_path).has(tiny(teachers=[SIGNAL]))


@engine
def test_ctrl_c_ends_snakemake_and_its_jobs(tmp_path):
    """Within seconds, though the run in training would take minutes; what was finished stays."""
    process = start("t.Cluster('local', quiet=True)", tmp_path, "[t.tiny(), t.tiny(epochs=20_000)]")
    wait_for(lambda: results(Store(tmp_path)), 120)
    every = psutil.Process(process.pid).children(recursive=True)
    assert any("mixkd.runs.worker" in child.cmdline() for child in every)
    process.send_signal(signal.SIGINT)
    process.wait(30)
    assert psutil.wait_procs(every, timeout=30)[1] == []
    assert results(Store(tmp_path)).keys() == {tiny().hash}


def test_two_starts_leave_each_other_their_folders(tmp_path):
    one, of_one = cluster.new_folder(tmp_path)
    other, of_other = cluster.new_folder(tmp_path)
    assert one.is_dir()
    of_one.close()
    third, of_third = cluster.new_folder(tmp_path)
    assert (one.exists(), other.exists(), third.exists()) == (False, True, True)
    of_other.close()
    of_third.close()


def killed(home: Path, after: float) -> bool:
    """Start the grid, and kill Snakemake so many seconds after its start; False where all was done before that."""
    process = start("t.Cluster('local', quiet=True)", home)
    parent = psutil.Process(process.pid)
    children = wait_for(lambda: process.poll() is not None or parent.children(), 120)
    if children is True:
        return False
    time.sleep(after)
    alive = [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]
    for child in alive:
        child.send_signal(signal.SIGKILL)
    process.wait()
    assert len(lost(Store(home))) <= len(alive)
    return bool(alive)


@engine
def test_snakemake_killed_at_random_moments_goes_on(tmp_path, expected):
    """The same command, and no run that was finished is trained again; in a new store when the grid is done."""
    draw, n_killed, n_stores = random.Random(0), 0, 0
    while n_killed < KILLS:
        home, finished = tmp_path / str(n_stores), {}
        n_stores += 1
        while n_killed < KILLS and killed(home, draw.uniform(0, 12)):
            n_killed += 1
            for path, at in finished.items():
                assert path.stat().st_mtime_ns == at
            finished = mtimes(Store(home))
        assert start("t.Cluster('local', quiet=True)", home).wait() == 0
        for path, at in finished.items():
            assert path.stat().st_mtime_ns == at
        assert results(Store(home)) == expected
    print(f"Snakemake was killed {n_killed} times in {n_stores} grids of {len(NEEDED)} runs")


# -- Slurm

CONFIG = Path("/etc/slurm/slurm.conf")  # where its parts look, whatever the environment of a job says
HAS_SLURM = bool(shutil.which("slurmctld")) and os.geteuid() == 0 and not CONFIG.exists()
on_slurm = pytest.mark.skipif(
    not (cluster.ENGINE.is_file() and HAS_SLURM),
    reason="needs Snakemake (`make cluster`), Debian's slurm-wlm, root, and no Slurm that is configured",
)
PROFILE = """\
executor: slurm
jobs: 20
latency-wait: 20
slurm-no-account: true
slurm-status-command: squeue
slurm-init-seconds-before-status-checks: 5
seconds-between-status-checks: 5
"""


def free_port() -> int:
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        return made.getsockname()[1]


@pytest.fixture
def slurm(tmp_path) -> Iterator[Path]:
    """A Slurm of one node on loopback; the folder of a profile for it."""
    host, memory = socket.gethostname(), psutil.virtual_memory().total // 2**20 * 3 // 4
    folder = tmp_path / "slurm"
    for name in ("state", "spool", "profile"):
        (folder / name).mkdir(parents=True)
    settings = {
        "ClusterName": "mixkd",
        "SlurmctldHost": f"{host}(127.0.0.1)",
        "SlurmUser": "root",
        "AuthType": "auth/none",
        "CredType": "cred/none",
        "ProctrackType": "proctrack/linuxproc",
        "TaskPlugin": "task/none",
        "SelectType": "select/cons_tres",
        "SelectTypeParameters": "CR_Core_Memory",
        "StateSaveLocation": folder / "state",
        "SlurmdSpoolDir": folder / "spool",
        "SlurmctldLogFile": folder / "slurmctld.log",
        "SlurmdLogFile": folder / "slurmd.log",
        "SlurmctldPidFile": folder / "slurmctld.pid",
        "SlurmdPidFile": folder / "slurmd.pid",
        "SlurmctldPort": free_port(),
        "SlurmdPort": free_port(),
        "MinJobAge": 3600,
    }
    lines = [f"{name}={value}" for name, value in settings.items()]
    lines.append(f"NodeName={host} NodeAddr=127.0.0.1 CPUs={os.cpu_count()} RealMemory={memory} State=UNKNOWN")
    lines.append("PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP")
    (folder / "profile" / "config.yaml").write_text(PROFILE)
    with locked(Path("/run/mixkd-slurm.lock")):  # one Slurm at a time on a machine
        CONFIG.write_text("\n".join(lines) + "\n")
        daemons = [subprocess.Popen([name, "-D"], stderr=subprocess.DEVNULL) for name in ("slurmctld", "slurmd")]
        try:
            wait_for(lambda: "idle" in asked("sinfo", "-h", "-o", "%T"), 60)
            yield folder / "profile"
        finally:
            for daemon in reversed(daemons):
                daemon.terminate()
                daemon.wait()
            CONFIG.unlink()


def asked(*command: str | Path) -> str:
    return subprocess.run(command, capture_output=True, text=True).stdout


def in_training(store: Store) -> psutil.Process | None:
    """A worker that holds the lock of a run, if there is one."""
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if str(store.root) in process.cmdline() and any(f.path.endswith(".lock") for f in process.open_files()):
                return process
    return None


def seconds(record: Path) -> float:
    """Of its training."""
    return json.loads(record.read_bytes())["provenance"]["seconds"]


@on_slurm
def test_slurm_leaves_what_a_local_sweep_leaves_though_a_job_is_killed(tmp_path, expected, slurm):
    """It is killed while it trains a run, and nothing else is lost."""
    store, killed = Store(tmp_path / "store"), []

    def kill_a_job() -> None:
        process = wait_for(lambda: in_training(store), 300)
        asked("scancel", "--signal=KILL", "--full", process.environ()["SLURM_JOB_ID"])
        psutil.wait_procs([process], timeout=60)
        killed.append(lost(store))  # before it is started again

    killer = threading.Thread(target=kill_a_job)
    killer.start()
    began = time.monotonic()
    sweep.run(GRID, store, on=Cluster(str(slurm), quiet=True))
    killer.join()
    took, trained = time.monotonic() - began, sum(seconds(path) for path in store.runs.rglob("*.json"))
    (left,) = killed
    about = f"{len(NEEDED)} runs on two levels, a job killed, {len(left)} lost"
    print(f"{about}: {took:.0f} s, of all jobs {trained:.0f} s in training")
    assert len(left) <= 1
    assert lost(store) == set()
    assert results(store) == expected


@on_slurm
def test_a_job_array_on_slurm_trains_all_parts(tmp_path, slurm, mixkd, store_home):
    words = ("alpha", "--dataset", "synthetic", "--profile", "smoke")
    _, script, _ = mixkd("sweep", *words, "--print-job", "slurm", "--parts", "4")
    (tmp_path / "job").write_text(script)
    subprocess.run(["sbatch", "--wait", "--output", tmp_path / "%a.out", tmp_path / "job"], check=True)
    found, local = results(Store()), Store(tmp_path / "local")
    from mixkd import studies

    sweep.run(studies.specs("alpha", studies.Scope("synthetic", "smoke")), local, on=Local(quiet=True))
    assert found == results(local)
