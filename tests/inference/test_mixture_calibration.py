"""Unknown shares of selfish and altruistic users are inferred as well as the evidence allows.

A user's offer, near nothing or near everything, shows its norm; an answer shows next to nothing, since users of both
norms accept nearly every offer. Per run of five epochs that is 45 telling actions in group 1v9, 25 in 5v5 and 5 in 9v1,
so the posterior is close to that of counting selfish proposers.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from envs.schedule import GROUPS
from inference import infer, norm_mixtures
from inference.mixtures import MixtureHypotheses
from tests.inference.data import simulate_group

EPOCHS = 5
POLES = ("selfish", "altruistic")
PERCENT = norm_mixtures(POLES, steps=100)
SIMPLEX = norm_mixtures(("selfish", "fair", "altruistic"), steps=20)

every_group = pytest.mark.parametrize("group", GROUPS)


@every_group
def test_nine_in_ten_intervals_cover_weights_drawn_from_the_prior(group: str) -> None:
    """1,000 runs in one program; the count's own standard deviation is .0095, so 87–93 % is three of them each way."""
    key_truth, key_plays = jax.random.split(jax.random.key(1))
    truth = jax.random.randint(key_truth, (1_000,), 0, PERCENT.size)
    data = simulate_group(key_plays, PERCENT.components, PERCENT.weights[truth], GROUPS[group], EPOCHS)
    posterior = infer(PERCENT, data)
    low, high = posterior.interval("weight_selfish", 0.9).T
    weight = PERCENT.coordinates()["weight_selfish"]
    covered = (low <= weight[truth]) & (weight[truth] <= high)
    assert 0.87 <= covered.mean() <= 0.93
    # What a calibrated posterior promises: its own mass between the ends, on average over runs.
    inside = (low[:, None] <= weight) & (weight <= high[:, None])
    assert abs((inside * posterior.probabilities).sum(axis=1).mean() - 0.9) < 0.01


def fraction_near(hypotheses: MixtureHypotheses, selfish: float, group: str, runs: int, seed: int) -> float:
    """Fraction of runs that end with every norm's posterior mean within .15 of its true weight."""
    true = {"selfish": selfish, "altruistic": 1 - selfish}
    weights = jnp.asarray([true.get(norm, 0.0) for norm in hypotheses.norms])
    data = simulate_group(
        jax.random.key(seed), hypotheses.components, jnp.broadcast_to(weights, (runs, len(weights))), GROUPS[group], EPOCHS
    )
    error = np.abs(infer(hypotheses, data).norm_probabilities - np.asarray(weights))
    return float((error <= 0.15).all(axis=1).mean())


def counting(norms: int, selfish: float, group: str) -> float:
    """The same fraction for an observer who sees each proposer's norm: binomial counts, Dirichlet means."""
    schedule = GROUPS[group]
    n = EPOCHS * (schedule.uu + schedule.ua)
    chance = [math.comb(n, k) * selfish**k * (1 - selfish) ** (n - k) for k in range(n + 1)]
    return sum(
        p
        for k, p in enumerate(chance)
        if abs((k + 1) / (n + norms) - selfish) <= 0.15 and abs((n - k + 1) / (n + norms) - (1 - selfish)) <= 0.15
    )
