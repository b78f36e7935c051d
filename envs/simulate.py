"""Simulate interactions among the users of a group."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int, Key
from numpy.typing import ArrayLike

from envs.policy import Policy
from envs.soft_policy import inverse_cdf


class Plays(NamedTuple):
    """Interactions of users with users.

    Attributes:
        stake: Units divided.
        offer: Offer (action; see `envs.ultimatum`).
        accepted: Whether the responder accepted.
    """

    stake: Int[Array, "run play"]
    offer: Int[Array, "run play"]
    accepted: Bool[Array, "run play"]


def simulate(key: Key[Array, ""], users: Policy, stakes: ArrayLike) -> Plays:
    """Simulate one interaction at every given stake, between two new members of a group.

    In a group with several norms, members are drawn anew for every slot. So proposer and responder are independent
    given the offer, and both act by the mixture's probabilities.

    Args:
        key: Randomness.
        users: Policy of the group (see `envs.population.Population.policy`).
        stakes: Stake of each interaction, (run, play), or (play,) for a single run.

    Example:
        >>> from envs import one_group
        >>> plays = simulate(jax.random.key(0), one_group("fair").policy(), [10, 20, 40])
        >>> plays.offer.tolist(), plays.accepted.tolist()
        ([[5, 10, 20]], [[True, True, True]])
    """
    stake = np.atleast_2d(np.asarray(stakes, np.int32))
    distinct, index = np.unique(stake, return_inverse=True)
    table = users.table(jnp.asarray(distinct))
    key_offer, key_answer = jax.random.split(key)
    row = jnp.asarray(index.reshape(stake.shape))
    offer = inverse_cdf(jax.random.uniform(key_offer, stake.shape), table.offer[row])
    accept = jnp.exp(table.accept[row, offer])
    accepted = jax.random.uniform(key_answer, stake.shape) < accept
    return Plays(jnp.asarray(stake), offer, accepted)
