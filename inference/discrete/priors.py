"""Priors over named norms: flat, or leaning to one of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

FLAT = "flat"
"""Name of the prior that leans to no norm."""


def leaning(name: str, norms: Sequence[str], strength: float) -> Float[np.ndarray, "norm"]:
    """Prior that leans to one norm, or to none.

    Args:
        name: The norm, or `FLAT`.
        norms: All norms.
        strength: Probability of that norm; the others share the rest equally.

    Example:
        >>> leaning("fair", ("selfish", "fair", "altruistic"), 0.8).round(2).tolist()
        [0.1, 0.8, 0.1]
    """
    if name == FLAT:
        return np.full(len(norms), 1 / len(norms))
    return np.where(np.array(norms) == name, strength, (1 - strength) / (len(norms) - 1))
