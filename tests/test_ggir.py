"""A student as an external function of GGIR: student.R, run by R where there is one."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import mixkd as package
from mixkd.deploy import ggir
from mixkd.deploy.predict import Student
from mixkd.errors import MixkdError

R = shutil.which("Rscript")
NAMES = [*Student.load("selfback-wrist").about["classes"], "unknown"]


@pytest.fixture(scope="module")
def signal() -> np.ndarray:
    """Half a minute at 50 Hz and a sample less: rest, two gaits and values far outside those of training, in g."""
    rng, t = np.random.default_rng(4), np.arange(1499) / 50
    size = np.select([t < 8, t < 16, t < 24], [0.01, 0.4, 1.5], 20)[:, None]
    waves = np.sin(2 * np.pi * np.outer(t, (1.8, 3.6, 0.9)) + (0, 1, 2))
    return (size * waves + (-0.5, -0.6, 0.2) + rng.normal(0, 0.02, (1499, 3))).astype(np.float32)


def expected_of(student: Student, signal: np.ndarray) -> list[str]:
    """By search: the label of the window whose centre is nearest, the earlier of two, for every second."""
    predicted = student.predict(signal, 50)
    centres = [(start + end) / 2 for start, end in zip(predicted.start, predicted.end, strict=True)]
    nearest = [min(range(len(centres)), key=lambda i: abs(centres[i] - s - 0.5)) for s in range(30)]
    return [str(predicted.label[i]) for i in nearest]


def in_r(code: str, folder: Path) -> subprocess.CompletedProcess:
    """R in `folder`, whose Python finds this package."""
    path = str(Path(package.__file__).parents[1])
    words = [str(R), "--vanilla", "-e", code]
    environment = {**os.environ, "PYTHONPATH": path}
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False, env=environment)


def test_every_second_has_the_label_of_the_nearest_window(signal):
    student = Student.load("selfback-wrist")
    labels = [NAMES[i] for i in ggir.seconds(student, signal)]
    assert labels == expected_of(student, signal)
    assert len(set(labels)) >= 3
    assert "unknown" in labels
    window = [NAMES[i] for i in ggir.seconds(student, signal[:250])]
    assert window == [student.predict(signal[:250], 50).label[0]] * 5


@pytest.mark.skipif(R is None, reason="no Rscript found; Debian: apt-get install r-base-core")
def test_r_gives_the_shares_of_the_labels(signal, mixkd, tmp_path):
    """And one line on a block that is too short."""
    assert mixkd("export", "selfback-wrist", "--to", "ggir") == (0, "student.R\n", "")
    np.savetxt(tmp_path / "block.csv", signal, delimiter=",")
    done = in_r(
        """source("student.R"); xyz <- as.matrix(read.csv("block.csv", header = FALSE))
           shares <- myfun$FUN(xyz, myfun$parameters)
           stopifnot(identical(colnames(shares), myfun$colnames))
           write.csv(shares, "shares.csv", row.names = FALSE)
           cat(myfun$expected_sample_rate, myfun$expected_unit, length(myfun$reporttype))
           myfun$FUN(xyz[1:99, ], myfun$parameters)""",
        tmp_path,
    )
    assert done.stdout == "50 g 10"
    assert done.stderr.startswith("Error: mixkd: signal: found 99 samples at 50 Hz, expected 250 at least\n")
    columns = (tmp_path / "shares.csv").read_text().partition("\n")[0].replace('"', "").split(",")
    assert columns == [f"share_{name}" for name in NAMES]
    shares = np.loadtxt(tmp_path / "shares.csv", delimiter=",", skiprows=1)
    np.testing.assert_array_equal(shares.sum(1), 1)
    assert [NAMES[i] for i in shares.argmax(1)] == expected_of(Student.load("selfback-wrist"), signal)


@pytest.mark.skipif(R is None, reason="no Rscript found; Debian: apt-get install r-base-core")
def test_r_reads_any_name(tmp_path):
    names = ["Zähne", 'say "a\\b"', "100 % $x", "line\nend", "🚶"]
    (tmp_path / "names.R").write_text(f"names <- c({', '.join(map(ggir.text, names))})", encoding="ascii")
    code = 'source("names.R"); for (name in names) cat(utf8ToInt(name), "\\n")'
    lines = in_r(code, tmp_path).stdout.splitlines()
    assert ["".join(map(chr, map(int, line.split()))) for line in lines] == names


def test_students_that_ggir_cannot_feed_are_refused(mixkd, tmp_path):
    status, _, error = mixkd("export", "watch-shoulder", "--to", "ggir")
    assert (status, error.count("\n"), (tmp_path / "student.R").exists()) == (1, 1, False)
    assert "found ax in g, ay in g, az in g, wx in rad/s, wy in rad/s, wz in rad/s, expected three channels" in error
    wrist = Student.load("selfback-wrist")
    for units in (["°/s"] * 3, ["g", "g", "m/s²"]):
        with pytest.raises(MixkdError, match=f"x in {units[0]}, y in {units[1]}, z in {units[2]}, expected"):
            ggir.script(Student(wrist.folder, wrist.about | {"units": units}))
    assert 'expected_unit = "ms2"' in ggir.script(Student(wrist.folder, wrist.about | {"units": ["m/s²"] * 3}))
