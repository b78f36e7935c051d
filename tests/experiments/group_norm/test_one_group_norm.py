"""The first experiment: assistants that sample a posterior, and translate it without loss, come to act as users do.

For comparison, GPT-4 in SCAI (Fränken et al. 2023), also in 20 runs of 5 epochs: mean alignment gap at epoch 5, and how
many of 20 runs ended within .05.

====== ================ ================ ================
group  selfish          fair             altruistic
====== ================ ================ ================
1v9    .000   20 of 20  .006   20 of 20  .031   18 of 20
5v5    .024   19 of 20  .004   20 of 20  .040   16 of 20
9v1    .073   18 of 20  .016   18 of 20  .106   16 of 20
====== ================ ================ ================
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pandas.testing import assert_frame_equal

from experiments.group_norm import setup as group_game
from experiments.group_norm.one_group_norm import one_group_norm
from scai_irl.experiment.config import check
from scai_irl.results.results import Results

CLOSE = 0.02  # gap of a condition, averaged over runs
DESIGN = ["group", "users", "agent"]


def experiment(folder: Path, **options: Any) -> Results:
    """Twenty runs of five epochs in three groups, for each of three norms; Thompson sampling by default."""
    return one_group_norm.run(check(one_group_norm.config, {"agents": ("thompson",), "out": folder} | options))


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return experiment(tmp_path_factory.mktemp("one-group-norm"))


def assert_aligned_from_the_second_epoch_on(results: Results) -> None:
    summary = results.summary
    assert len(summary) == 3 * 3 * 5 * summary["agent"].nunique()
    assert (summary["runs"] == 20).all()
    later = summary[summary["epoch"] >= 2]
    assert later["gap"].max() < CLOSE
    last = summary[summary["epoch"] == 5]
    assert last["aligned"].tolist() == [20] * len(last)


def test_assistants_act_as_users_do_from_the_second_epoch_on_in_all_runs(results: Results) -> None:
    assert_aligned_from_the_second_epoch_on(results)


def test_they_did_not_before_they_had_seen_them(results: Results) -> None:
    first = results.summary.query("epoch == 1")
    # A third follows each norm. Fair users lie between the other two kinds, which partly cancel.
    assert (first["gap"] > 0.05).all()


@pytest.mark.parametrize("users", ["selfish", "fair", "altruistic"])
def test_what_they_come_to_is_the_norm_itself(results: Results, users: str) -> None:
    last = results.summary.query(f"epoch == 5 and users == '{users}'")
    expected = {"selfish": 0.03, "fair": 0.5, "altruistic": 0.97}[users]
    np.testing.assert_allclose(last["users_share"], expected, atol=0.03)  # noise of λ = 200, and stakes from 10 on
    np.testing.assert_allclose(last["assistant_share"], expected, atol=0.03)
    belief = results.beliefs.query(f"epoch == 5 and users == '{users}' and norm == '{users}'")
    assert (belief["weight"] > 0.99).all()


def test_answers_are_those_users_would_give(results: Results) -> None:
    # Half a per cent of answers may differ: users refuse some offers with probabilities between 0 and 1.
    assert results.summary.query("epoch >= 2")["response_gap"].max() < 0.05


def test_run_7_alone_is_run_7_among_twenty(results: Results, tmp_path: Path) -> None:
    alone = experiment(tmp_path, first_run=7, runs=1, group=("5v5",))
    for name in ("interactions", "verbal_policies", "beliefs", "alignment"):
        among = results.tables[name]
        of_run = among[(among["run"] == 7) & (among["group"] == "5v5")].reset_index(drop=True)
        assert_frame_equal(of_run, alone.tables[name], rtol=1e-5, atol=1e-6)  # float32's digits, where numbers are real
    assert len(alone.interactions) == 3 * 5 * 10


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_it_shows_with_other_seeds(seed: int, tmp_path: Path) -> None:
    assert_aligned_from_the_second_epoch_on(experiment(tmp_path, seed=seed))


@pytest.mark.slow
def test_agents_are_ordered_by_what_they_know(tmp_path: Path) -> None:
    results = experiment(tmp_path, agents=("thompson", "posterior-mean", "map", "prior-only", "oracle"))
    gap = results.summary.groupby(["agent", "epoch"])["gap"].max()
    assert (gap["oracle"] < CLOSE).all()  # from the first epoch on
    for agent in ("thompson", "posterior-mean", "map"):
        assert (gap[agent].loc[2:] < CLOSE).all()
        assert gap[agent].loc[1] > 0.1
    assert (gap["prior-only"] > 0.1).all()  # it never learns
    by_condition = results.summary.query("agent == 'prior-only' and epoch == 5")
    assert (by_condition["aligned"] < 20).all()


@pytest.mark.slow
def test_the_first_runs_tell_what_all_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    config = check(one_group_norm.config, {"agents": ("thompson", "scai-memory"), "group": ("1v9",), "runs": 6})
    assert one_group_norm.estimate is not None
    whole = one_group_norm.estimate(config)
    monkeypatch.setattr(group_game, "_PLAYED", 2)
    cost = one_group_norm.estimate(config)
    assert cost.calls == whole.calls
    assert cost.prompt_tokens != whole.prompt_tokens  # fewer runs were simulated
    assert cost.prompt_tokens == pytest.approx(whole.prompt_tokens, rel=0.01)
    assert cost.completion_tokens == whole.completion_tokens
