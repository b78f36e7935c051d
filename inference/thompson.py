"""Thompson sampling: act on one draw from the posterior for a whole epoch.

At the start of an epoch, every assistant of every run draws its own θ ~ p(θ | D), and acts on it for the whole epoch
(posterior sampling for reinforcement learning, Osband, Russo & Van Roy 2013, algorithm 1; after Thompson 1933).
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Array, Int, Key

from inference.discrete.posterior import Posterior


def thompson(
    key: Key[Array, ""],
    posterior: Posterior,
    assistants: int,
    runs: Int[Array, "run"] | None = None,
) -> Int[np.ndarray, "run assistant"]:
    """Draw one hypothesis for each assistant of each run.

    Args:
        key: Key of the epoch.
        posterior: p(θ | D) of each run.
        assistants: Number of assistants in a run.
        runs: Number of each run (see `DiscretePosterior.sample`).

    Example:
        >>> import jax
        >>> from inference import named_norms, uniform_posterior
        >>> thompson(jax.random.key(0), uniform_posterior(named_norms(), runs=2), assistants=3).shape
        (2, 3)
    """
    return posterior.sample(key, assistants, runs)
