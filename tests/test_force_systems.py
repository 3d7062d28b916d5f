"""Systems that predict forces: a ladder of one change each; effects by numpy; commands on data with targets."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pandas as pd
import pytest
from runs import SIGNAL, results, small, train

from mixkd import figures, studies
from mixkd.analysis import forces
from mixkd.cli import main
from mixkd.datasets import Recordings
from mixkd.deploy import distill
from mixkd.deploy.export import export
from mixkd.errors import MixkdError
from mixkd.learning.fold_data import fold_data
from mixkd.learning.metrics import errors
from mixkd.runs import provenance, published, sweep
from mixkd.runs.store import RunRecord, Store
from mixkd.specs.run import RunSpec
from mixkd.studies import Scope, tables
from mixkd.studies.line import force_systems

BASE = RunSpec(dataset="gait")
GAIT = {"dataset": "gait", "task": "regression", "windows_per_class": 3, "epochs": 2}
LADDER = (  # pairs, and the one field in which they differ
    ("labels", "labels, in time", "order"),
    ("outputs", "outputs, in time", "order"),
    ("features", "features, in time", "order"),
    ("outputs", "features", "constants"),
    ("features, in time", "time-aware", "constants"),
    ("labels", "mixup", "mixup"),
    ("mixup", "C-mixup", "mixup"),
)


@pytest.mark.parametrize(("plain", "changed", "field"), LADDER)
def test_each_step_changes_one_thing(plain, changed, field):
    systems = force_systems(BASE, 1.0)
    one, other = systems[plain], systems[changed]
    assert [f.name for f in fields(RunSpec) if getattr(one, f.name) != getattr(other, f.name)] == [field]


def test_all_students_make_the_same_number_of_steps_and_have_names_of_their_own():
    systems = force_systems(BASE, 1.0)
    assert {run.total_epochs for run in systems.values()} == {BASE.epochs}
    assert len({run.hash for run in systems.values()}) == len(systems)
    assert {name: forces.system_of(run, 1.0) for name, run in systems.items()} == {name: name for name in systems}
    assert forces.system_of(systems["outputs"].teacher_runs[0], 1.0) == ""
    described = [tables.describe(run) for run in systems.values()]
    assert len({repr(about) for about in described}) == len(systems)


def record(system: str, fold: int, seed: int, rmse: dict[str, float]) -> RunRecord:
    spec = force_systems(replace(BASE, fold=fold, seed=seed), 1.0)[system]
    by_subject = {s: {"rmse": value, "nrmse": value / 2, "pearson_r": 1 - value} for s, value in rmse.items()}
    return RunRecord(spec, [], {}, {}, {"subjects": by_subject})


RNG = np.random.default_rng(8)
RMSE = {
    (name, fold, seed): RNG.uniform(0.1, 0.5, 2)
    for name in force_systems(BASE, 1.0)
    for fold in range(4)
    for seed in (0, 1)
}
TABLE = forces.rows([record(n, f, s, {str(2 * f): x, str(2 * f + 1): y}) for (n, f, s), (x, y) in RMSE.items()])


def test_effects_are_means_over_folds_of_people_of_seeds():
    found = forces.effects(TABLE, {"w": ("time-aware", "labels")}, final=True).iloc[0]
    by_fold = []
    for fold in range(4):
        people = []
        for person in (0, 1):
            gaps = [RMSE["time-aware", fold, seed][person] - RMSE["labels", fold, seed][person] for seed in (0, 1)]
            people.append(sum(gaps) / 2)
        by_fold.append(sum(people) / 2)
    assert found["effect"] == pytest.approx(np.mean(by_fold))
    half = 3.182446 * np.std(by_fold, ddof=1) / 2  # t of 3 degrees of freedom, 97.5 %
    assert [found["low"], found["high"]] == pytest.approx([np.mean(by_fold) - half, np.mean(by_fold) + half], rel=1e-5)
    control = np.mean([RMSE["labels", fold, seed] for fold in range(4) for seed in (0, 1)])
    assert found["relative"] == pytest.approx(100 * np.mean(by_fold) / control)
    assert (found["n"], found["people"]) == (4, 8)
    assert np.isnan(forces.effects(TABLE, {"w": ("time-aware", "labels")}, final=False)["low"]).all()


def test_scores_are_means_over_people():
    found = forces.scores(TABLE).loc["gait", "features"]
    people = [(RMSE["features", f, 0][p] + RMSE["features", f, 1][p]) / 2 for f in range(4) for p in (0, 1)]
    assert found["rmse"] == pytest.approx(np.mean(people))
    assert found["sd"] == pytest.approx(np.std(people, ddof=1))
    assert found["pearson_r"] == pytest.approx(1 - np.mean(people))
    assert found["n"] == 8


def test_a_pair_needs_both_runs_of_a_seed():
    part = TABLE[(TABLE["system"] != "mixup") | (TABLE["seed"] == 0)]
    assert len(forces.difference(part, "mixup", "labels")) == 8
    one_seed = forces.difference(TABLE[TABLE["seed"] == 0], "mixup", "labels")
    pd.testing.assert_series_equal(forces.difference(part, "mixup", "labels"), one_seed)
    assert forces.effects(TABLE[TABLE["system"] != "mixup"], {"m": ("mixup", "labels")}, True).empty


SIDES = {
    -0.2: "That term lowers the error on gait (-",
    0.2: "That term raises the error on gait (+",
    0.0: "Whether that term helps is undecided on gait (change of RMSE: gait +0.0 %)",
}


@pytest.mark.parametrize(("shift", "words"), SIDES.items())
def test_the_answer_follows_the_interval(shift, words):
    table = TABLE.copy()
    noise = 0.01 * table["fold"].map({0: -1, 1: 1, 2: -1, 3: 1})
    of = table["system"].isin(["time-aware", "features, in time"])
    table.loc[of, "rmse"] = 0.5
    changed = table["system"] == "time-aware"
    table.loc[changed, "rmse"] += shift + noise[changed]
    questions = forces.effects(table, forces.QUESTIONS, final=True)
    assert forces.answer(questions, final=True).startswith(words)
    assert forces.answer(questions, final=False) == "Whether that term helps is open: too few people for an interval"
    told = forces.answers(table, ["running"], final=True)
    assert told["changes"] == pytest.approx(100 * shift / table[table["system"] == "labels"]["rmse"].mean(), abs=1e-9)
    assert "running" in str(told["absent"])
    assert not forces.answers(table, [], final=True)["absent"]


def test_the_answer_names_each_data_set_once():
    rows = pd.DataFrame(
        {"what": "changes in time, the term", "dataset": ["gait", "gaitpdb", "running"], "relative": [-0.84, -4.2, 2.1]}
    )
    undecided = rows.assign(low=-1.0, high=1.0)
    assert forces.answer(undecided, True) == (
        "Whether that term helps is undecided on all three data sets "
        "(change of RMSE: gait -0.8 %, gaitpdb -4.2 %, running +2.1 %)"
    )
    assert " on both data sets (change of RMSE: gait -0.8 %, gaitpdb " in forces.answer(undecided[:2], True)
    assert forces.answer(rows.assign(low=[-1.0, -2.0, 0.5], high=[1.0, -0.5, 2.0]), True) == (
        "That term lowers the error on gaitpdb (-4.2 % of RMSE), raises the error on running (+2.1 % of RMSE) "
        "and has an undecided effect on gait (-0.8 % of RMSE)"
    )


def test_the_best_system_is_that_of_its_data_set_and_scores_have_a_unit():
    other = TABLE[TABLE["system"].isin(["labels", "outputs"])].assign(dataset="gaitpdb")
    other.loc[other["system"] == "labels", "rmse"] = 131.6
    other.loc[other["system"] == "outputs", "rmse"] = 13.25
    both = pd.concat([TABLE, other])
    lowest = forces.scores(TABLE).loc["gait", "rmse"].idxmin()
    assert forces.answers(both, [], final=True)["best"] == f"{lowest} on gait, outputs on gaitpdb"
    shown = forces.for_reading(both)
    assert shown["unit"].groupby(level="dataset").first().to_dict() == {"gait": "body weights", "gaitpdb": "N"}
    assert shown.loc["gaitpdb", "rmse"].to_dict() == {"labels": "132", "outputs": "13.2"}
    assert shown.loc[("gait", "labels"), "rmse"] == f"{forces.scores(TABLE).loc[('gait', 'labels'), 'rmse']:.3f}"


def test_the_figure_has_a_panel_per_data_set_a_row_per_system_and_a_dot_per_person():
    both = pd.concat([TABLE, TABLE[TABLE["system"].isin(["labels", "outputs"])].assign(dataset="running")])
    fig = figures.force_effects(both, True)
    assert [axis.get_title(loc="left") for axis in fig.axes] == ["gait", "running"]
    assert [label.get_text() for label in fig.axes[0].get_yticklabels()] == list(forces.against_control(TABLE))
    dots = [line for line in fig.axes[1].lines if line.get_marker() == "o"]
    assert {line.get_gid() for line in dots} == {f"person-{who}%20of%20running" for who in range(8)}


# -- runs and commands


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    spec = small(**GAIT)
    return train(spec, Store(tmp_path_factory.mktemp("trained")))


def test_an_excerpt_has_the_predictions_in_units(trained):
    shown = forces.excerpt({"labels": trained}, 25.0)
    data = fold_data(trained.spec.data)
    test, train_target = data.splits["test"], data.splits["train"].target.astype(float)
    inside = (test.recording == test.recording[0]) & (test.start + 25 < 2500)
    assert len(shown.at) == inside.sum() > 0
    expected = trained.arrays["test_logits"][inside] * train_target.std(0) + train_target.mean(0)
    np.testing.assert_allclose(shown.predicted["labels"], expected, rtol=1e-5)
    for at, target in zip(shown.at, test.target[inside], strict=True):
        np.testing.assert_array_equal(shown.force[round(100 * at)], target)
    of_all = data.task.in_units(trained.arrays["test_logits"])
    assert errors(of_all, test.target.astype(float)) == pytest.approx(trained.metrics())
    fig = figures.force_excerpt(shown, ("left force", "right force"), "body weights")
    assert len(fig.axes) == 3


def test_sp_trains_a_regressor_too(tmp_path):
    spec = small(**GAIT, method="sp", teachers=(SIGNAL,))
    assert np.isfinite(train(spec, Store(tmp_path)).metrics()["rmse"])


def test_verdicts_and_noise_of_seeds_are_of_the_headline_metric(trained):
    elsewhere = replace(
        trained,
        provenance={**trained.provenance, "cpu": "other"},
        history=[{**row, "test": {**row["test"], "rmse": row["test"]["rmse"] + 0.2}} for row in trained.history],
    )
    assert provenance.compare(trained, elsewhere, 0.3) == ("other machine, rmse differs by 0.2000", True)
    assert provenance.compare(trained, elsewhere, 0.1)[1] is False
    seeds = [
        replace(trained, spec=replace(trained.spec, seed=seed), history=[{"test": {"rmse": 0.01 * seed}}])
        for seed in range(10)
    ]
    assert provenance.seed_noise(seeds, "regression") == pytest.approx(0.0856)
    assert provenance.seed_noise(seeds) is None


def test_a_regressor_is_published_and_read_again(trained, tmp_path):
    assert published.publish([trained], root=tmp_path) == 1
    again = published.Published(tmp_path).get(trained.spec)
    assert again.metrics() == trained.metrics()
    assert again.arrays["test_logits"].shape == trained.arrays["test_logits"].shape
    assert tables.row(again)["rmse"] == trained.metrics()["rmse"]


def test_a_regressor_is_not_exported_as_a_labeller(trained, tmp_path):
    with pytest.raises(MixkdError, match=r"^export: found a network trained for regression, expected classification"):
        export(trained, fold_data(trained.spec.data), tmp_path)
    assert not list(tmp_path.iterdir())


REFUSED = {
    "distill gait -o out": "distill: found gait, a data set with targets to predict, expected one of activities",
    "book --dataset gait": "book: found gait, expected a data set of activities",
    "sweep mixup --dataset gait": "study: found 'mixup' on gait, which has targets; expected forces",
    "run -s task=regression": "RunSpec.task: found 'regression' for watch, which has no targets",
    "verify --dataset gait --profile smoke": "verify: no stored runs of gait, profile smoke",
}


@pytest.mark.parametrize(("line", "message"), REFUSED.items(), ids=REFUSED)
def test_refused_in_one_line_before_training(mixkd, line, message, monkeypatch):
    monkeypatch.setattr(sweep, "Schedule", lambda *_: pytest.fail("work began"))
    status, _, err = mixkd(*line.split())
    assert (status, err.count("\n")) == (1, 1)
    assert err.startswith(f"mixkd: {message}")
    assert not Store().runs.exists()


def test_a_sweep_of_a_data_set_with_targets_is_that_of_forces(mixkd):
    status, out, err = mixkd("sweep", "--dataset", "gait", "--profile", "smoke", "--dry-run")
    n_runs = len(studies.specs("forces", Scope("gait", "smoke")))
    assert (status, err) == (0, "")
    assert out.startswith(f"{n_runs} runs, {n_runs} missing")


def test_run_verify_and_publish_by_command(mixkd, tmp_path, monkeypatch):
    monkeypatch.setattr(main.out, "_width", 200)
    first = studies.specs("forces", Scope("gait", "smoke"))[0]
    train(first, Store())
    before = results(Store())
    status, out, _ = mixkd("verify", "--dataset", "gait", "--profile", "smoke", "--sample", "1")
    rmse = Store().get(first).metrics()["rmse"]
    assert (status, out.count("identical"), out.count(f"{rmse:.4f}")) == (0, 1, 2)
    assert results(Store()) == before
    monkeypatch.setattr(published.Published.__init__, "__defaults__", (tmp_path / "results",))
    monkeypatch.setattr(published.publish, "__defaults__", ((), tmp_path / "results"))
    status, out, _ = mixkd("publish", "--dataset", "gait", "--profile", "smoke")
    assert (status, "1 runs published" in out) == (0, True)
    fields_of = ["fold=0", "task=regression", "dataset=gait", f"epochs={first.epochs}"]
    fields_of.append(f"windows_per_class={first.windows_per_class}")
    words = [word for field in [*fields_of, f"batch_size={first.batch_size}"] for word in ("-s", field)]
    status, out, _ = mixkd("run", *words)
    assert (status, "rmse" in out, f"{rmse:.4f}" in out) == (0, True, True)


def test_a_gap_in_a_target_is_refused_before_training(mixkd, monkeypatch):
    """As the simulator would give it: the recording, the target and the sample are named."""
    from mixkd.datasets.sets import gait

    def broken() -> Recordings:
        recordings = real()
        targets = [target.copy() for target in recordings.targets]
        targets[3][17, 1] = np.nan
        return replace(recordings, targets=tuple(targets))

    real = gait.load
    monkeypatch.setattr(gait, "load", broken)
    monkeypatch.setattr(sweep, "Schedule", lambda *_: pytest.fail("work began"))
    expected = "recording 3: found a gap in target right force at sample 17, expected finite numbers"
    status, _, err = mixkd("sweep", "forces", "--dataset", "gait", "--profile", "smoke")
    assert (status, err.count("\n")) == (1, 1)
    assert err.startswith(f"mixkd: {expected}")


def test_without_a_survey_a_data_set_shows_nothing(monkeypatch):
    monkeypatch.setattr(forces.inventory, "read", dict)
    assert forces.published(Scope("gaitpdb", "full")) == []


def test_distill_is_refused_for_a_copy_of_the_name(tmp_path):
    with pytest.raises(MixkdError, match="mixkd sweep forces --dataset running"):
        distill.run(Scope("running"), tmp_path, print)
