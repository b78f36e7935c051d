"""Diagnostics of draws: agreement of chains, effective draws, divergences, and the fit of approximations."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from inference import arviz_compat

if TYPE_CHECKING:
    from inference.samplers.posterior import SampledPosterior

AGREE = 1.05
"""Largest R̂ at which chains count as agreeing; the recommended bound is 1.01 (Vehtari et al. 2021)."""

_TAILS = (0.05, 0.95)
_STILL_RISING = 4.0  # standard errors
_USUAL_LEVEL = 0.7  # above this Pareto k̂ the approximation's tails are too thin (Yao et al. 2018)


class DataWarning(UserWarning):
    """Warning about a property of the data that limits the posterior."""


class ChainsDisagreeError(RuntimeError):
    """Error for chains that disagree, whose draws are not a posterior.

    Attributes:
        posterior: The draws.
    """

    def __init__(self, message: str, posterior: SampledPosterior) -> None:
        self.posterior = posterior
        super().__init__(message)


@dataclass(frozen=True)
class Diagnostics:
    """Diagnostics of a posterior's draws.

    Attributes:
        table: A row for each coordinate of each run: ``r_hat``, ``ess_bulk``, ``ess_tail``.
        divergences: Number of divergent steps, by run; 0 for methods without steps.
        pareto_k: k̂ of the importance ratios p(u, D)/q(u) of methods with an approximation q, by run; NaN for others.
        elbo_rise: Largest late rise of the ELBO in its standard errors, by run; NaN without an ELBO.
        cells_per_deviation: Smallest standard deviation of the posterior along an axis of its grid, in cells, by run;
            NaN without a grid.
    """

    table: pd.DataFrame
    divergences: np.ndarray
    pareto_k: np.ndarray
    elbo_rise: np.ndarray
    cells_per_deviation: np.ndarray

    @property
    def worst(self) -> pd.Series[Any]:
        """The coordinate with the largest R̂."""
        return self.table.iloc[int(self.table["r_hat"].fillna(0).to_numpy().argmax())]

    def warnings(self) -> list[str]:
        """List the warnings, one line each."""
        lines = []
        worst = self.worst
        if worst["r_hat"] > AGREE:
            lines.append(f"R̂ of {worst['coordinate']} is {worst['r_hat']:.2f} in run {worst['run']}: chains disagree")
        if self.divergences.sum():
            lines.append(f"{int(self.divergences.sum())} steps diverged; increase target_accept")
        if (self.pareto_k > _USUAL_LEVEL).any():
            k = np.nanmax(self.pareto_k)
            lines.append(f"Pareto k̂ is {k:.2f}: the approximation is too narrow; use nuts or smc")
        if (self.cells_per_deviation < 1).any():
            lines.append("the grid's cells are wider than the posterior; give more points, or use nuts")
        if (self.elbo_rise > _STILL_RISING).any():
            lines.append("the ELBO still rose when the learning rate fell; give more steps")
        return lines


def diagnose(posterior: SampledPosterior) -> Diagnostics:
    """Compute R̂, effective draws, divergences, Pareto k̂ and the ELBO's rise, if the method has them."""
    az = arviz_compat.arviz()
    rows = []
    chains, draws = posterior.fit.u.shape[1:3]
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for run in range(posterior.runs):
            for name, of_runs in posterior.monitored.items():
                values = of_runs[run].astype(np.float64)
                independent = chains == 1
                rows.append(
                    {
                        "run": run,
                        "coordinate": name,
                        "r_hat": np.nan if independent else float(az.rhat(values)),
                        "ess_bulk": draws if independent else float(az.ess(values, method="bulk")),
                        "ess_tail": draws if independent else float(az.ess(values, method="tail", prob=_TAILS)),
                    }
                )
    stats, trace = posterior.fit.stats, posterior.fit.trace
    nothing = np.full(posterior.runs, np.nan)
    diverging = np.asarray(stats["diverging"]).sum(axis=(1, 2)) if "diverging" in stats else np.zeros(posterior.runs)
    rise = nothing
    if "elbo_rise" in trace:
        rise = np.max(np.asarray(trace["elbo_rise"]) / np.asarray(trace["elbo_rise_error"]), axis=1)
    cells = nothing
    if "cells_per_deviation" in trace:
        cells = np.asarray(trace["cells_per_deviation"]).min(axis=1)
    return Diagnostics(pd.DataFrame(rows), diverging, _pareto_k(posterior), rise, cells)


def check_agreement(posterior: SampledPosterior) -> None:
    """Refuse draws whose chains disagree.

    Raises:
        ChainsDisagreeError: If the R̂ of a coordinate is above `AGREE`.
    """
    if posterior.fit.u.shape[1] == 1:
        return
    names = list(posterior.monitored)
    largest = split_r_hat(np.stack(list(posterior.monitored.values()), axis=-1))
    if np.all(largest <= AGREE):
        return
    run, number = np.unravel_index(np.argmax(np.where(np.isnan(largest), np.inf, largest)), largest.shape)
    name = names[number]
    raise ChainsDisagreeError(
        f"chains disagree: R̂ of {name} is {largest[run, number]:.2f} in run {run}; give more warm-up, another method, "
        "or allow_disagreement=True to see the draws",
        posterior,
    )


def largest_r_hat(posterior: SampledPosterior) -> pd.Series[float]:
    """Compute the largest R̂ over runs of each monitored number (`split_r_hat`); NaN for a single chain."""
    names = list(posterior.monitored)
    if posterior.fit.u.shape[1] == 1:
        return pd.Series(np.nan, index=names)
    return pd.Series(split_r_hat(np.stack(list(posterior.monitored.values()), axis=-1)).max(axis=0), index=names)


def split_r_hat(u: np.ndarray) -> np.ndarray:
    """Compute R̂ of split chains for every run and number at once, from draws (run, chain, draw, number).

    √((n − 1)/n + B/(n W)) with B and W the variances between and within the halves of chains (Gelman et al. 2013, eq.
    11.4). Unlike ArviZ's, it uses no ranks, because whitened coordinates have normal tails. A constant number counts as
    agreeing.
    """
    half = u.shape[2] // 2
    halves = np.concatenate([u[:, :, :half], u[:, :, -half:]], axis=1).astype(np.float64)
    within = halves.var(axis=2, ddof=1).mean(axis=1)
    between = halves.mean(axis=2).var(axis=1, ddof=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        r_hat = np.sqrt((half - 1) / half + between / within)
    return np.where((within == 0) & (between == 0), 1.0, r_hat)


def _pareto_k(posterior: SampledPosterior) -> np.ndarray:
    proposal = np.asarray(posterior.fit.log_proposal)
    if np.isnan(proposal).any():
        return np.full(posterior.runs, np.nan)
    ratios = (np.asarray(posterior.fit.log_joint) - proposal).reshape(posterior.runs, -1)
    finite = np.where(np.isfinite(ratios), ratios, ratios[np.isfinite(ratios)].min(initial=0) - 100)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.array([arviz_compat.pareto_k(row) for row in finite])
