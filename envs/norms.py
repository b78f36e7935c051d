"""A policy as a person could state it: one norm, or several with the weight of each.

`Norm` and `Policy` are plain values. They travel between inference (which draws them), language (which says and reads
them) and simulation (which acts on them); `Policy.table` is the only way in which any of these gets probabilities.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int

from envs.policies import PolicyTable, policy_table
from envs.utilities import get_utility


@dataclass(frozen=True)
class Norm:
    """One policy hypothesis π_θ.

    Attributes:
        utility: Name of U in `envs.utilities.UTILITIES`.
        theta: Parameters of U, in the utility's order.
        rationality: λ, per share of the stake.
        lapse: ε, chance of a slip.
    """

    utility: str
    theta: tuple[float, ...] = ()
    rationality: float = 200.0
    lapse: float = 0.0


@dataclass(frozen=True)
class Policy:
    """Norms with weights: at every decision one of them is drawn and followed.

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
        tables = [
            _norm_table(
                norm.utility,
                jnp.asarray(norm.theta, jnp.float32),
                jnp.asarray(norm.rationality, jnp.float32),
                jnp.asarray(norm.lapse, jnp.float32),
                stakes,
            )
            for _, norm in self.parts
        ]
        log_weights = jnp.log(jnp.asarray([weight for weight, _ in self.parts], jnp.float32))
        stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *tables)
        mixed = jax.tree.map(lambda leaf: jax.nn.logsumexp(leaf + log_weights[:, None, None], axis=0), stacked)
        return PolicyTable(*mixed)


@functools.partial(jax.jit, static_argnames="utility")
def _norm_table(
    utility: str,
    theta: Array,
    rationality: Array,
    lapse: Array,
    stakes: Int[Array, "stake"],
) -> PolicyTable:
    function = get_utility(utility).function
    return jax.vmap(lambda stake: policy_table(function, theta, rationality, lapse, stake))(stakes)
