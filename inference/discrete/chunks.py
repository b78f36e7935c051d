"""Hypotheses some at a time: a fold over pieces of equal size, in one loop of a compiled program."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Protocol, TypeVar, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from envs.soft_policy import PolicyTable
from inference.discrete.cells import CellLogProbs, Cells
from inference.discrete.hypotheses import Hypotheses, PolicyHypotheses

_Kept = TypeVar("_Kept")


@runtime_checkable
class PolicyChunks(Protocol):
    """What can be asked of some hypotheses."""

    def table(self, stakes: Int[Array, "stake"]) -> PolicyTable:
        """Log-probabilities of offers and answers, (stake, hypothesis, offer)."""
        ...

    def at_cells(self, cells: Cells) -> CellLogProbs:
        """The table's values at given cells."""
        ...


class Piece(NamedTuple):
    """What goes with some hypotheses.

    Attributes:
        number: Number of the piece.
        which: Which hypotheses these are.
        log_prior: Their log p(θ); −inf where a hypothesis is repeated to fill up the piece.
        norm_weights: Weight of each norm under each of them.
    """

    number: Int[Array, "*piece"]
    which: Int[Array, "*piece hypothesis"]
    log_prior: Float[Array, "*piece hypothesis"]
    norm_weights: Float[Array, "*piece hypothesis norm"]


def fold_pieces(
    function: Callable[[_Kept, PolicyChunks, Piece], _Kept],
    kept: _Kept,
    hypotheses: Hypotheses,
    log_prior: Float[Array, "hypothesis"],
    norm_weights: Float[Array, "hypothesis norm"],
    size: int,
) -> _Kept:
    """Apply ``kept = function(kept, policies, piece)`` to one piece after the other; inside a compiled function.

    Hypotheses that share a utility are cut; others, and those that fit into one piece together, pass by whole.

    Args:
        function: Of what is kept so far, some hypotheses, and what goes with them.
        kept: What is kept before the first.
        hypotheses: All of them.
        log_prior: log p(θ).
        norm_weights: Weight of each norm under each hypothesis.
        size: Hypotheses in a piece.
    """
    number = 0
    for policies, index, each in _cuts(hypotheses, size):
        count = -(-index.size // each)
        fill = np.arange(count * each).reshape(count, each)
        place = np.minimum(fill, index.size - 1)
        prior = jnp.where(fill < index.size, log_prior[index[place]], -jnp.inf)
        which = jnp.asarray(index[place], np.int32)
        pieces = Piece(number + jnp.arange(count), which, prior, norm_weights[which])
        leaves, structure = jax.tree.flatten(policies)
        cut = [leaf[None] if each == index.size else leaf[place] for leaf in leaves]
        number += count

        def step(carry: Any, following: Any, structure: Any = structure) -> tuple[Any, None]:
            kept, (leaves, piece) = carry
            return (function(kept, jax.tree.unflatten(structure, leaves), piece), following), None

        # The piece in work is carried along and not sliced where it is used, as in
        # `inference.discrete.cells.in_pieces`.
        start = jax.tree.map(lambda leaf: leaf[0], (cut, pieces))
        rest = jax.tree.map(lambda leaf: jnp.roll(leaf, -1, axis=0), (cut, pieces))
        (kept, _), _ = jax.lax.scan(step, (kept, start), rest)
    return kept


def _cuts(hypotheses: Hypotheses, size: int) -> Iterator[tuple[PolicyChunks, Int[np.ndarray, "hypothesis"], int]]:
    """Hypotheses that can be cut alike, which these are, and how many go into a piece."""
    if not (isinstance(hypotheses, PolicyHypotheses) and hypotheses.size > size):
        yield hypotheses, np.arange(hypotheses.size), hypotheses.size
        return
    first = 0
    for block in hypotheses.blocks:
        yield block, np.arange(first, first + block.size), min(size, block.size)
        first += block.size
