r"""Layered contracts: the demands of a law, an organisation and a person on a division, as one utility.

Each layer is a bound, which demands at least some share, or a preference, which demands an exact share. Its strength is
the cost of each share of the stake below the bound, or away from the preference. With own share x, other's share y and
total T = x + y (1, or 0 if no one is paid),

    U(x, y) = x − k₁ max(b₁ T − min(x, y), 0)     supra-national: no one gets less than b₁
                − k₂ max(b₂ T − y, 0)              organisational: the other gets at least b₂, the floor of a role
                − k₃ |y − t T|                     individual: the other should get t

A layer with strength 0 has no effect. A strength far above 1/λ makes a bound hard.
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
    """Utility with a bound of law, a bound of role and a personal preference, each with a strength (see the module).

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
