"""Groups compared with an enumeration of all assignments of users, and groups recovered from simulated data."""

from __future__ import annotations

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from envs import Norm, Policy, simulate
from inference import CharnessRabin, Evidence, NamedNorm, NormGroups, Smc, evidence, groups_found, infer
from inference.continuous.parameters import falling
from inference.samplers.groups_found import relabel
from inference.samplers.posterior import SampledPosterior

pytestmark = pytest.mark.slow

BASE = CharnessRabin()
SHARED = ("rationality", "lapse")
STAKES = [10, 20, 40, 20, 10, 40]


def two_norms(users: int, runs: int = 1) -> tuple[Evidence, np.ndarray]:
    """Evidence of users, the first half selfish and the second altruistic, and the half of each user."""
    rows = []
    for run, norm in itertools.product(range(runs), ("selfish", "altruistic")):
        key = jax.random.fold_in(jax.random.key(run), norm == "selfish")
        rows.append(simulate(key, Policy.of(Norm(norm, (), 100.0, 0.02)), np.tile(STAKES, (users // 2, 1))))
    data = evidence(*(np.concatenate(columns) for columns in zip(*rows, strict=True)))
    return data, np.repeat([0, 1], users // 2)


def mean_offer(posterior: SampledPosterior) -> np.ndarray:
    """Mean offered share of a stake of 20, in each run."""
    predicted = posterior.predictive(jnp.asarray([20]))
    return np.asarray(np.nansum(predicted.offer[:, 0] * np.nan_to_num(predicted.share[0]), axis=-1))


def test_numbers_in_order_are_distributed_like_sorted_ones() -> None:
    numbers = np.asarray(jax.vmap(falling)(jax.random.normal(jax.random.key(0), (40_000, 3))))
    plain = -np.sort(-np.random.default_rng(0).normal(size=(40_000, 3)), axis=1)
    assert (np.diff(numbers, axis=1) < 0).all()
    np.testing.assert_allclose(numbers.mean(axis=0), plain.mean(axis=0), atol=0.02)
    np.testing.assert_allclose(np.cov(numbers.T), np.cov(plain.T), atol=0.03)


@pytest.mark.parametrize("weights", ["finite", "dirichlet-process"])
def test_the_likelihood_sums_over_assignments(weights: str) -> None:
    users, groups = 3, 2
    family = NormGroups(base=BASE, users=users, groups=groups, weights=weights, shared=SHARED)  # type: ignore[arg-type]
    data, _ = two_norms(4)
    seen = jax.tree.map(lambda leaf: jnp.asarray(leaf)[0], family.arrange(Evidence(*(c[:users] for c in data))))
    theta = family.theta(0.5 * jax.random.normal(jax.random.key(3), (family.dimension,)))
    weight = np.asarray(theta["weight"], np.float64)
    assert weight.sum() == pytest.approx(1, abs=1e-6)
    each = np.zeros((users, groups))
    for user, group in np.ndindex(users, groups):
        own = {name: theta[name][group] for name in ("rho", "sigma", "rationality", "lapse")}
        each[user, group] = float(BASE.pointwise(own, jax.tree.map(lambda leaf, user=user: leaf[user], seen)).sum())
    ways = [
        sum(np.log(weight[g]) + each[user, g] for user, g in enumerate(where))
        for where in itertools.product(range(groups), repeat=users)
    ]
    log_likelihood = float(family.log_likelihood(theta, family.summarise(seen)))
    assert log_likelihood == pytest.approx(np.logaddexp.reduce(ways), rel=1e-4)


def test_finite_weights_are_uniform_on_the_simplex() -> None:
    family = NormGroups(base=BASE, users=2, groups=3)
    weight = np.asarray(jax.vmap(family.weight)(jax.random.normal(jax.random.key(0), (40_000, family.dimension))))
    np.testing.assert_allclose(weight.mean(axis=0), 1 / 3, atol=0.01)
    np.testing.assert_allclose(weight.var(axis=0), 1 / 18, atol=0.002)  # of a Dirichlet(1, 1, 1)
    np.testing.assert_allclose((weight < 0.2).mean(axis=0), 1 - 0.8**2, atol=0.01)


def test_draws_whose_groups_changed_places_are_put_in_one_order() -> None:
    rng = np.random.default_rng(0)
    truth = np.array([[0.9, 0.05, 0.05]] * 4 + [[0.05, 0.9, 0.05]] * 3 + [[0.1, 0.1, 0.8]] * 3)
    orders = np.array([rng.permutation(3) for _ in range(200)])
    chance = np.stack([truth[:, order] for order in orders]) + rng.uniform(0, 0.02, (200, 10, 3))
    relabelling = relabel(chance, np.full(200, 1 / 200))
    back = np.take_along_axis(chance, relabelling[:, None, :], axis=2)
    assert np.ptp(back, axis=0).max() < 0.05


def test_two_groups_are_found_and_served() -> None:
    data, truth = two_norms(10)
    family = NormGroups(base=BASE, users=10, groups=2, shared=SHARED)
    posterior = infer(family, data, key=jax.random.key(0), method=Smc(populations=2, particles=400))
    groups = groups_found(posterior)
    np.testing.assert_allclose(groups.weight, 0.5, atol=0.1)
    assert groups.assignment.shape == (10, 2)
    group = np.array([groups.group_of(user) for user in range(10)])
    assert len(set(group[truth == 0])) == len(set(group[truth == 1])) == 1
    assert group[0] != group[-1]
    for kind, users in ((0, data.offer[:5] / data.stake[:5]), (1, data.offer[5:] / data.stake[5:])):
        assert abs(mean_offer(groups.norms[group[5 * kind]])[0] - users.mean()) < 0.05
    policy = groups.norms[0].hypotheses.policy(0)
    assert policy.parts[0][1].utility == "charness_rabin"


def test_of_twenty_groups_both_norms_are_found_where_one_pooled_norm_serves_nobody() -> None:
    runs, users = 20, 20
    data, truth = two_norms(users, runs)
    family = NormGroups(base=BASE, users=users, groups=2, shared=SHARED)
    method = Smc(populations=2, particles=200)
    posterior = infer(family, data, key=jax.random.key(0), method=method, allow_disagreement=True)
    together = Evidence(*(column.reshape(runs, -1) for column in data))
    pooled = infer(BASE, together, key=jax.random.key(1), method=method, allow_disagreement=True)
    of_all = mean_offer(pooled)
    share = (data.offer / data.stake).reshape(runs, users, -1).mean(axis=2)
    recovered, gap, pooled_gap = [], [], []
    for run in range(runs):
        groups = groups_found(posterior, run)
        served = np.array([mean_offer(norm)[0] for norm in groups.norms])
        group = np.array([groups.group_of(user) for user in range(users)])
        apart = all(len(set(group[truth == kind])) == 1 for kind in (0, 1)) and group[0] != group[-1]
        recovered.append(apart and bool(np.all(np.abs(groups.weight - 0.5) < 0.1)))
        own = [share[run, truth == kind].mean() for kind in (0, 1)]
        gap.append(max(abs(served[group[truth == kind]].mean() - own[kind]) for kind in (0, 1)))
        pooled_gap.append(max(abs(of_all[run] - own[kind]) for kind in (0, 1)))
    assert sum(recovered) >= 19
    assert max(gap) < 0.05
    assert np.mean(pooled_gap) >= 0.4


def test_a_dirichlet_process_uses_the_groups_there_are() -> None:
    data, truth = two_norms(10)
    base = BASE.fix(rationality=100.0, lapse=0.02)
    family = NormGroups(base=base, users=10, groups=4, weights="dirichlet-process")
    method = Smc(populations=2, particles=300)
    posterior = infer(family, data, key=jax.random.key(0), method=method, allow_disagreement=True)
    groups = groups_found(posterior)
    assert groups.in_use < 3.2
    group = np.array([groups.group_of(user) for user in range(10)])
    assert not set(group[truth == 0]) & set(group[truth == 1])


def test_bad_groups_are_reported() -> None:
    with pytest.raises(ValueError, match=r"^base: give a family without a discrete parameter"):
        NormGroups(base=NamedNorm(), users=3)
    with pytest.raises(ValueError, match=r"^groups: 1 groups of 3 users; give at least 2"):
        NormGroups(base=BASE, users=3, groups=1)
    with pytest.raises(ValueError, match=r"^shared: no parameter 'gamma'"):
        NormGroups(base=BASE, users=3, shared=("gamma",))
    data, _ = two_norms(4)
    with pytest.raises(ValueError, match=r"^data: 4 rows do not make runs of 3 users"):
        infer(NormGroups(base=BASE, users=3), data)
    with pytest.raises(TypeError, match="a posterior over NormGroups is needed"):
        groups_found(infer(BASE.fix(rationality=50.0, lapse=0.05), data))
