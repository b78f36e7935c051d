"""Results survive being written and read under the installed ArviZ."""

from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from inference import DiscretePosterior, arviz_compat, infer, uniform_posterior
from tests.inference.data import FAMILY_NAMES, family, random_evidence

DRAWS = 200


def posterior_of(name: str) -> DiscretePosterior:
    return infer(family(name), random_evidence(0))


def assert_same_groups(actual: Any, expected: Any) -> None:
    assert arviz_compat.group_names(actual) == arviz_compat.group_names(expected)
    for name in arviz_compat.group_names(expected):
        read, written = arviz_compat.group(actual, name), arviz_compat.group(expected, name)
        assert set(read) == set(written)
        for variable in written:
            assert read[variable].dims == written[variable].dims
            np.testing.assert_array_equal(read[variable].values, written[variable].values)


@pytest.mark.parametrize("name", FAMILY_NAMES)
def test_an_export_is_read_as_it_was_written(name: str, tmp_path: Path) -> None:
    exported = posterior_of(name).to_arviz(jax.random.key(0), DRAWS)
    (tmp_path / "posterior.nc").write_bytes(arviz_compat.to_netcdf(exported))
    assert_same_groups(arviz_compat.load(tmp_path / "posterior.nc"), exported)


def test_a_file_can_be_replaced_while_its_contents_are_in_use(tmp_path: Path) -> None:
    path = tmp_path / "posterior.nc"
    exported = posterior_of("named-norms").to_arviz(jax.random.key(0), DRAWS)
    path.write_bytes(arviz_compat.to_netcdf(exported))
    loaded = arviz_compat.load(path)
    path.write_bytes(arviz_compat.to_netcdf(loaded))
    assert_same_groups(arviz_compat.load(path), exported)


@pytest.mark.parametrize("name", FAMILY_NAMES)
def test_an_export_holds_draws_probabilities_and_data(name: str) -> None:
    posterior = posterior_of(name)
    exported = posterior.to_arviz(jax.random.key(0), DRAWS)
    assert set(arviz_compat.group_names(exported)) == {"posterior", "constant_data", "observed_data"}
    draws = arviz_compat.group(exported, "posterior")
    assert dict(draws.sizes) == {"chain": 1, "draw": DRAWS, "run": posterior.runs}
    index = draws["hypothesis"].values[0].T
    np.testing.assert_array_equal(index, posterior.sample(jax.random.key(0), DRAWS))
    for coordinate, values in posterior.hypotheses.coordinates().items():
        np.testing.assert_array_equal(draws[coordinate].values[0].T, values[index])
    exact = arviz_compat.group(exported, "constant_data")
    np.testing.assert_array_equal(exact["probability"], posterior.probabilities)
    assert posterior.data is not None
    np.testing.assert_array_equal(arviz_compat.group(exported, "observed_data")["offer"], posterior.data.offer)


def test_a_prior_is_exported_without_data() -> None:
    exported = uniform_posterior(family("named-norms"), runs=2).to_arviz(jax.random.key(0), DRAWS)
    assert set(arviz_compat.group_names(exported)) == {"posterior", "constant_data"}


def test_arviz_summarises_an_export() -> None:
    posterior = posterior_of("norm-mixtures")
    exported = posterior.to_arviz(jax.random.key(0), 4_000)
    summary = arviz_compat.arviz().summary(exported, var_names=["weight_selfish"], kind="stats", round_to="none")
    # 4,000 draws of a number in [0, 1] put the mean within 5 of its standard errors, at most .04.
    np.testing.assert_allclose(summary["mean"].astype(float), posterior.mean("weight_selfish"), atol=0.04)
