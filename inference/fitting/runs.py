"""One compiled program for all runs: over devices side by side, on each of them one run after the other.

Mapping in sequence is not slower on a CPU, where `vmap` would have every run wait for the one whose trees are deepest;
on a GPU some runs at a time are stepped together.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from inference.compiled import program
from inference.continuous.family import HypothesisFamily, Seen
from inference.fitting.devices import over_devices
from inference.fitting.fit import Fit, Method
from inference.fitting.smc import Smc
from inference.fitting.target import Target


def over_runs(function: Callable[..., Any], *columns: Any) -> Any:
    """Apply a function to each entry along the columns' leading axis; inside a compiled function.

    Args:
        function: Of one entry of each column.
        columns: Pytrees of arrays with equal leading axes.
    """
    return over_devices(lambda entry: function(*entry), columns, "run")


@program("method", "family")
def fit_runs(method: Method, family: HypothesisFamily, keys: Key[Array, "run"], seen: Seen) -> Fit:
    """Fit every run."""

    def one(key: Key[Array, ""], own: Seen) -> Fit:
        return method.fit(key, Target(family, family.summarise(own)))

    fit: Fit = over_runs(one, keys, seen)
    return fit


@program("method", "family")
def update_runs(
    method: Smc, family: HypothesisFamily, keys: Key[Array, "run"], seen: Seen, earlier: Seen, fit: Fit
) -> Fit:
    """Move every run's particles on to more data."""

    def one(key: Key[Array, ""], own: Seen, before: Seen, of_before: Fit) -> Fit:
        target = Target(family, family.summarise(own))
        return method.update(key, target, Target(family, family.summarise(before)), of_before)

    updated: Fit = over_runs(one, keys, seen, earlier, fit)
    return updated


def as_arrays(seen: Seen) -> Any:
    """Put observations on the device."""
    return jax.tree.map(jnp.asarray, seen)


def number_of_runs(seen: Seen) -> int:
    """Length of the leading axis of arranged observations."""
    return int(np.shape(jax.tree.leaves(seen)[0])[0])
