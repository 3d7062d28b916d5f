"""Windows whose length is chosen on validation people, and lengths that are refused."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from mixkd.datasets import dataset
from mixkd.deploy import distill, lengths
from mixkd.errors import MixkdError
from mixkd.studies import Scope

TOML = """
files = "*.csv"
names = "{subject}_{label}.csv"
time = "time"
rate = 20.0
window = 2.0
step = 1.0
[channels]
"x" = "g"
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("MIXKD_HOME", str(tmp_path / "home"))
    recordings = tmp_path / "recordings"
    recordings.mkdir()
    for person in "abcd":
        for label, rate in (("slow", 1.0), ("fast", 2.0)):
            time = np.arange(200) / 20
            frame = pd.DataFrame({"time": time, "x": np.sin(2 * np.pi * rate * time + ord(person))})
            frame.round(4).to_csv(recordings / f"{person}_{label}.csv", index=False)
    (recordings / "dataset.toml").write_text(TOML)
    return recordings


def test_the_length_that_is_most_accurate_on_validation_people_is_taken(folder, monkeypatch):
    """The shortest of equally good ones; one that no recording holds is left out, and said to be."""
    scores, trained, said = {20: 0.5, 40: 0.75, 80: 0.75}, [], []

    def sweep(runs, store, on):
        trained.extend(runs)
        score = {"validation": {"accuracy": scores[dataset(runs[0].dataset).window]}, "test": {"accuracy": 1.0}}
        return [SimpleNamespace(metrics=lambda split: score[split]) for _ in runs]

    monkeypatch.setattr(lengths.sweep, "run", sweep)
    plain = lambda name: distill.specs(Scope(name, "full"))[0]  # noqa: E731
    name, sentence = lengths.chosen(folder, [4.0, 1.0, 2.0, 60.0], plain, said.append)
    assert (dataset(name).window, dataset(name).step) == (40, 20)
    assert "Windows last 2 s" in sentence
    assert "50.0 % at 1 s, 75.0 % at 2 s, 75.0 % at 4 s" in sentence
    assert [line for line in said if line.startswith("windows of 60 s left out: ")]
    assert {run.seed for run in trained} == {0}
    assert len(trained) == 3 * lengths.FOLDS
    assert max(run.epochs for run in trained) <= max(dataset(run.dataset).epochs for run in trained) // lengths.SHARE
    one, asked = lengths.chosen(folder, [1.0], plain, said.append)
    assert dataset(one).window == 20
    assert asked == "Windows last 1 s, as asked for."
    with pytest.raises(MixkdError, match=r"--window: found no length that .* allows, expected shorter ones"):
        lengths.chosen(folder, [60.0, 70.0], plain, said.append)


@pytest.mark.parametrize("text", ["", "long", "0", "-1", "nan", "1,,2", "inf", "1;2"])
def test_other_lengths_are_refused(text):
    with pytest.raises(MixkdError, match=r"--window: found .*, expected auto, or seconds such as 2 or 1,2,4"):
        lengths.of(text)


def test_lengths_are_parsed(tmp_path):
    assert lengths.of("auto") == list(lengths.AUTO)
    assert lengths.of("1,2.5") == [1.0, 2.5]
    with pytest.raises(MixkdError, match=r"found the data set .*watch, whose windows are fixed, expected a folder"):
        lengths.chosen(tmp_path / "watch", [1.0], lambda name: [], print)
