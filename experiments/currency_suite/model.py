"""Predictions of users' offers in new currencies, from currencies at smaller psychological distance.

Norms vary between currencies in one of the ways of `experiments.currency_suite.variation`. Users are observed in the
nearest 1, 2, 3 … currencies. A hierarchy with distances (`inference.continuous.hierarchy`) predicts their offers in all
currencies.
"""

from __future__ import annotations

import functools
import itertools
import warnings
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Array, Bool, Float, Int, Key
from pydantic import Field, field_validator, model_validator

from envs.contexts import PSYCHOLOGICAL_DISTANCE
from envs.seeds import derive_key
from experiments.currency_suite.variation import WAYS, play, rows_of_societies
from inference import (
    CesAltruism,
    CharnessRabin,
    FehrSchmidt,
    Hierarchical,
    Nuts,
    SampledPosterior,
    Smc,
    evidence,
    infer,
)
from inference.checks.diagnostics import DataWarning
from inference.continuous.one_shot import UtilityFamily
from inference.samplers.fit import Method
from inference.structured.new_places import drawn_offers, posterior_at_position
from scai_irl.experiment.config import ExperimentConfig
from scai_irl.experiment.model_options import LmConfig
from scai_irl.experiment.validators import known, known_currencies

BASES: dict[str, UtilityFamily] = {
    "ces": CesAltruism().fix(substitution=0.0),
    "fehr-schmidt": FehrSchmidt(),
    "charness-rabin": CharnessRabin(),
}
"""Families of a norm, by name. CES altruism has elasticity 1, so only the weight on oneself is free."""

METHODS: dict[str, Method] = {
    "smc": Smc(populations=1, particles=400, sweeps=3, leaps=3),
    "nuts": Nuts(chains=2, warmup=400, draws=300),
}
MASS = 0.9
_TIE = 1e-6  # shares are in single precision


POSTERIOR_DRAWS = 400
"""Number of posterior draws in a prediction."""


class CurrencySuite(LmConfig, ExperimentConfig):
    """Users are observed in near currencies. A hierarchy predicts distant ones, and assistants act on texts there.

    The users' λ and ε are known. The unit of ``spread`` is the standard deviation of the base family's prior.
    """

    runs: int = Field(20, ge=2, le=10_000, description="Number of societies of each kind.")
    goods: tuple[str, ...] = Field(
        tuple(PSYCHOLOGICAL_DISTANCE), description="Currencies, nearest first; the first is the source currency."
    )
    seen: tuple[int, ...] = Field(
        (1, 2, 3, 5), description="Numbers of nearest currencies in which users are observed."
    )
    ways: tuple[str, ...] = Field(WAYS, description=f"How norms vary between currencies: {', '.join(WAYS)}.")
    change: float = Field(1.1, ge=0, description="Distance at which norms change, if they change abruptly.")
    family: Literal["ces", "fehr-schmidt", "charness-rabin"] = Field("ces", description="Family of a currency's norm.")
    method: Literal["smc", "nuts"] = Field("smc", description="Method of inference.")
    spread: float = Field(1.0, gt=0, le=10, description="Scale of the prior on the spread of norms.")
    games: int = Field(10, ge=1, le=1000, description="Interactions of a society's users in each currency.")
    acts: int = Field(5, ge=1, le=1000, description="Offers of each assistant in each currency.")
    stake: int = Field(10, ge=1, le=100, description="Units divided.")
    rationality: float = Field(100.0, gt=0, le=1e6, description="Rationality λ of the users; it is known.")
    lapse: float = Field(0.02, ge=0, le=1, description="Lapse ε of the users; it is known.")

    @field_validator("goods")
    @classmethod
    def _rising_distances(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        places = [PSYCHOLOGICAL_DISTANCE[name] for name in known_currencies(value)]
        if len(value) < 2 or places != sorted(places):
            raise ValueError(
                f"{', '.join(value)} are not two or more currencies in order of distance; give the nearest first"
            )
        return value

    @field_validator("seen")
    @classmethod
    def _rising_numbers(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if not value or value[0] < 1 or any(after <= before for before, after in itertools.pairwise(value)):
            raise ValueError(f"{value} are not increasing numbers of currencies; give numbers from 1 on, such as 1 2 3")
        return value

    @field_validator("ways")
    @classmethod
    def _known_ways(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return known(value, WAYS, "way")

    @model_validator(mode="after")
    def _something_unseen(self) -> CurrencySuite:
        if self.seen[-1] >= len(self.goods):
            raise ValueError(f"all {len(self.goods)} currencies are seen; leave at least one unseen")
        return self

    @functools.cached_property
    def places(self) -> tuple[float, ...]:
        """Psychological distance of each currency."""
        return tuple(PSYCHOLOGICAL_DISTANCE[currency] for currency in self.goods)

    def hierarchy(self, rows: int | None = None) -> Hierarchical:
        """Hierarchy over the given number of nearest currencies, or over all of them if None."""
        base = BASES[self.family].fix(rationality=self.rationality, lapse=self.lapse)
        places = self.places[:rows]
        return Hierarchical(base=base, rows=len(places), places=places, spread=self.spread)


class Games(NamedTuple):
    """Interactions of the users of all societies in all currencies.

    Attributes:
        offer: Units offered.
        accepted: Whether they were accepted.
    """

    offer: Int[np.ndarray, "way society currency game"]
    accepted: Bool[np.ndarray, "way society currency game"]

    def shares(self, stake: int) -> Float[np.ndarray, "way society currency game"]:
        """Offered shares."""
        return self.offer / stake


def played(suite: CurrencySuite) -> Games:
    """Draw societies and simulate their users' interactions in every currency."""
    family = suite.hierarchy()
    shape = (suite.runs * family.rows, suite.games)
    design = family.arrange(evidence(np.full(shape, suite.stake), np.zeros(shape), True))
    offers, answers = [], []
    for way in suite.ways:
        rows = rows_of_societies(key_of(suite, "norms", way), family, way, suite.runs, suite.change)
        plays = play(key_of(suite, "games", way), family, rows, design)
        offers.append(np.asarray(plays.column))  # if offers are evidence, a table has a column for each offer
        answers.append(np.asarray(plays.accepted))
    return Games(np.stack(offers), np.stack(answers))


def believed(suite: CurrencySuite, games: Games, seen: int) -> SampledPosterior:
    """Posterior over norms from interactions in the nearest currencies. Runs are societies, one way after the other.

    Args:
        suite: The design.
        games: Interactions of the users.
        seen: Number of currencies in which users were observed.
    """
    offer, accepted = (column[:, :, :seen].reshape(-1, suite.games) for column in games)
    data = evidence(np.full(offer.shape, suite.stake), offer, accepted)
    key, method = key_of(suite, "posterior", seen), METHODS[suite.method]
    with warnings.catch_warnings():
        # Users who always choose the same bound their norm on one side only; the prior bounds the other side, as it
        # should.
        warnings.simplefilter("ignore", DataWarning)
        return infer(suite.hierarchy(seen), data, key=key, method=method, allow_disagreement=True)


def predictions(suite: CurrencySuite, games: Games, seen: int, posterior: SampledPosterior) -> pd.DataFrame:
    """Compare predictions with users' behaviour in each currency.

    Returns:
        A row for each way, society and currency (``good``). ``low``, ``high`` and ``predicted`` are the 90 % interval
        and mean of the predictive of users' mean offered share. ``users`` is their actual mean, ``covered`` whether the
        interval contains it, ``width`` the interval's width and ``error`` the distance between the means. ``single`` is
        the share of single offers inside the interval for one offer, and ``known`` whether users were observed there.
    """
    sampled = np.stack([_offers_in(suite, good, seen, posterior) for good in suite.goods], axis=1)
    actual = games.shares(suite.stake)
    shape = actual.shape[:3]
    of_means, of_offers = sampled.mean(axis=-1), sampled.reshape(*sampled.shape[:2], -1)
    low, high = _interval(of_means, shape)
    least, most = _interval(of_offers, shape)
    users, predicted = actual.mean(axis=-1), of_means.mean(axis=-1).reshape(shape)
    inside = (least[..., None] <= actual + _TIE) & (actual - _TIE <= most[..., None])
    way, society, good = (index.ravel() for index in np.indices(shape))
    where = {
        "way": np.array(suite.ways)[way],
        "seen": seen,
        "society": society,
        "good": np.array(suite.goods)[good],
        "place": np.array(suite.places)[good],
        "known": good < seen,
    }
    numbers = {
        "users": users,
        "predicted": predicted,
        "low": low,
        "high": high,
        "covered": (low <= users + _TIE) & (users - _TIE <= high),
        "width": high - low,
        "error": np.abs(predicted - users),
        "single": inside.mean(axis=-1),
    }
    return pd.DataFrame(where | {name: values.ravel() for name, values in numbers.items()})


def _offers_in(
    suite: CurrencySuite, good: str, seen: int, posterior: SampledPosterior
) -> Float[np.ndarray, "run draw play"]:
    there = posterior_at_position(posterior, PSYCHOLOGICAL_DISTANCE[good], key_of(suite, "place", seen, good))
    return drawn_offers(key_of(suite, "offers", seen, good), there, suite.stake, suite.games, POSTERIOR_DRAWS)


def _interval(
    draws: Float[np.ndarray, "run currency draw"], shape: tuple[int, ...]
) -> tuple[Float[np.ndarray, "way society currency"], Float[np.ndarray, "way society currency"]]:
    low, high = np.quantile(draws, [(1 - MASS) / 2, (1 + MASS) / 2], axis=-1)
    return low.reshape(shape), high.reshape(shape)


def key_of(suite: CurrencySuite, *path: str | int) -> Key[Array, ""]:
    """Key of a random draw in the study."""
    return derive_key(suite.seed, "currency suite", *path)
