"""Packing of many texts into rows of tokens, in which texts with a common prefix share it.

A segment is a stem with branches. A token of the stem attends to the earlier stem. A token of a branch attends to the
stem before the branch, and to its own branch. Position numbers are those of each text alone. So a model computes for
each text in a packed row the same as for this text alone.
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
"""Smallest number of tokens between two notes; interactions and questions have more."""

Target = int | Mapping[int, float]
"""The next token, or a distribution over next tokens."""


Note = tuple[int, Float[np.ndarray, "conduct"]]
"""A position, and the exact probabilities there."""


@dataclass
class Branch:
    """A continuation of some prefix of the stem.

    Attributes:
        leaves: Number of tokens of the stem before the branch.
        tokens: Its tokens.
        targets: Target at each of its tokens but the last; None without a target.
    """

    leaves: int
    tokens: list[int]
    targets: list[Target | None]


@dataclass
class Segment:
    """A stem and its branches.

    Attributes:
        stem: Tokens shared by the texts.
        branches: Continuations.
        notes: Positions, counted through stem and branches, with the exact belief at each.
        weighed: Positions at which an interaction ends, with its own normalised likelihood.
    """

    stem: list[int]
    branches: list[Branch] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    weighed: list[Note] = field(default_factory=list)

    def __len__(self) -> int:
        """Return the number of tokens."""
        return len(self.stem) + sum(len(branch.tokens) for branch in self.branches)


class Batch(NamedTuple):
    """Packed rows.

    Attributes:
        tokens: Numbers of tokens; 0 for padding.
        positions: Position of each token in its own text.
        segment: Number of its segment; −1 for padding.
        branch: Number of its branch, from 1; 0 in stems.
        until: Position in the row before which it attends to its stem.
        at: Positions with a target, counted through all rows.
        target: Distribution over the next token there; all 0 for padding.
        noted: Positions with an exact belief, counted through all rows.
        belief: The belief there; all 0 for padding.
        ended: Positions at which an interaction ends.
        weight: Normalised likelihood of the interaction; all 0 for padding.
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
    """Pack segments into rows, each into the first row with enough space.

    Returns:
        The rows, and the numbers of the segments that did not fit.
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
    taken, targets_so_far, left = np.zeros(rows, int), 0, []
    written = [0, 0]
    for number, segment in enumerate(segments):
        row = int(np.argmax(taken + len(segment) <= time))
        wanted = sum(target is not None for branch in segment.branches for target in branch.targets)
        if taken[row] + len(segment) > time or targets_so_far + wanted > predictions:
            left.append(number)
            continue
        start = row * time + int(taken[row])
        for kind, (some, at, known) in enumerate(
            ((segment.notes, batch.noted, batch.belief), (segment.weighed, batch.ended, batch.weight))
        ):
            for position, chances in some:
                at[written[kind]], known[written[kind]] = start + position, chances
                written[kind] += 1
        taken[row], targets_so_far = _put(batch, segment, number, row, int(taken[row]), targets_so_far)
    return batch, left


def _put(batch: Batch, segment: Segment, number: int, row: int, start: int, targets_so_far: int) -> tuple[int, int]:
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
            batch.at[targets_so_far] = row * time + begin + offset
            for token, chance in ({target: 1.0} if isinstance(target, int) else target).items():
                batch.target[targets_so_far, token] = chance
            targets_so_far += 1
    return end, targets_so_far


def visible(
    segment: Int[Array, "row time"], branch: Int[Array, "row time"], until: Int[Array, "row time"]
) -> Bool[Array, "row time time"]:
    """Return the attention mask: the positions to which each token attends."""
    position = jnp.arange(segment.shape[1])
    stem = (branch[:, None, :] == 0) & (position < until[:, :, None])
    own = (branch[:, :, None] > 0) & (branch[:, :, None] == branch[:, None, :]) & (position <= position[:, None])
    together = segment[:, :, None] == segment[:, None, :]
    itself = jnp.eye(segment.shape[1], dtype=bool)  # so that padding also attends to something
    return (together & (stem | own)) | itself
