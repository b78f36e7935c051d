"""Posteriors of one row of a hierarchy, or of a new row, as posteriors over the base family."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from inference.continuous.hierarchy import Hierarchical
from inference.samplers.compiled import program
from inference.samplers.fit import from_coordinates
from inference.samplers.posterior import SampledPosterior


def posterior_of_row(posterior: SampledPosterior, row: int) -> SampledPosterior:
    """Posterior over one row's θ, over the base family.

    Args:
        posterior: Posterior over a `Hierarchical` family.
        row: Number of the row.

    Raises:
        ValueError: If there is no such row.
    """
    family = _hierarchy(posterior)
    if not 0 <= row < family.rows:
        raise ValueError(f"row: {row} is outside 0..{family.rows - 1}")
    return _with_coordinates(posterior, _rows(family, jnp.asarray(posterior.fit.u))[..., row, :])


def posterior_of_new_row(posterior: SampledPosterior, key: Key[Array, ""]) -> SampledPosterior:
    """Posterior over a new member of the population: w = u + τ ⊙ z with a new z for each draw."""
    family = _hierarchy(posterior)
    u = jnp.asarray(posterior.fit.u)
    z = jax.random.normal(key, (*u.shape[:3], family.base.dimension))
    return _with_coordinates(posterior, _new_rows(family, u, z))


def _hierarchy(posterior: SampledPosterior) -> Hierarchical:
    if not isinstance(posterior.family, Hierarchical):
        raise TypeError("a posterior over a hierarchy is needed")
    return posterior.family


def _with_coordinates(posterior: SampledPosterior, w: Float[Array, "run chain draw base_dim"]) -> SampledPosterior:
    fit = from_coordinates(np.asarray(w), posterior.fit.log_weight)
    return SampledPosterior(_hierarchy(posterior).base, posterior.method, fit, None)


@program("family")
def _rows(family: Hierarchical, u: Float[Array, "run chain draw dim"]) -> Float[Array, "run chain draw row base_dim"]:
    return jax.vmap(jax.vmap(jax.vmap(family.coordinates_of_rows)))(u)


@program("family")
def _new_rows(
    family: Hierarchical, u: Float[Array, "run chain draw dim"], z: Float[Array, "run chain draw base_dim"]
) -> Float[Array, "run chain draw base_dim"]:
    def one(at: Array, fresh: Array) -> Array:
        mean, spread = family.population(at)
        return mean + spread * fresh

    return jax.vmap(jax.vmap(jax.vmap(one)))(u, z)
