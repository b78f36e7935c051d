r"""Many ultimatum games at once, with users who draw from π_θ: the fast way to play where no one learns in between.

Offers are drawn by the alias method (Walker 1977; Vose 1991): the offers' probabilities are cut and stacked into 128
slots of equal weight, each holding at most two offers, so that one random number, one look-up and one comparison give
an offer from any distribution. Of 32 random bits, seven choose the slot and 25 decide between its two offers, so a
probability is exact to 2⁻³², finer than a float in single precision near 1; an offer of probability 0 is never drawn.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Key, UInt32

from envs.devices import in_shares
from envs.soft_policy import PolicyTable
from envs.ultimatum import NUM_OFFERS, offered_share

_SLOT_BITS = 7
_SLOTS = 1 << _SLOT_BITS  # the power of two above the number of offers
_OFFER_BITS = 7  # an offer is below 128
_KEEP_BITS = 32 - _SLOT_BITS
_ANSWER_BITS = 31  # one bit is left over, so that probability 1 has a whole number too


class SamplingTables(NamedTuple):
    """Policies ready to be drawn from; a row is a policy at a stake.

    Attributes:
        slots: For each slot, in 25 bits how much of it is the slot's own offer, then in 7 bits the other offer.
        accept: P(accept | offer) in units of 2⁻³¹.
    """

    slots: UInt32[Array, "row slot"]
    accept: UInt32[Array, "row offer"]


class VectorPlays(NamedTuple):
    """Interactions of a batch of environments.

    Attributes:
        offer: Offers.
        accepted: Whether they were accepted.
        payoff: Share of the stake paid to proposer and responder.
    """

    offer: Int[Array, "play environment"]
    accepted: Bool[Array, "play environment"]
    payoff: Float[Array, "play environment player"]


def sampling_tables(policies: PolicyTable) -> SamplingTables:
    """Prepare policies for drawing, on the host; once for any number of plays.

    Args:
        policies: Log-probabilities, (…, offer); the axes before the last become rows, the last of them fastest.

    Example:
        >>> from envs.policy import Norm, Policy
        >>> sampling_tables(Policy.of(Norm("fair")).table(jnp.asarray([10, 20]))).slots.shape
        (2, 128)
    """
    probabilities = np.exp(np.asarray(policies.offer, np.float64)).reshape(-1, NUM_OFFERS)
    accept = np.exp(np.asarray(policies.accept, np.float64)).reshape(-1, NUM_OFFERS)
    keep, other = _alias(probabilities / probabilities.sum(axis=1, keepdims=True))
    keep_bits = np.minimum(np.rint(keep * (1 << _KEEP_BITS)), (1 << _KEEP_BITS) - 1).astype(np.uint32)
    accepted = np.rint(np.clip(accept, 0, 1) * (1 << _ANSWER_BITS)).astype(np.uint32)
    return SamplingTables(jnp.asarray(keep_bits << _OFFER_BITS | other.astype(np.uint32)), jnp.asarray(accepted))


def _alias(
    probabilities: Float[np.ndarray, "row offer"],
) -> tuple[Float[np.ndarray, "row slot"], Int[np.ndarray, "row slot"]]:
    """Stack probabilities into slots: slot i keeps a part of itself for offer i and gives the rest to another offer.

    The emptiest slot is filled up from the fullest, and is then done; this is repeated until one slot is left. The
    work goes on for all rows at once.
    """
    rows = np.arange(len(probabilities))
    level = np.zeros((len(rows), _SLOTS))
    level[:, :NUM_OFFERS] = probabilities * _SLOTS
    keep, other = np.ones_like(level), np.tile(np.arange(_SLOTS), (len(rows), 1))
    done = np.zeros(level.shape, bool)
    for _ in range(_SLOTS - 1):
        emptiest = np.where(done, np.inf, level).argmin(axis=1)
        fullest = np.where(done, -np.inf, level).argmax(axis=1)
        keep[rows, emptiest] = np.clip(level[rows, emptiest], 0, 1)
        other[rows, emptiest] = fullest
        level[rows, fullest] -= 1 - keep[rows, emptiest]
        done[rows, emptiest] = True
    return keep, other


@functools.partial(jax.jit, static_argnames="plays")
def rollout(
    key: Key[Array, ""],
    tables: SamplingTables,
    proposer: Int[Array, "environment"],
    responder: Int[Array, "environment"],
    stake: Int[Array, "environment"],
    plays: int,
) -> VectorPlays:
    """Play a batch of ultimatum games again and again, each from the start when the last is over; spread over devices.

    A play is two transitions of `envs.ultimatum.UltimatumGame`: an offer, then an answer that pays.

    Args:
        key: Source of all draws.
        tables: Policies (see `sampling_tables`).
        proposer: Row of each environment's proposing user, whose stake must be the environment's.
        responder: Row of its responding user.
        stake: Units to divide in each environment.
        plays: Plays of each environment.

    Example:
        >>> from envs.policy import Norm, Policy
        >>> tables = sampling_tables(Policy.of(Norm("fair")).table(jnp.asarray([10, 20])))
        >>> row, stake = jnp.asarray([0, 1]), jnp.asarray([10, 20])
        >>> rollout(jax.random.key(0), tables, row, row, stake, plays=3).offer.tolist()
        [[5, 10], [5, 10], [5, 10]]
    """

    def share(own: tuple[UInt32[Array, "environment play 2"], Array, Array, Array]) -> VectorPlays:
        bits, proposer, responder, stake = own

        def play(_: None, bits: UInt32[Array, "2 environment"]) -> tuple[None, VectorPlays]:
            offer = draw_offer(bits[0], tables, proposer)
            accepted = draw_answer(bits[1], tables, responder, offer)
            share = offered_share(offer, stake)
            payoff = jnp.where(accepted, jnp.stack([1 - share, share]), 0.0)
            return None, VectorPlays(offer, accepted, payoff.T)

        return _turned(jax.lax.scan(play, None, jnp.moveaxis(bits, 0, 2))[1])

    # Drawn for all environments at once, so that nothing depends on how they are shared out.
    bits = jax.random.bits(key, (plays, 2, *stake.shape), np.uint32)
    return _turned(in_shares(share, (jnp.moveaxis(bits, 2, 0), proposer, responder, stake)))


def _turned(plays: VectorPlays) -> VectorPlays:
    """Exchange the axes of plays and environments."""
    return VectorPlays(*(jnp.swapaxes(leaf, 0, 1) for leaf in plays))


def draw_offer(bits: UInt32[Array, "*n"], tables: SamplingTables, row: Int[Array, "*n"]) -> Int[Array, "*n"]:
    """Turn 32 random bits into an offer of a row's policy."""
    slot = bits >> _KEEP_BITS
    entry = tables.slots.at[row, slot].get(mode="promise_in_bounds")
    is_own = bits & ((1 << _KEEP_BITS) - 1) < entry >> _OFFER_BITS
    return jnp.where(is_own, slot, entry & ((1 << _OFFER_BITS) - 1)).astype(jnp.int32)


def draw_answer(
    bits: UInt32[Array, "*n"], tables: SamplingTables, row: Int[Array, "*n"], offer: Int[Array, "*n"]
) -> Bool[Array, "*n"]:
    """Turn 32 random bits into whether a row's policy accepts an offer."""
    return bits >> (32 - _ANSWER_BITS) < tables.accept.at[row, offer].get(mode="promise_in_bounds")
