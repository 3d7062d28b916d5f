"""Numbers in the prose of result pages come from records (glue), a citation, or the list below, with their source."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest
from smoke import ROOT

from mixkd import studies
from mixkd.analysis import advice, baselines, decisions, line, outcomes, robustness, sensitivity, stronger
from mixkd.analysis.claims import CLAIMS, Make, scratch, student
from mixkd.learning.fold_data import fold_data
from mixkd.runs.provenance import seed_noise
from mixkd.runs.published import Published
from mixkd.specs.run import Mixup, RunSpec

PAGES = [*sorted((ROOT / "notebooks").glob("*.ipynb")), ROOT / "book" / "index.md"]
NUMBER = re.compile(r"(?<![\w.\-/])\d+\.\d+|\d+(?:\.\d+)?\s?%")
FENCES = (
    r"```\w+\n.*?```",
    r"`{3,}[^\n]*",
)  # of code with it; of admonitions and figures alone: what is in them is prose
NOT_PROSE = (*FENCES, r"\{glue:text\}`[^`]*`(\s?%)?", r"\$\$.*?\$\$", r"\$[^$]*\$", r"`[^`]*`", r"\{cite\}`[^`]*`")
ALLOWED = {
    ("01_data", "95 %"): "how a box of the figure is drawn",
    ("04_distillation", "0.7"): "a setting: the group's kd_weight for GENEActiv",
    ("06_partial_mixup", "10 %"): "a setting: the share that MIX-KD headlines",
    ("06_partial_mixup", "0.02"): "a setting: a share of the exercise",
    ("10_landscape", "0.05"): "a setting: epsilon of the probe",
    ("11_claims", "95 %"): "the level of the intervals",
    ("12_deviations", "0.99"): "a setting: the group's kd_weight for PAMAP2",
}


def prose(path: Path) -> list[str]:
    """Markdown and captions of a page, without formulas, code, citations and glued numbers."""
    texts = [path.read_text()]
    if path.suffix == ".ipynb":
        cells = nbformat.read(path, as_version=4).cells
        texts = [cell.source for cell in cells if cell.cell_type == "markdown"]
        texts += [cell.metadata["mystnb"]["figure"]["caption"] for cell in cells if "mystnb" in cell.metadata]
    for pattern in NOT_PROSE:
        texts = [re.sub(pattern, "", text, flags=re.DOTALL) for text in texts]
    return texts


def typed_numbers(texts: list[str], page: str) -> list[str]:
    found = [number for text in texts for number in NUMBER.findall(text)]
    return [number for number in found if (page, number) not in ALLOWED]


@pytest.mark.parametrize("path", PAGES, ids=[path.stem for path in PAGES])
def test_no_typed_numbers(path):
    assert typed_numbers(prose(path), path.stem) == []


BOXED = "```{admonition} Answer\n:class: tip\nIt gained 1.3 points with `mixup`.\n```\n"


@pytest.mark.parametrize("text", ["It gained 1.3 points.", "81 % of windows", "81.5 %", "from 0.9 to", BOXED])
def test_a_typed_number_would_be_found(text, tmp_path):
    (tmp_path / "page.md").write_text(text)
    assert typed_numbers(prose(tmp_path / "page.md"), "04_distillation")


@pytest.mark.parametrize("text", ["{glue:text}`a.ipynb::b` %", "```bash\nsleep 1.3\n```\n", "$0.5 x$", "`0.5`"])
def test_what_is_no_prose_is_left_out(text, tmp_path):
    (tmp_path / "page.md").write_text(text)
    assert typed_numbers(prose(tmp_path / "page.md"), "04_distillation") == []


def test_the_list_names_only_numbers_that_stand_there():
    present = {(path.stem, number) for path in PAGES for text in prose(path) for number in NUMBER.findall(text)}
    assert set(ALLOWED) <= present


MIX = Mixup()
NUMBERS = ROOT / "book" / "numbers.md"
ROWS = {  # of its table: how a student is trained, and with mixup in the distillation
    "labels (scratch)": (scratch(), scratch(mixup=MIX)),
    "labels, repeated (scratch 2x)": (scratch(init="scratch"), None),
    "signal teacher": (student("signal"), student("signal", mixup=MIX)),
    "image teacher": (student("image"), student("image", mixup=MIX)),
    "both teachers (Base)": (student("both"), student("both", mixup=MIX)),
    "both teachers, repeated (Base 2x)": (student("both", init="base"), None),
    "both teachers from scratch weights (Ann)": (student("both", init="scratch"), None),
}


def published(make: Make) -> str:
    """Accuracy with its spread over people, and NLL, of published runs: seeds averaged first."""
    bases, runs = list(studies.bases(studies.Scope("watch", "full", 0))), Published()
    found = [(base.fold, runs.get(make(base)).metrics()) for base in bases]
    table = pd.DataFrame([{"fold": fold, **metrics} for fold, metrics in found]).groupby("fold").mean()
    assert len(table) == 10
    accuracy = 100 * table["accuracy"]
    return f"{accuracy.mean():.1f} ± {accuracy.std(ddof=1):.1f} | {table['nll'].mean():.2f}"


def test_the_table_of_the_main_numbers_is_what_was_published():
    base = RunSpec()
    lines = [
        f"| {name} | {plain(base).total_epochs} | {published(plain)} | {published(mixed) if mixed else ' | '} |"
        for name, (plain, mixed) in ROWS.items()
    ]
    assert "\n".join(lines) in NUMBERS.read_text(), "\n" + "\n".join(lines)


BASELINES = {"extra trees on 15 statistics per channel": "extra trees", "MiniRocket and a ridge": "MiniRocket"}


def test_the_baselines_of_the_main_numbers_are_what_was_published():
    table = pd.read_csv(baselines.PUBLISHED).query("dataset == 'watch'").set_index("baseline")
    for title, name in BASELINES.items():
        own, readme = table.loc[name], NUMBERS.read_text()
        accuracy = 100 * own["accuracy"]
        assert len(own) == 10
        row = (
            f"| no network: {title} | | {accuracy.mean():.1f} ± {accuracy.std(ddof=1):.1f} | {own['nll'].mean():.2f} |"
        )
        assert row in readme, row


def test_published_baselines_are_what_they_reach_again():
    """Those that a few seconds fit, on one person."""
    part, names = fold_data(RunSpec(fold=3).data), ["majority class", "random forest", "extra trees", "LightGBM"]
    found = baselines.of_fold(part, names=names)
    published = baselines.table({3: part}).query("baseline in @names")
    assert published["subject"].tolist() == found["subject"].tolist()
    for metric in ("accuracy", "nll", "scaled_nll", "ece"):
        np.testing.assert_allclose(found[metric], published[metric], atol=2e-3)


def test_every_claim_has_its_section():
    """Title and statement on the page are those of the claim, and the figure below is its own."""
    cells = nbformat.read(ROOT / "notebooks" / "11_claims.ipynb", as_version=4).cells
    sections = {cell.source: after.source for cell, after in pairwise(cells)}
    for claim in CLAIMS:
        text = f"## {claim.name}: {claim.title}\n\n{claim.statement}"
        assert sections.get(text) == f'figures.forest("{claim.name}", tested)'


def test_main_numbers_say_what_the_published_records_say_of_the_claims():
    done = outcomes.published()
    assert decisions.outcome(done.each) == (
        "on watch 1 of 12 is decided: a gain of a margin or more excluded: H5; "
        "on selfback 2 of 12 are decided: H10 supported, a gain of a margin or more excluded: H12; "
        "on hapt 4 of 12 are decided: a gain of a margin or more excluded: H1, H4, H8, H12; "
        "on dsads none of 12 is decided"
    )
    readme = " ".join(NUMBERS.read_text().split())
    assert (
        "on the ten people of `watch` one of twelve is decided: a gain of a margin or more is excluded for H5" in readme
    )
    assert "on the fifty of selfBACK (wrist, nine activities, two seeds) two are: H10 is supported" in readme
    assert "and a gain is excluded for H12" in readme
    assert "a gain is excluded for four, H1 (mixup helps students), H4 (better network, worse teacher), H8 " in readme
    assert decisions.outcome(done.average) == (
        "3 of 12 are decided: H10 supported, a gain of a margin or more excluded: H5, H12"
    )
    assert (
        "three of twelve are decided: H10 is supported, and a gain of a margin or more is excluded for H5 and" in readme
    )
    assert f"Averaged over the four data sets, {done.average.parts['people'].max()} people" in readme
    otherwise = sensitivity.verdicts(sensitivity.table(done.records))
    choices = ["epoch best on validation people", "without watch", "without selfback"]
    assert set(otherwise.loc["H10", choices]) == {"undecided"}
    assert "epoch that was best on validation people, and without `watch` or `selfback`, H10 is undecided." in readme


def test_main_numbers_say_what_trees_teach():
    effect = next(e for e in stronger.STRONGER if e.what == "WRN16-1 by trees, against labels alone")
    rows = line.table(studies.Scope("watch", "full"), (effect,)).set_index("metric")[["effect", "low", "high"]]
    points, nats = (100 * rows.loc["accuracy"]).map("{:+.1f}".format), rows.loc["nll"].map("{:+.2f}".format)
    readme = " ".join(NUMBERS.read_text().split())
    assert f"is {points['effect']} points [{points['low']}, {points['high']}] more accurate on `watch`" in readme
    assert f"with NLL {nats['effect']} [{nats['low']}, {nats['high']}]" in readme


def test_main_numbers_say_what_mixup_does_to_gaps_noise_and_attacks():
    rows = robustness.of_mixup(studies.Scope("watch", "full")).set_index(["dataset", "what"])
    readme = " ".join(NUMBERS.read_text().split())
    names = [f"no teacher: {windows}" for windows in ("30 % missing", "noise, sd 0.12", "I-FGSM at 0.05")]
    points = 100 * rows[["effect", "low", "high"]]
    gap, noise, attack = (points.loc["selfback", name].map("{:+.1f}".format).to_list() for name in names)
    assert f"by {gap[0]} points [{gap[1]}, {gap[2]}] where 30 % of each window are missing" in readme
    assert f"by {noise[0]} [{noise[1]}, {noise[2]}] under noise and by {attack[0]} [{attack[1]}, {attack[2]}]" in readme
    gap, noise, attack = (points.loc["watch", name].map("{:.1f}".format).to_list() for name in names)
    assert (
        f"on `watch`, by {gap[0]} and {noise[0]}, neither clear, and by {attack[0]} [{attack[1]}, {attack[2]}]"
        in readme
    )
    assert all(points.loc[("watch", name), "low"] < 0 < points.loc[("watch", name), "high"] for name in names[:2])


def test_the_tolerance_of_verify_is_the_one_that_the_book_states():
    published, stated = Published(), (ROOT / "book" / "rerun.md").read_text()
    points = {
        name: 100 * seed_noise(record for spec in published if spec.dataset == name and (record := published.get(spec)))
        for name in ("watch", "selfback")
    }
    assert (
        f"({points['watch']:.0f} points on `watch`, {points['selfback']:.0f} on selfBACK, of single people)" in stated
    )


def test_the_answer_of_the_readme_is_that_of_the_records():
    readme = " ".join((ROOT / "README.md").read_text().split())
    rules = [rule for rule in advice.RULES if rule.name in ("mixup-teacher", "trees")]
    rows = advice.table(studies.Scope("watch", "full"), rules).set_index(["rule", "dataset", "metric"])
    numbers = rows[["effect", "low", "high"]]
    nll = numbers.loc[("mixup-teacher", advice.AVERAGE, "nll")].map("{:+.2f}".format)
    accuracy = (100 * numbers.loc[("mixup-teacher", advice.AVERAGE, "accuracy")]).map("{:+.1f}".format)
    assert f"{nll['effect']} nats [{nll['low']}, {nll['high']}] on average" in readme
    assert f"accuracy ({accuracy['effect']} points [{accuracy['low']}, {accuracy['high']}])" in readme
    main = " ".join(NUMBERS.read_text().split())
    assert f"by {nll['effect']} [{nll['low']}, {nll['high']}] nats on average over the four data sets" in main
    assert f"accuracy by {accuracy['effect']} points [{accuracy['low']}, {accuracy['high']}]" in main
    whole = advice.table(studies.Scope("watch", "full"))
    clear = whole[whole["corrected"] < 0.05]
    assert ("mixup-teacher", "nll") in set(zip(clear["rule"], clear["metric"], strict=True))
    assert "trees" not in set(clear["rule"])
    assert len(clear) == 3
    assert "one of three changes" in main
    by_set = whole[(whole["rule"] == "mixup-teacher") & (whole["metric"] == "nll")].set_index("dataset")
    assert by_set.loc["dsads", "high"] < 0 < by_set.loc["hapt", "high"]
    gaps = whole[whole["metric"] == "missing_3"].set_index("dataset")
    assert (gaps.loc[["hapt", "dsads"], "effect"] < 0).all()
    effect, low, high = (100 * numbers.loc[("trees", "watch", "accuracy")]).map("{:+.1f}".format)
    assert f"{effect} points [{low}, {high}] more accurate than labels alone" in readme
    verdicts = outcomes.published().average.claims["verdict"].value_counts()
    assert dict(verdicts) == {"undecided": 9, "no relevant effect": 2, "supported": 1}
    assert "three of twelve claims are decided: one is supported, and for two a gain that would matter" in readme


def test_main_numbers_say_which_model_is_the_most_accurate():
    table = pd.read_csv(ROOT / "results" / "standings.csv")
    main = " ".join(NUMBERS.read_text().split())
    for name, rows in table.groupby("dataset"):
        best = rows.sort_values("accuracy").drop_duplicates("kind", keep="last").set_index("kind")
        student, model = best.loc["student"], best.loc["baseline"]
        if name == "watch":  # where a student that trains twice as long is in the table of the page
            repeated = next(
                line for line in NUMBERS.read_text().splitlines() if line.startswith("| both teachers, rep")
            )
            assert abs(float(repeated.split("|")[3].split("±")[0]) - model["accuracy"]) < 0.2
            continue
        assert rows["accuracy"].max() == model["accuracy"], name
        assert f"({model['accuracy']:.1f} % against {student['accuracy']:.1f} %" in main
        assert model["microseconds"] / student["microseconds"] == pytest.approx(20, abs=1.5)


def test_the_readme_is_short():
    """Words that are read: tables and code count, link targets and alt texts do not."""
    text = (ROOT / "README.md").read_text()
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", lambda m: "" if m[0].startswith("!") else m[1], text)
    assert len([word for word in text.split() if re.search(r"\w", word)]) <= 700
