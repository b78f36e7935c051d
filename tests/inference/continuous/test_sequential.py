"""Families over trajectories compared with plain numpy and with each other, and recovery of their parameters."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array, Float, Key

from envs.cmdp import TabularMDP, TimeStep
from envs.contexts import Context, context
from envs.soft_policy import policy_table
from envs.ultimatum import UltimatumGame
from envs.utilities import fehr_schmidt
from inference.continuous.controllable_responders import ControllableFamily, Discounting, PlanningAhead, episodes
from inference.continuous.family import HypothesisFamily
from inference.continuous.parameters import Parameter
from inference.continuous.sequential import RewardFamily, SequentialFamily
from inference.continuous.trajectories import Trajectories, trajectories
from inference.infer import infer
from inference.samplers.grid import Grid
from inference.samplers.nuts import Nuts
from inference.samplers.posterior import SampledPosterior
from tests.envs.reference import choose, false_alarm_bound

KEY = jax.random.key(0)
FEW = Grid(points=15)


@dataclasses.dataclass(frozen=True)
class Walk:
    """A made-up world with chance moves, illegal actions and an end: five places in a row; the last is the end."""

    num_states: int = 5
    num_actions: int = 3
    num_players: int = 1
    horizon: int = 1_000_000  # the walk may go on for very long

    def init(self, key: Key[Array, ""], context: Context) -> Array:
        return jnp.asarray(0, jnp.int32)

    def legal_actions(self, state: Array, context: Context) -> Array:
        """Stay, go back, go on; nobody goes back from place 0."""
        actions = jnp.arange(3)
        return (state < 4) & ((state > 0) | (actions != 1))

    def step(self, key: Key[Array, ""], state: Array, action: Array, context: Context) -> TimeStep:
        mdp = self.tabular(context)
        legal = mdp.legal[state, action]
        sampled = jax.random.categorical(key, jnp.log(mdp.transition[state, action]))
        following = jnp.where(legal, sampled, state).astype(jnp.int32)
        return TimeStep(following, jnp.where(legal, mdp.reward[:, state, action], 0.0), following == 4)

    def tabular(self, context: Context) -> TabularMDP:
        """A move succeeds with chance 0.8, and the walker stays otherwise."""
        states, actions = jnp.arange(5), jnp.arange(3)
        legal = jax.vmap(lambda s: self.legal_actions(s, context))(states)
        aim = jnp.clip(states[:, None] + jnp.asarray([0, -1, 1])[actions], 0, 4)
        transition = 0.8 * jax.nn.one_hot(aim, 5) + 0.2 * jnp.eye(5)[:, None, :]
        return TabularMDP(transition * legal[..., None], jnp.zeros((1, 5, 3)), legal, jnp.zeros(5, jnp.int32))


def effort_and_place(mdp: TabularMDP) -> Float[Array, "feature player state action"]:
    """Features of `Walk`: whether the walker moves, and whether it is in place 2."""
    moving = jnp.broadcast_to(jnp.arange(3) != 0, (5, 3))
    there = jnp.broadcast_to(jnp.arange(5)[:, None] == 2, (5, 3))
    return 1.0 * jnp.stack([moving, there])[:, None] * mdp.legal


def inequity(mdp: TabularMDP) -> Float[Array, "feature player state action"]:
    """Features of the ultimatum game whose weights are (1, −α, −β) in Fehr & Schmidt's utility."""
    own, other = mdp.reward, mdp.reward[::-1]
    return jnp.stack([own, jnp.maximum(other - own, 0), jnp.maximum(own - other, 0)])


WALK = RewardFamily(
    environment=Walk(),
    features=effort_and_place,
    feature_names=("effort", "place"),
    horizon=None,
    fixed=(("rationality", 1.0), ("lapse", 0.05), ("discount", 0.8)),
)


def draw(
    family: HypothesisFamily, key: Key[Array, ""], data: Trajectories
) -> tuple[dict[str, np.ndarray], Trajectories]:
    """Parameters from the prior, and trajectories that follow from them, for each run."""
    key_u, key_mode, key_play = jax.random.split(key, 3)
    u = jax.random.normal(key_u, (data.runs, family.dimension))
    mode = jax.random.randint(key_mode, (data.runs,), 0, len(family.mode_labels))
    theta = jax.vmap(family.theta)(u, mode)
    seen = jax.tree.map(jnp.asarray, data)
    simulated = jax.jit(jax.vmap(family.simulate))(jax.random.split(key_play, data.runs), theta, seen)
    return {n: np.asarray(v) for n, v in theta.items()}, Trajectories(*(np.asarray(leaf) for leaf in simulated))


def theta_of(family: SequentialFamily, mode: int = 0, /, **values: float) -> dict[str, Array]:
    known = {name: jnp.asarray(value) for name, value in (dict(family.fixed) | values).items()}
    return known | ({} if family.mode_name is None else {family.mode_name: jnp.asarray(mode)})


def run_of(data: Trajectories, run: int) -> Trajectories:
    return Trajectories(*(jnp.asarray(leaf[run]) for leaf in data))


def plain_chance_to_accept(
    alpha: float,
    rationality: float,
    discount: float,
    steps: int,
    norm: float = 0.5,
    control: float = 1.0,
    lapse: float = 0.0,
) -> list[float]:
    """Probability to accept offers 1..9 when planning `steps` decisions ahead, in plain floats."""
    value, chances = [0.0] * 9, [0.0] * 9
    for _ in range(steps):
        following, value = value, []
        for tenth in range(1, 10):
            here = following[tenth - 1]
            down, up = following[max(tenth - 1, 1) - 1], following[min(tenth + 1, 9) - 1]
            share = tenth / 10
            q = [
                discount * (control * up + (1 - control) * here),
                share - alpha * max(norm - share, 0) + discount * (control * down + (1 - control) * here),
            ]
            chance = choose(q, rationality, lapse)
            chances[tenth - 1] = chance[1]
            value.append(chance[0] * q[0] + chance[1] * q[1])
    return chances


@pytest.mark.parametrize("alpha", [0.0, 1.5])
@pytest.mark.parametrize(("control", "lapse"), [(1.0, 0.0), (0.4, 0.1)])
def test_policies_are_those_of_a_plain_recursion(alpha: float, control: float, lapse: float) -> None:
    numbers = {"alpha": alpha, "rationality": 15.0, "discount": 0.85, "norm": 0.4, "control": control, "lapse": lapse}
    for depth in range(6):
        family = PlanningAhead()
        accept = jnp.exp(family.log_policy(theta_of(family, depth, **numbers))[0, :, 1])
        # 1e-4: λ times values of up to 4 in float32.
        np.testing.assert_allclose(accept, plain_chance_to_accept(steps=depth + 1, **numbers), atol=1e-4)
    endless = Discounting()
    accept = jnp.exp(endless.log_policy(theta_of(endless, **numbers))[0, :, 1])
    np.testing.assert_allclose(accept, plain_chance_to_accept(steps=endless.sweeps, **numbers), atol=1e-4)


@pytest.mark.parametrize("family", [Discounting(rounds=8), PlanningAhead(rounds=8)])
def test_a_likelihood_is_the_plain_sum_over_decisions_seen(family: ControllableFamily) -> None:
    values = {"alpha": 1.0, "rationality": 12.0, "discount": 0.7}
    _, data = draw(family, KEY, episodes((2, 5), 8, 2))
    data = data._replace(seen=np.arange(16) % 3 != 1 + 0 * data.state)
    own, theta = run_of(data, 1), theta_of(family, 3, **values)
    steps = family.sweeps if isinstance(family, Discounting) else 4
    accept = plain_chance_to_accept(steps=steps, **values)
    expected = [
        np.log(accept[s % 9] if a else 1 - accept[s % 9]) if seen else 0.0
        for s, a, seen in zip(data.state[1], data.action[1], data.seen[1], strict=True)
    ]
    np.testing.assert_allclose(
        family.pointwise(theta, own), expected, atol=1e-3
    )  # logarithms of float32 values times λ
    np.testing.assert_allclose(family.log_likelihood(theta, family.summarise(own)), sum(expected), rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(family.predict(theta, own), [accept[s % 9] for s in data.state[1]], atol=1e-4)


def test_a_responder_without_control_says_nothing_of_depth_or_discount() -> None:
    family, values = PlanningAhead(), {"alpha": 1.0, "rationality": 10.0, "control": 0.0}
    policies = [family.log_policy(theta_of(family, d, discount=g, **values)) for d in range(6) for g in (0.3, 0.9)]
    for policy in policies:
        np.testing.assert_allclose(policy, policies[0], atol=1e-4)


def test_rewards_of_the_ultimatum_game_are_fehr_and_schmidts() -> None:
    """A linear utility in the general family is the closed form that one-shot families have."""
    family = RewardFamily(
        environment=UltimatumGame(), features=inequity, feature_names=("own", "envy", "guilt"), horizon=2
    )
    stake, alpha, beta, rationality, lapse = 10, 0.9, 0.4, 30.0, 0.05
    theta = theta_of(family, own=1.0, envy=-alpha, guilt=-beta, rationality=rationality, lapse=lapse)
    table = policy_table(
        fehr_schmidt, jnp.asarray([alpha, beta]), jnp.asarray(rationality), jnp.asarray(lapse), jnp.asarray(stake)
    )
    offers = np.arange(stake + 1)
    first = np.tile([True, False], len(offers))
    data = trajectories(
        np.stack([0 * offers, 1 + offers], axis=1).reshape(-1),
        np.stack([offers, 1 + 0 * offers], axis=1).reshape(-1),
        True,
        first,
    )
    log_probs = np.asarray(family.pointwise(theta, run_of(family.arrange(data), 0))).reshape(-1, 2)
    # 1e-4: λ times utilities in float32.
    np.testing.assert_allclose(log_probs[:, 0], table.offer[: stake + 1], atol=1e-4)
    np.testing.assert_allclose(log_probs[:, 1], table.accept[: stake + 1], atol=1e-4)
    by_name = dataclasses.replace(family, environment="ultimatum")
    again = by_name.pointwise(theta, run_of(by_name.arrange(data), 0))
    np.testing.assert_array_equal(np.asarray(again).reshape(-1, 2), log_probs)


def plain_walk_policy(effort: float, place: float, discount: float, lapse: float, steps: int) -> np.ndarray:
    mdp = jax.tree.map(np.asarray, Walk().tabular(context(10)))
    value, policy = np.zeros(5), np.zeros((5, 3))
    for _ in range(steps):
        following, value = value, np.zeros(5)
        for s in range(4):
            legal = [a for a in range(3) if mdp.legal[s, a]]
            q = [effort * (a != 0) + place * (s == 2) + discount * mdp.transition[s, a] @ following for a in legal]
            policy[s, legal] = choose(q, 1.0, lapse)
            value[s] = policy[s, legal] @ q
    return policy


@pytest.mark.parametrize("horizon", [None, 4])
def test_rewards_of_a_world_with_chance_moves_are_planned_for(horizon: int | None) -> None:
    family = dataclasses.replace(WALK, horizon=horizon)
    policy = np.exp(family.log_policy(theta_of(family, effort=-0.5, place=2.0)))
    assert policy.shape[0] == (horizon or 1)
    for stage in range(policy.shape[0]):
        steps = 200 if horizon is None else horizon - stage
        np.testing.assert_allclose(policy[stage], plain_walk_policy(-0.5, 2.0, 0.8, 0.05, steps), atol=1e-5)


def test_simulated_actions_and_moves_have_the_policys_and_the_worlds_frequencies() -> None:
    theta, runs, time = theta_of(WALK, effort=-0.5, place=2.0), 4_000, 12
    blank = trajectories(np.zeros((1, time), int), 0)
    keys = jax.random.split(KEY, runs)
    played = jax.jit(jax.vmap(lambda key: WALK.simulate(key, theta, run_of(blank, 0))))(keys)
    state, action, seen = (np.asarray(leaf) for leaf in played[:3])
    assert not seen[state == 4].any()  # nobody acts once the walk is over
    assert seen[state < 4].all()
    policy, mdp = np.exp(np.asarray(WALK.log_policy(theta)[0])), jax.tree.map(np.asarray, Walk().tabular(context(10)))
    chosen = np.zeros((4, 3))
    np.add.at(chosen, (state[seen], action[seen]), 1)
    visits = chosen.sum(axis=1, keepdims=True)
    # Visits are random, but each is followed by an independent choice, so the bound for fixed counts holds nearly.
    assert (np.abs(chosen - visits * policy[:4]) <= false_alarm_bound(policy[:4], int(visits.max()), 12)).all()
    moved = np.zeros((5, 3, 5))
    before = seen[:, :-1]
    np.add.at(moved, (state[:, :-1][before], action[:, :-1][before], state[:, 1:][before]), 1)
    expected = moved.sum(axis=-1, keepdims=True) * mdp.transition
    assert (np.abs(moved - expected) <= false_alarm_bound(mdp.transition, int(moved.sum(axis=-1).max()), 75)).all()


def test_simulated_states_follow_from_simulated_answers_and_unseen_ones_stay() -> None:
    family = Discounting(rounds=10)
    blank = episodes((1, 5, 9), 10, 3)
    blank.seen[:, 4] = False
    _, data = draw(family, KEY, blank)
    family.arrange(data)  # refuses what cannot follow
    np.testing.assert_array_equal(data.action[:, 4], 1)
    np.testing.assert_array_equal(data.state[data.first], blank.state[blank.first])
    np.testing.assert_array_equal(data.seen, blank.seen)
    np.testing.assert_array_equal(data.state // 9, np.tile(np.arange(10), 3)[None].repeat(3, 0))


FAMILIES: list[SequentialFamily] = [Discounting(), PlanningAhead(), PlanningAhead().unfix("discount", "lapse"), WALK]


@pytest.mark.parametrize("family", FAMILIES, ids=["discounting", "depth", "depth and discount", "walk"])
def test_likelihoods_and_their_gradients_are_finite_far_out(family: SequentialFamily) -> None:
    blank = trajectories(np.zeros((1, 20), int), 0) if family is WALK else episodes((5,), 20, 1)
    _, data = draw(family, KEY, blank)
    summary = family.summarise(run_of(data, 0))

    def log_likelihood(u: Array) -> Array:
        return family.log_likelihood(family.theta(u, len(family.mode_labels) - 1), summary)

    both = jax.jit(jax.value_and_grad(log_likelihood))
    for coordinate in (-3.0, 0.0, 3.0):
        value, gradient = both(jnp.full(family.dimension, coordinate))
        assert np.isfinite(value)
        assert np.isfinite(gradient).all()
        assert (np.asarray(gradient) != 0).any()


BAD: list[tuple[dict[str, Any], str]] = [
    ({"state": [[0, 1.5]], "action": 0}, r"state: run 0, time 1 is 1.5, no whole number"),
    ({"state": [[0, 1], [2, -1]], "action": 0}, r"state: run 1, time 1 is -1, no whole number of 0 or more"),
    ({"state": [0, 1], "action": [0, float("nan")]}, r"action: run 0, time 1 is nan"),
    ({"state": [0, 1], "action": 0, "seen": [1, 2]}, r"seen: run 0, time 1 is 2, neither true nor false"),
    ({"state": [0, 1], "action": 0, "first": [1, 3]}, r"first: run 0, time 1 is 3, neither true nor false"),
    ({"state": ["a"], "action": 0}, r"state: numbers are needed"),
    ({"state": [0, 1], "action": 0, "first": [True] * 3}, r"first: shape \(3,\) does not fit"),
    ({"state": [0, 1], "action": [0, 1, 1]}, r"action: shape \(3,\) does not fit"),
    ({"state": np.zeros((1, 1, 1)), "action": 0}, r"state: 3 axes"),
]


@pytest.mark.parametrize(("columns", "message"), BAD)
def test_columns_that_are_no_trajectories_are_refused_by_name(columns: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        trajectories(**columns)


IMPOSSIBLE: list[tuple[SequentialFamily, dict[str, Any], str]] = [
    (Discounting(rounds=2), {"state": [0, 19], "action": 0}, r"state: run 0, time 1 is 19, outside 0\.\.18"),
    (Discounting(rounds=2), {"state": [0, 9], "action": [1, 2]}, r"action: run 0, time 1 is 2, outside 0\.\.1"),
    (Discounting(rounds=2), {"state": [0, 9], "action": [0, 1]}, r"state: run 0, time 1 is 9, which cannot follow"),
    (Discounting(rounds=2), {"state": [18], "action": [0]}, r"action: run 0, time 0 is 0, not legal"),
    (Discounting(), {"state": [0], "action": [0], "seen": False}, r"seen: no action was seen"),
    (WALK, {"state": [0], "action": [1]}, r"action: run 0, time 0 is 1, not legal"),
    (
        dataclasses.replace(WALK, horizon=2),
        {"state": [0, 0, 0], "action": 0},
        r"state: run 0, time 2 is 0, after more than 2",
    ),
]


@pytest.mark.parametrize(("family", "columns", "message"), IMPOSSIBLE)
def test_what_cannot_happen_in_the_environment_is_refused(
    family: SequentialFamily, columns: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        family.arrange(trajectories(**columns))


def test_families_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^discount: an endless future"):
        WALK.fix(discount=1.0).arrange(trajectories([0], 0))
    with pytest.raises(ValueError, match=r"^norms is not fixed; fixed are norm, "):
        Discounting().unfix("norms")
    with pytest.raises(ValueError, match=r"^starts: "):
        episodes([0])
    with pytest.raises(ValueError, match=r"^horizon: "):
        dataclasses.replace(WALK, horizon=0)
    misnamed = dataclasses.replace(WALK, feature_names=("effort",))
    with pytest.raises(ValueError, match=r"^feature_names: 1 for 2 features"):
        misnamed.log_policy(theta_of(misnamed, effort=0.0))
    with pytest.raises(ValueError, match=r"^state: 2 runs cannot follow 1"):
        trajectories([0], [0]).followed_by(trajectories([[0], [0]], 0))


def half(data: Trajectories, part: slice) -> Trajectories:
    return Trajectories(*(leaf[:, part] for leaf in data))


def test_going_on_with_a_posterior_is_seeing_all_at_once() -> None:
    family = PlanningAhead(rounds=10)
    _, data = draw(family, KEY, episodes((3, 6), 10, 2))
    earlier = infer(family, half(data, slice(10)), key=KEY, method=FEW)
    in_sequence = infer(family, half(data, slice(10, 20)), prior=earlier, key=KEY, method=FEW)
    at_once = infer(family, data, key=KEY, method=FEW)
    np.testing.assert_array_equal(in_sequence.fit.u, at_once.fit.u)
    np.testing.assert_array_equal(in_sequence.mean("depth"), at_once.mean("depth"))
    assert (in_sequence.log_evidence < earlier.log_evidence).all()


def test_a_run_alone_is_that_run_among_others() -> None:
    family = Discounting(rounds=5).fix(rationality=20.0)
    _, data = draw(family, KEY, episodes((2, 5, 8), 5, 3))
    together = infer(family, data, key=KEY, method=FEW)
    alone = infer(family, Trajectories(*(leaf[:1] for leaf in data)), key=KEY, method=FEW)
    np.testing.assert_allclose(together.mean("discount")[:1], alone.mean("discount"), rtol=1e-4)


def correlation(posterior: SampledPosterior, truth: dict[str, np.ndarray], name: str) -> float:
    return float(np.corrcoef(posterior.mean(name), truth[name])[0, 1])


ALL_OFFERS = tuple(range(1, 10))


@pytest.mark.slow
def test_discounts_and_depths_of_a_few_responders_are_recovered() -> None:
    family = Discounting(rounds=10, sweeps=30).fix(rationality=20.0)
    truth, data = draw(family, jax.random.key(1), episodes(ALL_OFFERS, 10, 30))
    assert correlation(infer(family, data, key=KEY, method=FEW), truth, "discount") > 0.8
    ahead = PlanningAhead(rounds=10).fix(rationality=20.0)
    truth, data = draw(ahead, jax.random.key(2), episodes(ALL_OFFERS, 10, 100))
    assert correlation(infer(ahead, data, key=KEY, method=FEW), truth, "depth") > 0.8


def walkers(runs: int, sweeps: int) -> tuple[RewardFamily, dict[str, np.ndarray], Trajectories]:
    """Ten walks of ten decisions at most in each run, with weights from a prior that keeps all actions in use."""
    family = WALK.with_priors(Parameter("effort", scale=1.0), Parameter("place", scale=1.0))
    assert isinstance(family, RewardFamily)
    family = dataclasses.replace(family, sweeps=sweeps)
    first = np.tile(np.arange(10) == 0, 10)
    blank = trajectories(np.zeros((runs, 100), int), 0, True, np.broadcast_to(first, (runs, 100)))
    return family, *draw(family, jax.random.key(11), blank)


@pytest.mark.slow
def test_nuts_finds_the_weights_that_a_grid_finds() -> None:
    family, _, data = walkers(3, sweeps=20)
    by_nuts = infer(family, data, key=KEY, method=Nuts(chains=2, warmup=150, draws=250))
    by_grid = infer(family, data, key=KEY, method=Grid(points=31))
    for name in family.feature_names:
        low, high = np.moveaxis(by_grid.interval(name, 0.68), -1, 0)
        # 500 draws with some autocorrelation: errors of means are well below a third of a standard deviation.
        assert (np.abs(by_nuts.mean(name) - by_grid.mean(name)) < 0.35 * (high - low) / 2).all()


def below_truth(posterior: SampledPosterior, truth: dict[str, np.ndarray], name: str) -> np.ndarray:
    """Posterior probability below the truth, by run; uniform if beliefs are calibrated."""
    smaller = posterior.theta[name] < truth[name][:, None, None]
    return np.asarray((posterior.weights * smaller).sum(axis=(1, 2)))


def assert_uniform(values: np.ndarray) -> None:
    """The Kolmogorov–Smirnov test at level .001."""
    ordered, ranks = np.sort(values), np.arange(len(values) + 1) / len(values)
    distance = max(np.abs(ordered - ranks[1:]).max(), np.abs(ordered - ranks[:-1]).max())
    assert distance < 1.95 / np.sqrt(len(values))


@pytest.mark.slow
def test_discounts_of_200_responders_are_recovered_and_calibrated() -> None:
    """Ninety decisions each, ten from every first offer. Envy, rationality and discount are unknown.

    By NUTS: envy and rationality lie along a ridge that a grid of three dimensions is too coarse for.
    """
    family = Discounting(rounds=10)
    truth, data = draw(family, jax.random.key(7), episodes(ALL_OFFERS, 10, 200))
    posterior = infer(family, data, key=KEY, method=Nuts(chains=1, warmup=150, draws=150))
    assert correlation(posterior, truth, "discount") > 0.85
    for name in family.coordinate_names:
        assert_uniform(below_truth(posterior, truth, name))


@pytest.mark.slow
@pytest.mark.parametrize(("rounds", "starts"), [(10, ALL_OFFERS), (40, (5,))])
def test_depths_of_200_responders_are_recovered_and_calibrated(rounds: int, starts: tuple[int, ...]) -> None:
    """Envy, rationality and depth are unknown, the discount is known; also with the usual forty rounds from offer 5."""
    family = PlanningAhead(rounds=rounds)
    truth, data = draw(family, jax.random.key(7), episodes(starts, rounds, 200))
    posterior = infer(family, data, key=KEY, method=Grid(points=61))
    assert correlation(posterior, truth, "depth") > 0.8
    for name in family.coordinate_names:
        assert_uniform(below_truth(posterior, truth, name))
    # Each depth is true as often as it is believed, within five standard errors.
    believed, true = posterior.mode_probabilities, truth["depth"][:, None] == np.arange(6)
    error = np.sqrt((believed * (1 - believed)).sum(axis=0))
    assert (np.abs((believed - true).sum(axis=0)) < 5 * error).all()


@pytest.mark.slow
def test_weights_of_200_walkers_are_recovered_and_calibrated() -> None:
    family, truth, data = walkers(200, sweeps=30)
    posterior = infer(family, data, key=KEY, method=Grid(points=31))
    for name in family.feature_names:
        assert correlation(posterior, truth, name) > 0.9
        assert_uniform(below_truth(posterior, truth, name))
