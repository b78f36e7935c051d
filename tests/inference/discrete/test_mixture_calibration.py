"""Unknown shares of selfish and altruistic users are inferred as well as the evidence allows.

A user's offer, near nothing or near everything, shows its norm. An answer shows almost nothing, since users of both
norms accept nearly every offer. A run of five epochs has 45 informative actions in group 1v9, 25 in 5v5 and 5 in 9v1.
So the posterior is close to that of an observer who counts selfish proposers.
"""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from envs.schedule import GROUPS
from inference import infer, norm_mixtures
from tests.envs.reference import false_alarm_bound
from tests.inference.data import simulate_group

EPOCHS = 5
POLES = ("selfish", "altruistic")
PERCENT = norm_mixtures(POLES, steps=100)
PRIORS = {"two norms": PERCENT, "three norms": norm_mixtures(("selfish", "fair", "altruistic"), steps=20)}
RUNS = 1_000

every_group = pytest.mark.parametrize("group", GROUPS)


@pytest.mark.slow
@every_group
def test_nine_in_ten_intervals_cover_weights_drawn_from_the_prior(group: str) -> None:
    """1,000 runs in one program. The share's standard deviation is .0095, so 87–93 % is three of them on each side."""
    key_truth, key_plays = jax.random.split(jax.random.key(1))
    truth = jax.random.randint(key_truth, (RUNS,), 0, PERCENT.size)
    data = simulate_group(key_plays, PERCENT.components, PERCENT.weights[truth], GROUPS[group], EPOCHS)
    posterior = infer(PERCENT, data)
    low, high = posterior.interval("weight_selfish", 0.9).T
    weight = PERCENT.coordinates()["weight_selfish"]
    covered = (low <= weight[truth]) & (weight[truth] <= high)
    assert 0.87 <= covered.mean() <= 0.93
    # A calibrated posterior has the promised mass inside the interval, on average over runs.
    inside = (low[:, None] <= weight) & (weight <= high[:, None])
    assert abs((inside * posterior.probabilities).sum(axis=1).mean() - 0.9) < 0.01


@functools.cache
def ends_near(hypotheses: str, selfish: float, group: str) -> np.ndarray:
    """Whether each run ends with every norm's posterior mean within .15 of its true weight."""
    mixtures = PRIORS[hypotheses]
    weights = np.array([{"selfish": selfish, "altruistic": 1 - selfish}.get(norm, 0.0) for norm in mixtures.norms])
    of_runs = jnp.asarray(np.tile(weights, (RUNS, 1)), jnp.float32)
    data = simulate_group(jax.random.key(1), mixtures.components, of_runs, GROUPS[group], EPOCHS)
    error = np.abs(infer(mixtures, data).norm_probabilities - weights)
    return np.asarray((error <= 0.15).all(axis=1))


def counting(selfish: float, group: str) -> float:
    """Probability of a posterior mean within .15 of the weight for an observer who knows each proposer's norm."""
    weight = PERCENT.coordinates()["weight_selfish"].astype(np.float64)
    schedule = GROUPS[group]
    offers = EPOCHS * (schedule.uu + schedule.ua)
    near = 0.0
    for count in range(offers + 1):
        posterior = weight**count * (1 - weight) ** (offers - count)
        mean = posterior @ weight / posterior.sum()
        if abs(mean - selfish) <= 0.15:
            near += math.comb(offers, count) * selfish**count * (1 - selfish) ** (offers - count)
    return near


by_weight = pytest.mark.parametrize("selfish", [0.2, 0.5, 0.8])


@pytest.mark.parametrize("hypotheses", PRIORS)
@pytest.mark.parametrize(("group", "selfish"), [("1v9", 0.2), ("1v9", 0.5), ("1v9", 0.8), ("5v5", 0.2), ("5v5", 0.8)])
def test_nine_in_ten_runs_end_within_15_points_of_the_weights(hypotheses: str, group: str, selfish: float) -> None:
    assert ends_near(hypotheses, selfish, group)[:200].mean() >= 0.9


@by_weight
@every_group
def test_runs_end_as_near_the_weights_as_for_an_observer_who_knows_the_proposers_norms(
    selfish: float, group: str
) -> None:
    expected = counting(selfish, group)
    # If both are equal, one seed in a million fails. Answers and lapses in offers may change it by .02.
    bound = false_alarm_bound(np.array([expected]), RUNS, cells=1)[0] / RUNS + 0.02
    assert abs(ends_near("two norms", selfish, group).mean() - expected) <= bound


def test_five_telling_actions_an_epoch_fall_just_short_and_one_far_short() -> None:
    """5v5 at 50/50 and all of 9v1 cannot reach 90 %, even for an observer who recognises all norms."""
    assert 0.89 < counting(0.5, "5v5") < 0.9
    assert max(counting(selfish, "9v1") for selfish in (0.2, 0.5, 0.8)) < 0.75
