"""A fold over chunks of hypotheses, in one loop of a compiled program."""

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

_State = TypeVar("_State")


@runtime_checkable
class PolicyChunks(Protocol):
    """Some hypotheses, as a fold processes them."""

    def table(self, stakes: Int[Array, "stake"]) -> PolicyTable:
        """Log-probabilities of offers and answers, (stake, hypothesis, offer)."""
        ...

    def at_cells(self, cells: Cells) -> CellLogProbs:
        """The table's values at given cells."""
        ...


class Chunk(NamedTuple):
    """Indices and priors of some hypotheses.

    Attributes:
        number: Number of the chunk.
        which: Indices of the hypotheses.
        log_prior: Their log p(θ); −inf where a hypothesis is repeated as padding.
        norm_weights: Weight of each norm under each of them.
    """

    number: Int[Array, "*chunk"]
    which: Int[Array, "*chunk hypothesis"]
    log_prior: Float[Array, "*chunk hypothesis"]
    norm_weights: Float[Array, "*chunk hypothesis norm"]


def fold_chunks(
    function: Callable[[_State, PolicyChunks, Chunk], _State],
    state: _State,
    hypotheses: Hypotheses,
    log_prior: Float[Array, "hypothesis"],
    norm_weights: Float[Array, "hypothesis norm"],
    size: int,
) -> _State:
    """Apply ``state = function(state, policies, chunk)`` to the chunks in turn, inside a compiled function.

    Hypotheses that share a utility are split into chunks. Others, and those that fit into one chunk together, are
    passed as a whole.

    Args:
        function: Function from a state, some hypotheses, and their indices and priors to the next state.
        state: State before the first chunk.
        hypotheses: All hypotheses.
        log_prior: log p(θ).
        norm_weights: Weight of each norm under each hypothesis.
        size: Hypotheses in a chunk.
    """
    number = 0
    for policies, index, each in _cuts(hypotheses, size):
        count = -(-index.size // each)
        fill = np.arange(count * each).reshape(count, each)
        index_in_block = np.minimum(fill, index.size - 1)
        prior = jnp.where(fill < index.size, log_prior[index[index_in_block]], -jnp.inf)
        which = jnp.asarray(index[index_in_block], np.int32)
        chunks = Chunk(number + jnp.arange(count), which, prior, norm_weights[which])
        leaves, structure = jax.tree.flatten(policies)
        cut = [leaf[None] if each == index.size else leaf[index_in_block] for leaf in leaves]
        number += count

        def step(carry: Any, following: Any, structure: Any = structure) -> tuple[Any, None]:
            state, (leaves, chunk) = carry
            return (function(state, jax.tree.unflatten(structure, leaves), chunk), following), None

        # The current chunk is carried along and not sliced where it is used, as in
        # `inference.discrete.cells.in_chunks`.
        start = jax.tree.map(lambda leaf: leaf[0], (cut, chunks))
        rest = jax.tree.map(lambda leaf: jnp.roll(leaf, -1, axis=0), (cut, chunks))
        (state, _), _ = jax.lax.scan(step, (state, start), rest)
    return state


def _cuts(hypotheses: Hypotheses, size: int) -> Iterator[tuple[PolicyChunks, Int[np.ndarray, "hypothesis"], int]]:
    """Yield hypotheses of one block, their indices, and the size of a chunk."""
    if not (isinstance(hypotheses, PolicyHypotheses) and hypotheses.size > size):
        yield hypotheses, np.arange(hypotheses.size), hypotheses.size
        return
    first = 0
    for block in hypotheses.blocks:
        yield block, np.arange(first, first + block.size), min(size, block.size)
        first += block.size
