r"""Simulation-based calibration: does a method return the posterior of a family?

A thousand times, a truth is drawn from the prior, data are simulated from the truth, and the posterior is computed from
the data. If the posterior is correct, the rank of the truth among its draws is uniform (Talts et al. 2018,
arXiv:1804.06788). So is the rank of any number that is computed from truth, draws and data (Modrák et al. 2023,
arXiv:2211.02383). The same replications measure recovery: the correlation of estimates with truths, and the coverage of
intervals.

All replications are one compiled program, spread over the devices.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from jaxtyping import Array, Float, Int, Key

from envs.plugins import Registry
from inference.checks.envelope import LEVELS, envelope
from inference.continuous.family import HypothesisFamily, Seen
from inference.samplers.compiled import program
from inference.samplers.fit import Fit, Method, redraw
from inference.samplers.grid import Grid
from inference.samplers.laplace import Laplace
from inference.samplers.nuts import Nuts
from inference.samplers.runs import as_arrays, one_by_one
from inference.samplers.sharded import share_out
from inference.samplers.smc import Smc
from inference.samplers.svi import Svi
from inference.samplers.target import Target

CALIBRATION_METHODS: Registry[Method] = Registry(
    "method",
    "scai_irl.methods",
    Method,
    {
        "grid": Grid(points=41),
        "nuts": Nuts(chains=1, warmup=400, draws=99, thin=6, target_accept=0.9),
        "smc": Smc(populations=1, particles=600),
        "laplace": Laplace(draws=400, steps=40),
        "svi": Svi(fits=1, steps=1_000, draws=400),
        "svi-mean-field": Svi(guide="mean-field", fits=1, steps=1_000, draws=400),
    },
)
"""Methods by name, with settings for small data sets; methods of plug-ins have their usual settings."""

_MANY_PARAMETERS, _MORE_STEPS = 10, 16
_DRAWS = 99  # draws of each posterior, so ranks are 0..99
_CHUNKS = 10
_TAIL = 0.05


class Ranks(NamedTuple):
    """Ranks and estimates of one replication, or of many.

    Attributes:
        rank: Rank of each true number among the draws, in (0, 1); ties are broken at random.
        truth: The true numbers.
        mean: Posterior means.
        low: Lower ends of 90 % intervals.
        high: Upper ends.
        diverging: Number of divergent steps.
    """

    rank: dict[str, Array]
    truth: dict[str, Array]
    mean: dict[str, Array]
    low: dict[str, Array]
    high: dict[str, Array]
    diverging: Array


@dataclass(frozen=True)
class Calibration:
    """A family and a method, calibrated.

    Attributes:
        family: The hypotheses.
        method: The method.
        ranks: Rank of every truth, (replication,) by number.
        table: A row for each number: ``ratio`` (largest deviation of the ranks' distribution from uniform, divided by
            the envelope's width), ``inside`` (whether it is at most 1), ``correlation`` of posterior means with truths,
            ``coverage`` of 90 % intervals.
        divergences: Number of divergent steps over all replications.
    """

    family: HypothesisFamily
    method: Method
    ranks: dict[str, Float[np.ndarray, "replication"]]
    table: pd.DataFrame
    divergences: int

    @property
    def passed(self) -> bool:
        """Whether the ranks of all numbers are inside the envelope."""
        return bool(self.table["inside"].all())

    @property
    def worst(self) -> float:
        """Largest deviation, divided by the envelope's width."""
        return float(self.table["ratio"].max())


def calibrate(
    family: HypothesisFamily,
    design: Any,
    method: Method,
    key: Key[Array, ""],
    replications: int = 1_000,
    on_steps: Callable[[int, int], None] | None = None,
) -> Calibration:
    """Calibrate a method for a family.

    Args:
        family: The hypotheses.
        design: Data of one run; choices are drawn anew in every replication.
        method: The method; see `calibration_method` for suitable settings.
        key: Randomness.
        replications: Number of truths to draw.
        on_steps: Called as ``on_steps(done, all)``.

    Example:
        >>> from inference.continuous.registry import continuous_family
        >>> entry = continuous_family("fehr-schmidt")
        >>> two = entry.family.fix(rationality=30.0, lapse=0.05)
        >>> found = calibrate(two, entry.design(), Grid(points=15), jax.random.key(0), replications=20)
        >>> found.table["number"].tolist()
        ['alpha', 'beta']
    """
    seen = jax.tree.map(lambda leaf: leaf[0], as_arrays(family.arrange(design)))
    keys = jax.random.split(key, replications)
    chunk = -(-replications // _CHUNKS) if on_steps else replications
    parts = []
    for start in range(0, replications, chunk):
        # All chunks have the same length, so one program serves all.
        which = np.minimum(np.arange(start, start + chunk), replications - 1)
        replicated = share_out(lambda own: _replicate(method, family, own, seen), keys[which])
        part = jax.tree.map(np.asarray, replicated)
        counted = slice(0, min(chunk, replications - start))
        parts.append(jax.tree.map(lambda leaf, counted=counted: leaf[counted], part))
        if on_steps:
            on_steps(min(start + chunk, replications), replications)
    collected: Ranks = jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts)
    ranks = {name: np.asarray(rank) for name, rank in collected.rank.items()}
    return Calibration(family, method, ranks, _table(collected), int(np.sum(collected.diverging)))


def calibration_method(name: str, family: HypothesisFamily) -> Method:
    """Choose a method with settings for a family's size: chains in many dimensions need more steps between draws.

    Args:
        name: Key in `CALIBRATION_METHODS`.
        family: The hypotheses.

    Example:
        >>> from inference.continuous.registry import continuous_family
        >>> calibration_method("nuts", continuous_family("subjects").family).thin
        16
    """
    method = CALIBRATION_METHODS[name]
    if isinstance(method, Nuts) and family.dimension > _MANY_PARAMETERS:
        return replace(method, thin=_MORE_STEPS)
    return method


@program("method", "family")
def _replicate(method: Method, family: HypothesisFamily, keys: Key[Array, "replication"], seen: Seen) -> Ranks:
    ranks: Ranks = one_by_one(lambda key: replicate(key, method, family, seen), keys)
    return ranks


def replicate(key: Key[Array, ""], method: Method, family: HypothesisFamily, seen: Seen) -> Ranks:
    """Draw a truth, its data and its posterior, and rank the truth."""
    key_truth, key_mode, key_data, key_fit, key_draws, key_ties = jax.random.split(key, 6)
    truth = jax.random.normal(key_truth, (family.dimension,))
    true_mode = jax.random.categorical(key_mode, jnp.asarray(family.log_mode_prior))
    simulated = family.simulate(key_data, family.theta(truth, true_mode), seen)
    summary = family.summarise(simulated)
    fit = method.fit(key_fit, Target(family, summary))
    u, mode = spread_draws(key_draws, fit, _DRAWS)

    def numbers(at: Float[Array, "dim"], of_mode: Int[Array, ""]) -> dict[str, Array]:
        named = dict(zip(family.monitored_names, family.monitored(at, summary), strict=True))
        return named | ({family.mode_name: 1.0 * of_mode} if family.mode_name else {})

    true = numbers(truth, true_mode)
    samples = jax.vmap(numbers)(u, mode)
    ties = jax.random.uniform(key_ties)

    def rank(name: str) -> Array:
        below, equal = jnp.sum(samples[name] < true[name]), jnp.sum(samples[name] == true[name])
        return (below + ties * (equal + 1)) / (_DRAWS + 1)

    return Ranks(
        {name: rank(name) for name in true},
        true,
        {name: jnp.mean(values) for name, values in samples.items()},
        {name: jnp.quantile(values, _TAIL) for name, values in samples.items()},
        {name: jnp.quantile(values, 1 - _TAIL) for name, values in samples.items()},
        jnp.sum(fit.stats.get("diverging", jnp.zeros(1))).astype(jnp.int32),
    )


def spread_draws(key: Key[Array, ""], fit: Fit, draws: int) -> tuple[Float[Array, "draw dim"], Int[Array, "draw"]]:
    """Select draws that are far apart in a chain, or by weight if draws have weights."""
    count = fit.mode.shape[0] * fit.mode.shape[1]
    if fit.u.shape[0] == 1 and not fit.stats.keys() & {"diverging", "stages"}:
        return redraw(key, fit, draws)
    which = jnp.asarray(np.linspace(0, count - 1, draws).round().astype(int))
    if "stages" in fit.stats:  # particles that were resampled from the same particle are neighbours
        which = jax.random.permutation(key, count)[:draws]
    return fit.u.reshape(count, -1)[which], fit.mode.reshape(-1)[which]


def _table(ranked: Ranks) -> pd.DataFrame:
    rows = []
    replications = len(next(iter(ranked.rank.values())))
    allowed = envelope(replications, len(ranked.rank))
    for name, rank in ranked.rank.items():
        cumulative = np.searchsorted(np.sort(rank), LEVELS, side="right") / replications
        ratio = float(np.max(np.abs(cumulative - LEVELS) / allowed))
        truth, mean = ranked.truth[name], ranked.mean[name]
        varies = np.std(truth) > 0 and np.std(mean) > 0
        rows.append(
            {
                "number": name,
                "ratio": ratio,
                "inside": ratio <= 1,
                "correlation": float(np.corrcoef(truth, mean)[0, 1]) if varies else np.nan,
                "coverage": float(np.mean((truth >= ranked.low[name]) & (truth <= ranked.high[name]))),
            }
        )
    return pd.DataFrame(rows)
