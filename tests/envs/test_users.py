"""Simulated users follow π_θ: one definition simulates and scores.

Counts of draws must stay within `false_alarm_bound`. If the law is true, a test here fails for one seed in a million.
The seeds are fixed.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from envs.policy import Norm, Policy
from envs.population import draw_norms, mixture
from envs.simulate import draw_user_offers, simulate, user_answers
from envs.soft_policy import PolicyTable
from tests.envs.reference import false_alarm_bound

DRAWS = 50_000
NORMS = (
    Norm("selfish", rationality=50.0),
    Norm("fair", rationality=20.0, lapse=0.1),
    Norm("fehr_schmidt", (0.9, 0.4), rationality=30.0),
    Norm("altruistic", rationality=50.0, lapse=0.02),
)


def tables_at(stake: int) -> PolicyTable:
    """Policies of all norms at one stake, (norm, offer)."""
    tables = [Policy.of(norm).table(jnp.asarray([stake])) for norm in NORMS]
    return PolicyTable(*(jnp.concatenate(leaves) for leaves in zip(*tables, strict=True)))


def assert_frequencies(sample: np.ndarray, probability: np.ndarray) -> None:
    counts = np.bincount(sample, minlength=len(probability))
    bound = false_alarm_bound(probability, len(sample), len(probability))
    assert (np.abs(counts - len(sample) * probability) <= bound).all()


@pytest.mark.parametrize("stake", [5, 40, 100, 700])
@pytest.mark.parametrize("number", range(len(NORMS)), ids=[norm.utility for norm in NORMS])
def test_offers_have_their_norms_frequencies(number: int, stake: int) -> None:
    table, weights = tables_at(stake), jnp.eye(len(NORMS))[number]
    users = draw_user_offers(jax.random.key(stake), table, weights, DRAWS)
    assert (users.norm == number).all()
    assert_frequencies(np.asarray(users.offer), np.exp(np.asarray(table.offer[number], np.float64)))


@pytest.mark.parametrize("number", range(len(NORMS)), ids=[norm.utility for norm in NORMS])
def test_answers_have_their_norms_frequencies_at_every_offer(number: int) -> None:
    stake, each = 20, 5_000
    table, weights = tables_at(stake), jnp.eye(len(NORMS))[number]
    offer = jnp.repeat(jnp.arange(stake + 1), each)
    users = draw_user_offers(jax.random.key(number), table, weights, len(offer))
    accepted = np.asarray(user_answers(users, table, offer)).reshape(stake + 1, each).sum(axis=1)
    probability = np.exp(np.asarray(table.accept[number, : stake + 1], np.float64))
    assert (np.abs(accepted - each * probability) <= false_alarm_bound(probability, each, stake + 1)).all()


def test_slots_of_a_mixed_group_hold_norms_by_weight_and_independently() -> None:
    weights = np.array([0.5, 0.2, 0.3, 0.0])
    users = draw_user_offers(jax.random.key(1), tables_at(30), jnp.asarray(weights), DRAWS)
    pairs = np.asarray(users.norm[:, 0]) * len(NORMS) + np.asarray(users.norm[:, 1])
    assert_frequencies(pairs, np.outer(weights, weights).ravel())


def test_a_mixed_group_offers_by_its_mixed_policy() -> None:
    stake, weights = 30, (0.5, 0.2, 0.3, 0.0)
    users = draw_user_offers(jax.random.key(2), tables_at(stake), jnp.asarray(weights), DRAWS)
    mixed = Policy(tuple(zip(weights, NORMS, strict=True))).table(jnp.asarray([stake]))
    assert_frequencies(np.asarray(users.offer), np.exp(np.asarray(mixed.offer[0], np.float64)))


def test_what_a_user_answers_does_not_hang_on_what_its_partner_offered() -> None:
    """Given the offer, the answer is a fresh draw, in both halves of the offers' uniforms."""
    stake = 20
    table, weights = tables_at(stake), jnp.asarray([0.0, 0.0, 1.0, 0.0])
    users = draw_user_offers(jax.random.key(3), table, weights, DRAWS)
    on_table = jnp.full(DRAWS, 6)
    accepted = np.asarray(user_answers(users, table, on_table))
    generous = np.asarray(users.offer) > np.median(users.offer)
    probability = float(jnp.exp(table.accept[2, 6]))
    for group in (generous, ~generous):
        assert 0.05 < probability < 0.95
        bound = false_alarm_bound(np.array([probability]), int(group.sum()), 2)[0]
        assert abs(accepted[group].sum() - group.sum() * probability) <= bound


def test_simulated_plays_have_the_policys_frequencies() -> None:
    stake = 12
    policy = Policy(((0.6, NORMS[1]), (0.4, NORMS[2])))
    plays = simulate(jax.random.key(4), policy, np.full((4, DRAWS // 4), stake))
    table = policy.table(jnp.asarray([stake]))
    offers = np.asarray(plays.offer).ravel()
    assert_frequencies(offers, np.exp(np.asarray(table.offer[0], np.float64)))
    accept = np.exp(np.asarray(table.accept[0], np.float64))[: stake + 1]
    offered = np.bincount(offers, minlength=stake + 1)
    accepted = np.bincount(offers, weights=np.asarray(plays.accepted).ravel(), minlength=stake + 1)
    # Given the offers, acceptances at each are binomial.
    bound = [false_alarm_bound(p, n, stake + 1) for p, n in zip(accept, offered, strict=True)]
    assert (np.abs(accepted - offered * accept) <= bound).all()


def test_norms_of_slots_are_drawn_by_the_populations_weights() -> None:
    population = mixture({"selfish": 0.2, "fair": 0.0, "altruistic": 0.8})
    norms = draw_norms(jax.random.key(5), jnp.asarray(population.weights), (DRAWS // 2, 2))
    assert norms.shape == (DRAWS // 2, 2)
    assert_frequencies(np.asarray(norms).ravel(), np.array(population.weights))
