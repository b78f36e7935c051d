"""Protocol of methods for continuous families, and their result."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key

from inference.samplers.target import Target

Numbers = Array | np.ndarray


class Fit(NamedTuple):
    """Draws from one run's posterior, or from many with a run axis; *chains* are independent repetitions of the method.

    Attributes:
        u: Whitened coordinates of each draw.
        mode: Discrete parameter of each draw; 0 without one.
        mode_chance: p(m | u, D) of each value m of the discrete parameter.
        log_joint: log p(u, D) of each draw.
        log_weight: Log weight of each draw; weights sum to 1 over chains and draws.
        log_evidence: log p(D); NaN if the method does not compute it.
        cell: Sides of the cell of a draw, one per column; 0 except on grids.
        log_proposal: log q(u) of methods that draw from an approximation q; NaN for others.
        stats: Statistics of each draw, by ArviZ's names.
        trace: Progress of the method, by name.
    """

    u: Float[Numbers, "*run chain draw dim"]
    mode: Int[Numbers, "*run chain draw"]
    mode_chance: Float[Numbers, "*run chain draw mode"]
    log_joint: Float[Numbers, "*run chain draw"]
    log_weight: Float[Numbers, "*run chain draw"]
    log_evidence: Float[Numbers, "*run"]
    cell: Float[Numbers, "*run dim side"]
    log_proposal: Float[Numbers, "*run chain draw"]
    stats: dict[str, Any]
    trace: dict[str, Any]


@dataclass(frozen=True)
class Method(ABC):
    """A method with its settings: a pure function from a key and a density to draws."""

    name: ClassVar[str]

    @abstractmethod
    def fit(self, key: Key[Array, ""], target: Target) -> Fit:
        """Draw from the posterior; can be compiled and mapped over runs."""


def unweighted(
    target: Target,
    key: Key[Array, ""],
    u: Float[Array, "chain draw dim"],
    log_joint: Float[Array, "chain draw"],
    log_evidence: Float[Array, ""] | None = None,
    log_proposal: Float[Array, "chain draw"] | None = None,
    stats: dict[str, Array] | None = None,
    trace: dict[str, Array] | None = None,
) -> Fit:
    """Make a fit from draws of equal weight, and draw their modes."""
    chains, draws, dimension = u.shape
    mode, chance = target.modes(key, u.reshape(-1, dimension))
    unknown = jnp.full((chains, draws), jnp.nan)
    return Fit(
        u,
        mode.reshape(chains, draws),
        chance.reshape(chains, draws, -1),
        log_joint,
        jnp.full((chains, draws), -jnp.log(chains * draws)),
        jnp.asarray(jnp.nan) if log_evidence is None else log_evidence,
        jnp.zeros((dimension, dimension)),
        unknown if log_proposal is None else log_proposal,
        stats or {},
        trace or {},
    )


def redraw(key: Key[Array, ""], fit: Fit, draws: int) -> tuple[Float[Array, "draw dim"], Int[Array, "draw"]]:
    """Draw from a fit with replacement, by weight; on a grid, uniformly in the sampled cell."""
    key_which, key_where = jax.random.split(key)
    flat = fit.u.reshape(-1, fit.u.shape[-1])
    which = jax.random.categorical(key_which, fit.log_weight.reshape(-1), shape=(draws,))
    offset = jax.random.uniform(key_where, (draws, flat.shape[1]), minval=-0.5, maxval=0.5)
    return flat[which] + offset @ fit.cell.T, fit.mode.reshape(-1)[which]


def from_coordinates(u: Float[np.ndarray, "run chain draw dim"], log_weight: Any) -> Fit:
    """Make a fit from transformed coordinates of another fit, with only its weights."""
    unknown = np.full(u.shape[:3], np.nan)
    return Fit(
        u=u,
        mode=np.zeros(u.shape[:3], np.int32),
        mode_chance=np.ones((*u.shape[:3], 1)),
        log_joint=unknown,
        log_weight=log_weight,
        log_evidence=np.full(u.shape[0], np.nan),
        cell=np.zeros((u.shape[0], u.shape[-1], u.shape[-1])),
        log_proposal=unknown,
        stats={},
        trace={},
    )
