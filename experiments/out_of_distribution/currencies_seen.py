"""Does it help abroad to have seen several goods? What the exact posterior of those says who watched users there.

Users keep their norm. Who sees that in several goods learns that norms are carried far (ℓ is large), and carries this
one farther; who has seen a single good cannot know.
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
from experiments.out_of_distribution.model import Journey, users_policy
from inference import evidence, infer
from inference.structured.transfer import lengths, transfer

STAKE = 40
"""Stake at which mean offers are compared."""


def gaps_by_goods_seen(plan: Journey, goods: Sequence[str]) -> pd.DataFrame:
    """Follow the posterior abroad as users are watched in one more good at a time.

    Args:
        plan: What is played; of its currencies those that are no `goods` are abroad.
        goods: Goods in which users are watched, in this order.

    Returns:
        A line for each prior, number of goods, currency abroad and run: ``gap``, the distance of a posterior sample's
        mean offer from the users', in expectation, ``belief`` in the users' norm there, and ``length``, the posterior
        mean of log ℓ.
    """
    foreign = [currency for currency in plan.currencies if currency not in goods]
    places = [PSYCHOLOGICAL_DISTANCE[name] for name in (*goods, *foreign)]
    told = _log_likelihood(plan, goods)
    nothing = np.zeros((plan.runs, len(foreign), told.shape[2]))
    distance = _distances(plan)
    truth = plan.hypotheses.norms.index(plan.users)
    lines = []
    for prior in plan.priors:
        for seen in range(1, len(goods) + 1):
            known = np.where(np.arange(len(goods))[:, None] < seen, told, 0.0)
            believed = transfer(np.concatenate([known, nothing], axis=1), plan.prior(prior), places)
            there = believed.norm[:, len(goods) :]
            columns = {
                "prior": prior,
                "seen": seen,
                "currency": np.tile(foreign, plan.runs),
                "run": np.repeat(np.arange(plan.runs), len(foreign)),
                "gap": (there @ distance).ravel(),
                "belief": there[..., truth].ravel(),
                "length": np.repeat(believed.length @ np.log(lengths()), len(foreign)),
            }
            lines.append(pd.DataFrame(columns))
    return pd.concat(lines, ignore_index=True)


def _log_likelihood(plan: Journey, goods: Sequence[str]) -> Float[np.ndarray, "run good norm"]:
    """Log p(games in a good | norm), up to a constant for each run and good."""
    of_goods = []
    for good in goods:
        rng = np.random.default_rng(derive_seed(plan.seed, "abroad", "stakes seen", good))
        stakes = rng.integers(*plan.stakes, size=(plan.runs, plan.games), endpoint=True)
        plays = simulate(derive_key(plan.seed, "abroad", "seen", good), users_policy(plan), stakes)
        of_goods.append(np.asarray(infer(plan.hypotheses, evidence(*plays)).log_prob, np.float64))
    return np.stack(of_goods, axis=1)


def _distances(plan: Journey) -> Float[np.ndarray, "norm"]:
    """Distance of each norm's mean offer from the users'."""
    chances = np.exp(np.asarray(plan.hypotheses.table(jnp.asarray([STAKE])).offer[0], np.float64))
    means = chances[:, : STAKE + 1] @ np.arange(STAKE + 1) / STAKE
    return np.asarray(np.abs(means - means[plan.hypotheses.norms.index(plan.users)]))
