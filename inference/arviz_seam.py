"""The one place that knows which ArviZ is installed.

ArviZ 0.23 keeps results as an `InferenceData`, 1.x as an xarray `DataTree`. Results are written as NetCDF groups by
xarray itself, so files from one version are read by the other.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import xarray as xr

_ENGINE: Literal["h5netcdf"] = "h5netcdf"


def arviz() -> Any:
    """Import ArviZ, without its notice that a major version is coming."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        import arviz as module  # noqa: PLC0415 - two seconds that most commands need not spend
    return module


def combine(groups: Mapping[str, xr.Dataset]) -> Any:
    """Make an ArviZ object from datasets by group name.

    Example:
        >>> drawn = xr.Dataset({"x": (("chain", "draw"), [[1.0, 2.0]])})
        >>> float(group(combine({"posterior": drawn}), "posterior")["x"].mean())
        1.5
    """
    az = arviz()
    if az.__version__.startswith("0."):
        return az.InferenceData(**groups)
    return xr.DataTree.from_dict({f"/{name}": dataset for name, dataset in groups.items()})


def group(result: Any, name: str) -> xr.Dataset:
    """Take one group out of an ArviZ object."""
    found = result[name]
    return found if isinstance(found, xr.Dataset) else found.to_dataset()


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
    """Make a NetCDF file in memory; the HDF5 library crashes where a disk fills up while it writes to it."""
    # A copy: a view of the buffer would outlive it where writing fails, of which Python complains.
    return bytes(data.to_netcdf(None, engine=_ENGINE))


def load(path: Path) -> Any:
    """Read an ArviZ object, all of it into memory, so that the file can be replaced."""
    with xr.open_datatree(path, engine=_ENGINE) as tree:
        groups = {str(name): child.to_dataset().load() for name, child in tree.children.items()}
    return combine(groups)
