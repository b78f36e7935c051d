r"""Divergences and scores of beliefs, along the last axis; every other axis broadcasts.

================ ===================================================
Kullback–Leibler KL(p ‖ q) = Σ_k p_k log(p_k / q_k), in nats
Jensen–Shannon   JS = ½ KL(p ‖ m) + ½ KL(q ‖ m), m = ½ (p + q)
Hellinger        H = √(1 − Σ_k √(p_k q_k)), in [0, 1]
================ ===================================================

Total variation and Wasserstein-1 are in `scai_irl.measure.distances`.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

_FLOOR = 1e-6
_ROUNDING = 1e-3


def kullback_leibler(
    p: Float[np.ndarray, "*n outcome"], q: Float[np.ndarray, "*n outcome"], floor: float = _FLOOR
) -> Float[np.ndarray, "*n"]:
    """Compute KL(p ‖ q), with q mixed with a little of the uniform distribution, so that q = 0 has a finite cost.

    Args:
        p: The exact belief.
        q: The belief that is judged.
        floor: Share of the uniform distribution in q; 0 for none.

    Example:
        >>> kullback_leibler(np.array([0.5, 0.5]), np.array([0.5, 0.5])).round(6)
        np.float64(0.0)
    """
    mixed = (1 - floor) * q + floor / q.shape[-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(p > 0, p * (np.log(p) - np.log(mixed)), 0.0)
    return np.asarray(terms.sum(axis=-1))


def jensen_shannon(p: Float[np.ndarray, "*n outcome"], q: Float[np.ndarray, "*n outcome"]) -> Float[np.ndarray, "*n"]:
    """Compute the Jensen–Shannon divergence in nats, at most log 2.

    Example:
        >>> float(jensen_shannon(np.array([1.0, 0.0]), np.array([0.0, 1.0])).round(4))
        0.6931
    """
    middle = (p + q) / 2
    return np.asarray((kullback_leibler(p, middle, 0.0) + kullback_leibler(q, middle, 0.0)) / 2)


def hellinger(p: Float[np.ndarray, "*n outcome"], q: Float[np.ndarray, "*n outcome"]) -> Float[np.ndarray, "*n"]:
    """Compute the Hellinger distance.

    Example:
        >>> float(hellinger(np.array([1.0, 0.0]), np.array([0.0, 1.0])))
        1.0
    """
    return np.asarray(np.sqrt(np.clip(1 - np.sqrt(p * q).sum(axis=-1), 0.0, 1.0)))


def log_score(
    belief: Float[np.ndarray, "n outcome"], truth: Float[np.ndarray, "n outcome"], floor: float = _FLOOR
) -> Float[np.ndarray, "n"]:
    """Compute the log of the probability given to the true outcome (Good 1952), in nats; 0 is perfect.

    Args:
        belief: Probabilities.
        truth: 1 for the true outcome, else 0.
        floor: Share of the uniform distribution that is mixed in.

    Example:
        >>> log_score(np.array([[0.5, 0.5]]), np.array([[1.0, 0.0]])).round(3).tolist()
        [-0.693]
    """
    mixed = (1 - floor) * belief + floor / belief.shape[-1]
    return np.asarray(np.log((mixed * truth).sum(axis=-1)))


def brier_score(
    belief: Float[np.ndarray, "n outcome"], truth: Float[np.ndarray, "n outcome"]
) -> Float[np.ndarray, "n"]:
    """Compute the Brier score Σ_k (p_k − t_k)² (Brier 1950), in [0, 2]; 0 is perfect.

    Example:
        >>> brier_score(np.array([[0.5, 0.5]]), np.array([[1.0, 0.0]])).tolist()
        [0.5]
    """
    return np.asarray(((belief - truth) ** 2).sum(axis=-1))


def calibration_error(
    belief: Float[np.ndarray, "n outcome"], truth: Float[np.ndarray, "n outcome"], bins: int = 10
) -> float:
    """Compute the expected calibration error: Σ_b (n_b / n) |mean stated − share true| over bins b of probabilities.

    Example:
        >>> calibration_error(np.array([[0.5, 0.5], [0.5, 0.5]]), np.array([[1.0, 0.0], [0.0, 1.0]]))
        0.0
    """
    stated, true = belief.reshape(-1), truth.reshape(-1)
    # A small number is added, so that 1/3 computed in two ways falls into one bin.
    bin_index = np.minimum((stated * bins + _ROUNDING).astype(int), bins - 1)
    count = np.bincount(bin_index, minlength=bins)
    gap = np.abs(np.bincount(bin_index, stated, bins) - np.bincount(bin_index, true, bins))
    return float(gap[count > 0].sum() / stated.size)
