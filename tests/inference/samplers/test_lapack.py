"""No compiled program calls LAPACK twice at once, since two such calls can deadlock (see `small_systems`).

Laplace's approximation, with which SVI begins, computes eigenvectors of a curvature, but one after the other.
"""

from __future__ import annotations

import inspect
import re
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from inference import CesAltruism, Grid, HypothesisFamily, Nuts, Smc, evidence
from inference.continuous.hierarchy import Hierarchical
from inference.samplers.fit import Method
from inference.samplers.runs import as_arrays, fit_share
from inference.structured.new_places import _at

BASE = CesAltruism().fix(substitution=0.0, rationality=100.0, lapse=0.02)
CURRENCIES = Hierarchical(base=BASE, rows=3, places=(0.0, 0.5, 1.5), spread=1.0)
PLAIN_LAPACK = jax.jit(lambda a: (jnp.linalg.cholesky(a), jnp.linalg.solve(a, a)))


def lapack_calls(compiled: Any) -> list[str]:
    """Names of the LAPACK calls in a compiled program."""
    return re.findall(r'custom_call_target="(lapack\w*)"', compiled.as_text() or "")


@pytest.mark.skipif(jax.default_backend() != "cpu", reason="only a CPU has LAPACK")
def test_such_calls_are_found() -> None:
    assert len(lapack_calls(PLAIN_LAPACK.lower(jnp.eye(3)).compile())) >= 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "family"),
    [
        pytest.param(Grid(points=5), CesAltruism().fix(lapse=0.02), id="grid"),
        pytest.param(Smc(particles=64), CURRENCIES, id="smc"),
        pytest.param(Nuts(chains=2, warmup=10, draws=10), CURRENCIES, id="nuts"),
    ],
)
def test_a_method_calls_it_never(method: Method, family: HypothesisFamily) -> None:
    seen = as_arrays(family.arrange(evidence(np.full((3, 4), 10), np.full((3, 4), 3), True)))
    leaves, tree = jax.tree.flatten(seen)
    plain: Any = inspect.unwrap(fit_share)
    program = jax.jit(lambda keys, leaves: plain(method, family, keys, jax.tree.unflatten(tree, leaves)))
    keys = jax.random.split(jax.random.key(0), leaves[0].shape[0])
    assert not lapack_calls(program.lower(keys, leaves).compile())


def test_new_places_call_it_never() -> None:
    u, z = jnp.zeros((60, 1, 400, CURRENCIES.dimension)), jnp.zeros((60, 1, 400, BASE.dimension))
    plain: Any = inspect.unwrap(_at)
    assert not lapack_calls(jax.jit(plain, static_argnums=0).lower(CURRENCIES, u, z, jnp.asarray(0.7)).compile())
