r"""Responders who learn a norm from offers, and compare each offer with this norm.

Amounts are those of a stake of 20, so an offer is 20 times its share. With o_t the offer of play t and μ_t the norm:

    p(accept) = 1 / (1 + exp(−τ U_t)),   U_t = o_t − α max(μ_t − o_t, 0) − β max(o_t − μ_t, 0)

Both learning rules are those of hBayesDM (Ahn, Haines & Zhang 2017), with its names, ranges and starting values.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Key

from envs.ultimatum import offered_share
from inference.continuous.family import HypothesisFamily, Theta
from inference.continuous.parameters import Parameter
from inference.discrete.evidence import Evidence

STAKE = 20.0
"""Stake to which all offers are scaled, as in the studies from which the priors are taken."""

FIRST_NORM = 10.0
"""μ_0, the norm before any offer: half of the stake."""

FIRST_WEIGHT = 4.0
"""k_0, number of offers that the first norm is worth."""

_SOURCE = "hBayesDM (Ahn, Haines & Zhang 2017)"
ENVY = Parameter("alpha", 0.0, 20.0, meaning="α, loss for each unit below the norm", source=_SOURCE)
GUILT = Parameter("beta", 0.0, 10.0, meaning="β, loss for each unit above the norm", source=_SOURCE)
INVERSE_TEMPERATURE = Parameter("tau", 0.0, 10.0, meaning="τ, inverse temperature per unit", source=_SOURCE)
LEARNING_RATE = Parameter("epsilon", 0.0, 1.0, meaning="ε, learning rate", source=_SOURCE)


class Answers(NamedTuple):
    """One responder's interactions in order; over runs, each array has a leading run axis.

    Attributes:
        offer: Amount offered, on a stake of 20.
        accepted: Whether it was accepted.
        seen: Whether the answer is evidence; the responder does not see other interactions.
    """

    offer: Float[Array | np.ndarray, "*run play"]
    accepted: Bool[Array | np.ndarray, "*run play"]
    seen: Bool[Array | np.ndarray, "*run play"]


class Compared(NamedTuple):
    """Offers with a known norm, so no sampler computes it at each step.

    Attributes:
        offer: Amount offered; negative if it was rejected, and 0 if the answer was not seen.
        behind: max(μ − o, 0), with the same sign.
        ahead: max(o − μ, 0), with the same sign.
        unseen: Number of unseen answers.
    """

    offer: Float[Array, "play"]
    behind: Float[Array, "play"]
    ahead: Float[Array, "play"]
    unseen: Float[Array, ""]


@dataclass(frozen=True)
class LearningFamily(HypothesisFamily):
    """Base of the families of learning responders; a subclass defines `log_odds`."""

    @abstractmethod
    def log_odds(self, theta: Theta, seen: Answers) -> Float[Array, "play"]:
        """Compute τ U_t of each interaction."""

    def arrange(self, data: Evidence) -> Answers:
        """Extract the answers from the evidence, with offers scaled to a stake of 20.

        Raises:
            ValueError: If no answer was seen in any run.
        """
        if not data.answer_seen.any():
            raise ValueError("data: no answer was seen; a learning responder needs plays with answer_seen=True")
        share = np.asarray(offered_share(jnp.asarray(data.offer), jnp.asarray(data.stake)))
        offer = np.where(data.answer_seen, STAKE * share, 0.0).astype(np.float32)
        return Answers(offer, data.accepted & data.answer_seen, data.answer_seen)

    def pointwise(self, theta: Theta, seen: Answers) -> Float[Array, "observation"]:
        """Compute the log-probability of each answer; 0 where not seen."""
        odds = self.log_odds(theta, seen)
        return jnp.where(seen.seen, jax.nn.log_sigmoid(jnp.where(seen.accepted, odds, -odds)), 0.0)

    def predict(self, theta: Theta, seen: Answers) -> Float[Array, "observation"]:
        """Probability that each offer is accepted."""
        return jax.nn.sigmoid(self.log_odds(theta, seen))

    def observed(self, seen: Answers) -> tuple[Float[Array, "observation"], Float[Array, "observation"]]:
        """Answers as 0 or 1, and whether each was seen."""
        return 1.0 * jnp.asarray(seen.accepted), 1.0 * jnp.asarray(seen.seen)

    def simulate(self, key: Key[Array, ""], theta: Theta, seen: Answers) -> Answers:
        """Draw the answers to the same offers anew; learning depends only on offers."""
        accepted = jax.random.bernoulli(key, self.predict(theta, seen))
        return seen._replace(accepted=accepted & jnp.asarray(seen.seen))


@dataclass(frozen=True)
class UgBayes(LearningFamily):
    r"""An ideal observer of offers with unknown mean and variance (Xiang, Lohrenz & Montague 2013).

    The norm is the mean of a normal–inverse-χ² posterior that already includes the current offer:

        k_t = k_{t−1} + 1,   μ_t = (k_{t−1} μ_{t−1} + o_t) / k_t,   k_0 = 4, μ_0 = 10

    so μ_t = (k_0 μ_0 + Σ_{s≤t} o_s) / (k_0 + t). The variance (ν_0 = 10, σ²_0 = 4) has no effect on answers.

    Example:
        >>> UgBayes().coordinate_names
        ('alpha', 'beta', 'tau')
    """

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """α, β and τ, uniform over their ranges."""
        return ENVY, GUILT, INVERSE_TEMPERATURE

    def log_odds(self, theta: Theta, seen: Answers) -> Float[Array, "play"]:
        """Compute τ U_t of each interaction."""
        offer, norm = jnp.asarray(seen.offer), bayesian_norm(seen)
        behind, ahead = jnp.maximum(norm - offer, 0), jnp.maximum(offer - norm, 0)
        return theta["tau"] * (offer - theta["alpha"] * behind - theta["beta"] * ahead)

    def summarise(self, seen: Answers) -> Compared:
        """Compare offers with the norm, which does not depend on parameters."""
        offer, norm = jnp.asarray(seen.offer), bayesian_norm(seen)
        sign = jnp.where(seen.accepted, 1.0, -1.0) * seen.seen
        behind, ahead = jnp.maximum(norm - offer, 0), jnp.maximum(offer - norm, 0)
        return Compared(sign * offer, sign * behind, sign * ahead, jnp.sum(~jnp.asarray(seen.seen), dtype=jnp.float32))

    def log_likelihood(self, theta: Theta, summary: Compared) -> Float[Array, ""]:
        """Compute Σ log p(answer); an unseen answer has signed odds 0 and adds log ½, which is subtracted."""
        signed = theta["tau"] * (summary.offer - theta["alpha"] * summary.behind - theta["beta"] * summary.ahead)
        return jnp.sum(_log_sigmoid(signed)) + summary.unseen * jnp.log(2.0)


@dataclass(frozen=True)
class UgDelta(LearningFamily):
    r"""A delta-rule learner with disutility only from offers below the norm (Rescorla & Wagner 1972; Gu et al. 2015).

        U_t = o_t − α max(μ_t − o_t, 0),   μ_{t+1} = μ_t + ε (o_t − μ_t),   μ_1 = 10

    An offer is compared with the norm before this offer.

    Example:
        >>> UgDelta().fix(epsilon=0.2).coordinate_names
        ('alpha', 'tau')
    """

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """α, τ and ε, uniform over their ranges."""
        return ENVY, INVERSE_TEMPERATURE, LEARNING_RATE

    def log_odds(self, theta: Theta, seen: Answers) -> Float[Array, "play"]:
        """Compute τ U_t of each interaction."""
        behind = jnp.maximum(delta_norm(seen, theta["epsilon"]) - seen.offer, 0)
        return theta["tau"] * (seen.offer - theta["alpha"] * behind)


def _log_sigmoid(x: Float[Array, "*n"]) -> Float[Array, "*n"]:
    """Log 1/(1 + exp(−x)), whose derivative shares the exponential.

    It dominates the time of a sampler's step, and `jax.nn.log_sigmoid` takes 50 % longer. The rounding error of log(1 +
    e) is at most 1e-7, less than that of the sum to which it is added.
    """
    return jnp.minimum(x, 0) - jnp.log(1 + jnp.exp(-jnp.abs(x)))


def bayesian_norm(seen: Answers) -> Float[Array, "play"]:
    """Norm of the ideal observer after each offer; unseen interactions do not change it.

    Example:
        >>> some = Answers(jnp.asarray([5.0, 16.0]), jnp.ones(2, bool), jnp.ones(2, bool))
        >>> bayesian_norm(some).tolist()  # (4·10 + 5)/5, (45 + 16)/6
        [9.0, 10.166666984558105]
    """
    known = jnp.asarray(seen.seen)
    total = FIRST_WEIGHT * FIRST_NORM + jnp.cumsum(jnp.where(known, seen.offer, 0.0))
    return total / (FIRST_WEIGHT + jnp.cumsum(known))


def delta_norm(seen: Answers, rate: Float[Array, ""]) -> Float[Array, "play"]:
    """Norm of a learner with rate ε before each offer; unseen interactions do not change it.

    Each offer maps the norm by μ → (1 − ε) μ + ε o. Composition of such maps is associative, so a parallel scan
    computes all norms in ⌈log₂ n⌉ steps for n interactions.

    Example:
        >>> some = Answers(jnp.asarray([5.0, 16.0]), jnp.ones(2, bool), jnp.ones(2, bool))
        >>> delta_norm(some, jnp.asarray(0.5)).tolist()
        [10.0, 7.5]
    """
    rates = jnp.where(seen.seen, rate, 0.0)

    def then(earlier: tuple[Array, Array], later: tuple[Array, Array]) -> tuple[Array, Array]:
        return earlier[0] * later[0], later[0] * earlier[1] + later[1]

    retained, added = jax.lax.associative_scan(then, (1 - rates, rates * seen.offer))
    after = retained * FIRST_NORM + added
    return jnp.concatenate([jnp.full(1, FIRST_NORM), after[:-1]])
