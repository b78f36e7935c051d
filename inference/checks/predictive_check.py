r"""Posterior predictive checks: do simulated data resemble the observed data?

For draws of θ from the posterior, choices are simulated in the same design. A statistic T of them is compared with that
of the observed choices:

    p = P(T(y_rep) > T(y) | y) + ½ P(T(y_rep) = T(y) | y)

(Gelman, Meng & Stern 1996). A p near 0 or 1 shows that the hypotheses miss what T measures. Under the truth, p is not
uniform but concentrated around ½, because the data are used twice.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float, Key

from envs.seeds import keys_of_runs
from inference import arviz_compat
from inference.checks.pointwise import observations, pointwise_log_likelihood, thinned
from inference.continuous.family import HypothesisFamily, Seen
from inference.samplers.compiled import program
from inference.samplers.posterior import SampledPosterior

Statistic = Callable[[Array, Array], Array]
"""A function of values (observation,) and whether each was seen, 1 or 0 (observation,), that JAX can trace."""

_AT_ONCE = 64


def mean_choice(values: Float[Array, "observation"], was_seen: Float[Array, "observation"]) -> Float[Array, ""]:
    """Mean of the seen values; for answers, the acceptance rate."""
    return jnp.sum(values * was_seen) / jnp.maximum(jnp.sum(was_seen), 1.0)


@dataclasses.dataclass(frozen=True)
class PredictiveCheck:
    """A statistic of the observed choices, compared with that of simulated ones.

    Attributes:
        observed: T(y) of each run, (run, …).
        replicated: T(y_rep) of each draw, (run, draw, …).
    """

    observed: np.ndarray
    replicated: np.ndarray

    @property
    def p_value(self) -> np.ndarray:
        """Posterior predictive p of each run, (run, …); ties count half."""
        observed = self.observed[:, None]
        return np.asarray(np.mean((self.replicated > observed) + 0.5 * (self.replicated == observed), axis=1))

    def interval(self, mass: float = 0.9) -> np.ndarray:
        """Equal-tailed interval of the replicated statistic, (run, …, 2)."""
        ends = np.quantile(self.replicated, [(1 - mass) / 2, (1 + mass) / 2], axis=1)
        return np.moveaxis(ends, 0, -1)


def predictive_check(
    posterior: SampledPosterior, key: Key[Array, ""], statistic: Statistic = mean_choice, draws: int = 400
) -> PredictiveCheck:
    """Simulate data under draws from the posterior and compare a statistic with the observed one.

    Args:
        posterior: Posterior of each run.
        key: Randomness of the simulation.
        statistic: Statistic to compare; see `Statistic`.
        draws: Number of draws to use from each run.

    Raises:
        ValueError: If `draws` is too small.

    Example:
        >>> from inference import evidence, infer
        >>> from inference.continuous.one_shot import FehrSchmidt
        >>> seen = evidence([20] * 6, [1, 2, 5, 6, 8, 9], [0, 0, 0, 1, 1, 1], offer_seen=False)
        >>> posterior = infer(FehrSchmidt().fix(beta=0.2, lapse=0.1), seen, method="grid")
        >>> found = predictive_check(posterior, jax.random.key(0))
        >>> found.observed.tolist(), bool(0.2 < found.p_value[0] < 0.8)
        ([0.5], True)
    """
    key_draws, key_data = jax.random.split(key)
    subset = thinned(posterior, draws, key_draws)
    values, was_seen = observations(subset)
    observed = jax.vmap(statistic)(jnp.asarray(values), jnp.asarray(1.0 * was_seen))
    replicated = _mapped(subset, key_data, statistic)
    return PredictiveCheck(np.asarray(observed), np.asarray(replicated))


def to_arviz(posterior: SampledPosterior, key: Key[Array, ""] | None = None, draws: int = 1_000) -> Any:
    """Export like `SampledPosterior.to_arviz`, with the groups ``log_likelihood`` and ``posterior_predictive``.

    All groups have the same thinned draws, so ArviZ's functions, such as ``arviz.loo`` of a single run, work on them.
    Unseen observations are NaN.

    Args:
        posterior: Posterior of each run.
        key: Randomness of the simulated choices, and of drawing weighted draws again.
        draws: Number of draws to export from each run; draws × observations are stored twice.
    """
    key_draws, key_data = jax.random.split(jax.random.key(0) if key is None else key)
    subset = thinned(posterior, draws, key_draws)
    _, was_seen = observations(subset)
    simulated = np.asarray(_mapped(subset, key_data, _as_they_are)).reshape(*subset.fit.mode.shape, -1)
    simulated = np.where(was_seen[:, None, None], simulated, np.nan)
    exported = subset.to_arviz()
    groups = {name: arviz_compat.group(exported, name) for name in arviz_compat.group_names(exported)}
    groups["log_likelihood"] = _choices(pointwise_log_likelihood(subset, subset.draws), subset.family.part)
    groups["posterior_predictive"] = _choices(simulated)
    return arviz_compat.combine(groups)


def _choices(values: np.ndarray, part: str = "observation") -> xr.Dataset:
    """(run, chain, draw, part) in ArviZ's order."""
    return xr.Dataset({"choice": (("chain", "draw", "run", part), np.moveaxis(values, 0, 2))})


def _as_they_are(values: Array, _was_seen: Array) -> Array:
    return values


def _mapped(subset: SampledPosterior, key: Key[Array, ""], statistic: Statistic) -> Array:
    keys = keys_of_runs(key, jnp.arange(subset.runs))
    seen = jax.tree.map(jnp.asarray, subset.seen)
    statistics: Array = _replicated(
        subset.family, statistic, keys, jnp.asarray(subset.fit.u), jnp.asarray(subset.fit.mode), seen
    )
    return statistics


@program("family", "statistic")
def _replicated(
    family: HypothesisFamily, statistic: Statistic, keys: Key[Array, "run"], u: Array, mode: Array, seen: Seen
) -> Array:
    """Statistics of simulated data, (run, draw, …)."""

    def run(entry: tuple[Array, Array, Array, Seen]) -> Array:
        key, own_u, own_mode, own = entry

        def one(draw: tuple[Array, Array, Array]) -> Array:
            own_key, at, of_mode = draw
            again = family.simulate(own_key, family.theta(at, of_mode), own)
            return statistic(*family.observed(again))

        flat = (own_u.reshape(-1, own_u.shape[-1]), own_mode.reshape(-1))
        statistics: Array = jax.lax.map(one, (jax.random.split(key, flat[1].shape[0]), *flat), batch_size=_AT_ONCE)
        return statistics

    statistics: Array = jax.lax.map(run, (keys, u, mode, seen))
    return statistics
