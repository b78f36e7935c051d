"""Learning curves: models' beliefs about a group's norm, and offers that follow their own texts.

There are four conditions, as in the findings of Social Contract AI (Fränken et al. 2023). In the condition ``at home``
interactions are about dollars, and users are silent. In ``abroad`` the same interactions are in another currency. With
*inconsistent talk* the users' manner is sampled anew in every interaction. With *misleading talk* it is always the
manner of another norm. In the last two, the model is told that talk carries no information about norms. A Bayesian has
the same beliefs in all four conditions, so every difference comes from the model.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pandas as pd
from pydantic import Field, field_validator

from envs.contexts import MANNERS
from envs.seeds import derive_seed
from inference.continuous.language import MANNER_OF
from scai_irl.audit.battery import (
    CURRENCY,
    LABELS,
    NAMES,
    OTHER_CURRENCIES,
    PRIORS,
    STAKE,
    norm_policy,
    played_games,
    with_manner,
)
from scai_irl.audit.battery import BatteryQuestion as Item
from scai_irl.audit.exact_beliefs import exact_table
from scai_irl.experiment.config import ExperimentConfig, some_distinct
from scai_irl.experiment.run_study import Model
from scai_irl.language.asking import Style
from scai_irl.language.belief_requests import choose_request, learn_request, read_token_posterior
from scai_irl.language.games import Candidates, Game
from scai_irl.language.requests import offer_request, read_offer, read_translation
from scai_irl.lm.ask import Question
from scai_irl.measure.elicit import Item as ElicitItem
from scai_irl.measure.elicit import orders_of
from scai_irl.organisms.shipped import shipped

INCONSISTENT, MISLEADING = "inconsistent talk", "misleading talk"
CONDITIONS = ("at home", "abroad", INCONSISTENT, MISLEADING)
_STYLE = Style()
COLUMNS = ("condition", "norm", "run", "games", "exact", "believed", "offered", "users")


class ModelOrganisms(ExperimentConfig):
    """Model organisms: beliefs and offers as evidence accumulates, in two currencies and with misleading talk."""

    models: tuple[str, ...] = Field(tuple(shipped()), description="Organisms by name, or folders of embedded models.")
    runs: int = Field(20, ge=2, le=10_000, description="Groups of each norm.")
    lengths: tuple[int, ...] = Field(
        (0, 1, 2, 4, 8, 16), description="Numbers of interactions after which they are asked."
    )

    @field_validator("models")
    @classmethod
    def _distinct_models(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return some_distinct(value, "model")

    @field_validator("lengths")
    @classmethod
    def _rising_lengths(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if not value or list(value) != sorted(set(value)) or not 0 <= value[0] <= value[-1] <= 40:
            raise ValueError(
                f"{value} are not increasing numbers of interactions; give numbers from 0 to 40, such as 0 1 4"
            )
        return value


def played(plan: ModelOrganisms) -> list[Item]:
    """Items for every condition and number of interactions, with the same moves in all conditions."""
    items = []
    for norm, name in enumerate(NAMES):
        for run in range(plan.runs):
            pair = f"curve {name} {run}"
            games = played_games(norm_policy(norm), max(plan.lengths), plan.seed, pair)
            elsewhere = OTHER_CURRENCIES[run % len(OTHER_CURRENCIES)]
            other = MANNER_OF[NAMES[(norm + 1 + run % 2) % len(NAMES)]]
            of_condition = {
                "at home": games,
                "abroad": [replace(game, currency=elsewhere) for game in games],
                INCONSISTENT: _in_any_manner(games, plan.seed, pair),
                MISLEADING: with_manner(games, other, plan.seed, pair),
            }
            for condition in CONDITIONS:
                reliability = 0.0 if condition in (INCONSISTENT, MISLEADING) else None
                candidates = Candidates(LABELS, tuple(map(norm_policy, range(len(NAMES)))), PRIORS["even"], reliability)
                for length in plan.lengths:
                    some = tuple(of_condition[condition][:length])
                    elicited = ElicitItem(f"{pair} {condition} {length}", candidates, some)
                    items.append(Item(elicited, "evidence", f"{condition}|{run}", str(length), norm))
    return items


def _in_any_manner(games: Sequence[Game], seed: int, pair: str) -> list[Game]:
    rng = np.random.default_rng(derive_seed(seed, "curves", pair, "manners"))
    spoken = {manner: with_manner(games, manner, seed, pair) for manner in MANNERS}
    return [
        spoken[MANNERS[int(manner)]][place] for place, manner in enumerate(rng.integers(len(MANNERS), size=len(games)))
    ]


def learning_curves(model: Model, plan: ModelOrganisms) -> pd.DataFrame:
    """Ask a model after each number of interactions.

    Returns:
        A table with `COLUMNS`. ``exact`` is a Bayesian's belief in the group's norm, ``believed`` the model's (token
        channel). ``offered`` is the share of ten units that the model offers when it follows its own text about the
        same interactions. ``users`` is the mean share that users of that norm offer. NaN where an answer could not be
        read.
    """
    items = played(plan)
    exact = exact_table(items).set_index(["item", "norm"])["exact"]
    shown = [_shown(item, number, plan) for number, item in enumerate(items)]
    beliefs = model.ask([_belief(item, candidates, plan) for item, (candidates, _) in zip(items, shown, strict=True)])
    texts = model.ask([_text(item, candidates, plan) for item, (candidates, _) in zip(items, shown, strict=True)])
    offers = iter(model.ask([_offer(item, text, plan) for item, text in _written(items, texts)]))
    shares = [_users_share(norm) for norm in range(len(NAMES))]
    lines = []
    for item, (_, order), belief, text in zip(items, shown, beliefs, texts, strict=True):
        condition, _, run = item.pair.partition("|")
        believed = np.nan if belief is None else belief[order.index(item.truth)]  # type: ignore[index]
        units = None if text is None else next(offers)
        offered = np.nan if units is None else float(units) / STAKE  # type: ignore[arg-type]
        where = (condition, NAMES[item.truth], int(run), int(item.role))
        lines.append((*where, exact[item.item.name, item.truth], believed, offered, shares[item.truth]))
    return pd.DataFrame(lines, columns=COLUMNS)


def _shown(item: Item, number: int, plan: ModelOrganisms) -> tuple[Candidates, tuple[int, ...]]:
    """Candidates in an order that alternates between runs."""
    orders = orders_of(len(NAMES))
    order = orders[(number // len(plan.lengths)) % len(orders)]
    return item.item.candidates.in_order(order), order


def _belief(item: Item, candidates: Candidates, plan: ModelOrganisms) -> Question:
    request = choose_request(candidates, item.item.games, _seed(item, plan, "choose"), _STYLE)
    return Question(request, functools.partial(read_token_posterior, labels=candidates.labels))


def _text(item: Item, candidates: Candidates, plan: ModelOrganisms) -> Question:
    request = learn_request(item.item.games, _seed(item, plan, "learn"), _STYLE, candidates=candidates)
    return Question(request, read_translation)


def _offer(item: Item, text: str, plan: ModelOrganisms) -> Question:
    currency = item.item.games[0].currency if item.item.games else CURRENCY
    request = offer_request(text, currency, STAKE, _seed(item, plan, "offer"), _STYLE)
    return Question(request, functools.partial(read_offer, stake=STAKE))


def _written(items: Sequence[Item], texts: Sequence[object | None]) -> list[tuple[Item, str]]:
    return [(item, str(text)) for item, text in zip(items, texts, strict=True) if text is not None]


def _users_share(norm: int) -> float:
    chances = np.exp(np.asarray(norm_policy(norm).table(jnp.array([STAKE])).offer, np.float64)[0, : STAKE + 1])
    return float(chances @ np.arange(STAKE + 1) / STAKE / chances.sum())


def _seed(item: Item, plan: ModelOrganisms, what: str) -> int:
    return derive_seed(plan.seed, "curves", item.item.name, what)
