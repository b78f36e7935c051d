"""Exact posterior in new currencies, by the number of currencies in which users were observed.

Users keep their norm in all currencies. An observer of several currencies learns that norms transfer far (ℓ is large),
and transfers this norm farther. An observer of one currency cannot learn this.
"""

from __future__ import annotations

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
import pandas as pd
from jaxtyping import Float

from envs.contexts import PSYCHOLOGICAL_DISTANCE
from envs.seeds import derive_key, derive_seed
from envs.simulate import simulate
from experiments.out_of_distribution.transfer_design import STAKES, OutOfDistribution
from inference import evidence, infer
from inference.structured.transfer import lengths, transfer

STAKE = 40
"""Stake at which mean offers are compared."""


def gaps_by_currencies_seen(plan: OutOfDistribution, watched: Sequence[str]) -> pd.DataFrame:
    """Posterior in new currencies, as users are observed in one more currency at a time.

    Args:
        plan: The design. Its currencies that are not in `watched` are new.
        watched: Currencies in which users are observed, in this order.

    Returns:
        A line for each prior, number of observed currencies (``seen``), new currency and run: ``gap``, the expected
        distance of a posterior sample's mean offer from the users'; ``belief``, the posterior probability of the users'
        norm; ``length``, the posterior mean of log ℓ.
    """
    new = [currency for currency in plan.all_currencies if currency not in watched]
    places = [PSYCHOLOGICAL_DISTANCE[name] for name in (*watched, *new)]
    log_likelihood = _log_likelihood(plan, watched)
    nothing = np.zeros((plan.runs, len(new), log_likelihood.shape[2]))
    distance = _distances(plan)
    truth = plan.hypotheses.norms.index(plan.users)
    lines = []
    for prior in plan.priors:
        for seen in range(1, len(watched) + 1):
            known = np.where(np.arange(len(watched))[:, None] < seen, log_likelihood, 0.0)
            believed = transfer(np.concatenate([known, nothing], axis=1), plan.prior(prior), places)
            there = believed.norm[:, len(watched) :]
            columns = {
                "prior": prior,
                "seen": seen,
                "currency": np.tile(new, plan.runs),
                "run": np.repeat(np.arange(plan.runs), len(new)),
                "gap": (there @ distance).ravel(),
                "belief": there[..., truth].ravel(),
                "length": np.repeat(believed.length @ np.log(lengths()), len(new)),
            }
            lines.append(pd.DataFrame(columns))
    return pd.concat(lines, ignore_index=True)


def _log_likelihood(plan: OutOfDistribution, watched: Sequence[str]) -> Float[np.ndarray, "run currency norm"]:
    """Log p(interactions in a currency | norm), up to a constant for each run and currency."""
    by_currency = []
    for currency in watched:
        rng = np.random.default_rng(derive_seed(plan.seed, "abroad", "stakes seen", currency))
        stakes = rng.integers(*STAKES, size=(plan.runs, plan.games), endpoint=True)
        plays = simulate(derive_key(plan.seed, "abroad", "seen", currency), plan.users_policy, stakes)
        by_currency.append(np.asarray(infer(plan.hypotheses, evidence(*plays)).log_prob, np.float64))
    return np.stack(by_currency, axis=1)


def _distances(plan: OutOfDistribution) -> Float[np.ndarray, "norm"]:
    """Distance of each norm's mean offer from the users' mean offer."""
    chances = np.exp(np.asarray(plan.hypotheses.table(jnp.asarray([STAKE])).offer[0], np.float64))
    means = chances[:, : STAKE + 1] @ np.arange(STAKE + 1) / STAKE
    return np.asarray(np.abs(means - means[plan.hypotheses.norms.index(plan.users)]))
