r"""Distances between two beliefs, along the last axis; every other axis broadcasts.

======================== =============================================================
total variation          TV = ½ Σ_k abs(p_k − q_k)
Wasserstein-1            W₁ = ∫ abs(F(x) − G(x)) dx, on offered shares
======================== =============================================================
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float


def total_variation(p: Float[np.ndarray, "*n outcome"], q: Float[np.ndarray, "*n outcome"]) -> Float[np.ndarray, "*n"]:
    """Compute the total variation distance, in [0, 1].

    Example:
        >>> float(total_variation(np.array([1.0, 0.0]), np.array([0.25, 0.75])))
        0.75
    """
    return np.asarray(np.abs(p - q).sum(axis=-1) / 2)


def wasserstein_1(
    x: Float[np.ndarray, "n"],
    x_weight: Float[np.ndarray, "n"],
    y: Float[np.ndarray, "m"],
    y_weight: Float[np.ndarray, "m"],
) -> float:
    """Compute the Wasserstein-1 distance between two weighted sets of points on a line, in the points' unit.

    W₁ is the area between the two distribution functions. Weights are normalised; points of weight 0 do not count.

    Example:
        >>> wasserstein_1(np.array([0.0, 1.0]), np.array([0.5, 0.5]), np.array([0.5]), np.array([1.0]))
        0.5
    """
    points = np.concatenate([x, y])
    change = np.concatenate([x_weight / x_weight.sum(), -y_weight / y_weight.sum()])
    order = np.argsort(points, kind="stable")
    difference = np.cumsum(change[order])[:-1]
    return float(np.abs(difference) @ np.diff(points[order]))
