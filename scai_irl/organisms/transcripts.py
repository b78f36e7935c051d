"""Transcripts that organisms learn from: games of a group, what its users said, and what was possible."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from envs.contexts import MANNERS
from inference.continuous.language import MANNER_OF
from scai_irl.language.games import Candidates, Game
from scai_irl.language.talk import SENTENCES
from scai_irl.organisms.pieces import LABELS, PRIORS, RELIABILITIES, THIRD
from scai_irl.organisms.world import (
    CURRENCIES,
    LARGEST_STAKE,
    NAMES,
    SILENT,
    Seen,
    World,
    beliefs,
    policy_of,
    tables,
    terms,
)

LONGEST = 40
"""Most games in a transcript."""

_USUAL_STAKE = 10
_PAIRINGS = ((True, True), (True, False), (False, True))  # whether the proposer, and the responder, is a user


@dataclass(frozen=True)
class Transcript:
    """Games, and what is to be believed of them.

    Attributes:
        games: The games.
        candidates: The norms, as they are shown.
        order: Number of the norm shown at each place.
        belief: Belief in each norm, in their own order, after 0, 1, 2 … games.
    """

    games: tuple[Game, ...]
    candidates: Candidates
    order: tuple[int, ...]
    belief: Float[np.ndarray, "length norm"]


def draw_transcript(world: World, rng: np.random.Generator, *, told: bool = True) -> Transcript:
    """Draw a transcript in a world.

    Args:
        world: The world.
        rng: Source of chance.
        told: Whether prior and reliability are told; if not, all norms are equally likely but for the world's tilt.
    """
    prior = _draw_prior(rng) if told else (THIRD,) * 3
    reliability = float(rng.choice(RELIABILITIES)) if told and rng.random() < 0.4 else None
    seen = _draw_games(world, prior, reliability, rng)
    stated = np.array([np.nan if reliability is None else reliability])
    belief = beliefs(world, np.array([prior]), terms(world, seen, stated))[0]
    order = tuple(int(k) for k in rng.permutation(len(NAMES)))
    candidates = Candidates(LABELS, tuple(policy_of(name) for name in NAMES), prior, reliability).in_order(order)
    return Transcript(_as_games(seen, rng), candidates, order, belief)


def _draw_prior(rng: np.random.Generator) -> tuple[float, float, float]:
    if rng.random() < 0.4:
        return (THIRD,) * 3
    cuts = np.sort(rng.choice(np.arange(1, 20), 2, replace=False))
    first, second, third = np.diff([0, *cuts, 20])
    values = PRIORS[1:]
    return values[first - 1], values[second - 1], values[third - 1]


def _draw_games(
    world: World, prior: tuple[float, float, float], reliability: float | None, rng: np.random.Generator
) -> Seen:
    offers, accepts = tables()
    count = int(rng.integers(4, LONGEST + 1))
    tilted = np.log(prior) + np.asarray(world.tilt)
    chance = np.exp(tilted - np.logaddexp.reduce(tilted))
    norm = np.full(count, rng.choice(len(NAMES), p=chance / chance.sum()))
    if rng.random() < 0.25:  # a group that changes its mind, so that beliefs are learnt that few groups lead to
        norm[int(rng.integers(count)) :] = rng.integers(len(NAMES))
    constant = rng.random() < 0.7
    stake = np.full(count, _USUAL_STAKE) if rng.random() < 0.5 else rng.integers(10, LARGEST_STAKE + 1, count)
    stake = np.full(count, stake[0]) if constant else stake
    currency = np.full(count, rng.integers(len(CURRENCIES))) if constant else rng.integers(len(CURRENCIES), size=count)
    begin = int(rng.integers(len(_PAIRINGS)))
    turns = (begin + np.arange(count)) % len(_PAIRINGS) if constant else rng.integers(len(_PAIRINGS), size=count)
    pairing = np.array(_PAIRINGS)[turns]
    below = np.cumsum(offers[norm, stake], axis=1)
    by_users = (rng.random((count, 1)) * below[:, -1:] > below).sum(axis=1)
    by_assistants = rng.integers(0, np.where(rng.random(count) < 0.5, stake // 2, stake) + 1)
    offered = np.where(pairing[:, 0], np.minimum(by_users, stake), by_assistants)
    accepted = rng.random(count) < accepts[norm, stake, offered]
    said, replied = _draw_manners(world, norm, reliability, pairing, rng)
    columns = (stake, offered, accepted, pairing[:, 0], pairing[:, 1], currency, said, replied)
    return Seen(*(column[None] for column in columns))


def _draw_manners(
    world: World, norm: np.ndarray, reliability: float | None, pairing: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Manners in which users talk: all of them do, or none."""
    count = len(norm)
    silent = np.full(count, SILENT)
    trusted = world.reliability if world.reliability is not None else reliability
    if rng.random() < (0.1 if reliability is not None else 0.7):
        return silent, silent
    usual = np.array([MANNERS.index(MANNER_OF[name]) for name in NAMES])[norm]
    if rng.random() < 0.3:  # a group that talks in one manner throughout, whatever its norm
        usual = np.full(count, rng.integers(len(MANNERS)))
    drawn = [
        np.where(rng.random(count) < (trusted or 0.0), usual, rng.integers(len(MANNERS), size=count)) for _ in range(2)
    ]
    return np.where(pairing[:, 0], drawn[0], SILENT), np.where(pairing[:, 1], drawn[1], SILENT)


def _as_games(seen: Seen, rng: np.random.Generator) -> tuple[Game, ...]:
    def sentence(manner: int) -> str:
        some = () if manner == SILENT else SENTENCES[MANNERS[manner]]
        return some[int(rng.integers(len(some)))] if some else ""

    return tuple(
        Game(
            CURRENCIES[seen.currency[0, play]],
            int(seen.stake[0, play]),
            "user" if seen.by_user[0, play] else "assistant",
            "user" if seen.to_user[0, play] else "assistant",
            int(seen.offered[0, play]),
            bool(seen.accepted[0, play]),
            sentence(int(seen.said[0, play])),
            sentence(int(seen.replied[0, play])),
        )
        for play in range(seen.stake.shape[1])
    )
