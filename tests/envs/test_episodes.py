"""Every environment of the registry can be planned and simulated by its name."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from envs import ENVIRONMENTS, make, plan, roll_out
from envs.contexts import context
from envs.planning import soft_backward_induction
from tests.envs.test_environment_contract import Endless, OneStep

C = context(stake=10)
KEY = jax.random.key(0)


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_a_registered_environment_is_planned_and_played_by_name(name: str) -> None:
    game = make(name)
    log_policy = plan(name, C, rationality=20.0, lapse=0.1)
    assert game.horizon is not None
    np.testing.assert_array_equal(
        log_policy,
        soft_backward_induction(game.tabular(C), game.horizon, jnp.asarray(20.0), jnp.asarray(0.1)).log_policy,
    )
    episode = roll_out(KEY, name, C, log_policy)
    legal = np.asarray(game.tabular(C).legal)
    playing = np.asarray(episode.playing)
    assert playing[0]
    assert legal[np.asarray(episode.state), np.asarray(episode.action)][playing].all()


def test_what_is_rolled_out_has_the_frequencies_of_the_plan() -> None:
    log_policy = plan("ultimatum", C, rationality=10.0, lapse=0.1, utility="fehr_schmidt", theta=(0.8, 0.4))
    episodes = jax.vmap(lambda key: roll_out(key, "ultimatum", C, log_policy))(jax.random.split(KEY, 20_000))
    counts = np.bincount(np.asarray(episodes.action)[:, 0], minlength=101)
    # Four standard errors of a frequency among 20,000.
    np.testing.assert_allclose(counts / 20_000, np.exp(np.asarray(log_policy)[0, 0]), atol=0.015)


def test_games_of_one_step_and_without_an_end_are_planned_and_played() -> None:
    once = roll_out(KEY, OneStep(), C, plan(OneStep(), C, rationality=500.0))
    assert once.reward.tolist() == [[1.0, 0.0]]
    endless = Endless()
    log_policy = plan(endless, C, rationality=50.0)
    assert log_policy.shape == (1, 9, 2)
    assert roll_out(KEY, endless, C, log_policy, steps=30).playing.all()
    with pytest.raises(ValueError, match=r"^steps: the game has no end; give a number of steps"):
        roll_out(KEY, endless, C, log_policy)


def test_an_unknown_environment_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(ValueError, match=r"unknown environment 'chess'; there are ultimatum, "):
        plan("chess", C, rationality=1.0)
