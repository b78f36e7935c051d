r"""People who propose in roles, with a law for everybody, a floor for each role, and personal preferences.

The proposer has a layered contract (`envs.contracts`). The client who responds has none and accepts any positive
payoff, so offers depend only on the contract. The bounds are b₁ (law: no one gets less) and b₂ (role: the client gets
at least this share). They conflict with a preference t outside [max(b₁, b₂), 1 − b₁]. The share that bounds allow is
then the nearest one inside.
"""

from __future__ import annotations

import jax
import numpy as np
from jaxtyping import Array, Float, Int

from envs.contracts import LAYERS, layered_contract
from envs.soft_policy import policy_table
from envs.utilities import selfish

SUPRANATIONAL, ORGANISATIONAL = (LAYERS.index(layer) for layer in ("supra-national", "organisational"))
FREE = LAYERS.index("individual")
"""Layers that can determine an offer; if no bound binds, the individual's preference does."""

_ROUNDING = 1e-9


@jax.jit
def offers_in_roles(
    theta: Float[Array, "contract 6"],
    rationality: Float[Array, ""],
    lapse: Float[Array, ""],
    stakes: Int[Array, "stake"],
) -> Float[Array, "contract stake offer"]:
    """Log-probabilities of offers by people with layered contracts; −inf where illegal.

    Args:
        theta: Parameters of each contract, in the order of `envs.contracts.PARAMETERS`.
        rationality: λ, per share of the stake.
        lapse: ε, probability of a slip.
        stakes: Units to divide.

    Example:
        >>> import jax.numpy as jnp
        >>> strict = jnp.asarray([[0.1, 10.0, 0.4, 10.0, 0.2, 3.0]])  # would give .2, must give .4
        >>> int(offers_in_roles(strict, jnp.asarray(50.0), jnp.asarray(0.0), jnp.asarray([20])).argmax())
        8
    """

    def at(contract: Float[Array, "6"], stake: Int[Array, ""]) -> Float[Array, "offer"]:
        return policy_table(layered_contract, contract, rationality, lapse, stake, _as_client).offer

    return jax.vmap(jax.vmap(at, (None, 0)), (0, None))(theta, stakes)


def _as_client(theta: Float[Array, "6"], own: Float[Array, "*n"], other: Float[Array, "*n"]) -> Float[Array, "*n"]:
    return selfish(theta[:0], own, other)


def binding_layer(
    law: Float[np.ndarray, "*n"], floor: Float[np.ndarray, "*n"], target: Float[np.ndarray, "*n"]
) -> Int[np.ndarray, "*n"]:
    """Layer that prevents an individual from reaching her target, as an index into `envs.contracts.LAYERS`.

    If both bounds do, the higher one binds; the law binds if they are equal.

    Args:
        law: b₁, smallest share for everybody.
        floor: b₂, smallest share for the client.
        target: t, share that the individual would give.

    Example:
        >>> law, floor = np.array([0.1, 0.2, 0.1]), np.array([0.4, 0.0, 0.4])
        >>> binding_layer(law, floor, np.array([0.2, 0.9, 0.5])).tolist()
        [1, 0, 2]
    """
    by_role = (target < floor - _ROUNDING) & (floor > law + _ROUNDING)
    by_law = ~by_role & ((target < law - _ROUNDING) | (target > 1 - law + _ROUNDING))
    return np.where(by_role, ORGANISATIONAL, np.where(by_law, SUPRANATIONAL, FREE))


def within_bounds(
    law: Float[np.ndarray, "*n"], floor: Float[np.ndarray, "*n"], target: Float[np.ndarray, "*n"]
) -> Float[np.ndarray, "*n"]:
    """Compute the share nearest to a target within the bounds.

    Example:
        >>> within_bounds(np.array([0.1]), np.array([0.4]), np.array([0.2])).tolist()
        [0.4]
    """
    return np.asarray(np.clip(target, np.maximum(law, floor), 1 - law))
