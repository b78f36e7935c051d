"""Populations of users and their norms.

A population is a large group in which norm k has weight w_k. Every user slot is filled by a new member, so norms are
drawn independently from w. A group with one norm has a single weight.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key

from envs.norm_names import read_norm
from envs.policy import Policy

_TOLERANCE = 1e-6  # tolerance for weights that are typed as decimals


class Population(NamedTuple):
    """A mixture of norms with given weights.

    Attributes:
        norms: Names of the norms (`envs.norm_names`).
        weights: Weight w_k of each norm; they sum to 1.
    """

    norms: tuple[str, ...]
    weights: tuple[float, ...]

    def policy(self, rationality: float = 200.0, lapse: float = 0.0) -> Policy:
        """Policy of the group, whose members all have the given λ and ε.

        Example:
            >>> one_group("fair").policy().parts[0][1].utility
            'fair'
        """
        pairs = zip(self.weights, self.norms, strict=True)
        return Policy(tuple((weight, read_norm(norm, rationality, lapse)) for weight, norm in pairs))


def one_group(norm: str) -> Population:
    """Make a population that shares one norm.

    Example:
        >>> one_group("fair")
        Population(norms=('fair',), weights=(1.0,))
    """
    return Population((norm,), (1.0,))


def mixture(weights: Mapping[str, float]) -> Population:
    """Make a population with several norms and their weights.

    Raises:
        ValueError: If a weight is negative or they do not sum to 1.

    Example:
        >>> mixture({"selfish": 0.2, "altruistic": 0.8}).weights
        (0.2, 0.8)
    """
    values = tuple(float(weight) for weight in weights.values())
    if not values or not all(weight >= 0 for weight in values):
        raise ValueError(f"weights must be 0 or more, got {dict(weights)}; give each norm a share of the users")
    if not abs(sum(values) - 1) <= _TOLERANCE:
        listed = ", ".join(f"{norm}={weight:g}" for norm, weight in weights.items())
        raise ValueError(f"weights must sum to 1, got {sum(values):g}; change one of {listed}")
    return Population(tuple(weights), values)


def draw_norms(key: Key[Array, ""], weights: Float[Array, "norm"], shape: tuple[int, ...]) -> Int[Array, "..."]:
    """Draw the norm of every user slot, as an index into the weights."""
    return jax.random.categorical(key, jnp.log(weights), shape=shape)
