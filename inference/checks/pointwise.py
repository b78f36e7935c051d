"""Log-likelihoods of single observations, and other numbers at some draws of a posterior."""

from __future__ import annotations

import dataclasses
import functools
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Key

from inference.continuous.family import HypothesisFamily, Seen
from inference.samplers.compiled import program
from inference.samplers.fit import redraw
from inference.samplers.posterior import SampledPosterior

_AT_ONCE = 64
_REDRAWN_CHAINS = 4


def pointwise_log_likelihood(
    posterior: SampledPosterior, draws: int = 1_000, key: Key[Array, ""] | None = None
) -> Float[np.ndarray, "run chain draw part"]:
    """Compute log p(y_i | θ) of each part of the data at draws of θ; NaN where nothing was seen.

    A part is an observation, or the unit of a family's `part`, such as a user whose choices share a group.

    Args:
        posterior: Posterior of each run.
        draws: Number of draws to use from each run, over its chains. More are thinned, because draws × observations are
            stored.
        key: Randomness of drawing weighted draws (of a grid) again.

    Raises:
        ValueError: If `draws` is too small.
    """
    subset = thinned(posterior, draws, key)
    seen = parts_seen(subset)
    densities = _pointwise(
        subset.family, jnp.asarray(subset.fit.u), jnp.asarray(subset.fit.mode), _on_device(subset.seen)
    )
    if densities.shape[-1] != seen.shape[-1]:
        raise ValueError("family: `pointwise` and `parts_seen` differ in length; let both give one entry a part")
    return np.where(seen[:, None, None], np.asarray(densities), np.nan)


def thinned(posterior: SampledPosterior, draws: int, key: Key[Array, ""] | None = None) -> SampledPosterior:
    """Select draws of equal weight in at least two chains, as ArviZ needs them.

    Every k-th draw of each chain is selected. Weighted draws are resampled as four chains of independent draws. A
    single chain is split into two halves.

    Raises:
        ValueError: If there would be fewer than 8 draws.
    """
    if draws < 2 * _REDRAWN_CHAINS:
        raise ValueError(f"draws: {draws} are too few; give 8 or more")
    fit = posterior.fit
    log_weight = np.asarray(fit.log_weight)
    if np.ptp(log_weight) > 1e-4:
        keys = jax.random.split(jax.random.key(0) if key is None else key, posterior.runs)
        each = draws // _REDRAWN_CHAINS
        u, mode = jax.vmap(functools.partial(redraw, draws=_REDRAWN_CHAINS * each))(keys, fit)
        shape = (posterior.runs, _REDRAWN_CHAINS, each)
        unknown = np.full(shape, np.nan)
        modes = np.asarray(mode).reshape(shape)
        chance = 1.0 * (modes[..., None] == np.arange(fit.mode_chance.shape[-1]))
        columns = [np.asarray(u).reshape(*shape, -1), modes, chance, unknown, unknown]
        stats: dict[str, Any] = {}
    else:
        chains, length = log_weight.shape[1:]
        step = -(-chains * length // draws)
        columns = [
            _every(np.asarray(c), step) for c in (fit.u, fit.mode, fit.mode_chance, fit.log_joint, fit.log_proposal)
        ]
        stats = {name: _every(np.asarray(values), step) for name, values in fit.stats.items()}
    equal = np.full(columns[1].shape, -math.log(columns[1].shape[1] * columns[1].shape[2]), np.float32)
    changed: dict[str, Any] = dict(zip(("u", "mode", "mode_chance", "log_joint", "log_proposal"), columns, strict=True))
    changed |= {"log_weight": equal, "cell": np.zeros(fit.cell.shape), "stats": stats}
    return dataclasses.replace(posterior, fit=fit._replace(**changed))


def observations(posterior: SampledPosterior) -> tuple[np.ndarray, np.ndarray]:
    """Values of the observed choices and whether each was seen, (run, observation)."""
    values, was_seen = _observed(posterior.family, _on_device(posterior.seen))
    return np.asarray(values), np.asarray(was_seen) > 0


def parts_seen(posterior: SampledPosterior) -> Bool[np.ndarray, "run part"]:
    """Whether each part that cross-validation leaves out has an observation."""
    return np.asarray(jax.vmap(posterior.family.parts_seen)(_on_device(posterior.seen))) > 0


def _every(values: np.ndarray, step: int) -> np.ndarray:
    """Thin draws of (run, chain, draw, …) by a step; split a single chain into two halves."""
    subset = values[:, :, ::step]
    if subset.shape[1] > 1:
        return subset
    half = subset.shape[2] // 2
    return subset[:, :, : 2 * half].reshape(subset.shape[0], 2, half, *subset.shape[3:])


def _on_device(seen: Seen) -> Seen:
    return jax.tree.map(jnp.asarray, seen)


@program("family")
def _pointwise(
    family: HypothesisFamily, u: Float[Array, "run chain draw dim"], mode: Int[Array, "run chain draw"], seen: Seen
) -> Float[Array, "run chain draw observation"]:
    def run(entry: tuple[Array, Array, Seen]) -> Array:
        own_u, own_mode, own = entry

        def one(draw: tuple[Array, Array]) -> Array:
            return family.pointwise(family.theta(*draw), own)

        flat = (own_u.reshape(-1, own_u.shape[-1]), own_mode.reshape(-1))
        densities: Array = jax.lax.map(one, flat, batch_size=_AT_ONCE)
        return densities.reshape(*own_mode.shape, -1)

    of_runs: Array = jax.lax.map(run, (u, mode, seen))
    return of_runs


@program("family")
def _observed(family: HypothesisFamily, seen: Seen) -> tuple[Array, Array]:
    choices: tuple[Array, Array] = jax.vmap(family.observed)(seen)
    return choices
