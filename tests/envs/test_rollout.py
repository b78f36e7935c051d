"""Rollouts: the environment's own transitions and payoffs, and actions by π_θ.

Counts of draws must stay within `false_alarm_bound`. If the law is true, a test here fails for one seed in a million.
The seeds are fixed.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from envs.contexts import Context, context
from envs.policy import Norm, Policy
from envs.soft_policy import PolicyTable
from envs.ultimatum import NUM_OFFERS, OVER, START, UltimatumGame
from envs.vector import draw_offer, rollout, sampling_tables
from tests.envs.reference import false_alarm_bound

STAKES = np.array([1, 7, 40, 100, 333])
NORMS = (
    Norm("selfish", rationality=50.0),
    Norm("fair", rationality=20.0, lapse=0.1),
    Norm("altruistic", rationality=0.0),
    Norm("fehr_schmidt", (0.9, 0.4), rationality=200.0),
)


def policies() -> PolicyTable:
    """All norms at all stakes, (norm, stake, offer)."""
    tables = [Policy.of(norm).table(jnp.asarray(STAKES)) for norm in NORMS]
    return PolicyTable(*(jnp.stack(leaves) for leaves in zip(*tables, strict=True)))


TABLES = sampling_tables(policies())
ROWS = len(NORMS) * len(STAKES)


def test_transitions_and_payoffs_are_the_environments() -> None:
    """The same actions, taken one by one with `UltimatumGame.step`, give the same payoffs and end every game."""
    stake = jnp.asarray(np.tile(STAKES, len(NORMS)), jnp.int32)
    responder = jnp.asarray(np.random.default_rng(0).permutation(len(NORMS))[:, None] * len(STAKES))
    responder = (responder + jnp.arange(len(STAKES))).reshape(-1)
    played = rollout(jax.random.key(0), TABLES, jnp.arange(ROWS), responder, stake, plays=40)

    game, key = UltimatumGame(), jax.random.key(0)
    one = context(stake=1)
    contexts = Context(*(jnp.full(ROWS, field) for field in one))._replace(stake=stake)
    step = jax.vmap(game.step, (None, 0, 0, 0))
    for play in range(40):
        start = jnp.full(ROWS, START, jnp.int32)
        on_table = step(key, start, played.offer[play], contexts)
        assert not on_table.done.any()
        np.testing.assert_array_equal(on_table.state, 1 + played.offer[play])  # also: every offer was legal
        np.testing.assert_array_equal(on_table.reward, 0)
        paid = step(key, on_table.state, played.accepted[play].astype(jnp.int32), contexts)
        np.testing.assert_array_equal(paid.state, OVER)
        np.testing.assert_array_equal(paid.reward, played.payoff[play])


def test_slots_hold_exactly_the_offers_probabilities() -> None:
    """Over all 2³² words, counts by slot equal the probabilities up to rounding of 2⁻³² in each of 128 slots."""
    slots = np.asarray(TABLES.slots)
    keep, other = (slots >> 7) / 2**25, slots & 127
    stacked = np.zeros((ROWS, 128))
    for row in range(ROWS):
        np.add.at(stacked[row], np.arange(128), keep[row] / 128)
        np.add.at(stacked[row], other[row], (1 - keep[row]) / 128)
    expected = np.exp(np.asarray(policies().offer, np.float64)).reshape(ROWS, NUM_OFFERS)
    expected /= expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(stacked[:, :NUM_OFFERS], expected, atol=128 * 2.0**-32)
    assert (stacked[:, :NUM_OFFERS][expected == 0] == 0).all()
    assert (stacked[:, NUM_OFFERS:] == 0).all()


def test_words_are_read_as_slot_and_remainder() -> None:
    """Check a slot's first and last word, and both sides of the word where its own offer ends."""
    slots = np.asarray(TABLES.slots)
    for row in range(ROWS):
        keep, other = slots[row] >> 7, slots[row] & 127
        first = np.arange(128, dtype=np.uint32) << 25
        at_last = np.asarray(draw_offer(jnp.asarray(first + 2**25 - 1), TABLES, jnp.full(128, row)))
        np.testing.assert_array_equal(at_last, np.where(keep > 2**25 - 1, np.arange(128), other))
        some = keep > 0
        before = np.asarray(draw_offer(jnp.asarray(first + np.maximum(keep, 1) - 1), TABLES, jnp.full(128, row)))
        np.testing.assert_array_equal(before[some], np.arange(128)[some])


@pytest.mark.parametrize("number", range(len(NORMS)), ids=[norm.utility for norm in NORMS])
@pytest.mark.parametrize("place", range(len(STAKES)), ids=STAKES.tolist())
def test_offers_and_answers_have_their_policies_frequencies(number: int, place: int) -> None:
    environments, plays = 500, 200
    row = jnp.full(environments, number * len(STAKES) + place)
    stake = jnp.full(environments, int(STAKES[place]))
    played = rollout(jax.random.key(number), TABLES, row, row, stake, plays)
    probability, accept = (np.exp(np.asarray(leaf[number, place], np.float64)) for leaf in policies()[:2])
    draws = environments * plays
    count = np.bincount(np.asarray(played.offer).ravel(), minlength=NUM_OFFERS)
    assert (np.abs(count - draws * probability) <= false_alarm_bound(probability, draws, NUM_OFFERS)).all()
    accepted = np.bincount(np.asarray(played.offer).ravel(), np.asarray(played.accepted).ravel(), NUM_OFFERS)
    for offer in np.flatnonzero(count):
        bound = false_alarm_bound(accept[offer], int(count[offer]), NUM_OFFERS)
        assert abs(accepted[offer] - count[offer] * accept[offer]) <= bound


def test_certain_answers_are_certain() -> None:
    log = jnp.where(jnp.arange(NUM_OFFERS) % 2 == 0, 0.0, -jnp.inf)[None]
    uniform = jnp.full((1, NUM_OFFERS), -jnp.log(NUM_OFFERS))
    tables = sampling_tables(PolicyTable(uniform, log, log[:, ::-1]))
    row, stake = jnp.zeros(1000, jnp.int32), jnp.full(1000, 100)
    played = rollout(jax.random.key(1), tables, row, row, stake, plays=50)
    np.testing.assert_array_equal(played.accepted, played.offer % 2 == 0)


def test_a_rollout_can_be_repeated() -> None:
    row, stake = jnp.zeros(3, jnp.int32), jnp.full(3, 1)
    again = [rollout(jax.random.key(5), TABLES, row, row, stake, plays=4) for _ in range(2)]
    jax.tree.map(np.testing.assert_array_equal, *again)
