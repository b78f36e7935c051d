import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from envs.policy import Norm, Policy
from envs.soft_policy import cumulative_probs, inverse_cdf
from envs.ultimatum import NUM_OFFERS, legal_offers

STAKES = jnp.asarray([1, 8, 55, 100, 900])

# Weights of very different sizes, with zeros anywhere.
weights = arrays(np.float32, 30, elements=st.sampled_from([0.0, 0.0, 1e-12, 1e-6, 0.1, 1.0, 3.0])).filter(np.any)
below_one = st.floats(0, 1, exclude_max=True, width=32)
NEXT_BELOW_ONE = float(np.nextafter(np.float32(1), np.float32(0)))


@given(weights, st.one_of(below_one, st.just(NEXT_BELOW_ONE)))
def test_a_draw_is_never_impossible(weight: np.ndarray, uniform: float) -> None:
    probabilities = weight / weight.sum()
    outcome = int(inverse_cdf(jnp.asarray(uniform, jnp.float32), jnp.log(jnp.asarray(probabilities))))
    assert probabilities[outcome] > 0


@given(weights, below_one)
def test_a_draw_is_the_first_outcome_whose_cumulative_probability_exceeds_the_uniform(
    weight: np.ndarray, uniform: float
) -> None:
    exact = np.cumsum(weight.astype(np.float64)) / weight.astype(np.float64).sum()
    outcome = int(inverse_cdf(jnp.asarray(uniform, jnp.float32), jnp.log(jnp.asarray(weight))))
    rounding = 1e-5  # 30 float32 sums and an exponential
    assert exact[outcome] > uniform - rounding
    assert outcome == 0 or exact[outcome - 1] <= uniform + rounding


@pytest.mark.parametrize("uniform", [0.0, 0.3, NEXT_BELOW_ONE])
@pytest.mark.parametrize(
    "norm", [Norm("selfish"), Norm("altruistic"), Norm("fair", lapse=0.2), Norm("ces", (0.4, 0.5))]
)
def test_offers_stay_inside_their_stake(norm: Norm, uniform: float) -> None:
    table = Policy.of(norm).table(STAKES)
    offers = inverse_cdf(jnp.full(len(STAKES), uniform), table.offer)
    assert (offers <= jnp.minimum(STAKES, 100)).all()


def test_cumulative_sums_rise_only_where_something_is_added() -> None:
    """Long sums are made in trees, since rounding errors make a bare cumulative sum fall and rise."""
    rng = np.random.default_rng(0)
    weight = rng.uniform(size=(200, 1681)) * (rng.uniform(size=(200, 1681)) < 0.3)
    probabilities = (weight / weight.sum(axis=1, keepdims=True)).astype(np.float32)
    rises = np.diff(np.asarray(jax.jit(jax.vmap(cumulative_probs))(jnp.asarray(probabilities))), axis=1)
    assert (rises >= 0).all()
    assert (rises[probabilities[:, 1:] == 0] == 0).all()


def test_a_policy_of_several_norms_is_their_weighted_average() -> None:
    norms = Norm("selfish", lapse=0.1), Norm("fehr_schmidt", (1.0, 0.6), rationality=30.0), Norm("altruistic")
    shares = 0.5, 0.2, 0.3
    mixed = Policy(tuple(zip(shares, norms, strict=True))).table(STAKES)
    alone = [Policy.of(norm).table(STAKES) for norm in norms]
    for leaf, parts in zip(mixed, zip(*alone, strict=True), strict=True):
        average = sum(share * np.exp(np.asarray(part, np.float64)) for share, part in zip(shares, parts, strict=True))
        np.testing.assert_allclose(np.exp(leaf), average, atol=1e-6)  # one float32 logarithm and exponential


def test_a_norm_of_weight_zero_takes_no_part() -> None:
    silent = Policy(((1.0, Norm("selfish")), (0.0, Norm("altruistic")))).table(STAKES)
    alone = Policy.of(Norm("selfish")).table(STAKES)
    for with_zero, without in zip(silent, alone, strict=True):
        np.testing.assert_allclose(np.exp(with_zero), np.exp(without), atol=1e-6)


def test_tables_are_distributions_at_every_stake() -> None:
    stakes = jnp.asarray([*range(1, 102), 1000, 99_999])
    legal = np.asarray(legal_offers(stakes))
    table = Policy(((0.4, Norm("selfish")), (0.6, Norm("fair", lapse=0.05)))).table(stakes)
    assert table.offer.shape == (len(stakes), NUM_OFFERS)
    assert (np.exp(table.offer)[~legal] == 0).all()
    np.testing.assert_allclose(np.exp(table.offer).sum(axis=1), 1, atol=1e-5)  # 101 float32 terms
    np.testing.assert_allclose((np.exp(table.accept) + np.exp(table.reject))[legal], 1, atol=1e-6)
