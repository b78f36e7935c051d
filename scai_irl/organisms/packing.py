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

from scai_irl.organisms.world import CONDUCTS

TOKENS_A_NOTE = 3
"""Least number of tokens between one note and the next; a game takes more, and so does a question."""

Target = int | Mapping[int, float]
"""The token that comes next, or the probability of each that may."""


Note = tuple[int, Float[np.ndarray, "conduct"]]
"""A place, and probabilities that are known there."""


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
    """A stem and its branches.

    Attributes:
        stem: Tokens that texts share.
        branches: How they go on.
        notes: Places, counted through stem and branches, at which a belief is held, and what it is.
        weighed: Places at which a game ends, and what it speaks for.
    """

    stem: list[int]
    branches: list[Branch] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    weighed: list[Note] = field(default_factory=list)

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
        noted: Places at which a belief is held, counted through all rows.
        belief: The belief there; all 0 where there are no more notes.
        ended: Places at which a game ends.
        weight: What it speaks for; all 0 where there are no more.
    """

    tokens: Int[np.ndarray, "row time"]
    positions: Int[np.ndarray, "row time"]
    segment: Int[np.ndarray, "row time"]
    branch: Int[np.ndarray, "row time"]
    until: Int[np.ndarray, "row time"]
    at: Int[np.ndarray, "prediction"]
    target: Float[np.ndarray, "prediction token"]
    noted: Int[np.ndarray, "note"]
    belief: Float[np.ndarray, "note conduct"]
    ended: Int[np.ndarray, "note"]
    weight: Float[np.ndarray, "note conduct"]


def pack(
    segments: Sequence[Segment], rows: int, time: int, predictions: int, vocabulary: int
) -> tuple[Batch, list[int]]:
    """Put segments into rows, each into the first that has room for it.

    Returns:
        The rows, and the numbers of the segments that found no room.
    """
    shape, notes, size = (rows, time), rows * time // TOKENS_A_NOTE, len(CONDUCTS)
    batch = Batch(
        np.zeros(shape, np.int32),
        np.zeros(shape, np.int32),
        np.full(shape, -1, np.int32),
        np.zeros(shape, np.int32),
        np.zeros(shape, np.int32),
        np.zeros(predictions, np.int32),
        np.zeros((predictions, vocabulary), np.float32),
        *(np.zeros(shape, kind) for _ in range(2) for shape, kind in ((notes, np.int32), ((notes, size), np.float32))),
    )
    taken, made, left = np.zeros(rows, int), 0, []
    written = [0, 0]
    for number, segment in enumerate(segments):
        row = int(np.argmax(taken + len(segment) <= time))
        wanted = sum(target is not None for branch in segment.branches for target in branch.targets)
        if taken[row] + len(segment) > time or made + wanted > predictions:
            left.append(number)
            continue
        start = row * time + int(taken[row])
        for kind, (some, at, known) in enumerate(
            ((segment.notes, batch.noted, batch.belief), (segment.weighed, batch.ended, batch.weight))
        ):
            for place, chances in some:
                at[written[kind]], known[written[kind]] = start + place, chances
                written[kind] += 1
        taken[row], made = _put(batch, segment, number, row, int(taken[row]), made)
    return batch, left


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
