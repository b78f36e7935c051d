"""Minimum acceptable offers: a proper distribution, from a single shock, whose parameters are recovered."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from inference import infer
from inference.continuous.one_shot import FehrSchmidt
from inference.continuous.strategy_method import StrategyMethod, minimum_probs, strategies
from inference.samplers.nuts import Nuts

STAKE = 20


def chance(theta: dict[str, float]) -> np.ndarray:
    """P(m) of m = 0..20 in plain numpy, with β ≤ 1/2 so that U rises throughout."""
    share = np.arange(STAKE + 1) / STAKE
    behind, ahead = np.maximum(1 - 2 * share, 0), np.maximum(2 * share - 1, 0)
    utility = share - theta["alpha"] * behind - theta["beta"] * ahead
    accept = 1 / (1 + np.exp(-theta["rationality"] * utility))
    steps = np.diff(accept, prepend=0) / accept[-1]
    return np.asarray((1 - theta["lapse"]) * steps + theta["lapse"] / (STAKE + 1))


THETA = {"alpha": 0.8, "beta": 0.3, "rationality": 12.0, "lapse": 0.1}


def test_minimums_have_the_probabilities_of_plain_numpy() -> None:
    family = StrategyMethod(base=FehrSchmidt())
    everything = strategies(STAKE, np.zeros(21), np.arange(21), offer_seen=False)
    seen = jax.tree.map(lambda leaf: jnp.asarray(leaf)[0], family.arrange(everything))
    theta = {name: jnp.asarray(value) for name, value in THETA.items()}
    values, was_seen = family.observed(seen)
    log_probs = np.asarray(family.pointwise(theta, seen))[np.asarray(was_seen) > 0]
    np.testing.assert_allclose(np.exp(log_probs), chance(THETA), atol=1e-6)
    assert np.exp(log_probs).sum() == pytest.approx(1, abs=1e-5)
    np.testing.assert_allclose(values[was_seen > 0], np.arange(21) / 20, atol=1e-6)
    total = float(family.log_likelihood(theta, family.summarise(seen)))
    assert total == pytest.approx(float(np.log(chance(THETA)).sum()), abs=1e-2)


def test_a_utility_that_falls_gives_no_negative_chance() -> None:
    probs = minimum_probs(jnp.asarray([[0.1, 0.6, 0.4, 0.9]]), jnp.ones((1, 4), bool), jnp.asarray(0.0))
    np.testing.assert_allclose(probs[0], np.array([0.1, 0.5, 0.0, 0.3]) / 0.9, atol=1e-6)


def test_a_stake_has_only_its_own_offers() -> None:
    legal = jnp.asarray([[True, True, False]])
    probs = minimum_probs(jnp.asarray([[0.25, 0.5, 0.9]]), legal, jnp.asarray(0.5))
    np.testing.assert_allclose(probs, [[0.5, 0.5, 0.0]], atol=1e-6)


def test_what_made_the_minimums_is_found_again() -> None:
    random = np.random.default_rng(4)
    minimums = random.choice(STAKE + 1, size=600, p=chance(THETA))
    data = strategies(STAKE, np.zeros(600), minimums, offer_seen=False)
    family = StrategyMethod(base=FehrSchmidt().fix(beta=0.3))
    posterior = infer(family, data, key=jax.random.key(0), method=Nuts(chains=2, warmup=300, draws=300))
    for name in ("alpha", "rationality", "lapse"):
        low, high = posterior.interval(name, 0.68)[0]
        # Four posterior deviations: three 99 % intervals would miss a truth in one of 33 data sets.
        assert abs(posterior.mean(name)[0] - THETA[name]) < 4 * (high - low) / 2
    assert abs(posterior.mean("rationality")[0] - 12) < 4  # independent answers at m and m − 1 would give 0


def test_simulated_minimums_follow_the_probabilities() -> None:
    family = StrategyMethod(base=FehrSchmidt())
    data = strategies(STAKE, np.zeros(4_000), np.zeros(4_000), offer_seen=False)
    seen = jax.tree.map(lambda leaf: jnp.asarray(leaf)[0], family.arrange(data))
    theta = {name: jnp.asarray(value) for name, value in THETA.items()}
    values, was_seen = family.observed(family.simulate(jax.random.key(0), theta, seen))
    minimums = np.rint(np.asarray(values)[np.asarray(was_seen) > 0] * STAKE).astype(int)
    counted = np.bincount(minimums, minlength=21) / 4_000
    np.testing.assert_allclose(counted, chance(THETA), atol=0.04)  # 5 standard errors
    expected = np.asarray(family.predict(theta, seen))[np.asarray(was_seen) > 0][0]
    assert expected == pytest.approx(float(chance(THETA) @ np.arange(21)) / STAKE, abs=1e-4)


def test_bad_input_is_refused() -> None:
    with pytest.raises(ValueError, match="offer: run 0, play 1 is 21"):
        strategies(20, [5, 5], [3, 21])
    with pytest.raises(ValueError, match="no minimum acceptable offer was seen"):
        StrategyMethod().arrange(strategies(20, [5], [3], minimum_seen=False))
