"""Partial pooling compared with plain numpy; it gives shrinkage, new members and unseen currencies."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from envs import Norm, Policy
from inference import (
    DataWarning,
    Evidence,
    FehrSchmidt,
    Hierarchical,
    NamedNorm,
    Nuts,
    evidence,
    infer,
    posterior_of_new_row,
    posterior_of_row,
)
from inference.continuous.parameters import half_normal

BASE = FehrSchmidt().fix(rationality=25.0, lapse=0.05)
QUICK = Nuts(chains=2, warmup=300, draws=300, target_accept=0.9)
SHORT = Nuts(chains=1, warmup=20, draws=20)


def answers(envy: list[float], plays: list[int]) -> Evidence:
    """Answers of one subject for each envy, to the same offers; each is seen in `plays` interactions."""
    offer = np.resize([1, 3, 5, 7, 8], 20)
    rows = []
    for number, alpha in enumerate(envy):
        table = Policy.of(Norm("fehr_schmidt", (alpha, 0.3), 25.0, 0.05)).table(jnp.asarray([20]))
        accept = np.exp(np.asarray(table.accept))[0, offer]
        rows.append(np.random.default_rng(number).random(20) < accept)
    seen = np.arange(20) < np.array(plays)[:, None]
    return evidence(np.full(seen.shape, 20), np.tile(offer, (len(envy), 1)), np.array(rows), False, seen)


def test_rows_are_the_populations_place_and_a_deviation() -> None:
    family = Hierarchical(base=BASE, rows=3, spread=0.4)
    u = np.random.default_rng(0).normal(size=family.dimension).astype(np.float32)
    place, spread = (np.asarray(part) for part in family.population(jnp.asarray(u)))
    expected = np.asarray(family.coordinates_of_rows(jnp.asarray(u)))
    np.testing.assert_allclose(spread, half_normal(jnp.asarray(u[2:4]), 0.4), rtol=1e-6)
    theta = family.theta(jnp.asarray(u))
    for row in range(3):
        alone = BASE.theta(jnp.asarray(expected[row]))
        np.testing.assert_allclose(theta["alpha"][row], alone["alpha"], rtol=1e-5)
    assert theta["rationality"].shape == (3,)
    np.testing.assert_allclose(theta["population_alpha"], BASE.theta(jnp.asarray(place))["alpha"], rtol=1e-5)


def test_rows_are_normal_around_the_populations_place() -> None:
    """In all coordinates, given τ, (w_j − u)/τ are independent standard normals, and so is u."""
    family = Hierarchical(base=BASE, rows=4, spread=0.6)
    u = jax.random.normal(jax.random.key(0), (40_000, family.dimension))
    place, spread = jax.jit(jax.vmap(family.population))(u)
    rows = jax.jit(jax.vmap(family.coordinates_of_rows))(u)
    deviation = (rows - place[:, None]) / spread[:, None]
    numbers = np.concatenate([np.asarray(place)[:, None], np.asarray(deviation)], axis=1)[..., 0]
    np.testing.assert_allclose(np.cov(numbers.T), np.eye(5), atol=0.03)
    np.testing.assert_allclose(np.abs(np.corrcoef(np.asarray(spread)[:, 0], numbers.T)[0, 1:]), 0, atol=0.03)
    np.testing.assert_allclose(np.quantile(numbers, [0.025, 0.5, 0.975], axis=0).T, [[-1.96, 0, 1.96]] * 5, atol=0.05)


def test_spreads_are_half_normal() -> None:
    spreads = np.asarray(half_normal(jax.random.normal(jax.random.key(0), (50_000,)), 2.0))
    levels = np.array([0.1, 0.5, 0.9, 0.99])
    expected = np.quantile(np.abs(2.0 * np.random.default_rng(0).normal(size=1_000_000)), levels)
    np.testing.assert_allclose(np.quantile(spreads, levels), expected, rtol=0.03)


def test_the_likelihood_is_the_rows_product() -> None:
    family = Hierarchical(base=BASE, rows=3)
    seen = jax.tree.map(lambda leaf: jnp.asarray(leaf)[0], family.arrange(answers([0.2, 1.0, 3.0], [20, 8, 3])))
    theta = family.theta(jax.random.normal(jax.random.key(1), (family.dimension,)))
    pointwise = jax.jit(BASE.pointwise)
    total = 0.0
    for row in range(3):
        own = {name: theta[name][row] for name in ("alpha", "beta", "rationality", "lapse")}
        total += float(pointwise(own, jax.tree.map(lambda leaf, row=row: leaf[row], seen)).sum())
    whole = jax.jit(lambda theta, seen: family.log_likelihood(theta, family.summarise(seen)))
    assert float(whole(theta, seen)) == pytest.approx(total, rel=1e-5)


def test_near_currencies_are_alike_and_far_ones_are_not() -> None:
    places = (0.0, 0.5, 3.0)
    family = Hierarchical(base=BASE, rows=3, places=places, spread=1.0).fix(length=1.0)
    u = jax.random.normal(jax.random.key(0), (40_000, family.dimension))
    u = u.at[:, 2:4].set(1.0)  # one spread for all draws
    rows = np.asarray(jax.jit(jax.vmap(family.coordinates_of_rows))(u))[..., 0]
    spread = float(half_normal(jnp.asarray(1.0), 1.0))
    distance = np.abs(np.subtract.outer(places, places))
    np.testing.assert_allclose(np.cov(rows.T), 1 + spread**2 * np.exp(-distance), atol=0.07)


@pytest.mark.parametrize("places", [(0.0, 0.5, 3.0), (0.5, 3.0, 0.0, 0.6), (0.0, 1.0, 1.0, 2.0), (0.7,)])
@pytest.mark.parametrize("length", [0.1, 1.0, 100.0])
def test_rows_have_the_covariance_of_their_places_and_slopes(places: tuple[float, ...], length: float) -> None:
    family = Hierarchical(base=BASE, rows=len(places), places=places).fix(length=length)
    u = jnp.zeros(family.dimension).at[2:4].set(1.0)
    spread = float(half_normal(jnp.asarray(1.0), family.spread))
    root = np.asarray(jax.jit(jax.jacobian(family.coordinates_of_rows))(u))[:, 0, 4::2] / spread
    exact = np.exp(-np.abs(np.subtract.outer(places, places)) / length)
    np.testing.assert_allclose(root @ root.T, exact, atol=2e-6)
    if sorted(places) == list(places) and len(set(places)) == len(places):
        np.testing.assert_allclose(root, np.linalg.cholesky(exact), atol=1e-5)

    unknown = Hierarchical(base=BASE, rows=len(places), places=places)
    at = jnp.ones(unknown.dimension)
    assert np.isfinite(np.asarray(jax.jit(jax.jacobian(unknown.coordinates_of_rows))(at))).all()


def test_a_row_with_few_answers_is_drawn_to_the_population() -> None:
    """Five subjects answer alike. The sixth differs, and one answer or all answers of the sixth are seen."""
    family = Hierarchical(base=BASE, rows=6)
    few = infer(family, answers([0.3] * 5 + [3.5], [20] * 5 + [1]), key=jax.random.key(0), method=QUICK)
    many = infer(family, answers([0.3] * 5 + [3.5], [20] * 6), key=jax.random.key(0), method=QUICK)
    of_few, of_many = few.mean("alpha")[0], many.mean("alpha")[0]
    assert of_few[5] < of_many[5] - 0.5
    assert of_many[5] > of_many[:5].max() + 0.5
    new = posterior_of_new_row(many, jax.random.key(1))
    width = [np.ptp(p.interval("alpha")[0]) for p in (posterior_of_row(many, 0), new)]
    assert width[1] > 1.5 * width[0]  # a new member is less certain than one who was seen
    np.testing.assert_allclose(posterior_of_row(many, 5).mean("alpha")[0], of_many[5], rtol=1e-4)


def test_a_currency_never_seen_gets_a_wide_predictive() -> None:
    places = (0.0, 0.3, 3.0)
    family = Hierarchical(base=BASE, rows=3, places=places, spread=1.0)
    data = answers([0.3, 0.3, 0.3], [20, 0, 0])
    posterior = infer(family, data, key=jax.random.key(0), method=QUICK)  # no warning: unseen rows are intended
    seen, near, far = (np.ptp(posterior_of_row(posterior, row).interval("alpha")[0]) for row in range(3))
    assert seen < near < far
    offers = posterior_of_row(posterior, 2).predictive(jnp.asarray([20]))
    np.testing.assert_allclose(offers.offer.sum(axis=-1), 1, atol=1e-4)


def test_a_subject_without_rows_is_a_stated_warning() -> None:
    family = Hierarchical(base=BASE, rows=3)
    with pytest.warns(DataWarning, match="row 1 of run 0 has no observation; its estimate is the population's"):
        infer(family, answers([0.3, 0.3, 2.0], [20, 0, 20]), method=SHORT)


def test_bad_hierarchies_are_reported() -> None:
    with pytest.raises(ValueError, match=r"^base: give a family without a discrete parameter"):
        Hierarchical(base=NamedNorm(), rows=3)
    with pytest.raises(ValueError, match=r"^rows: 0 is too few"):
        Hierarchical(base=BASE, rows=0)
    with pytest.raises(ValueError, match=r"^places: 2 positions do not fit 3 rows"):
        Hierarchical(base=BASE, rows=3, places=(0.0, 1.0))
    with pytest.raises(ValueError, match=r"^data: 3 rows do not make runs of 2 rows"):
        infer(Hierarchical(base=BASE, rows=2), answers([0.3] * 3, [20] * 3))
    posterior = infer(BASE, answers([0.3], [20]))
    with pytest.raises(TypeError, match="a posterior over a hierarchy is needed"):
        posterior_of_row(posterior, 0)
    with pytest.raises(ValueError, match=r"^row: 7 is outside 0\.\.2"):
        posterior_of_row(infer(Hierarchical(base=BASE, rows=3), answers([0.3, 0.5, 2.0], [20] * 3), method=SHORT), 7)
