"""Where numbers come from: the commit, whether the code differs from it, and the processor."""

from __future__ import annotations

import platform
import subprocess

import pytest

from mixkd.runs import provenance


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A repository with one commit, taken for that of `mixkd`."""
    for name in ("code.py", "results/old", "benchmarks/records/old"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("a")
    author = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    for words in (("init", "-q"), ("add", "-A"), (*author, "commit", "-qm", "a")):
        subprocess.run(["git", "-C", str(tmp_path), *words], check=True)
    monkeypatch.setattr(provenance, "CHECKOUT", tmp_path.resolve())
    provenance.git_state.cache_clear()
    yield tmp_path
    provenance.git_state.cache_clear()


def test_a_clean_checkout(checkout):
    state = provenance.git_state()
    assert (len(state["sha"]), state["dirty"]) == (40, False)


@pytest.mark.parametrize("name", ["code.py", "new.py", "results/old", "benchmarks/records/old"])
def test_a_changed_checkout_is_dirty(checkout, name):
    (checkout / name).write_text("b")
    assert provenance.git_state()["dirty"]


def test_a_benchmark_leaves_aside_what_the_one_before_wrote(checkout):
    for name in ("old", "new"):
        (checkout / "benchmarks/records" / name).write_text("b")
    assert not provenance.git_state("benchmarks/records")["dirty"]
    (checkout / "code.py").write_text("b")
    provenance.git_state.cache_clear()
    assert provenance.git_state("benchmarks/records")["dirty"]


def test_outside_a_checkout(checkout, monkeypatch):
    monkeypatch.setattr(provenance, "CHECKOUT", checkout / "results")
    assert provenance.git_state() == {"sha": None, "dirty": None}


CORE = {"model name": "Some CPU", "flags": "fma avx2", "cpu MHz": "2600.0"}


def cpu(root, cache: str = "2048K", **lines: str) -> str:
    """What a machine of such cores is called."""
    first = "\n".join(f"{key}\t: {value}" for key, value in {**CORE, **lines}.items())
    for name, text in {
        "proc/cpuinfo": f"{first}\n\nflags\t: another core\n",
        "sys/devices/system/cpu/cpu0/cache/index2/size": cache,
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    provenance.cpu.cache_clear()
    return provenance.cpu(root)


def test_processors_are_told_apart_by_what_chooses_kernels(tmp_path):
    name = cpu(tmp_path)
    assert name.startswith("Some CPU ")
    assert cpu(tmp_path, **{"cpu MHz": "1200.0"}) == name
    assert len({name, cpu(tmp_path, flags="fma avx2 avx512f"), cpu(tmp_path, cache="1024K")}) == 3


def test_a_processor_without_proc_has_a_name(tmp_path):
    assert provenance.cpu(tmp_path / "nothing") == (platform.processor() or platform.machine())
