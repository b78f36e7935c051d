r"""Exact beliefs about norms after each interaction, if users also talk with unknown reliability.

    p(n | D_1..t, m_1..t) ∝ p(n) Π_s p(a_s | n) Σ_r p(r) Π_s p(m_s | n, r)

with actions a_s, and manners m_s as in `inference.continuous.language`: p(m | n, r) = r 1[m = m(n)] + (1 − r)/M. An
observer who knows that r = 0 ignores talk. An observer with a prior over r learns the reliability of talk from the
interactions.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int
from scipy.special import logsumexp

from envs.contexts import MANNERS
from inference.continuous.language import MANNER_OF
from inference.discrete.evidence import Evidence
from inference.discrete.hypotheses import PolicyHypotheses
from inference.discrete.likelihood import log_likelihood, rows_of

_LEAST = np.finfo(float).tiny


def beliefs_with_talk(
    hypotheses: PolicyHypotheses,
    plays: Evidence,
    manner: Int[np.ndarray, "run play"],
    reliability: Sequence[float],
    weight: Sequence[float] | None = None,
) -> Float[np.ndarray, "run moment hypothesis"]:
    """Compute beliefs before the first interaction and after each one.

    Args:
        hypotheses: Named norms.
        plays: Users' behaviour.
        manner: Manner of each interaction's message, as an index into `envs.contexts.MANNERS`; −1 without a message.
        reliability: Possible values of r.
        weight: Probability of each value; uniform if not given.

    Raises:
        ValueError: If manners do not fit the interactions, or a reliability is outside 0..1.

    Example:
        >>> from inference import evidence, named_norms
        >>> polite = np.array([[2, 2]])  # two sycophantic messages with fair offers
        >>> seen = evidence([10, 10], [5, 5], True)
        >>> trusting = beliefs_with_talk(named_norms(rationality=(5.0,), lapse=(0.25,)), seen, polite, [0.8])
        >>> trusting[0].round(2).tolist()
        [[0.33, 0.33, 0.33], [0.04, 0.38, 0.58], [0.0, 0.3, 0.7]]
    """
    r = np.asarray(reliability, float)
    log_weight = np.log(np.full(r.size, 1 / r.size) if weight is None else np.asarray(weight, float))
    if manner.shape != plays.stake.shape:
        raise ValueError(f"manner: shape {manner.shape} does not fit plays of shape {plays.stake.shape}")
    if not ((r >= 0) & (r <= 1)).all() or log_weight.shape != r.shape:
        raise ValueError("reliability: give values from 0 to 1, and as many weights")
    own_manner = np.array([MANNERS.index(MANNER_OF[norm]) for norm in hypotheses.norms])
    of_hypothesis = own_manner[hypotheses.norm_weights().argmax(axis=1)]
    fits = manner[..., None] == of_hypothesis
    chance = fits[..., None] * r + (1 - r) / len(MANNERS)
    heard = np.where((manner < 0)[..., None, None], 0.0, np.log(np.maximum(chance, _LEAST)))
    talk = logsumexp(np.cumsum(heard, axis=1) + log_weight, axis=-1)
    total = np.cumsum(_log_behaviour(hypotheses, plays), axis=1) + talk
    total = np.concatenate([np.zeros_like(total[:, :1]), total], axis=1)
    return np.asarray(np.exp(total - logsumexp(total, axis=-1, keepdims=True)))


def _log_behaviour(hypotheses: PolicyHypotheses, plays: Evidence) -> Float[np.ndarray, "run play hypothesis"]:
    """Log p(a_s | n) of every interaction; each is a separate run for exact inference."""
    alone = Evidence(*(np.reshape(column, (-1, 1)) for column in plays))
    of_each = np.asarray(log_likelihood(hypotheses, rows_of(alone)), float)
    return of_each.reshape(*plays.stake.shape, hypotheses.size)
