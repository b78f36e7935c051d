"""A society of users who meet each other: some hold one norm, some another, and nobody says who.

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

from envs.norms import Policy
from envs.policies import inverse_cdf
from envs.seeds import keys_of_runs


class Meetings(NamedTuple):
    """What every user of every society did, a row each; games as proposer and as responder take turns.

    Attributes:
        stake: Units divided.
        offer: Offer (action; see `envs.ultimatum`), the user's own or the one made to her.
        accepted: Whether it was accepted, by the other or by her.
        proposed: Whether the user proposed, so that the offer is hers; otherwise the answer is.
    """

    stake: Int[np.ndarray, "society user game"]
    offer: Int[np.ndarray, "society user game"]
    accepted: Bool[np.ndarray, "society user game"]
    proposed: Bool[np.ndarray, "society user game"]


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
        >>> from envs.norms import Norm
        >>> norms = [Policy.of(Norm("selfish")), Policy.of(Norm("altruistic"))]
        >>> seen = meet(jax.random.key(0), norms, np.array([[0, 0, 1]]), np.array([[100]]))
        >>> (seen.offer[0, :, 0] > 50).tolist(), seen.proposed[0].tolist()
        ([False, False, True], [[True, False], [True, False], [True, False]])
    """
    societies, users = holds.shape
    if users < 2:
        raise ValueError(f"holds: {users} users have nobody to meet; give 2 at least")
    shape = (societies, stakes.shape[1], users)
    keys = keys_of_runs(key, jnp.arange(societies))
    uniform = jax.vmap(lambda own: jax.random.uniform(own, (3, *shape[1:])))(keys)
    circle = np.argsort(np.asarray(uniform[:, 0]), axis=-1)
    before = np.empty(shape, np.int64)  # who proposes to each user
    np.put_along_axis(before, circle, np.roll(circle, 1, axis=-1), axis=-1)
    distinct, at = np.unique(stakes, return_inverse=True)
    offer_log_prob, accept = _tables(norms, distinct)
    row = np.broadcast_to(at.reshape(stakes.shape)[..., None], shape)
    held = np.broadcast_to(holds[:, None], shape)
    offer = np.asarray(inverse_cdf(uniform[:, 1], offer_log_prob[held, row]))
    received = np.take_along_axis(offer, before, axis=-1)
    accepts = np.asarray(uniform[:, 2]) < accept[held, row, received]
    answered = np.zeros(shape, bool)
    np.put_along_axis(answered, before, accepts, axis=-1)
    stake = np.broadcast_to(stakes[..., None], shape)
    return Meetings(
        _by_user(stake, stake),
        _by_user(offer, received),
        _by_user(answered, accepts),
        _by_user(np.ones(shape, bool), np.zeros(shape, bool)),
    )


def _tables(
    norms: Sequence[Policy], stakes: Int[np.ndarray, "stake"]
) -> tuple[Float[Array, "norm stake offer"], Float[np.ndarray, "norm stake offer"]]:
    """Log-probabilities of offers and chances of acceptance under each norm."""
    tables = [norm.table(jnp.asarray(stakes)) for norm in norms]
    return jnp.stack([table.offer for table in tables]), np.exp(np.stack([table.accept for table in tables]))


def _by_user(made: np.ndarray, received: np.ndarray) -> np.ndarray:
    """Put what users did as proposers and as responders, (society, round, user), side by side in rows of theirs."""
    both = np.stack([made, received], axis=-1)
    return np.moveaxis(both, 2, 1).reshape(both.shape[0], both.shape[2], -1)
