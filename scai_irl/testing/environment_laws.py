"""Laws of environments, for games with one step, many steps or no end."""

from __future__ import annotations

import functools
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from envs.cmdp import ContextualMDP, TabularMDP, TimeStep
from envs.contexts import Context, context
from envs.registry import make

CONTEXTS = (
    context(stake=1),
    context(stake=7, currency="apples", proposer="assistant", assistants=1),
    context(stake=100, responder="assistant", manner="rude"),
    context(stake=2500, currency="pints of blood", assistants=9),
)

_SEEDS = 4  # repetitions of a step, so a game with chance moves shows several outcomes
_EPISODES, _STEPS = 256, 40


class EnvironmentContract:
    """Laws of one environment, in several contexts.

    Attributes:
        name: Name in `envs.ENVIRONMENTS`.
    """

    name: ClassVar[str]

    @pytest.fixture
    def env(self) -> ContextualMDP:
        """Make the environment."""
        return make(self.name)

    @pytest.fixture(params=CONTEXTS, ids=[f"stake {c.stake}" for c in CONTEXTS])
    def c(self, request: pytest.FixtureRequest) -> Context:
        """Give each context in turn."""
        chosen: Context = request.param
        return chosen

    def test_it_follows_the_protocol(self, env: ContextualMDP, c: Context) -> None:
        assert isinstance(env, ContextualMDP)
        mdp = mdp_of(env, c)
        states, actions, players = env.num_states, env.num_actions, env.num_players
        assert mdp.transition.shape == (states, actions, states)
        assert mdp.reward.shape == (players, states, actions)
        assert mdp.legal.shape == (states, actions)
        assert mdp.mover.shape == (states,)
        assert ((mdp.mover >= 0) & (mdp.mover < players)).all()
        assert env.horizon is None or env.horizon >= 1

    def test_it_starts_in_a_state_with_a_legal_action(self, env: ContextualMDP, c: Context) -> None:
        first = first_states(env, c)
        assert ((first >= 0) & (first < env.num_states)).all()
        assert mdp_of(env, c).legal[first].any(axis=1).all()

    def test_the_legal_mask_is_the_tables(self, env: ContextualMDP, c: Context) -> None:
        masks = jax.vmap(env.legal_actions, (0, None))(jnp.arange(env.num_states), c)
        np.testing.assert_array_equal(masks, mdp_of(env, c).legal)

    def test_transitions_of_legal_actions_sum_to_one_and_others_to_zero(self, env: ContextualMDP, c: Context) -> None:
        mdp = mdp_of(env, c)
        assert (mdp.transition >= 0).all()
        # 1e-6, because a row is a sum of a few float32 numbers.
        np.testing.assert_allclose(mdp.transition.sum(axis=-1), mdp.legal, atol=1e-6)

    def test_steps_go_where_the_table_says_and_pay_what_it_says(self, env: ContextualMDP, c: Context) -> None:
        mdp = mdp_of(env, c)
        for seed in range(_SEEDS):
            steps = all_steps(env, c, seed=seed)
            s, a = np.nonzero(mdp.legal)
            assert (mdp.transition[s, a, np.asarray(steps.state)[s, a]] > 0).all()
            certain = mdp.transition.max(axis=-1)[s, a] == 1
            paid = np.moveaxis(np.asarray(steps.reward), -1, 0)[:, s, a]
            # 1e-6, because two compiled programs may round the last digits differently.
            np.testing.assert_allclose(paid[:, certain], mdp.reward[:, s, a][:, certain], atol=1e-6)

    def test_an_illegal_action_leaves_the_state_and_pays_nothing(self, env: ContextualMDP, c: Context) -> None:
        beyond = 3  # also actions below and above the range
        steps = all_steps(env, c, first=-beyond, beyond=beyond)
        illegal = ~np.pad(mdp_of(env, c).legal, ((0, 0), (beyond, beyond)))
        stays = np.asarray(steps.state) == np.arange(env.num_states)[:, None]
        assert stays[illegal].all()
        assert (np.asarray(steps.reward)[illegal] == 0).all()

    def test_a_terminal_state_is_absorbing(self, env: ContextualMDP, c: Context) -> None:
        steps = all_steps(env, c)
        terminal = ~mdp_of(env, c).legal.any(axis=1)
        assert terminal.any() or env.horizon is None
        assert (np.asarray(steps.state)[terminal] == np.flatnonzero(terminal)[:, None]).all()
        assert (np.asarray(steps.reward)[terminal] == 0).all()
        assert np.asarray(steps.done)[terminal].all()

    def test_it_is_done_exactly_in_terminal_states(self, env: ContextualMDP, c: Context) -> None:
        steps = all_steps(env, c)
        terminal = ~mdp_of(env, c).legal.any(axis=1)
        np.testing.assert_array_equal(steps.done, terminal[np.asarray(steps.state)])

    def test_the_horizon_is_the_length_of_the_longest_episode(self, env: ContextualMDP, c: Context) -> None:
        assert longest_episode(mdp_of(env, c), first_states(env, c)) == env.horizon

    def test_compiled_batched_and_scanned_play_is_single_play(self, env: ContextualMDP, c: Context) -> None:
        keys = jax.random.split(jax.random.key(1), _EPISODES)
        batch = episodes(env, c, keys)
        with jax.disable_jit():
            alone = random_episode(env, c, keys[0])
        np.testing.assert_array_equal(batch.state[0], alone.state)
        # Compiled and uncompiled division may differ in the last digit of a float32.
        np.testing.assert_allclose(batch.reward[0], alone.reward, atol=1e-7)

    def test_random_play_is_over_by_the_horizon(self, env: ContextualMDP, c: Context) -> None:
        done = np.asarray(episodes(env, c, jax.random.split(jax.random.key(1), _EPISODES)).done)
        assert done[:, -1].all() or env.horizon is None or env.horizon > _STEPS

    def test_a_batch_of_contexts_is_each_context_alone(self, env: ContextualMDP, c: Context) -> None:
        others = [context(stake=stake) for stake in (3, 40, 1000)]
        batch = jax.tree.map(lambda *leaves: jnp.stack(leaves), c, *others)
        tables = jax.vmap(env.tabular)(batch)
        for number, single in enumerate((c, *others)):
            for together, alone in zip(tables, env.tabular(single), strict=True):
                np.testing.assert_array_equal(together[number], alone)


def all_steps(env: ContextualMDP, c: Context, first: int = 0, beyond: int = 0, seed: int = 0) -> TimeStep:
    """Step from every state with every action in first..num_actions + beyond − 1; axes (state, action)."""
    states, actions = jnp.arange(env.num_states), jnp.arange(first, env.num_actions + beyond)
    return TimeStep(*_steps(env, jax.random.key(seed), states, actions, c))


@functools.partial(jax.jit, static_argnums=0)
def _steps(env: ContextualMDP, key: jax.Array, states: jax.Array, actions: jax.Array, c: Context) -> TimeStep:
    return TimeStep(
        *jax.vmap(jax.vmap(env.step, (None, None, 0, None)), (None, 0, None, None))(key, states, actions, c)
    )


def mdp_of(env: ContextualMDP, c: Context) -> TabularMDP:
    """Write the context's MDP as numpy arrays."""
    return TabularMDP(*jax.tree.map(np.asarray, _tabular(env, c)))


@functools.partial(jax.jit, static_argnums=0)
def _tabular(env: ContextualMDP, c: Context) -> TabularMDP:
    return env.tabular(c)


def first_states(env: ContextualMDP, c: Context) -> np.ndarray:
    """Draw sixteen first states."""
    return np.asarray(jax.vmap(env.init, (0, None))(jax.random.split(jax.random.key(0), 16), c))


def longest_episode(mdp: TabularMDP, first: np.ndarray) -> int | None:
    """Number of actions of the longest episode from some first states; None if an episode may never end."""
    follows: np.ndarray = np.any(np.asarray(mdp.transition) > 0, axis=1, keepdims=False)
    playing: np.ndarray = np.any(np.asarray(mdp.legal), axis=1, keepdims=False)
    reached: np.ndarray = np.isin(np.arange(playing.size), first) & playing
    actions = 0
    while reached.any():
        if actions == playing.size:  # a path of this length visits a state twice
            return None
        reached = np.logical_and(follows[reached].any(axis=0), playing)
        actions += 1
    return actions


def random_episode(env: ContextualMDP, c: Context, key: jax.Array) -> TimeStep:
    """Play uniformly drawn legal actions up to the horizon, at most 40, in one scan."""

    def play(state: jax.Array, key: jax.Array) -> tuple[jax.Array, TimeStep]:
        key_choice, key_step = jax.random.split(key)
        legal = env.legal_actions(state, c)
        action = jax.random.categorical(key_choice, jnp.where(legal | ~legal.any(), 0.0, -jnp.inf))
        step = env.step(key_step, state, action, c)
        return step.state, step

    key_init, key_play = jax.random.split(key)
    steps = min(env.horizon or _STEPS, _STEPS)
    _, played = jax.lax.scan(play, env.init(key_init, c), jax.random.split(key_play, steps))
    return played


episodes = jax.jit(jax.vmap(random_episode, (None, None, 0)), static_argnums=0)
