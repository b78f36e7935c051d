"""Simulate users: offers and answers drawn from π_θ.

`simulate` plays a group among itself, the shortest way to data. `draw_user_offers` and `user_answers` take two steps,
for an epoch in which others act between an offer and its answer.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Key
from numpy.typing import ArrayLike

from envs.policy import Policy
from envs.population import draw_norms
from envs.soft_policy import PolicyTable, inverse_cdf


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


class UserOffers(NamedTuple):
    """Offers of users as proposers, and the random numbers behind their answers.

    Attributes:
        norm: Norm of each slot's user, (…, 2) for proposer and responder.
        offer: Offer of the proposing user.
        answer_draw: Uniform number that determines the responding user's answer to the offer.
    """

    norm: Int[Array, "*n 2"]
    offer: Int[Array, "*n"]
    answer_draw: Float[Array, "*n"]


def draw_user_offers(
    key: Key[Array, ""],
    table: PolicyTable,
    weights: Float[Array, "norm"],
    plays: int,
) -> UserOffers:
    """Draw the users of one epoch of one run, and their offers.

    Args:
        key: Key of the run and epoch.
        table: Policies of all norms at the epoch's stake, (norm, offer).
        weights: Weight of each norm in the population.
        plays: Number of interactions in the epoch.
    """
    key_norm, key_offer, key_answer = jax.random.split(key, 3)
    norm = draw_norms(key_norm, weights, (plays, 2))
    offer = inverse_cdf(jax.random.uniform(key_offer, (plays,)), table.offer[norm[:, 0]])
    return UserOffers(norm, offer, jax.random.uniform(key_answer, (plays,)))


def user_answers(users: UserOffers, table: PolicyTable, offer: Int[Array, "play"]) -> Bool[Array, "play"]:
    """Answer offers: accept if the slot's uniform number is below P(accept)."""
    log_accept = table.accept[users.norm[:, 1], offer]
    return users.answer_draw < jnp.exp(log_accept)
