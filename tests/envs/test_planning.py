"""Soft backward induction compared with plain recursion, dense enumeration and known limits."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from envs.cmdp import TabularMDP
from envs.contexts import Context, context
from envs.planning import Plan, soft_backward_induction, with_utility
from envs.soft_policy import PolicyTable, policy_table
from envs.ultimatum import ACCEPT, REJECT, START, UltimatumGame
from envs.utilities import get_utility
from tests.envs.reference import PARAMETERS, PUBLISHED, ScalarUtility, choose

SETTINGS = [(name, theta) for name, points in PARAMETERS.items() for theta in points[:2]]
GAME = UltimatumGame()
STEP, LEGAL = jax.jit(GAME.step), jax.jit(GAME.legal_actions)
by_setting = pytest.mark.parametrize(("name", "theta"), SETTINGS, ids=[f"{n}{list(t)}" for n, t in SETTINGS])


def plan_of(name: str, theta: tuple[float, ...], stake: int, rationality: float, lapse: float) -> Plan:
    numbers = jnp.asarray(rationality), jnp.asarray(lapse)
    return Plan(*_plan_of(name, jnp.asarray(theta, jnp.float32), context(stake), *numbers))


@functools.partial(jax.jit, static_argnames="name")
def _plan_of(name: str, theta: jax.Array, c: Context, rationality: jax.Array, lapse: jax.Array) -> Plan:
    mdp = with_utility(GAME.tabular(c), get_utility(name).function, theta)
    return soft_backward_induction(mdp, GAME.horizon, rationality, lapse)


def table_of(name: str, theta: tuple[float, ...], stake: int, rationality: float, lapse: float) -> list[np.ndarray]:
    """Probabilities of offers, of accepting and of rejecting, as the closed form gives them."""
    table = _table_of(
        name, jnp.asarray(theta, jnp.float32), jnp.asarray(stake), jnp.asarray(rationality), jnp.asarray(lapse)
    )
    return [np.asarray(jnp.exp(leaf)) for leaf in table]


@functools.partial(jax.jit, static_argnames="name")
def _table_of(name: str, theta: jax.Array, stake: jax.Array, rationality: jax.Array, lapse: jax.Array) -> PolicyTable:
    return policy_table(get_utility(name).function, theta, rationality, lapse, stake)


@pytest.mark.parametrize("stake", [7, 20])
def test_the_closed_form_plans_with_a_responder_of_another_utility(stake: int) -> None:
    described, theta = get_utility("reciprocity"), jnp.asarray([0.3, 0.5, 0.4, -0.9])
    numbers = jnp.asarray(15.0), jnp.asarray(0.1)
    mdp = with_utility(GAME.tabular(context(stake)), described.function, theta, described.responding)
    plan = soft_backward_induction(mdp, GAME.horizon, *numbers)
    table = policy_table(described.function, theta, *numbers, jnp.asarray(stake), described.responding)
    one_utility = policy_table(described.function, theta, *numbers, jnp.asarray(stake))
    np.testing.assert_allclose(jnp.exp(plan.log_policy[0, 0]), jnp.exp(table.offer), atol=1e-6)
    offers = np.arange(stake + 1)
    np.testing.assert_allclose(plan.log_policy[1, 1 + offers, 1], table.accept[offers], atol=1e-5)
    assert np.abs(np.exp(table.accept) - np.exp(one_utility.accept)).max() > 0.1


@functools.cache
def moves_from(stake: int, state: int) -> list[tuple[int, float, float]]:
    """Next state and both players' payoffs after each legal action, from the game's `step` itself."""
    c, key, at = context(stake), jax.random.key(0), jnp.asarray(state)
    steps = [STEP(key, at, jnp.asarray(action), c) for action in np.flatnonzero(LEGAL(at, c))]
    return [(int(step.state), float(step.reward[0]), float(step.reward[1])) for step in steps]


def expectimax(
    stake: int,
    state: int,
    utility: ScalarUtility,
    theta: tuple[float, ...],
    rationality: float,
    lapse: float,
) -> tuple[tuple[float, float], list[float]]:
    """Values for both players and the mover's choice probabilities, by recursion through the game's `step` itself."""
    moves = moves_from(stake, state)
    if not moves:
        return (0.0, 0.0), []
    mover = 0 if state == START else 1
    outcomes = []
    for following, first, second in moves:
        later, _ = expectimax(stake, following, utility, theta, rationality, lapse)
        outcomes.append((utility(theta, first, second) + later[0], utility(theta, second, first) + later[1]))
    chances = choose([outcome[mover] for outcome in outcomes], rationality, lapse)
    values = [sum(p * outcome[player] for p, outcome in zip(chances, outcomes, strict=True)) for player in (0, 1)]
    return (values[0], values[1]), chances


@by_setting
@pytest.mark.parametrize("stake", [1, 2, 5])
def test_it_is_a_plain_expectimax_through_the_games_steps(name: str, theta: tuple[float, ...], stake: int) -> None:
    rationality, lapse = 20.0, 0.05
    plan = plan_of(name, theta, stake, rationality, lapse)
    values, offers = expectimax(stake, START, PUBLISHED[name], theta, rationality, lapse)
    # 1e-5: λ = 20 times utilities of at most 4, in float32.
    np.testing.assert_allclose(jnp.exp(plan.log_policy[0, START, : stake + 1]), offers, atol=1e-5)
    np.testing.assert_allclose(plan.values[0, :, START], values, atol=1e-5)
    for offer in range(stake + 1):
        _, answers = expectimax(stake, 1 + offer, PUBLISHED[name], theta, rationality, lapse)
        np.testing.assert_allclose(jnp.exp(plan.log_policy[1, 1 + offer, [REJECT, ACCEPT]]), answers, atol=1e-5)


@by_setting
@pytest.mark.parametrize("stake", [1, 2, 3, 10, 97, 100, 101, 250, 5000])
def test_the_closed_form_of_the_game_is_the_plan(name: str, theta: tuple[float, ...], stake: int) -> None:
    plan = plan_of(name, theta, stake, 200.0, 0.02)
    offer, accept, reject = table_of(name, theta, stake, 200.0, 0.02)
    on_table = slice(1, 1 + min(stake, 100) + 1)
    legal = slice(0, min(stake, 100) + 1)
    # 2e-5: scores reach λ U = 800, where float32's spacing is 6e-5. Both sides round alike, up to the order of sums.
    np.testing.assert_allclose(offer, jnp.exp(plan.log_policy[0, START]), atol=2e-5)
    np.testing.assert_allclose(accept[legal], jnp.exp(plan.log_policy[1, on_table, ACCEPT]), atol=2e-5)
    np.testing.assert_allclose(reject[legal], jnp.exp(plan.log_policy[1, on_table, REJECT]), atol=2e-5)


@pytest.mark.parametrize(("name", "theta"), [("selfish", ()), ("fair", ()), ("fehr_schmidt", (0.9, 0.4))])
@pytest.mark.parametrize("lapse", [0.0, 0.1])
def test_a_hundred_point_softmax_game_is_its_dense_enumeration(
    name: str, theta: tuple[float, ...], lapse: float
) -> None:
    """Shares k/100, k = 0..100, λ = 50: enumerated in float64, apart from the library."""
    rationality, utility = 50.0, PUBLISHED[name]
    shares = np.arange(101, dtype=np.float64) / 100
    responder = np.array([utility(theta, x, 1 - x) for x in shares])
    accept = (1 - lapse) * np.exp(rationality * responder) / (np.exp(rationality * responder) + 1) + lapse / 2
    proposer = accept * np.array([utility(theta, 1 - x, x) for x in shares])
    weight = np.exp(rationality * proposer)
    offer = (1 - lapse) * weight / weight.sum() + lapse / 101
    own_offer, own_accept, own_reject = table_of(name, theta, 100, rationality, lapse)
    assert np.abs(own_offer - offer).max() < 1e-5
    assert np.abs(own_accept - accept).max() < 1e-5
    assert np.abs(own_reject - (1 - accept)).max() < 1e-5


def chance_game(seed: int, states: int = 6, actions: int = 4) -> TabularMDP:
    """A made-up two-player game with chance moves, illegal actions, and a last state without actions."""
    rng = np.random.default_rng(seed)
    legal = rng.uniform(size=(states, actions)) < 0.7
    legal[:, 0] = True
    legal[-1] = False
    transition = rng.dirichlet(np.full(states, 0.5), size=(states, actions)) * legal[..., None]
    reward = rng.normal(size=(2, states, actions)) * legal
    mover = rng.integers(0, 2, size=states)
    return TabularMDP(*(jnp.asarray(leaf) for leaf in (transition, reward, legal, mover)))


def recursion(
    mdp: TabularMDP, state: int, steps: int, rationality: float, lapse: float, discount: float
) -> tuple[list[float], dict[int, float]]:
    """Values and choice probabilities with `steps` left, one path at a time in plain floats."""
    transition, reward, legal, mover = (np.asarray(leaf).tolist() for leaf in mdp)
    actions = [a for a, allowed in enumerate(legal[state]) if allowed]
    if steps == 0 or not actions:
        return [0.0, 0.0], {}
    later = [recursion(mdp, s, steps - 1, rationality, lapse, discount)[0] for s in range(len(legal))]
    q = [
        [
            reward[i][state][a] + discount * sum(p * later[s][i] for s, p in enumerate(transition[state][a]))
            for a in actions
        ]
        for i in (0, 1)
    ]
    chances = choose(q[mover[state]], rationality, lapse)
    return [sum(p * v for p, v in zip(chances, q[i], strict=True)) for i in (0, 1)], dict(
        zip(actions, chances, strict=True)
    )


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("discount", [1.0, 0.8, 0.0])
def test_chance_moves_and_discounting_agree_with_plain_recursion(seed: int, discount: float) -> None:
    mdp, horizon, rationality, lapse = chance_game(seed), 3, 3.0, 0.1
    plan = soft_backward_induction(mdp, horizon, jnp.asarray(rationality), jnp.asarray(lapse), discount)
    states, actions = mdp.legal.shape
    for time in range(horizon):
        for state in range(states):
            values, chances = recursion(mdp, state, horizon - time, rationality, lapse, discount)
            policy = [chances.get(action, 0.0) for action in range(actions)]
            # 1e-5: values of size 5 summed in float32 over three steps, then multiplied by λ = 3.
            np.testing.assert_allclose(jnp.exp(plan.log_policy[time, state]), policy, atol=1e-5)
            np.testing.assert_allclose(plan.values[time, :, state], values, atol=1e-5)


def test_great_rationality_takes_the_best_action() -> None:
    mdp = chance_game(seed=3)
    plan = soft_backward_induction(mdp, 3, jnp.asarray(1e5), jnp.asarray(0.0))
    of_mover = jnp.take_along_axis(plan.action_values, mdp.mover[None, None, :, None], axis=1)[:, 0]
    best = jnp.argmax(jnp.where(mdp.legal, of_mover, -jnp.inf), axis=-1)
    live = np.asarray(mdp.legal.any(axis=1))
    chosen = jnp.take_along_axis(jnp.exp(plan.log_policy), best[..., None], axis=-1)[..., 0]
    # Values of random games differ by far more than 1e-4, so the second best has weight below exp(−10).
    assert (np.asarray(chosen)[:, live] > 1 - 1e-4).all()


@pytest.mark.parametrize(("name", "best"), [("selfish", 1), ("altruistic", 9), ("fair", 5)])
def test_great_rationality_gives_each_norm_its_offer(name: str, best: int) -> None:
    offer, _, _ = table_of(name, (), 10, 1e4, 0.0)
    assert offer[best] > 1 - 1e-6


def test_a_lapse_of_one_is_a_uniform_choice() -> None:
    offer, accept, reject = table_of("fair", (), 24, 200.0, 1.0)
    np.testing.assert_allclose(offer[:25], 1 / 25, rtol=1e-6)  # a float32 logarithm and back
    np.testing.assert_allclose(accept, 0.5, rtol=1e-6)
    np.testing.assert_allclose(reject, 0.5, rtol=1e-6)


def test_no_rationality_is_a_uniform_choice() -> None:
    offer, accept, _ = table_of("altruistic", (), 24, 0.0, 0.0)
    np.testing.assert_allclose(offer[:25], 1 / 25, rtol=1e-6)
    np.testing.assert_allclose(accept, 0.5, rtol=1e-6)


@by_setting
def test_choices_are_distributions_over_legal_actions(name: str, theta: tuple[float, ...]) -> None:
    for stake in (1, 13, 100, 1000):
        offer, accept, reject = table_of(name, theta, stake, 200.0, 0.0)
        assert (offer[stake + 1 :] == 0).all()
        np.testing.assert_allclose(offer.sum(), 1, atol=1e-5)  # 101 float32 terms
        np.testing.assert_allclose(accept + reject, 1, atol=1e-6)


@pytest.mark.parametrize(("envy", "best"), [(0.0, 1), (1.0, 7), (4.0, 9)])
def test_the_proposer_foresees_the_responders_refusal(envy: float, best: int) -> None:
    """Selfish proposers, envious responders: offers are accepted above α/(1 + 2α) of the 20 units."""
    offer, _, _ = table_of("fehr_schmidt", (envy, 0.0), 20, 500.0, 0.0)
    assert offer.argmax() == best
