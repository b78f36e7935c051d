"""The controllable ultimatum game compared with a plain account of its rules."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from envs.contexts import context
from envs.controllable import NUM_TENTHS, ControllableUltimatum, endless_game, next_tenth, tenth_of
from envs.planning import soft_backward_induction
from envs.ultimatum import ACCEPT

C, KEY = context(stake=10), jax.random.key(0)


def by_the_rules(start: int, answers: tuple[int, ...]) -> tuple[list[int], list[float]]:
    """Offers and payoffs of a game, by the rules in words."""
    offers, payoffs = [start], []
    for accepts in answers:
        offer = offers[-1]
        payoffs.append(offer / 10 if accepts else 0.0)
        offers.append(max(offer - 1, 1) if accepts else min(offer + 1, 9))
    return offers, payoffs


def played(game: ControllableUltimatum, answers: tuple[int, ...]) -> tuple[list[int], list[float], list[bool]]:
    def play(state: jax.Array, answer: jax.Array) -> tuple[jax.Array, tuple[jax.Array, jax.Array, jax.Array]]:
        step = game.step(KEY, state, answer, C)
        return step.state, (state, step.reward[0], step.done)

    _, (states, payoffs, done) = jax.lax.scan(play, game.init(KEY, C), jnp.asarray(answers))
    return np.asarray(tenth_of(states)).tolist(), np.asarray(payoffs).tolist(), np.asarray(done).tolist()


@pytest.mark.parametrize("start", [1, 5, 9])
@pytest.mark.parametrize("seed", range(5))
def test_offers_and_payoffs_are_those_of_the_rules(start: int, seed: int) -> None:
    # More of one answer than of the other, so that both ends of the offers are reached.
    answers = tuple(
        (np.random.default_rng(seed).uniform(size=40) < [0.1, 0.3, 0.5, 0.7, 0.9][seed]).astype(int).tolist()
    )
    offers, payoffs, done = played(ControllableUltimatum(start=start), answers)
    expected_offers, expected_payoffs = by_the_rules(start, answers)
    assert offers == expected_offers[:-1]
    np.testing.assert_allclose(payoffs, expected_payoffs, atol=1e-6)  # float32
    assert done == [False] * 39 + [True]


def test_offers_stop_at_the_lowest_and_the_highest() -> None:
    tenths = jnp.arange(1, 10)
    assert next_tenth(tenths, jnp.ones(9, bool)).tolist() == [1, 1, 2, 3, 4, 5, 6, 7, 8]
    assert next_tenth(tenths, jnp.zeros(9, bool)).tolist() == [2, 3, 4, 5, 6, 7, 8, 9, 9]


@pytest.mark.parametrize("start", [1, 4, 9])
def test_the_best_plan_is_the_best_of_all_sequences_of_answers(start: int) -> None:
    game = ControllableUltimatum(rounds=10, start=start)
    best = max(sum(by_the_rules(start, answers)[1]) for answers in itertools.product((0, 1), repeat=10))
    plan = soft_backward_induction(game.tabular(C), game.horizon, jnp.asarray(1e6), jnp.asarray(0.0))
    np.testing.assert_allclose(plan.values[0, 0, int(game.init(KEY, C))], best, atol=1e-4)


def test_the_endless_game_is_the_game_without_its_rounds() -> None:
    game = ControllableUltimatum(rounds=3)
    whole, endless = game.tabular(C), endless_game(jnp.asarray(1.0))
    for number in range(2):
        now, later = (slice(NUM_TENTHS * r, NUM_TENTHS * (r + 1)) for r in (number, number + 1))
        np.testing.assert_array_equal(whole.transition[now, :, later], endless.transition)
        np.testing.assert_allclose(whole.reward[:, now], endless.reward, atol=1e-7)


@pytest.mark.parametrize("control", [0.0, 0.3, 1.0])
def test_control_is_the_chance_that_an_answer_moves_the_offer(control: float) -> None:
    transition = np.asarray(endless_game(jnp.asarray(control)).transition)
    np.testing.assert_allclose(transition.sum(axis=-1), 1, atol=1e-6)
    for tenth in range(2, 9):
        np.testing.assert_allclose(transition[tenth - 1, ACCEPT, tenth - 2], control, atol=1e-7)
        np.testing.assert_allclose(transition[tenth - 1, 1 - ACCEPT, tenth], control, atol=1e-7)
        np.testing.assert_allclose(transition[tenth - 1, :, tenth - 1], 1 - control, atol=1e-7)


@pytest.mark.parametrize(
    ("setting", "field"), [({"rounds": 0}, "rounds"), ({"start": 0}, "start"), ({"start": 10}, "start")]
)
def test_a_game_that_cannot_be_is_refused(setting: dict[str, int], field: str) -> None:
    with pytest.raises(ValueError, match=f"^{field}: "):
        ControllableUltimatum(**setting)
