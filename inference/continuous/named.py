r"""Named norms with unknown width and lapse, shared by all users or mixed.

The width is 1/λ. It is the mean distance of selfish and altruistic offers from their extreme (in shares of the stake),
because their utility has slope 1 and offers are exponential in it.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from envs.soft_policy import PolicyTable
from inference.continuous.family import Theta
from inference.continuous.one_shot import LAPSE, OneShotFamily, utility_table
from inference.continuous.parameters import Parameter, stick_breaking
from inference.discrete.hypotheses import Block
from inference.discrete.named_families import NAMED_NORMS

_LEAST_WEIGHT = 1e-30  # keeps logarithms of weights, and their gradients, finite

WIDTH = Parameter(
    "width", low=0.0, location=math.log(0.02), scale=1.0, meaning="1/λ, spread of offers as a share of the stake"
)


@dataclass(frozen=True)
class _Named(OneShotFamily):
    """Common base: a table for each norm."""

    norms: tuple[str, ...] = NAMED_NORMS

    def tables(self, theta: Theta, share: Float[Array, "stake column"], legal: Any, proposals: bool) -> PolicyTable:
        """Tables of all norms, (norm, stake, column)."""
        nothing = jnp.zeros(0)
        each = [
            utility_table(norm, nothing, 1 / theta["width"], theta["lapse"], share, legal, proposals)
            for norm in self.norms
        ]
        return PolicyTable(*(jnp.stack(leaves) for leaves in zip(*each, strict=True)))

    @property
    @abstractmethod
    def parameters(self) -> tuple[Parameter, ...]:
        """Width, lapse and the parameters that select the norm."""


@dataclass(frozen=True)
class NamedNorm(_Named):
    """Selfish, fair or altruistic, the same for all users, with an unknown width and lapse.

    Example:
        >>> NamedNorm().mode_labels
        ('selfish', 'fair', 'altruistic')
    """

    mode_name: ClassVar[str | None] = "norm"

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """Width and lapse."""
        return (WIDTH, LAPSE)

    @property
    def mode_labels(self) -> tuple[str, ...]:
        """The norms."""
        return self.norms

    def norm_weights(self, theta: dict[str, np.ndarray]) -> Float[np.ndarray, "draw norm"]:
        """Compute the weight of each norm under draws of θ: 1 for the norm that θ names."""
        return np.asarray(np.eye(len(self.norms))[np.asarray(theta["norm"])])

    def blocks(self, theta: dict[str, np.ndarray]) -> list[tuple[Int[np.ndarray, "draw"], Block]]:
        """Make policy hypotheses of draws of θ: a block for each norm, with the indices of its draws."""
        settings = (1 / np.asarray(theta["width"]), np.asarray(theta["lapse"]))
        pairs = []
        for number, norm in enumerate(self.norms):
            index = np.flatnonzero(np.asarray(theta["norm"]) == number)
            nothing = jnp.zeros((len(index), 0), jnp.float32)
            pairs.append((index, Block(norm, nothing, *(jnp.asarray(x[index], jnp.float32) for x in settings))))
        return [pair for pair in pairs if pair[1].size > 0]

    def at(self, theta: Theta, share: Float[Array, "stake column"], legal: Any, proposals: bool) -> PolicyTable:
        """Compute log π of the norm that θ names."""
        tables = self.tables(theta, share, legal, proposals)
        return PolicyTable(*(leaf[theta["norm"]] for leaf in tables))


@dataclass(frozen=True)
class NormShares(_Named):
    """Shares of selfish, fair and altruistic users, uniform on the simplex, with an unknown width and lapse.

    Users are anonymous: each offer and each answer comes from a new member of the group.
    """

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """Width, lapse and the stick-breaking fractions."""
        sticks = tuple(Parameter(f"stick_{n}") for n in range(len(self.norms) - 1))
        return (WIDTH, LAPSE, *sticks)

    def theta(self, u: Float[Array, "dim"], mode: Array | int = 0) -> Theta:
        """Compute the parameters, with the weights instead of their fractions."""
        theta = super().theta(u, mode)
        sticks = jnp.stack([theta.pop(f"stick_{n}") for n in range(len(self.norms) - 1)])
        theta["weight"] = stick_breaking(sticks, jnp.arange(len(self.norms) - 1, 0, -1.0))
        return theta

    def norm_weights(self, theta: dict[str, np.ndarray]) -> Float[np.ndarray, "draw norm"]:
        """Give the weight of each norm under draws of θ."""
        return np.asarray(theta["weight"])

    def at(self, theta: Theta, share: Float[Array, "stake column"], legal: Any, proposals: bool) -> PolicyTable:
        """Compute log Σ_n w_n π_n."""
        return mixed(self.tables(theta, share, legal, proposals), theta["weight"], legal)


def mixed(tables: PolicyTable, weight: Float[Array, "part"], legal: Any) -> PolicyTable:
    """Compute log Σ_n w_n π_n of tables (part, stake, column); illegal offers remain illegal, with gradient 0."""
    log_weight = jnp.log(jnp.maximum(weight, _LEAST_WEIGHT))[:, None, None]
    tables = tables._replace(offer=jnp.where(legal, tables.offer, 0.0))
    together = PolicyTable(*(jax.nn.logsumexp(leaf + log_weight, axis=0) for leaf in tables))
    return together._replace(offer=jnp.where(legal, together.offer, -jnp.inf))
