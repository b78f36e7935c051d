"""The second experiment: the posterior finds both norms, in about the right proportions.

The assistants of SCAI (2023) had no words for a mixture and moved to one of its poles. In none of the 60 recorded runs
did they end within .05 of the users. Their gaps at epoch 5 were .243, .345 and .219 (80, 50 and 20 % altruistic).
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from experiments.group_norm.mixed_group_norm import mixed_group_norm
from scai_irl.experiment.config import check
from scai_irl.language.phrases import read_policy
from scai_irl.results.results import Results

pytestmark = pytest.mark.slow

RUNS = 100
TRUTH = {
    "selfish=0.2,altruistic=0.8": {"selfish": 0.2, "fair": 0.0, "altruistic": 0.8},
    "selfish=0.5,altruistic=0.5": {"selfish": 0.5, "fair": 0.0, "altruistic": 0.5},
    "selfish=0.8,altruistic=0.2": {"selfish": 0.8, "fair": 0.0, "altruistic": 0.2},
}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    config = {"runs": RUNS, "agents": ("thompson",), "out": tmp_path_factory.mktemp("mixed-group-norm")}
    return mixed_group_norm.run(check(mixed_group_norm.config, config))


def belief(results: Results, users: str, epoch: int) -> pd.DataFrame:
    lines = results.beliefs
    return lines[(lines["users"] == users) & (lines["epoch"] == epoch)]


@pytest.mark.parametrize("users", TRUTH)
def test_weights_end_close_to_the_truth_in_nine_runs_of_ten(results: Results, users: str) -> None:
    last = belief(results, users, 5)
    assert {norm: lines["truth"].iloc[0] for norm, lines in last.groupby("norm")} == TRUTH[users]
    close = (last["weight"] - last["truth"]).abs() <= 0.15
    by_run = close.groupby(last["run"]).all()  # of every norm at once
    assert len(by_run) == RUNS
    assert by_run.sum() >= 0.9 * RUNS


@pytest.mark.parametrize("users", TRUTH)
def test_weights_start_at_the_prior_and_come_closer(results: Results, users: str) -> None:
    distance = {}
    for epoch in (0, 1, 5):
        lines = belief(results, users, epoch)
        distance[epoch] = (lines["weight"] - lines["truth"]).abs().mean()
    np.testing.assert_allclose(belief(results, users, 0)["weight"], 1 / 3, atol=1e-6)  # one third in float32
    assert distance[0] > distance[1] > distance[5]


@pytest.mark.parametrize("users", TRUTH)
def test_intervals_hold_the_truth_about_as_often_as_they_say(results: Results, users: str) -> None:
    last = belief(results, users, 5).query("norm == 'altruistic'")
    inside = ((last["low"] <= last["truth"]) & (last["truth"] <= last["high"])).sum()
    # 90 % intervals cover the truth in 90 % of runs on average over the prior, as the tests of inference show.
    # At a corner, such as here without fair users, they cover it less often, since the prior favours the middle.
    assert inside >= 0.6 * RUNS
    assert (last["high"] - last["low"]).between(0.05, 0.5).all()


def test_assistants_say_both_norms_and_neither_pole(results: Results) -> None:
    written = results.verbal_policies.query("epoch == 5")
    by_users = {
        users: [{norm.utility: w for w, norm in read_policy(text).parts} for text in lines["written"]]
        for users, lines in written.groupby("users")
    }
    for users, mixtures in by_users.items():
        both = [weights for weights in mixtures if weights.keys() >= {"selfish", "altruistic"}]
        assert len(both) >= 0.99 * len(mixtures)
        mean = np.mean([weights["altruistic"] for weights in both])
        assert mean == pytest.approx(TRUTH[str(users)]["altruistic"], abs=0.05)  # a posterior's mean, over 200 samples


def test_all_assistants_together_offer_what_all_users_do(results: Results) -> None:
    last = results.summary.query("epoch == 5").set_index("users")
    # In SCAI (2023) the distances of means were .065, .187 and .031. Here 100 or 900 offers are all or nothing, so the
    # standard error of a distance is .05.
    difference = (last["assistant_share"] - last["users_share"]).abs()
    assert (difference < 0.15).all()
    assert (last["expected_gap"] < 0.12).all()
