r"""Inverse reinforcement learning from trajectories: families of users who plan in a contextual MDP.

Let π_θ be the soft-optimal policy of `envs.planning` or `envs.soft_values` for the utility with parameters θ. Then

    p(D | θ) = Π_t π_θ(a_t | s_t, c)

over the actions that are evidence. Transitions do not depend on θ and cancel. Planning is part of the likelihood, which
is differentiable in θ. Simulation rolls out the same π_θ (Ramachandran & Amir 2007; Ziebart et al. 2008 for the soft
policy).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key

from envs.cmdp import ContextualMDP, TabularMDP
from envs.contexts import context
from envs.planning import soft_backward_induction
from envs.registry import make
from envs.soft_values import soft_value_iteration
from inference.continuous.family import HypothesisFamily, Theta
from inference.continuous.one_shot import LAPSE
from inference.continuous.parameters import Parameter
from inference.continuous.trajectories import Trajectories, refuse, stages

DISCOUNT = Parameter("discount", 0.0, 1.0, meaning="γ, value of a reward one decision later")

_WEIGHT_SCALE = 10.0  # at one standard deviation, a change of 1 in a feature changes the odds of an action by e^10

Features = Callable[[TabularMDP], Float[Array, "feature player state action"]]
"""Features φ_k of each player's rewards, from the tables of a context's MDP."""


@dataclass(frozen=True)
class SequentialFamily(HypothesisFamily):
    """Base of the families over trajectories; a subclass defines the environment and the policy.

    Attributes:
        stake: Stake of the context.
    """

    stake: int = 10

    @property
    @abstractmethod
    def world(self) -> ContextualMDP:
        """Environment of the states and actions."""

    @abstractmethod
    def log_policy(self, theta: Theta) -> Float[Array, "stage state action"]:
        """Compute log π_θ at each stage of an episode and planning state; stationary policies have one stage."""

    def planning_state(self, state: Int[Array, "*n"]) -> Int[Array, "*n"]:
        """Map a state of the environment to a state of the plan; the identity unless overridden."""
        return state

    @property
    def longest_episode(self) -> int | None:
        """Maximum number of decisions of an episode; None without a limit."""
        return None

    def arrange(self, data: Trajectories) -> Trajectories:
        """Check that the trajectories are possible in the environment.

        Raises:
            ValueError: If nothing was seen, a state or action does not exist, a transition is impossible, or an episode
                is longer than the plan. The message names the column, the run and the time.
        """
        if not data.seen.any():
            raise ValueError("seen: no action was seen; give at least one")
        _check_against(jax.tree.map(np.asarray, self.world.tabular(context(self.stake))), data)
        if self.longest_episode is not None:
            stage = np.asarray(jax.vmap(stages)(jnp.asarray(data.first)))
            problem = f"after more than {self.longest_episode} decisions; mark in `first` where episodes begin"
            refuse("state", np.asarray(data.state), np.asarray(data.seen & (stage >= self.longest_episode)), problem)
        return data

    def pointwise(self, theta: Theta, seen: Trajectories) -> Float[Array, "observation"]:
        """Compute log π_θ of each action; 0 where it was not seen."""
        chosen = jnp.take_along_axis(self._rows(theta, seen), jnp.asarray(seen.action)[:, None], axis=1)[:, 0]
        return jnp.where(seen.seen, chosen, 0.0)

    def predict(self, theta: Theta, seen: Trajectories) -> Float[Array, "observation"]:
        """Expected index of the action in each state; for reject and accept, the probability of acceptance."""
        probabilities = jnp.exp(self._rows(theta, seen))
        return probabilities @ jnp.arange(probabilities.shape[-1], dtype=float)

    def observed(self, seen: Trajectories) -> tuple[Float[Array, "observation"], Float[Array, "observation"]]:
        """Indices of the actions taken."""
        return 1.0 * jnp.asarray(seen.action), 1.0 * jnp.asarray(seen.seen)

    def simulate(self, key: Key[Array, ""], theta: Theta, seen: Trajectories) -> Trajectories:
        """Simulate the policy in the environment from each episode's first state.

        Unseen actions are fixed as given. If an episode ends early, its remaining times are unseen.
        """
        log_policy, played = self.log_policy(theta), context(self.stake)
        first = jnp.asarray(seen.first).at[0].set(True)
        stage = self._stage(log_policy, jnp.asarray(seen.first))
        columns = (jnp.asarray(seen.state), jnp.asarray(seen.action), jnp.asarray(seen.seen), first, stage)

        def step(following: Array, now: tuple[Array, tuple[Array, ...]]) -> tuple[Array, tuple[Array, ...]]:
            own_key, (given_state, given_action, was_seen, begins, at_stage) = now
            key_action, key_step = jax.random.split(own_key)
            state = jnp.where(begins, given_state, following)
            decides = was_seen & self.world.legal_actions(state, played).any()
            row = log_policy[at_stage, self.planning_state(state)]
            sampled = jax.random.categorical(key_action, jnp.where(decides, row, 0.0)).astype(jnp.int32)
            action = jnp.where(decides, sampled, given_action)
            return self.world.step(key_step, state, action, played).state, (state, action, decides)

        keys = jax.random.split(key, first.shape[0])
        _, (state, action, decided) = jax.lax.scan(step, columns[0][0], (keys, columns))
        return Trajectories(state, action, decided, jnp.asarray(seen.first))

    def _rows(self, theta: Theta, seen: Trajectories) -> Float[Array, "time action"]:
        """Log π_θ in the state at each time."""
        log_policy = self.log_policy(theta)
        stage = self._stage(log_policy, jnp.asarray(seen.first))
        return log_policy[stage, self.planning_state(jnp.asarray(seen.state))]

    @staticmethod
    def _stage(log_policy: Float[Array, "stage state action"], first: Array) -> Int[Array, "time"]:
        return jnp.minimum(stages(first), log_policy.shape[0] - 1)


def _check_against(mdp: TabularMDP, data: Trajectories) -> None:
    """Refuse impossible trajectories; at unseen times only check that states and actions exist."""
    state, action, seen = np.asarray(data.state), np.asarray(data.action), np.asarray(data.seen)
    states, actions = mdp.legal.shape
    refuse("state", state, state >= states, f"outside 0..{states - 1}")
    refuse("action", action, action >= actions, f"outside 0..{actions - 1}")
    refuse("action", action, seen & ~np.asarray(mdp.legal)[state, action], "not legal in its state")
    reached = np.asarray(mdp.transition)[state[:, :-1], action[:, :-1], state[:, 1:]] > 0
    impossible = np.zeros_like(seen)
    impossible[:, 1:] = seen[:, :-1] & seen[:, 1:] & ~np.asarray(data.first)[:, 1:] & ~reached
    problem = "which cannot follow the state and action before; mark in `first` where episodes begin"
    refuse("state", state, impossible, problem)


@dataclass(frozen=True, kw_only=True)
class RewardFamily(SequentialFamily):
    r"""Rewards that are weighted sums of features, R(s, a) = Σ_k w_k φ_k(s, a), in any tabular contextual MDP.

    Choices identify only λ w. So λ is fixed at 1 by default, and weights are in units of the noise. All players share
    the weights.

    Attributes:
        fixed: Known parameters; λ = 1, no lapses and no discount unless given.
        environment: Name in `envs.registry.ENVIRONMENTS`, or a contextual MDP, which compares by identity or is a
            frozen dataclass.
        features: φ, a function of the MDP's tables. A new lambda for each family would be compiled again.
        feature_names: A name for each weight.
        horizon: Number of decisions of an episode, to the end of which users plan; None for a discounted endless
            future.
        sweeps: Sweeps of soft value iteration without a horizon.
    """

    fixed: tuple[tuple[str, float], ...] = (("rationality", 1.0), ("lapse", 0.0), ("discount", 1.0))
    environment: str | ContextualMDP
    features: Features
    feature_names: tuple[str, ...]
    horizon: int | None
    sweeps: int = 100

    def __post_init__(self) -> None:
        if self.horizon is not None and self.horizon < 1:
            raise ValueError(f"horizon: {self.horizon} is too few decisions; give 1 or more, or None")

    @property
    def world(self) -> ContextualMDP:
        """The environment."""
        return make(self.environment)

    @property
    def longest_episode(self) -> int | None:
        """The horizon."""
        return self.horizon

    def arrange(self, data: Trajectories) -> Trajectories:
        """Check that a plan exists and that the trajectories are possible in the environment.

        Raises:
            ValueError: If an endless future is not discounted, or as in `SequentialFamily.arrange`.
        """
        if self.horizon is None and dict(self.fixed).get("discount", 0.0) >= 1:
            raise ValueError(
                "discount: an endless future needs one below 1; use fix(discount=0.9) or unfix('discount')"
            )
        return super().arrange(data)

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """Weights, normal around 0, and λ, ε and γ."""
        weights = (Parameter(name, scale=_WEIGHT_SCALE, meaning="weight") for name in self.feature_names)
        return (*weights, Parameter("rationality", low=0.0, meaning="λ, inverse temperature"), LAPSE, DISCOUNT)

    def log_policy(self, theta: Theta) -> Float[Array, "stage state action"]:
        """Plan for the weighted features.

        Raises:
            ValueError: If the numbers of features and names differ.
        """
        with (
            jax.ensure_compile_time_eval()
        ):  # the tables do not depend on θ, so they are computed once, not at every step of a fit
            mdp = self.world.tabular(context(self.stake))
            features = self.features(mdp)
        if features.shape[0] != len(self.feature_names):
            raise ValueError(f"feature_names: {len(self.feature_names)} for {features.shape[0]} features; name each")
        weights = jnp.stack([theta[name] for name in self.feature_names])
        valued = mdp._replace(reward=jnp.tensordot(weights, features, axes=1))
        noise = (theta["rationality"], theta["lapse"], theta["discount"])
        if self.horizon is None:
            return soft_value_iteration(valued, *noise, sweeps=self.sweeps).log_policy[None]
        return soft_backward_induction(valued, self.horizon, *noise).log_policy
