"""The norm of each user, compared with an enumeration of all assignments and with particles over continuous norms."""

from __future__ import annotations

import itertools

import jax
import numpy as np
import pytest

from envs import Norm, Policy
from envs.society import meet
from inference import CharnessRabin, Evidence, NormGroups, Smc, evidence, groups_found, infer, norm_mixtures
from inference.discrete.named_families import NAMED_NORMS
from inference.discrete.named_groups import NamedGroups, named_groups
from tests.scai_irl.chi_square import p_value

RATIONALITY, LAPSE = 5.0, 0.25
MIXTURES = norm_mixtures(NAMED_NORMS, steps=4, rationality=[RATIONALITY], lapse=[LAPSE])


def society(
    holds: list[int], games: int, seed: int = 0, parameters: tuple[float, float] = (RATIONALITY, LAPSE)
) -> Evidence:
    norms = [Policy.of(Norm(name, (), *parameters)) for name in NAMED_NORMS]
    stakes = np.random.default_rng(seed).integers(10, 40, (1, games))
    seen = meet(jax.random.key(seed), norms, np.array([holds]), stakes)
    columns = (seen.stake, seen.offer, seen.accepted, seen.proposed, ~seen.proposed)
    return evidence(*(column[0] for column in columns))


def inferred(data: Evidence, users: int) -> NamedGroups:
    return named_groups(MIXTURES, infer(MIXTURES.components, data), users)


@pytest.fixture(scope="module")
def four() -> Evidence:
    return society([0, 0, 2, 1], games=2)


def assignments(data: Evidence) -> dict[tuple[int, ...], float]:
    """Probability of every assignment, by plain enumeration of assignments and shares."""
    users = data.runs
    alone = infer(MIXTURES.components, data)
    likelihood = alone.probabilities.astype(float)
    weight = {}
    for where in itertools.product(range(3), repeat=users):
        seen = np.prod([likelihood[user, norm] for user, norm in enumerate(where)])
        weight[where] = sum(np.prod([shares[norm] for norm in where]) for shares in np.asarray(MIXTURES.weights)) * seen
    total = sum(weight.values())
    return {where: value / total for where, value in weight.items()}


def test_the_posterior_sums_over_all_assignments(four: Evidence) -> None:
    groups = inferred(four, users=4)
    every = assignments(four)
    for user, norm in itertools.product(range(4), range(3)):
        expected = sum(chance for where, chance in every.items() if where[user] == norm)
        assert groups.assignment[0, user, norm] == pytest.approx(expected, abs=1e-5)
    assert 0.05 < groups.assignment.max(axis=-1).min() < 0.95  # assignments are uncertain
    assert groups.shares.sum() == pytest.approx(1)


def test_shares_are_inferred_together_with_assignments(four: Evidence) -> None:
    likelihood = infer(MIXTURES.components, four).probabilities.astype(float)
    points = np.asarray(MIXTURES.weights, float)
    chance = np.prod(points @ likelihood.T, axis=1)
    np.testing.assert_allclose(inferred(four, users=4).shares[0], chance @ points / chance.sum(), atol=1e-5)


def test_draws_are_of_all_users_together(four: Evidence) -> None:
    groups, every = inferred(four, users=4), assignments(four)
    draws = 3000
    many = NamedGroups(
        MIXTURES, np.repeat(groups.log_alone, draws, axis=0), np.repeat(groups.log_shares, draws, axis=0)
    )
    sample = many.sample(jax.random.key(0))
    place = {where: number for number, where in enumerate(every)}
    counts = np.bincount([place[tuple(where)] for where in sample.tolist()], minlength=len(every))
    assert p_value(counts, list(every.values())) > 1e-3
    again = many.sample(jax.random.key(0), jax.numpy.asarray([0] * draws))
    assert (again == again[0]).all()


def test_users_need_not_come_in_any_order() -> None:
    data = society([0, 1, 2, 2, 0], games=3)
    order = np.array([3, 0, 4, 1, 2])
    mixed = Evidence(*(column[order] for column in data))
    np.testing.assert_allclose(inferred(mixed, 5).assignment[0], inferred(data, 5).assignment[0][order], atol=1e-6)


def test_other_users_are_informative_about_a_user_without_evidence() -> None:
    data = society([2, 2, 2, 2, 2, 0], games=8)
    silent = np.array([True] * 5 + [False])[:, None]
    groups = inferred(data._replace(offer_seen=data.offer_seen & silent, answer_seen=data.answer_seen & silent), 6)
    chance = groups.assignment[0, -1]
    assert chance.argmax() == 2
    np.testing.assert_allclose(chance, groups.shares[0], atol=1e-6)


def test_epoch_by_epoch_is_all_at_once() -> None:
    data = society([0, 2, 1], games=4)
    first, second = (Evidence(*(column[:, half] for column in data)) for half in (slice(4), slice(4, None)))
    alone = infer(MIXTURES.components, second, prior=infer(MIXTURES.components, first))
    step_by_step = named_groups(MIXTURES, alone, users=3)
    np.testing.assert_allclose(step_by_step.assignment, inferred(data, 3).assignment, atol=1e-6)


def test_runs_do_not_touch_each_other() -> None:
    one, other = society([0, 1], games=2), society([2, 2], games=2, seed=1)
    both = Evidence(*(np.concatenate(columns) for columns in zip(one, other, strict=True)))
    together = inferred(both, users=2).assignment
    np.testing.assert_allclose(together[0], inferred(one, 2).assignment[0], atol=1e-6)
    np.testing.assert_allclose(together[1], inferred(other, 2).assignment[0], atol=1e-6)


@pytest.mark.slow
def test_particles_over_continuous_norms_place_users_alike() -> None:
    holds = [0] * 4 + [2] * 4
    data = society(holds, games=4, parameters=(100.0, 0.02))
    mixtures = norm_mixtures(NAMED_NORMS, rationality=[100.0], lapse=[0.02])
    exact = named_groups(mixtures, infer(mixtures.components, data), users=8).assignment[0].argmax(axis=1)
    family = NormGroups(base=CharnessRabin().fix(rationality=100.0, lapse=0.02), users=8, groups=2)
    method = Smc(populations=2, particles=300)
    particles = groups_found(infer(family, data, key=jax.random.key(0), method=method, allow_disagreement=True))
    group = particles.assignment.argmax(axis=1)
    assert exact.tolist() == holds
    assert len(set(group[:4])) == len(set(group[4:])) == 1
    assert group[0] != group[-1]


def test_data_that_do_not_fit_are_refused(four: Evidence) -> None:
    alone = infer(MIXTURES.components, four)
    with pytest.raises(ValueError, match=r"^alone: 4 rows do not make runs of 3 users"):
        named_groups(MIXTURES, alone, users=3)
    two = norm_mixtures(("selfish", "fair"), steps=4)
    with pytest.raises(ValueError, match=r"^alone: give a posterior over the 2 norms themselves"):
        named_groups(two, alone, users=4)
