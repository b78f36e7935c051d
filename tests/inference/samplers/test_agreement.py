"""Samplers compared with quadrature, for every shipped family that is small enough for a grid."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from inference import CONTINUOUS_FAMILIES, Nuts, Smc, diagnose
from inference.continuous.capabilities import ActsOnStakes
from inference.samplers.fit import Method
from inference.samplers.grid import LARGEST_GRID, Grid
from inference.samplers.posterior import SampledPosterior
from inference.samplers.runs import as_arrays, fit_runs

RUNS = 3
SMALL = [name for name, entry in CONTINUOUS_FAMILIES.items() if entry.family.dimension <= LARGEST_GRID]
POINTS = {"ug-bayes": 151}  # with so much evidence its posteriors are thin and curved
SAMPLERS: dict[str, Method] = {
    "nuts": Nuts(target_accept=0.95, draws=4_000),
    "smc": Smc(populations=4, particles=2_000),
}

# A chain does not move between separate modes, so NUTS fails calibration there (docs/calibration.md).
PAIRS = [
    (name, sampler)
    for name in SMALL
    for sampler in SAMPLERS
    if sampler != "nuts" or not CONTINUOUS_FAMILIES[name].family.separate_modes
]


@functools.cache
def simulated(name: str) -> Any:
    """Choices by hypotheses that were drawn from the prior, one in each run."""
    family, design = CONTINUOUS_FAMILIES[name].family, CONTINUOUS_FAMILIES[name].design()
    seen = jax.tree.map(lambda leaf: leaf[0], as_arrays(family.arrange(design)))

    def run(key: jax.Array) -> Any:
        key_theta, key_mode, key_data = jax.random.split(key, 3)
        mode = jax.random.randint(key_mode, (), 0, len(family.mode_labels))
        theta = family.theta(jax.random.normal(key_theta, (family.dimension,)), mode)
        return family.simulate(key_data, theta, seen)

    return jax.vmap(run)(jax.random.split(jax.random.key(5), RUNS))


@functools.cache
def posterior(name: str, method: Method) -> SampledPosterior:
    family, seen = CONTINUOUS_FAMILIES[name].family, simulated(name)
    return SampledPosterior(
        family, method, fit_runs(method, family, jax.random.split(jax.random.key(0), RUNS), seen), seen
    )


def test_there_are_families_to_compare() -> None:
    assert {"named-norm", "spoken-norm", "ug-bayes", "ug-delta", "planning-ahead"} <= set(SMALL)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "sampler"), PAIRS)
def test_samplers_agree_with_quadrature(name: str, sampler: str) -> None:
    family = CONTINUOUS_FAMILIES[name].family
    exact, sampled = posterior(name, Grid(points=POINTS.get(name))), posterior(name, SAMPLERS[sampler])
    assert (np.asarray(exact.fit.trace["cells_per_deviation"]) > 1).all()  # otherwise the grid is not exact enough
    effective = diagnose(sampled).table.groupby("run")["ess_bulk"].min().to_numpy()
    for parameter in family.coordinate_names:
        mean = exact.mean(parameter)
        spread = np.sqrt((exact.weights * (exact.theta[parameter] - mean[:, None, None]) ** 2).sum(axis=(1, 2)))
        # Four Monte Carlo errors, and .02 deviations for the grid's own.
        assert (np.abs(sampled.mean(parameter) - mean) < spread * (4 / np.sqrt(effective) + 0.02)).all(), parameter
    # A Monte Carlo error of probabilities, at most .5 / √400 with the fewest effective draws.
    np.testing.assert_allclose(sampled.mode_probabilities, exact.mode_probabilities, atol=0.03)
    if isinstance(family, ActsOnStakes):
        stakes = jnp.asarray([10, 20])
        one, other = sampled.predictive(stakes), exact.predictive(stakes)
        assert 0.5 * np.abs(one.offer - other.offer).sum(axis=-1).max() < 0.01
        assert np.nanmax(np.abs(one.accept - other.accept)) < 0.01
    else:  # probabilities of two answers; their difference is the total variation
        np.testing.assert_allclose(sampled.predict(), exact.predict(), atol=0.01)
