r"""Policies π_θ(a | s, c) of the ultimatum game, for both simulation and inference.

With x = offered share, U_θ the utility, λ the rationality and ε the lapse,

    P_θ(accept | x) = (1 − ε) σ(λ U_θ(x, 1 − x)) + ε/2
    Q_θ(x)          = P_θ(accept | x) U_θ(1 − x, x)
    π_θ(x | stake)  = (1 − ε) softmax_x(λ Q_θ(x)) + ε / (number of legal offers)

This is `planning.soft_backward_induction` on the game's two steps in closed form; a test checks that both agree. The
proposer assumes that the responder has the same norm θ, because the norm is the group's.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from envs.planning import log_or, soft_choice
from envs.ultimatum import NUM_OFFERS, legal_offers, offered_share
from envs.utilities import UtilityFunction


class PolicyTable(NamedTuple):
    """A policy at one stake, or at a batch of stakes and hypotheses.

    Attributes:
        offer: log π(offer | stake); −inf where illegal.
        accept: log P(accept | offer, stake).
        reject: log P(reject | offer, stake).
    """

    offer: Float[Array, "*n offer"]
    accept: Float[Array, "*n offer"]
    reject: Float[Array, "*n offer"]


def response_log_probs(
    utility: UtilityFunction,
    theta: Float[Array, "parameter"],
    rationality: Float[Array, ""],
    lapse: Float[Array, ""],
    share: Float[Array, "*n"],
) -> tuple[Float[Array, "*n"], Float[Array, "*n"]]:
    """Log-probabilities that the responder accepts and rejects an offered share.

    Rejecting pays (0, 0), whose utility is 0.
    """
    logit = rationality * utility(theta, share, 1 - share)
    distance = jnp.abs(logit)
    odds = jnp.exp(-distance)  # at most 1, to avoid overflow
    likelier = (1 - lapse) / (1 + odds) + lapse / 2
    other = (1 - lapse) * odds / (1 + odds) + lapse / 2
    log_likelier, log_other = jnp.log(likelier), log_or(other, -distance, lapse)
    accept = jnp.where(logit > 0, log_likelier, log_other)
    reject = jnp.where(logit > 0, log_other, log_likelier)
    return accept, reject


def policy_table(
    utility: UtilityFunction,
    theta: Float[Array, "parameter"],
    rationality: Float[Array, ""],
    lapse: Float[Array, ""],
    stake: Int[Array, ""],
    responding: UtilityFunction | None = None,
) -> PolicyTable:
    """π_θ at one stake, over all offers; `jax.vmap` it over stakes and hypotheses.

    Args:
        utility: U(θ, own share, other's share).
        theta: The utility's parameters θ.
        rationality: λ, per share of the stake.
        lapse: ε in [0, 1].
        stake: Units to divide.
        responding: U of the responder, if it differs from the proposer's.

    Example:
        >>> from envs.utilities import fair
        >>> table = policy_table(fair, jnp.zeros(0), jnp.asarray(200.0), jnp.asarray(0.0), jnp.asarray(10))
        >>> int(table.offer.argmax()), round(float(jnp.exp(table.accept[5])), 3)
        (5, 1.0)
    """
    share, legal = _shares(stake)
    accept, reject = response_log_probs(responding or utility, theta, rationality, lapse, share)
    value = jnp.exp(accept) * utility(theta, 1 - share, share)
    return PolicyTable(soft_choice(value, legal, rationality, lapse), accept, reject)


def offer_values(
    utility: UtilityFunction,
    theta: Float[Array, "parameter"],
    rationality: Float[Array, ""],
    lapse: Float[Array, ""],
    stake: Int[Array, ""],
    responding: UtilityFunction | None = None,
) -> Float[Array, "offer"]:
    """Q_θ(x) of every offer at one stake; NaN where the stake does not allow it. Arguments as of `policy_table`.

    Example:
        >>> from envs.utilities import selfish
        >>> values = offer_values(selfish, jnp.zeros(0), jnp.asarray(200.0), jnp.asarray(0.0), jnp.asarray(10))
        >>> int(jnp.nanargmax(values)), round(float(values[5]), 3)
        (1, 0.5)
    """
    share, legal = _shares(stake)
    accept, _ = response_log_probs(responding or utility, theta, rationality, lapse, share)
    return jnp.where(legal, jnp.exp(accept) * utility(theta, 1 - share, share), jnp.nan)


def _shares(stake: Int[Array, ""]) -> tuple[Float[Array, "offer"], Bool[Array, "offer"]]:
    """Offered share of each offer (0 where the stake does not allow it), and a mask of the allowed offers."""
    offers = jnp.arange(NUM_OFFERS)
    legal = legal_offers(stake)
    return jnp.where(legal, offered_share(offers, jnp.broadcast_to(stake, offers.shape)), 0.0), legal


def inverse_cdf(uniform: Float[Array, "*n"], log_probs: Float[Array, "*n offer"]) -> Int[Array, "*n"]:
    """Draw offers by inverting the cumulative distribution at uniform numbers in [0, 1).

    Returns the first offer whose cumulative probability exceeds the uniform number. Rounding at the top of the table
    never gives an illegal offer.

    Example:
        >>> int(inverse_cdf(jnp.asarray(0.4), jnp.log(jnp.asarray([0.25, 0.5, 0.25]))))
        1
    """
    probabilities = jnp.exp(log_probs)
    cumulative = cumulative_probs(probabilities)
    below = (uniform * cumulative[..., -1])[..., None] >= cumulative
    last_possible = probabilities.shape[-1] - 1 - jnp.argmax(probabilities[..., ::-1] > 0, axis=-1)
    return jnp.minimum(jnp.sum(below, axis=-1), last_possible)


def cumulative_probs(probabilities: Float[Array, "*n outcome"]) -> Float[Array, "*n outcome"]:
    """Cumulative probabilities that never decrease, and never increase at an outcome of probability 0.

    Devices add in trees, so a plain cumulative sum can increase by a rounding error at probability 0. A draw there
    would give an impossible outcome.
    """
    summed = jnp.cumsum(probabilities, axis=-1)
    return jax.lax.cummax(jnp.where(probabilities > 0, summed, 0.0), axis=summed.ndim - 1)
