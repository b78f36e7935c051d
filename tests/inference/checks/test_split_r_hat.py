"""R̂ of split chains compared with plain loops over its equation; it detects chains that disagree."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from envs import Norm, Policy, simulate
from inference import FehrSchmidt, Nuts, diagnose, evidence, infer
from inference.checks.diagnostics import largest_r_hat, split_r_hat
from inference.samplers.grid import Grid


def plain(chains: list[np.ndarray]) -> float:
    """√((n − 1)/n + B/(n W)), chain by chain."""
    halves = []
    for chain in chains:
        n = len(chain) // 2
        halves += [chain[:n], chain[-n:]]
    n, means = len(halves[0]), [sum(half) / len(half) for half in halves]
    within = sum(sum((x - mean) ** 2 for x in half) / (n - 1) for half, mean in zip(halves, means, strict=True))
    within /= len(halves)
    centre = sum(means) / len(means)
    between = n * sum((mean - centre) ** 2 for mean in means) / (len(means) - 1)
    return float(np.sqrt((n - 1) / n + between / (n * within)))


@pytest.mark.parametrize("draws", [20, 21])
def test_it_is_the_equation(draws: int) -> None:
    u = np.random.default_rng(0).normal(size=(3, 4, draws, 2)).cumsum(axis=2)
    r_hat = split_r_hat(u)
    for run in range(3):
        for number in range(2):
            assert r_hat[run, number] == pytest.approx(plain(list(u[run, :, :, number])), rel=1e-12)


def test_it_tells_chains_that_disagree_from_chains_that_do_not() -> None:
    u = np.random.default_rng(1).normal(size=(1, 4, 500, 1))
    assert split_r_hat(u)[0, 0] < 1.02
    u[:, 0] += 3
    assert split_r_hat(u)[0, 0] > 1.3
    assert split_r_hat(np.zeros((1, 2, 10, 1)))[0, 0] == 1


@pytest.mark.slow
def test_the_largest_is_near_that_of_arviz_and_missing_where_there_is_one_chain() -> None:
    person = Policy.of(Norm("fehr_schmidt", (0.9, 0.6), rationality=50.0))
    seen = evidence(*simulate(jax.random.key(0), person, np.full((3, 20), 40)))
    posterior = infer(
        FehrSchmidt(),
        seen,
        key=jax.random.key(1),
        method=Nuts(chains=2, warmup=100, draws=100),
        allow_disagreement=True,
    )
    own = largest_r_hat(posterior)
    theirs = diagnose(posterior).table.groupby("coordinate", sort=False)["r_hat"].max()
    assert own.to_numpy() == pytest.approx(theirs[own.index].to_numpy(), abs=0.03)  # ArviZ computes it from ranks
    alone = infer(FehrSchmidt().fix(rationality=50.0, lapse=0.05), seen, method=Grid(points=9))
    assert largest_r_hat(alone).isna().all()
