"""Evidence: users' actions that an observer has seen, for many runs at once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Int
from numpy.typing import ArrayLike

from envs.contexts import MAX_STAKE
from envs.ultimatum import NUM_OFFERS


class Evidence(NamedTuple):
    """Observed interactions of each run; missing interactions are marked unseen.

    Only users' actions are evidence of their norm, so the two halves of an interaction count separately.

    Attributes:
        stake: Units divided.
        offer: Offer (action; see `envs.ultimatum`).
        accepted: Whether the responder accepted.
        offer_seen: Whether a user proposed, whose offer is evidence.
        answer_seen: Whether a user responded, whose answer is evidence.
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
        """Append later interactions of the same runs."""
        return Evidence(*(np.concatenate(pair, axis=1) for pair in zip(self, later, strict=True)))


def evidence(
    stake: ArrayLike,
    offer: ArrayLike,
    accepted: ArrayLike,
    offer_seen: ArrayLike = True,
    answer_seen: ArrayLike = True,
) -> Evidence:
    """Check and shape observed interactions as (run, play); a flat list is one run.

    Raises:
        ValueError: If a number is missing or no integer, a stake is outside 1..`MAX_STAKE`, or an offer is outside its
            stake. The message names the column and the first such run and play.

    Example:
        >>> seen = evidence(stake=[10, 10], offer=[5, 4], accepted=[True, True])
        >>> seen.offer.shape
        (1, 2)
    """
    given = (stake, offer, accepted, offer_seen, answer_seen)
    numbers = (_numbers(column, values) for column, values in zip(Evidence._fields, given, strict=True))
    stakes, offers, accepts, *seen = np.atleast_2d(*np.broadcast_arrays(*numbers))
    proposed, answered = _booleans("offer_seen", seen[0]), _booleans("answer_seen", seen[1])
    used = proposed | answered
    stakes = _integers("stake", stakes, used, unused=1)
    _refuse("stake", stakes, (stakes < 1) | (stakes > MAX_STAKE), f"outside 1..{MAX_STAKE}")
    offers = _integers("offer", offers, used, unused=0)
    highest = np.minimum(stakes, NUM_OFFERS - 1)
    _refuse("offer", offers, (offers < 0) | (offers > highest), "outside 0..stake, or 0..100 per cent of stakes above")
    accepts = _booleans("accepted", accepts, answered)
    return Evidence(stakes.astype(np.int32), offers.astype(np.int32), accepts, proposed, answered)


def _numbers(column: str, values: ArrayLike) -> np.ndarray:
    array = np.asarray(values)
    if array.dtype != bool and not np.issubdtype(array.dtype, np.number):
        raise ValueError(f"{column}: numbers are needed, got {array.dtype}")
    return array


def _integers(column: str, values: np.ndarray, used: Bool[np.ndarray, "run play"], unused: int) -> np.ndarray:
    """Convert to integers; unseen interactions may have any value and get one that every table has."""
    whole = np.isfinite(values) & (values == np.floor(values))
    _refuse(column, values, used & ~whole, "no whole number")
    return np.where(used, values, unused).astype(np.int64)


def _booleans(column: str, values: np.ndarray, used: bool | Bool[np.ndarray, "run play"] = True) -> np.ndarray:
    _refuse(column, values, ~np.isin(values, (0, 1)) & used, "neither true nor false")
    return np.asarray(values == 1)


def _refuse(column: str, values: np.ndarray, wrong: Bool[np.ndarray, "run play"], problem: str) -> None:
    if wrong.any():
        run, play = np.argwhere(wrong)[0]
        raise ValueError(f"{column}: run {run}, play {play} is {values[run, play]:g}, {problem}")
