r"""Soft backward induction: from utilities to noisy-optimal policies.

For t = T−1, …, 0, with i(s) the player who moves in s and A(s) the legal actions,

    Q_t^i(s, a) = R^i(s, a) + γ Σ_s' P(s' | s, a) V_{t+1}^i(s')
    π_t(a | s)  = (1 − ε) exp(λ Q_t^{i(s)}(s, a)) / Σ_{a' ∈ A(s)} exp(λ Q_t^{i(s)}(s, a'))  +  ε / |A(s)|
    V_t^i(s)    = Σ_a π_t(a | s) Q_t^i(s, a),      V_T = 0

Every player anticipates the noise of later moves: a proposer's value includes the responder's probability of
acceptance. λ is the rationality (inverse temperature) and ε the lapse. The choice rule is the Boltzmann likelihood of
Bayesian inverse reinforcement learning (Ramachandran & Amir 2007, eq. 1, with Q instead of the reward's optimal Q),
applied to games as an agent quantal response equilibrium (McKelvey & Palfrey 1998, eq. 2).
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from envs.cmdp import TabularMDP
from envs.utilities import UtilityFunction


class Plan(NamedTuple):
    """A soft-optimal plan over T steps.

    Attributes:
        action_values: Q[t, i, s, a].
        log_policy: log π[t, s, a]; −inf where a is illegal.
        values: V[t, i, s].
    """

    action_values: Float[Array, "time player state action"]
    log_policy: Float[Array, "time state action"]
    values: Float[Array, "time player state"]


def soft_choice(
    action_values: Float[Array, "*n action"],
    legal: Bool[Array, "*n action"],
    rationality: Float[Array, ""],
    lapse: Float[Array, ""],
) -> Float[Array, "*n action"]:
    """Log-probabilities of the noisy choice rule: softmax with rationality λ, or uniform with probability ε.

    A row without legal actions is −inf throughout.

    Example:
        >>> q, legal = jnp.asarray([0.0, 0.0, 9.0]), jnp.asarray([True, True, False])
        >>> [round(float(p), 3) for p in jnp.exp(soft_choice(q, legal, jnp.asarray(5.0), jnp.asarray(0.1)))]
        [0.5, 0.5, 0.0]
    """
    # Illegal actions have finite numbers until the end, because a gradient through −∞ is NaN even if it is masked.
    scores = jnp.where(legal, rationality * action_values, 0.0)
    highest = jnp.max(scores, axis=-1, keepdims=True, initial=-jnp.inf, where=legal)
    centred = jnp.where(legal, scores - jax.lax.stop_gradient(jnp.where(jnp.isfinite(highest), highest, 0.0)), 0.0)
    total = jnp.sum(jnp.exp(centred), axis=-1, keepdims=True, where=legal)
    total = jnp.where(total > 0, total, 1.0)
    count = jnp.maximum(jnp.sum(legal, axis=-1, keepdims=True), 1)
    probability = (1 - lapse) * jnp.exp(centred) / total + lapse / count
    return jnp.where(legal, log_or(probability, centred - jnp.log(total), lapse), -jnp.inf)


def log_or(
    probability: Float[Array, "*n"], without_lapse: Float[Array, "*n"], lapse: Float[Array, ""]
) -> Float[Array, "*n"]:
    """Logarithm of a probability with lapse; if it underflows, log(1 − ε) + its logarithm without the lapse.

    One logarithm of (1 − ε) p + ε/n costs a third of adding the logarithms of both terms; gradients save as much.

    Example:
        >>> zero = jnp.asarray(0.0)
        >>> [float(log_or(p, jnp.asarray(-200.0), zero)) for p in (jnp.asarray(1.0), zero)]
        [0.0, -200.0]
    """
    tiny = np.finfo(probability.dtype).tiny
    log_intended = jnp.log(jnp.maximum(1 - lapse, tiny))
    return jnp.where(probability >= tiny, jnp.log(jnp.maximum(probability, tiny)), log_intended + without_lapse)


def soft_backward_induction(
    mdp: TabularMDP,
    horizon: int,
    rationality: Float[Array, ""],
    lapse: Float[Array, ""],
    discount: float | Float[Array, ""] = 1.0,
) -> Plan:
    """Plan by soft backward induction; the equations are in the module's docstring.

    Args:
        mdp: Tabular MDP with the players' utilities as rewards (see `with_utility`).
        horizon: Number of steps T.
        rationality: λ ≥ 0.
        lapse: ε in [0, 1].
        discount: γ in [0, 1].

    Returns:
        The plan; time runs forward along its first axis.
    """
    players, states, _ = mdp.reward.shape

    def backup(next_values: Float[Array, "player state"], _: None) -> tuple[Float[Array, "player state"], Plan]:
        q = mdp.reward + discount * jnp.einsum("san,in->isa", mdp.transition, next_values)
        of_mover = jnp.take_along_axis(q, mdp.mover[None, :, None], axis=0)[0]
        log_policy = soft_choice(of_mover, mdp.legal, rationality, lapse)
        values = jnp.sum(jnp.exp(log_policy) * jnp.where(mdp.legal, q, 0.0), axis=-1)
        return values, Plan(q, log_policy, values)

    _, plan = jax.lax.scan(backup, jnp.zeros((players, states)), None, length=horizon, reverse=True)
    return plan


def with_utility(
    mdp: TabularMDP,
    utility: UtilityFunction,
    theta: Float[Array, "parameter"],
    responding: UtilityFunction | None = None,
) -> TabularMDP:
    """Replace two players' material payoffs by a utility over (own, other); both have the same unless two are given.

    This is valid if each path pays at most once, as in the ultimatum game, because a utility of sums is not a sum of
    utilities.
    """
    first, second = mdp.reward
    rewards = jnp.stack([utility(theta, first, second), (responding or utility)(theta, second, first)])
    return mdp._replace(reward=rewards)
