"""Laws of methods for continuous families."""

from __future__ import annotations

import functools
from typing import ClassVar

import jax
import numpy as np
import pytest

from envs import Norm, Policy, simulate
from inference import CONTINUOUS_METHODS, Evidence, FehrSchmidt, SampledPosterior, evidence, infer
from inference.samplers.fit import Method

FAMILY = FehrSchmidt().fix(rationality=20.0, lapse=0.05)


class MethodContract:
    """Laws of one method, compared with quadrature over envy and guilt; evidence suffices for a normal posterior.

    Attributes:
        name: Name in `inference.CONTINUOUS_METHODS`.
        mean_error: Largest error of a posterior mean, in posterior standard deviations.
        log_evidence_error: Largest error of log p(D), where the method gives it.
    """

    name: ClassVar[str]
    mean_error: ClassVar[float] = 0.15
    log_evidence_error: ClassVar[float] = 0.2

    @pytest.fixture
    def method(self) -> Method:
        """Look up the method."""
        return CONTINUOUS_METHODS.look_up(self.name)

    def test_its_weights_sum_to_one_and_its_numbers_are_finite(self, method: Method) -> None:
        fitted = posterior(method)
        assert fitted.runs == 2
        np.testing.assert_allclose(fitted.weights.sum(axis=(1, 2)), 1, atol=1e-4)
        assert all(np.isfinite(values).all() for values in fitted.theta.values())
        assert ((fitted.theta["alpha"] >= 0) & (fitted.theta["alpha"] <= 4)).all()

    def test_it_agrees_with_quadrature(self, method: Method) -> None:
        fitted, exact = posterior(method), quadrature()
        for parameter in ("alpha", "beta"):
            spread = np.diff(exact.interval(parameter, 0.68), axis=-1)[:, 0] / 2
            assert (np.abs(fitted.mean(parameter) - exact.mean(parameter)) < self.mean_error * spread).all()
            mass = np.diff(fitted.interval(parameter), axis=-1) / np.diff(exact.interval(parameter), axis=-1)
            assert (np.abs(mass - 1) < 0.2).all()
        if not np.isnan(fitted.log_evidence).any():
            np.testing.assert_allclose(fitted.log_evidence, exact.log_evidence, atol=self.log_evidence_error)

    def test_the_same_key_gives_the_same_draws_and_another_does_not(self, method: Method) -> None:
        again = infer(FAMILY, played(), key=jax.random.key(0), method=method, allow_disagreement=True)
        np.testing.assert_array_equal(again.fit.u, posterior(method).fit.u)
        other = infer(FAMILY, played(), key=jax.random.key(1), method=method, allow_disagreement=True)
        weighted = np.ptp(posterior(method).weights) > 0  # a grid of points without randomness
        assert weighted or not np.array_equal(other.fit.u, posterior(method).fit.u)

    def test_a_run_alone_is_that_run_in_a_batch(self, method: Method) -> None:
        first = Evidence(*(column[:1] for column in played()))
        alone = infer(FAMILY, first, key=jax.random.key(0), method=method, allow_disagreement=True)
        for parameter in ("alpha", "beta"):
            np.testing.assert_allclose(alone.mean(parameter), posterior(method).mean(parameter)[:1], atol=0.01)


@functools.cache
def played() -> Evidence:
    """Simulate two runs of a mildly envious, mildly guilty group."""
    norm = Policy.of(Norm("fehr_schmidt", (1.0, 0.4), 20.0, 0.05))
    stake = np.tile(np.resize([10, 20], 400), (2, 1))
    return evidence(*(np.asarray(column) for column in simulate(jax.random.key(3), norm, stake)))


@functools.cache
def posterior(method: Method) -> SampledPosterior:
    """Infer by the method, with key 0."""
    return infer(FAMILY, played(), key=jax.random.key(0), method=method, allow_disagreement=True)


@functools.cache
def quadrature() -> SampledPosterior:
    """Integrate on a grid."""
    return infer(FAMILY, played(), method="grid")
