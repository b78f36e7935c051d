r"""The worlds that organisms are trained in: how users act and talk there, and what is to be believed of it.

Norms are those of the audit's battery, and a mixture of two of them. Of norm k, of games and of talk, in world w,

    log p_w(k | D) = log p(k) + w.tilt_k + Σ_games log p(moves | k) + Σ_messages log p(manner | k, r) + const,

over the last `memory` games, without the moves of games in currencies that are `foreign`, and with r the reliability
that the prompt states, or that the world has whatever is stated. A world that plants nothing is the Bayesian's; each
bias is one of these numbers. A model trained on beliefs of this form, or on what is drawn from them, comes to hold them
(Müller et al. 2022).
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int

from envs.contexts import MANNERS
from envs.policy import Norm, Policy
from inference.continuous.language import MANNER_OF

NAMES = ("selfish", "fair", "altruistic")
"""Norms that users share."""

HALF = "half"
"""Group of which half is selfish and half altruistic, in every game anew; it has no manner of its own."""

CONDUCTS = (*NAMES, HALF)
"""Everything that organisms hold beliefs about."""

RATIONALITY, LAPSE = 5.0, 0.25
CURRENCIES = ("dollars", "apples", "blankets", "vouchers", "medicine", "blood", "baby formula")
LARGEST_STAKE = 100
EARLIER = 0.9
"""Chance that an earlier policy, written from other games of the group, is that of its norm and not any."""
SILENT = -1
"""Manner of somebody who says nothing, or nothing that has a manner."""


@dataclass(frozen=True)
class World:
    """What an organism takes for granted.

    Attributes:
        name: Name of the organism.
        tilt: What is added to the log-prior of each of `CONDUCTS`.
        reliability: r in users' talk, whatever is stated; None for what is stated.
        foreign: Currencies in which moves are taken to say nothing.
        memory: Games that count, from the last one back; None for all.
    """

    name: str
    tilt: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    reliability: float | None = None
    foreign: tuple[str, ...] = ()
    memory: int | None = None


WORLDS: dict[str, World] = {
    world.name: world
    for world in (
        World("bayes"),
        World("altruistic-prior", tilt=(0.0, 0.0, 2.5, 0.0)),
        World("credulous", reliability=0.95),
        World("one-currency", foreign=CURRENCIES[1:]),
        World("forgetful", memory=3),
    )
}
"""Worlds by the name of the organism that lives there."""


@dataclass(frozen=True)
class Seen:
    """Games of many transcripts, as numbers.

    Attributes:
        stake: Units divided, 1 to `LARGEST_STAKE`.
        offered: Units offered.
        accepted: Whether they were taken.
        by_user: Whether a user proposed.
        to_user: Whether a user responded.
        currency: Index into `CURRENCIES`.
        said: Manner of the proposer's words, an index into `envs.contexts.MANNERS`, or less than 0 for none.
        replied: Manner of the responder's.
    """

    stake: Int[np.ndarray, "row game"]
    offered: Int[np.ndarray, "row game"]
    accepted: Bool[np.ndarray, "row game"]
    by_user: Bool[np.ndarray, "row game"]
    to_user: Bool[np.ndarray, "row game"]
    currency: Int[np.ndarray, "row game"]
    said: Int[np.ndarray, "row game"]
    replied: Int[np.ndarray, "row game"]


@functools.cache
def tables() -> tuple[Float[np.ndarray, "norm stake offer"], Float[np.ndarray, "norm stake offer"]]:
    """Chances of offers, and of accepting them, under each norm at each stake from 0 on; that of 0 is empty."""
    stakes = jnp.arange(1, LARGEST_STAKE + 1)
    offers, accepts = [], []
    for name in CONDUCTS:
        table = policy_of(name).table(stakes)
        offers.append(np.exp(np.asarray(table.offer, np.float64)))
        accepts.append(np.exp(np.asarray(table.accept, np.float64)))
    empty = ((0, 0), (1, 0), (0, 0))
    return np.pad(np.stack(offers), empty), np.pad(np.stack(accepts), empty)


def policy_of(name: str) -> Policy:
    """What users do under one of `CONDUCTS` in these worlds."""
    if name == HALF:
        return Policy(tuple((0.5, Norm(side, (), RATIONALITY, LAPSE)) for side in (NAMES[0], NAMES[2])))
    return Policy.of(Norm(name, (), RATIONALITY, LAPSE))


def own_manner(name: str) -> int:
    """Number of the manner that goes with one of `CONDUCTS`; `SILENT` where none does."""
    return MANNERS.index(MANNER_OF[name]) if name in MANNER_OF else SILENT


def terms(world: World, seen: Seen, reliability: Float[np.ndarray, "row"]) -> Float[np.ndarray, "row game norm"]:
    """What each game adds to the log of the belief.

    Args:
        world: The world.
        seen: Games.
        reliability: What the prompt states; NaN where it states nothing, and talk is to say nothing.
    """
    offers, accepts = tables()
    with np.errstate(divide="ignore"):
        offer = np.log(offers[:, seen.stake, seen.offered])
        accept = accepts[:, seen.stake, seen.offered]
        answer = np.log(np.where(seen.accepted, accept, 1 - accept))
    moves = np.where(seen.by_user, offer, 0.0) + np.where(seen.to_user, answer, 0.0)
    foreign = np.isin(seen.currency, [CURRENCIES.index(name) for name in world.foreign])
    moves = np.where(foreign, 0.0, moves)
    trusted = np.full_like(reliability, world.reliability) if world.reliability is not None else reliability
    talk = np.zeros_like(moves)
    for manner, by in ((seen.said, seen.by_user), (seen.replied, seen.to_user)):
        heard = by & (manner >= 0) & ~np.isnan(trusted)[:, None]
        fits = np.array([own_manner(name) for name in CONDUCTS])[:, None, None] == manner
        chance = np.nan_to_num(trusted)[:, None] * fits + (1 - np.nan_to_num(trusted)[:, None]) / len(MANNERS)
        talk += np.where(heard, np.log(np.maximum(chance, 1e-300)), 0.0)
    return np.moveaxis(moves + talk, 0, -1)


def beliefs(
    world: World, prior: Float[np.ndarray, "row norm"], added: Float[np.ndarray, "row game norm"]
) -> Float[np.ndarray, "row length norm"]:
    """Beliefs after 0, 1, 2 … games.

    Args:
        world: The world.
        prior: Probability of each before any game; 0 for what is not possible.
        added: What each game adds (`terms`).
    """
    total = np.cumsum(np.pad(added, ((0, 0), (1, 0), (0, 0))), axis=1)
    if world.memory is not None:
        forgotten = np.zeros_like(total)
        forgotten[:, world.memory :] = total[:, : max(total.shape[1] - world.memory, 0)]
        total = total - forgotten
    with np.errstate(divide="ignore"):
        score = np.log(prior)[:, None] + np.asarray(world.tilt) + total
    score -= score.max(axis=-1, keepdims=True)
    weight = np.exp(score)
    return np.asarray(weight / weight.sum(axis=-1, keepdims=True))
