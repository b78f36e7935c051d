"""Currencies outside a fit: the posterior is that of a fit with them, and follows the process."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from inference import CesAltruism, Hierarchical, Nuts, SampledPosterior, evidence, infer, posterior_of_row
from inference.samplers.fit import from_coordinates
from inference.structured.new_places import drawn_offers, posterior_at_position

BASE = CesAltruism().fix(substitution=0.0, rationality=100.0, lapse=0.02)
PLACES = (0.0, 0.5)
STAKE = 10
QUICK = Nuts(chains=2, warmup=300, draws=600)
OFFERS = [[2, 2, 3, 2, 2, 3], [4, 4, 4, 5, 4, 4]]


def family(*places: float) -> Hierarchical:
    return Hierarchical(base=BASE, rows=len(places), places=places, spread=1.0)


def from_prior(hierarchy: Hierarchical, draws: int) -> SampledPosterior:
    """Posterior of an observer who has seen nothing: draws from the prior."""
    u = np.asarray(jax.random.normal(jax.random.key(5), (1, 1, draws, hierarchy.dimension)))
    return SampledPosterior(hierarchy, QUICK, from_coordinates(u, np.full((1, 1, draws), -np.log(draws))), None)


@pytest.fixture(scope="module")
def of_two() -> SampledPosterior:
    data = evidence(np.full((2, 6), STAKE), OFFERS, True)
    return infer(family(*PLACES), data, key=jax.random.key(0), method=QUICK, allow_disagreement=True)


def test_a_place_that_was_seen_is_its_row(of_two: SampledPosterior) -> None:
    for row, place in enumerate(PLACES):
        there = posterior_at_position(of_two, place, jax.random.key(1)).theta["own_weight"]
        np.testing.assert_allclose(there, posterior_of_row(of_two, row).theta["own_weight"], atol=0.01)


@pytest.mark.slow
def test_it_is_as_if_the_place_had_been_in_the_fit(of_two: SampledPosterior) -> None:
    """A row without evidence, in the fit from the start, has the same posterior up to Monte Carlo error."""
    places = (*PLACES, 1.5)
    seen = np.repeat([[True], [True], [False]], 6, axis=1)
    data = evidence(np.full((3, 6), STAKE), [*OFFERS, [0] * 6], True, seen, seen)
    fitted = infer(family(*places), data, key=jax.random.key(2), method=QUICK, allow_disagreement=True)
    inside = posterior_of_row(fitted, 2).theta["own_weight"].ravel()
    outside = posterior_at_position(of_two, 1.5, jax.random.key(1)).theta["own_weight"].ravel()
    levels = [0.1, 0.3, 0.5, 0.7, 0.9]
    np.testing.assert_allclose(np.quantile(outside, levels), np.quantile(inside, levels), atol=0.06)


@pytest.mark.parametrize("place", [0.2, 1.7])
def test_before_anything_is_seen_it_has_the_processs_covariance(place: float) -> None:
    hierarchy = family(*PLACES).fix(length=0.8)
    believed = from_prior(hierarchy, 30_000)
    u = believed.fit.u[0, 0]
    spread = np.asarray(jax.vmap(hierarchy.population)(jnp.asarray(u))[1])[:, 0]
    rows = np.asarray(jax.vmap(hierarchy.coordinates_of_rows)(jnp.asarray(u)))[..., 0]
    there = posterior_at_position(believed, place, jax.random.key(8)).fit.u[0, 0, :, 0]
    of_process = [(values - u[:, 0]) / spread for values in (rows[:, 0], rows[:, 1], there)]
    expected = [*np.exp(-np.abs(place - np.array(PLACES)) / 0.8), 1.0]
    np.testing.assert_allclose(np.cov(np.stack(of_process))[2], expected, atol=0.04)


def test_offers_are_drawn_from_the_predictive(of_two: SampledPosterior) -> None:
    home = posterior_of_row(of_two, 0)
    offers = drawn_offers(jax.random.key(4), home, STAKE, plays=20, draws=1_000)
    assert offers.shape == (1, 1_000, 20)
    frequency = np.bincount(np.rint(offers.ravel() * STAKE).astype(int), minlength=STAKE + 1) / offers.size
    np.testing.assert_allclose(frequency, home.predictive(jnp.asarray([STAKE])).offer[0, 0, : STAKE + 1], atol=0.02)
    means = offers.mean(axis=2)
    assert np.var(means) > 1.2 * np.var(offers) / 20  # offers under one draw of θ are alike


def test_other_posteriors_are_refused() -> None:
    exchangeable = Hierarchical(base=BASE, rows=2)
    with pytest.raises(TypeError, match="a posterior over a hierarchy with positions is needed"):
        posterior_at_position(from_prior(exchangeable, 10), 0.5, jax.random.key(0))
    with pytest.raises(TypeError, match="Hierarchical has no policy at a stake"):
        drawn_offers(jax.random.key(0), from_prior(exchangeable, 10), STAKE, 2, 3)
