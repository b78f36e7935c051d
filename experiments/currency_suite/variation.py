"""Variation of norms between currencies, as a hierarchy assumes or in other ways.

======================== =======================================================================================
``as assumed``           a draw from the hierarchy's own prior
``one norm``             one draw from the base family's prior, the same in all currencies
``abrupt change``        one norm up to some psychological distance, and another norm beyond it
======================== =======================================================================================
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from inference.continuous.family import Seen
from inference.continuous.hierarchy import Hierarchical
from inference.samplers.runs import as_arrays

AS_ASSUMED, ONE_NORM, ABRUPT = "as assumed", "one norm", "abrupt change"
WAYS = (AS_ASSUMED, ONE_NORM, ABRUPT)
"""Ways in which norms vary."""


def rows_of_societies(
    key: Key[Array, ""], family: Hierarchical, way: str, societies: int, change: float = np.inf
) -> Float[Array, "society row base_dim"]:
    """Draw the whitened coordinates of the rows of every society.

    Args:
        key: Randomness.
        family: The hierarchy, with places.
        way: One of `WAYS`.
        societies: Number of societies.
        change: Psychological distance at which the norm changes.

    Raises:
        ValueError: If there is no such way.

    Example:
        >>> from inference import CesAltruism
        >>> pair = Hierarchical(base=CesAltruism(), rows=2, places=(0.0, 1.0))
        >>> w = rows_of_societies(jax.random.key(0), pair, "one norm", societies=3)
        >>> bool((w[:, 0] == w[:, 1]).all())
        True
    """
    if way == AS_ASSUMED:
        return jax.vmap(family.coordinates_of_rows)(jax.random.normal(key, (societies, family.dimension)))
    if way not in WAYS:
        raise ValueError(f"unknown way {way!r}; there are {', '.join(WAYS)}")
    near, far = jax.random.normal(key, (2, societies, 1, family.base.dimension))
    beyond = jnp.asarray(family.places)[None, :, None] >= (change if way == ABRUPT else jnp.inf)
    return jnp.where(beyond, far, near)


def play(key: Key[Array, ""], family: Hierarchical, w: Float[Array, "society row base_dim"], design: Seen) -> Seen:
    """Simulate the interactions of every society's users; the design has a row for each row of each society.

    Args:
        key: Randomness.
        family: The hierarchy.
        w: Coordinates of the rows.
        design: Interactions as arranged by the family's `arrange`.
    """

    def of_row(own: Key[Array, ""], at: Float[Array, "base_dim"], seen: Seen) -> Seen:
        return family.base.simulate(own, family.base.theta(at), seen)

    keys = jax.random.split(key, w.shape[:2])
    return jax.vmap(jax.vmap(of_row))(keys, w, as_arrays(design))
