"""Exact posterior of every item of the battery, and the terms that it is made of.

    log p(k | games, talk) = log p(k) + log p(moves | k) + Σ_users log p(manner | k, r) + const

`inference` computes the second term for all items at once. The third term follows the model of
`inference.continuous.language`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pandas as pd
from jaxtyping import Float

from envs.contexts import MANNERS
from envs.ultimatum import offer_of_units
from inference import evidence, infer
from inference.continuous.language import MANNER_OF
from scai_irl.audit.battery import NAMES, BatteryQuestion, hypotheses
from scai_irl.language.games import Game
from scai_irl.language.manners import manner_of

COLUMNS = ("item", "part", "pair", "role", "norm", "truth", "log_prior", "log_behaviour", "log_language", "exact")


def exact_table(questions: Sequence[BatteryQuestion]) -> pd.DataFrame:
    """Compute the exact posterior of every item.

    Returns:
        One row for each item and norm, with `COLUMNS`: the item, its part, pair and role; the norm's index; 1 if this
        norm generated the interactions, else 0 (NaN if no single norm did); the three terms; the exact posterior.
    """
    lines = []
    for mixed in (False, True):
        some = [question for question in questions if question.mixed == mixed]
        if not some:
            continue
        behaviour = _log_behaviour(some, mixed)
        for question, log_behaviour in zip(some, behaviour, strict=True):
            prior = np.log(np.asarray(question.item.candidates.prior))
            language = np.zeros(len(prior)) if mixed else log_language(question, question.item.candidates.reliability)
            total = prior + log_behaviour + language
            exact = np.exp(total - np.logaddexp.reduce(total))
            for norm in range(len(prior)):
                truth = float("nan") if question.truth < 0 else float(norm == question.truth)
                labels = (question.item.name, question.part, question.pair, question.role, norm, truth)
                lines.append((*labels, prior[norm], log_behaviour[norm], language[norm], exact[norm]))
    return pd.DataFrame(lines, columns=COLUMNS)


def log_language(question: BatteryQuestion, reliability: float | None) -> Float[np.ndarray, "norm"]:
    """Compute Σ log p(manner | k, r) over the users' messages for each norm; 0 if no reliability is stated."""
    total = np.zeros(len(NAMES))
    if reliability is None:
        return total
    for sentence in _messages_of_users(question.item.games):
        manner = manner_of(sentence)
        if manner is not None:
            fits = np.array([MANNER_OF[name] == manner for name in NAMES])
            total += np.log(reliability * fits + (1 - reliability) / len(MANNERS))
    return total


def _messages_of_users(games: Sequence[Game]) -> list[str]:
    proposals = [game.said for game in games if game.proposer == "user"]
    return [*proposals, *(game.replied for game in games if game.responder == "user")]


def recent_behaviour(questions: Sequence[BatteryQuestion], memory: int) -> Float[np.ndarray, "item norm"]:
    """Compute log p(last moves | k) up to a constant for each item, for norms that all users share.

    Args:
        questions: Items.
        memory: Number of interactions that count, from the last one back.
    """
    recent = [replace(one, item=replace(one.item, games=one.item.games[-memory:])) for one in questions]
    return _log_behaviour(recent, mixed=False)


def _log_behaviour(questions: Sequence[BatteryQuestion], mixed: bool) -> Float[np.ndarray, "item norm"]:
    """Compute log p(moves | k) up to a constant for each item, by exact inference over all items at once."""
    longest = max([1, *(len(question.item.games) for question in questions)])
    shape = (len(questions), longest)
    stake, units = np.full(shape, 10), np.zeros(shape, int)
    accepted, offer_seen, answer_seen = (np.zeros(shape, bool) for _ in range(3))
    for row, question in enumerate(questions):
        for play, game in enumerate(question.item.games):
            stake[row, play], units[row, play] = game.stake, game.offered
            accepted[row, play] = bool(game.accepted)
            offer_seen[row, play] = game.proposer == "user"
            answer_seen[row, play] = game.responder == "user" and game.accepted is not None
    offer = np.asarray(offer_of_units(jnp.asarray(units), jnp.asarray(stake)))
    posterior = infer(hypotheses(mixed), evidence(stake, offer, accepted, offer_seen, answer_seen))
    return np.asarray(posterior.log_prob, np.float64)
