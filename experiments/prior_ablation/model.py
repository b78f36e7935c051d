"""Observers with different priors learn the norms of different populations.

A prior is *right* if it leans to the users' own policy, and *wrong* if it leans to another.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
import pandas as pd
from jaxtyping import Float
from pydantic import Field, ValidationInfo, field_validator, model_validator

from envs.contexts import PSYCHOLOGICAL_DISTANCE
from envs.population import Population
from envs.seeds import derive_key, derive_seed
from experiments.prior_ablation.learning_speed import Learning, first_game, learn_at_all
from inference import named_norms
from inference.discrete.mixtures import MixtureHypotheses
from inference.discrete.named_families import NAMED_NORMS
from inference.discrete.priors import FLAT, leaning
from inference.structured.transfer import carried
from scai_irl.experiment.config import ExperimentConfig, some_distinct
from scai_irl.experiment.validators import known, known_currencies, read_users

STAKES = (10, 100)
"""Smallest and largest stake."""

LEANS = ("flat", "right", "wrong")
"""Kinds of priors: flat, leaning to the users' own policy, or leaning to another policy."""

ONE, SEVERAL = "one norm", "several norms"


class PriorAblation(ExperimentConfig):
    """Cost of priors: interactions until the truth is believed, gaps by epoch, and gaps in new currencies.

    The populations' policies are also the hypotheses. Every pair of a rationality and a lapse is a setting.
    """

    runs: int = Field(100, ge=2, le=10_000, description="Groups of each population under each temperature.")
    users: tuple[str, ...] = Field(
        ("selfish", "fair", "altruistic", "selfish=0.5,altruistic=0.5", "selfish=0.2,altruistic=0.8"),
        description="Populations: norms, or mixtures as norm=weight pairs; they are also the hypotheses.",
    )
    priors: tuple[str, ...] = Field(
        (FLAT, "selfish", "fair", "altruistic"),
        description=f"Priors: {FLAT}, or the norm to which a prior leans.",
    )
    strength: float = Field(0.8, gt=0, lt=1, description="Probability of that norm, given that users have one norm.")
    several: float = Field(
        0.2, gt=0, lt=1, description="Probability that every prior gives to users with several norms."
    )
    rationality: tuple[float, ...] = Field(
        (200.0, 20.0, 5.0), description="Rationalities of the users, sharpest first."
    )
    lapse: tuple[float, ...] = Field((0.0, 0.25), description="Lapse rates ε of the users, lowest first.")
    epochs: int = Field(20, ge=1, le=1000, description="Epochs of a run.")
    games: int = Field(10, ge=1, le=1000, description="Games in an epoch.")
    home: str = Field("dollars", description="Source currency, in which users are watched.")
    currencies: tuple[str, ...] = Field(
        ("dollars", "grams of medicine", "liters of baby formula", "pints of blood"),
        description="Currencies in which gaps are computed after the last epoch.",
    )

    @field_validator("users")
    @classmethod
    def _sound_users(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        some_distinct(tuple(str(read_users(text)) for text in value), "population")
        if len(value) < 2:
            raise ValueError("with one population there is nothing to learn; give two or more")
        return value

    @field_validator("home")
    @classmethod
    def _known_home(cls, value: str) -> str:
        return known_currencies((value,))[0]

    @field_validator("currencies")
    @classmethod
    def _known_currencies(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return known_currencies(value)

    @field_validator("rationality", "lapse")
    @classmethod
    def _sound_numbers(cls, value: tuple[float, ...], info: ValidationInfo) -> tuple[float, ...]:
        most = 1.0 if info.field_name == "lapse" else 1e6
        if not value or len(set(value)) < len(value) or not 0 <= min(value) <= max(value) <= most:
            raise ValueError(f"{value} does not fit; give different numbers from 0 to {most:g}")
        return value

    @model_validator(mode="after")
    def _known_priors(self) -> PriorAblation:
        known(self.priors, (FLAT, *(text for text in self.users if "=" not in text)), "prior")
        return self

    @property
    def populations(self) -> list[Population]:
        """Populations by the order of their names."""
        return [read_users(text) for text in self.users]

    @property
    def settings(self) -> list[tuple[float, float]]:
        """Pairs of λ and ε, in the order of hypotheses."""
        return list(itertools.product(self.rationality, self.lapse))

    @functools.cached_property
    def hypotheses(self) -> MixtureHypotheses:
        """Each population's policy under each setting."""
        weights = [[dict(zip(*one, strict=True)).get(norm, 0.0) for norm in NAMED_NORMS] for one in self.populations]
        return MixtureHypotheses(named_norms(NAMED_NORMS, self.rationality, self.lapse), jnp.asarray(weights))

    @property
    def chances(self) -> Float[np.ndarray, "prior users"]:
        """Probability of each population under each prior."""
        one = np.array([len(population.norms) == 1 for population in self.populations])
        apart = self.several if 0 < one.sum() < len(one) else 0.0 if one.all() else 1.0
        table = np.zeros((len(self.priors), len(self.users)))
        if one.any():
            alone = [name for name, is_one in zip(self.users, one, strict=True) if is_one]
            table[:, one] = (1 - apart) * np.stack([leaning(name, alone, self.strength) for name in self.priors])
        table[:, ~one] = apart / max(1, (~one).sum())
        return table

    @property
    def place(self) -> Float[np.ndarray, "currency"]:
        """Distance of each currency from the source currency."""
        home = PSYCHOLOGICAL_DISTANCE[self.home]
        return np.abs([PSYCHOLOGICAL_DISTANCE[currency] - home for currency in self.currencies])


class AblationTables(NamedTuple):
    """Tables of the ablation; each has the columns of the design and ``run``.

    Attributes:
        games: ``needed``, interactions until the truth has a posterior probability above .9; NaN if it never has.
        epochs: ``belief`` in the truth and expected ``gap`` of a posterior sample, after each epoch from 0 on.
        by_currency: Expected ``gap`` in each currency after the last epoch; users keep their policy.
    """

    games: pd.DataFrame
    epochs: pd.DataFrame
    by_currency: pd.DataFrame


def ablate(plan: PriorAblation) -> AblationTables:
    """Compute all beliefs in one array program and arrange them in tables."""
    rng = np.random.default_rng(derive_seed(plan.seed, "prior ablation", "stakes"))
    low, high = STAKES
    stakes = rng.integers(low, high, size=(plan.runs, plan.epochs * plan.games), endpoint=True)
    key = derive_key(plan.seed, "prior ablation", "games")
    learned = learn_at_all(key, plan.hypotheses, plan.chances, stakes, carried(plan.place))
    return AblationTables(_games(plan, learned), _epochs(plan, learned), _by_currency(plan, learned))


def _games(plan: PriorAblation, learned: Learning) -> pd.DataFrame:
    return _table(plan, {"needed": first_game(learned.truth)[..., None]}).drop(columns="last")


def _epochs(plan: PriorAblation, learned: Learning) -> pd.DataFrame:
    ends = slice(None, None, plan.games)
    numbers = {"belief": learned.truth[..., ends], "gap": learned.gap[..., ends]}
    return _table(plan, numbers).rename(columns={"last": "epoch"})


def _by_currency(plan: PriorAblation, learned: Learning) -> pd.DataFrame:
    table = _table(plan, {"gap": learned.new_currencies})
    number = table.pop("last").to_numpy()
    return table.assign(currency=np.array(plan.currencies)[number], place=plan.place[number])


def _table(plan: PriorAblation, numbers: dict[str, Float[np.ndarray, "run prior setting users last"]]) -> pd.DataFrame:
    """Table with a line for each run, prior, λ, ε, users, kind of prior, sort of users, and entry of the last axis."""
    shape = next(iter(numbers.values())).shape
    run, prior, setting, users, last = (index.ravel() for index in np.indices(shape))
    settings = np.array(plan.settings)[setting]
    leans = _pairs(plan.priors, plan.users)[prior, users]
    sort = np.array([ONE if len(population.norms) == 1 else SEVERAL for population in plan.populations])
    columns = {
        "run": run,
        "prior": np.array(plan.priors)[prior],
        "users": np.array(plan.users)[users],
        "sort": sort[users],
        "lean": leans,
        "rationality": settings[:, 0],
        "lapse": settings[:, 1],
        "last": last,
    }
    return pd.DataFrame(columns | {name: values.ravel() for name, values in numbers.items()})


def _pairs(priors: Sequence[str], users: Sequence[str]) -> np.ndarray:
    """Kind of each prior for each population of users."""
    return np.array(
        [[LEANS[0] if prior == FLAT else LEANS[1] if prior == name else LEANS[2] for name in users] for prior in priors]
    )
