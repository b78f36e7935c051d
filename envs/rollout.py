"""Simulate users: batches of offers and answers drawn from π_θ.

A rollout is a pure function of tables and uniform numbers. Cumulative tables are computed once per stake and norm, so a
draw costs a search in one row instead of a softmax over all offers.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Key

from envs.population import draw_norms
from envs.soft_policy import PolicyTable, inverse_cdf


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
