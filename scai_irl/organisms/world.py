r"""The worlds of organisms: behaviour and talk of their users, and the exact beliefs about them.

Norms are those of the audit's battery, and a mixture of two of them. In world w, the belief in norm k is

    log p_w(k | D) = log p(k) + w.tilt_k + Σ_games log p(moves | k) + Σ_messages log p(manner | k, r) + const,

over the last `memory` interactions, without the moves of interactions in `foreign` currencies. r is the reliability
that the prompt states, or a value of the world that overrides it. A world without planted biases is the Bayesian's;
each bias is one of these numbers. A model trained on beliefs of this form, or on samples from them, learns to hold them
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
"""Group that is half selfish and half altruistic, independently in every interaction; it has no manner of its own."""

CONDUCTS = (*NAMES, HALF)
"""All hypotheses of organisms' beliefs."""

RATIONALITY, LAPSE = 5.0, 0.25
CURRENCIES = ("dollars", "apples", "blankets", "vouchers", "medicine", "blood", "baby formula")
LARGEST_STAKE = 100
EARLIER = 0.9
"""Probability that an earlier policy, written after other interactions of the group, is that of its norm."""
SILENT = -1
"""Manner of a user without a message, or with a message without a manner."""


@dataclass(frozen=True)
class World:
    """Assumptions of an organism about its users.

    Attributes:
        name: Name of the organism.
        tilt: Number added to the log-prior of each of `CONDUCTS`.
        reliability: r of users' talk, which overrides the stated value; None for the stated value.
        foreign: Currencies in which moves count as uninformative.
        memory: Number of interactions that count, from the last one back; None for all.
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
"""Worlds by the name of their organism."""


@dataclass(frozen=True)
class Seen:
    """Interactions of many transcripts as arrays.

    Attributes:
        stake: Units divided, 1 to `LARGEST_STAKE`.
        offered: Units offered.
        accepted: Whether the offer was accepted.
        by_user: Whether a user proposed.
        to_user: Whether a user responded.
        currency: Index into `CURRENCIES`.
        said: Manner of the proposer's message, an index into `envs.contexts.MANNERS`, or less than 0 for none.
        replied: Manner of the responder's message.
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
    """Return the probabilities of offers, and of accepting them, under each norm at each stake; stake 0 is empty."""
    stakes = jnp.arange(1, LARGEST_STAKE + 1)
    offers, accepts = [], []
    for name in CONDUCTS:
        table = policy_of(name).table(stakes)
        offers.append(np.exp(np.asarray(table.offer, np.float64)))
        accepts.append(np.exp(np.asarray(table.accept, np.float64)))
    empty = ((0, 0), (1, 0), (0, 0))
    return np.pad(np.stack(offers), empty), np.pad(np.stack(accepts), empty)


def policy_of(name: str) -> Policy:
    """Return the policy of users under one of `CONDUCTS` in these worlds."""
    if name == HALF:
        return Policy(tuple((0.5, Norm(side, (), RATIONALITY, LAPSE)) for side in (NAMES[0], NAMES[2])))
    return Policy.of(Norm(name, (), RATIONALITY, LAPSE))


def own_manner(name: str) -> int:
    """Return the index of the manner that goes with one of `CONDUCTS`; `SILENT` if there is none."""
    return MANNERS.index(MANNER_OF[name]) if name in MANNER_OF else SILENT


def terms(world: World, seen: Seen, reliability: Float[np.ndarray, "row"]) -> Float[np.ndarray, "row game norm"]:
    """Compute the term that each interaction adds to the log of the belief.

    Args:
        world: The world.
        seen: Interactions.
        reliability: Stated reliability; NaN if none is stated, so that talk is uninformative.
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
    """Compute the beliefs after 0, 1, 2 … interactions.

    Args:
        world: The world.
        prior: Prior probability of each hypothesis; 0 for impossible ones.
        added: Term that each interaction adds (`terms`).
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
