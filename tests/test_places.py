"""Places and terminals that do not work as hoped: one line, or the result; nothing half written."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mixkd import cli, errors, notebook, store
from mixkd.errors import MixkdError

LABELS = ("[/up]", "down :smile: [b]")


def recordings(base: Path, labels: tuple[str, ...] = LABELS, channel: str = "z [m/s²]") -> Path:
    """A folder of three people whose labels and channel are as odd as asked."""
    base.mkdir(parents=True)
    values = np.random.default_rng(0).normal(size=(len(labels), 3, 60))
    for label, people in zip(labels, values, strict=True):
        for person, signal in enumerate(people):
            rows = "".join(f"{person},{label},{value:.4f}\n" for value in signal)
            with open(base / f"{person}.csv", "a", encoding="utf-8") as file:
                file.write(rows if file.tell() else f"who,what,{channel}\n{rows}")
    lines = ("rate = 20.0", 'subject = "who"', 'label = "what"', "window = 1.0", "[channels]", f'"{channel}" = "m/s²"')
    (base / "dataset.toml").write_text("\n".join(lines), encoding="utf-8")
    return base


@pytest.fixture
def mixkd(monkeypatch, capsys, store_home, tmp_path):
    """Runs `mixkd WORDS` in this process, in an empty folder; returns exit status, stdout and stderr."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")

    def command(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["mixkd", *words])
        with pytest.raises(SystemExit) as end:
            cli.main()
        return int(end.value.code or 0), *capsys.readouterr()

    return command


def process(*words: str | bytes, **options) -> subprocess.CompletedProcess:
    """`mixkd WORDS` in a process of its own."""
    settings = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    return subprocess.run([sys.executable, "-m", "mixkd.cli", *words], **settings)


# -- places

NOWHERE = {
    "unknown home": "~nobody-of-that-name/x",
    "loop": "loop/x",
    "long name": "n" * 256,
    "long path": "/".join(["d" * 250] * 20),
    "below a file": "file/x",
    "a file": "file",
}


def nowhere(base: Path, kind: str) -> str:
    (base / "loop").symlink_to("loop")
    (base / "file").write_text("a file")
    return NOWHERE[kind] if NOWHERE[kind].startswith("~") else str(base / NOWHERE[kind])


def assert_one_line(found: tuple[int, str, str]) -> None:
    status, _, err = found
    assert status == 1
    assert err.startswith("mixkd: ")
    assert err.count("\n") == 1
    assert len(err) <= errors.MOST + 20


@pytest.mark.parametrize("kind", NOWHERE)
@pytest.mark.parametrize("variable", ["MIXKD_HOME", "MIXKD_DATA"])
def test_folders_of_the_environment(mixkd, monkeypatch, tmp_path, variable, kind):
    monkeypatch.setenv(variable, nowhere(tmp_path, kind))
    assert_one_line(mixkd("data", "check", "hapt"))
    assert_one_line(mixkd("sweep", "--dry-run", "--dataset", "hapt"))
    if variable == "MIXKD_HOME":
        assert_one_line(mixkd("data", "info", "watch"))
        assert_one_line(mixkd("publish", "--profile", "smoke") if kind == "loop" else mixkd("data", "info", "watch"))
    assert not list(tmp_path.rglob("*nobody*"))


def test_a_home_that_is_not_known_names_variable_and_user(mixkd, monkeypatch):
    monkeypatch.setenv("MIXKD_DATA", "~nobody-of-that-name/x")
    found = "found ~nobody-of-that-name/x, expected a folder; ~nobody-of-that-name has no home folder here"
    assert mixkd("data", "path") == (1, "", f"mixkd: MIXKD_DATA: {found}\n")


def test_no_home_at_all(monkeypatch, tmp_path):
    """Outside a checkout the store is in the user's cache: never in a folder named `~`."""
    monkeypatch.delenv("MIXKD_HOME", raising=False)
    monkeypatch.setattr(store, "CHECKOUT", tmp_path)
    monkeypatch.setattr(store.platformdirs, "user_cache_dir", lambda name: f"~/.cache/{name}")
    with pytest.raises(MixkdError, match=r"MIXKD_HOME: not set, and found ~/\.cache/mixkd"):
        store.home()


@pytest.mark.parametrize("kind", sorted(NOWHERE.keys() - {"unknown home"}))
def test_arguments(mixkd, tmp_path, kind):
    place = nowhere(tmp_path, kind)
    before = sorted(tmp_path.rglob("*"))
    for words in (
        *(("data", command, place) for command in ("check", "info", "init", "fetch", "survey")),
        ("data", "survey", "synthetic", "-o", f"{place}/out.json"),
        ("run", "-s", f"dataset={place}"),
        ("verify", "--dataset", place),
        ("notebook", place),
        ("notebook", "05_mixup", "-p", f"dataset={place}"),
        ("predict", place, "new.csv"),
        ("distill", place, "--out", "student"),
    ):
        status, out, err = mixkd(*words)
        assert status == 1, words
        assert (out + err).count("\n") == 1, words
        assert len(out + err) <= errors.MOST + 40, words
    assert [path for path in sorted(tmp_path.rglob("*")) if "home" not in str(path)] == before


def test_the_longest_name_that_a_file_system_takes(tmp_path):
    path = tmp_path / ("ä" * 127 + "a")
    store.atomic_write(path, b"content")
    assert path.read_bytes() == b"content"


def test_a_notebook_runs_with_long_places(tmp_path, monkeypatch):
    """TMPDIR too long for sockets, a relative store, the longest output name: all hold for the kernel."""
    import nbformat

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MIXKD_HOME", "my store")
    long = tmp_path / ("t" * 120)
    long.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(long))
    code = f"import os; assert os.environ['MIXKD_HOME'] == {str(tmp_path / 'my store')!r}"
    source = nbformat.v4.new_notebook(metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})
    source.cells = [nbformat.v4.new_code_cell("x: int = 1  # help", metadata={"tags": ["parameters"]})]
    source.cells.append(nbformat.v4.new_code_cell(code))
    nbformat.write(source, tmp_path / "mine.ipynb")
    output = tmp_path / ("o" * 249 + ".ipynb")
    notebook.execute(tmp_path / "mine.ipynb", output, {"x": 2})
    assert "x = 2" in output.read_text()
    assert sorted(tmp_path.iterdir()) == sorted([tmp_path / "mine.ipynb", long, output])
    assert not list(long.iterdir())


@pytest.mark.parametrize("text", ["[]", "{}", '{"cells": 3}', '{"nbformat": 4, "cells": [{}]}', "[" * 9999, "\0"])
def test_a_file_that_is_no_notebook(mixkd, text):
    Path("some.ipynb").write_text(text)
    assert_one_line(mixkd("notebook", "some.ipynb"))


@pytest.mark.parametrize("line", ["x: int = int(3)", "x: list = []", "x: int = (", "x: 'int' = 1"])
def test_a_notebook_whose_parameters_are_no_literals(mixkd, line):
    cell = {"cell_type": "code", "source": line, "metadata": {"tags": ["parameters"]}, "outputs": []}
    content = {"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": [{**cell, "execution_count": None}]}
    Path("some.ipynb").write_text(json.dumps(content))
    status, _, err = mixkd("notebook", "some.ipynb", "-p", "x=1")
    assert (status, err.count("\n")) == (1, 1)
    assert "in its parameters, expected lines `name: type = value`" in err


@pytest.mark.parametrize(
    "words",
    [
        ("run", "-s", "epochs=" + "[" * 5000),
        ("run", "-s", "epochs=" + "9" * 5000),
        ("notebook", "05_mixup", "-p", "alpha=" + "-" * 5000 + "1"),
        ("notebook", "05_mixup", "-p", "alpha=" + "9" * 400),
        ("notebook", "05_mixup", "-p", "seed=" + "(" * 300),
    ],
)
def test_values_beyond_what_python_parses(mixkd, words):
    assert_one_line(mixkd(*words))


# -- terminals


def test_brackets_are_shown_as_they_are(mixkd, tmp_path):
    base = recordings(tmp_path / "rec [/new] [red]")
    for words in (("data", "check", str(base)), ("data", "info", str(base))):
        status, out, err = mixkd(*words)
        assert (status, err) == (0, ""), words
        assert all(label in out for label in LABELS)
    assert "z [m/s²]" in out
    assert f"{base}: 3 people, nothing wrong" in mixkd("data", "check", str(base))[1]
    (base / "dataset.toml").unlink()
    status, out, _ = mixkd("data", "init", str(base))
    assert (status, "z [m/s²]" in out, f"mixkd data check {base}" in out) == (0, True, True)


def test_long_labels_are_folded_not_cut(mixkd, tmp_path):
    label = "walking" * 30
    _, out, _ = mixkd("data", "info", str(recordings(tmp_path / "rec", (label, "b"))))
    assert label in "".join(out.replace("│", "").split())


ASCII = ({"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"})


@pytest.mark.parametrize("settings", ASCII, ids=["stream", "locale"])
def test_a_terminal_of_ascii(tmp_path, settings):
    base = recordings(tmp_path / "rec", channel="m [µT²]")
    (base / "dataset.toml").unlink()
    done = process("data", "init", str(base), env={**os.environ, **settings})
    assert (done.returncode, done.stderr) == (0, b"")
    assert rb'"m [\xb5T\xb2]"' in done.stdout
    assert "m [µT²]" in (base / "dataset.toml").read_text(encoding="utf-8")


def test_a_name_that_is_no_utf8(tmp_path):
    done = process("data", "check", os.fsencode(tmp_path) + b"/\xff\xfe")
    assert done.returncode == 1
    assert done.stderr.count(b"\n") == 1
    assert rb"/\udcff\udcfe" in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_under_the_output():
    with open("/dev/full", "wb") as full:
        done = process("data", "list", stdout=full)
    expected = f"mixkd: standard output: [Errno {errno.ENOSPC}] {os.strerror(errno.ENOSPC)}\n"
    assert (done.returncode, done.stderr.decode()) == (1, expected)


def test_a_reader_that_is_gone():
    reader, writer = os.pipe()
    os.close(reader)
    done = process("data", "list", stdout=writer)
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, b"")


def test_no_output_at_all():
    """Standard output closed by who started the command."""
    done = process("data", "path", preexec_fn=lambda: os.close(1))
    assert (done.returncode, done.stderr) == (0, b"")


def unloadable() -> BaseException:
    """The error of a package whose library could not be loaded, as numpy raises it."""
    try:
        try:
            raise ImportError("lib.so: failed to map segment from shared object")
        except ImportError as error:
            raise ImportError("you should not try to import\nnumpy from here") from error
    except ImportError as error:
        return error


@pytest.mark.parametrize(
    "error", [MemoryError(), unloadable(), RuntimeError("DefaultCPUAllocator: can't allocate memory")]
)
def test_too_little_memory(mixkd, monkeypatch, error):
    def fail(name):
        raise error

    monkeypatch.setattr("mixkd.datasets.dataset", fail)
    status, out, err = mixkd("data", "check", "watch")
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert err.startswith("mixkd: found too little memory (")


def test_a_bug_keeps_its_traceback(mixkd, monkeypatch):
    def fail(name):
        raise ValueError("a bug")

    monkeypatch.setattr("mixkd.datasets.dataset", fail)
    monkeypatch.setattr(sys, "argv", ["mixkd", "data", "check", "watch"])
    with pytest.raises(ValueError, match="a bug"):
        cli.main()


# -- messages


def test_a_message_is_one_line_without_control_characters_and_of_half_a_screen():
    assert str(MixkdError("a\nb\x1b[31m\udcff é µ")) == r"a\nb\x1b[31m\udcff é µ"
    long = str(MixkdError("start " + "x" * 20_000 + " end"))
    assert len(long) <= errors.MOST + 3
    assert (long[:6], long[-4:]) == ("start ", " end")
