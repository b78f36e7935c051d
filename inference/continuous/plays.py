"""Interactions in the format of continuous families: counts of offers and answers at each stake."""

from __future__ import annotations

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Key

from envs.soft_policy import PolicyTable, inverse_cdf
from envs.ultimatum import NUM_OFFERS, offered_share
from inference.discrete.evidence import Evidence


@functools.partial(
    jax.tree_util.register_dataclass,
    data_fields=["stake", "offers", "row", "column", "accepted", "offer_seen", "answer_seen"],
    meta_fields=["proposals"],
)
@dataclasses.dataclass(frozen=True)
class PlayCounts:
    """One run's interactions, as indices into a table of offers by stake; over runs, arrays have a leading run axis.

    Attributes:
        stake: Distinct stakes, padded with the last one.
        offers: Offers in the columns of the table at each stake: all legal offers if offers are evidence, otherwise
            only those that were answered.
        row: Stake of each interaction, as an index into `stake`.
        column: Offer of each interaction, as an index into its row of `offers`.
        accepted: Whether the responder accepted.
        offer_seen: Whether the offer is evidence.
        answer_seen: Whether the answer is evidence.
        proposals: Whether any offer of any run is evidence.
    """

    stake: Int[Array | np.ndarray, "*run stake"]
    offers: Int[Array | np.ndarray, "*run stake column"]
    row: Int[Array | np.ndarray, "*run play"]
    column: Int[Array | np.ndarray, "*run play"]
    accepted: Bool[Array | np.ndarray, "*run play"]
    offer_seen: Bool[Array | np.ndarray, "*run play"]
    answer_seen: Bool[Array | np.ndarray, "*run play"]
    proposals: bool

    def share(self) -> Float[Array, "stake column"]:
        """Offered share of each entry of the table; 0 where the stake does not allow the offer."""
        stake, offers = jnp.asarray(self.stake)[:, None], jnp.asarray(self.offers)
        legal = offers <= jnp.minimum(stake, NUM_OFFERS - 1)
        shares = offered_share(offers, jnp.broadcast_to(stake, offers.shape))
        return jnp.where(legal, shares, 0.0)

    def offered(self) -> Float[Array, "play"]:
        """Offered share of each interaction."""
        return self.share()[self.row, self.column]


@functools.partial(
    jax.tree_util.register_dataclass,
    data_fields=["stake", "share", "legal", "offered", "accepted", "rejected"],
    meta_fields=["proposals"],
)
@dataclasses.dataclass(frozen=True)
class Counts:
    """Counts of offers and answers, which suffice for the likelihood of independent interactions.

    Attributes:
        stake: Distinct stakes.
        share: Offered share of each entry.
        legal: Whether the stake allows the offer.
        offered: Number of times that the offer was made.
        accepted: Number of times that it was accepted.
        rejected: Number of times that it was rejected.
        proposals: Whether offers are evidence.
    """

    stake: Int[Array, "*run stake"]
    share: Float[Array, "*run stake column"]
    legal: Bool[Array, "*run stake column"]
    offered: Float[Array, "*run stake column"]
    accepted: Float[Array, "*run stake column"]
    rejected: Float[Array, "*run stake column"]
    proposals: bool


def arrange_plays(data: Evidence) -> PlayCounts:
    """Shape evidence as `PlayCounts`, with a leading run axis.

    Example:
        >>> from inference.discrete.evidence import evidence
        >>> plays = arrange_plays(evidence([10, 10], [5, 4], True, offer_seen=False))
        >>> plays.offers.tolist(), plays.column.tolist()
        ([[[4, 5]]], [[1, 0]])
    """
    used = data.offer_seen | data.answer_seen
    proposals = bool(data.offer_seen.any())
    stake = np.where(used, data.stake, 0)
    stakes = [np.unique(row[seen]) for row, seen in zip(stake, used, strict=True)]
    stakes = [distinct if len(distinct) else np.ones(1, np.int64) for distinct in stakes]
    most = max(len(distinct) for distinct in stakes)
    stake_table = np.stack([np.pad(distinct, (0, most - len(distinct)), mode="edge") for distinct in stakes]).astype(
        np.int32
    )
    row = np.stack([np.searchsorted(f, np.clip(s, f[0], f[-1])) for f, s in zip(stakes, stake, strict=True)])
    row = row.astype(np.int32)
    if proposals:
        widest = int(min(stake_table.max(), NUM_OFFERS - 1)) + 1
        offers = np.broadcast_to(np.arange(widest, dtype=np.int32), (*stake_table.shape, widest)).copy()
        column = np.where(used, data.offer, 0).astype(np.int32)
    else:
        offers, column = _distinct_offers(data, used, row, most)
    unused = np.where(used, row, 0), np.where(used, column, 0)
    seen = (data.accepted & used, data.offer_seen, data.answer_seen)
    return PlayCounts(stake_table, offers, *unused, *seen, proposals)


def _distinct_offers(data: Evidence, used: np.ndarray, row: np.ndarray, stakes: int) -> tuple[np.ndarray, np.ndarray]:
    """Offers that occur at each stake, and the index of each interaction's offer among them."""
    lists = [
        [np.unique(offer[seen & (at == number)]) for number in range(stakes)]
        for offer, seen, at in zip(data.offer, used, row, strict=True)
    ]
    widest = max(1, *(len(offers_at_stake) for by_stake in lists for offers_at_stake in by_stake))
    offers = np.zeros((data.runs, stakes, widest), np.int32)
    for run, by_stake in enumerate(lists):
        for number, offers_at_stake in enumerate(by_stake):
            filled = offers_at_stake if len(offers_at_stake) else np.zeros(1, np.int64)
            offers[run, number] = np.pad(filled, (0, widest - len(filled)), mode="edge")
    own = offers[np.arange(data.runs)[:, None], row]
    column = np.argmax(own == data.offer[..., None], axis=-1).astype(np.int32)
    return offers, column


def count_plays(plays: PlayCounts) -> Counts:
    """Count one run's offers and answers."""
    stake, offers = jnp.asarray(plays.stake), jnp.asarray(plays.offers)
    index = (plays.row, plays.column)
    nothing = jnp.zeros(offers.shape)
    offered = nothing.at[index].add(plays.offer_seen)
    accepted = nothing.at[index].add(plays.answer_seen & plays.accepted)
    rejected = nothing.at[index].add(plays.answer_seen & ~plays.accepted)
    legal = offers <= jnp.minimum(stake, NUM_OFFERS - 1)[:, None]
    return Counts(stake, plays.share(), legal, offered, accepted, rejected, plays.proposals)


def log_prob_of_counts(table: PolicyTable, counts: Counts) -> Float[Array, ""]:
    """Σ n log π over offers and answers; the table is (stake, column)."""
    answers = counts.accepted * table.accept + counts.rejected * table.reject
    if not counts.proposals:
        return jnp.sum(answers)
    legal = jnp.where(counts.legal, table.offer, 0.0)
    return jnp.sum(counts.offered * legal + answers)


def log_prob_of_plays(table: PolicyTable, plays: PlayCounts) -> Float[Array, "observation"]:
    """Log-probability of each offer, then of each answer; 0 where not seen."""
    index = (plays.row, plays.column)
    answer = jnp.where(plays.accepted, table.accept[index], table.reject[index])
    answer = jnp.where(plays.answer_seen, answer, 0.0)
    if not plays.proposals:
        return answer
    return jnp.concatenate([jnp.where(plays.offer_seen, table.offer[index], 0.0), answer])


def predicted(table: PolicyTable, plays: PlayCounts) -> Float[Array, "observation"]:
    """Expected share of each offer, then the probability that each offer is accepted."""
    accept = jnp.exp(table.accept)[plays.row, plays.column]
    if not plays.proposals:
        return accept
    mean = jnp.sum(jnp.exp(table.offer) * plays.share(), axis=-1)
    return jnp.concatenate([mean[plays.row], accept])


def observed(plays: PlayCounts) -> tuple[Float[Array, "observation"], Float[Array, "observation"]]:
    """Shares offered, then answers as 0 or 1; and whether each was seen."""
    answer, answer_seen = 1.0 * jnp.asarray(plays.accepted), 1.0 * jnp.asarray(plays.answer_seen)
    if not plays.proposals:
        return answer, answer_seen
    offer_seen = 1.0 * jnp.asarray(plays.offer_seen)
    return jnp.concatenate([plays.offered(), answer]), jnp.concatenate([offer_seen, answer_seen])


def replay(key: Key[Array, ""], table: PolicyTable, plays: PlayCounts) -> PlayCounts:
    """Draw the offers and answers that are evidence anew."""
    key_offer, key_answer = jax.random.split(key)
    column = plays.column
    if plays.proposals:
        uniform = jax.random.uniform(key_offer, plays.row.shape)
        simulated = inverse_cdf(uniform, table.offer[plays.row]).astype(jnp.int32)
        column = jnp.where(plays.offer_seen, simulated, column)
    chance = jnp.exp(table.accept)[plays.row, column]
    accepted = jax.random.uniform(key_answer, plays.row.shape) < chance
    return dataclasses.replace(plays, column=column, accepted=jnp.where(plays.answer_seen, accepted, plays.accepted))
