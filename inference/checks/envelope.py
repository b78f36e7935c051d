"""How far the empirical distribution of uniform ranks may stray from the uniform one, at all levels at once."""

from __future__ import annotations

import functools

import numpy as np
from jaxtyping import Float

LEVELS = np.arange(1, 100) / 100
"""Levels at which distributions are compared."""

_SIMULATIONS = 20_000


@functools.cache
def envelope(draws: int, numbers: int = 1, level: float = 0.95) -> Float[np.ndarray, "level"]:
    """Half-width of a band that holds the distribution functions of some uniform samples, with a given chance.

    In proportion to the standard deviation at each level, and as wide as simulation finds necessary; for several
    samples by Bonferroni's bound (after Säilynoja, Bürkner & Vehtari 2022, Statistics and Computing 32).

    Args:
        draws: Size of a sample.
        numbers: Samples that have to keep to the band together.
        level: Chance that they do.

    Example:
        >>> bool(0.03 < envelope(1000)[49] < 0.06)
        True
    """
    steps = np.random.default_rng(0).multinomial(draws, np.full(100, 0.01), size=_SIMULATIONS)
    deviation = np.sqrt(LEVELS * (1 - LEVELS) / draws)
    farthest = np.max(np.abs(np.cumsum(steps, axis=1)[:, :-1] / draws - LEVELS) / deviation, axis=1)
    return np.asarray(np.quantile(farthest, 1 - (1 - level) / numbers) * deviation)
