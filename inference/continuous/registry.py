"""Continuous families by name: this project's own, and those of plug-ins (group ``scai_irl.continuous_families``)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from envs.contexts import PSYCHOLOGICAL_DISTANCE, SCAI_CURRENCIES
from envs.plugins import Registry
from inference.continuous.controllable_responders import Discounting, PlanningAhead, episodes
from inference.continuous.family import HypothesisFamily
from inference.continuous.groups import NormGroups
from inference.continuous.hierarchy import Hierarchical
from inference.continuous.language import SpokenNorm, spoken
from inference.continuous.learning import UgBayes, UgDelta
from inference.continuous.named import NamedNorm, NormShares
from inference.continuous.one_shot import CesAltruism, CharnessRabin, FehrSchmidt, LayeredContract, Reciprocity
from inference.continuous.responses import ResponseTypes, framed
from inference.continuous.strategy_method import StrategyMethod, strategies
from inference.discrete.evidence import Evidence, evidence

_STAKES = (5, 12)  # small, so a thousand posteriors are computed quickly


@dataclass(frozen=True)
class ContinuousFamily:
    """A continuous family in the registry.

    Attributes:
        name: Key in `CONTINUOUS_FAMILIES`.
        summary: One line for ``scai-irl list``.
        family: The family with its usual settings.
        design: Function that makes a small design of one run for simulation; its choices are not used.
    """

    name: str
    summary: str
    family: HypothesisFamily
    design: Callable[[], Any]


def few_plays(rows: int = 1, plays: int = 12) -> Evidence:
    """A design of interactions at two stakes: offers and answers of users, and answers to offers of any size."""
    stake = np.tile(np.resize(_STAKES, plays), (rows, 1))
    offer = (stake * np.resize([0.1, 0.3, 0.45, 0.6, 0.2], plays)).round().astype(int)
    return evidence(stake, offer, True, offer_seen=np.arange(plays) % 2 == 0)


def few_answers(rows: int, plays: int) -> Evidence:
    """A design of answers by every row to the same offers."""
    stake = np.full((rows, plays), 20)
    offer = np.tile(np.resize([2, 6, 4, 9, 1, 11], plays), (rows, 1))
    return evidence(stake, offer, True, offer_seen=False)


def _currencies() -> Hierarchical:
    places = tuple(PSYCHOLOGICAL_DISTANCE[currency] for currency in SCAI_CURRENCIES)
    return Hierarchical(base=FehrSchmidt().fix(rationality=30.0, lapse=0.05), rows=len(places), places=places)


def _currency_design() -> Evidence:
    """A design with interactions in three currencies of SCAI (2023), and none in its other three."""
    number = len(SCAI_CURRENCIES)
    plays = few_plays(number)
    seen = (np.arange(number) < number // 2)[:, None]
    return plays._replace(offer_seen=plays.offer_seen & seen, answer_seen=plays.answer_seen & seen)


def _offers() -> Evidence:
    """A design of forty offers of all sizes to one responder."""
    return few_answers(1, 40)


def _repeated() -> Any:
    frame = np.tile([1, -1, 0, 1, -1, 0], (12, 1))
    stake = np.full((12, 6), 20)
    offer = np.repeat(np.resize([1, 3, 5, 7, 9, 11], 12)[:, None], 6, axis=1)
    return framed(evidence(stake, offer, True, offer_seen=False), frame)


_OWN = (
    ContinuousFamily("fehr-schmidt", "envy and guilt (Fehr & Schmidt 1999)", FehrSchmidt(), few_plays),
    ContinuousFamily(
        "charness-rabin",
        "weights on the other, ahead and behind (Charness & Rabin 2002)",
        CharnessRabin(),
        few_plays,
    ),
    ContinuousFamily(
        "reciprocity", "such weights and reciprocity (Bruhin, Fehr & Schunk 2019)", Reciprocity(), few_plays
    ),
    ContinuousFamily("ces", "altruism with constant elasticity (Andreoni & Miller 2002)", CesAltruism(), few_plays),
    ContinuousFamily(
        "layered-contract", "bounds of law and role and a preference, with strengths", LayeredContract(), few_plays
    ),
    ContinuousFamily("named-norm", "selfish, fair or altruistic, with width and lapse", NamedNorm(), few_plays),
    ContinuousFamily("norm-shares", "shares of such users, with width and lapse", NormShares(), few_plays),
    ContinuousFamily(
        "spoken-norm",
        "a named norm whose users talk, with the reliability of talk",
        SpokenNorm(),
        lambda: spoken(few_plays(), np.zeros(12, int)),
    ),
    ContinuousFamily(
        "ug-bayes", "a responder whose norm is a Bayesian mean of offers (Xiang et al. 2013)", UgBayes(), _offers
    ),
    ContinuousFamily("ug-delta", "a responder whose norm follows offers by a delta rule", UgDelta(), _offers),
    ContinuousFamily(
        "strategy-method",
        "Fehr–Schmidt people who state the smallest offer that they would accept",
        StrategyMethod(),
        lambda: strategies(12, np.full(8, 5), np.full(8, 3)),
    ),
    ContinuousFamily(
        "discounting",
        "a responder who influences later offers and discounts them",
        Discounting(),
        lambda: episodes([2, 5, 8], rounds=12),
    ),
    ContinuousFamily(
        "planning-ahead",
        "a responder who influences later offers and plans some steps ahead",
        PlanningAhead(),
        lambda: episodes([2, 5, 8], rounds=12),
    ),
    ContinuousFamily(
        "response-types",
        "genuine, random and framed answers to repeated items",
        ResponseTypes(base=FehrSchmidt().fix(beta=0.3, lapse=0.02), items=12),
        _repeated,
    ),
    ContinuousFamily(
        "subjects",
        "Fehr–Schmidt subjects around a population (partial pooling)",
        Hierarchical(base=FehrSchmidt().fix(rationality=30.0, lapse=0.05), rows=5),
        lambda: few_plays(5),
    ),
    ContinuousFamily(
        "currencies",
        "a Fehr–Schmidt norm for each currency, more similar at smaller distance",
        _currencies(),
        _currency_design,
    ),
    ContinuousFamily(
        "norm-groups",
        "two groups of users, each with a Charness–Rabin norm",
        NormGroups(base=CharnessRabin().fix(rationality=50.0, lapse=0.05), users=8, groups=2),
        lambda: few_plays(8, 6),
    ),
    ContinuousFamily(
        "norm-groups-dp",
        "an unknown number of such groups (truncated Dirichlet process)",
        NormGroups(
            base=CharnessRabin().fix(rationality=50.0, lapse=0.05), users=8, groups=4, weights="dirichlet-process"
        ),
        lambda: few_plays(8, 6),
    ),
)

CONTINUOUS_FAMILIES: Registry[ContinuousFamily] = Registry(
    "family", "scai_irl.continuous_families", ContinuousFamily, {entry.name: entry for entry in _OWN}
)
"""Continuous families by name."""


def continuous_family(name: str) -> ContinuousFamily:
    """Look up a continuous family.

    Raises:
        ValueError: If no family has that name.

    Example:
        >>> continuous_family("fehr-schmidt").family.dimension
        4
    """
    return CONTINUOUS_FAMILIES.look_up(name)
