r"""Fast simulation of many ultimatum games with users who act by π_θ and do not learn.

Offers are drawn by the alias method (Walker 1977; Vose 1991). The offers' probabilities are divided among 128 slots of
equal weight, each with at most two offers. So one random number, one look-up and one comparison give an offer from any
distribution. Of 32 random bits, seven choose the slot and 25 choose between its two offers. Probabilities are exact to
2⁻³², finer than single precision near 1, and an offer of probability 0 is never drawn.
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
_SLOTS = 1 << _SLOT_BITS  # smallest power of two above the number of offers
_OFFER_BITS = 7  # an offer is below 128
_KEEP_BITS = 32 - _SLOT_BITS
_ANSWER_BITS = 31  # one bit is unused, so that probability 1 is an integer


class SamplingTables(NamedTuple):
    """Policies prepared for drawing; a row is a policy at a stake.

    Attributes:
        slots: For each slot, 25 bits for the probability of the slot's own offer, then 7 bits for the other offer.
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
    """Prepare policies for any number of draws, on the host.

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
    """Divide probabilities among slots: part of slot i is for offer i, and the rest is for another offer.

    The emptiest slot is filled from the fullest and is then complete. This is repeated until one slot is left, for all
    rows at once.
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
    """Simulate repeated interactions in a batch of environments, spread over devices.

    An interaction is two transitions of `envs.ultimatum.UltimatumGame`: an offer, then an answer that pays.

    Args:
        key: Source of all draws.
        tables: Policies (see `sampling_tables`).
        proposer: Row of each environment's proposing user, whose stake must be the environment's.
        responder: Row of each environment's responding user.
        stake: Units to divide in each environment.
        plays: Number of interactions of each environment.

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

    # Drawn for all environments at once, so draws do not depend on the number of devices.
    bits = jax.random.bits(key, (plays, 2, *stake.shape), np.uint32)
    return _turned(in_shares(share, (jnp.moveaxis(bits, 2, 0), proposer, responder, stake)))


def _turned(plays: VectorPlays) -> VectorPlays:
    """Exchange the axes of interactions and environments."""
    return VectorPlays(*(jnp.swapaxes(leaf, 0, 1) for leaf in plays))


def draw_offer(bits: UInt32[Array, "*n"], tables: SamplingTables, row: Int[Array, "*n"]) -> Int[Array, "*n"]:
    """Convert 32 random bits to an offer of a row's policy."""
    slot = bits >> _KEEP_BITS
    entry = tables.slots.at[row, slot].get(mode="promise_in_bounds")
    is_own = bits & ((1 << _KEEP_BITS) - 1) < entry >> _OFFER_BITS
    return jnp.where(is_own, slot, entry & ((1 << _OFFER_BITS) - 1)).astype(jnp.int32)


def draw_answer(
    bits: UInt32[Array, "*n"], tables: SamplingTables, row: Int[Array, "*n"], offer: Int[Array, "*n"]
) -> Bool[Array, "*n"]:
    """Convert 32 random bits to an answer of a row's policy: whether it accepts an offer."""
    return bits >> (32 - _ANSWER_BITS) < tables.accept.at[row, offer].get(mode="promise_in_bounds")
