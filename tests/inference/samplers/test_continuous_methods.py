"""Every method for continuous families: compared with quadrature and with itself, and given bad input."""

from __future__ import annotations

import functools
import logging
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from envs import Norm, Policy, simulate
from inference import (
    CONTINUOUS_METHODS,
    ChainsDisagreeError,
    DataWarning,
    Evidence,
    FehrSchmidt,
    Grid,
    HypothesisFamily,
    Laplace,
    NamedNorm,
    Nuts,
    SampledPosterior,
    Smc,
    Svi,
    arviz_compat,
    default_method,
    diagnose,
    evidence,
    infer,
    parameter_grid,
)
from inference.samplers.fit import Method

KEY = jax.random.key(0)
TWO = FehrSchmidt().fix(rationality=20.0, lapse=0.05)
STAKES = jnp.asarray([10, 20])
# Sampling error of a mean, in posterior standard deviations: five standard errors of the fewest effective draws.
NEAR = 0.15
NORMAL = {"laplace", "svi"}
METHODS: dict[str, Method] = {
    "nuts": Nuts(chains=2, warmup=400, draws=6_000),
    "smc": Smc(populations=2, particles=2_000),
    "laplace": Laplace(),
    "svi": Svi(guide="full-rank", fits=2, steps=1_500),
}
QUICK: dict[str, Method] = {
    "grid": Grid(),
    "nuts": Nuts(chains=2, warmup=60, draws=60),
    "smc": Smc(populations=2, particles=60),
    "laplace": Laplace(draws=60),
    "svi": Svi(fits=2, steps=60, draws=60),
    "svi-mean-field": Svi(guide="mean-field", fits=2, steps=60, draws=60),
}
"""Methods with small settings for tests of all but accuracy. Each is compiled once in this file."""


@functools.cache
def played(runs: int = 2, plays: int = 24, seed: int = 3) -> Evidence:
    """Interactions of a mildly envious, mildly guilty group, enough for a nearly normal posterior."""
    norm = Policy.of(Norm("fehr_schmidt", (1.0, 0.4), 20.0, 0.05))
    stake = np.tile(np.resize([10, 20], plays), (runs, 1))
    return evidence(*(np.asarray(column) for column in simulate(jax.random.key(seed), norm, stake)))


@functools.cache
def by_quadrature(plays: int = 24) -> SampledPosterior:
    return infer(TWO, played(plays=plays), method="grid")


def parts(data: Evidence, cut: int) -> tuple[Evidence, Evidence]:
    return Evidence(*(c[:, :cut] for c in data)), Evidence(*(c[:, cut:] for c in data))


def standard_deviation(posterior: SampledPosterior, name: str) -> np.ndarray:
    mean = posterior.mean(name)[:, None, None]
    return np.asarray(np.sqrt((posterior.weights * (posterior.theta[name] - mean) ** 2).sum(axis=(1, 2))))


def total_variation(one: SampledPosterior, other: SampledPosterior) -> float:
    first, second = one.predictive(STAKES), other.predictive(STAKES)
    of_offers = 0.5 * np.abs(first.offer - second.offer).sum(axis=-1).max()
    return float(max(of_offers, np.nanmax(np.abs(first.accept - second.accept))))


def test_quadrature_is_enumeration() -> None:
    """The same posterior on a fixed grid over (α, β), by the exact method of finitely many hypotheses."""
    alpha, beta = (np.arange(200) + 0.5) / 50, (np.arange(200) + 0.5) / 200
    fixed = infer(parameter_grid("fehr_schmidt", {"alpha": alpha, "beta": beta}, (20.0,), (0.05,)), played())
    for name in ("alpha", "beta"):
        np.testing.assert_allclose(by_quadrature().mean(name), fixed.mean(name), atol=2e-3)
        np.testing.assert_allclose(by_quadrature().interval(name), fixed.interval(name), atol=0.03)
    np.testing.assert_allclose(by_quadrature().log_evidence, np.asarray(fixed.log_evidence), atol=5e-3)
    expected = fixed.predictive(STAKES)
    predictive = by_quadrature().predictive(STAKES)
    np.testing.assert_allclose(predictive.offer, expected.offer, atol=1e-3)
    np.testing.assert_allclose(predictive.accept, expected.accept, atol=1e-3)


@pytest.mark.parametrize("name", METHODS)
def test_methods_agree_with_quadrature(name: str) -> None:
    plays = 400 if name in NORMAL else 24  # enough evidence that a normal fits
    posterior = infer(TWO, played(plays=plays), key=KEY, method=METHODS[name])
    expected = by_quadrature(plays)
    for parameter in ("alpha", "beta"):
        error = np.abs(posterior.mean(parameter) - expected.mean(parameter)) / standard_deviation(expected, parameter)
        assert (error < NEAR).all(), error
    assert total_variation(posterior, expected) < 0.01
    if not np.isnan(posterior.log_evidence).any():
        np.testing.assert_allclose(posterior.log_evidence, expected.log_evidence, atol=0.2)
    assert name == "svi" or diagnose(posterior).warnings() == []  # its tails are short even here


@pytest.mark.slow
@pytest.mark.parametrize("name", ["nuts", "smc"])
def test_a_discrete_parameter_is_summed_out_and_drawn_back(name: str) -> None:
    data = Evidence(*(column[:, :2] for column in played(plays=24)))
    exact = infer(NamedNorm(), data, method="grid", key=KEY)
    assert ((exact.mode_probabilities > 0.02).sum(axis=1) >= 2).all()  # otherwise the test is empty
    posterior = infer(NamedNorm(), data, method=METHODS[name], key=KEY)
    np.testing.assert_allclose(posterior.mode_probabilities, exact.mode_probabilities, atol=0.06)
    assert total_variation(posterior, exact) < 0.03


@pytest.mark.slow
@pytest.mark.parametrize("name", ["grid", *METHODS])
def test_updating_in_sequence_is_updating_at_once(name: str) -> None:
    method = METHODS.get(name, Grid())
    first, second = parts(played(), 8)
    earlier = infer(TWO, first, key=KEY, method=method)
    later = infer(TWO, second, prior=earlier, key=jax.random.key(1), method=method)
    at_once = infer(TWO, played(), key=jax.random.key(1), method=method)
    assert later.data.stake.shape == played().stake.shape
    if name != "smc":
        np.testing.assert_array_equal(later.fit.u, at_once.fit.u)
        return
    assert total_variation(later, by_quadrature()) < 0.01
    np.testing.assert_allclose(later.log_evidence, by_quadrature().log_evidence, atol=0.5)


@pytest.mark.parametrize("name", ["nuts", "smc", "laplace", "svi"])
def test_the_same_key_gives_the_same_numbers(name: str) -> None:
    one, two, other = (
        infer(TWO, played(), key=jax.random.key(seed), method=QUICK[name], allow_disagreement=True)
        for seed in (5, 5, 6)
    )
    np.testing.assert_array_equal(one.fit.u, two.fit.u)
    assert not np.array_equal(one.fit.u, other.fit.u)


def test_a_run_alone_is_that_run_in_a_batch() -> None:
    method = QUICK["nuts"]
    together = infer(TWO, played(), key=KEY, method=method, allow_disagreement=True)
    alone = infer(TWO, Evidence(*(c[:1] for c in played())), key=KEY, method=method, allow_disagreement=True)
    np.testing.assert_allclose(together.theta["alpha"][:1], alone.theta["alpha"], rtol=1e-5)


@pytest.mark.parametrize("chain_method", ["sequential", "vectorized", "parallel"])
def test_chains_are_the_same_however_they_are_run(chain_method: str) -> None:
    """Compare after a few steps only: rounding differs between programs, and chains amplify it."""
    usual = Nuts(chains=3, warmup=0, draws=4)
    method = Nuts(chains=3, warmup=0, draws=4, chain_method=chain_method)  # type: ignore[arg-type]
    progress: list[tuple[int, int]] = []
    posterior = infer(
        TWO, played(), key=KEY, method=method, allow_disagreement=True, on_steps=lambda *steps: progress.append(steps)
    )
    expected = infer(TWO, played(), key=KEY, method=usual, allow_disagreement=True)
    np.testing.assert_allclose(posterior.fit.u, expected.fit.u, atol=1e-3)
    assert progress[-1] == (4, 4)


@pytest.mark.parametrize("name", ["nuts", "smc", "laplace"])
def test_a_second_fit_of_the_same_shapes_compiles_nothing(name: str, caplog: pytest.LogCaptureFixture) -> None:
    def compiled(seed: int) -> int:
        data = played(runs=1, plays=7, seed=seed)
        caplog.clear()
        with jax.log_compiles(), caplog.at_level(logging.WARNING):
            posterior = infer(TWO, data, key=jax.random.key(seed), method=QUICK[name], allow_disagreement=True)
            assert np.isfinite(posterior.theta["alpha"]).all()
        return caplog.text.count("Finished XLA compilation")

    assert compiled(5) > 0
    assert compiled(6) == 0


class Interrupted(Exception):
    pass


def test_an_interrupted_sampler_goes_on_to_the_same_draws(tmp_path: Path) -> None:
    method = QUICK["nuts"]
    file = tmp_path / "chains.npz"
    whole = infer(TWO, played(), key=KEY, method=method, allow_disagreement=True)
    for stop_at in (5, 40, 80):

        def interrupt(done: int, _: int, stop_at: int = stop_at) -> None:
            if done >= stop_at:
                raise Interrupted

        with pytest.raises(Interrupted):
            infer(TWO, played(), key=KEY, method=method, on_steps=interrupt, checkpoint=file)
    progress: list[int] = []
    resumed = infer(
        TWO,
        played(),
        key=KEY,
        method=method,
        allow_disagreement=True,
        checkpoint=file,
        on_steps=lambda done, _: progress.append(done),
    )
    assert progress[0] > 80
    np.testing.assert_array_equal(resumed.fit.u, whole.fit.u)
    for name, values in whole.fit.stats.items():
        np.testing.assert_array_equal(resumed.fit.stats[name], values)


def test_a_checkpoint_of_another_run_or_a_damaged_one_is_refused(tmp_path: Path) -> None:
    method = QUICK["nuts"]
    file = tmp_path / "chains.npz"
    infer(TWO, played(), key=KEY, method=method, checkpoint=file, allow_disagreement=True)
    before = file.read_bytes()
    with pytest.raises(ValueError, match=r"^checkpoint: .* belongs to another run; delete it"):
        infer(TWO, played(), key=jax.random.key(1), method=method, checkpoint=file, allow_disagreement=True)
    assert file.read_bytes() == before
    file.write_bytes(before[: len(before) // 2])
    with pytest.raises(ValueError, match=r"^checkpoint: .* cannot be read; delete it"):
        infer(TWO, played(), key=KEY, method=method, checkpoint=file, allow_disagreement=True)


def test_chains_that_disagree_are_refused_unless_asked_for() -> None:
    stuck = Nuts(chains=3, warmup=0, draws=20, max_depth=1)
    with pytest.raises(ChainsDisagreeError, match=r"chains disagree: R̂ of (alpha|beta) is .* in run") as refused:
        infer(TWO, played(), key=KEY, method=stuck)
    assert refused.value.posterior.draws == 60
    allowed = infer(TWO, played(), key=KEY, method=stuck, allow_disagreement=True)
    assert any("chains disagree" in warning for warning in diagnose(allowed).warnings())


@pytest.mark.slow
def test_approximations_that_do_not_fit_say_so() -> None:
    """A mean-field normal for a curved posterior of four parameters."""
    poor = infer(
        FehrSchmidt(), played(plays=8), key=KEY, method=Svi(guide="mean-field", fits=2), allow_disagreement=True
    )
    assert (diagnose(poor).pareto_k > 0.5).any()
    short = Svi(fits=2, steps=60, learning_rate=0.01, particles=200)
    unfinished = infer(TWO, played(), key=KEY, method=short, allow_disagreement=True)
    assert unfinished.fit.trace["elbo"].shape == (2, 2, 60)
    assert any("ELBO" in warning for warning in diagnose(unfinished).warnings())


@pytest.mark.parametrize("name", CONTINUOUS_METHODS)
def test_every_method_exports_to_arviz(name: str) -> None:
    posterior = infer(TWO, played(), key=KEY, method=QUICK[name], allow_disagreement=True)
    exported = posterior.to_arviz(KEY, draws=200)
    samples = arviz_compat.group(exported, "posterior")
    assert samples.sizes["run"] == 2
    assert samples.sizes["chain"] >= 2
    np.testing.assert_allclose(samples["alpha"].mean(("chain", "draw")), posterior.mean("alpha"), atol=0.15)
    summary = arviz_compat.arviz().summary(exported, var_names=["alpha"])
    assert len(summary) == 2
    assert arviz_compat.group(exported, "observed_data")["choice"].shape == (2, 48)


def test_defaults_follow_the_dimension() -> None:
    assert default_method(TWO).name == "grid"
    assert default_method(FehrSchmidt()).name == "nuts"


@pytest.mark.parametrize(
    ("family", "data", "options", "problem"),
    [
        (TWO, evidence([10], [5], True, False, False), {}, "^data: nothing was seen"),
        (TWO, played(), {"method": "exact"}, r"unknown method 'exact' for a continuous family; there are grid, nuts"),
        (FehrSchmidt(), played(), {"method": "grid"}, "^method: a grid has 1 to 3 parameters, not 4"),
        (TWO, played(), {"prior": [0.5, 0.5]}, "^prior: give an earlier posterior"),
    ],
)
def test_bad_input_is_reported(
    family: HypothesisFamily, data: Evidence, options: dict[str, object], problem: str
) -> None:
    with pytest.raises(ValueError, match=problem):
        infer(family, data, **options)  # type: ignore[call-overload]


def test_a_run_without_observations_is_reported() -> None:
    nothing = played()._replace(
        offer_seen=np.array([[True], [False]]) & played().offer_seen,
        answer_seen=np.array([[True], [False]]) & played().answer_seen,
    )
    with pytest.raises(ValueError, match=r"^data: run 1 has no observation; leave it out"):
        infer(TWO, nothing)


def test_a_constant_response_is_a_stated_warning() -> None:
    always = evidence([10] * 6, [5, 4, 3, 2, 1, 0], True, offer_seen=False)
    with pytest.warns(DataWarning, match="every choice of run 0 is the same"):
        posterior = infer(TWO, always)
    assert len(posterior.cautions) == 1


def test_fixing_and_priors_are_checked() -> None:
    with pytest.raises(ValueError, match="no parameter 'gamma'; there are alpha, beta, rationality, lapse"):
        FehrSchmidt().fix(gamma=1.0)
    with pytest.raises(ValueError, match=r"alpha: 9 is outside 0\.\.4"):
        FehrSchmidt().fix(alpha=9.0)
    with pytest.raises(ValueError, match="no parameter 'gamma'"):
        FehrSchmidt().with_priors(TWO.free[0]._replace(name="gamma"))
    tight = TWO.with_priors(TWO.free[0]._replace(location=2.0, scale=0.01))
    posterior = infer(tight, played())
    assert (posterior.interval("alpha")[:, 0] > 3.8).all()
    with pytest.raises(ValueError, match="no parameter 'gamma'; there are alpha, beta"):
        posterior.mean("gamma")


def test_draws_state_policies() -> None:
    posterior = infer(TWO, played(), key=KEY, method=METHODS["nuts"])
    index = posterior.sample(jax.random.key(2), draws=3)
    assert index.shape == (2, 3)
    assert (index[1] >= posterior.draws).all()
    norm = posterior.hypotheses.norm(int(index[1, 0]))
    flat = posterior.theta["alpha"].reshape(-1)
    assert norm.utility == "fehr_schmidt"
    assert norm.theta[0] == pytest.approx(flat[index[1, 0]])
    assert (norm.rationality, norm.lapse) == pytest.approx((20.0, 0.05))
