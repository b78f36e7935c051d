"""Rows of tokens in which many texts lie side by side, and in which texts that begin alike share their beginning.

A segment is a stem with branches. A token of the stem looks at the stem before it; one of a branch looks at the stem
up to where the branch leaves it, and at its own branch. Positions are those that each text has alone, so a model that
reads a packed row computes for each text what it would compute if it read that text by itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

Target = int | Mapping[int, float]
"""The token that comes next, or the probability of each that may."""


@dataclass
class Branch:
    """What follows some beginning of the stem.

    Attributes:
        leaves: Tokens of the stem that come before it.
        tokens: Its tokens.
        targets: What is to be predicted at each of its tokens but the last; None where nothing is.
    """

    leaves: int
    tokens: list[int]
    targets: list[Target | None]


@dataclass
class Segment:
    """A stem and its branches."""

    stem: list[int]
    branches: list[Branch] = field(default_factory=list)

    def __len__(self) -> int:
        """Places that it takes."""
        return len(self.stem) + sum(len(branch.tokens) for branch in self.branches)


class Batch(NamedTuple):
    """Packed rows.

    Attributes:
        tokens: Numbers of tokens; 0 where there is none.
        positions: Position of each in its own text.
        segment: Number of its segment; −1 where there is none.
        branch: Number of its branch, from 1; 0 in stems.
        until: Place in the row before which it looks at its stem.
        at: Places, counted through all rows, at which something is predicted.
        target: Probability of each next token there; all 0 where there is no more to predict.
    """

    tokens: Int[np.ndarray, "row time"]
    positions: Int[np.ndarray, "row time"]
    segment: Int[np.ndarray, "row time"]
    branch: Int[np.ndarray, "row time"]
    until: Int[np.ndarray, "row time"]
    at: Int[np.ndarray, "prediction"]
    target: Float[np.ndarray, "prediction token"]


def pack(segments: Sequence[Segment], rows: int, time: int, predictions: int, vocabulary: int) -> tuple[Batch, int]:
    """Fill rows with segments, in their order, as long as there is room.

    Returns:
        The rows, and how many segments are in them.
    """
    shape = (rows, time)
    batch = Batch(
        np.zeros(shape, np.int32),
        np.zeros(shape, np.int32),
        np.full(shape, -1, np.int32),
        np.zeros(shape, np.int32),
        np.zeros(shape, np.int32),
        np.zeros(predictions, np.int32),
        np.zeros((predictions, vocabulary), np.float32),
    )
    row = place = made = 0
    for number, segment in enumerate(segments):
        if place + len(segment) > time:
            row, place = row + 1, 0
        wanted = sum(target is not None for branch in segment.branches for target in branch.targets)
        if row == rows or len(segment) > time or made + wanted > predictions:
            return batch, number
        place, made = _put(batch, segment, number, row, place, made)
    return batch, len(segments)


def _put(batch: Batch, segment: Segment, number: int, row: int, start: int, made: int) -> tuple[int, int]:
    time = batch.tokens.shape[1]
    end = start + len(segment.stem)
    own = slice(start, end)
    batch.tokens[row, own] = segment.stem
    batch.positions[row, own] = np.arange(len(segment.stem))
    batch.segment[row, own] = number
    batch.until[row, own] = np.arange(start, end) + 1
    for count, branch in enumerate(segment.branches, start=1):
        begin, end = end, end + len(branch.tokens)
        own = slice(begin, end)
        batch.tokens[row, own] = branch.tokens
        batch.positions[row, own] = branch.leaves + np.arange(len(branch.tokens))
        batch.segment[row, own] = number
        batch.branch[row, own] = count
        batch.until[row, own] = start + branch.leaves
        for offset, target in enumerate(branch.targets):
            if target is None:
                continue
            batch.at[made] = row * time + begin + offset
            for token, chance in ({target: 1.0} if isinstance(target, int) else target).items():
                batch.target[made, token] = chance
            made += 1
    return end, made


def visible(
    segment: Int[Array, "row time"], branch: Int[Array, "row time"], until: Int[Array, "row time"]
) -> Bool[Array, "row time time"]:
    """Which places each token looks at."""
    place = jnp.arange(segment.shape[1])
    stem = (branch[:, None, :] == 0) & (place < until[:, :, None])
    own = (branch[:, :, None] > 0) & (branch[:, :, None] == branch[:, None, :]) & (place <= place[:, None])
    together = segment[:, :, None] == segment[:, None, :]
    itself = jnp.eye(segment.shape[1], dtype=bool)  # so that empty places, too, look at something
    return (together & (stem | own)) | itself
