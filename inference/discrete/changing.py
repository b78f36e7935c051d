r"""Norms that may change: before each epoch the group may adopt another hypothesis, drawn from the prior.

    p(θ_t | D_<t) = (1 − h) p(θ_{t−1} = θ | D_<t) + h p(θ)

with hazard h, followed by Bayes' rule on the epoch's data. This is the forward filter of a hidden Markov model whose
states are hypotheses and whose transitions are (1 − h) I + h 1 p(θ)ᵀ (Rabiner 1989, eq. 19–21; as a change-point model,
Adams & MacKay 2007). With h = 0 no evidence is forgotten; with h = 1 only the last epoch counts.
"""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from inference.discrete.posterior import DiscretePosterior


def expecting_change(
    posterior: DiscretePosterior, hazard: float, prior: Float[np.ndarray, "hypothesis"] | None = None
) -> DiscretePosterior:
    """Compute the belief about the next epoch if norms may change before it.

    Args:
        posterior: Belief about the last epoch.
        hazard: Probability h of a change.
        prior: Probability of each hypothesis after a change; uniform if not given.

    Raises:
        ValueError: If the hazard is no probability.

    Example:
        >>> from inference import evidence, infer, named_norms
        >>> sure = infer(named_norms(), evidence([10, 10], [5, 5], True))
        >>> [round(float(p), 2) for p in expecting_change(sure, 0.3).probabilities[0]]
        [0.1, 0.8, 0.1]
    """
    if not 0 <= hazard <= 1:
        raise ValueError(f"hazard: {hazard} is no probability; give 0 to 1")
    if hazard == 0:
        return posterior
    size = posterior.hypotheses.size
    log_prior = jnp.log(jnp.full(size, 1 / size) if prior is None else jnp.asarray(prior))
    stays = posterior.log_prob + jnp.log1p(-hazard)
    log_prob = jnp.logaddexp(stays, jnp.log(hazard) + log_prior)
    return replace(posterior, log_prob=jax.nn.log_softmax(log_prob, axis=1), data=None, rest=None)
