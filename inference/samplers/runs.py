"""One compiled program for all runs; devices work in parallel on their shares, one run after the other.

On a CPU, a sequential map is not slower, because with `vmap` every run would wait for the run with the deepest trees.
On a GPU, several runs are stepped together.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from inference.continuous.family import HypothesisFamily, Seen
from inference.samplers.compiled import program
from inference.samplers.fit import Fit, Method
from inference.samplers.sharded import share_out
from inference.samplers.smc import Smc
from inference.samplers.target import Target

_TOGETHER_ON_GPU = 64


def one_by_one(function: Callable[[Any], Any], entries: Any) -> Any:
    """Apply a function to each entry along the first axis, in a compiled function; on a GPU, several together.

    Args:
        function: Function of one entry.
        entries: Pytree of arrays with equal first axes.
    """
    return jax.lax.map(function, entries, batch_size=None if jax.default_backend() == "cpu" else _TOGETHER_ON_GPU)


def fit_runs(method: Method, family: HypothesisFamily, keys: Key[Array, "run"], seen: Seen) -> Fit:
    """Fit every run."""
    fit: Fit = share_out(lambda own: fit_share(method, family, *own), (keys, seen))
    return fit


@program("method", "family")
def fit_share(method: Method, family: HypothesisFamily, keys: Key[Array, "run"], seen: Seen) -> Fit:
    """Fit some runs on one device."""

    def one(entry: tuple[Key[Array, ""], Seen]) -> Fit:
        key, own = entry
        return method.fit(key, Target(family, family.summarise(own)))

    fit: Fit = one_by_one(one, (keys, seen))
    return fit


def update_runs(
    method: Smc, family: HypothesisFamily, keys: Key[Array, "run"], seen: Seen, earlier: Seen, fit: Fit
) -> Fit:
    """Update every run's particles with more data."""
    updated: Fit = share_out(lambda own: _update_share(method, family, own), (keys, seen, earlier, fit))
    return updated


@program("method", "family")
def _update_share(method: Smc, family: HypothesisFamily, of_runs: tuple[Key[Array, "run"], Seen, Seen, Fit]) -> Fit:
    def one(entry: tuple[Key[Array, ""], Seen, Seen, Fit]) -> Fit:
        key, own, before, of_before = entry
        target = Target(family, family.summarise(own))
        return method.update(key, target, Target(family, family.summarise(before)), of_before)

    updated: Fit = one_by_one(one, of_runs)
    return updated


def as_arrays(seen: Seen) -> Any:
    """Put observations on the device."""
    return jax.tree.map(jnp.asarray, seen)


def number_of_runs(seen: Seen) -> int:
    """Length of the leading axis of arranged observations."""
    return int(np.shape(jax.tree.leaves(seen)[0])[0])
