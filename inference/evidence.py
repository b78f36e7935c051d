"""Evidence: the users' actions that an observer has seen, for many runs at once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Int
from numpy.typing import ArrayLike

from envs.ultimatum import NUM_OFFERS


class Evidence(NamedTuple):
    """Observed interactions of each run; plays that a run lacks are marked unseen.

    Only what users do is evidence of their norm, so each half of an interaction counts by itself.

    Attributes:
        stake: Units divided.
        offer: Offer (action; see `envs.ultimatum`).
        accepted: Whether the responder accepted.
        offer_seen: Whether a user proposed, so that the offer is evidence.
        answer_seen: Whether a user responded, so that the answer is evidence.
    """

    stake: Int[np.ndarray, "run play"]
    offer: Int[np.ndarray, "run play"]
    accepted: Bool[np.ndarray, "run play"]
    offer_seen: Bool[np.ndarray, "run play"]
    answer_seen: Bool[np.ndarray, "run play"]

    @property
    def runs(self) -> int:
        """Number of runs."""
        return int(self.stake.shape[0])

    def followed_by(self, later: Evidence) -> Evidence:
        """Put later plays of the same runs behind these."""
        return Evidence(*(np.concatenate(pair, axis=1) for pair in zip(self, later, strict=True)))


def evidence(
    stake: ArrayLike,
    offer: ArrayLike,
    accepted: ArrayLike,
    offer_seen: ArrayLike = True,
    answer_seen: ArrayLike = True,
) -> Evidence:
    """Check observed plays and shape them as (run, play); a flat list is one run.

    Raises:
        ValueError: If a number is missing or no integer, a stake is below 1 or an offer is outside its stake; the
            message names the column and the first such run and play.

    Example:
        >>> seen = evidence(stake=[10, 10], offer=[5, 4], accepted=[True, True])
        >>> seen.offer.shape
        (1, 2)
    """
    stake_array, offer_array = _integers("stake", stake), _integers("offer", offer)
    columns = np.broadcast_arrays(
        stake_array,
        offer_array,
        _booleans("accepted", accepted),
        _booleans("offer_seen", offer_seen),
        _booleans("answer_seen", answer_seen),
    )
    seen = Evidence(*(np.array(column) for column in np.atleast_2d(*columns)))
    used = seen.offer_seen | seen.answer_seen
    _refuse("stake", (seen.stake < 1) & used, "below 1")
    highest = np.minimum(seen.stake, NUM_OFFERS - 1)
    _refuse("offer", ((seen.offer < 0) | (seen.offer > highest)) & used, "outside 0..stake")
    # Unseen plays may hold anything; give them values that every table has.
    return seen._replace(stake=np.where(used, seen.stake, 1), offer=np.where(used, seen.offer, 0))


def _integers(column: str, values: ArrayLike) -> Int[np.ndarray, "..."]:
    array = np.asarray(values)
    whole = np.isfinite(array) & (array == np.floor(array))
    if not whole.all():
        raise ValueError(f"{column}: {array[~whole].flat[0]} is no whole number")
    return array.astype(np.int32)


def _booleans(column: str, values: ArrayLike) -> Bool[np.ndarray, "..."]:
    array = np.asarray(values)
    if not np.isin(array, (0, 1)).all():
        raise ValueError(f"{column}: only true and false are understood, got {array.flat[0]}")
    return array.astype(bool)


def _refuse(column: str, wrong: Bool[np.ndarray, "run play"], problem: str) -> None:
    if wrong.any():
        run, play = np.argwhere(wrong)[0]
        raise ValueError(f"{column}: run {run}, play {play} is {problem}")
