"""A society of users who meet each other: users hold different norms, and the norms are not labelled.

In every round each user proposes to one other user and responds to another, so that everybody is seen as often as
everybody else in both roles. Unlike the members of `envs.population`, users are the same from game to game.
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
    """The choices of every user of every society, one row each; games as proposer and as responder alternate.

    Attributes:
        stake: Units divided.
        offer: Offer (action; see `envs.ultimatum`), the user's own or the one made to her.
        accepted: Whether it was accepted, by the other or by her.
        proposed: Whether the user proposed, so that the offer is hers; otherwise the answer is.
        known: Whether it is known what she did; in a simulation it always is.
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
    """Let the users of each society meet.

    In a round users stand in a circle, in an order drawn anew, and each proposes to the next.

    Args:
        key: Root of the societies' keys.
        norms: Policies that are held.
        holds: Which of them each user holds.
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
    """Compute who proposes to each user in each round.

    Raises:
        ValueError: If there are fewer than two users.
    """
    if users < 2:
        raise ValueError(f"holds: {users} users cannot meet anyone; give 2 at least")
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
    """Arrange offers and answers in one row for each user.

    Args:
        stakes: Stake of each round.
        before: Who proposes to each user.
        offer: What each user offers.
        accepts: Whether she accepts what she is offered.
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
    """Numbers that decide on the circle, on offers and on answers, by the society's number."""
    keys = keys_of_runs(key, jnp.arange(societies))
    return jax.vmap(lambda own: jax.random.uniform(own, (3, rounds, users)))(keys)


def _tables(
    norms: Sequence[Policy], stakes: Int[np.ndarray, "stake"]
) -> tuple[Float[Array, "norm stake offer"], Float[np.ndarray, "norm stake offer"]]:
    """Log-probabilities of offers and chances of acceptance under each norm."""
    tables = [norm.table(jnp.asarray(stakes)) for norm in norms]
    return jnp.stack([table.offer for table in tables]), np.exp(np.stack([table.accept for table in tables]))


def _by_user(proposed: np.ndarray, received: np.ndarray) -> np.ndarray:
    """Interleave choices as proposer and as responder, (society, round, user), in one row for each user."""
    both = np.stack([proposed, received], axis=-1)
    return np.moveaxis(both, 2, 1).reshape(both.shape[0], both.shape[2], -1)
