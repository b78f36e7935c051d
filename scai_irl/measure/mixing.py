r"""Shares of latent hypotheses in a sample of texts, estimated from the acts under each text.

Each text i expresses hypothesis k with probability w_k, and the acts under it have the likelihood L_ik:

    ŵ = argmax_w Σ_i log Σ_k w_k L_ik

by expectation–maximisation (Dempster, Laird & Rubin 1977): w_k ← mean_i w_k L_ik / Σ_j w_j L_ij. An average of
p(k | text) under a uniform prior would be biased towards uniform shares if hypotheses behave alike.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

_STEPS = 500


def mixing_weights(
    log_likelihood: Float[np.ndarray, "text hypothesis"], steps: int = _STEPS
) -> Float[np.ndarray, "hypothesis"]:
    """Estimate the shares; NaN without texts. A text that no hypothesis explains counts equally for all of them.

    Example:
        >>> likelihood = np.log(np.array([[0.9, 0.1], [0.9, 0.1], [0.1, 0.9]]) ** 9)
        >>> mixing_weights(likelihood).round(2).tolist()
        [0.67, 0.33]
    """
    texts, hypotheses = log_likelihood.shape
    if texts == 0:
        return np.full(hypotheses, np.nan)
    most = log_likelihood.max(axis=1, keepdims=True)
    likelihood = np.where(np.isfinite(most), np.exp(log_likelihood - np.where(np.isfinite(most), most, 0.0)), 1.0)
    weights = np.full(hypotheses, 1 / hypotheses)
    for _ in range(steps):
        share = weights * likelihood
        weights = (share / share.sum(axis=1, keepdims=True)).mean(axis=0)
    return weights
