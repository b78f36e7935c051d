r"""Log-probabilities of the offers and answers that were seen, under many hypotheses at once.

The equations are those of `envs.soft_policy`, and a test checks that both agree. Here they are arranged for speed:

* Utilities depend only on the offered share x, so equal shares are computed once: 5 of 10 is 50 of 100.
  The score s(x) = λ P(accept | x) U(1 − x, x) is needed for every share that some stake allows, the normaliser
  log Σ_x exp s(x) for every stake, and probabilities only for the offers and answers that were seen.
* Hypotheses are the last axis of all arrays, so each exponential is a vector operation over them.
* An answer costs one exponential e^−|z|, z = λ U(x, 1 − x): without the lapse the more probable answer has
  probability 1 / (1 + e^−|z|), the other e^−|z| / (1 + e^−|z|).
* Hypotheses are processed in chunks whose tables fit into a core's cache (`in_chunks`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from envs.ultimatum import NUM_OFFERS, offered_share
from envs.utilities import Utility, UtilityFunction

_OFFERS_AT_ONCE = 10  # offers added in one pass over the running totals; more are no faster
CHUNK = 128  # hypotheses in a chunk; the scores of 3,045 shares then take 3 MB


class ShareCells(NamedTuple):
    """Offered shares, each given by one pair (stake, offer).

    The integers have 64 bits, so their division is in double precision if JAX computes in double precision.

    Attributes:
        stake: Units divided.
        offer: Offer.
    """

    stake: Int[np.ndarray, "share"]
    offer: Int[np.ndarray, "share"]

    def values(self) -> Float[Array, "share 1"]:
        """The shares as a column, for broadcasting over hypotheses."""
        return offered_share(jnp.asarray(self.offer), jnp.asarray(self.stake))[:, None]


class Cells(NamedTuple):
    """The offers and answers that were seen.

    Attributes:
        stake: Distinct stakes at which an offer was seen.
        legal: Distinct shares of the legal offers at these stakes.
        legal_index: Share of each stake and offer, as an index into `legal`; arbitrary if the offer is illegal.
        seen_stake: Stake of each distinct offer that was seen, as an index into `stake`.
        seen_offer: The offer itself.
        answered: Share of each distinct answer that was seen.
        accepted: The answer itself.
    """

    stake: Int[np.ndarray, "stake"]
    legal: ShareCells
    legal_index: Int[np.ndarray, "stake offer"]
    seen_stake: Int[np.ndarray, "seen"]
    seen_offer: Int[np.ndarray, "seen"]
    answered: ShareCells
    accepted: Bool[np.ndarray, "answered"]


class CellLogProbs(NamedTuple):
    """Log-probabilities at given cells, with hypotheses as the last axis.

    Attributes:
        offer: log π(offer | stake) of each offer that was seen.
        answer: log P(answer | share) of each answer that was seen.
    """

    offer: Float[Array, "seen hypothesis"]
    answer: Float[Array, "answered hypothesis"]


Use = Callable[[CellLogProbs], Float[Array, "*n hypothesis"]]
"""Function of a table of cells that keeps hypotheses as the last axis."""


def cell_log_probs(
    utility: Utility,
    theta: Float[Array, "hypothesis parameter"],
    rationality: Float[Array, "hypothesis"],
    lapse: Float[Array, "hypothesis"],
    cells: Cells,
) -> CellLogProbs:
    """Compute log-probabilities at cells, for all hypotheses about one utility's parameters.

    Args:
        utility: U of proposer and responder.
        theta: The utility's parameters θ.
        rationality: λ, per share of the stake.
        lapse: ε in [0, 1].
        cells: The cells.
    """

    def gain(utility: UtilityFunction, own: Float[Array, "share 1"]) -> Float[Array, "share hypothesis"]:
        over_hypotheses = jax.vmap(utility, (0, None, None))
        over_shares = jax.vmap(over_hypotheses, (None, 0, 0))
        return rationality * over_shares(theta, own[:, 0], 1 - own[:, 0])

    share = cells.legal.values()
    score = _answer(gain(utility.of_responder, share), lapse) * gain(utility.function, 1 - share)
    highest = jnp.minimum(cells.stake, NUM_OFFERS - 1)
    stake = jnp.asarray(cells.seen_stake)
    seen = jnp.asarray(cells.legal_index)[stake, cells.seen_offer]
    log_softmax = rows_at(score, seen) - rows_at(_log_normaliser(score, highest, cells.legal_index), stake)
    uniform = 1 / (1 + highest[stake][:, None])
    offer = _with_lapse(log_softmax, uniform, lapse)

    share = cells.answered.values()
    logit = gain(utility.of_responder, share) * jnp.where(cells.accepted, 1, -1)[:, None]
    return CellLogProbs(offer, _log(_answer(logit, lapse), logit))


def _with_lapse(
    log_softmax: Float[Array, "seen hypothesis"], uniform: Float[Array, "seen 1"], lapse: Float[Array, "hypothesis"]
) -> Float[Array, "seen hypothesis"]:
    """log((1 − ε) softmax + ε uniform); if no one slips, this is the log-softmax without extra cost."""

    def mixed() -> Float[Array, "seen hypothesis"]:
        return _log((1 - lapse) * jnp.exp(log_softmax) + lapse * uniform, log_softmax)

    offer: Array = jax.lax.cond(jnp.any(lapse > 0), mixed, lambda: log_softmax)
    return offer


def _answer(
    logit: Float[Array, "answer hypothesis"], lapse: Float[Array, "hypothesis"]
) -> Float[Array, "answer hypothesis"]:
    """Probability (1 − ε) σ(z) + ε/2 of an answer with advantage z over the other answer."""
    odds = jnp.exp(-jnp.abs(logit))  # at most 1, to avoid overflow
    likelier = (1 - lapse) / (1 + odds)
    return jnp.where(logit > 0, likelier, likelier * odds) + lapse / 2


def _log_normaliser(
    score: Float[Array, "share hypothesis"],
    highest: Int[Array, "stake"],
    legal_index: Int[Array | np.ndarray, "stake offer"],
) -> Float[Array, "stake hypothesis"]:
    """Logarithm of Σ_x exp s(x) over the offers x of each stake, in two passes: for the highest s and for the sum."""
    every, index = jnp.arange(NUM_OFFERS), jnp.asarray(legal_index).T
    of_nothing = rows_at(score, index[0])  # every stake allows an offer of 0, so both passes start from it
    others = (every[1:], index[1:])

    def higher(best: Array, offer: tuple[Array, Array]) -> tuple[Array, None]:
        number, row = offer
        legal = (number <= highest)[:, None]
        return jnp.where(legal, jnp.maximum(best, rows_at(score, row)), best), None

    best, _ = jax.lax.scan(higher, of_nothing, others, unroll=_OFFERS_AT_ONCE)

    def add(total: Array, offer: tuple[Array, Array]) -> tuple[Array, None]:
        number, row = offer
        legal = (number <= highest)[:, None]
        return total + jnp.where(legal, jnp.exp(rows_at(score, row) - best), 0), None

    total, _ = jax.lax.scan(add, jnp.exp(of_nothing - best), others, unroll=_OFFERS_AT_ONCE)
    return best + jnp.log(total)


def _log(probability: Float[Array, "*n"], without_lapse: Float[Array, "*n"]) -> Float[Array, "*n"]:
    """Logarithm of a probability; if the probability underflows, there is no lapse and its logarithm is known."""
    return jnp.where(probability >= np.finfo(probability.dtype).tiny, jnp.log(probability), without_lapse)


def rows_at(table: Float[Array, "row hypothesis"], index: Int[Array, "*n"]) -> Float[Array, "*n hypothesis"]:
    """Rows of a table at valid indices, without a check of each index."""
    return table.at[index].get(mode="promise_in_bounds")


def in_chunks(
    function: Callable[..., Float[Array, "*n hypothesis"]], *columns: Float[Array, "hypothesis ..."], chunk: int = CHUNK
) -> Float[Array, "*n all"]:
    """Apply a function to chunks of hypotheses and concatenate the results.

    Args:
        function: Function from some rows of the columns to an array with hypotheses as its last axis.
        columns: Arrays whose first axis is hypotheses.
        chunk: Hypotheses in a chunk; the last chunk is padded by repeating a hypothesis.

    Example:
        >>> in_chunks(lambda x: 2 * x, jnp.arange(5.0), chunk=2).tolist()
        [0.0, 2.0, 4.0, 6.0, 8.0]
    """
    size = columns[0].shape[0]
    if size <= chunk:
        return function(*columns)
    count = -(-size // chunk)

    def cut(column: Array) -> Array:
        filled = jnp.pad(column, [(0, count * chunk - size)] + [(0, 0)] * (column.ndim - 1), mode="edge")
        return filled.reshape(count, chunk, *column.shape[1:])

    def step(current: tuple[Array, ...], following: tuple[Array, ...]) -> tuple[tuple[Array, ...], Array]:
        return following, function(*current)

    # The current chunk is carried along and not sliced where it is used. Otherwise XLA would slice again for every
    # number, in loops that it cannot vectorise, at three times the cost.
    chunks = tuple(cut(column) for column in columns)
    first = tuple(some[0] for some in chunks)
    _, parts = jax.lax.scan(step, first, tuple(jnp.roll(some, -1, axis=0) for some in chunks))
    whole = jnp.moveaxis(parts, 0, -2)
    return whole.reshape(*whole.shape[:-2], count * chunk)[..., :size]
