r"""Grids over whitened coordinates: the posterior by quadrature, exact up to the width of a cell.

    p(u_i | D) = p(u_i, D) / Σ_j p(u_j, D),      log p(D) ≈ log Σ_j p(u_j, D) + log (volume of a cell)

The first grid spans the prior; each next one spans what of it holds the posterior, so that cells are small against it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from inference.fitting.fit import Fit, Method
from inference.fitting.target import Target

_PRIOR_ENDS = 5.5  # 4e-8 of a standard normal lies outside
_NEGLIGIBLE = 17.0  # in nats below the highest point: 4e-8 of its density
_POINTS = {1: 1_001, 2: 121, 3: 35}
_LARGEST = max(_POINTS)
_AT_ONCE = 512


@dataclass(frozen=True)
class Grid(Method):
    """Quadrature on a grid that closes in on the posterior: exact, for three parameters at most.

    Attributes:
        points: Points along each axis; None for as many as the dimension allows.
        closings: Times that the grid is laid anew around the posterior.
    """

    points: int | None = None
    closings: int = 3

    name: ClassVar[str] = "grid"

    def fit(self, key: Key[Array, ""], target: Target) -> Fit:
        """Evaluate the density on the last of the grids.

        Raises:
            ValueError: If there are too many parameters for a grid.
        """
        dimension = target.dimension
        if not 1 <= dimension <= _LARGEST:
            raise ValueError(f"method: a grid has 1 to {_LARGEST} parameters, not {dimension}; use nuts or smc")
        points = self.points or _POINTS[dimension]
        low, high = jnp.full(dimension, -_PRIOR_ENDS), jnp.full(dimension, _PRIOR_ENDS)

        def close_in(ends: tuple[Array, Array], step: None) -> tuple[tuple[Array, Array], None]:
            del step
            _, axes, joint = _evaluate(target, *ends, points)
            return _around(axes, joint), None

        ends, _ = jax.lax.scan(close_in, (low, high), None, length=self.closings)
        u, axes, joint = _evaluate(target, *ends, points)
        spacing = axes[:, 1] - axes[:, 0]
        total = jax.nn.logsumexp(joint)
        flat = joint.reshape(1, -1)
        mode = target.draw_modes(key, u)[None]
        evidence = total + jnp.sum(jnp.log(spacing))
        unknown = jnp.full(flat.shape, jnp.nan)
        return Fit(u[None], mode, flat, flat - total, evidence, spacing, unknown, {"lp": flat}, {})


def _evaluate(
    target: Target, low: Float[Array, "dim"], high: Float[Array, "dim"], points: int
) -> tuple[Float[Array, "cell dim"], Float[Array, "dim point"], Float[Array, "..."]]:
    """Points of a grid, its axes, and log p(u, D) at every point, with an axis for each coordinate."""
    fractions = jnp.asarray((np.arange(points) + 0.5) / points)
    axes = low[:, None] + (high - low)[:, None] * fractions
    u = jnp.stack([axis.reshape(-1) for axis in jnp.meshgrid(*axes, indexing="ij")], axis=-1)
    joint = jax.lax.map(target.log_joint, u, batch_size=_AT_ONCE)
    return u, axes, joint.reshape((points,) * axes.shape[0])


def _around(
    axes: Float[Array, "dim point"], joint: Float[Array, "..."]
) -> tuple[Float[Array, "dim"], Float[Array, "dim"]]:
    """Ends of a box that holds every point worth counting, with a cell to spare on each side."""
    worth = joint > jnp.max(joint) - _NEGLIGIBLE
    low, high = [], []
    for place, axis in enumerate(axes):
        others = tuple(other for other in range(axes.shape[0]) if other != place)
        held = jnp.any(worth, axis=others)
        step = axis[1] - axis[0]
        low.append(jnp.min(jnp.where(held, axis, jnp.inf)) - 1.5 * step)
        high.append(jnp.max(jnp.where(held, axis, -jnp.inf)) + 1.5 * step)
    return jnp.stack(low), jnp.stack(high)
