"""Trajectories: users' states and actions, for many runs at once."""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int
from numpy.typing import ArrayLike


class Trajectories(NamedTuple):
    """Decisions of each run, in order; missing times are marked unseen.

    Attributes:
        state: State of the decision, as an index in the environment.
        action: Action taken.
        seen: Whether the action is evidence; unseen actions are by others, or padding.
        first: Whether an episode begins here; then the state does not follow from the previous action.
    """

    state: Int[Array | np.ndarray, "*run time"]
    action: Int[Array | np.ndarray, "*run time"]
    seen: Bool[Array | np.ndarray, "*run time"]
    first: Bool[Array | np.ndarray, "*run time"]

    @property
    def runs(self) -> int:
        """Number of runs."""
        return int(self.state.shape[0])

    def followed_by(self, later: Trajectories) -> Trajectories:
        """Append later decisions of the same runs.

        Raises:
            ValueError: If the numbers of runs differ.
        """
        if self.runs != later.runs:
            raise ValueError(f"state: {later.runs} runs cannot follow {self.runs}; give the same runs")
        return Trajectories(*(np.concatenate(pair, axis=1) for pair in zip(self, later, strict=True)))


def trajectories(
    state: ArrayLike, action: ArrayLike, seen: ArrayLike = True, first: ArrayLike | None = None
) -> Trajectories:
    """Check and shape observed decisions as (run, time); a flat list is one run.

    Args:
        state: States, counted from 0; other columns are broadcast to this shape.
        action: Actions, counted from 0.
        seen: Whether each action is evidence.
        first: Whether an episode begins; only at time 0 unless given.

    Raises:
        ValueError: If a number is missing, no integer or negative, or the shapes do not match; the message names the
            column and the first such run and time.

    Example:
        >>> data = trajectories(state=[4, 14, 22], action=[0, 1, 1])
        >>> data.state.shape, data.first.tolist()
        ((1, 3), [[True, False, False]])
    """
    shape = np.atleast_2d(np.asarray(state)).shape
    begins = np.arange(shape[-1]) == 0 if first is None else first
    given = dict(zip(Trajectories._fields, (state, action, seen, begins), strict=True))
    columns = {name: _column(name, values, shape) for name, values in given.items()}
    # Actions that are not evidence also determine transitions, so they are checked too.
    return Trajectories(
        _numbers("state", columns["state"]),
        _numbers("action", columns["action"]),
        _booleans("seen", columns["seen"]),
        _booleans("first", columns["first"]),
    )


def stages(first: Bool[Array, "time"]) -> Int[Array, "time"]:
    """Number of earlier decisions in the same episode.

    Example:
        >>> stages(jnp.asarray([True, False, False, True, False])).tolist()
        [0, 1, 2, 0, 1]
    """
    time = jnp.arange(first.shape[0])
    began = jnp.max(jnp.where(first & (time <= time[:, None]), time, 0), axis=1)
    return time - began


def refuse(column: str, values: np.ndarray, wrong: Bool[np.ndarray, "run time"], problem: str) -> None:
    """Raise an error that names the first invalid value.

    Raises:
        ValueError: If any value is invalid.
    """
    if wrong.any():
        run, time = np.argwhere(wrong)[0]
        raise ValueError(f"{column}: run {run}, time {time} is {values[run, time]:g}, {problem}")


def _column(name: str, values: ArrayLike, shape: tuple[int, ...]) -> np.ndarray:
    array = np.asarray(values)
    if array.dtype != bool and not np.issubdtype(array.dtype, np.number):
        raise ValueError(f"{name}: numbers are needed, got {array.dtype}")
    if len(shape) != 2:
        raise ValueError(f"{name}: {len(shape)} axes; give (run, time), or (time) for one run")
    try:
        return np.broadcast_to(array, shape)
    except ValueError as error:
        raise ValueError(f"{name}: shape {array.shape} does not fit {shape} of state; give (run, time)") from error


def _numbers(name: str, values: np.ndarray) -> Int[np.ndarray, "run time"]:
    whole = np.isfinite(values) & (values == np.floor(values)) & (values >= 0)
    refuse(name, values, ~whole, "no whole number of 0 or more")
    return values.astype(np.int32)


def _booleans(name: str, values: np.ndarray) -> Bool[np.ndarray, "run time"]:
    refuse(name, values, ~np.isin(values, (0, 1)), "neither true nor false")
    return np.asarray(values == 1)
