r"""Offers and minimum acceptable offers (strategy method) under a one-shot family.

A person who states the smallest offer m that she would accept makes one decision. If it counted as an answer to each
offer from 0 to the stake, one decision would count many times. If it counted as two answers (m accepted, m − 1
rejected), it would favour λ = 0, where σ(z) σ(−z) is largest. Here one shock determines all her answers: she accepts x
if λ U(x) exceeds a logistic number that she draws once. Then

    F(x)   = max_{y ≤ x} σ(λ U_θ(y, 1 − y))                      she accepts x, or something smaller
    P(m)   = (1 − ε) [F(m) − F(m − 1)] / F(stake) + ε / (stake + 1),   F(−1) = 0

where division by F(stake) excludes persons who would accept nothing, because the question does not allow this answer.
The running maximum has an effect only where U decreases, beyond the equal split. A lapse (ε) is a uniform statement.
Offers follow the family's π_θ.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Key
from numpy.typing import ArrayLike

from envs.soft_policy import PolicyTable
from inference.continuous.family import HypothesisFamily, Theta
from inference.continuous.one_shot import FehrSchmidt, OneShotFamily
from inference.continuous.parameters import Parameter
from inference.continuous.plays import (
    Counts,
    PlayCounts,
    arrange_plays,
    count_plays,
    log_prob_of_counts,
    log_prob_of_plays,
    observed,
    predicted,
    replay,
)
from inference.discrete.evidence import Evidence, evidence

_LEAST = 1e-30  # keeps logarithms and their gradients finite


class Strategies(NamedTuple):
    """Offers and minimum acceptable offers of each run, (run, choice); both may be unseen.

    Attributes:
        proposals: Offers made.
        minimums: Minimum acceptable offers, instead of offers.
    """

    proposals: Evidence
    minimums: Evidence


class BothPlays(NamedTuple):
    """`Strategies` as indices into tables of offers by stake."""

    proposals: PlayCounts
    minimums: PlayCounts


class BothCounts(NamedTuple):
    """Counts of offers, and counts of stated minimums."""

    proposals: Counts
    minimums: Counts


def strategies(
    stake: ArrayLike, offer: ArrayLike, minimum: ArrayLike, offer_seen: ArrayLike = True, minimum_seen: ArrayLike = True
) -> Strategies:
    """Check and shape offers and minimum acceptable offers, in units (or per cent of stakes above 100).

    Raises:
        ValueError: If one is no whole number from 0 to its stake.

    Example:
        >>> strategies(100, [50, 40], [30, 0]).minimums.offer.tolist()
        [[30, 0]]
    """
    return Strategies(
        evidence(stake, offer, False, offer_seen, False), evidence(stake, minimum, False, minimum_seen, False)
    )


@dataclass(frozen=True)
class StrategyMethod(HypothesisFamily):
    """A one-shot family for people who state the smallest offer that they would accept.

    Attributes:
        base: The one-shot family; fix its parameters and change its priors there.

    Example:
        >>> StrategyMethod(base=FehrSchmidt()).coordinate_names
        ('alpha', 'beta', 'rationality', 'lapse')
    """

    base: OneShotFamily = dataclasses.field(default_factory=FehrSchmidt)

    def __post_init__(self) -> None:
        """Check the base."""
        if self.base.mode_name is not None:
            raise ValueError("base: give a family without a discrete parameter")

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """Parameters that the base infers."""
        return self.base.free

    def theta(self, u: Float[Array, "dim"], mode: Array | int = 0) -> Theta:
        """Parameters of the base."""
        known = self.base.fixed + self.fixed
        return {name: jnp.asarray(value) for name, value in known} | super().theta(u, mode)

    def arrange(self, data: Strategies) -> BothPlays:
        """Shape offers and minimums.

        Raises:
            ValueError: If no minimum was seen in any run.
        """
        if not data.minimums.offer_seen.any():
            raise ValueError("data: no minimum acceptable offer was seen; use the one-shot family itself")
        return BothPlays(*(arrange_plays(part) for part in data))

    def summarise(self, seen: BothPlays) -> BothCounts:
        """Count offers and minimums."""
        return BothCounts(*(count_plays(part) for part in seen))

    def log_likelihood(self, theta: Theta, summary: BothCounts) -> Float[Array, ""]:
        """Compute log p(D | θ) from counts."""
        tables = self._tables(theta, summary)
        return sum((log_prob_of_counts(*pair) for pair in zip(tables, summary, strict=True)), jnp.zeros(()))

    def pointwise(self, theta: Theta, seen: BothPlays) -> Float[Array, "observation"]:
        """Log-probability of each offer, then of each minimum."""
        tables = self._tables(theta, self.summarise(seen))
        return jnp.concatenate([log_prob_of_plays(*pair) for pair in zip(tables, seen, strict=True)])

    def predict(self, theta: Theta, seen: BothPlays) -> Float[Array, "observation"]:
        """Expected share of each offer, then of each minimum."""
        tables = self._tables(theta, self.summarise(seen))
        return jnp.concatenate([predicted(*pair) for pair in zip(tables, seen, strict=True)])

    def observed(self, seen: BothPlays) -> tuple[Float[Array, "observation"], Float[Array, "observation"]]:
        """Shares offered, then minimums as shares."""
        values, was_seen = zip(*(observed(part) for part in seen), strict=True)
        return jnp.concatenate(values), jnp.concatenate(was_seen)

    def simulate(self, key: Key[Array, ""], theta: Theta, seen: BothPlays) -> BothPlays:
        """Draw offers and minimums anew."""
        tables = self._tables(theta, self.summarise(seen))
        keys = jax.random.split(key)
        return BothPlays(*(replay(k, table, part) for k, table, part in zip(keys, tables, seen, strict=True)))

    def _tables(self, theta: Theta, counts: BothCounts) -> tuple[PolicyTable, PolicyTable]:
        """Tables of offers and of minimums; minimums are in the columns of offers."""
        offered, stated = counts
        proposals = self.base.at(theta, offered.share, offered.legal, offered.proposals)
        steady = self.base.at(theta | {"lapse": jnp.zeros(())}, stated.share, stated.legal, False)
        chance = minimum_probs(jnp.exp(steady.accept), stated.legal, theta["lapse"])
        log_chance = jnp.where(stated.legal, jnp.log(jnp.maximum(chance, _LEAST)), -jnp.inf)
        nothing = jnp.zeros(stated.share.shape)
        return proposals, PolicyTable(log_chance, nothing, nothing)


def minimum_probs(
    accept: Float[Array, "stake column"], legal: Bool[Array, "stake column"], lapse: Float[Array, ""]
) -> Float[Array, "stake column"]:
    """P(m) of every offer m at each stake, from the probability of acceptance without lapses.

    Example:
        >>> found = minimum_probs(jnp.asarray([[0.2, 0.5, 0.8]]), jnp.ones((1, 3), bool), jnp.asarray(0.1))
        >>> [round(float(p), 4) for p in found[0]]
        [0.2583, 0.3708, 0.3708]
    """
    reached = jax.lax.cummax(jnp.where(legal, accept, 0.0), axis=1)
    before = jnp.concatenate([jnp.zeros((reached.shape[0], 1)), reached[:, :-1]], axis=1)
    share: Float[Array, "stake column"] = (reached - before) / jnp.maximum(reached[:, -1:], _LEAST)
    uniform = lapse / jnp.sum(legal, axis=1, keepdims=True)
    return jnp.where(legal, (1 - lapse) * share + uniform, 0.0)
