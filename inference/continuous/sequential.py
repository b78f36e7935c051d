r"""Inverse reinforcement learning from trajectories: families of users who plan in a contextual MDP.

With π_θ the soft-optimal policy of `envs.planning` or `envs.soft_values` for the utility that θ stands for,

    p(D | θ) = Π_t π_θ(a_t | s_t, c)

over the actions that are evidence; transitions do not depend on θ and cancel. Planning happens inside the likelihood,
which is differentiable in all of θ. The same π_θ, rolled through the environment, simulates (Ramachandran & Amir 2007;
Ziebart et al. 2008 for the soft policy).
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

DISCOUNT = Parameter("discount", 0.0, 1.0, meaning="γ, worth of a reward one decision later")

_WEIGHT_SCALE = 10.0  # a feature that changes by 1 then moves the odds of an action by e^10 at one standard deviation

Features = Callable[[TabularMDP], Float[Array, "feature player state action"]]
"""Features φ_k of each player's rewards, from the tables of a context's MDP."""


@dataclass(frozen=True)
class SequentialFamily(HypothesisFamily):
    """Base of the families over trajectories; a subclass says in what environment, and what the policy is.

    Attributes:
        stake: Units of the context that is played in.
    """

    stake: int = 10

    @property
    @abstractmethod
    def world(self) -> ContextualMDP:
        """Environment that the states and actions are those of."""

    @abstractmethod
    def log_policy(self, theta: Theta) -> Float[Array, "stage state action"]:
        """Compute log π_θ at each stage of an episode, for planning states; stationary policies have one stage."""

    def planning_state(self, state: Int[Array, "*n"]) -> Int[Array, "*n"]:
        """State of the plan that an environment's state is; the same one unless a family says otherwise."""
        return state

    @property
    def longest_episode(self) -> int | None:
        """Decisions of an episode that there is a policy for; None without a limit."""
        return None

    def arrange(self, data: Trajectories) -> Trajectories:
        """Check that the trajectories can happen in the environment.

        Raises:
            ValueError: If nothing was seen, a state or action is not the environment's, a state cannot follow, or an
                episode is longer than the plan; the message names the column, the run and the time.
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
        """Expected number of the action in each state: the chance to accept, where actions are reject and accept."""
        probabilities = jnp.exp(self._rows(theta, seen))
        return probabilities @ jnp.arange(probabilities.shape[-1], dtype=float)

    def observed(self, seen: Trajectories) -> tuple[Float[Array, "observation"], Float[Array, "observation"]]:
        """Numbers of the actions taken."""
        return 1.0 * jnp.asarray(seen.action), 1.0 * jnp.asarray(seen.seen)

    def simulate(self, key: Key[Array, ""], theta: Theta, seen: Trajectories) -> Trajectories:
        """Roll the policy through the environment from each episode's first state.

        Actions that were not seen are taken as they are given; an episode that ends early leaves the rest unseen.
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
        """Log π_θ in the state of each time."""
        log_policy = self.log_policy(theta)
        stage = self._stage(log_policy, jnp.asarray(seen.first))
        return log_policy[stage, self.planning_state(jnp.asarray(seen.state))]

    @staticmethod
    def _stage(log_policy: Float[Array, "stage state action"], first: Array) -> Int[Array, "time"]:
        return jnp.minimum(stages(first), log_policy.shape[0] - 1)


def _check_against(mdp: TabularMDP, data: Trajectories) -> None:
    """Refuse what cannot happen in an environment; unseen times are only asked to be its states and actions."""
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

    Only λ w can be told from choices, so λ is 1 unless it is fixed elsewhere or unfixed, and weights are in units of
    the noise. Players of a game share the weights.

    Attributes:
        fixed: Known parameters; λ = 1, no lapses and no discount unless given.
        environment: Name in `envs.registry.ENVIRONMENTS`, or a contextual MDP; one that equals itself only, or a
            frozen dataclass.
        features: φ, a function of the MDP's tables (not a lambda made anew for each family, which would be compiled
            anew).
        feature_names: A name for each weight.
        horizon: Decisions of an episode, which users plan to the end of; None for an endless future, discounted.
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
            raise ValueError(f"horizon: {self.horizon} decisions make no episode; give 1 or more, or None")

    @property
    def world(self) -> ContextualMDP:
        """The environment."""
        return make(self.environment)

    @property
    def longest_episode(self) -> int | None:
        """The horizon."""
        return self.horizon

    def arrange(self, data: Trajectories) -> Trajectories:
        """Check that there is a plan, and that the trajectories can happen in the environment.

        Raises:
            ValueError: If an endless future is not discounted, or as `SequentialFamily.arrange` says.
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
            ValueError: If there are not as many features as names.
        """
        with jax.ensure_compile_time_eval():  # the tables do not depend on θ: made once, and not at every step of a fit
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
