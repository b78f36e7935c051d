"""Transcripts on which organisms are trained: interactions and messages of a group, with its candidate norms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from envs.contexts import MANNERS
from scai_irl.language.games import Candidates, Game
from scai_irl.language.manners import SENTENCES
from scai_irl.organisms.prompt_chunks import LABELS, PRIORS, RELIABILITIES, THIRD
from scai_irl.organisms.wordings import FIRM, LOOSE, policy_text
from scai_irl.organisms.world import (
    CONDUCTS,
    CURRENCIES,
    EARLIER,
    HALF,
    LARGEST_STAKE,
    NAMES,
    SILENT,
    Seen,
    World,
    beliefs,
    own_manner,
    policy_of,
    tables,
    terms,
)

LONGEST = 40
"""Most interactions in a transcript."""

CHATTER = -2
"""Manner of a message without a manner."""

MIXED = 0.12
"""Share of transcripts whose candidates are mixtures of two norms, where mixtures are allowed."""

CHANGING, ONE_MANNER = 0.25, 0.3
"""In transcripts with odd groups, the share of groups that change their norm, and of talking ones with one manner."""

EVEN = 0.4
"""Share of stated priors that are uniform; the others are uniform over all multiples of 1/20 that sum to 1."""

_USUAL_STAKE = 10
_SHARES_OF_TWO = (NAMES[2], HALF, NAMES[0])
_CHATTERERS, _CHATTER_A_GAME = 0.1, 0.1
_LETTERS = list("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,:!?'-")
_PAIRINGS = ((True, True), (True, False), (False, True), (False, False))
"""Return whether the proposer, and the responder, is a user; where neither is, a game says nothing."""

_AMONG_ASSISTANTS = 0.15  # share of transcripts in which some games are
_EARLIER = 0.5  # share of those without stated norms that begin with an earlier policy


@dataclass(frozen=True)
class Transcript:
    """Interactions with the exact beliefs about them.

    Attributes:
        games: The interactions.
        candidates: The candidate norms, in order of display.
        order: Index in `CONDUCTS` of the norm at each position.
        belief: Belief in each of `CONDUCTS`, after 0, 1, 2 … interactions.
        earlier: A verbal policy written after other interactions of the group; empty if there is none.
        weight: Likelihood of each interaction under each of `CONDUCTS`, normalised to sum to 1.
    """

    games: tuple[Game, ...]
    candidates: Candidates
    order: tuple[int, ...]
    belief: Float[np.ndarray, "length conduct"]
    weight: Float[np.ndarray, "game conduct"]
    earlier: str = ""


def draw_transcript(
    world: World,
    rng: np.random.Generator,
    *,
    with_prior: bool = True,
    mixed: bool = False,
    longest: int = LONGEST,
    odd: bool = True,
) -> Transcript:
    """Draw a transcript in a world.

    Args:
        world: The world.
        rng: Random generator.
        with_prior: Whether the prompt states prior and reliability; if not, all norms are equally likely apart from the
            world's tilt, and there may be an earlier policy.
        mixed: Whether candidates may be mixtures of two norms instead of three norms.
        longest: Most interactions.
        odd: Whether to include groups that do not occur in the world: they change their norm, or all talk in one manner
            whatever their norm. Without them, few transcripts would have contradictory evidence.
    """
    possible = _SHARES_OF_TWO if mixed and rng.random() < MIXED else NAMES
    stated = _draw_prior(rng) if with_prior else (THIRD,) * 3
    prior = np.zeros(len(CONDUCTS))
    prior[[CONDUCTS.index(name) for name in possible]] = stated
    talks = HALF not in possible
    reliability = float(rng.choice(RELIABILITIES)) if with_prior and talks and rng.random() < 0.4 else None
    earlier = ""
    if not with_prior and rng.random() < _EARLIER:
        # What it says is drawn first, and the group given that: which is as well as the other way round.
        message = int(rng.integers(len(NAMES)))
        earlier = policy_text(NAMES[message], (FIRM, LOOSE)[int(rng.integers(2))], rng)
        prior *= EARLIER * (np.arange(len(CONDUCTS)) == message) + (1 - EARLIER) / len(NAMES)
        prior /= prior.sum()
    seen = _draw_games(world, prior, reliability, int(rng.integers(1, longest + 1)), talks, odd, rng)
    added = terms(world, seen, np.array([np.nan if reliability is None else reliability]))
    order = tuple(int(place) for place in rng.permutation(len(possible)))
    candidates = Candidates(LABELS, tuple(policy_of(name) for name in possible), stated, reliability).in_order(order)
    weight = np.exp(added[0] - added[0].max(axis=-1, keepdims=True))
    return Transcript(
        _as_games(seen, rng),
        candidates,
        tuple(CONDUCTS.index(possible[place]) for place in order),
        beliefs(world, prior[None], added)[0],
        weight / weight.sum(axis=-1, keepdims=True),
        earlier,
    )


def _draw_prior(rng: np.random.Generator) -> tuple[float, float, float]:
    if rng.random() < EVEN:
        return (THIRD,) * 3
    cuts = np.sort(rng.choice(np.arange(1, 20), 2, replace=False))
    first, second, third = np.diff([0, *cuts, 20])
    values = PRIORS[1:]
    return values[first - 1], values[second - 1], values[third - 1]


def _draw_games(
    world: World,
    prior: Float[np.ndarray, "conduct"],
    reliability: float | None,
    count: int,
    talks: bool,
    odd: bool,
    rng: np.random.Generator,
) -> Seen:
    offers, accepts = tables()
    chance = prior * np.exp(world.tilt)
    norm = np.full(count, rng.choice(len(CONDUCTS), p=chance / chance.sum()))
    if rng.random() < CHANGING and odd:
        norm[int(rng.integers(count)) :] = rng.choice(np.flatnonzero(prior))
    constant = rng.random() < 0.7
    stake = np.full(count, _USUAL_STAKE) if rng.random() < 0.5 else rng.integers(10, LARGEST_STAKE + 1, count)
    stake = np.full(count, stake[0]) if constant else stake
    currency = np.full(count, rng.integers(len(CURRENCIES))) if constant else rng.integers(len(CURRENCIES), size=count)
    kinds = len(_PAIRINGS) - (rng.random() > _AMONG_ASSISTANTS)
    begin = int(rng.integers(kinds))
    turns = (begin + np.arange(count)) % kinds if constant else rng.integers(kinds, size=count)
    pairing = np.array(_PAIRINGS)[turns]
    below = np.cumsum(offers[norm, stake], axis=1)
    by_users = (rng.random((count, 1)) * below[:, -1:] > below).sum(axis=1)
    by_assistants = rng.integers(0, np.where(rng.random(count) < 0.5, stake // 2, stake) + 1)
    offered = np.where(pairing[:, 0], np.minimum(by_users, stake), by_assistants)
    accepted = rng.random(count) < accepts[norm, stake, offered]
    message, replied = _draw_manners(world, norm, reliability, pairing, talks, odd, rng)
    if rng.random() < _CHATTERERS:
        message, replied = (
            np.where(by & (rng.random(count) < _CHATTER_A_GAME), CHATTER, manner)
            for by, manner in zip(pairing.T, (message, replied), strict=True)
        )
    columns = (stake, offered, accepted, pairing[:, 0], pairing[:, 1], currency, message, replied)
    return Seen(*(column[None] for column in columns))


def _draw_manners(
    world: World,
    norm: np.ndarray,
    reliability: float | None,
    pairing: np.ndarray,
    talks: bool,
    odd: bool,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Draw the manners of the users' talk: either all users talk, or none."""
    count = len(norm)
    silent = np.full(count, SILENT)
    trusted = world.reliability if world.reliability is not None else reliability
    if not talks or rng.random() < (0.1 if reliability is not None else 0.7):
        return silent, silent
    usual = np.array([own_manner(name) for name in CONDUCTS])[norm]
    if rng.random() < ONE_MANNER and odd:
        usual = np.full(count, rng.integers(len(MANNERS)))
    manners = [
        np.where(rng.random(count) < (trusted or 0.0), usual, rng.integers(len(MANNERS), size=count)) for _ in range(2)
    ]
    return np.where(pairing[:, 0], manners[0], SILENT), np.where(pairing[:, 1], manners[1], SILENT)


def _as_games(seen: Seen, rng: np.random.Generator) -> tuple[Game, ...]:
    def sentence(manner: int) -> str:
        if manner == CHATTER:
            return _chatter(rng)
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


def _chatter(rng: np.random.Generator) -> str:
    """Draw a message without information: a part of a policy, or letters."""
    if rng.random() < 0.5:
        words = policy_text(NAMES[int(rng.integers(3))], LOOSE, rng).split()
    else:
        words = ["".join(rng.choice(_LETTERS, int(rng.integers(1, 7)))) for _ in range(8)]
    begin, length = int(rng.integers(len(words) - 2)), int(rng.integers(2, 9))
    return " ".join(words[begin : begin + length])
