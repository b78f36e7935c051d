"""Every environment of the registry obeys the contract, and so do games of one step and without an end."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import pytest

from envs.cmdp import ContextualMDP, TabularMDP, TimeStep
from envs.contexts import Context
from envs.controllable import endless_game, next_tenth
from envs.registry import ENVIRONMENTS, make
from envs.ultimatum import NUM_OFFERS, legal_offers, offered_share
from scai_irl.testing import EnvironmentContract


class TestEveryEnvironment(EnvironmentContract):
    @pytest.fixture(params=list(ENVIRONMENTS))
    def env(self, request: pytest.FixtureRequest) -> ContextualMDP:
        return make(request.param)


class OneStep:
    """A division that nobody answers."""

    num_states, num_actions, num_players, horizon = 2, NUM_OFFERS, 2, 1

    def init(self, key: jax.Array, context: Context) -> jax.Array:
        return jnp.asarray(0, jnp.int32)

    def legal_actions(self, state: jax.Array, context: Context) -> jax.Array:
        return (state == 0) & legal_offers(context.stake)

    def step(self, key: jax.Array, state: jax.Array, action: jax.Array, context: Context) -> TimeStep:
        known = (action >= 0) & (action < NUM_OFFERS)
        legal = known & self.legal_actions(state, context)[action]
        share = offered_share(action, context.stake)
        following = jnp.where(legal, 1, state).astype(jnp.int32)
        return TimeStep(following, jnp.where(legal, jnp.stack([1 - share, share]), 0.0), following == 1)

    def tabular(self, context: Context) -> TabularMDP:
        legal = jnp.stack([self.legal_actions(jnp.asarray(state), context) for state in range(2)])
        share = jnp.where(legal, jax.vmap(offered_share, (0, None))(jnp.arange(NUM_OFFERS), context.stake), 0.0)
        transition = jnp.zeros((2, NUM_OFFERS, 2)).at[:, :, 1].set(legal)
        return TabularMDP(transition, jnp.stack([jnp.where(legal, 1 - share, 0.0), share]), legal, jnp.zeros(2, int))


class Endless:
    """Offers that follow the answers, without an end."""

    num_states, num_actions, num_players, horizon = 9, 2, 1, None

    def init(self, key: jax.Array, context: Context) -> jax.Array:
        return jax.random.randint(key, (), 0, 9)

    def legal_actions(self, state: jax.Array, context: Context) -> jax.Array:
        return jnp.ones(2, bool)

    def step(self, key: jax.Array, state: jax.Array, action: jax.Array, context: Context) -> TimeStep:
        legal = (action >= 0) & (action < 2)
        following = jnp.where(legal, next_tenth(state + 1, action == 1) - 1, state).astype(jnp.int32)
        paid = jnp.where(legal & (action == 1), (state + 1) / 10, 0.0)
        return TimeStep(following, paid[None], jnp.asarray(False))

    def tabular(self, context: Context) -> TabularMDP:
        return endless_game(jnp.asarray(1.0))


class TestOneStep(EnvironmentContract):
    @pytest.fixture
    def env(self) -> ContextualMDP:
        return OneStep()


class TestEndless(EnvironmentContract):
    @pytest.fixture
    def env(self) -> ContextualMDP:
        return Endless()
