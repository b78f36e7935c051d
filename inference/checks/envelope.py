"""Simultaneous envelopes for the empirical distribution of uniform ranks."""

from __future__ import annotations

import functools

import numpy as np
from jaxtyping import Float

LEVELS = np.arange(1, 100) / 100
"""Levels at which distributions are compared."""

_SIMULATIONS = 20_000


@functools.cache
def envelope(draws: int, numbers: int = 1, level: float = 0.95) -> Float[np.ndarray, "level"]:
    """Half-width of a band that contains the distribution functions of uniform samples with a given probability.

    It is proportional to the standard deviation at each level, with a factor that is found by simulation. Several
    samples use Bonferroni's bound (after Säilynoja, Bürkner & Vehtari 2022, Statistics and Computing 32).

    Args:
        draws: Size of a sample.
        numbers: Number of samples that the band contains together.
        level: Probability of this.

    Example:
        >>> bool(0.03 < envelope(1000)[49] < 0.06)
        True
    """
    steps = np.random.default_rng(0).multinomial(draws, np.full(100, 0.01), size=_SIMULATIONS)
    deviation = np.sqrt(LEVELS * (1 - LEVELS) / draws)
    farthest = np.max(np.abs(np.cumsum(steps, axis=1)[:, :-1] / draws - LEVELS) / deviation, axis=1)
    return np.asarray(np.quantile(farthest, 1 - (1 - level) / numbers) * deviation)
