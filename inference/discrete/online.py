r"""Running sums of a run's posterior over chunks of hypotheses.

Let l_k = log p(D | θ_k) p(θ_k), m the highest l_k so far, and v_k any numbers of the hypotheses. Three sums are stored,

    s = Σ_k e^{l_k − m} ,     t = Σ_k e^{l_k − m} (l_k − m) ,     a = Σ_k e^{l_k − m} v_k ,

and multiplied by e^{m − m'} when a higher m' occurs (online softmax, Milakov & Gimelshein 2018, arXiv:1805.02867). At
the end

    log p(D) = m + log s ,     H(θ | D) = log s − t/s ,     max_k p(θ_k | D) = 1/s ,     E[v | D] = a/s .

A draw from p(θ | D) is updated by weighted reservoir sampling (Chao 1982): after a chunk of hypotheses with weight S,
the draw is replaced with probability S/s by a draw from the chunk.
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from envs.soft_policy import cumulative_probs


class Running(NamedTuple):
    """Running sums of each run.

    Attributes:
        highest: m.
        total: s.
        log_total: t.
        values: a.
        most_probable: Index of the hypothesis of m; the first if tied.
        draws: Indices of draws.
    """

    highest: Float[Array, "*n"]
    total: Float[Array, "*n"]
    log_total: Float[Array, "*n"]
    values: Float[Array, "*n value"]
    most_probable: Int[Array, "*n"]
    draws: Int[Array, "*n draw"]


class Moments(NamedTuple):
    """Moments of each run's posterior, in double precision.

    Attributes:
        log_evidence: log p(D); −inf if the data have probability 0 under all hypotheses.
        entropy: H(θ | D), in nats.
        most_probable: Index of the most probable hypothesis; the first if tied.
        highest_probability: Its probability.
        values: E[v | D].
        draws: Indices of independent draws.
    """

    log_evidence: Float[Array, "run"]
    entropy: Float[Array, "run"]
    most_probable: Int[Array, "run"]
    highest_probability: Float[Array, "run"]
    values: Float[Array, "run value"]
    draws: Int[Array, "run draw"]


def empty_sums(shape: tuple[int, ...], values: int, draws: int) -> Running:
    """Sums before the first hypothesis.

    Args:
        shape: Shape of the runs.
        values: Number of quantities to average.
        draws: Number of draws for each run.
    """
    zero = jnp.zeros(shape)
    return Running(
        jnp.full(shape, -jnp.inf),
        zero,
        zero,
        jnp.zeros((*shape, values)),
        jnp.zeros(shape, np.int32),
        jnp.zeros((*shape, draws), np.int32),
    )


def add_hypotheses(
    running: Running,
    joint: Float[Array, "run hypothesis"],
    index: Int[Array, "hypothesis"],
    values: Float[Array, "hypothesis value"],
    uniform: Float[Array, "run draw"],
) -> Running:
    """Add some hypotheses to the sums.

    Args:
        running: Sums so far.
        joint: l_k of each run; −inf for padding.
        index: Indices of the hypotheses.
        values: v_k.
        uniform: A new number in [0, 1) for each draw.
    """
    best = jnp.max(joint, axis=1)
    highest = jnp.maximum(running.highest, best)
    centre = jnp.where(jnp.isfinite(highest), highest, 0.0)
    weight = jnp.exp(joint - centre[:, None])
    log_weight = jnp.where(weight > 0, joint - centre[:, None], 0.0)
    here = jnp.sum(weight, axis=1)
    before = jnp.exp(running.highest - centre)
    lower = jnp.where(before > 0, running.highest - centre, 0.0)
    total = running.total * before + here
    return Running(
        highest,
        total,
        before * (running.log_total + lower * running.total) + jnp.sum(weight * log_weight, axis=1),
        running.values * before[:, None] + weight @ values,
        jnp.where(best > running.highest, index[jnp.argmax(joint, axis=1)], running.most_probable),
        _redrawn(running.draws, weight, index, uniform * (total / jnp.where(here > 0, here, 1.0))[:, None], here > 0),
    )


def _redrawn(
    draws: Int[Array, "run draw"],
    weight: Float[Array, "run hypothesis"],
    index: Int[Array, "hypothesis"],
    position: Float[Array, "run draw"],
    any_here: Array,
) -> Int[Array, "run draw"]:
    """Replace draws whose position, in units of this chunk's weight, is below 1."""
    if not draws.shape[1]:
        return draws
    cumulative = cumulative_probs(weight)
    target = position * cumulative[:, -1:]
    which = jnp.sum(cumulative[:, None, :] <= target[:, :, None], axis=2)
    replaced = any_here[:, None] & (position < 1) & (which < index.shape[0])
    return jnp.where(replaced, index[jnp.minimum(which, index.shape[0] - 1)], draws)


def moments(running: Running) -> Moments:
    """Compute the moments from the sums."""
    total = jnp.where(running.total > 0, running.total, 1.0)
    log_total = jnp.log(total)
    return Moments(
        running.highest + log_total,
        log_total - running.log_total / total,
        running.most_probable,
        1 / total,
        running.values / total[:, None],
        running.draws,
    )
