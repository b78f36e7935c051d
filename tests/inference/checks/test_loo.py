"""Cross-validation compared with refits, ArviZ and arithmetic; predictive checks compared with known truths."""

from __future__ import annotations

import functools
import warnings
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array

from inference import arviz_compat, evidence, infer
from inference.checks.loo import Loo, compare, loo
from inference.checks.pointwise import observations, pointwise_log_likelihood, thinned
from inference.checks.predictive_check import predictive_check, to_arviz
from inference.continuous.named import NamedNorm
from inference.continuous.one_shot import FehrSchmidt
from inference.continuous.responses import ResponseTypes, framed
from inference.discrete.evidence import Evidence
from inference.samplers.laplace import Laplace
from inference.samplers.nuts import Nuts
from inference.samplers.posterior import SampledPosterior

pytestmark = pytest.mark.slow

ENVY = FehrSchmidt().fix(beta=0.2, lapse=0.1)
SHORT = Nuts(chains=2, warmup=200, draws=1_500)
STAKE = 20


@functools.cache
def answers(alpha: float = 0.6, plays: int = 24, runs: int = 1) -> Evidence:
    """Answers of a Fehr–Schmidt responder with λ = 15, drawn by plain numpy."""
    random = np.random.default_rng(0)
    offers = random.integers(0, 11, size=(runs, plays))
    share = offers / STAKE
    logit = 15 * (share - alpha * (1 - 2 * share))
    chance = 0.9 / (1 + np.exp(-logit)) + 0.05
    return evidence(STAKE, offers, random.random(offers.shape) < chance, offer_seen=False)


@functools.cache
def on_grid() -> SampledPosterior:
    return infer(ENVY, answers(), method="grid")


@functools.cache
def by_nuts() -> SampledPosterior:
    return infer(ENVY, answers(), key=jax.random.key(3), method=SHORT)


@functools.cache
def exact_elpd() -> np.ndarray:
    """log p(y_i | y_−i) of each answer, by a grid fitted without it, with one run for each answer left out."""
    data = answers()
    plays = data.stake.shape[1]
    repeated = Evidence(*(np.repeat(column, plays, axis=0) for column in data))
    without = repeated._replace(answer_seen=repeated.answer_seen & ~np.eye(plays, dtype=bool))
    accept = infer(ENVY, without, method="grid").predictive(jnp.asarray([STAKE])).accept[:, 0]
    chance = np.asarray(accept)[np.arange(plays), data.offer[0]]
    return np.asarray(np.log(np.where(data.accepted[0], chance, 1 - chance)))


def chance_to_accept(theta: dict[str, np.ndarray], share: np.ndarray) -> np.ndarray:
    """P(accept) with β = .2, ε = .1, shares below one half along the last axis, in plain numpy."""
    alpha, rationality = theta["alpha"][..., None], theta["rationality"][..., None]
    logit = np.clip(rationality * (share - alpha * (1 - 2 * share)), -80, 80)
    return np.asarray(0.9 / (1 + np.exp(-logit)) + 0.05)


def quiet_arviz_loo(exported: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return arviz_compat.arviz().loo(exported, pointwise=True)


@pytest.mark.parametrize("posterior", [on_grid, by_nuts], ids=["grid", "nuts"])
def test_loo_is_that_of_refitting_without_each_observation(posterior: Any) -> None:
    estimate = loo(posterior(), draws=20_000)
    # 3,000 draws or more of probabilities that vary by about .15: 5 standard errors of a log-probability are about .05.
    np.testing.assert_allclose(estimate.pointwise["elpd"], exact_elpd(), atol=0.05)
    assert abs(estimate.elpd - exact_elpd().sum()) < 0.15
    assert 0.5 < estimate.p_loo < 3  # two free parameters


def test_loo_is_arvizs_own() -> None:
    # The lapse is unknown, so each answer's probability varies over draws. ArviZ 1.x refuses constant ones.
    posterior = infer(FehrSchmidt().fix(beta=0.2), answers(), key=jax.random.key(3), method=SHORT)
    estimate = loo(posterior, draws=600)
    theirs = quiet_arviz_loo(to_arviz(posterior, draws=600))
    elpd_i = theirs.elpd_i if hasattr(theirs, "elpd_i") else theirs.loo_i
    # ArviZ counts effective draws of θ, this project those of u. This moves the start of the smoothed tail.
    np.testing.assert_allclose(estimate.pointwise["elpd"], np.ravel(elpd_i), atol=0.01)
    np.testing.assert_allclose(estimate.pointwise["pareto_k"], np.ravel(theirs.pareto_k), atol=0.2)
    np.testing.assert_allclose(estimate.se, theirs.se, rtol=0.03)  # 1.x divides the variance by n − 1


def test_log_likelihoods_are_those_of_plain_numpy() -> None:
    data = answers(plays=12, runs=3)
    hidden = data.answer_seen.copy()
    hidden[1, 4:] = False
    data = data._replace(answer_seen=hidden)
    posterior = infer(ENVY, data, method=Nuts(chains=2, warmup=100, draws=50), allow_disagreement=True)
    log_likelihoods = pointwise_log_likelihood(posterior, draws=100)
    accept = chance_to_accept(thinned(posterior, 100).theta, (data.offer / STAKE)[:, None, None])
    expected = np.log(np.where(data.accepted[:, None, None], accept, 1 - accept))
    assert log_likelihoods.shape == (3, 2, 50, 12)
    assert np.isnan(log_likelihoods[1, :, :, 4:]).all()
    np.testing.assert_allclose(log_likelihoods[1, :, :, :4], expected[1, :, :, :4], atol=2e-4)
    np.testing.assert_allclose(log_likelihoods[[0, 2]], expected[[0, 2]], atol=2e-4)


def test_leaving_out_groups_is_refitting_without_them() -> None:
    data = answers()
    groups = np.arange(24)[None] // 4
    estimate = loo(on_grid(), draws=20_000, groups=groups)
    assert estimate.pointwise["group"].tolist() == list(range(6))
    for group in (0, 4):
        seen = data.answer_seen & (groups != group)
        without = infer(ENVY, data._replace(answer_seen=seen), method="grid")
        accept = chance_to_accept(without.theta, data.offer[groups == group] / STAKE)[0, 0]
        together = np.where(data.accepted[groups == group], accept, 1 - accept).prod(axis=-1)
        expected = np.log(together @ without.weights[0, 0])
        np.testing.assert_allclose(estimate.pointwise["elpd"][group], expected, atol=0.1)


def test_users_and_items_are_left_out_whole_where_their_choices_share_what_is_unknown() -> None:
    """An item's answers depend on its type, so an item is left out as a whole."""
    items, times = 8, 3
    offer = np.repeat(np.arange(items)[:, None] + 1, times, axis=1)
    family = ResponseTypes(base=FehrSchmidt().fix(beta=0.3, lapse=0.02), items=items)
    answers = framed(evidence(20, offer, offer > 4, offer_seen=False), np.tile([1, 0, -1], (items, 1)))
    posterior = infer(family, answers, key=jax.random.key(0), method=Laplace(steps=20, draws=400))
    estimate = loo(posterior)
    assert list(estimate.pointwise)[:2] == ["run", "item"]
    assert len(estimate.pointwise) == items
    exported = to_arviz(posterior, draws=100)
    assert arviz_compat.group(exported, "log_likelihood")["choice"].sizes["item"] == items
    assert arviz_compat.group(exported, "posterior_predictive")["choice"].sizes["observation"] == items * times
    with pytest.raises(ValueError, match="leaves out whole items already"):
        loo(posterior, groups=np.zeros((1, items * times), int))


def test_every_mode_counts_where_a_parameter_is_discrete() -> None:
    data = evidence([20, 50, 30, 40], [10, 24, 16, 20], True, answer_seen=False)
    posterior = infer(NamedNorm(), data, method="grid")
    estimate = loo(posterior, draws=2_000)
    assert len(estimate.pointwise) == 4
    assert np.isfinite(estimate.elpd)


def test_the_family_that_made_the_data_is_ranked_first() -> None:
    indifferent = FehrSchmidt().fix(alpha=0.0, beta=0.2, lapse=0.1)
    fits = {"no envy": infer(indifferent, answers(), method="grid"), "envy": on_grid()}
    table = compare(fits, draws=2_000)
    assert table.index.tolist() == ["envy", "no envy"]
    assert table.loc["envy", "elpd_diff"] == 0
    one, other = (loo(fits[name], 2_000).pointwise["elpd"].to_numpy() for name in ("envy", "no envy"))
    behind = one - other
    assert table.loc["no envy", "elpd_diff"] == pytest.approx(behind.sum())
    assert table.loc["no envy", "se_diff"] == pytest.approx(np.sqrt(24) * np.std(behind))
    assert behind.sum() > 3


def test_an_answer_that_is_as_likely_at_all_draws_costs_nothing() -> None:
    elpd, k = arviz_compat.psis_loo(np.full((400, 1), -0.7), 1.0)
    assert elpd[0] == pytest.approx(-0.7)
    assert k[0] == 0


def test_fits_to_other_data_are_not_compared() -> None:
    with pytest.raises(ValueError, match="posteriors: b and a have different observations"):
        compare({"a": on_grid(), "b": infer(ENVY, answers(0.1), method="grid")})
    with pytest.raises(ValueError, match="none given"):
        compare({})


def test_a_high_k_is_reported() -> None:
    table = loo(on_grid()).pointwise.assign(pareto_k=0.2)
    table.loc[3, "pareto_k"] = 0.9
    assert "1 of 24 is above 0.67 (largest 0.90)" in Loo(table, 1_000, np.zeros(24)).warnings()[0]


@pytest.mark.parametrize(
    ("message", "wrong"),
    [
        ("draws: 5 are too few", lambda: loo(on_grid(), draws=5)),
        ("groups: .* does not fit", lambda: loo(on_grid(), groups=np.zeros((1, 7), np.int64))),
        ("groups: run 0 has 1 to leave out", lambda: loo(on_grid(), groups=np.zeros((1, 24), np.int64))),
        ("draws: 2 are too few", lambda: predictive_check(on_grid(), jax.random.key(0), draws=2)),
    ],
)
def test_bad_input_is_refused(message: str, wrong: Any) -> None:
    with pytest.raises(ValueError, match=message):
        wrong()


def rejections_of_low(values: Array, was_seen: Array) -> Array:
    """Number of rejections in the first half of the answers."""
    half = values.shape[0] // 2
    return jnp.sum((1 - values[:half]) * was_seen[:half])


def test_a_predictive_check_finds_what_the_hypotheses_cannot_do() -> None:
    offers = np.repeat([2, 10], 40)
    accepted = np.arange(80) < 40  # all low offers accepted, all equal splits rejected: no envy explains it
    wrong = infer(ENVY, evidence(STAKE, offers, accepted, offer_seen=False), method="grid")
    assert predictive_check(wrong, jax.random.key(0), rejections_of_low).p_value[0] > 0.95
    right = predictive_check(on_grid(), jax.random.key(0), rejections_of_low, draws=1_000)
    assert 0.05 < right.p_value[0] < 0.95
    low, high = right.interval()[0]
    assert low <= right.observed[0] <= high


def test_replicated_answers_have_the_posterior_predictive_mean() -> None:
    check = predictive_check(on_grid(), jax.random.key(1), draws=2_000)
    expected = on_grid().predict()[0].mean()
    assert abs(check.replicated.mean() - expected) < 0.01  # 2,000 × 24 answers; posterior SD .05 / √2,000


@pytest.mark.parametrize("posterior", [on_grid, by_nuts], ids=["grid", "nuts"])
def test_an_export_has_every_group_with_the_same_draws(posterior: Any) -> None:
    exported = to_arviz(posterior(), draws=80)
    names = set(arviz_compat.group_names(exported))
    assert names >= {"posterior", "log_likelihood", "posterior_predictive", "observed_data"}
    sizes = [dict(arviz_compat.group(exported, name).sizes) for name in ("posterior", "log_likelihood")]
    assert sizes[0]["chain"] * sizes[0]["draw"] == sizes[1]["chain"] * sizes[1]["draw"] > 60
    replicated = arviz_compat.group(exported, "posterior_predictive")["choice"].values
    assert set(np.unique(replicated)) == {0.0, 1.0}
    arviz_compat.to_netcdf(exported)


def test_thinning_keeps_evenly_spaced_draws_of_each_chain() -> None:
    thin = thinned(by_nuts(), 100)
    np.testing.assert_array_equal(thin.fit.u, np.asarray(by_nuts().fit.u)[:, :, ::30])
    assert float(np.asarray(thin.weights).sum()) == pytest.approx(1)


def test_observations_are_answers_and_whether_they_were_seen() -> None:
    values, was_seen = observations(on_grid())
    np.testing.assert_array_equal(values[was_seen], answers().accepted[0])
