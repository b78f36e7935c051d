"""Regret compared with a slow, plain version, and its laws."""

from __future__ import annotations

import functools

import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

from envs.utilities import get_utility
from scai_irl.measure.alignment import with_tokens
from tests.scai_irl.loop.play import FAIR, MIXED, RATIONALITY, interactions, play, setting


@functools.cache
def slow_values(name: str, stake: int, lapse: float) -> np.ndarray:
    """Q(x) of every offer, from the equations of `envs.soft_policy`."""
    utility = get_utility(name).function
    share = jnp.asarray(np.arange(21) / stake, jnp.float32)  # the same number for every stake, so that it compiles once
    own, other = (np.asarray(utility(jnp.zeros(0), a, b), float) for a, b in ((share, 1 - share), (1 - share, share)))
    accept = (1 - lapse) / (1 + np.exp(-RATIONALITY * own)) + lapse / 2
    return np.asarray(accept * other)[: stake + 1]


@pytest.mark.parametrize("lapse", [0.0, 0.3])
def test_regret_is_what_members_of_the_group_lose_by_an_offer(lapse: float) -> None:
    design = setting(populations=(FAIR, MIXED), agents=("prior-only",), runs=range(3), lapse=lapse)
    table = interactions(play(design))
    weights = {"fair": {"fair": 1.0}, "selfish=0.5,altruistic=0.5": {"selfish": 0.5, "altruistic": 0.5}}
    for line in table[["users", "stake", "offer", "regret"]].to_dict("records"):
        lost = 0.0
        for name, weight in weights[line["users"]].items():
            values = slow_values(name, int(line["stake"]), lapse)
            lost += weight * (values.max() - values[int(line["offer"])])
        assert line["regret"] == pytest.approx(lost, abs=2e-4)
    assert (table["regret"] >= -1e-6).all()


def test_an_agent_that_knows_the_norm_has_little_regret_and_others_have_much() -> None:
    design = setting(populations=(FAIR,), agents=("oracle", "prior-only"), rationality=200.0)
    table = interactions(play(design))
    by_agent = table[table["proposer"] == "assistant"].groupby("agent")["regret"].mean()
    assert by_agent["oracle"] < 0.02
    assert by_agent["prior-only"] > 0.3


def test_tokens_are_counted_by_run() -> None:
    summary = pd.DataFrame({"condition": ["a", "b", "a"], "epoch": [1, 1, 2], "runs": [2, 2, 2]})
    costs = pd.DataFrame(
        {"condition": ["a", "a"], "epoch": [1, 2], "prompt_tokens": [10, 0], "completion_tokens": [4, 6]}
    )
    tokens = with_tokens(summary, costs)["tokens"]
    assert tokens.tolist()[::2] == [7, 3]
    assert np.isnan(tokens[1])
