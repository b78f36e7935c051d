"""Policy hypotheses: the possible θ's of an observer.

`Hypotheses` is the protocol that inference methods and posteriors use. `PolicyHypotheses` are hypotheses under which
all users have the same norm: a named set, or a grid over a utility's parameters. Hypotheses under which users differ
are in `inference.discrete.mixtures`.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Shaped

from envs.policy import Norm, Policy
from envs.soft_policy import PolicyTable, policy_table
from envs.utilities import get_utility
from inference.discrete.cells import CHUNK, CellLogProbs, Cells, Use, cell_log_probs, in_chunks

__all__ = ["Block", "CellLogProbs", "Cells", "Hypotheses", "InChunks", "PolicyHypotheses"]


@runtime_checkable
class Hypotheses(Protocol):
    """Protocol of a set of K hypotheses, for inference methods and posteriors."""

    @property
    def size(self) -> int:
        """Number of hypotheses K."""
        ...

    @property
    def norms(self) -> tuple[str, ...]:
        """Names of the norms that occur in the hypotheses."""
        ...

    def table(self, stakes: Int[Array, "stake"]) -> PolicyTable:
        """Log-probabilities of offers and answers, (stake, hypothesis, offer)."""
        ...

    def at_cells(self, cells: Cells) -> CellLogProbs:
        """The table's values at given cells, without building the rest of it."""
        ...

    def norm_weights(self) -> Float[np.ndarray, "hypothesis norm"]:
        """Weight of each norm under each hypothesis."""
        ...

    def coordinates(self) -> dict[str, Shaped[np.ndarray, "hypothesis"]]:
        """Parameters of each hypothesis, by name."""
        ...

    def policy(self, index: int) -> Policy:
        """State one hypothesis as a policy."""
        ...

    def mean_policy(self, probabilities: Float[np.ndarray, "hypothesis"]) -> Policy:
        """State the posterior mean as a policy."""
        ...


@runtime_checkable
class InChunks(Protocol):
    """Hypotheses that are processed in chunks, because their whole table does not fit into a core's cache."""

    def over_cells(self, cells: Cells, use: Use) -> Float[Array, "*n hypothesis"]:
        """``use(at_cells(cells))``, for some hypotheses at a time."""
        ...


@functools.partial(
    jax.tree_util.register_dataclass,
    data_fields=["theta", "rationality", "lapse"],
    meta_fields=["utility"],
)
@dataclass(frozen=True)
class Block:
    """Hypotheses that share a utility.

    Attributes:
        utility: Name of U.
        theta: Parameters of U.
        rationality: λ.
        lapse: ε.
    """

    utility: str
    theta: Float[Array, "hypothesis parameter"]
    rationality: Float[Array, "hypothesis"]
    lapse: Float[Array, "hypothesis"]

    @property
    def size(self) -> int:
        """Number of hypotheses in the block."""
        return int(self.rationality.shape[0])

    def table(self, stakes: Int[Array, "stake"]) -> PolicyTable:
        """Log-probabilities of offers and answers, (stake, hypothesis, offer)."""
        described = get_utility(self.utility)

        def at(theta: Array, rationality: Array, lapse: Array, stake: Array) -> PolicyTable:
            return policy_table(described.function, theta, rationality, lapse, stake, described.responding)

        over_hypotheses = jax.vmap(at, (0, 0, 0, None))
        over_stakes = jax.vmap(over_hypotheses, (None, None, None, 0))
        return over_stakes(self.theta, self.rationality, self.lapse, stakes)

    def at_cells(self, cells: Cells) -> CellLogProbs:
        """The table's values at given cells, without building the rest of it."""
        return cell_log_probs(get_utility(self.utility), self.theta, self.rationality, self.lapse, cells)

    def over_cells(self, cells: Cells, use: Use) -> Float[Array, "*n hypothesis"]:
        """``use(at_cells(cells))``, for some hypotheses at a time."""

        def chunk(rationality: Array, lapse: Array, *parameters: Array) -> Array:
            theta = jnp.stack(parameters, axis=1) if parameters else self.theta[: len(lapse)]
            return use(Block(self.utility, theta, rationality, lapse).at_cells(cells))

        return in_chunks(chunk, self.rationality, self.lapse, *self.theta.T)


@functools.partial(jax.tree_util.register_dataclass, data_fields=["blocks"], meta_fields=[])
@dataclass(frozen=True)
class PolicyHypotheses:
    """Hypotheses under which all users share one norm.

    Attributes:
        blocks: Hypotheses by utility; the hypothesis axis follows their order.
    """

    blocks: tuple[Block, ...]

    @property
    def size(self) -> int:
        """Number of hypotheses K."""
        return sum(block.size for block in self.blocks)

    @property
    def norms(self) -> tuple[str, ...]:
        """Names of the utilities, in the order of their first block."""
        return tuple(dict.fromkeys(block.utility for block in self.blocks))

    def table(self, stakes: Int[Array, "stake"]) -> PolicyTable:
        """Log-probabilities of offers and answers, (stake, hypothesis, offer)."""
        tables = [block.table(stakes) for block in self.blocks]
        return PolicyTable(*(jnp.concatenate(leaves, axis=1) for leaves in zip(*tables, strict=True)))

    def at_cells(self, cells: Cells) -> CellLogProbs:
        """The table's values at given cells, without building the rest of it."""
        parts = [block.at_cells(cells) for block in self.blocks]
        return CellLogProbs(*(jnp.concatenate(leaves, axis=1) for leaves in zip(*parts, strict=True)))

    def over_cells(self, cells: Cells, use: Use) -> Float[Array, "*n hypothesis"]:
        """``use(at_cells(cells))``, for some hypotheses at a time; small blocks are looked up together."""
        if self.size <= CHUNK:
            return use(self.at_cells(cells))
        return jnp.concatenate([block.over_cells(cells, use) for block in self.blocks], axis=-1)

    def norm_weights(self) -> Float[np.ndarray, "hypothesis norm"]:
        """Weights of norms: 1 if the hypothesis has the norm's utility, otherwise 0."""
        names = np.concatenate([np.full(block.size, block.utility) for block in self.blocks])
        return np.asarray(names[:, None] == np.array(self.norms), np.float32)

    def coordinates(self) -> dict[str, Shaped[np.ndarray, "hypothesis"]]:
        """``norm``, ``rationality``, ``lapse`` and each parameter (NaN where a utility lacks it)."""
        names = dict.fromkeys(name for block in self.blocks for name in get_utility(block.utility).parameters)
        columns: dict[str, list[np.ndarray]] = {name: [] for name in ("norm", *names, "rationality", "lapse")}
        for block in self.blocks:
            own = get_utility(block.utility).parameters
            columns["norm"].append(np.full(block.size, block.utility))
            for name in names:
                values = (
                    np.asarray(block.theta[:, own.index(name)])
                    if name in own
                    else np.full(block.size, np.nan, np.float32)
                )
                columns[name].append(values)
            columns["rationality"].append(np.asarray(block.rationality))
            columns["lapse"].append(np.asarray(block.lapse))
        return {name: np.concatenate(parts) for name, parts in columns.items()}

    def norm(self, index: int) -> Norm:
        """State one hypothesis as a norm."""
        for block in self.blocks:
            if index < block.size:
                return Norm(
                    block.utility,
                    tuple(float(value) for value in np.asarray(block.theta[index])),
                    float(block.rationality[index]),
                    float(block.lapse[index]),
                )
            index -= block.size
        raise IndexError(f"there are {self.size} hypotheses")

    def policy(self, index: int) -> Policy:
        """State one hypothesis as a policy."""
        return Policy.of(self.norm(index))

    def mean_policy(self, probabilities: Float[np.ndarray, "hypothesis"]) -> Policy:
        """Compute the posterior mean: average parameters within each utility, and weight utilities by probability."""
        parts, start = [], 0
        for block in self.blocks:
            share = np.asarray(probabilities[start : start + block.size], np.float64)
            start += block.size
            weight = share.sum()
            if weight < np.finfo(np.float32).eps:
                continue
            share = share / weight
            theta = share @ np.asarray(block.theta, np.float64)
            parts.append(
                (
                    float(np.float32(weight)),
                    Norm(
                        block.utility,
                        tuple(float(np.float32(value)) for value in theta),
                        float(np.float32(share @ np.asarray(block.rationality))),
                        float(np.float32(share @ np.asarray(block.lapse))),
                    ),
                )
            )
        return Policy(tuple(parts))
