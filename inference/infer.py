"""Inference, and its methods by name: this project's own, and those of plug-ins.

The entry-point group for methods for continuous families is ``scai_irl.methods``, and for finitely many hypotheses
``scai_irl.discrete_methods``.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, overload

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from envs.plugins import Registry
from envs.seeds import keys_of_runs
from inference.checks.diagnostics import DataWarning, check_agreement
from inference.continuous.family import HypothesisFamily
from inference.discrete.evidence import Evidence
from inference.discrete.exact import Prior, exact
from inference.discrete.hypotheses import Hypotheses
from inference.discrete.posterior import DiscretePosterior
from inference.samplers.fit import Method
from inference.samplers.grid import Grid
from inference.samplers.laplace import Laplace
from inference.samplers.nuts import Nuts
from inference.samplers.posterior import SampledPosterior
from inference.samplers.resumable import OnSteps, run_in_chunks
from inference.samplers.runs import as_arrays, fit_runs, number_of_runs, update_runs
from inference.samplers.smc import Smc
from inference.samplers.svi import Svi

DiscreteMethod = Callable[[Hypotheses, Evidence, Prior, Key[Array, ""] | None], DiscretePosterior]

METHODS: Registry[DiscreteMethod] = Registry("method", "scai_irl.discrete_methods", Callable, {"exact": exact})
"""Methods for finitely many hypotheses, by name."""

CONTINUOUS_METHODS: Registry[Method] = Registry(
    "method",
    "scai_irl.methods",
    Method,
    {
        "grid": Grid(),
        "nuts": Nuts(),
        "smc": Smc(),
        "laplace": Laplace(),
        "svi": Svi(),
        "svi-mean-field": Svi(guide="mean-field"),
    },
)
"""Methods for continuous families, by name, with their usual settings."""

_LARGEST_GRID, _LARGEST_NUTS = 2, 1_000


def default_method(family: HypothesisFamily) -> Method:
    """Choose a method by a family's dimension: a grid up to 2 parameters, NUTS up to 1,000, SVI beyond.

    Families that declare several separate modes get SMC instead of NUTS.

    Example:
        >>> from inference.continuous.one_shot import FehrSchmidt
        >>> default_method(FehrSchmidt()).name, default_method(FehrSchmidt().fix(rationality=50.0, lapse=0.1)).name
        ('nuts', 'grid')
    """
    if family.dimension <= _LARGEST_GRID:
        return CONTINUOUS_METHODS["grid"]
    if family.separate_modes:
        return CONTINUOUS_METHODS["smc"]
    return CONTINUOUS_METHODS["nuts" if family.dimension <= _LARGEST_NUTS else "svi"]


@overload
def infer(
    hypotheses: Hypotheses,
    data: Evidence,
    prior: Prior = None,
    key: Key[Array, ""] | None = None,
    method: str | None = None,
) -> DiscretePosterior: ...


@overload
def infer(
    hypotheses: HypothesisFamily,
    data: Any,
    prior: SampledPosterior | None = None,
    key: Key[Array, ""] | None = None,
    method: str | Method | None = None,
    *,
    allow_disagreement: bool = False,
    on_steps: OnSteps | None = None,
    checkpoint: Path | None = None,
) -> SampledPosterior: ...


def infer(
    hypotheses: Hypotheses | HypothesisFamily,
    data: Any,
    prior: Any = None,
    key: Key[Array, ""] | None = None,
    method: str | Method | None = None,
    *,
    allow_disagreement: bool = False,
    on_steps: OnSteps | None = None,
    checkpoint: Path | None = None,
) -> DiscretePosterior | SampledPosterior:
    """Compute the posterior over hypotheses about the users' policy.

    Args:
        hypotheses: Finitely many hypotheses, or a continuous family.
        data: Observations of one run or many.
        prior: An earlier posterior, for a sequential update; for finitely many hypotheses also their probabilities;
            None for the hypotheses' own prior. A continuous family's prior is changed by
            `HypothesisFamily.with_priors`.
        key: Randomness of the methods that need it; key 0 unless given.
        method: Name in `METHODS` or `CONTINUOUS_METHODS`, or a method object with its settings; None for exact
            enumeration, or for the choice of `default_method`.
        allow_disagreement: Whether to return a posterior with chains that disagree, instead of an error.
        on_steps: Called as ``on_steps(done, all)`` while a sampler runs.
        checkpoint: File with a sampler's state, from which an interrupted run resumes.

    Raises:
        ValueError: If the method is unknown, or the data or prior do not fit.
        ChainsDisagreeError: If the chains disagree; the posterior is an attribute of the error.

    Example:
        >>> from inference import evidence, named_norms
        >>> seen = evidence(stake=[40], offer=[39], accepted=[True])
        >>> infer(named_norms(), seen).norm_probabilities.round(2).tolist()
        [[0.0, 0.0, 1.0]]
    """
    if not isinstance(hypotheses, HypothesisFamily):
        return _infer_discrete(hypotheses, data, prior, key, method)
    chosen = _continuous_method(hypotheses, method)
    if prior is not None and not isinstance(prior, SampledPosterior):
        raise ValueError("prior: give an earlier posterior of the family, or change its prior with `with_priors`")
    posterior = _infer_continuous(hypotheses, data, prior, key, chosen, on_steps, checkpoint)
    if not allow_disagreement:
        check_agreement(posterior)
    return posterior


def _infer_discrete(
    hypotheses: Hypotheses, data: Evidence, prior: Prior, key: Key[Array, ""] | None, method: str | Method | None
) -> DiscretePosterior:
    name = "exact" if method is None else method
    if not isinstance(name, str) or name not in METHODS:
        raise ValueError(f"unknown method {name!r} for finitely many hypotheses; there are {', '.join(METHODS)}")
    return METHODS[name](hypotheses, data, prior, key)


def _continuous_method(family: HypothesisFamily, method: str | Method | None) -> Method:
    if isinstance(method, Method):
        return method
    if method is None:
        return default_method(family)
    if method not in CONTINUOUS_METHODS:
        there = ", ".join(CONTINUOUS_METHODS)
        raise ValueError(f"unknown method {method!r} for a continuous family; there are {there}")
    return CONTINUOUS_METHODS[method]


def _infer_continuous(
    family: HypothesisFamily,
    data: Any,
    prior: SampledPosterior | None,
    key: Key[Array, ""] | None,
    method: Method,
    on_steps: OnSteps | None,
    checkpoint: Path | None,
) -> SampledPosterior:
    if prior is not None:
        if prior.family != family:
            raise ValueError("prior: the earlier posterior is over another family")
        data = prior.data.followed_by(data)
    arranged = family.arrange(data)
    cautions = tuple(family.cautions(arranged))
    for caution in cautions:
        warnings.warn(f"data: {caution}", DataWarning, stacklevel=3)
    seen, runs = as_arrays(arranged), number_of_runs(arranged)
    keys = keys_of_runs(jax.random.key(0) if key is None else key, jnp.arange(runs))
    if prior is not None and isinstance(method, Smc):
        earlier = as_arrays(family.arrange(prior.data))
        fit = update_runs(method, family, keys, seen, earlier, prior.fit)
    elif isinstance(method, Nuts):
        fit = run_in_chunks(method, family, keys, seen, on_steps, checkpoint)
    else:
        fit = fit_runs(method, family, keys, seen)
    return SampledPosterior(family, method, jax.tree.map(np.asarray, fit), arranged, data, cautions)
