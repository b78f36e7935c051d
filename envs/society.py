"""Societies of users with different norms, which are not labelled.

In every round each user proposes to one other user and responds to another, so all users are seen equally often in both
roles. Unlike the members of `envs.population`, users are the same in all interactions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Key

from envs.policy import Policy
from envs.seeds import keys_of_runs
from envs.soft_policy import inverse_cdf


class Meetings(NamedTuple):
    """Choices of every user of every society, with one row for each user; roles alternate.

    Attributes:
        stake: Units divided.
        offer: Offer (action; see `envs.ultimatum`), the user's own or the one made to her.
        accepted: Whether it was accepted, by the other user or by herself.
        proposed: Whether the user proposed; then the offer is her choice, and otherwise the answer is.
        known: Whether her choice is known; in a simulation it always is.
    """

    stake: Int[np.ndarray, "society user game"]
    offer: Int[np.ndarray, "society user game"]
    accepted: Bool[np.ndarray, "society user game"]
    proposed: Bool[np.ndarray, "society user game"]
    known: Bool[np.ndarray, "society user game"]


def meet(
    key: Key[Array, ""],
    norms: Sequence[Policy],
    holds: Int[np.ndarray, "society user"],
    stakes: Int[np.ndarray, "society round"],
) -> Meetings:
    """Simulate meetings of the users of each society.

    In every round users are in a circle in a new random order, and each proposes to the next.

    Args:
        key: Root of the societies' keys.
        norms: Policies of the norms.
        holds: Index of each user's norm.
        stakes: Stake of each round.

    Raises:
        ValueError: If there are fewer than two users.

    Example:
        >>> from envs.policy import Norm
        >>> norms = [Policy.of(Norm("selfish")), Policy.of(Norm("altruistic"))]
        >>> seen = meet(jax.random.key(0), norms, np.array([[0, 0, 1]]), np.array([[100]]))
        >>> (seen.offer[0, :, 0] > 50).tolist(), seen.proposed[0].tolist()
        ([False, False, True], [[True, False], [True, False], [True, False]])
    """
    shape = (len(holds), stakes.shape[1], holds.shape[1])
    before, uniform = proposers(key, *shape), _uniform(key, *shape)
    distinct, at = np.unique(stakes, return_inverse=True)
    offer_log_prob, accept = _tables(norms, distinct)
    row = np.broadcast_to(at.reshape(stakes.shape)[..., None], shape)
    norm_of_user = np.broadcast_to(holds[:, None], shape)
    offer = np.asarray(inverse_cdf(uniform[:, 1], offer_log_prob[norm_of_user, row]))
    received = np.take_along_axis(offer, before, axis=-1)
    accepts = np.asarray(uniform[:, 2]) < accept[norm_of_user, row, received]
    return meetings(stakes, before, offer, accepts, np.ones(shape, bool), np.ones(shape, bool))


def proposers(key: Key[Array, ""], societies: int, rounds: int, users: int) -> Int[np.ndarray, "society round user"]:
    """Index of the user who proposes to each user in each round.

    Raises:
        ValueError: If there are fewer than two users.
    """
    if users < 2:
        raise ValueError(f"holds: {users} users cannot meet; give at least 2")
    circle = np.argsort(np.asarray(_uniform(key, societies, rounds, users)[:, 0]), axis=-1)
    before = np.empty(circle.shape, np.int64)
    np.put_along_axis(before, circle, np.roll(circle, 1, axis=-1), axis=-1)
    return before


def meetings(
    stakes: Int[np.ndarray, "society round"],
    before: Int[np.ndarray, "society round user"],
    offer: Int[np.ndarray, "society round user"],
    accepts: Bool[np.ndarray, "society round user"],
    offer_known: Bool[np.ndarray, "society round user"],
    answer_known: Bool[np.ndarray, "society round user"],
) -> Meetings:
    """Arrange offers and answers in a row for each user.

    Args:
        stakes: Stake of each round.
        before: Index of the user who proposes to each user.
        offer: Offer of each user.
        accepts: Whether she accepts the offer to her.
        offer_known: Whether her offer is known.
        answer_known: Whether her answer is known.
    """
    received = np.take_along_axis(offer, before, axis=-1)
    answered = np.zeros(offer.shape, bool)
    np.put_along_axis(answered, before, accepts, axis=-1)
    stake = np.broadcast_to(stakes[..., None], offer.shape)
    return Meetings(
        _by_user(stake, stake),
        _by_user(offer, received),
        _by_user(answered, accepts),
        _by_user(np.ones(offer.shape, bool), np.zeros(offer.shape, bool)),
        _by_user(offer_known, answer_known),
    )


def _uniform(key: Key[Array, ""], societies: int, rounds: int, users: int) -> Float[Array, "society 3 round user"]:
    """Uniform numbers for the circle, the offers and the answers, by the society's number."""
    keys = keys_of_runs(key, jnp.arange(societies))
    return jax.vmap(lambda own: jax.random.uniform(own, (3, rounds, users)))(keys)


def _tables(
    norms: Sequence[Policy], stakes: Int[np.ndarray, "stake"]
) -> tuple[Float[Array, "norm stake offer"], Float[np.ndarray, "norm stake offer"]]:
    """Log-probabilities of offers and probabilities of acceptance under each norm."""
    tables = [norm.table(jnp.asarray(stakes)) for norm in norms]
    return jnp.stack([table.offer for table in tables]), np.exp(np.stack([table.accept for table in tables]))


def _by_user(proposed: np.ndarray, received: np.ndarray) -> np.ndarray:
    """Interleave choices as proposer and as responder, (society, round, user), in one row for each user."""
    both = np.stack([proposed, received], axis=-1)
    return np.moveaxis(both, 2, 1).reshape(both.shape[0], both.shape[2], -1)
