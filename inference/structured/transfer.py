r"""Norms in unobserved currencies: exact inference for finitely many norms.

Currencies have positions p on a line of psychological distance. Along the line a group's norm is constant, except that
it is drawn anew from the prior π at rate 1/ℓ. So for currencies at distance d

    p(n' | n) = s 1[n' = n] + (1 − s) π(n'),     s(d) = exp(−d/ℓ)

(with uniform π this is the chain of Jukes & Cantor 1969). The chain is stationary, and s(d) s(d') = s(d + d'), so any
set of currencies has a consistent joint prior. After observations in one source currency,

    p(n in the target | D) = s(d) p(n in the source | D) + (1 − s(d)) π(n),     averaged over ℓ.

This is the discrete counterpart of `inference.continuous.hierarchy.Hierarchical` with positions. A Gaussian process
with covariance exp(−|p_i − p_j|/ℓ) is also a Markov process along the line. Here

    Cov(1[n_i = n], 1[n_j = n]) = π(n) (1 − π(n)) exp(−|p_i − p_j|/ℓ),

which is the same correlation. Both have the same prior over ℓ; an observer of several currencies learns ℓ.

References:
    Jukes & Cantor (1969), Evolution of protein molecules, Mammalian Protein Metabolism III; Rasmussen & Williams
    (2006), Gaussian Processes for Machine Learning, section 4.2.1 and appendix B.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from numpy.typing import ArrayLike
from scipy.special import ndtri

from inference.continuous.hierarchy import LENGTH
from inference.continuous.parameters import Parameter

POINTS = 200
"""Number of lengths in sums; with twice as many, probabilities change by less than 1e-4."""


class Transfer(NamedTuple):
    """Posterior over the norm in every currency, observed or not.

    Attributes:
        norm: p(norm in the currency | D).
        length: p(ℓ | D) over the given lengths.
        log_evidence: log p(D), up to the constants of the log-likelihoods.
    """

    norm: Float[np.ndarray, "*run currency norm"]
    length: Float[np.ndarray, "*run length"]
    log_evidence: Float[np.ndarray, "*run"]


@functools.lru_cache(16)
def lengths(points: int = POINTS, prior: Parameter = LENGTH) -> Float[np.ndarray, "length"]:
    """Compute equally probable lengths ℓ: the medians of equally probable parts of the prior.

    Args:
        points: Number of lengths.
        prior: Prior of ℓ, log-normal.

    Example:
        >>> lengths(3).round(2).tolist()
        [0.51, 1.0, 1.97]
    """
    middles = (np.arange(points) + 0.5) / points
    values = prior.low + np.exp(prior.location + prior.scale * ndtri(middles))
    values.setflags(write=False)
    return np.asarray(values)


def carried(distance: ArrayLike, length: Float[np.ndarray, "length"] | None = None) -> Float[np.ndarray, "*distance"]:
    """Compute the probability that a norm transfers over a distance, s(d), averaged over equally probable lengths.

    Args:
        distance: Psychological distance, 0 or more.
        length: Lengths; those of `lengths` if not given.

    Example:
        >>> carried([0.0, 1.0, 3.0]).round(2).tolist()
        [1.0, 0.37, 0.1]
    """
    chosen = lengths() if length is None else length
    return np.asarray(np.exp(-np.asarray(distance, float)[..., None] / chosen).mean(axis=-1))


def at_target(
    source: Float[np.ndarray, "*n norm"],
    prior: Float[np.ndarray, "*#n norm"],
    probability: Float[np.ndarray, "*#n"] | float,
) -> Float[np.ndarray, "*n norm"]:
    """Posterior over the norm in a target currency, given the posterior in a source currency.

    Args:
        source: p(norm | D) in the source currency.
        prior: π(norm).
        probability: Probability that the norm transfers, from `carried`.

    Example:
        >>> at_target(np.array([1.0, 0.0]), np.array([0.5, 0.5]), 0.5).tolist()
        [0.75, 0.25]
    """
    probability = np.asarray(probability)[..., None]
    return np.asarray(probability * source + (1 - probability) * prior)


def transfer(
    log_likelihood: Float[np.ndarray, "*run currency norm"],
    prior: Float[np.ndarray, "*#run norm"],
    positions: Sequence[float] | Float[np.ndarray, "currency"],
    length: Float[np.ndarray, "length"] | None = None,
) -> Transfer:
    """Compute the posterior over the norm in every currency from observations in some currencies.

    For each ℓ there is a forward and a backward pass along the line, in logarithms and double precision. The results
    are then averaged over the posterior of ℓ.

    Args:
        log_likelihood: log p(D in the currency | norm), up to a constant for each currency; 0 without observations.
        prior: π(norm), all above 0.
        positions: Position of each currency, in any order.
        length: Equally probable lengths; those of `lengths` if not given.

    Raises:
        ValueError: If a prior probability is not above 0.

    Example:
        >>> seen_selfish = np.array([[0.0, -50.0], [0.0, 0.0]])
        >>> believed = transfer(seen_selfish, np.array([0.5, 0.5]), [0.0, 1.0])
        >>> believed.norm.round(2).tolist()
        [[1.0, 0.0], [0.69, 0.31]]
    """
    if not (np.asarray(prior) > 0).all():
        raise ValueError("prior: every norm needs a chance above 0")
    order = np.argsort(np.asarray(positions, float), kind="stable")
    gaps = np.diff(np.asarray(positions, float)[order])
    chosen = np.asarray(lengths() if length is None else length)
    with jax.enable_x64(True):
        seen = jnp.moveaxis(jnp.asarray(log_likelihood, np.float64)[..., order, :], -2, 0)
        norm, chance, evidence = _along_the_line(seen, jnp.log(jnp.asarray(prior, np.float64)), gaps, chosen)
    back = np.argsort(order)
    return Transfer(np.moveaxis(np.asarray(norm), 0, -2)[..., back, :], np.asarray(chance), np.asarray(evidence))


@jax.jit
def _along_the_line(
    seen: Float[Array, "currency *run norm"],
    log_prior: Float[Array, "*#run norm"],
    gaps: Float[Array, "gap"],
    length: Float[Array, "length"],
) -> tuple[Float[Array, "currency *run norm"], Float[Array, "*run length"], Float[Array, "*run"]]:
    def of_length(one: Float[Array, ""]) -> tuple[Array, Array]:
        keeps = jnp.exp(-gaps / one)

        def carry(message: Array, probability: Array) -> Array:
            """Log Σ_n' p(n | n') exp(message(n')) for messages that include π; it is the same in both directions."""
            total = jax.nn.logsumexp(message, axis=-1, keepdims=True)
            return jnp.logaddexp(jnp.log(probability) + message, jnp.log1p(-probability) + log_prior + total)

        def step(message: Array, following: tuple[Array, Array]) -> tuple[Array, Array]:
            own, probability = following
            arrived = carry(message, probability)
            return arrived + own, arrived

        def pass_over(columns: Array, steps: Array) -> Array:
            start = jnp.broadcast_to(log_prior, columns.shape[1:])
            _, arrived = jax.lax.scan(step, start + columns[0], (columns[1:], steps))
            return jnp.concatenate([start[None], arrived])

        # π(n) p(n' | n) is symmetric, so the backward pass is the same computation; π counts twice.
        joint = pass_over(seen, keeps) + pass_over(seen[::-1], keeps[::-1])[::-1] + seen - log_prior
        evidence = jax.nn.logsumexp(joint, axis=-1)
        return joint - evidence[..., None], evidence[0]

    log_norm, evidence = jax.lax.map(of_length, length)
    share = jax.nn.log_softmax(evidence, axis=0)
    norm = jnp.exp(jax.nn.logsumexp(log_norm + share[:, None, ..., None], axis=0))
    total = jax.nn.logsumexp(evidence, axis=0) - jnp.log(length.shape[0])
    return norm, jnp.moveaxis(jnp.exp(share), 0, -1), total
