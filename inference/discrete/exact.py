"""Exact posteriors over finitely many hypotheses, by Bayes' rule for all runs at once."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key
from numpy.typing import ArrayLike

from inference.discrete.evidence import Evidence
from inference.discrete.hypotheses import Hypotheses
from inference.discrete.likelihood import LogPrior, exact_update, rows_of
from inference.discrete.posterior import DiscretePosterior

Prior = DiscretePosterior | ArrayLike | None
"""An earlier posterior, probabilities for each hypothesis (or run and hypothesis), or None for uniform."""

_NOTHING = np.zeros((1, 1))


def exact(
    hypotheses: Hypotheses, data: Evidence, prior: Prior = None, key: Key[Array, ""] | None = None
) -> DiscretePosterior:
    """Compute p(θ | D) ∝ p(D | θ) p(θ) by enumeration.

    Args:
        hypotheses: The θ's.
        data: Evidence of R runs.
        prior: See `Prior`; a posterior makes the update sequential.
        key: Not used, because the result is exact.

    Raises:
        ValueError: If the prior does not fit, or a run's evidence has probability 0 under all hypotheses.
    """
    del key
    updated = exact_update(hypotheses, rows_of(data), _log_prior(prior, data.runs, hypotheses.size))
    refuted = np.flatnonzero(~np.isfinite(np.asarray(updated.log_evidence)))
    if refuted.size:
        raise ValueError(
            f"data: run {refuted[0]} has probability 0 under every hypothesis with prior probability above 0; "
            "give the hypotheses a lapse above 0"
        )
    log_evidence = updated.log_evidence
    if isinstance(prior, DiscretePosterior):
        log_evidence = log_evidence + prior.log_evidence
    return DiscretePosterior(hypotheses, updated.log_prob, log_evidence, data, updated.rest)


def uniform_posterior(hypotheses: Hypotheses, runs: int) -> DiscretePosterior:
    """Uniform prior, as the posterior of runs without evidence.

    Example:
        >>> from inference import named_norms
        >>> uniform_posterior(named_norms(("selfish", "fair")), runs=2).norm_probabilities.tolist()
        [[0.5, 0.5], [0.5, 0.5]]
    """
    log_prob = jnp.full((runs, hypotheses.size), -jnp.log(hypotheses.size))
    return DiscretePosterior(hypotheses, log_prob, jnp.zeros(runs))


def _log_prior(prior: Prior, runs: int, size: int) -> LogPrior:
    if prior is None:
        return LogPrior(np.full((1, size), -np.log(size)), _NOTHING)
    if isinstance(prior, DiscretePosterior):
        log_prior = LogPrior(prior.log_prob, _NOTHING if prior.rest is None else prior.rest)
    else:
        probabilities = np.atleast_2d(np.asarray(prior, np.float64))
        total = probabilities.sum(axis=-1, keepdims=True)
        if not np.isfinite(total).all() or (probabilities < 0).any() or (total <= 0).any():
            raise ValueError("prior: probabilities must be 0 or more, and some above 0")
        with np.errstate(divide="ignore"):
            log_prior = LogPrior(np.log(probabilities / total), _NOTHING)
    shape = log_prior.log_prob.shape
    if shape[-1] != size or shape[0] not in {1, runs}:
        raise ValueError(f"prior: shape {shape} does not fit {runs} runs, {size} hypotheses")
    return log_prior
