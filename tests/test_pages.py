"""What the build writes into pages: tables, the values of parameters, and published runs that are trained again."""

from __future__ import annotations

from dataclasses import replace

import pytest
from runs import SIGNAL, small, train

from mixkd.book import build, live, tables
from mixkd.files import CHECKOUT
from mixkd.runs.published import Published, publish
from mixkd.runs.store import Store
from mixkd.studies import Scope
from mixkd.studies.results import LOCAL_FIRST, store_of


def test_the_cell_of_parameters_shows_the_values_of_the_page():
    source = 'dataset: str = "watch"  # its name\nprofile: str = "quick"\nalpha: float = 1.0  # of Beta\nimport os\n'
    found = build.with_values(source, {"profile": "full", "dataset": "a # b", "seed": 1})
    assert (
        found == 'dataset: str = "a # b"  # its name\nprofile: str = "full"\nalpha: float = 1.0  # of Beta\nimport os\n'
    )


@pytest.mark.parametrize("name", tables.GENERATED)
def test_generated_tables_are_tables(name):
    """Rows of as many cells as the head, each with content, and a page that includes them."""
    head, rule, *rows = [line for line in tables.GENERATED[name]().splitlines() if line.startswith("|")]
    assert len(rows) >= 3
    assert {line.count("|") for line in (head, rule, *rows)} == {head.count("|")}
    assert all(cell.strip() for row in rows for cell in row.strip("|").split("|"))
    pages = "".join(path.read_text() for path in (CHECKOUT / "book").glob("*.md"))
    assert f"{{include}} {name}" in pages


def test_published_runs_are_trained_again_and_compared(tmp_path, store_home, monkeypatch):
    runs = {"a student": small(teachers=[SIGNAL]), "its control": small(), "one that is not published": small(seed=5)}
    records = [train(spec, Store(tmp_path / "made")) for spec in list(runs.values())[:2]]
    changed = replace(records[1], history=[*records[1].history[:-1], {**records[1].history[-1], "loss": 0.0}])
    publish([records[0], changed], root=tmp_path / "published")
    monkeypatch.setattr(Published.__init__, "__defaults__", (tmp_path / "published",))
    monkeypatch.setattr(live, "runs", lambda scope: runs)
    same, other = live.table(Scope("synthetic", "full"), 1).splitlines()[2:]
    assert same.startswith("| a student |")
    assert "identical" in same
    assert "differs on the same machine" in other
    assert "trained for it" in live.table(Scope("synthetic", "smoke"), 1)


def test_the_live_runs_are_a_teacher_its_student_and_the_control():
    teacher, student, control = live.runs(Scope("watch", "full")).values()
    assert student.teacher_runs == (teacher,)
    assert teacher.mixup
    assert (student.mixup, control.mixup, control.teachers) == (None, None, ())
    assert all(spec in Published() for spec in (teacher, student, control))


def test_a_book_that_trains_everything_reads_what_was_trained_here_first(tmp_path, store_home, monkeypatch):
    spec, other = small(), small(seed=5)
    record = train(spec, Store(tmp_path / "made"))
    publish([record, train(other, Store(tmp_path / "made"))], root=tmp_path / "published")
    monkeypatch.setattr(Published.__init__, "__defaults__", (tmp_path / "published",))
    here = replace(record, history=[*record.history[:-1], {**record.history[-1], "loss": 0.0}])
    Store().put(here, here.arrays, here.weights)
    scope = Scope("synthetic", "full")
    monkeypatch.delenv(LOCAL_FIRST, raising=False)
    assert store_of(scope).find(spec).history == record.history
    monkeypatch.setenv(LOCAL_FIRST, "")
    assert build.profile_of("published") == "full"
    assert store_of(scope).find(spec).history == record.history
    assert build.profile_of("full") == "full"
    assert store_of(scope).find(spec).history == here.history
    assert store_of(scope).find(other).spec == other, "published ones for what was not trained here"
    assert build.profile_of("quick") == "quick"


def test_the_foot_of_a_page_says_what_a_profile_means():
    foot = build.footer({"profile": "full", "seed": 0}, "1 s")
    assert "| runs | all people, two or three seeds |" in foot
