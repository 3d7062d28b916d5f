"""Claim cards and rules for practitioners: each number is that of the published records; pages hold together."""

from __future__ import annotations

import io
import json
import re
import zipfile
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t
from smoke import Smoke, smoke  # noqa: F401
from test_book import page

from mixkd import MixkdError, studies
from mixkd.analysis import advice, outcomes
from mixkd.analysis.claims import CLAIMS, TRUST
from mixkd.analysis.decisions import Decided
from mixkd.analysis.measures import whom
from mixkd.book import advice as advice_page
from mixkd.book import cards
from mixkd.runs.published import RESULTS
from mixkd.studies import Scope


@pytest.fixture(scope="module")
def done() -> outcomes.Outcomes:
    return outcomes.published()


def test_a_card_says_what_was_decided(done):
    for claim in (CLAIMS[3], CLAIMS[9]):
        rows = done.rows(claim.name)
        names = ["watch", "selfback", "hapt", "dsads"]
        assert list(rows["dataset"].unique()) == [*names, " and ".join(names)]
        text = cards.page(claim)
        assert text.startswith(f"# {claim.name}: {claim.title}\n")
        assert claim.statement in text
        assert f"Averaged over the data sets the verdict is **{done.verdict(claim.name)}**" in text
        for row in rows.to_dict("records"):
            assert cards.effect(row) in text
        assert ("People needed" in text) == (done.verdict(claim.name) == "undecided")
    assert done.verdict("H5") == "no relevant effect"


def test_a_card_names_each_source_once_and_says_what_a_dot_is():
    """H2 has two sources; sharpness (H5) is measured on all people of a fold together, accuracy is not."""
    assert outcomes.claim_of("h2").sources == (
        "Machine-written summaries of the paper, not checked against its body, which could not be read; and public "
        "notes on MIX-KD, an earlier paper of the group: second-hand, and on other data."
    )
    assert all(any(name in claim.source for name in TRUST) for claim in CLAIMS)
    for name, by_person in (("H2", True), ("H5", False), ("H11", False), ("H12", False)):
        metrics = [part.metric for part in outcomes.claim_of(name).parts]
        assert (whom(*metrics) == "person") == by_person


def test_a_formula_is_below_its_name():
    lines = cards.formula(outcomes.claim_of("h4").parts[1]).splitlines()
    assert lines[0].startswith("*Mix-T & S minus T & S, signal teacher*: ")
    assert lines[2] == r"$$\Delta = m_{1} - m_{2}$$"
    assert lines[4:] == [
        "- $m_{1}$: `student signal 16-1 <signal 16-1m kd T=4`",
        "- $m_{2}$: `student signal 16-1 <signal 16-1 kd T=4`",
    ]


def test_effects_are_written_in_the_unit_of_their_metric():
    row = {"metric": "accuracy", "effect": -0.0042, "low": -0.0123, "high": 0.00001}
    assert cards.effect(row) == "-0.4 [-1.2, +0.001] points"
    sharp = {"metric": "sharpness", "effect": 0.0006, "low": -0.0008, "high": 0.0021}
    assert cards.effect(sharp) == "+0.6 [-0.8, +2.1] thousandths of a nat"
    assert cards.effect(row | {"metric": "nll"}) == "+0.00 [-0.01, +0.0000] NLL, nats"


@pytest.mark.parametrize(
    ("verdict", "word"),
    [
        ("supported", "Yes"),
        ("no relevant effect", "No"),
        ("opposite", "No"),
        ("undecided", "Undecided"),
        ("needs full", "Open"),
    ],
)
def test_home_says_whether_students_are_more_accurate(verdict, word):
    claims = pd.DataFrame({"claim": ["H1", "H8"], "verdict": [verdict, "undecided"]})
    rows = [("H1", -0.004, -0.013, 0.005), ("H8", -0.005, -0.017, 0.006), ("H8", 0.9, 0.8, 1.0)]  # the second of two
    parts = pd.DataFrame(rows, columns=["claim", "effect", "low", "high"]).assign(metric="accuracy")
    said = cards.accurate(Decided(claims, parts, {}, {}))
    assert said["more_accurate"] == word
    assert said["by_mixup"] == "-0.4 [-1.3, +0.5] points"
    assert said["by_second"] == "-0.5 [-1.7, +0.6] points (undecided)"


def test_an_archive_holds_what_the_verdict_was_computed_from():
    """Differences recomputed from its table of runs, by folds, give the effect of its outcome."""
    with zipfile.ZipFile(io.BytesIO(cards.archive(outcomes.claim_of("h4")))) as packed:
        files = {path.split("/")[1]: packed.read(path) for path in packed.namelist()}
    outcome, runs = json.loads(files["outcome.json"]), pd.read_csv(io.BytesIO(files["runs.csv"]))
    pd.testing.assert_frame_equal(runs, pd.read_parquet(io.BytesIO(files["runs.parquet"])), check_dtype=False)
    assert {"sha", "dirty"} == outcome["code"].keys()
    differences = pd.read_csv(io.BytesIO(files["differences.csv"]))
    by_fold = differences.groupby(["dataset", "part", "fold"])["difference"].mean()
    for row in outcome["parts"][:2]:
        np.testing.assert_allclose(by_fold[row["dataset"], row["part"]].mean(), row["effect"], atol=1e-12)
    taught = runs[runs["name"].str.contains("student") & (runs["dataset"] == "watch")]
    mixed = taught["spec"].map(lambda text: json.loads(text)["teachers"][0]["mixup"] is not None)
    assert len(taught) == 60
    gain = taught[mixed]["accuracy"].mean() - taught[~mixed]["accuracy"].mean()
    np.testing.assert_allclose(gain, outcome["parts"][1]["effect"], atol=1e-6)


def test_people_needed_are_those_of_the_stated_power(done):
    assert re.fullmatch(r"(20|40) per data set, with 3 seeds", done.needed_people("H3"))
    assert done.needed_people("H11").startswith("more than 80 per data set")


def test_an_unknown_claim_is_refused():
    with pytest.raises(MixkdError, match="claim: found 'H13', did you mean"):
        outcomes.claim_of("H13")


def test_the_command_prints_what_the_card_says(mixkd, done):
    status, out, err = mixkd("claim", "h10")
    assert (status, err) == (0, "")
    assert "larger is no better teacher" in out
    for row in done.rows("H10").to_dict("records"):
        assert cards.number(row) in out


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return advice.table(Scope("watch", "full"))


def test_rules_state_effects_of_the_records(table):
    """Recomputed from columns of the published files alone, folds as units."""
    columns = ["fold", "spec", "accuracy", "accuracy_best_test"]
    runs = pd.concat(pd.read_parquet(path, columns=columns) for path in (RESULTS / "watch").glob("runs-*.parquet"))
    bases = list(studies.bases(Scope("watch", "full")))

    def by_fold(**fields) -> pd.DataFrame:
        hashes = [replace(base, **fields).hash for base in bases]
        return runs.set_index("spec").loc[hashes].groupby("fold").mean()

    rows = table[table["dataset"] == "watch"].set_index(["rule", "metric"])
    teacher = by_fold(role="teacher")
    optimism = (teacher["accuracy_best_test"] - teacher["accuracy"]).mean()
    np.testing.assert_allclose(rows.loc[("best-epoch", advice.OPTIMISM), "effect"], optimism, atol=1e-9)
    gain = (by_fold(init="scratch") - by_fold())["accuracy"]
    half = t.ppf(0.975, len(gain) - 1) * gain.std() / np.sqrt(len(gain))
    expected = [gain.mean(), gain.mean() - half, gain.mean() + half]
    actual = rows.loc[("longer", "accuracy"), ["effect", "low", "high"]].to_numpy(float)
    np.testing.assert_allclose(actual, expected, atol=1e-6)


def test_averages_of_rules_are_those_of_the_claims_with_the_same_contrast(table):
    average = table[table["dataset"] == advice.AVERAGE].set_index("rule")
    claims = outcomes.published().average.parts.drop_duplicates("claim").set_index("claim")
    for rule, claim in (("no-mixup-in-distillation", "H1"), ("no-larger-teacher", "H10")):
        for column in ("effect", "low", "high", "people"):
            assert average.loc[rule, column] == pytest.approx(claims.loc[claim, column])


def test_averages_alone_are_corrected_together(table):
    average = table["dataset"] == advice.AVERAGE
    assert table.loc[~average, "corrected"].isna().all()
    clear = (table["low"] > 0) | (table["high"] < 0)
    assert clear[average & (table["corrected"] < 0.05)].all()
    assert (table.loc[average & ~clear, "corrected"] > 0.05).all()


def test_what_is_clear_is_said_by_data_set():
    rows = pd.DataFrame({"dataset": ["a", "b", "c"], "low": [0.1, -2, -1], "high": [1, -1, 1]})
    assert advice.clear(rows) == "up on a, down on b, no clear change on c"


def test_every_rule_says_how_far_it_can_be_trusted(table, monkeypatch):
    monkeypatch.setattr(advice, "table", lambda scope: table)
    text = advice_page.page()
    sections = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    assert len(sections) == len(advice.RULES)
    for rule, section in zip(advice.RULES, sections, strict=True):
        assert rule.command in section
        assert ("*Declared:*" in section) == bool(rule.claim)
        assert ("*Exploratory:*" in section) != bool(rule.claim)
        assert section.count("| watch |") >= 1
    assert "stay clear when all are corrected together" in text
    n_clear = int((table["corrected"] < 0.05).sum())
    assert len(re.findall(r"\*\*[+-][^*]*\*\*", text)) == n_clear > 0


def test_the_home_page_gives_the_first_rule(table, monkeypatch):
    own = table.copy()
    own.loc[own["dataset"] == advice.AVERAGE, ["effect", "low", "high"]] *= 2
    monkeypatch.setattr(advice, "table", lambda scope, rules: own[own["rule"].isin([rule.name for rule in rules])])
    text = advice_page.best()
    rows = own[(own["rule"] == advice.RULES[0].name) & (own["dataset"] == advice.AVERAGE)].set_index("metric")
    nll, accuracy = rows.loc["nll"], 100 * rows.loc["accuracy", ["effect", "low", "high"]].astype(float)
    assert f"**{nll.effect:+.2f} [{nll.low:+.2f}, {nll.high:+.2f}]** on average over the data sets" in text
    assert "goes **up on selfback, down on hapt, no clear change on watch and dsads**" in text
    assert f"its accuracy by {accuracy.effect:+.1f} [{accuracy.low:+.1f}, {accuracy.high:+.1f}] points" in text


def test_the_book_has_cards_rules_and_downloads(smoke: Smoke):  # noqa: F811
    index = page(smoke.site / "claims" / "index.html")
    links = [a["href"] for a in index.select(".claims-index a:not(.term)")]
    assert links == [f"{claim.name}.html" for claim in CLAIMS]
    assert {tag.text for tag in index.select(".claims-index .verdict")} <= {word for word, _ in cards.MEANING}
    for link in links:
        card = page(smoke.site / "claims" / link)
        (download,) = card.select("a[download]")
        assert zipfile.is_zipfile(smoke.site / "claims" / download["href"])
        assert card.select("math")
        assert card.select_one("article .drawing svg")["aria-label"].startswith(link.removesuffix(".html"))
    assert len(page(smoke.site / "book" / "what_to_do.html").select("article h2")) == len(advice.RULES)
