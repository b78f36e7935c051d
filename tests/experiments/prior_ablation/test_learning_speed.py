"""The array program is Bayes' rule run by run, compared with `infer` and with explicit sums."""

from __future__ import annotations

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.prior_ablation.learning_speed import Learning, first_game, learn_at_all
from inference import evidence, infer, named_norms
from inference.discrete.mixtures import MixtureHypotheses

POINTS = np.array([[1, 0, 0], [0, 0, 1], [0.5, 0, 0.5]], np.float32)
RATIONALITY, LAPSE = (200.0, 5.0), (0.0, 0.25)
PRIORS = np.array([[1 / 3] * 3, [0.8, 0.1, 0.1]])
CARRY = np.array([1.0, 0.3])
RUNS, PLAYS = 6, 9
STAKES = np.random.default_rng(0).integers(10, 101, (RUNS, PLAYS))


def hypotheses(rationality: tuple[float, ...] = RATIONALITY, lapse: tuple[float, ...] = LAPSE) -> MixtureHypotheses:
    return MixtureHypotheses(named_norms(rationality=rationality, lapse=lapse), jnp.asarray(POINTS))


@pytest.fixture(scope="module")
def learned() -> Learning:
    return learn_at_all(jax.random.key(0), hypotheses(), PRIORS, STAKES, CARRY)


def test_beliefs_are_those_of_exact_inference(learned: Learning) -> None:
    assert learned.truth.shape == (RUNS, 2, 4, 3, PLAYS + 1)
    for setting, (rationality, lapse) in enumerate(itertools.product(RATIONALITY, LAPSE)):
        alone = hypotheses((rationality,), (lapse,))
        for users, prior in itertools.product(range(3), range(2)):
            for games in (1, 4, PLAYS):
                plays = [column[:, setting, users, :games] for column in (learned.offer, learned.accepted)]
                seen = infer(alone, evidence(STAKES[:, :games], *plays), PRIORS[prior])
                np.testing.assert_allclose(
                    learned.truth[:, prior, setting, users, games], seen.probabilities[:, users], atol=1e-5
                )
            np.testing.assert_allclose(learned.truth[:, prior, setting, users, 0], PRIORS[prior, users])


def test_gaps_are_expected_distances_of_mean_offers(learned: Learning) -> None:
    alone = hypotheses((5.0,), (0.25,))
    distinct = np.unique(STAKES)
    offer = np.exp(np.asarray(alone.table(jnp.asarray(distinct)).offer, np.float64))
    share = np.arange(101) / distinct[:, None]
    means = np.einsum("sko,so->k", offer, share) / len(distinct)
    distance = np.abs(means[:, None] - means)
    plays = [column[:, 3, 0] for column in (learned.offer, learned.accepted)]
    believed = infer(alone, evidence(STAKES, *plays), PRIORS[1]).probabilities
    at_home = believed @ distance[0]
    np.testing.assert_allclose(learned.gap[:, 1, 3, 0, -1], at_home, atol=1e-6)
    np.testing.assert_allclose(learned.new_currencies[:, 1, 3, 0, 0], at_home, atol=1e-6)
    away = 0.3 * at_home + 0.7 * (PRIORS[1] @ distance[0])
    np.testing.assert_allclose(learned.new_currencies[:, 1, 3, 0, 1], away, atol=1e-6)


def test_a_run_does_not_depend_on_the_other_runs(learned: Learning) -> None:
    fewer = learn_at_all(jax.random.key(0), hypotheses(), PRIORS, STAKES[:2], CARRY)
    np.testing.assert_array_equal(fewer.offer, learned.offer[:2])


def test_users_play_by_their_own_policy() -> None:
    stakes = np.full((40, 50), 20)
    learning = learn_at_all(jax.random.key(1), hypotheses(), PRIORS, stakes, CARRY)
    for setting, (rationality, lapse) in enumerate(itertools.product(RATIONALITY, LAPSE)):
        table = hypotheses((rationality,), (lapse,)).table(jnp.asarray([20]))
        offer, accept = (np.exp(np.asarray(leaf[0], np.float64))[:, :21] for leaf in (table.offer, table.accept))
        for users in range(3):
            offers = learning.offer[:, setting, users].ravel()
            np.testing.assert_allclose(np.bincount(offers, minlength=21) / offers.size, offer[users], atol=0.04)
            taken = learning.accepted[:, setting, users].mean()
            assert taken == pytest.approx(float(offer[users] @ accept[users]), abs=0.04)


def test_the_first_game_is_the_first() -> None:
    truth = np.array([[0.2, 0.5, 0.95, 0.5, 0.99], [0.95, 0.1, 0.1, 0.1, 0.1], [0.9, 0.9, 0.9, 0.9, 0.9]])
    np.testing.assert_array_equal(first_game(truth), [2, 0, np.nan])


def test_a_hypothesis_without_a_chance_is_refused() -> None:
    with pytest.raises(ValueError, match="priors: every hypothesis needs a chance above 0"):
        learn_at_all(jax.random.key(0), hypotheses(), np.array([[1.0, 0.0, 0.0]]), STAKES, CARRY)
