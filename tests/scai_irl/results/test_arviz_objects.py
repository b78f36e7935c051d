"""The installed ArviZ summarises and plots every exported posterior."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import jax
import matplotlib as mpl
import numpy as np
import pytest
import xarray as xr

import scai_irl as si
from inference import CONTINUOUS_FAMILIES, FAMILIES, arviz_compat, evidence, infer
from inference.continuous.family import HypothesisFamily
from inference.samplers.fit import Method, from_coordinates
from inference.samplers.grid import Grid
from inference.samplers.laplace import Laplace
from inference.samplers.nuts import Nuts
from inference.samplers.posterior import SampledPosterior
from inference.samplers.runs import number_of_runs
from inference.samplers.smc import Smc
from inference.samplers.svi import Svi
from scai_irl.testing.family_laws import family

SEEN = ([10, 10, 20], [5, 4, 9], [True, True, True])


def check_in_arviz(exported: Any) -> None:
    """Summarise and plot, and check that every data variable is a number and every row has a label."""
    mpl.use("Agg")
    az = arviz_compat.arviz()
    draws = arviz_compat.group(exported, "posterior")
    assert all(values.dtype.kind in "biufc" for values in draws.data_vars.values())
    assert set(draws.dims) <= set(draws.coords)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of numbers that do not vary
        summary = az.summary(exported)
        az.plot_forest(exported)
        mpl.pyplot.close("all")
    assert len(summary) == sum(
        values.size // values.sizes["draw"] // values.sizes["chain"] for values in draws.values()
    )
    assert np.isfinite(summary["mean"].to_numpy(float)).all()
    assert si.plot_posterior(exported).axes


@pytest.mark.parametrize("name", FAMILIES)
def test_every_set_of_hypotheses(name: str) -> None:
    posterior = infer(family(name), evidence(*SEEN))
    check_in_arviz(posterior.to_arviz(jax.random.key(0), 100))


@pytest.mark.parametrize("name", CONTINUOUS_FAMILIES)
def test_every_family(name: str) -> None:
    """A sample of the prior has the same variables as one of the posterior, and needs no fit."""
    posterior = prior_sample(CONTINUOUS_FAMILIES[name].family, CONTINUOUS_FAMILIES[name].design())
    check_in_arviz(posterior.to_arviz(draws=50))
    assert si.plot_posterior(posterior).axes


def prior_sample(hypotheses: HypothesisFamily, data: Any) -> SampledPosterior:
    """Two chains of draws from the prior, in the place of a posterior of every run."""
    arranged = hypotheses.arrange(data)
    shape = (number_of_runs(arranged), 2, 25)
    generator = np.random.default_rng(0)
    modes = len(hypotheses.mode_labels)
    fit = from_coordinates(
        generator.normal(size=(*shape, hypotheses.dimension)).astype(np.float32),
        np.full(shape, -np.log(shape[1] * shape[2])),
    )._replace(mode=generator.integers(modes, size=shape), mode_chance=np.full((*shape, modes), 1 / modes))
    return SampledPosterior(hypotheses, Nuts(), fit, arranged, data)


@pytest.mark.slow
@pytest.mark.parametrize(
    "method",
    [
        Grid(points=11),
        Laplace(starts=1, steps=5, draws=40),
        Nuts(warmup=20, draws=20),
        Smc(particles=40, sweeps=1),
        Svi(steps=20, draws=20),
    ],
    ids=lambda method: method.name,
)
def test_every_method(method: Method) -> None:
    """A poor fit is enough."""
    entry = CONTINUOUS_FAMILIES["fehr-schmidt"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        posterior = infer(entry.family, entry.design(), method=method, allow_disagreement=True)
    check_in_arviz(posterior.to_arviz(draws=50))
    assert si.plot_posterior(posterior).axes


def test_text_in_an_older_file_becomes_a_coordinate(tmp_path: Path) -> None:
    norm = np.array([[["fair"], ["selfish"], ["fair"], ["fair"]]])
    draws = xr.Dataset({"norm": (("chain", "draw", "run"), norm), "x": (("chain", "draw", "run"), np.ones((1, 4, 1)))})
    file = tmp_path / "posterior.nc"
    file.write_bytes(arviz_compat.netcdf(xr.DataTree.from_dict({"/posterior": draws})))
    read = arviz_compat.group(arviz_compat.load(file), "posterior")
    assert list(read.data_vars) == ["x"]
    assert read["norm"].to_numpy().tolist() == norm.tolist()


def test_posteriors_of_an_experiment(finished: Path) -> None:
    check_in_arviz(si.load(finished).posterior)
