"""The currency suite: where the model is right, intervals cover users' behaviour in unseen currencies."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from envs.contexts import PSYCHOLOGICAL_DISTANCE
from experiments.currency_suite.experiment import currency_suite
from experiments.currency_suite.model import CurrencySuite, believed, played, predictions
from scai_irl.experiment.config import check
from scai_irl.io.errors import InputError
from scai_irl.language.phrases import read_policy
from scai_irl.results.results import Results

pytestmark = pytest.mark.slow

SUITE = ("dollars", "vouchers", "apples", "blankets", "favours", "grams of medicine", "organs")
SMALL = {"goods": SUITE, "seen": (3,), "ways": ("as assumed", "abrupt change"), "acts": 3}
RUNS = 20


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return currency_suite.run(check(currency_suite.config, SMALL | {"out": tmp_path_factory.mktemp("suite")}))


def test_where_norms_vary_as_assumed_unseen_currencies_are_covered(results: Results) -> None:
    new = results.predictions.query("way == 'as assumed' and not known")
    assert new["good"].nunique() == 4
    assert new["covered"].mean() >= 0.85
    assert new["single"].mean() >= 0.85
    assert new["width"].mean() < 0.8  # so they do not cover everything


def test_intervals_are_wider_for_more_distant_currencies(results: Results) -> None:
    width = results.predictions.query("way == 'as assumed'").groupby("place")["width"].mean()
    assert width[0.0] < 0.2 < width[0.8]
    assert width[0.8] < width[3.0]


def test_where_norms_change_abruptly_they_are_missed_beyond_the_change_alone(results: Results) -> None:
    new = results.predictions.query("way == 'abrupt change' and not known").groupby("good")["covered"].mean()
    assert new["blankets"] >= 0.85
    assert new.drop("blankets").mean() < 0.8


def test_numbers_are_what_they_say(results: Results) -> None:
    table = results.predictions
    assert len(table) == 2 * RUNS * len(SUITE)
    assert table["known"].sum() == 2 * RUNS * 3
    np.testing.assert_allclose(table["width"], table["high"] - table["low"])
    np.testing.assert_allclose(table["error"], (table["predicted"] - table["users"]).abs())
    inside = table["users"].between(table["low"] - 1e-5, table["high"] + 1e-5)
    assert (inside == table["covered"]).all()
    suite = check(CurrencySuite, SMALL)
    users = played(suite).offer.mean(axis=-1) / suite.stake
    np.testing.assert_allclose(table["users"].to_numpy().reshape(2, RUNS, len(SUITE)), users)
    assert (table["good"].map(PSYCHOLOGICAL_DISTANCE) == table["place"]).all()


def test_words_learnt_at_home_are_acted_on_everywhere(results: Results) -> None:
    acted = results.acted
    assert len(acted) == 2 * 2 * RUNS * len(SUITE)
    np.testing.assert_allclose(acted["gap"], (acted["offered"] - acted["users"]).abs())
    learnt = acted[acted["agent"] == "as-learned"]
    assert (learnt.groupby(["way", "society"])["written"].nunique() == 1).all()
    norms = {read_policy(str(text)).parts[0][1].utility for text in acted["written"]}
    assert norms == {"ces"}
    near = acted[acted["known"]].groupby("agent")["gap"].mean()
    far = learnt.query("way == 'abrupt change' and place > 1")["gap"].mean()
    assert (near < 0.08).all()
    assert far > 2 * near["as-learned"]


def test_findings_say_so(results: Results) -> None:
    findings = results.findings
    covered = findings[findings["question"].str.startswith("Does the 90 %")].set_index("case")
    assert covered.loc["as assumed, 3 seen", "goal"] == "at least 0.85"
    assert covered.loc["abrupt change, 3 seen", "goal"] == ""
    new = results.predictions.query("way == 'as assumed' and not known")
    assert covered.loc["as assumed, 3 seen", "value"] == pytest.approx(new["covered"].mean())
    assert (covered["runs"] == RUNS).all()
    assert {figure.stem for figure in results.figures} == {"coverage", "words"}


@pytest.mark.parametrize(
    ("field", "options"),
    [
        ("goods", {"goods": ("dollars", "shells")}),
        ("goods", {"goods": ("apples", "dollars")}),
        ("goods", {"goods": ("dollars",)}),
        ("seen", {"seen": (2, 1)}),
        ("seen", {"seen": ()}),
        ("ways", {"ways": ("by chance",)}),
        ("family", {"family": "spite"}),
        ("configuration", {"goods": ("dollars", "apples"), "seen": (1, 2)}),
    ],
)
def test_wrong_options_are_refused(field: str, options: dict[str, object]) -> None:
    with pytest.raises(InputError) as caught:
        check(currency_suite.config, options)
    assert caught.value.field == field


def test_the_cost_of_a_dry_run_is_counted() -> None:
    assert currency_suite.estimate is not None
    options = {"goods": SUITE[:2], "seen": (1,), "runs": 2, "ways": ("one norm",), "acts": 1}
    cost = currency_suite.estimate(check(currency_suite.config, options))
    assert cost.calls[0] == 2 * (1 + 2) + 2 * 2 * 2  # texts, and offers of each agent, by currency


@pytest.mark.parametrize("family", ["ces", "fehr-schmidt", "charness-rabin"])
def test_coverage_is_what_it_says_in_many_societies(family: str) -> None:
    """90 % intervals cover about 90 %, whatever was seen. Steps of shares make it a little more."""
    suite = check(CurrencySuite, {"runs": 60, "ways": ("as assumed",), "family": family})
    games = played(suite)
    for seen in (1, 3, 5):
        table = predictions(suite, games, seen, believed(suite, games, seen))
        covered = table[~table["known"]].groupby("society")["covered"].mean()
        error = covered.std() / np.sqrt(len(covered))
        assert 0.9 - 3 * error - 0.02 < covered.mean() < 0.98


def test_the_whole_suite_meets_its_goal(tmp_path: Path) -> None:
    findings = currency_suite.run(check(currency_suite.config, {"out": tmp_path})).findings
    aimed = findings[findings["goal"] != ""]
    assert len(aimed) == 4
    assert (aimed["value"] >= 0.85).all()
