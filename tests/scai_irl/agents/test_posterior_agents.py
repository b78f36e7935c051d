"""How assistants choose what to follow.

Frequencies are tested with fixed keys at level 1e-4 each. Over the choice of keys, this file fails wrongly with a
probability below .001.
"""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.typing import ArrayLike

from envs import Norm, Policy, mixture
from inference import DiscretePosterior, Hypotheses, named_norms, norm_mixtures
from scai_irl.agents.agent import Situation, Transcripts
from scai_irl.agents.posterior_agents import POSTERIOR_AGENTS, Choice, PosteriorAgent
from scai_irl.agents.registry import get_agent
from scai_irl.language.asking import Style
from tests.scai_irl.chi_square import p_value

FALSE_ALARM = 1e-4
RUNS = 3000
NORMS = ("selfish", "fair", "altruistic")
AGENTS = [agent.name for agent in POSTERIOR_AGENTS]
TRUTH = mixture({"selfish": 0.25, "fair": 0.75}).policy(120.0, 0.05)


def situation(
    probabilities: ArrayLike,
    assistants: int = 2,
    runs: ArrayLike | None = None,
    hypotheses: Hypotheses | None = None,
    key: int = 0,
) -> Situation:
    """A situation in which each row of probabilities is the belief of one run."""
    rows = np.atleast_2d(np.asarray(probabilities, np.float32))
    with np.errstate(divide="ignore"):
        log_prob = jnp.asarray(np.log(rows))
    belief = DiscretePosterior(hypotheses or named_norms(), log_prob, jnp.zeros(len(rows)))
    numbers = jnp.arange(len(rows)) if runs is None else jnp.asarray(runs)
    nothing = (None,) * len(rows)
    return Situation(
        epoch=1,
        assistants=assistants,
        run_numbers=numbers,
        posterior=belief,
        users_policies=(TRUTH,) * len(rows),
        transcripts=Transcripts(((),) * len(rows), nothing, nothing),
        key=jax.random.key(key),
        seed=lambda run, *_: run,
        style=Style(),
    )


def choose(name: str, now: Situation) -> Choice:
    agent = get_agent(name)
    assert isinstance(agent, PosteriorAgent)
    return agent.choose(now)


def index(policy: Policy) -> int:
    ((weight, norm),) = policy.parts
    assert weight == 1.0
    return NORMS.index(norm.utility)


def frequencies(choice: Choice) -> np.ndarray:
    """How often two assistants of a run chose each pair of norms."""
    pairs = np.array([[index(policy) for policy in row] for row in choice])
    return np.bincount(3 * pairs[:, 0] + pairs[:, 1], minlength=9)


def test_thompson_draws_from_the_posterior_independently_for_each_assistant() -> None:
    belief = [0.2, 0.3, 0.5]
    chosen = choose("thompson", situation(np.tile(belief, (RUNS, 1))))
    assert p_value(frequencies(chosen), np.outer(belief, belief).ravel()) > FALSE_ALARM


def test_thompson_never_draws_what_is_impossible() -> None:
    chosen = choose("thompson", situation(np.tile([0.0, 1.0, 0.0], (RUNS, 1))))
    assert {index(policy) for row in chosen for policy in row} == {1}


def test_prior_only_draws_as_if_nothing_had_been_seen() -> None:
    sure = choose("prior-only", situation(np.tile([1.0, 0.0, 0.0], (RUNS, 1))))
    assert p_value(frequencies(sure), np.full(9, 1 / 9)) > FALSE_ALARM
    unsure = choose("prior-only", situation(np.tile([0.2, 0.3, 0.5], (RUNS, 1))))
    assert sure == unsure


def test_map_takes_the_most_probable() -> None:
    chosen = choose("map", situation([[0.5, 0.3, 0.2], [0.3, 0.4, 0.3], [0.1, 0.1, 0.8]]))
    assert [[index(policy) for policy in row] for row in chosen] == [[0, 0], [1, 1], [2, 2]]


@pytest.mark.parametrize("tied", [(0, 1), (0, 2), (1, 2), (0, 1, 2)])
def test_map_decides_between_equals_by_lot_and_alike_for_all_assistants_of_a_run(tied: tuple[int, ...]) -> None:
    belief = np.array([1.0 if k in tied else 0.2 for k in range(3)])
    rows = np.tile(belief / belief.sum(), (RUNS, 1))
    chosen = choose("map", situation(rows))
    assert all(row[0] == row[1] for row in chosen)
    counts = np.bincount([index(row[0]) for row in chosen], minlength=3)
    assert p_value(counts, [k in tied for k in range(3)]) > FALSE_ALARM


def test_map_takes_rounding_for_equality_and_nothing_more() -> None:
    nearly = np.log([0.4, 0.4, 0.2]) + np.array([0.0, 1e-7, 0.0])
    chosen = choose("map", situation(np.tile(np.exp(nearly), (200, 1))))
    assert {index(row[0]) for row in chosen} == {0, 1}  # 200 equal draws have a probability of 1e-60
    clearly = np.log([0.4, 0.4, 0.2]) + np.array([0.0, 1e-4, 0.0])
    chosen = choose("map", situation(np.tile(np.exp(clearly), (200, 1))))
    assert {index(row[0]) for row in chosen} == {1}


def test_posterior_mean_weights_norms_by_their_probability() -> None:
    (row,) = choose("posterior-mean", situation([0.2, 0.3, 0.5], assistants=3))
    assert len(row) == 3
    assert row[0] == row[1] == row[2]
    assert {norm.utility: weight for weight, norm in row[0].parts} == pytest.approx(
        {"selfish": 0.2, "fair": 0.3, "altruistic": 0.5},
        abs=1e-6,  # float32's digits
    )


def test_posterior_mean_of_mixtures_is_the_mixture_of_mean_weights() -> None:
    family = norm_mixtures(("selfish", "altruistic"), steps=4)
    belief = np.array([0.0, 0.5, 0.25, 0.25, 0.0])
    expected = belief @ np.asarray(family.norm_weights())
    ((policy,),) = choose("posterior-mean", situation(belief, assistants=1, hypotheses=family))
    assert [weight for weight, _ in policy.parts] == pytest.approx(expected, abs=1e-6)  # float32's digits


def test_posterior_mean_acts_as_the_predictive_of_named_norms() -> None:
    now = situation([0.2, 0.3, 0.5], assistants=1)
    ((policy,),) = choose("posterior-mean", now)
    stakes = jnp.asarray([20, 500])
    offers = np.exp(np.asarray(policy.table(stakes).offer))
    np.testing.assert_allclose(offers, now.posterior.predictive(stakes).offer[0], atol=1e-6)  # float32's digits


def test_oracle_follows_the_users_own_policy_whatever_is_believed() -> None:
    chosen = choose("oracle", situation([[1.0, 0.0, 0.0], [0.2, 0.3, 0.5]]))
    assert chosen == [[TRUTH, TRUTH], [TRUTH, TRUTH]]


@pytest.mark.parametrize("agent", sorted(AGENTS))
def test_a_run_chooses_alone_as_it_does_among_others(agent: str) -> None:
    rows = np.random.default_rng(0).dirichlet([1, 1, 1], 20)
    among = choose(agent, situation(rows))
    alone = choose(agent, situation(rows[7], runs=[7]))
    assert alone == [among[7]]


@pytest.mark.parametrize("agent", ["thompson", "prior-only"])
def test_another_key_gives_another_choice(agent: str) -> None:
    rows = np.tile([0.2, 0.3, 0.5], (50, 1))  # equal choices of 100 assistants have a probability of 1e-42
    assert choose(agent, situation(rows, key=1)) != choose(agent, situation(rows, key=2))


@pytest.mark.parametrize("agent", sorted(AGENTS))
def test_a_run_without_assistants_chooses_nothing(agent: str) -> None:
    assert choose(agent, situation([[0.2, 0.3, 0.5], [0.2, 0.3, 0.5]], assistants=0)) == [[], []]


@pytest.mark.parametrize("agent", sorted(set(AGENTS) - {"oracle"}))
def test_who_the_users_are_is_known_to_the_oracle_alone(agent: str) -> None:
    now = situation(np.tile([0.2, 0.3, 0.5], (20, 1)))
    other = replace(now, users_policies=(Policy.of(Norm("fair")),) * 20)
    assert choose(agent, now) == choose(agent, other)


def test_an_unknown_agent_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(ValueError, match=r"unknown agent 'gambler'; there are thompson, .*posterior-mean"):
        get_agent("gambler")
