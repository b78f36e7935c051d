"""Compatibility with ArviZ 0.23 and 1.x.

ArviZ 0.23 stores results as an `InferenceData`, 1.x as an xarray `DataTree`. Results are written as NetCDF groups by
xarray, so each version reads the other's files.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import xarray as xr

_ENGINE: Literal["h5netcdf"] = "h5netcdf"


def arviz() -> Any:
    """Import ArviZ without its notice about the next major version."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        import arviz as module  # noqa: PLC0415 - two seconds that most commands need not spend
    return module


def pareto_k(log_ratios: np.ndarray) -> float:
    """Estimate the shape k̂ of the generalised Pareto tail of importance ratios (Vehtari et al. 2024).

    Example:
        >>> draws = np.random.default_rng(0).normal(size=4000)
        >>> pareto_k(0.1 * draws) < 0.5
        True
    """
    az = arviz()
    if az.__version__.startswith("0."):
        return float(np.asarray(az.psislw(log_ratios)[1]))
    from arviz_stats.base import array_stats  # noqa: PLC0415 - ArviZ 1.x alone has it

    return float(np.asarray(array_stats.psislw(-log_ratios)[1]))


def psis_loo(log_likelihood: np.ndarray, relative_efficiency: float) -> tuple[np.ndarray, np.ndarray]:
    """Log predictive density of each observation given all others, by ArviZ's Pareto-smoothed importance sampling.

    Args:
        log_likelihood: Log-likelihoods at draws from the posterior given all observations, (draw, observation).
        relative_efficiency: Effective draws per draw.

    Returns:
        log p(y_i | y_−i) and Pareto k̂ of each observation (Vehtari, Gelman & Gabry 2017, eq. 10).

    Example:
        >>> elpd, k = psis_loo(np.full((400, 1), -0.5) + 0.01 * np.random.default_rng(0).normal(size=(400, 1)), 1.0)
        >>> elpd.round(1).tolist(), bool(k[0] < 0.7)
        ([-0.5], True)
    """
    smoothed = [_smoothed_weights(np.asarray(own, np.float64), relative_efficiency) for own in log_likelihood.T]
    elpd = [np.logaddexp.reduce(weight + own) for (weight, _), own in zip(smoothed, log_likelihood.T, strict=True)]
    return np.array(elpd), np.array([k for _, k in smoothed])


def _smoothed_weights(log_likelihood: np.ndarray, relative_efficiency: float) -> tuple[np.ndarray, float]:
    """Normalised log weights of one observation, and k̂; if the largest weights are all equal, there is no tail."""
    draws = len(log_likelihood)
    tail = int(np.ceil(min(draws / 5, 3 * np.sqrt(draws / relative_efficiency)))) + 1
    if np.ptp(np.sort(log_likelihood)[:tail]) == 0:  # ArviZ 1.x refuses these, 0.23 returns an infinite k̂
        return -log_likelihood - np.logaddexp.reduce(-log_likelihood), 0.0
    az = arviz()
    if az.__version__.startswith("0."):
        log_weight, k = az.psislw(-log_likelihood, relative_efficiency)
    else:
        from arviz_stats.base import array_stats  # noqa: PLC0415 - ArviZ 1.x alone has it

        log_weight, k = array_stats.psislw(log_likelihood, r_eff=relative_efficiency)
    return np.asarray(log_weight), float(np.asarray(k))


def effective_draws_of_mean(values: np.ndarray) -> float:
    """Effective number of draws for the mean, from draws (chain, draw)."""
    return float(np.asarray(arviz().ess(np.asarray(values, np.float64), method="mean")))


def combine(groups: Mapping[str, xr.Dataset]) -> Any:
    """Make an ArviZ object from datasets by group name.

    Text becomes coordinates, because ArviZ treats every data variable as a number.

    Example:
        >>> drawn = xr.Dataset({"x": (("chain", "draw"), [[1.0, 2.0]])})
        >>> float(group(combine({"posterior": drawn}), "posterior")["x"].mean())
        1.5
    """
    az = arviz()
    numeric = {name: _text_as_coordinates(dataset) for name, dataset in groups.items()}
    if az.__version__.startswith("0."):
        return az.InferenceData(**numeric)
    return xr.DataTree.from_dict({f"/{name}": dataset for name, dataset in numeric.items()})


def _text_as_coordinates(dataset: xr.Dataset) -> xr.Dataset:
    return dataset.set_coords([name for name, values in dataset.data_vars.items() if values.dtype.kind not in "biufc"])


def group(result: Any, name: str) -> xr.Dataset:
    """Take one group out of an ArviZ object."""
    dataset = result[name]
    return dataset if isinstance(dataset, xr.Dataset) else dataset.to_dataset()


def group_names(result: Any) -> list[str]:
    """List the groups of an ArviZ object."""
    if isinstance(result, xr.DataTree):
        return list(result.children)
    return [str(name) for name in result.groups()]


def to_netcdf(result: Any) -> bytes:
    """Make a NetCDF file of an ArviZ object, with a group for each of its groups.

    Example:
        >>> drawn = xr.Dataset({"x": (("chain", "draw"), [[1.0, 2.0]])})
        >>> to_netcdf(combine({"posterior": drawn}))[1:4]
        b'HDF'
    """
    groups = {f"/{name}": group(result, name) for name in group_names(result)}
    return netcdf(xr.DataTree.from_dict(groups))


def netcdf(data: xr.Dataset | xr.DataTree) -> bytes:
    """Make a NetCDF file in memory, because the HDF5 library crashes if the disk becomes full."""
    # A copy, because a view would outlive the buffer if writing fails.
    return bytes(data.to_netcdf(None, engine=_ENGINE))


def load(path: Path) -> Any:
    """Read a whole ArviZ object into memory, so that its file can be replaced."""
    with xr.open_datatree(path, engine=_ENGINE) as tree:
        groups = {str(name): child.to_dataset().load() for name, child in tree.children.items()}
    return combine(groups)
