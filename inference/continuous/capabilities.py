"""Optional capabilities of a family: policies over stakes, weights of norms, stated norms."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Array, Float, Int

from envs.soft_policy import PolicyTable
from inference.continuous.family import Theta
from inference.discrete.hypotheses import Block


@runtime_checkable
class ActsOnStakes(Protocol):
    """A family whose hypotheses are policies of the ultimatum game."""

    def table(self, theta: Theta, stakes: Int[Array, "stake"]) -> PolicyTable:
        """Compute π_θ at given stakes, over all offers."""
        ...


@runtime_checkable
class WeighsNorms(Protocol):
    """A family whose hypotheses consist of named norms."""

    @property
    def norms(self) -> tuple[str, ...]:
        """Names of the norms."""
        ...

    def norm_weights(self, theta: dict[str, np.ndarray]) -> Float[np.ndarray, "draw norm"]:
        """Compute the weight of each norm under draws of θ."""
        ...


@runtime_checkable
class StatesPolicies(Protocol):
    """A family whose hypotheses are norms that can be put into words."""

    def blocks(self, theta: dict[str, np.ndarray]) -> list[tuple[Int[np.ndarray, "draw"], Block]]:
        """Make policy hypotheses of draws of θ, with the indices of the draws in each block."""
        ...
