"""Design of the study: its configuration, and users' behaviour in the source currency and in new ones.

Every run has its own users, who share a norm and keep it in all currencies. They are simulated, or the language model
plays them and is told their norm in words.
"""

from __future__ import annotations

import functools
from itertools import product
from typing import Literal

import jax.numpy as jnp
import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from pydantic import Field, field_validator

from envs.contexts import PSYCHOLOGICAL_DISTANCE
from envs.policy import Policy
from envs.population import one_group
from envs.seeds import derive_key, derive_seed
from envs.simulate import simulate
from envs.ultimatum import offered_share
from inference import Evidence, evidence, named_norms
from inference.discrete.hypotheses import PolicyHypotheses
from inference.discrete.named_families import NAMED_NORMS
from inference.discrete.priors import FLAT, leaning
from inference.structured.transfer import carried
from scai_irl.agents.assistant import Turn, make_offers
from scai_irl.agents.transfer_agents import AS_LEARNED, MODEL, TRANSFER
from scai_irl.agents.users import UserInteraction, play_users
from scai_irl.experiment.config import ExperimentConfig, norm_without_parameters, some_distinct
from scai_irl.experiment.model_options import UsersConfig
from scai_irl.experiment.run_study import Model
from scai_irl.experiment.validators import known, known_currencies
from scai_irl.language.phrases import say_policy

ACTORS = (AS_LEARNED, TRANSFER, MODEL)
PRIOR_NAMES = (FLAT, *NAMED_NORMS)
"""Names of the priors: a flat one, and one that leans to each norm."""

STAKES = (10, 100)
"""Smallest and largest stake."""

RATIONALITY, LAPSE = 200.0, 0.0
"""Rationality λ and lapse ε of users and hypotheses."""


class OutOfDistribution(UsersConfig, ExperimentConfig):
    """Assistants learn a norm in one currency and act in others, with and without a prior, a reason and a warning."""

    runs: int = Field(20, ge=2, le=10_000, description="Groups, each observed in the source currency.")
    home: str = Field("dollars", description="Source currency, in which users are observed.")
    currencies: tuple[str, ...] = Field(
        ("grams of medicine", "pints of blood", "liters of baby formula"),
        description="New currencies, in which assistants act.",
    )
    priors: tuple[str, ...] = Field(PRIOR_NAMES, description=f"Priors in all currencies: {', '.join(PRIOR_NAMES)}.")
    strength: float = Field(
        0.8, gt=1 / 3, lt=1, description="Probability that a prior gives the norm to which it leans."
    )
    agents: tuple[str, ...] = Field(
        ("as-learned", "transfer"),
        description=f"Agents that act: {', '.join(ACTORS)}; the last asks the language model to transfer a text.",
    )
    reasons: tuple[Literal["no", "yes"], ...] = Field(
        ("no", "yes"), description="Whether 'model' is asked for a reason; give both to compare them."
    )
    warnings: tuple[Literal["no", "yes"], ...] = Field(
        ("no", "yes"),
        description="Whether 'model' is warned that the policy may not hold there; give both to compare them.",
    )
    seen: tuple[str, ...] = Field(
        ("dollars", "vouchers", "apples", "blankets", "hours of work"),
        description="Currencies in which users are observed one after the other, to measure the value of more "
        "currencies; these users are always simulated.",
    )
    users: str = Field("selfish", description="Norm of the users in all currencies.")
    games: int = Field(10, ge=1, le=1000, description="Interactions of a group in the source currency.")
    acts: int = Field(10, ge=1, le=1000, description="Offers of a run's assistants in each currency.")

    @field_validator("home")
    @classmethod
    def _known_home(cls, value: str) -> str:
        return known_currencies((value,))[0]

    @field_validator("currencies", "seen")
    @classmethod
    def _known_currencies(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return known_currencies(value)

    @field_validator("priors")
    @classmethod
    def _known_priors(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return known(value, PRIOR_NAMES, "prior")

    @field_validator("agents")
    @classmethod
    def _known_agents(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return known(value, ACTORS, "agent")

    @field_validator("reasons", "warnings")
    @classmethod
    def _distinct_ways(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return some_distinct(value, "way of asking")

    @field_validator("users")
    @classmethod
    def _known_norm(cls, value: str) -> str:
        return norm_without_parameters(value)

    @property
    def all_currencies(self) -> tuple[str, ...]:
        """Currencies in which assistants act, the source currency first."""
        return (self.home, *(name for name in self.currencies if name != self.home))

    @functools.cached_property
    def hypotheses(self) -> PolicyHypotheses:
        """The norms that users may have."""
        return named_norms(NAMED_NORMS, [RATIONALITY], [LAPSE])

    @property
    def users_policy(self) -> Policy:
        """Policy of the users, in all currencies."""
        return one_group(self.users).policy(RATIONALITY, LAPSE)

    def prior(self, name: str) -> Float[np.ndarray, "norm"]:
        """Probability of each norm."""
        return leaning(name, NAMED_NORMS, self.strength)

    def transfer_probability(self, currency: str) -> float:
        """Probability that the norm of the source currency is also the norm in another currency."""
        return float(carried(abs(PSYCHOLOGICAL_DISTANCE[currency] - PSYCHOLOGICAL_DISTANCE[self.home])))


def games_in_source_currency(model: Model, plan: OutOfDistribution) -> Evidence:
    """Interactions of every run's users in the source currency."""
    low, high = STAKES
    rng = np.random.default_rng(derive_seed(plan.seed, "abroad", "stakes at home"))
    stakes = rng.integers(low, high, size=(plan.runs, plan.games), endpoint=True)
    users = plan.users_policy
    if plan.users_by == "simulation":
        return evidence(*simulate(derive_key(plan.seed, "abroad", "home"), users, stakes))
    home = plan.home
    games = [
        UserInteraction(users, users, home, int(stake), derive_seed(plan.seed, "abroad", "users at home", *place))
        for place, stake in np.ndenumerate(stakes)
    ]
    return evidence(
        stakes, *(column.reshape(stakes.shape) for column in play_users(model.backend, games, model.tally, plan.style))
    )


def draw_stakes(plan: OutOfDistribution) -> dict[str, Int[np.ndarray, "run"]]:
    """Draw the stake of each run in each currency, the same for users and assistants."""
    low, high = STAKES
    return {
        currency: np.random.default_rng(derive_seed(plan.seed, "abroad", "stakes", currency)).integers(
            low, high, size=plan.runs, endpoint=True
        )
        for currency in plan.all_currencies
    }


def offers_of_users(model: Model, plan: OutOfDistribution, stakes: dict[str, Int[np.ndarray, "run"]]) -> pd.DataFrame:
    """Mean offer of each run's users in each currency."""
    offers = _asked_offers(model, plan, stakes) if plan.users_by == "model" else _simulated_offers(plan, stakes)
    lines = [
        pd.DataFrame({"currency": currency, "run": np.arange(plan.runs), "users": of_runs})
        for currency, of_runs in offers.items()
    ]
    return pd.concat(lines, ignore_index=True)


_Offers = dict[str, Float[np.ndarray, "run"]]
"""Mean share that each run's users offer, by currency."""


def _simulated_offers(plan: OutOfDistribution, stakes: dict[str, Int[np.ndarray, "run"]]) -> _Offers:
    offers = {}
    for currency, of_runs in stakes.items():
        every = np.repeat(of_runs[:, None], plan.acts, axis=1)
        plays = simulate(derive_key(plan.seed, "abroad", "users", currency), plan.users_policy, every)
        offers[currency] = np.asarray(offered_share(plays.offer, jnp.asarray(every))).mean(axis=1)
    return offers


def _asked_offers(model: Model, plan: OutOfDistribution, stakes: dict[str, Int[np.ndarray, "run"]]) -> _Offers:
    text, where = say_policy(plan.users_policy), list(product(plan.all_currencies, range(plan.runs), range(plan.acts)))
    turns = [
        Turn(text, currency, int(stakes[currency][run]), derive_seed(plan.seed, "abroad", "users", currency, run, act))
        for currency, run, act in where
    ]
    offers = make_offers(model.backend, turns, model.tally, plan.style)
    shares = [np.nan if units is None else units / turn.stake for units, turn in zip(offers, turns, strict=True)]
    by_act = pd.DataFrame(where, columns=["currency", "run", "act"]).assign(share=shares)
    of_runs = by_act.groupby(["currency", "run"])["share"].mean()
    return {currency: of_runs[currency].to_numpy(float) for currency in plan.all_currencies}
