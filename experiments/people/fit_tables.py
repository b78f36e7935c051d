"""Tables of fits to people: estimates, comparisons, and fitted and observed choices."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from jaxtyping import Array, Float, Key

from envs.seeds import derive_key
from experiments.people.fits import FittedPeople
from inference.checks.loo import compare
from inference.checks.pointwise import observations, thinned
from inference.checks.predictive_check import predictive_check
from inference.continuous.family import HypothesisFamily
from inference.continuous.hierarchy import Hierarchical
from inference.continuous.one_shot import OneShotFamily
from inference.continuous.strategy_method import StrategyMethod
from inference.samplers.posterior import SampledPosterior

_LOW, _HIGH, _Z = 0.05, 0.95, 1.6449
_DRAWS, _NEW_PEOPLE = 200, 400
_PROBES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
_ROUNDING = 1e-5

REJECTED, OFFERED, MINIMUM = "rejection rate", "offers at most", "minimums at most"
"""Quantities that compare fits with people: the rejection rate of each offered share, and the shares of offers and of
minimum acceptable offers that are at most a given share."""


def estimates_table(fits: Sequence[FittedPeople]) -> pd.DataFrame:
    """Posterior mean and 90 % interval of every scalar parameter; for a hierarchy, those of the population."""
    rows = []
    for fit in fits:
        for name, values in fit.posterior.theta.items():
            if values.ndim == 3:
                low, high = fit.posterior.interval(name)[0]
                row = {"family": fit.family, "pooling": fit.pooling, "parameter": name}
                rows.append(row | {"mean": float(fit.posterior.mean(name)[0]), "low": float(low), "high": float(high)})
    return pd.DataFrame(rows)


def comparison_table(fits: Sequence[FittedPeople], *, people: bool = False) -> pd.DataFrame:
    """Rank fits by cross-validation; also give the largest R̂ of a coordinate.

    Args:
        fits: Fits to the same choices.
        people: Whether to leave out people instead of choices.
    """
    ranked = compare({fit.name: fit.loo_people if people else fit.loo for fit in fits})
    by_name = {fit.name: fit for fit in fits}
    ranked["largest_r_hat"] = [by_name[name].largest_r_hat for name in ranked.index]
    return ranked.reset_index().rename(columns={"name": "model"})


def fit_table(choices: pd.DataFrame, fits: Sequence[FittedPeople], seed: int) -> pd.DataFrame:
    """Compute observed and fitted quantities at each offered share.

    Rejection rates of a hierarchy are those of its population, that is, of people who were not seen. All intervals are
    90 %. Those of observed quantities are by Wilson (1927), those of fitted rejection rates over draws from the
    posterior, and those of the other fitted quantities over simulated data.

    Returns:
        Columns ``family``, ``pooling``, ``quantity``, ``share``, ``choices``, ``observed``, ``observed_low``,
        ``observed_high``, ``fitted``, ``fitted_low``, ``fitted_high``, ``difference`` (absolute).
    """
    parts = []
    answers = choices[choices["accepted"].notna()]
    for fit in fits:
        key = derive_key(seed, "human-norms", fit.family, fit.pooling, "fit")
        if len(answers):
            parts.append(_compared(fit, *_rejections(answers, fit.posterior, key)))
        if (choices["offer"].notna() & choices["accepted"].isna()).any():
            parts.append(_compared(fit, *_distribution(choices, fit.posterior, key, OFFERED)))
        if choices["minimum"].notna().any():
            parts.append(_compared(fit, *_distribution(choices, fit.posterior, key, MINIMUM)))
    return pd.concat(parts, ignore_index=True)


def population_rejections(
    posterior: SampledPosterior, shares: Float[np.ndarray, "share"], key: Key[Array, ""], draws: int = _DRAWS
) -> Float[np.ndarray, "draw share"]:
    """Rejection rate of offered shares, at draws from the posterior of one run.

    For a hierarchy it is the mean over people who are drawn anew from the population of that draw.

    Raises:
        TypeError: If the family is neither a one-shot family nor a hierarchy of one.
    """
    family = posterior.family
    _one_shot(family)
    key_draws, key_people = jax.random.split(key)
    u = jnp.asarray(thinned(posterior, draws, key_draws).fit.u)[0]
    keys = jax.random.split(key_people, u.shape[0] * u.shape[1])
    return np.asarray(_rejections_at(family, u.reshape(-1, u.shape[-1]), keys, jnp.asarray(shares, jnp.float32)))


def _one_shot(family: HypothesisFamily) -> OneShotFamily:
    base = family.base if isinstance(family, Hierarchical) else family
    if not isinstance(base, OneShotFamily):
        raise TypeError(f"{type(base).__name__} does not model answers to single offers")
    return base


@functools.partial(jax.jit, static_argnames="family")
def _rejections_at(
    family: HypothesisFamily, u: Float[Array, "draw dim"], keys: Key[Array, "draw"], shares: Float[Array, "share"]
) -> Float[Array, "draw share"]:
    base = _one_shot(family)

    def of_person(place: Array) -> Array:
        table = base.at(base.theta(place), shares[None], jnp.ones((1, shares.shape[0]), bool), False)
        return jnp.exp(table.reject[0])

    def of_draw(entry: tuple[Array, Array]) -> Array:
        own, key = entry
        if not isinstance(family, Hierarchical):
            return of_person(own)
        place, spread = family.population(own)
        people = place + spread * jax.random.normal(key, (_NEW_PEOPLE, place.shape[0]))
        return jax.vmap(of_person)(people).mean(axis=0)

    rejections: Array = jax.lax.map(of_draw, (u, keys))
    return rejections


def _rejections(
    answers: pd.DataFrame, posterior: SampledPosterior, key: Key[Array, ""]
) -> tuple[str, pd.DataFrame, np.ndarray]:
    rejected = 1.0 - answers["accepted"].astype(float)
    counts = rejected.groupby(answers["offered_share"]).agg(["sum", "size"])
    shares = counts.index.to_numpy(float)
    return REJECTED, counts, population_rejections(posterior, shares, key)


def _distribution(
    choices: pd.DataFrame, posterior: SampledPosterior, key: Key[Array, ""], quantity: str
) -> tuple[str, pd.DataFrame, np.ndarray]:
    """Cumulative counts of offers, or of minimums, at some shares, observed and simulated."""
    if quantity == OFFERED:
        shares = choices["offered_share"][choices["offer"].notna() & choices["accepted"].isna()].to_numpy(float)
    else:
        shares = (choices["minimum"].astype(float) / choices["stake"]).dropna().to_numpy(float)
    below = [int((shares <= probe + _ROUNDING).sum()) for probe in _PROBES]
    counts = pd.DataFrame({"sum": below, "size": len(shares)}, index=pd.Index(_PROBES))
    at_most = functools.partial(_at_most, jnp.asarray(_places(posterior, quantity)))
    return quantity, counts, predictive_check(posterior, key, at_most, _DRAWS).replicated[0]


def _places(posterior: SampledPosterior, quantity: str) -> Float[np.ndarray, "observation"]:
    """Mask of a fit's observations that are offers, or minimums; offers stand before answers, by person."""
    observed = observations(posterior)[0].shape[1]
    family = posterior.family
    if isinstance(family, StrategyMethod):
        parts = np.zeros((4, observed // 4), np.float32)  # offers, unseen answers, minimums, unseen answers
        parts[0 if quantity == OFFERED else 2] = 1
        return parts.reshape(-1)
    people = family.rows if isinstance(family, Hierarchical) else 1
    places = np.zeros((people, 2, observed // (2 * people)), np.float32)
    places[:, 0] = 1
    return places.reshape(-1)


def _at_most(places: Array, values: Array, was_seen: Array) -> Array:
    """Number of masked observations that are at most each of `_PROBES`."""
    counted = places * was_seen
    at_most = values[:, None] <= jnp.asarray(_PROBES) + _ROUNDING
    return jnp.sum(at_most * counted[:, None], axis=0) / jnp.sum(counted)


def _compared(fit: FittedPeople, quantity: str, counts: pd.DataFrame, fitted: np.ndarray) -> pd.DataFrame:
    happened, size = counts["sum"].to_numpy(float), counts["size"].to_numpy(float)
    observed = happened / size
    low, high = np.quantile(fitted, [_LOW, _HIGH], axis=0)
    centre = (happened + _Z**2 / 2) / (size + _Z**2)
    half_width = _Z * np.sqrt(happened * (1 - observed) + _Z**2 / 4) / (size + _Z**2)
    return pd.DataFrame(
        {
            "family": fit.family,
            "pooling": fit.pooling,
            "quantity": quantity,
            "share": counts.index.to_numpy(float),
            "choices": size.astype(int),
            "observed": observed,
            "observed_low": centre - half_width,
            "observed_high": centre + half_width,
            "fitted": fitted.mean(axis=0),
            "fitted_low": low,
            "fitted_high": high,
            "difference": np.abs(fitted.mean(axis=0) - observed),
        }
    )
