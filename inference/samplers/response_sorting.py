"""Posterior over the type of each item: genuine, non-attitude or constructed."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from inference.continuous.responses import Framed, ResponseTypes
from inference.samplers.compiled import program
from inference.samplers.fit import Fit
from inference.samplers.posterior import SampledPosterior

_AT_ONCE = 64


def types_found(posterior: SampledPosterior) -> Float[np.ndarray, "run item type"]:
    """Probability of each type for each item, p(type of item i | D), averaged over the draws of θ.

    Args:
        posterior: Posterior over a `ResponseTypes` family.

    Raises:
        TypeError: If the posterior is over another family.
    """
    if not isinstance(posterior.family, ResponseTypes):
        raise TypeError("types_found: a posterior over ResponseTypes is needed")
    return np.asarray(_of_runs(posterior.family, posterior.fit, jax.tree.map(jnp.asarray, posterior.seen)))


@program("family")
def _of_runs(family: ResponseTypes, fit: Fit, seen: Framed) -> Float[Array, "run item type"]:
    def run(pair: tuple[Fit, Any]) -> Float[Array, "item type"]:
        own, answers = pair

        def one(u: Float[Array, "dim"]) -> Float[Array, "item type"]:
            return family.type_probabilities(family.theta(u), answers)

        draws = jax.lax.map(one, own.u.reshape(-1, own.u.shape[-1]), batch_size=_AT_ONCE)
        return jnp.einsum("d,dit->it", jnp.exp(own.log_weight).reshape(-1), draws)

    probabilities: Array = jax.lax.map(run, (fit, seen))
    return probabilities
