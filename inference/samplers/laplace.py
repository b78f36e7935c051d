r"""Laplace's approximation: a normal with the posterior's mode and curvature.

    q(u) = N(û, H⁻¹),   û = argmax log p(u, D),   H = −∇² log p(û, D)
    log p(D) ≈ log p(û, D) + (d/2) log 2π − ½ log |H|

(Tierney & Kadane 1986). The mode is found by damped Newton steps from several starting points. In whitened coordinates
the prior has H = I, so the problem is well scaled.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from inference.samplers.fit import Fit, Method, unweighted
from inference.samplers.target import Target

_LEAST_CURVATURE = 1e-3  # smallest eigenvalue of the Hessian, a thousandth of the prior's
_DAMPING_DOWN, _DAMPING_UP = 0.3, 4.0


@dataclass(frozen=True)
class Laplace(Method):
    """Normal approximation at the mode: fast, but exact only for normal posteriors.

    Attributes:
        starts: Number of starting points.
        steps: Number of Newton steps from each.
        draws: Number of draws from the normal, in four chains.
    """

    starts: int = 4
    steps: int = 60
    draws: int = 4_000

    name: ClassVar[str] = "laplace"

    def fit(self, key: Key[Array, ""], target: Target) -> Fit:
        """Find the mode and draw from the normal there."""
        key_starts, key_draws, key_modes = jax.random.split(key, 3)
        dimension = target.dimension
        starts = jax.random.normal(key_starts, (self.starts, dimension)).at[0].set(0.0)
        modes, heights = jax.vmap(lambda start: climb(target, start, self.steps))(starts)
        best = jnp.argmax(heights)
        mode, height = modes[best], heights[best]
        values, vectors = _curvature(target, mode)
        half_width = vectors / jnp.sqrt(values)
        z = jax.random.normal(key_draws, (4, self.draws // 4, dimension))
        u = mode + z @ half_width.T
        log_det = jnp.sum(jnp.log(values))
        constant = 0.5 * dimension * math.log(2 * math.pi) - 0.5 * log_det
        log_proposal = -0.5 * jnp.sum(z**2, axis=-1) - constant
        log_joint = jax.lax.map(target.log_joint, u.reshape(-1, dimension), batch_size=256).reshape(z.shape[:2])
        trace = {"heights": heights}
        return unweighted(target, key_modes, u, log_joint, height + constant, log_proposal, {"lp": log_joint}, trace)


def _curvature(target: Target, at: Float[Array, "dim"]) -> tuple[Float[Array, "dim"], Float[Array, "dim dim"]]:
    """Eigenvalues and eigenvectors of −∇² log p(u, D)."""
    hessian = -jax.hessian(target.log_joint)(at)
    hessian = jnp.where(jnp.isfinite(hessian), hessian, jnp.eye(target.dimension))
    values, vectors = jnp.linalg.eigh((hessian + hessian.T) / 2)
    return jnp.maximum(values, _LEAST_CURVATURE), vectors


def climb(target: Target, place: Float[Array, "dim"], steps: int) -> tuple[Float[Array, "dim"], Float[Array, ""]]:
    """Maximise log p(u, D) by Newton steps; damping decreases after a success and increases after a failure."""
    gradient = jax.grad(target.log_joint)

    def step(carry: tuple[Array, Array, Array], _: None) -> tuple[tuple[Array, Array, Array], None]:
        at, height, damping = carry
        values, vectors = _curvature(target, at)
        slope = jnp.nan_to_num(gradient(at))
        proposal = at + vectors @ ((vectors.T @ slope) / (values + damping))
        there = target.log_joint(proposal)
        better = there > height
        damping = jnp.where(better, damping * _DAMPING_DOWN, jnp.minimum(damping * _DAMPING_UP, 1e6))
        return (jnp.where(better, proposal, at), jnp.where(better, there, height), damping), None

    (at, height, _), _ = jax.lax.scan(step, (place, target.log_joint(place), jnp.asarray(1.0)), None, length=steps)
    return at, height
