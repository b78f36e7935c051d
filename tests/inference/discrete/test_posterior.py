import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from envs.policy import Norm, Policy
from inference import DiscretePosterior, Posterior, named_norms, norm_mixtures, parameter_grid
from inference.discrete.hypotheses import Hypotheses
from tests.envs.reference import false_alarm_bound
from tests.inference.data import FAMILY_NAMES, family

MIXTURES = norm_mixtures(("selfish", "altruistic"), steps=4)
GRID = parameter_grid("fehr_schmidt", {"alpha": (0.0, 1.0, 3.0), "beta": (0.2, 0.7)}, rationality=(20.0, 60.0))
probabilities = arrays(np.float64, 5, elements=st.sampled_from([0.0, 0.01, 0.04, 0.1, 0.2, 1.0])).filter(np.any)


def posterior_of(hypotheses: Hypotheses, probability: np.ndarray) -> DiscretePosterior:
    rows = np.atleast_2d(probability)
    with np.errstate(divide="ignore"):
        log_prob = jnp.asarray(np.log(rows / rows.sum(axis=1, keepdims=True)), jnp.float32)
    return DiscretePosterior(hypotheses, log_prob, jnp.zeros(len(rows)))


def drawn_posterior(hypotheses: Hypotheses, runs: int = 3) -> DiscretePosterior:
    """Unequal probabilities, some of them 0."""
    rng = np.random.default_rng(0)
    weight = rng.dirichlet(np.full(hypotheses.size, 0.5), runs) * (rng.uniform(size=(runs, hypotheses.size)) < 0.8)
    return posterior_of(hypotheses, weight)


@pytest.mark.parametrize("name", FAMILY_NAMES)
def test_it_follows_the_protocol(name: str) -> None:
    assert isinstance(drawn_posterior(family(name)), Posterior)
    assert isinstance(family(name), Hypotheses)


@pytest.mark.parametrize("hypotheses", [named_norms(), MIXTURES, GRID], ids=["named", "mixtures", "grid"])
def test_draws_have_the_posteriors_frequencies(hypotheses: Hypotheses) -> None:
    """If the law is true, one seed in a million fails. The seed is fixed."""
    posterior, draws = drawn_posterior(hypotheses), 40_000
    sample = posterior.sample(jax.random.key(1), draws)
    for row, probability in zip(sample, posterior.probabilities.astype(np.float64), strict=True):
        counts = np.bincount(row, minlength=hypotheses.size)
        bound = false_alarm_bound(probability, draws, sample.shape[0] * hypotheses.size)
        assert (np.abs(counts - draws * probability) <= bound).all()
        assert (counts[probability == 0] == 0).all()


def test_a_refuted_hypothesis_is_never_drawn() -> None:
    """With so many hypotheses, a bare cumulative sum would draw a refuted one in about one of 2 million draws."""
    percent = np.linspace(0, 1, 101).tolist()
    posterior = drawn_posterior(parameter_grid("fehr_schmidt", {"alpha": percent, "beta": percent}), runs=10)
    sample = posterior.sample(jax.random.key(2), 1_000_000)
    assert (np.take_along_axis(posterior.probabilities, sample, axis=1) > 0).all()


def test_a_runs_draws_do_not_depend_on_the_batch() -> None:
    posterior = drawn_posterior(GRID, runs=20)
    alone = DiscretePosterior(GRID, posterior.log_prob[7:8], jnp.zeros(1))
    together = posterior.sample(jax.random.key(3), 50)
    np.testing.assert_array_equal(alone.sample(jax.random.key(3), 50, jnp.asarray([7]))[0], together[7])
    assert (alone.sample(jax.random.key(3), 50)[0] != together[7]).any()


def loop_interval(values: np.ndarray, probability: np.ndarray, mass: float) -> tuple[float, float]:
    """Range of the values with at least (1 − mass)/2 of the probability below and above, counting half of their own."""
    rounding = 1e-6  # of float32 probabilities, so that ties count as inside
    inside = []
    for value in sorted(set(values)):
        own = sum(p for v, p in zip(values, probability, strict=True) if v == value)
        below = sum(p for v, p in zip(values, probability, strict=True) if v < value) + own / 2
        if own > 0 and min(below, 1 - below) >= (1 - mass) / 2 - rounding:
            inside.append(value)
    return inside[0], inside[-1]


@given(probability=probabilities, mass=st.sampled_from([0.5, 0.8, 0.9]))
def test_intervals_are_those_of_a_plain_loop(probability: np.ndarray, mass: float) -> None:
    posterior = posterior_of(MIXTURES, probability)
    values = MIXTURES.coordinates()["weight_selfish"]
    expected = loop_interval(values, posterior.probabilities[0].astype(np.float64), mass)
    np.testing.assert_array_equal(posterior.interval("weight_selfish", mass)[0], expected)


@pytest.mark.parametrize("name", ["alpha", "beta", "rationality"])
def test_intervals_of_a_coordinate_are_those_of_its_marginal(name: str) -> None:
    posterior = drawn_posterior(GRID)
    intervals = posterior.interval(name, mass=0.8)
    for row, probability in zip(intervals, posterior.probabilities.astype(np.float64), strict=True):
        np.testing.assert_array_equal(row, loop_interval(GRID.coordinates()[name], probability, 0.8))


def test_an_interval_of_a_fine_grid_holds_its_mass() -> None:
    fine = norm_mixtures(("selfish", "altruistic"), steps=200)
    weight = fine.coordinates()["weight_selfish"]
    density = weight**3 * (1 - weight) ** 5
    posterior = posterior_of(fine, density)
    for mass in (0.5, 0.9, 0.99):
        low, high = posterior.interval("weight_selfish", mass)[0]
        inside = density[(weight >= low) & (weight <= high)].sum() / density.sum()
        assert abs(inside - mass) < 0.02  # half a grid point's probability at each end, at most .7 %


def test_a_certain_posterior_has_an_interval_of_one_point() -> None:
    posterior = posterior_of(MIXTURES, np.eye(5)[3])
    low, high = posterior.interval("weight_altruistic", 0.9)[0]
    assert low == high == posterior.mean("weight_altruistic")[0]


@pytest.mark.parametrize(
    "hypotheses", [named_norms(lapse=(0.0, 0.1)), MIXTURES, GRID], ids=["named", "mixtures", "grid"]
)
def test_the_predictive_is_the_average_of_the_hypotheses_policies(hypotheses: Hypotheses) -> None:
    posterior, stakes = drawn_posterior(hypotheses), jnp.asarray([1, 20, 100, 700])
    predictive = posterior.predictive(stakes)
    tables = [hypotheses.policy(index).table(stakes) for index in range(hypotheses.size)]
    for run, probability in enumerate(posterior.probabilities):
        offer = sum(p * np.exp(table.offer) for p, table in zip(probability, tables, strict=True))
        accept = sum(p * np.exp(table.accept) for p, table in zip(probability, tables, strict=True))
        legal = ~np.isnan(predictive.share)
        # 1e-5: float32 averages of at most 12 tables, which two compiled programs round differently at λ U = 240.
        np.testing.assert_allclose(predictive.offer[run], offer, atol=1e-5)
        np.testing.assert_allclose(predictive.accept[run][legal], np.asarray(accept)[legal], atol=1e-5)


def test_the_predictive_is_a_distribution_over_the_offers_a_stake_allows() -> None:
    predictive = drawn_posterior(GRID).predictive(jnp.asarray([1, 20, 100, 700]))
    np.testing.assert_allclose(predictive.offer.sum(axis=-1), 1, atol=1e-5)  # 101 float32 terms
    assert (~np.isnan(predictive.share)).sum(axis=1).tolist() == [2, 21, 101, 101]
    assert (predictive.offer[:, np.isnan(predictive.share)] == 0).all()
    assert np.isnan(predictive.accept[:, np.isnan(predictive.share)]).all()
    np.testing.assert_allclose(predictive.share[1, :21], np.arange(21) / 20, atol=1e-6)


def test_norm_probabilities_add_up_the_settings_nobody_knows() -> None:
    hypotheses = named_norms(lapse=(0.0, 0.1))
    posterior = drawn_posterior(hypotheses)
    by_hand = posterior.probabilities.reshape(3, 3, 2).sum(axis=2)
    np.testing.assert_allclose(posterior.norm_probabilities, by_hand, atol=1e-6)
    assert posterior.norms == ("selfish", "fair", "altruistic")


def test_norm_probabilities_of_mixtures_are_mean_weights() -> None:
    posterior = drawn_posterior(MIXTURES)
    weights = [posterior.mean(f"weight_{norm}") for norm in MIXTURES.norms]
    np.testing.assert_allclose(posterior.norm_probabilities, np.stack(weights, axis=1), atol=1e-6)


def test_the_most_probable_hypothesis_is_the_first_of_equals() -> None:
    assert posterior_of(MIXTURES, np.array([0.1, 0.3, 0.3, 0.2, 0.1])).most_probable().tolist() == [1]


@pytest.mark.parametrize("name", FAMILY_NAMES)
def test_each_hypothesis_states_the_policy_that_is_in_its_table(name: str) -> None:
    hypotheses, stakes = family(name), jnp.asarray([10, 100])
    table = jax.jit(lambda some, at: some.table(at))(hypotheses, stakes)
    for index in (0, hypotheses.size // 2, hypotheses.size - 1):
        for stated, stored in zip(hypotheses.policy(index).table(stakes), table, strict=True):
            np.testing.assert_allclose(np.exp(stated), np.exp(stored[:, index]), atol=1e-5)  # float32, two programs


def test_the_mean_policy_of_named_norms_weighs_them_by_probability() -> None:
    policy = named_norms().mean_policy(np.array([0.25, 0.0, 0.75]))
    assert policy == Policy(((0.25, Norm("selfish")), (0.75, Norm("altruistic"))))


def test_the_mean_policy_of_a_grid_has_the_mean_parameters() -> None:
    posterior = drawn_posterior(GRID, runs=1)
    ((weight, norm),) = GRID.mean_policy(posterior.probabilities[0]).parts
    assert weight == pytest.approx(1, abs=1e-6)
    means = [posterior.mean(name)[0] for name in ("alpha", "beta", "rationality")]
    assert (*norm.theta, norm.rationality) == pytest.approx(means, rel=1e-5)


def test_the_mean_policy_of_mixtures_has_the_mean_weights() -> None:
    posterior = posterior_of(MIXTURES, np.array([0.5, 0.0, 0.0, 0.5, 0.0]))
    parts = MIXTURES.mean_policy(posterior.probabilities[0]).parts
    weights = {norm.utility: weight for weight, norm in parts}
    assert weights["selfish"] == pytest.approx(posterior.mean("weight_selfish")[0], abs=1e-6)
    assert sum(weights.values()) == pytest.approx(1, abs=1e-6)


def test_the_mean_policy_of_mixtures_has_the_most_probable_setting() -> None:
    mixtures = norm_mixtures(("selfish", "altruistic"), steps=1, rationality=(20.0, 60.0))
    policy = mixtures.mean_policy(np.array([0.1, 0.2, 0.4, 0.3]))
    assert {norm.utility: norm.rationality for _, norm in policy.parts} == {"selfish": 60.0, "altruistic": 60.0}


def test_an_unknown_coordinate_is_refused_with_the_known_ones() -> None:
    posterior = drawn_posterior(GRID)
    for name in ("gamma", "norm"):
        with pytest.raises(ValueError, match=rf"no numerical coordinate '{name}'; there are alpha, beta"):
            posterior.mean(name)
