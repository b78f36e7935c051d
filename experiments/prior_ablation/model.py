"""Priors, populations and temperatures: what observers with every prior learn of every group, run by run."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
import pandas as pd
from jaxtyping import Float

from envs.contexts import PSYCHOLOGICAL_DISTANCE
from envs.population import Population
from envs.seeds import derive_key, derive_seed
from experiments.out_of_distribution.model import FLAT, leaning
from experiments.prior_ablation.learning_speed import Learning, first_game, learn_at_all
from inference import named_norms
from inference.discrete.families import NAMED_NORMS
from inference.discrete.mixtures import MixtureHypotheses
from inference.structured.transfer import carried

LEANS = ("flat", "right", "wrong")
"""To what a prior leans: nothing, the users' own policy, or another one."""

ONE, SEVERAL = "one norm", "several norms"


@dataclass(frozen=True)
class Ablation:
    """What is varied.

    Attributes:
        users: Populations; their policies are the hypotheses, too.
        priors: `FLAT`, or the norm that a prior leans to.
        strength: Chance of that norm among users with one; the other norms share the rest.
        several: Chance that every prior gives to users with several norms, if there are any.
        rationality: Values of λ.
        lapse: Values of ε; every pair of the two is a setting.
        runs: Groups of each population under each setting.
        epochs: Epochs of a run.
        games: Games in an epoch.
        stakes: Smallest and largest stake.
        home: Currency at home.
        currencies: Currencies abroad.
        seed: Root of all draws.
    """

    users: tuple[tuple[str, Population], ...]
    priors: tuple[str, ...]
    strength: float = 0.8
    several: float = 0.2
    rationality: tuple[float, ...] = (200.0, 20.0, 5.0)
    lapse: tuple[float, ...] = (0.0, 0.25)
    runs: int = 100
    epochs: int = 20
    games: int = 10
    stakes: tuple[int, int] = (10, 100)
    home: str = "dollars"
    currencies: tuple[str, ...] = ("dollars", "grams of medicine", "liters of baby formula", "pints of blood")
    seed: int = 0

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the populations."""
        return tuple(name for name, _ in self.users)

    @property
    def settings(self) -> list[tuple[float, float]]:
        """Pairs of λ and ε, in the order of hypotheses."""
        return list(itertools.product(self.rationality, self.lapse))

    @functools.cached_property
    def hypotheses(self) -> MixtureHypotheses:
        """Each population's policy under each setting."""
        weights = [[dict(zip(*one, strict=True)).get(norm, 0.0) for norm in NAMED_NORMS] for _, one in self.users]
        return MixtureHypotheses(named_norms(NAMED_NORMS, self.rationality, self.lapse), jnp.asarray(weights))

    @property
    def chances(self) -> Float[np.ndarray, "prior users"]:
        """Probability of each population under each prior."""
        one = np.array([len(population.norms) == 1 for _, population in self.users])
        apart = self.several if 0 < one.sum() < len(one) else 0.0 if one.all() else 1.0
        table = np.zeros((len(self.priors), len(self.users)))
        if one.any():
            alone = [name for name, is_one in zip(self.names, one, strict=True) if is_one]
            table[:, one] = (1 - apart) * np.stack([leaning(name, alone, self.strength) for name in self.priors])
        table[:, ~one] = apart / max(1, (~one).sum())
        return table

    @property
    def place(self) -> Float[np.ndarray, "currency"]:
        """Distance of each currency from home."""
        home = PSYCHOLOGICAL_DISTANCE[self.home]
        return np.abs([PSYCHOLOGICAL_DISTANCE[currency] - home for currency in self.currencies])


class Ablated(NamedTuple):
    """What came of it; every table has the columns of the design and ``run``.

    Attributes:
        games: ``needed``, games until the posterior gives the truth more than .9; NaN where it never did.
        epochs: ``belief`` in the truth and expected ``gap`` of a posterior sample, after each epoch from 0 on.
        abroad: Expected ``gap`` in each currency after the last epoch, where users keep their policy.
    """

    games: pd.DataFrame
    epochs: pd.DataFrame
    abroad: pd.DataFrame


def ablate(plan: Ablation) -> Ablated:
    """Run everything, as one array program, and write it out as tables."""
    rng = np.random.default_rng(derive_seed(plan.seed, "prior ablation", "stakes"))
    low, high = plan.stakes
    stakes = rng.integers(low, high, size=(plan.runs, plan.epochs * plan.games), endpoint=True)
    key = derive_key(plan.seed, "prior ablation", "games")
    learned = learn_at_all(key, plan.hypotheses, plan.chances, stakes, carried(plan.place))
    return Ablated(_games(plan, learned), _epochs(plan, learned), _abroad(plan, learned))


def _games(plan: Ablation, learned: Learning) -> pd.DataFrame:
    return _table(plan, {"needed": first_game(learned.truth)[..., None]}).drop(columns="last")


def _epochs(plan: Ablation, learned: Learning) -> pd.DataFrame:
    ends = slice(None, None, plan.games)
    numbers = {"belief": learned.truth[..., ends], "gap": learned.gap[..., ends]}
    return _table(plan, numbers).rename(columns={"last": "epoch"})


def _abroad(plan: Ablation, learned: Learning) -> pd.DataFrame:
    table = _table(plan, {"gap": learned.abroad})
    number = table.pop("last").to_numpy()
    return table.assign(currency=np.array(plan.currencies)[number], place=plan.place[number])


def _table(plan: Ablation, numbers: dict[str, Float[np.ndarray, "run prior setting users last"]]) -> pd.DataFrame:
    """A line for each entry: run, prior, λ, ε, users, what the prior leans to, sort of users, and the last axis."""
    shape = next(iter(numbers.values())).shape
    run, prior, setting, users, last = (index.ravel() for index in np.indices(shape))
    settings = np.array(plan.settings)[setting]
    leans = _pairs(plan.priors, plan.names)[prior, users]
    sort = np.array([ONE if len(population.norms) == 1 else SEVERAL for _, population in plan.users])
    columns = {
        "run": run,
        "prior": np.array(plan.priors)[prior],
        "users": np.array(plan.names)[users],
        "sort": sort[users],
        "lean": leans,
        "rationality": settings[:, 0],
        "lapse": settings[:, 1],
        "last": last,
    }
    return pd.DataFrame(columns | {name: values.ravel() for name, values in numbers.items()})


def _pairs(priors: Sequence[str], users: Sequence[str]) -> np.ndarray:
    """To what each prior leans where users are each population."""
    return np.array(
        [[LEANS[0] if prior == FLAT else LEANS[1] if prior == name else LEANS[2] for name in users] for prior in priors]
    )
