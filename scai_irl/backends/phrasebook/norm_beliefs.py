"""The phrasebook's belief about the users of a prompt: the exact posterior over a few norms.

    p(k | games) ∝ p(k) Π_moves Σ_n w_kn π_n(move | stake) p(manner | n, r)

over the users' offers and answers. Candidate k has norms n with weights w_kn, and each user holds one of them.
p(manner | n, r) = r 1[manner goes with n] + (1 − r) / 3, as in `inference.continuous.language`. The posterior is
computed move by move from the prompt's data. The code is independent of `inference`, so a test can compare the two.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from envs.contexts import MANNERS
from envs.policy import Norm, Policy
from envs.ultimatum import offer_of_units
from inference.continuous.language import MANNER_OF
from scai_irl.language.games import Candidates, Game
from scai_irl.language.manners import manner_of

_REMEMBERED = 1 << 12

_Tables = tuple[np.ndarray, np.ndarray, np.ndarray]

OWN_NORMS: tuple[Norm, ...] = tuple(Norm(name, (), 200.0, 0.01) for name in ("selfish", "fair", "altruistic"))
"""Norms of the phrasebook's own prior, which is uniform; used if the prompt lists no norms."""


def own_prior() -> Policy:
    """Return the belief before any interaction, as a mixture of norms."""
    return Policy(tuple((1 / len(OWN_NORMS), norm) for norm in OWN_NORMS))


def posterior_over(candidates: Candidates, games: Sequence[Game]) -> Float[np.ndarray, "candidate"]:
    """Compute the posterior probability of each candidate after the interactions.

    Example:
        >>> two = Candidates(("A", "B"), tuple(Policy.of(norm) for norm in OWN_NORMS[:2]), (0.5, 0.5))
        >>> posterior_over(two, [Game("dollars", 10, "user", "assistant", 5)]).round(2).tolist()
        [0.0, 1.0]
    """
    with np.errstate(divide="ignore"):
        log_weight = np.log(np.asarray(candidates.prior, float))
    for number, policy in enumerate(candidates.policies):
        log_weight[number] += sum(_log_likelihood(policy, game, candidates.reliability) for game in games)
    if not np.isfinite(log_weight.max()):
        return np.asarray(candidates.prior, float)  # all have probability 0, so the evidence does not distinguish them
    weight = np.exp(log_weight - log_weight.max())
    return np.asarray(weight / weight.sum())


def updated(belief: Policy, games: Sequence[Game]) -> Policy:
    """Return the posterior of a belief, stated as a mixture of norms of which all users share one."""
    if len(belief.parts) == 1:
        return belief
    labels = tuple(f"norm {number:03d}" for number in range(len(belief.parts)))
    policies = tuple(Policy.of(norm) for _, norm in belief.parts)
    total = sum(weight for weight, _ in belief.parts)
    prior = tuple(weight / total for weight, _ in belief.parts)
    weights = posterior_over(Candidates(labels, policies, prior), games)
    return Policy(tuple((float(w), norm) for w, (_, norm) in zip(weights, belief.parts, strict=True)))


def _log_likelihood(policy: Policy, game: Game, reliability: float | None) -> float:
    offer = _offer(game.offered, game.stake)
    total = 0.0
    if game.proposer == "user":
        total += _log_move(policy, game.stake, reliability, game.said, lambda table: table[0][offer])
    if game.responder == "user" and game.accepted is not None:
        total += _log_move(policy, game.stake, reliability, game.replied, lambda t: t[1 if game.accepted else 2][offer])
    return total


def _log_move(
    policy: Policy, stake: int, reliability: float | None, sentence: str, of_norm: Callable[[_Tables], float]
) -> float:
    """Compute log Σ_n w_n π_n(move) p(manner | n, r)."""
    manner = manner_of(sentence)
    chance = 0.0
    for weight, norm in policy.parts:
        heard = 1.0
        if reliability is not None and manner is not None:
            heard = reliability * (MANNER_OF.get(norm.utility) == manner) + (1 - reliability) / len(MANNERS)
        chance += weight * heard * math.exp(of_norm(_tables(norm, stake)))
    return math.log(chance) if chance > 0 else -math.inf


@functools.lru_cache(_REMEMBERED)
def _offer(units: int, stake: int) -> int:
    return int(offer_of_units(jnp.asarray(units), jnp.asarray(stake)))


@functools.lru_cache(_REMEMBERED)
def _tables(norm: Norm, stake: int) -> _Tables:
    """Return the log-probabilities of offers, of accepting each, and of rejecting each."""
    table = Policy.of(norm).table(jnp.asarray([stake]))
    offer, accept = np.asarray(table.offer[0], np.float64), np.asarray(table.accept[0], np.float64)
    with np.errstate(divide="ignore"):
        return offer, accept, np.log1p(-np.exp(np.minimum(accept, 0.0)))
