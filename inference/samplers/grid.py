r"""Grids over whitened coordinates: the posterior by quadrature, exact up to the width of a cell.

    p(u_i | D) = p(u_i, D) / Σ_j p(u_j, D),      log p(D) ≈ log Σ_j p(u_j, D) + log (volume of a cell)

The first grid covers the prior. Each next grid covers the posterior's mass on the previous one, along the posterior's
principal axes. So cells are small relative to the posterior even if it is a ridge.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from inference.continuous.small_systems import lower_root, solved_downwards
from inference.samplers.fit import Fit, Method
from inference.samplers.target import Target

_PRIOR_ENDS = 5.5  # a standard normal has probability 4e-8 outside
_NEGLIGIBLE = 17.0  # nats below the highest point, 4e-8 of its density
_POINTS = {1: 1_001, 2: 121, 3: 61}
LARGEST_GRID = max(_POINTS)
"""Maximum number of parameters of a grid."""

_AT_ONCE = 512


@dataclass(frozen=True)
class Grid(Method):
    """Quadrature on a grid that is refined around the posterior: exact, for at most three parameters.

    Attributes:
        points: Points along each axis; chosen by dimension if None.
        closings: Number of refinements around the posterior.
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
        if not 1 <= dimension <= LARGEST_GRID:
            raise ValueError(f"method: a grid has 1 to {LARGEST_GRID} parameters, not {dimension}; use nuts or smc")
        points = self.points or _POINTS[dimension]
        box = Box(jnp.zeros(dimension), 2 * _PRIOR_ENDS / points * jnp.eye(dimension))

        def close_in(box: Box, step: None) -> tuple[Box, None]:
            del step
            u = box.cells(points)
            return _around(box, u, jax.lax.map(target.log_joint, u, batch_size=_AT_ONCE), points), None

        box, _ = jax.lax.scan(close_in, box, None, length=self.closings)
        u = box.cells(points)
        joint = jax.lax.map(target.log_joint, u, batch_size=_AT_ONCE)
        total = jax.nn.logsumexp(joint)
        log_weight = joint - total
        mode, chance = target.modes(key, u)
        evidence = total + jnp.sum(jnp.log(jnp.diag(box.sides)))
        unknown = jnp.full((1, joint.shape[0]), jnp.nan)
        stats = {"lp": joint[None]}
        trace = {"cells_per_deviation": _cells_per_deviation(box, u, log_weight)}
        return Fit(
            u[None], mode[None], chance[None], joint[None], log_weight[None], evidence, box.sides, unknown, stats, trace
        )


class Box(NamedTuple):
    """A grid: its centre, and the sides of a cell, one per column.

    Attributes:
        middle: Centre of the grid.
        sides: Sides of a cell, lower triangular; the axes need not be those of the coordinates.
    """

    middle: Float[Array, "dim"]
    sides: Float[Array, "dim side"]

    def cells(self, points: int) -> Float[Array, "cell dim"]:
        """Centres of all cells."""
        dimension = self.middle.shape[0]
        steps = [np.arange(points) - (points - 1) / 2] * dimension
        lattice = np.stack([axis.reshape(-1) for axis in np.meshgrid(*steps, indexing="ij")], axis=-1)
        return self.middle + jnp.asarray(lattice, self.sides.dtype) @ self.sides.T


def _around(box: Box, u: Float[Array, "cell dim"], joint: Float[Array, "cell"], points: int) -> Box:
    """A grid around all cells with relevant probability, along the posterior's principal axes."""
    weight = jax.nn.softmax(joint)
    mean = weight @ u
    centred = u - mean
    # With too few cells, the next grid may be off by at most half a cell of this grid.
    covariance = (centred * weight[:, None]).T @ centred + box.sides @ box.sides.T / 4
    root = lower_root(covariance)
    along = solved_downwards(root, centred.T).T
    worth = (joint > jnp.max(joint) - _NEGLIGIBLE)[:, None]
    spare = 1.5 * jnp.sum(jnp.abs(solved_downwards(root, box.sides)), axis=1)
    low = jnp.min(jnp.where(worth, along, jnp.inf), axis=0) - spare
    high = jnp.max(jnp.where(worth, along, -jnp.inf), axis=0) + spare
    return Box(mean + root @ ((low + high) / 2), root * ((high - low) / points))


def _cells_per_deviation(
    box: Box, u: Float[Array, "cell dim"], log_weight: Float[Array, "cell"]
) -> Float[Array, "side"]:
    """Standard deviation of the posterior along each axis of the grid, in cells; below 1 the grid is too coarse."""
    steps = solved_downwards(box.sides, (u - box.middle).T).T
    weight = jnp.exp(log_weight)
    return jnp.sqrt(weight @ (steps - weight @ steps) ** 2)
