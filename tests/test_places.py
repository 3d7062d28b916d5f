"""Places and terminals that do not work as hoped: one line, or the result; nothing half written."""

from __future__ import annotations

import errno
import io
import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from benchmarks import generated
from mixkd import errors, files
from mixkd.book import notebook
from mixkd.cli import main
from mixkd.errors import MixkdError
from mixkd.figures import timeline

BOTH = """
import sys
from mixkd.cli import main
for command in ("init", "path"):
    sys.argv[1:] = ["data", command, *sys.argv[-1:]][: 2 + (command == "init")]
    try:
        main.main()
    except SystemExit as end:
        assert not end.code
"""
LABELS = ("[/up]", "down :smile: [b]")


def recordings(base: Path, labels: tuple[str, ...] = LABELS, channel: str = "acc [²g]") -> Path:
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
def mixkd(mixkd, monkeypatch, tmp_path):
    """As in `conftest`, in an empty folder beside what a test makes."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return mixkd


# -- places

NOWHERE = {
    "unknown home": "~nobody-of-that-name/x",
    "loop": "loop/x",
    "long name": "n" * 256,
    "long path": "/".join(["d" * 250] * 20),
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


@pytest.mark.parametrize("kind", ["unknown home", "loop", "long name"])
@pytest.mark.parametrize("variable", ["MIXKD_HOME", "MIXKD_DATA"])
def test_folders_of_the_environment(mixkd, monkeypatch, tmp_path, variable, kind):
    monkeypatch.setenv(variable, nowhere(tmp_path, kind))
    assert_one_line(mixkd("data", "check", "hapt"))
    assert_one_line(mixkd("sweep", "--dry-run", "--dataset", "hapt"))
    if variable == "MIXKD_HOME":
        assert_one_line(mixkd("data", "info", "watch"))
    assert not list(tmp_path.rglob("*nobody*"))


def test_a_home_that_is_not_known_names_variable_and_user(mixkd, monkeypatch):
    monkeypatch.setenv("MIXKD_DATA", "~nobody-of-that-name/x")
    found = "found ~nobody-of-that-name/x, expected a folder; ~nobody-of-that-name has no home folder here"
    assert mixkd("data", "path") == (1, "", f"mixkd: MIXKD_DATA: {found}\n")


def test_no_home_at_all(monkeypatch, tmp_path):
    """Outside a checkout the store is in the user's cache: never in a folder named `~`."""
    monkeypatch.delenv("MIXKD_HOME", raising=False)
    monkeypatch.setattr(files, "CHECKOUT", tmp_path)
    monkeypatch.setattr(files.platformdirs, "user_cache_dir", lambda name: f"~/.cache/{name}")
    with pytest.raises(MixkdError, match=r"MIXKD_HOME: not set, and found ~/\.cache/mixkd"):
        files.home()


@pytest.mark.parametrize("kind", ["loop", "long path", "a file"])
def test_arguments(mixkd, tmp_path, kind):
    place = nowhere(tmp_path, kind)
    before = sorted(tmp_path.rglob("*"))
    for words in (
        *(("data", command, place) for command in ("check", "info", "init", "survey")),
        ("data", "survey", "synthetic", "-o", f"{place}/out.json"),
        ("sweep", "--dataset", place, "--dry-run"),
        ("notebook", place),
        ("notebook", "05_mixup", "-p", f"dataset={place}"),
        ("predict", place, "new.csv"),
    ):
        status, out, err = mixkd(*words)
        assert status == 1, words
        assert (out + err).count("\n") == 1, words
        assert len(out + err) <= errors.MOST + 80, words
    assert [path for path in sorted(tmp_path.rglob("*")) if "home" not in str(path)] == before


def test_the_longest_name_that_a_file_system_takes(tmp_path):
    path = tmp_path / ("ä" * 127 + "a")
    files.atomic_write(path, b"content")
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
    source = nbformat.v4.new_notebook(
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    )
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
    assert "acc [²g]" in out
    assert f"{base}: 3 people, nothing wrong" in mixkd("data", "check", str(base))[1]
    (base / "dataset.toml").unlink()
    status, out, _ = mixkd("data", "init", str(base))
    assert (status, "acc [²g]" in out, f"mixkd data check {base}" in out) == (0, True, True)


def test_dollars_in_names_are_drawn_as_they_are(mixkd, tmp_path):
    """matplotlib takes what stands between dollars for mathematics."""
    base = recordings(tmp_path / "rec", (r"$\frac$", "$x^$"), "$a_$")
    status, _, err = mixkd("data", "check", str(base))
    assert (status, err) == (0, "")
    assert (base / "dataset.png").stat().st_size > 0
    about = {"channels": ["$a_$"], "units": [r"$\u$"], "classes": [r"$\frac$", "$x^$"], "rate": 10.0}
    rows = [{"start_s": i, "end_s": i + 1, "label": about["classes"][i % 2]} for i in range(8)]
    timeline.plot(about, [(0.0, np.zeros((80, 1), np.float32))], rows, tmp_path / "plot.png")


def test_long_labels_are_folded_not_cut(mixkd, tmp_path):
    label = "walking" * 30
    _, out, _ = mixkd("data", "info", str(recordings(tmp_path / "rec", (label, "b"))))
    assert label in "".join(filter(str.isalpha, out))


def into(stream, monkeypatch, words: tuple[str, ...]) -> int:
    """The exit status of `mixkd WORDS` in this process, with this standard output."""
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setattr(main.out, "quiet", False)  # rich sets it where a pipe is closed: undone after the test
    monkeypatch.setattr(sys, "argv", ["mixkd", *words])
    with pytest.raises(SystemExit) as end:
        main.main()
    return int(end.value.code or 0)


def test_a_terminal_of_ascii(tmp_path, monkeypatch):
    base = recordings(tmp_path / "rec", channel="acc [µV²]")
    (base / "dataset.toml").unlink()
    stream = io.TextIOWrapper(io.BytesIO(), "ascii")
    assert into(stream, monkeypatch, ("data", "init", str(base))) == 0
    assert rb'"acc [\xb5V\xb2]"' in stream.buffer.getvalue()
    assert "acc [µV²]" in (base / "dataset.toml").read_text(encoding="utf-8")


def test_a_locale_of_ascii(tmp_path):
    """Where Python reads and writes ASCII unless told otherwise, with a file name that is no UTF-8 either."""
    base = recordings(tmp_path / "rec")
    (base / "dataset.toml").unlink()
    here = os.fsencode(tmp_path) + b"/\xff\xfe"
    base.rename(os.fsdecode(here))
    settings = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = subprocess.run(
        [sys.executable, "-c", BOTH, here], capture_output=True, env={**os.environ, **settings}, timeout=100
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert rb"acc [\xb2g]" in done.stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("words", [("data", "path"), ("data", "list"), ("--help",)])
def test_a_full_disk_under_the_output(monkeypatch, store_home, capsys, words):
    with open("/dev/full", "w") as stream:  # closing it raises where something is left to write
        assert into(stream, monkeypatch, words) == 1
    expected = f"mixkd: standard output, or another open file: {os.strerror(errno.ENOSPC)}\n"
    assert capsys.readouterr().err == expected


def test_a_reader_that_is_gone(monkeypatch, store_home, capsys):
    reader, writer = os.pipe()
    os.close(reader)
    with suppress(BrokenPipeError), open(writer, "w") as stream:
        assert into(stream, monkeypatch, ("data", "list")) == 1
    assert capsys.readouterr().err == ""


def test_no_output_at_all(monkeypatch, store_home, capsys):
    """Standard output was closed by who started the command."""
    assert into(None, monkeypatch, ("data", "path")) == 0
    assert capsys.readouterr().err == ""


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
        main.main()


# -- messages


def test_a_message_is_one_line_without_control_characters_and_of_half_a_screen():
    assert str(MixkdError("a\nb\x1b[31m\udcff é µ")) == r"a\nb\x1b[31m\udcff é µ"
    long = str(MixkdError("start " + "x" * 20_000 + " end"))
    assert len(long) <= errors.MOST + 3
    assert (long[:6], long[-4:]) == ("start ", " end")


# -- generated


@pytest.mark.parametrize("kind", ["parameters", "names", "archive"])
def test_generated_inputs_are_taken_or_refused(store_home, kind, capsys):
    counts = generated.tried(kind, 60, seed=1)
    assert sum(counts.values()) >= 60
    assert {what for _, what in counts} <= {"read", "refused"}, capsys.readouterr().out
