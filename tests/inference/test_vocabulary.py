"""One function that uses the vocabulary of posteriors works for enumerated and for continuous hypotheses."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import numpy as np
import pytest
from scipy.stats import norm as normal

import inference
from envs import Policy, one_group, simulate
from inference import (
    DiscretePosterior,
    Evidence,
    Posterior,
    SampledPosterior,
    arviz_compat,
    evidence,
    infer,
    thompson,
)
from inference.continuous.named import WIDTH
from inference.continuous.one_shot import LAPSE
from inference.families import FehrSchmidt, NamedNorm, NormShares, named_norms, norm_mixtures

POINTS = 60
KEY = jax.random.key(0)


class Learned(NamedTuple):
    norms: dict[str, float]
    probabilities: np.ndarray
    lapse: np.ndarray
    interval: np.ndarray
    offers: np.ndarray
    frequencies: np.ndarray
    policies: list[Policy]


def learn(posterior: Posterior) -> Learned:
    """Use each method of the vocabulary, without knowing the kind of posterior."""
    index = posterior.sample(KEY, 1_000)
    policies = [posterior.policy(int(k)) for k in index[0]]
    names = [policy.parts[0][1].utility for policy in policies]
    draws = arviz_compat.group(posterior.to_arviz(KEY, draws=500), "posterior")
    assert {"chain", "draw", "run"} <= set(draws.sizes)
    assert thompson(KEY, posterior, assistants=3).shape == (posterior.runs, 3)
    assert all(posterior.hypotheses.policy(int(k)) == policy for k, policy in zip(index[0][:5], policies, strict=False))
    return Learned(
        dict(zip(posterior.norms, posterior.norm_probabilities[0].tolist(), strict=True)),
        posterior.probabilities,
        posterior.mean("lapse"),
        posterior.interval("lapse"),
        posterior.predictive(np.array([10, 20])).offer,
        np.array([names.count(norm) / len(names) for norm in posterior.norms]),
        policies,
    )


@pytest.fixture(scope="module")
def seen() -> Evidence:
    """Two fair acts that a lapse explains equally well, so that no norm is certain."""
    return evidence([[10, 10, 20]], [[2, 5, 9]], True, offer_seen=[[True, True, False]])


def equal_parts(parameter: Any) -> np.ndarray:
    """Middles of parts of equal prior probability."""
    u = normal.ppf((np.arange(POINTS) + 0.5) / POINTS)
    return np.asarray(jax.vmap(parameter.value)(jax.numpy.asarray(u)), np.float64)


@pytest.mark.slow
def test_named_norms_and_a_named_norm_give_the_same_answers(seen: Evidence) -> None:
    enumerated = infer(named_norms(rationality=1 / equal_parts(WIDTH), lapse=equal_parts(LAPSE)), seen)
    continuous = infer(NamedNorm(), seen, key=KEY)
    assert isinstance(enumerated, DiscretePosterior)
    assert isinstance(continuous, SampledPosterior)
    one, other = learn(enumerated), learn(continuous)
    assert list(one.norms) == list(other.norms) == ["selfish", "fair", "altruistic"]
    assert max(one.norms.values()) < 0.99  # otherwise the test is empty
    np.testing.assert_allclose(list(other.norms.values()), list(one.norms.values()), atol=0.01)
    np.testing.assert_allclose(other.lapse, one.lapse, atol=0.01)
    np.testing.assert_allclose(other.interval, one.interval, atol=0.05)  # the grid's spacing in the upper tail
    np.testing.assert_allclose(other.offers, one.offers, atol=0.01)
    for learned in (one, other):
        np.testing.assert_allclose(learned.probabilities.sum(axis=1), 1, atol=1e-5)
        # Four standard errors of a frequency among 1,000 draws.
        np.testing.assert_allclose(learned.frequencies, list(learned.norms.values()), atol=0.064)
        lapses = [policy.parts[0][1].lapse for policy in learned.policies]
        assert np.mean(lapses) == pytest.approx(learned.lapse[0], abs=0.03)
    fewer = infer(named_norms(), seen), infer(NamedNorm(), seen, key=KEY)
    assert fewer[0].probabilities.shape == fewer[1].probabilities.shape == (1, 3)


@pytest.mark.slow
def test_shares_and_mixtures_speak_of_the_same_weights(seen: Evidence) -> None:
    mixed, shares = infer(norm_mixtures(steps=10), seen), infer(NormShares().fix(lapse=0.1), seen, key=KEY)
    assert mixed.norms == shares.norms
    np.testing.assert_allclose(shares.norm_probabilities.sum(axis=1), 1, atol=1e-4)
    np.testing.assert_allclose(shares.norm_probabilities, shares.mean("weight"), atol=1e-6)


def test_a_family_with_one_norm_is_certain_of_it() -> None:
    plays = simulate(KEY, one_group("fair").policy(lapse=0.1), [10] * 12)
    family = FehrSchmidt().fix(rationality=30.0, lapse=0.05)
    posterior = infer(family, evidence(*(np.asarray(column) for column in plays)), key=KEY)
    assert posterior.norms == ("fehr_schmidt",)
    np.testing.assert_allclose(posterior.norm_probabilities, 1, atol=1e-6)
    assert posterior.probabilities.shape == (1, 1)
    index = int(posterior.sample(KEY, 1)[0, 0])
    assert posterior.policy(index).parts[0][1].theta[0] == pytest.approx(posterior.theta["alpha"].reshape(-1)[index])


def test_families_and_methods_are_namespaces_and_older_spellings_stay() -> None:
    assert inference.families.FehrSchmidt is inference.FehrSchmidt
    assert inference.methods.Nuts is inference.Nuts
    for namespace in (inference, inference.families, inference.methods):
        assert all(hasattr(namespace, name) for name in namespace.__all__)
        assert len(set(namespace.__all__)) == len(namespace.__all__)
