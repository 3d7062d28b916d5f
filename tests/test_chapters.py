"""Chapters on other data sets than `watch`: people, channels, classes and names as they are there.

All chapters on all of them take half an hour on two cores, so `make test` runs a few; MIXKD_TEST_CHAPTERS=all runs all.
"""

from __future__ import annotations

import os

import nbformat
import pytest
from shared import expand, needs_shared  # noqa: F401
from smoke import ROOT, mixkd

from mixkd import MixkdError
from mixkd.book import notebook

ALL = ("01", "02", "03", "04", "05", "06", "07")
EVERY = os.environ.get("MIXKD_TEST_CHAPTERS") == "all"
FEW = {"selfback": ("01",), "hapt": ("06",)}  # the second trains
CHAPTERS = dict.fromkeys(("selfback", "hapt", "dsads"), ALL) if EVERY else FEW


@needs_shared
@pytest.mark.parametrize("name", CHAPTERS)
def test_chapters_run(name, expand, tmp_path, monkeypatch):  # noqa: F811
    monkeypatch.setenv("MIXKD_DATA", str(expand(name)))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    for chapter in CHAPTERS[name]:
        (path,) = (ROOT / "notebooks").glob(f"{chapter}_*.ipynb")
        output = tmp_path / path.name
        words = ("-p", "profile=smoke", "-p", f"dataset={name}", "-o", str(output))
        done = mixkd("notebook", path.stem, *words, home=tmp_path / "home")
        assert done.returncode == 0, done.stderr
        cells = nbformat.read(output, as_version=4).cells
        drawn = [cell for cell in cells if cell.cell_type == "code" and "figure" in cell.metadata.get("mystnb", {})]
        assert drawn
        for cell in drawn:
            assert any("image/svg+xml" in out.get("data", {}) for out in cell.outputs), cell.source


def test_an_unknown_person_is_refused_with_those_there_are():
    notebook.check_known("subject", 9, [7, 9])
    with pytest.raises(MixkdError, match=r"^parameter subject: found 8, expected one of 7, 9$"):
        notebook.check_known("subject", 8, [7, 9])
