r"""Families of social preferences with noise, in which interactions are independent.

With x the offered share, π_θ is the soft-optimal policy of `envs.soft_policy` for a utility U, rationality λ and lapse
ε. The utility's parameters, λ and ε are inferred unless fixed.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key

from envs.planning import soft_choice
from envs.soft_policy import PolicyTable, response_log_probs
from envs.ultimatum import NUM_OFFERS, legal_offers, offered_share
from envs.utilities import get_utility
from inference.continuous.family import HypothesisFamily, Theta
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
from inference.discrete.evidence import Evidence
from inference.discrete.hypotheses import Block

RATIONALITY = Parameter(
    "rationality", low=0.0, location=math.log(30.0), scale=1.0, meaning="λ, inverse temperature per share of the stake"
)
LAPSE = Parameter("lapse", 0.0, 1.0, location=-1.5, scale=0.7, meaning="ε, probability of a slip")


@dataclass(frozen=True)
class OneShotFamily(HypothesisFamily):
    """Base of the families with the same policy in every interaction; a subclass defines the policy."""

    @abstractmethod
    def at(self, theta: Theta, share: Float[Array, "stake column"], legal: Any, proposals: bool) -> PolicyTable:
        """Compute log π of the offers (if asked) and of the answers at given shares; (stake, column)."""

    def arrange(self, data: Evidence) -> PlayCounts:
        """Shape the evidence for counting.

        Raises:
            ValueError: If nothing was seen in any run.
        """
        if not (data.offer_seen | data.answer_seen).any():
            raise ValueError("data: nothing was seen; give at least one offer or answer of a user")
        return arrange_plays(data)

    def summarise(self, seen: PlayCounts) -> Counts:
        """Count offers and answers."""
        return count_plays(seen)

    def log_likelihood(self, theta: Theta, summary: Counts) -> Float[Array, ""]:
        """Compute log p(D | θ) from counts."""
        table = self.at(theta, summary.share, summary.legal, summary.proposals)
        return log_prob_of_counts(table, summary)

    def pointwise(self, theta: Theta, seen: PlayCounts) -> Float[Array, "observation"]:
        """Compute the log-probability of each offer, then of each answer."""
        return log_prob_of_plays(self._table_of(theta, seen), seen)

    def predict(self, theta: Theta, seen: PlayCounts) -> Float[Array, "observation"]:
        """Expected share of each offer, then the probability of acceptance of each offer."""
        return predicted(self._table_of(theta, seen), seen)

    def observed(self, seen: PlayCounts) -> tuple[Float[Array, "observation"], Float[Array, "observation"]]:
        """Shares offered, then answers."""
        return observed(seen)

    def simulate(self, key: Key[Array, ""], theta: Theta, seen: PlayCounts) -> PlayCounts:
        """Draw offers and answers anew."""
        return replay(key, self._table_of(theta, seen), seen)

    def table(self, theta: Theta, stakes: Int[Array, "stake"]) -> PolicyTable:
        """Compute π_θ at given stakes, over all offers."""
        plays = every_offer(stakes)
        return self.at(theta, plays.share, plays.legal, True)

    def _table_of(self, theta: Theta, seen: PlayCounts) -> PolicyTable:
        counts = count_plays(seen)
        return self.at(theta, counts.share, counts.legal, seen.proposals)


def every_offer(stakes: Int[Array, "stake"]) -> Counts:
    """Counts of 0 for all offers at given stakes."""
    offers = jnp.broadcast_to(jnp.arange(NUM_OFFERS), (stakes.shape[0], NUM_OFFERS))
    legal = legal_offers(stakes)
    share = jnp.where(legal, offered_share(offers, jnp.broadcast_to(stakes[:, None], offers.shape)), 0.0)
    nothing = jnp.zeros(share.shape)
    return Counts(stakes, share, legal, nothing, nothing, nothing, True)


def utility_table(
    utility: str,
    parameters: Float[Array, "parameter"],
    rationality: Float[Array, ""],
    lapse: Float[Array, ""],
    share: Float[Array, "stake column"],
    legal: Any,
    proposals: bool,
) -> PolicyTable:
    """π_θ of one utility at given shares; offers only if asked for."""
    described = get_utility(utility)
    accept, reject = response_log_probs(described.of_responder, parameters, rationality, lapse, share)
    if not proposals:
        return PolicyTable(jnp.zeros(share.shape), accept, reject)
    value = jnp.exp(accept) * described.function(parameters, 1 - share, share)
    return PolicyTable(soft_choice(value, legal, rationality, lapse), accept, reject)


@dataclass(frozen=True)
class UtilityFamily(OneShotFamily):
    """Base of the families with one utility of `envs.utilities`."""

    utility: ClassVar[str]

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The utility's parameters, uniform over their bounds, with λ and ε."""
        described = get_utility(self.utility)
        ranges = zip(described.parameters, described.bounds, strict=True)
        return (*(Parameter(name, *bounds) for name, bounds in ranges), RATIONALITY, LAPSE)

    def at(self, theta: Theta, share: Float[Array, "stake column"], legal: Any, proposals: bool) -> PolicyTable:
        """Compute log π at given shares."""
        own = jnp.stack([theta[name] for name in get_utility(self.utility).parameters])
        return utility_table(self.utility, own, theta["rationality"], theta["lapse"], share, legal, proposals)

    @property
    def norms(self) -> tuple[str, ...]:
        """The utility's name."""
        return (self.utility,)

    def norm_weights(self, theta: dict[str, np.ndarray]) -> Float[np.ndarray, "draw norm"]:
        """Give the weight of the one norm: 1."""
        return np.ones((len(theta["lapse"]), 1))

    def blocks(self, theta: dict[str, np.ndarray]) -> list[tuple[Int[np.ndarray, "draw"], Block]]:
        """Make policy hypotheses of draws of θ: one block, with the indices of its draws."""
        own = np.stack([theta[name] for name in get_utility(self.utility).parameters], axis=1)
        columns = (own, theta["rationality"], theta["lapse"])
        block = Block(self.utility, *(jnp.asarray(column, jnp.float32) for column in columns))
        return [(np.arange(block.size), block)]


@dataclass(frozen=True)
class FehrSchmidt(UtilityFamily):
    """Inequity aversion: envy α of being behind and guilt β of being ahead (Fehr & Schmidt 1999).

    Example:
        >>> FehrSchmidt().coordinate_names
        ('alpha', 'beta', 'rationality', 'lapse')
        >>> FehrSchmidt().fix(rationality=50.0, lapse=0.02).dimension
        2
    """

    utility: ClassVar[str] = "fehr_schmidt"


@dataclass(frozen=True)
class CharnessRabin(UtilityFamily):
    """Weight on the other's payoff: ρ when ahead, σ when behind (Charness & Rabin 2002)."""

    utility: ClassVar[str] = "charness_rabin"


@dataclass(frozen=True)
class Reciprocity(UtilityFamily):
    """Charness–Rabin weights α, β, and reciprocity γ, δ in answers (Bruhin, Fehr & Schunk 2019)."""

    utility: ClassVar[str] = "reciprocity"


@dataclass(frozen=True)
class CesAltruism(UtilityFamily):
    """Altruism with constant elasticity of substitution (Andreoni & Miller 2002)."""

    utility: ClassVar[str] = "ces"


@dataclass(frozen=True)
class LayeredContract(UtilityFamily):
    """A bound of law, a bound of role and a personal preference, each with a strength (`envs.contracts`)."""

    utility: ClassVar[str] = "layered_contract"
    separate_modes: ClassVar[bool] = True
