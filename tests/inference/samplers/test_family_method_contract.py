"""What every method must do for every family; a new one of either inherits these tests by its line in the registry."""

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference import METHODS, DiscretePosterior, Evidence, evidence, infer
from inference.discrete.exact import Prior
from tests.inference.data import (
    FAMILY_NAMES,
    KINDS,
    PLAYS,
    RUNS,
    enumerate_posterior,
    evidence_of,
    evidences,
    family,
    plays_of,
    random_evidence,
    runs_of,
)

KEY = jax.random.key(0)
# Posteriors are handed out in float32: normalised probabilities are good to a few units of 6e-8.
CLOSE = 1e-6

pytestmark = [
    pytest.mark.parametrize("name", FAMILY_NAMES),
    pytest.mark.parametrize("method", METHODS),
]
few = settings(max_examples=20)  # of 64 runs each


def posterior_of(name: str, method: str, data: Evidence, prior: Prior = None) -> DiscretePosterior:
    return infer(family(name), data, prior, KEY, method)


def assert_same(found: DiscretePosterior, expected: DiscretePosterior) -> None:
    np.testing.assert_allclose(found.probabilities, expected.probabilities, atol=CLOSE)


@few
@given(data=evidences())
def test_posteriors_normalise(name: str, method: str, data: Evidence) -> None:
    probability = posterior_of(name, method, data).probabilities
    assert probability.shape == (data.runs, family(name).size)
    assert (probability >= 0).all()
    np.testing.assert_allclose(probability.sum(axis=1, dtype=np.float64), 1, atol=CLOSE)


@few
@given(data=evidences())
def test_it_is_bayes_rule_by_enumeration(name: str, method: str, data: Evidence) -> None:
    posterior = posterior_of(name, method, data)
    probability, log_evidence = enumerate_posterior(name, data)
    np.testing.assert_allclose(posterior.probabilities, probability, atol=CLOSE)
    np.testing.assert_allclose(posterior.log_evidence, log_evidence, rtol=CLOSE, atol=CLOSE)


@few
@given(data=evidences())
def test_updating_in_sequence_is_updating_at_once(name: str, method: str, data: Evidence) -> None:
    first, second = (plays_of(data, plays) for plays in np.split(np.arange(PLAYS), 2))
    in_sequence = posterior_of(name, method, second, posterior_of(name, method, first))
    at_once = posterior_of(name, method, data)
    assert_same(in_sequence, at_once)
    np.testing.assert_allclose(in_sequence.log_evidence, at_once.log_evidence, rtol=CLOSE, atol=CLOSE)


@few
@given(data=evidences(), order=st.permutations(range(PLAYS)))
def test_the_order_of_plays_does_not_matter(name: str, method: str, data: Evidence, order: list[int]) -> None:
    assert_same(posterior_of(name, method, plays_of(data, np.array(order))), posterior_of(name, method, data))


@few
@given(data=evidences(), order=st.permutations(range(PLAYS)))
def test_plays_that_were_not_seen_change_nothing(name: str, method: str, data: Evidence, order: list[int]) -> None:
    hidden, shown = order[: PLAYS // 2], np.sort(order[PLAYS // 2 :])
    offer_seen, answer_seen = data.offer_seen.copy(), data.answer_seen.copy()
    offer_seen[:, hidden] = answer_seen[:, hidden] = False
    with_hidden = data._replace(offer_seen=offer_seen, answer_seen=answer_seen)
    assert_same(posterior_of(name, method, with_hidden), posterior_of(name, method, plays_of(data, shown)))


def test_seeing_nothing_leaves_the_prior(name: str, method: str) -> None:
    prior = np.random.default_rng(0).dirichlet(np.ones(family(name).size))
    nothing = evidence([[5, 5]], [[2, 2]], True, offer_seen=False, answer_seen=False)
    np.testing.assert_allclose(posterior_of(name, method, nothing, prior).probabilities[0], prior, atol=CLOSE)


def test_a_prior_may_differ_from_run_to_run(name: str, method: str) -> None:
    data = random_evidence(4)
    prior = np.random.default_rng(1).dirichlet(np.ones(family(name).size), data.runs)
    expected, _ = enumerate_posterior(name, data, prior)
    np.testing.assert_allclose(posterior_of(name, method, data, prior).probabilities, expected, atol=CLOSE)


def test_a_run_alone_is_that_run_in_a_batch(name: str, method: str) -> None:
    data = random_evidence(5)
    together = posterior_of(name, method, data).probabilities
    alone = posterior_of(name, method, runs_of(data, slice(2, 3))).probabilities
    np.testing.assert_allclose(together[2:3], alone, atol=CLOSE)


def test_long_runs_that_change_their_mind_keep_to_bayes_rule(name: str, method: str) -> None:
    """Ten epochs in which log-odds climb to hundreds and come back; single precision alone would lose 1e-5."""
    mean, generous = KINDS.index((100, 40, 1, 1, 0)), KINDS.index((100, 99, 1, 1, 1))
    data = evidence_of(np.repeat([[mean, generous], [generous, mean]] * (RUNS // 2), 5 * PLAYS, axis=1))
    posterior: DiscretePosterior | None = None
    for plays in np.split(np.arange(10 * PLAYS), 10):
        posterior = posterior_of(name, method, plays_of(data, plays), posterior)
    expected, _ = enumerate_posterior(name, data)
    assert posterior is not None
    np.testing.assert_allclose(posterior.probabilities, expected, atol=CLOSE)
