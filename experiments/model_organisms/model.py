"""Learning curves: what models believe of a group, and how they act on what they wrote of it, game by game.

In four conditions, which are those of Social Contract AI's findings (Fränken et al. 2023): *at home* games are about
dollars and users say nothing; *abroad* the same games are about something else; with *inconsistent talk* users speak in
a manner that is drawn anew in every game, and with *misleading talk* always in the manner of some other norm. In these
two the model is told that talk says nothing about norms. So what a Bayesian believes is the same in all four, and every
difference is the model's own.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import jax.numpy as jnp
import numpy as np
import pandas as pd

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
from scai_irl.language.asking import Style
from scai_irl.language.belief_requests import choose_request, learn_request, read_token_posterior
from scai_irl.language.games import Candidates, Game
from scai_irl.language.requests import offer_request, read_offer, read_translation
from scai_irl.lm.ask import Question
from scai_irl.lm.ask import ask as ask_all
from scai_irl.lm.protocol import Backend
from scai_irl.lm.tally import Tally
from scai_irl.measure.elicit import Item as Asked
from scai_irl.measure.elicit import orders_of

INCONSISTENT, MISLEADING = "inconsistent talk", "misleading talk"
CONDITIONS = ("at home", "abroad", INCONSISTENT, MISLEADING)
COLUMNS = ("condition", "norm", "run", "games", "exact", "believed", "offered", "users")


@dataclass(frozen=True)
class Curves:
    """What is played.

    Attributes:
        runs: Groups of each norm.
        lengths: Numbers of games after which a model is asked.
        style: How it is asked.
        seed: Root of all draws.
    """

    runs: int = 20
    lengths: tuple[int, ...] = (0, 1, 2, 4, 8, 16)
    style: Style = field(default_factory=Style)
    seed: int = 0


def played(plan: Curves) -> list[Item]:
    """Groups in every condition, at every length; the same moves in all conditions."""
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
                told = 0.0 if condition in (INCONSISTENT, MISLEADING) else None
                candidates = Candidates(LABELS, tuple(map(norm_policy, range(len(NAMES)))), PRIORS["even"], told)
                for length in plan.lengths:
                    some = tuple(of_condition[condition][:length])
                    asked = Asked(f"{pair} {condition} {length}", candidates, some)
                    items.append(Item(asked, "evidence", f"{condition}|{run}", str(length), norm))
    return items


def _in_any_manner(games: Sequence[Game], seed: int, pair: str) -> list[Game]:
    rng = np.random.default_rng(derive_seed(seed, "curves", pair, "manners"))
    spoken = {manner: with_manner(games, manner, seed, pair) for manner in MANNERS}
    return [
        spoken[MANNERS[int(manner)]][place] for place, manner in enumerate(rng.integers(len(MANNERS), size=len(games)))
    ]


def learning_curves(backend: Backend, plan: Curves, tally: Tally) -> pd.DataFrame:
    """Ask a model after every so many games.

    Returns:
        `COLUMNS`: what a Bayesian believes of the group's norm, what the model does (token channel), the share that it
        offers of ten units when it follows a policy that it wrote from the same games, and the share that users of that
        norm offer on average. NaN where an answer could not be read.
    """
    items = played(plan)
    exact = exact_table(items).set_index(["item", "norm"])["exact"]
    shown = [_shown(item, number, plan) for number, item in enumerate(items)]
    beliefs = ask_all(backend, [_belief(item, told, plan) for item, (told, _) in zip(items, shown, strict=True)], tally)
    texts = ask_all(backend, [_text(item, told, plan) for item, (told, _) in zip(items, shown, strict=True)], tally)
    offers = iter(ask_all(backend, [_offer(item, text, plan) for item, text in _written(items, texts)], tally))
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


def _shown(item: Item, number: int, plan: Curves) -> tuple[Candidates, tuple[int, ...]]:
    """Candidates in one of their orders, by turns over runs."""
    orders = orders_of(len(NAMES))
    order = orders[(number // len(plan.lengths)) % len(orders)]
    return item.item.candidates.in_order(order), order


def _belief(item: Item, told: Candidates, plan: Curves) -> Question:
    request = choose_request(told, item.item.games, _seed(item, plan, "choose"), plan.style)
    return Question(request, functools.partial(read_token_posterior, labels=told.labels))


def _text(item: Item, told: Candidates, plan: Curves) -> Question:
    request = learn_request(item.item.games, _seed(item, plan, "learn"), plan.style, candidates=told)
    return Question(request, read_translation)


def _offer(item: Item, text: str, plan: Curves) -> Question:
    currency = item.item.games[0].currency if item.item.games else CURRENCY
    request = offer_request(text, currency, STAKE, _seed(item, plan, "offer"), plan.style)
    return Question(request, functools.partial(read_offer, stake=STAKE))


def _written(items: Sequence[Item], texts: Sequence[object | None]) -> list[tuple[Item, str]]:
    return [(item, str(text)) for item, text in zip(items, texts, strict=True) if text is not None]


def _users_share(norm: int) -> float:
    chances = np.exp(np.asarray(norm_policy(norm).table(jnp.array([STAKE])).offer, np.float64)[0, : STAKE + 1])
    return float(chances @ np.arange(STAKE + 1) / STAKE / chances.sum())


def _seed(item: Item, plan: Curves, what: str) -> int:
    return derive_seed(plan.seed, "curves", item.item.name, what)
