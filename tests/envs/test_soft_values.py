"""Stationary plans compared with recursion, linear algebra and value iteration in plain numpy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from envs.cmdp import TabularMDP
from envs.controllable import endless_game
from envs.planning import soft_choice
from envs.soft_values import StationaryPlan, look_ahead, soft_value_iteration
from tests.envs.test_planning import chance_game, recursion

DEPTH = 3


def numbers(rationality: float, lapse: float, discount: float) -> tuple[jax.Array, jax.Array, jax.Array]:
    return jnp.asarray(rationality), jnp.asarray(lapse), jnp.asarray(discount)


def value_iteration(
    mdp: TabularMDP, rationality: float, lapse: float, discount: float, sweeps: int
) -> tuple[np.ndarray, np.ndarray]:
    """Policy and values in double precision, one state and action after the other."""
    transition, reward, legal, mover = (np.asarray(leaf, float if leaf.dtype != bool else bool) for leaf in mdp)
    players, states, actions = reward.shape
    values, policy = np.zeros((players, states)), np.zeros((states, actions))
    for _ in range(sweeps):
        following, values = values, np.zeros((players, states))
        for s in range(states):
            allowed = np.flatnonzero(legal[s])
            if len(allowed) == 0:
                continue
            q = reward[:, s, allowed] + discount * following @ transition[s, allowed].T
            own = rationality * q[int(mover[s])]
            weight = np.exp(own - own.max())
            policy[s, allowed] = (1 - lapse) * weight / weight.sum() + lapse / len(allowed)
            values[:, s] = q @ policy[s, allowed]
    return policy, values


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("discount", [1.0, 0.8, 0.0])
def test_each_depth_is_an_expectimax_of_that_many_decisions_more(seed: int, discount: float) -> None:
    mdp = chance_game(seed)
    plan = look_ahead(mdp, *numbers(3.0, 0.1, discount), depth=DEPTH)
    for depth in range(DEPTH + 1 if seed == 0 else DEPTH):
        for state in range(mdp.legal.shape[0]):
            values, chances = recursion(mdp, state, depth + 1, 3.0, 0.1, discount)
            policy = [chances.get(action, 0.0) for action in range(mdp.legal.shape[1])]
            # 1e-5: values of size 5 summed in float32 over a few steps, then multiplied by λ = 3.
            np.testing.assert_allclose(jnp.exp(plan.log_policy[depth, state]), policy, atol=1e-5)
            np.testing.assert_allclose(plan.values[depth, :, state], values, atol=1e-5)


def test_depth_0_is_the_choice_of_the_reward_at_hand() -> None:
    mdp = endless_game(jnp.asarray(1.0))
    myopic = look_ahead(mdp, *numbers(10.0, 0.1, 0.9), depth=2).log_policy[0]
    np.testing.assert_allclose(myopic, soft_choice(mdp.reward[0], mdp.legal, *numbers(10.0, 0.1, 0.9)[:2]), atol=1e-6)


@pytest.mark.parametrize("discount", [0.5, 0.9])
def test_a_responder_without_control_is_myopic_at_every_depth(discount: float) -> None:
    mdp = endless_game(jnp.asarray(0.0))
    ahead = look_ahead(mdp, *numbers(10.0, 0.0, discount), depth=5).log_policy
    endless = soft_value_iteration(mdp, *numbers(10.0, 0.0, discount)).log_policy
    # 1e-4: λ times values of up to 9 in float32.
    np.testing.assert_allclose(ahead, jnp.broadcast_to(ahead[0], ahead.shape), atol=1e-4)
    np.testing.assert_allclose(endless, ahead[0], atol=1e-4)


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("discount", [0.5, 0.9])
def test_soft_value_iteration_is_plain_value_iteration(seed: int, discount: float) -> None:
    mdp = chance_game(seed)
    plan = soft_value_iteration(mdp, *numbers(3.0, 0.1, discount), sweeps=200)
    policy, values = value_iteration(mdp, 3.0, 0.1, discount, sweeps=400)  # twice as many: it has converged
    # 1e-4: values of up to 10 in float32, multiplied by λ = 3.
    np.testing.assert_allclose(plan.values, values, atol=1e-4)
    np.testing.assert_allclose(np.exp(plan.log_policy), policy, atol=1e-4)


@pytest.mark.parametrize("control", [0.5, 1.0])
@pytest.mark.parametrize(("rationality", "discount"), [(5.0, 0.8), (30.0, 0.8), (30.0, 0.3)])
def test_values_solve_the_linear_equations_of_their_own_policy(
    control: float, rationality: float, discount: float
) -> None:
    mdp = endless_game(jnp.asarray(control))
    plan = soft_value_iteration(mdp, *numbers(rationality, 0.05, discount), sweeps=150)
    policy = np.exp(np.asarray(plan.log_policy, float))
    moves = np.einsum("sa,san->sn", policy, np.asarray(mdp.transition, float))
    paid = np.einsum("sa,sa->s", policy, np.asarray(mdp.reward[0], float))
    solved = np.linalg.solve(np.eye(9) - discount * moves, paid)
    np.testing.assert_allclose(plan.values[0], solved, atol=1e-5)  # float32, values of up to 4


def test_looking_far_ahead_is_soft_value_iteration() -> None:
    mdp, discount = chance_game(4), 0.7
    endless = soft_value_iteration(mdp, *numbers(3.0, 0.1, discount), sweeps=200)
    ahead = look_ahead(mdp, *numbers(3.0, 0.1, discount), depth=60)
    error = np.abs(np.asarray(ahead.values - endless.values)).max(axis=(1, 2))
    assert error[60] < 1e-5  # 0.7^61 of the values, and float32
    assert error[0] > error[5] > error[20]


def test_gradients_are_differences_of_plain_value_iteration() -> None:
    mdp, at, step = chance_game(5), np.array([3.0, 0.1, 0.8]), 1e-6

    def first_log_policy(theta: jax.Array) -> jax.Array:
        log_policy: jax.Array = soft_value_iteration(mdp, theta[0], theta[1], theta[2]).log_policy[0, 0]
        return log_policy

    gradient = jax.grad(first_log_policy)(jnp.asarray(at, jnp.float32))

    def plain(theta: np.ndarray) -> float:
        return float(np.log(value_iteration(mdp, theta[0], theta[1], theta[2], sweeps=150)[0][0, 0]))

    expected = [(plain(at + d) - plain(at - d)) / (2 * step) for d in step * np.eye(3)]
    np.testing.assert_allclose(gradient, expected, rtol=1e-3, atol=1e-3)  # float32 through a hundred sweeps


def test_plans_can_be_mapped_over_the_numbers() -> None:
    mdp, discounts = endless_game(jnp.asarray(1.0)), (0.2, 0.7)

    def plan(discount: jax.Array) -> StationaryPlan:
        return soft_value_iteration(mdp, jnp.asarray(20.0), jnp.asarray(0.0), discount)

    together = jax.jit(jax.vmap(plan))(jnp.asarray(discounts))
    for place, discount in enumerate(discounts):
        np.testing.assert_allclose(together.log_policy[place], plan(jnp.asarray(discount)).log_policy, atol=1e-5)
