"""Goods by psychological distance: what is predicted of those that were never seen, and what words do there.

Societies' norms vary from good to good in one of the ways of `experiments.currency_suite.variation`. Users are watched
in the nearest 1, 2, 3 … goods; a hierarchy with places (`inference.continuous.hierarchy`) predicts what they offer in
all of them.
"""

from __future__ import annotations

import functools
import warnings
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Array, Bool, Float, Int, Key

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
from scai_irl.language.asking import Style

BASES: dict[str, UtilityFamily] = {
    "ces": CesAltruism().fix(substitution=0.0),
    "fehr-schmidt": FehrSchmidt(),
    "charness-rabin": CharnessRabin(),
}
"""Families of a norm, by name; of CES altruism with an elasticity of 1 the weight on oneself is left."""

METHODS: dict[str, Method] = {
    "smc": Smc(populations=1, particles=400, sweeps=3, leaps=3),
    "nuts": Nuts(chains=2, warmup=400, draws=300),
}
MASS = 0.9
_TIE = 1e-6  # shares are in single precision


@dataclass(frozen=True)
class Suite:
    """What is played, and what is believed of it.

    Attributes:
        goods: Goods, nearest first.
        seen: Numbers of goods in which users are watched, rising.
        ways: Some of `WAYS`.
        societies: Societies of each way.
        games: Games of a society's users in each good.
        stake: Units divided.
        base: One of `BASES`.
        rationality: λ of the users, which is known.
        lapse: ε of the users, which is known.
        spread: Scale of the prior of how far norms differ, in units of the base's prior.
        change: Place from which a society that changes abruptly has another norm.
        method: One of `METHODS`.
        draws: Draws of which predictions are made.
        style: How a model is asked.
        seed: Root of all draws.
    """

    goods: tuple[str, ...]
    seen: tuple[int, ...] = (1, 2, 3, 5)
    ways: tuple[str, ...] = WAYS
    societies: int = 20
    games: int = 10
    stake: int = 10
    base: str = "ces"
    rationality: float = 100.0
    lapse: float = 0.02
    spread: float = 1.0
    change: float = 1.1
    method: str = "smc"
    draws: int = 400
    style: Style = field(default_factory=Style)
    seed: int = 0

    @functools.cached_property
    def places(self) -> tuple[float, ...]:
        """Place of each good."""
        return tuple(PSYCHOLOGICAL_DISTANCE[good] for good in self.goods)

    def family(self, rows: int | None = None) -> Hierarchical:
        """The hierarchy over the nearest goods, all of them unless told."""
        base = BASES[self.base].fix(rationality=self.rationality, lapse=self.lapse)
        places = self.places[:rows]
        return Hierarchical(base=base, rows=len(places), places=places, spread=self.spread)


class Games(NamedTuple):
    """What users of all societies did in all goods.

    Attributes:
        offer: Units offered.
        accepted: Whether they were taken.
    """

    offer: Int[np.ndarray, "way society good game"]
    accepted: Bool[np.ndarray, "way society good game"]

    def shares(self, stake: int) -> Float[np.ndarray, "way society good game"]:
        """Offered shares."""
        return self.offer / stake


def played(suite: Suite) -> Games:
    """Draw societies and have their users play in every good."""
    family = suite.family()
    shape = (suite.societies * family.rows, suite.games)
    design = family.arrange(evidence(np.full(shape, suite.stake), np.zeros(shape), True))
    offers, answers = [], []
    for way in suite.ways:
        rows = rows_of_societies(key_of(suite, "norms", way), family, way, suite.societies, suite.change)
        plays = play(key_of(suite, "games", way), family, rows, design)
        offers.append(np.asarray(plays.column))  # where offers are evidence, a table has a column for each
        answers.append(np.asarray(plays.accepted))
    return Games(np.stack(offers), np.stack(answers))


def believed(suite: Suite, games: Games, seen: int) -> SampledPosterior:
    """Infer norms from games in the nearest goods; runs are societies, way after way.

    Args:
        suite: What is played.
        games: What users did.
        seen: Number of goods in which they were watched.
    """
    offer, accepted = (column[:, :, :seen].reshape(-1, suite.games) for column in games)
    data = evidence(np.full(offer.shape, suite.stake), offer, accepted)
    key, method = key_of(suite, "posterior", seen), METHODS[suite.method]
    with warnings.catch_warnings():
        # Users who always do the same bound their norm on one side only, and the prior does the rest, as it should.
        warnings.simplefilter("ignore", DataWarning)
        return infer(suite.family(seen), data, key=key, method=method, allow_disagreement=True)


def predictions(suite: Suite, games: Games, seen: int, posterior: SampledPosterior) -> pd.DataFrame:
    """Set predictions beside what users did, good by good.

    Returns:
        A line for each way, society and good: ``low``, ``high`` and ``predicted``, the 90 % interval and the mean of
        the predictive of users' mean offered share; ``users``, their actual one; ``covered``; ``width``; ``error``, the
        distance of the means; ``single``, the share of single offers inside the interval of an offer; ``known``,
        whether users were watched there.
    """
    drawn = np.stack([_offers_in(suite, good, seen, posterior) for good in suite.goods], axis=1)
    actual = games.shares(suite.stake)
    shape = actual.shape[:3]
    of_means, of_offers = drawn.mean(axis=-1), drawn.reshape(*drawn.shape[:2], -1)
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


def _offers_in(suite: Suite, good: str, seen: int, posterior: SampledPosterior) -> Float[np.ndarray, "run draw play"]:
    there = posterior_at_position(posterior, PSYCHOLOGICAL_DISTANCE[good], key_of(suite, "place", seen, good))
    return drawn_offers(key_of(suite, "offers", seen, good), there, suite.stake, suite.games, suite.draws)


def _interval(
    draws: Float[np.ndarray, "run good draw"], shape: tuple[int, ...]
) -> tuple[Float[np.ndarray, "way society good"], Float[np.ndarray, "way society good"]]:
    low, high = np.quantile(draws, [(1 - MASS) / 2, (1 + MASS) / 2], axis=-1)
    return low.reshape(shape), high.reshape(shape)


def key_of(suite: Suite, *path: str | int) -> Key[Array, ""]:
    """Key of a draw of the suite."""
    return derive_key(suite.seed, "currency suite", *path)
