r"""Planning without an end, and a few steps ahead, by the backups of `envs.planning`.

With B the soft backup V ↦ Σ_a π(a | s) [R(s, a) + γ Σ_s' P(s' | s, a) V(s')] of one step, π the noisy choice rule,

    look-ahead of depth H     V_H = B^{H+1} 0        H decisions after the current one; H = 0 is myopic
    soft value iteration      V_n = B^n 0, n large   the horizon is so far that it has no effect

Both give *stationary* policies: each decision has a new plan with the same number of steps ahead. A look-ahead is soft
value iteration that stops early, and the two agree as H grows. All results are differentiable in the rewards, λ, ε and
γ.

With B players anticipate their own noise, as in backward induction. If choices are nearly deterministic and γ is near
1, B is not always a contraction (Asadi & Littman 2017, arXiv:1612.05628). The plan is then only that of n steps.
"""

from __future__ import annotations

from typing import NamedTuple

from jaxtyping import Array, Float

from envs.cmdp import TabularMDP
from envs.planning import soft_backward_induction


class StationaryPlan(NamedTuple):
    """A plan that is the same at every decision, or plans for several depths.

    Attributes:
        action_values: Q[i, s, a].
        log_policy: log π[s, a]; −inf where a is illegal.
        values: V[i, s].
    """

    action_values: Float[Array, "*depth player state action"]
    log_policy: Float[Array, "*depth state action"]
    values: Float[Array, "*depth player state"]


def look_ahead(
    mdp: TabularMDP,
    rationality: Float[Array, ""],
    lapse: Float[Array, ""],
    discount: Float[Array, ""],
    depth: int,
) -> StationaryPlan:
    """Plan 0, 1, …, `depth` steps ahead of the current decision.

    Args:
        mdp: Tabular MDP with the players' utilities as rewards.
        rationality: λ ≥ 0.
        lapse: ε in [0, 1].
        discount: γ in [0, 1].
        depth: Largest number of further decisions H ≥ 0.

    Returns:
        Plans with a leading axis of depths 0..H.

    Example:
        >>> import jax.numpy as jnp
        >>> from envs.controllable import endless_game
        >>> numbers = jnp.asarray(50.0), jnp.asarray(0.0), jnp.asarray(0.9)
        >>> plan = look_ahead(endless_game(jnp.asarray(1.0)), *numbers, depth=5)
        >>> [round(float(p), 1) for p in jnp.exp(plan.log_policy[:, 3, 1])]  # is an offer of four tenths accepted?
        [1.0, 1.0, 0.9, 0.1, 0.1, 0.0]
    """
    plan = soft_backward_induction(mdp, depth + 1, rationality, lapse, discount)
    return StationaryPlan(*(leaf[::-1] for leaf in plan))


def soft_value_iteration(
    mdp: TabularMDP,
    rationality: Float[Array, ""],
    lapse: Float[Array, ""],
    discount: Float[Array, ""],
    sweeps: int = 100,
) -> StationaryPlan:
    """Plan for an endless, discounted future by a fixed number of sweeps.

    Rewards beyond the sweeps contribute at most γ^n max|R| / (1 − γ).

    Args:
        mdp: Tabular MDP with the players' utilities as rewards.
        rationality: λ ≥ 0.
        lapse: ε in [0, 1].
        discount: γ in [0, 1).
        sweeps: Number of sweeps n.
    """
    plan = soft_backward_induction(mdp, sweeps, rationality, lapse, discount)
    return StationaryPlan(*(leaf[0] for leaf in plan))
