"""Norms in unseen currencies, compared with plain enumeration and with known laws."""

from __future__ import annotations

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from envs.contexts import PSYCHOLOGICAL_DISTANCE
from inference import CesAltruism, Hierarchical
from inference.continuous.hierarchy import LENGTH
from inference.structured.transfer import at_target, carried, lengths, transfer

PLACES = [1.8, 0.0, 0.5, 3.0]
PRIOR = np.array([0.5, 0.2, 0.3])
RNG = np.random.default_rng(3)
LOG_LIKELIHOODS = RNG.normal(scale=1.5, size=(2, 4, 3))
LENGTHS = np.array([0.3, 1.0, 4.0])


def enumerated(log_likelihood: np.ndarray, prior: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Marginals of norms and lengths, and p(D), by adding up every assignment of norms to currencies."""
    order = np.argsort(PLACES)
    marginal, of_length = np.zeros((len(PLACES), len(prior))), np.zeros(len(LENGTHS))
    for number, length in enumerate(LENGTHS):
        for norms in itertools.product(range(len(prior)), repeat=len(PLACES)):
            chance = prior[norms[order[0]]]
            for near, far in itertools.pairwise(order):
                carry = np.exp(-(PLACES[far] - PLACES[near]) / length)
                chance *= carry * (norms[near] == norms[far]) + (1 - carry) * prior[norms[far]]
            chance *= np.exp(sum(log_likelihood[currency, norm] for currency, norm in enumerate(norms))) / len(LENGTHS)
            of_length[number] += chance
            for currency, norm in enumerate(norms):
                marginal[currency, norm] += chance
    total = of_length.sum()
    return marginal / total, of_length / total, float(np.log(total))


def test_it_is_what_enumeration_gives() -> None:
    believed = transfer(LOG_LIKELIHOODS, PRIOR, PLACES, LENGTHS)
    for run, log_likelihood in enumerate(LOG_LIKELIHOODS):
        norm, length, evidence = enumerated(log_likelihood, PRIOR)
        np.testing.assert_allclose(believed.norm[run], norm, atol=1e-12)
        np.testing.assert_allclose(believed.length[run], length, atol=1e-12)
        assert believed.log_evidence[run] == pytest.approx(evidence, abs=1e-12)


def test_runs_may_have_priors_of_their_own() -> None:
    priors = np.array([PRIOR, [0.1, 0.1, 0.8]])
    both = transfer(LOG_LIKELIHOODS, priors, PLACES)
    for run in range(2):
        np.testing.assert_allclose(transfer(LOG_LIKELIHOODS[run], priors[run], PLACES).norm, both.norm[run], atol=1e-12)


@pytest.mark.parametrize("certain", [3.0, 4000.0, np.inf])
def test_with_one_currency_seen_it_is_the_closed_form(certain: float) -> None:
    log_likelihood = np.zeros((4, 3))
    log_likelihood[1, 1:] = [-certain, -certain / 2]
    home = PRIOR * np.exp(log_likelihood[1])
    home = home / home.sum()
    believed = transfer(log_likelihood, PRIOR, PLACES)
    for currency, place in enumerate(PLACES):
        np.testing.assert_allclose(believed.norm[currency], at_target(home, PRIOR, float(carried(place))), atol=1e-12)
    np.testing.assert_allclose(believed.length, 1 / len(lengths()), rtol=1e-9)  # one currency tells nothing about ℓ


def test_nothing_seen_is_the_prior_everywhere() -> None:
    believed = transfer(np.zeros((4, 3)), PRIOR, PLACES)
    np.testing.assert_allclose(believed.norm, np.tile(PRIOR, (4, 1)), atol=1e-12)
    assert believed.log_evidence == pytest.approx(0.0, abs=1e-12)


def test_currencies_that_agree_favour_long_lengths_and_those_that_differ_short_ones() -> None:
    agree, differ = np.full((2, 2, 2), -40.0)
    agree[:, 0] = 0.0
    differ[[0, 1], [0, 1]] = 0.0
    places, prior = [0.0, 0.5], np.array([0.5, 0.5])
    same, other = (transfer(log_likelihood, prior, places).length for log_likelihood in (agree, differ))
    carry = np.exp(-0.5 / lengths())
    np.testing.assert_allclose(same, (1 + carry) / (1 + carry).sum(), atol=1e-9)
    np.testing.assert_allclose(other, (1 - carry) / (1 - carry).sum(), atol=1e-9)
    assert other @ np.log(lengths()) < 0 < same @ np.log(lengths())
    of_both, of_one = (
        transfer(np.vstack([agree[:seen], np.zeros((3 - seen, 2))]), prior, [*places, 1.5]).norm[2, 0]
        for seen in (2, 1)
    )
    assert of_both > of_one + 0.05  # so a norm that both share is carried farther


def test_conflicts_at_one_place_are_weighed_there() -> None:
    log_likelihood = np.log(np.array([[0.9, 0.1], [0.3, 0.7]]))
    believed = transfer(log_likelihood, np.array([0.5, 0.5]), [1.0, 1.0])
    product = np.array([0.9 * 0.3, 0.1 * 0.7])
    np.testing.assert_allclose(believed.norm, np.tile(product / product.sum(), (2, 1)), atol=1e-12)


def test_it_has_the_correlations_of_the_continuous_hierarchy() -> None:
    """Cov(1[n_i = n], 1[n_j = n]) / π (1 − π), from the exact posterior, and the covariance of drawn processes f."""
    length, places = 0.7, (0.0, 0.4, 1.5)
    certain = np.zeros((3, 3))
    certain[0, 1:] = -np.inf
    given = transfer(certain, PRIOR, places, np.array([length])).norm[:, 0]
    correlation = (PRIOR[0] * given - PRIOR[0] ** 2) / (PRIOR[0] * (1 - PRIOR[0]))
    np.testing.assert_allclose(correlation, np.exp(-np.array(places) / length), atol=1e-12)
    family = Hierarchical(base=CesAltruism().fix(substitution=0.0, rationality=50.0, lapse=0.0), rows=3, places=places)
    family = family.fix(length=length)
    u = jax.random.normal(jax.random.key(0), (20_000, family.dimension)).at[:, 0].set(0.0).at[:, 1].set(0.5)
    processes = np.asarray(jax.vmap(family.coordinates_of_rows)(u))[..., 0]
    np.testing.assert_allclose(np.corrcoef(processes.T)[0], correlation, atol=0.03)


def test_lengths_are_the_hierarchys_prior() -> None:
    draws = np.asarray(LENGTH.value(jax.random.normal(jax.random.key(1), (100_000,))))
    np.testing.assert_allclose(np.quantile(lengths(), [0.1, 0.5, 0.9]), np.quantile(draws, [0.1, 0.5, 0.9]), rtol=0.03)
    for distance in PSYCHOLOGICAL_DISTANCE.values():
        assert carried(distance) == pytest.approx(float(jnp.exp(-distance / jnp.asarray(draws)).mean()), abs=0.005)
        np.testing.assert_allclose(carried(distance, lengths(400)), carried(distance), atol=1e-4)


def test_a_norm_without_a_chance_is_refused() -> None:
    with pytest.raises(ValueError, match="prior: every norm needs a chance above 0"):
        transfer(LOG_LIKELIHOODS, np.array([0.5, 0.5, 0.0]), PLACES)
