"""Policies that can be stated: one norm, or several norms with weights.

`Norm` and `Policy` are plain values. Inference samples them, language writes and parses them, and simulation acts on
them. All three get probabilities only from `Policy.table`.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from envs.soft_policy import PolicyTable, policy_table
from envs.utilities import get_utility


@dataclass(frozen=True)
class Norm:
    """One policy hypothesis π_θ.

    Attributes:
        utility: Name of U in `envs.utilities.UTILITIES`.
        theta: Parameters of U, in the utility's order.
        rationality: λ, per share of the stake.
        lapse: ε, probability of a slip.
    """

    utility: str
    theta: tuple[float, ...] = ()
    rationality: float = 200.0
    lapse: float = 0.0


@dataclass(frozen=True)
class Policy:
    """Norms with weights; at every decision one of them is drawn and followed.

    Attributes:
        parts: (weight, norm) pairs; weights sum to 1.

    Example:
        >>> policy = Policy(((0.5, Norm("selfish")), (0.5, Norm("altruistic"))))
        >>> table = policy.table(jnp.asarray([20]))
        >>> round(float(jnp.exp(table.offer[0, :11]).sum()), 2)
        0.5
    """

    parts: tuple[tuple[float, Norm], ...]

    @classmethod
    def of(cls, norm: Norm) -> Policy:
        """Make the policy that follows one norm."""
        return cls(((1.0, norm),))

    def table(self, stakes: Int[Array, "stake"]) -> PolicyTable:
        """Log-probabilities of offers and answers at each stake, (stake, offer)."""
        norms = [norm for _, norm in self.parts]
        table: PolicyTable = _mixed_table(
            tuple(norm.utility for norm in norms),
            tuple(np.array(norm.theta, np.float32) for norm in norms),
            np.array([(norm.rationality, norm.lapse) for norm in norms], np.float32),
            np.array([weight for weight, _ in self.parts], np.float32),
            stakes,
        )
        return table


@functools.partial(jax.jit, static_argnames="utilities")
def _mixed_table(
    utilities: tuple[str, ...],
    thetas: tuple[Float[Array, "..."], ...],
    settings: Float[Array, "part 2"],
    weights: Float[Array, "part"],
    stakes: Int[Array, "stake"],
) -> PolicyTable:
    """Mix the tables of several norms: log Σ_n w_n π_n."""

    def at(stake: Int[Array, ""]) -> PolicyTable:
        tables = [
            policy_table(described.function, theta, setting[0], setting[1], stake, described.responding)
            for described, theta, setting in zip(map(get_utility, utilities), thetas, settings, strict=True)
        ]
        stacked = (jnp.stack(leaves) for leaves in zip(*tables, strict=True))
        return PolicyTable(*(jax.nn.logsumexp(leaf + jnp.log(weights)[:, None], axis=0) for leaf in stacked))

    return jax.vmap(at)(stakes)
