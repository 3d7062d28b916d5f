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
from mixkd.analysis.claims import CLAIMS
from mixkd.analysis.decisions import Decided
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
        assert list(rows["dataset"].unique()) == ["watch", "selfback", "watch and selfback"]
        text = cards.page(claim)
        assert text.startswith(f"# {claim.name}: {claim.title}\n")
        assert claim.statement in text
        assert f"Averaged over the data sets the verdict is **{done.verdict(claim.name)}**" in text
        for row in rows.to_dict("records"):
            assert cards.effect(row) in text
    assert done.verdict("H10") == "supported"


def test_effects_are_written_in_the_unit_of_their_metric():
    row = {"metric": "accuracy", "effect": -0.0042, "low": -0.0123, "high": 0.00001}
    assert cards.effect(row) == "-0.4 [-1.2, +0.0] points"
    assert cards.effect(row | {"metric": "nll"}) == "-0.00 [-0.01, +0.00] NLL, nats".replace("-0.00", "+0.00")


@pytest.mark.parametrize(
    ("verdict", "word"),
    [("supported", "Yes"), ("no relevant effect", "No"), ("opposite", "No"), ("undecided", "Undecided")],
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


def test_corrected_p_grows_and_keeps_the_clearest():
    p = advice._p(1.0, 0.5, 1.5, 10)
    assert 0 < p < 0.05
    assert advice._p(0.5, 0.0, 1.0, 10) == pytest.approx(0.05)
    assert advice._p(0.0, -1.0, 1.0, 10) == pytest.approx(1.0)
    assert advice._p(1.0, float("nan"), float("nan"), 10) == 1.0


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


def test_the_home_page_gives_the_first_rule(table, monkeypatch):
    own = table.assign(dataset=table["dataset"].replace("watch", "here"))
    monkeypatch.setattr(advice, "table", lambda scope: own)
    text = advice_page.best()
    rows = own[(own["rule"] == advice.RULES[0].name) & (own["metric"] == "nll")]
    assert len(rows) == text.count("**") / 2 > 0
    for row in rows.itertuples():
        assert f"**{row.effect:+.2f}** [{row.low:+.2f}, {row.high:+.2f}] on {row.dataset}" in text


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
