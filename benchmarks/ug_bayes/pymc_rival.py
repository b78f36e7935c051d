"""PyMC: its own sampler."""

from __future__ import annotations

from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from benchmarks.ug_bayes.protocol import CHAINS, DRAWS, SPREAD, UPPER, WARMUP, Draws, Problem, measure


def model_of(problem: Problem) -> pm.Model:
    """The model; answers are vectorised over subjects and plays."""
    with pm.Model() as model:
        mu = pm.Normal("mu", 0, 1, shape=3)
        sigma = pm.HalfNormal("sigma", SPREAD, shape=3)
        z = pm.Normal("z", 0, 1, shape=(len(problem.offer), 3))
        place = pm.Deterministic("place", mu + sigma * z)
        theta = UPPER * pm.math.invprobit(place)
        alpha, beta, tau = (theta[:, column, None] for column in range(3))
        odds = tau * (problem.offer - alpha * problem.behind - beta * problem.ahead)
        pm.Potential("answers", pt.sum(-pt.softplus(-(2 * problem.accepted - 1) * odds)))
    return model


def draws_of(result: Any) -> Draws:
    posterior = result.posterior
    diverging = int(np.sum(result.sample_stats["diverging"].values))
    return Draws(posterior["mu"].values, posterior["place"].values, diverging)


def fit(problem: Problem, seed: int) -> Draws:
    with model_of(problem):
        result = pm.sample(
            draws=DRAWS,
            tune=WARMUP,
            chains=CHAINS,
            cores=1,
            random_seed=seed,
            progressbar=False,
            compute_convergence_checks=False,
        )
    return draws_of(result)


if __name__ == "__main__":
    measure(fit)
