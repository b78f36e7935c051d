r"""Layered contracts: what law, an organisation and a person each ask of a division, as one utility.

Each layer is a bound, which asks for at least so much, or a preference, which asks for so much; its strength says what
a share of the stake too little (or, for a preference, too much) costs. With own share x, other's share y and the total
T = x + y (1, or 0 when no one is paid),

    U(x, y) = x − k₁ max(b₁ T − min(x, y), 0)     supra-national: no one gets less than b₁
                − k₂ max(b₂ T − y, 0)              organisational: the other gets at least b₂, the floor of a role
                − k₃ |y − t T|                     individual: the other should get t

A strength of 0 is no contract; strengths far above 1/λ make a bound hard.
"""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float

LAYERS = ("supra-national", "organisational", "individual")
PARAMETERS = ("floor", "floor_strength", "role_floor", "role_strength", "target", "target_strength")
BOUNDS = ((0.0, 0.25), (0.0, 10.0), (0.0, 0.5), (0.0, 10.0), (0.0, 1.0), (0.0, 10.0))


def layered_contract(
    theta: Float[Array, "6"], own: Float[Array, "*n"], other: Float[Array, "*n"]
) -> Float[Array, "*n"]:
    """A bound of law, a bound of role and a preference of one's own, each with a strength (see the module).

    Example:
        >>> strict = jnp.asarray([0.2, 10.0, 0.4, 10.0, 0.4, 0.0])
        >>> [round(float(layered_contract(strict, 1 - y, y)), 1) for y in jnp.asarray([0.1, 0.3, 0.5])]
        [-3.1, -0.3, 0.5]
    """
    floor, floor_strength, role, role_strength, target, target_strength = theta
    total = own + other
    for_all = floor_strength * jnp.maximum(floor * total - jnp.minimum(own, other), 0)
    for_role = role_strength * jnp.maximum(role * total - other, 0)
    for_oneself = target_strength * jnp.abs(other - target * total)
    utility: Float[Array, "*n"] = own - for_all - for_role - for_oneself
    return utility
