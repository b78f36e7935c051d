"""Learning responders: norms and likelihoods compared with a loop, simulated answers, and recovery."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from inference.continuous.learning import LearningFamily, UgBayes, UgDelta, bayesian_norm, delta_norm
from inference.discrete.evidence import Evidence, evidence
from inference.infer import infer
from inference.samplers.nuts import Nuts
from inference.samplers.target import Target

BAYES = {"alpha": 1.3, "beta": 0.4, "tau": 0.7}
DELTA = {"alpha": 1.3, "tau": 0.7, "epsilon": 0.35}
CASES: list[tuple[LearningFamily, dict[str, float]]] = [(UgBayes(), BAYES), (UgDelta(), DELTA)]


def answers(plays: int = 25, runs: int = 3, seed: int = 0) -> Evidence:
    """Offers at several stakes, also above 100. The responder did not answer some of them."""
    rng = np.random.default_rng(seed)
    stake = rng.choice([10, 20, 37, 100, 200], (runs, plays))
    offer = rng.integers(0, np.minimum(stake, 100) + 1)
    return evidence(stake, offer, rng.random((runs, plays)) < 0.5, False, rng.random((runs, plays)) < 0.8)


def by_hand(name: str, theta: dict[str, float], data: Evidence, run: int) -> list[tuple[float, float, float]]:
    """(norm, chance to accept, log-probability) of each answered offer, one after the other, in float64."""
    steps = []
    weight, mean = 4.0, 10.0
    for play in range(data.stake.shape[1]):
        if not data.answer_seen[run, play]:
            continue
        whole = int(data.stake[run, play])
        offer = 20 * data.offer[run, play] / min(whole, 100)  # stakes above 100 are offered in per cent
        if name == "UgBayes":
            mean = (weight * mean + offer) / (weight + 1)
            weight += 1
            utility = offer - theta["alpha"] * max(mean - offer, 0) - theta["beta"] * max(offer - mean, 0)
        else:
            utility = offer - theta["alpha"] * max(mean - offer, 0)
        chance = 1 / (1 + math.exp(-theta["tau"] * utility))
        steps.append((mean, chance, math.log(chance if data.accepted[run, play] else 1 - chance)))
        if name == "UgDelta":
            mean += theta["epsilon"] * (offer - mean)
    return steps


def one_run(family: LearningFamily, data: Evidence, run: int) -> Any:
    return jax.tree.map(lambda leaf: jnp.asarray(leaf[run]), family.arrange(data))


def as_theta(values: dict[str, float]) -> dict[str, jax.Array]:
    return {name: jnp.asarray(value, jnp.float32) for name, value in values.items()}


@pytest.mark.parametrize(("family", "values"), CASES)
def test_norms_chances_and_likelihood_are_those_of_a_loop_over_plays(
    family: LearningFamily, values: dict[str, float]
) -> None:
    data, theta = answers(), as_theta(values)
    for run in range(data.runs):
        seen = one_run(family, data, run)
        mean, chance, log_prob = map(np.array, zip(*by_hand(type(family).__name__, values, data, run), strict=True))
        norm = bayesian_norm(seen) if isinstance(family, UgBayes) else delta_norm(seen, theta["epsilon"])
        known = data.answer_seen[run]
        np.testing.assert_allclose(np.asarray(norm)[known], mean, rtol=2e-6)
        np.testing.assert_allclose(np.asarray(family.predict(theta, seen))[known], chance, rtol=2e-5)
        pointwise = np.asarray(family.pointwise(theta, seen))
        np.testing.assert_allclose(pointwise[known], log_prob, rtol=5e-5, atol=1e-5)
        assert np.all(pointwise[~known] == 0)
        whole = family.log_likelihood(theta, family.summarise(seen))
        np.testing.assert_allclose(float(whole), log_prob.sum(), rtol=1e-5)


@pytest.mark.parametrize(("family", "values"), CASES)
def test_plays_that_were_not_seen_change_nothing(family: LearningFamily, values: dict[str, float]) -> None:
    full = answers(runs=1)
    known = full.answer_seen[0]
    short = Evidence(*(column[:, known] for column in full))
    likelihood = [
        float(family.log_likelihood(as_theta(values), family.summarise(one_run(family, data, 0))))
        for data in (full, short)
    ]
    assert likelihood[0] == pytest.approx(likelihood[1], rel=1e-6)


@pytest.mark.parametrize("family", [UgBayes(), UgDelta()])
def test_the_gradient_is_that_of_the_plain_likelihood(family: LearningFamily) -> None:
    seen = one_run(family, answers(), 0)
    for u in (jnp.zeros(3), jnp.asarray([2.0, 2.5, 2.5]), jnp.asarray([-3.0, 1.0, -2.0])):
        quick = jax.grad(Target(family, family.summarise(seen)).log_likelihood)(u)
        plain = jax.grad(lambda at: family.pointwise(family.theta(at), seen).sum())(u)
        assert np.isfinite(quick).all()
        np.testing.assert_allclose(quick, plain, rtol=1e-4, atol=1e-4)


def test_norms_by_their_published_rules() -> None:
    """Constant offers: the ideal observer's norm approaches them like 4/(4 + t), the delta rule's like (1 − ε)^t."""
    plays = np.arange(1, 31)
    seen = one_run(UgBayes(), evidence(20, np.full(30, 4), True, False, True), 0)
    np.testing.assert_allclose(bayesian_norm(seen), 4 + 6 * 4 / (4 + plays), rtol=1e-6)
    np.testing.assert_allclose(delta_norm(seen, jnp.asarray(0.2)), 4 + 6 * 0.8 ** (plays - 1), rtol=1e-5)


@pytest.mark.parametrize(("family", "values"), CASES)
def test_simulated_answers_come_as_often_as_predicted(family: LearningFamily, values: dict[str, float]) -> None:
    seen, theta = one_run(family, answers(), 0), as_theta({**values, "tau": 0.2})
    keys = jax.random.split(jax.random.key(3), 4_000)
    simulated = jax.vmap(lambda key: family.simulate(key, theta, seen))(keys)
    known = np.asarray(seen.seen)
    chance = np.asarray(family.predict(theta, seen))[known]
    often = np.asarray(simulated.accepted).mean(axis=0)
    assert np.all(often[~known] == 0)
    assert np.all(np.abs(often[known] - chance) < 4.5 * np.sqrt(chance * (1 - chance) / 4_000) + 1e-3)
    np.testing.assert_array_equal(simulated.offer[7], seen.offer)


@pytest.mark.parametrize("family", [UgBayes(), UgDelta()])
def test_data_without_answers_are_refused(family: LearningFamily) -> None:
    with pytest.raises(ValueError, match="data: no answer was seen"):
        family.arrange(evidence(20, [5, 6], True, True, False))


@pytest.mark.parametrize("family", [UgBayes(), UgDelta()])
def test_truths_drawn_from_the_prior_are_recovered(family: LearningFamily) -> None:
    """Posteriors cover such truths as often as they claim, for any offers, and answers are informative about α and τ.

    Posteriors are 30,000 draws of the prior, weighted by their likelihoods.
    """
    runs, plays, draws = 60, 30, 30_000
    offer = np.random.default_rng(5).integers(1, 13, (runs, plays))
    truth = jax.vmap(family.theta)(jax.random.normal(jax.random.key(0), (runs, family.dimension)))
    design = family.arrange(evidence(20, offer, False, False, True))
    seen = jax.vmap(family.simulate)(jax.random.split(jax.random.key(1), runs), truth, design)
    prior = jax.vmap(family.theta)(jax.random.normal(jax.random.key(2), (draws, family.dimension)))

    @jax.jit
    def weights(own: Any) -> jax.Array:
        summary = family.summarise(own)
        likelihoods = jax.lax.map(lambda theta: family.log_likelihood(theta, summary), prior, batch_size=500)
        return jax.nn.softmax(likelihoods)

    weight = np.asarray(jax.lax.map(weights, seen))
    for name, values in truth.items():
        rank = np.sum(weight * (prior[name] < values[:, None]), axis=1)  # uniform on [0, 1]
        for mass in (0.5, 0.9):
            coverage = np.mean(np.abs(rank - 0.5) < mass / 2)
            assert abs(coverage - mass) < 3.5 * np.sqrt(mass * (1 - mass) / runs), (name, mass)
    for name in ("alpha", "tau"):  # 60 unrelated pairs reach 0.35 once in 300 times
        assert np.corrcoef(weight @ np.asarray(prior[name]), truth[name])[0, 1] > 0.35, name


@pytest.mark.slow
def test_nuts_finds_a_responder() -> None:
    """After many interactions NUTS is near the truth, also where the norm is learnt at an unknown rate."""
    family, truth = UgDelta(), {"alpha": 2.0, "tau": 0.5, "epsilon": 0.3}
    offer = np.random.default_rng(1).integers(1, 13, (1, 600))
    design = one_run(family, evidence(20, offer, False, False, True), 0)
    accepted = family.simulate(jax.random.key(4), as_theta(truth), design).accepted
    data = evidence(20, offer, np.asarray(accepted)[None], False, True)
    posterior = infer(family, data, method=Nuts(chains=2, warmup=300, draws=300))
    for name, value in truth.items():
        low, high = posterior.interval(name, 0.99)[0]
        assert low < value < high, name
        assert high - low < 1.2 * value, name
