"""Other programs for the same tasks, written as well as their library allows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jaxtyping import Array, Float, Int, Key

from inference import Evidence

Gain = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Utilities of own and other's share, (…, hypothesis), in single precision."""

_ENTRIES_AT_ONCE = 1 << 20  # table entries worked on together: 4 MB, so that temporary arrays stay in cache
_LARGEST = 100  # stakes up to here are all that the benchmarks use


def norm_gains(own: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return the utilities of the three named norms."""
    return np.stack([own, 0.5 * own + 1.5 * other - 4 * np.abs(own - other), other], axis=-1)


def fehr_schmidt_gains(alpha: np.ndarray, beta: np.ndarray) -> Gain:
    """Return the utilities of a grid of envy and guilt."""

    def gain(own: np.ndarray, other: np.ndarray) -> np.ndarray:
        ahead = (own - other)[..., None]
        return np.asarray(own[..., None] - alpha * np.maximum(-ahead, 0) - beta * np.maximum(ahead, 0))

    return gain


def numpy_posterior(
    gain: Gain, rationality: float, lapse: float, data: Evidence
) -> Float[np.ndarray, "run hypothesis"]:
    """Compute exact posteriors in numpy, single precision, tuned for a core's cache.

    It makes a table of the log-probabilities of every (stake, offer, answer) that occurs, some stakes at a time. Then
    it sums the rows of each run's interactions. All offers and answers must be observed.
    """
    code = (data.stake * (_LARGEST + 1) + data.offer) * 2 + data.accepted
    occurs = np.zeros((_LARGEST + 1) ** 2 * 2, bool)
    occurs[code] = True
    codes = np.flatnonzero(occurs)
    number = np.empty(len(occurs), np.int32)
    number[codes] = np.arange(len(codes), dtype=np.int32)
    code_stake, code_offer, code_accepted = codes // 2 // (_LARGEST + 1), codes // 2 % (_LARGEST + 1), codes % 2

    size = gain(np.zeros(1, np.float32), np.zeros(1, np.float32)).shape[-1]
    table = np.empty((len(codes), size), np.float32)
    stakes = np.unique(code_stake)
    together = max(1, _ENTRIES_AT_ONCE // size // (_LARGEST + 1))
    for start in range(0, len(stakes), together):
        some = stakes[start : start + together]
        offers = np.arange(some[-1] + 1)
        legal = offers <= some[:, None]
        share = np.where(legal, offers / some[:, None], 0).astype(np.float32)
        with np.errstate(over="ignore"):  # an overflow to infinity gives the right probability, 0
            accept = (1 - lapse) / (1 + np.exp(-rationality * gain(share, 1 - share))) + lapse / 2
        score = rationality * accept * gain(1 - share, share)
        score[~legal] = -np.inf
        score -= score.max(axis=1, keepdims=True)
        np.exp(score, out=score)
        score *= (1 - lapse) / score.sum(axis=1, keepdims=True)
        score += (lapse / (some + 1).astype(np.float32))[:, None, None]
        first, last = np.searchsorted(code_stake, [some[0], some[-1] + 1])
        index = (np.searchsorted(some, code_stake[first:last]), code_offer[first:last])
        accepts = accept[index]
        answer = np.where(code_accepted[first:last, None] == 1, accepts, 1 - accepts)
        table[first:last] = np.log(score[index] * answer)

    row = number[code]
    total = np.empty((len(row), size), np.float32)
    together = max(1, _ENTRIES_AT_ONCE // size // row.shape[1])
    for start in range(0, len(row), together):
        total[start : start + together] = table[row[start : start + together]].sum(axis=1)
    total -= total.max(axis=1, keepdims=True)
    np.exp(total, out=total)
    total /= total.sum(axis=1, keepdims=True)
    return total


def plain_numpy_posterior(
    gain: Gain, rationality: float, lapse: float, data: Evidence
) -> Float[np.ndarray, "run hypothesis"]:
    """Compute exact posteriors in numpy, single precision, in the plain way: a whole table, then a sum for each run."""
    stakes, stake = np.unique(data.stake, return_inverse=True)
    offers = np.arange(_LARGEST + 1)
    size = gain(np.zeros(1, np.float32), np.zeros(1, np.float32)).shape[-1]
    log_offer = np.empty((len(stakes), len(offers), size), np.float32)
    log_accept, log_reject = np.empty_like(log_offer), np.empty_like(log_offer)
    for index, units in enumerate(stakes):
        legal = (offers <= units)[:, None]
        share = (np.minimum(offers, units) / units).astype(np.float32)
        with np.errstate(over="ignore"):
            accept = (1 - lapse) / (1 + np.exp(-rationality * gain(share, 1 - share))) + lapse / 2
        score = np.where(legal, rationality * accept * gain(1 - share, share), -np.inf)
        weight = np.exp(score - score.max(axis=0))
        softmax = weight / weight.sum(axis=0)
        log_offer[index] = np.log((1 - lapse) * softmax + lapse / (units + 1))
        log_accept[index], log_reject[index] = np.log(accept), np.log(1 - accept)
    total = np.empty((data.runs, size), np.float32)
    stake = stake.reshape(data.stake.shape)
    for run in range(data.runs):
        at = (stake[run], data.offer[run])
        answers = np.where(data.accepted[run][:, None], log_accept[at], log_reject[at])
        total[run] = (log_offer[at] + answers).sum(axis=0)
    weight = np.exp(total - total.max(axis=1, keepdims=True))
    return np.asarray(weight / weight.sum(axis=1, keepdims=True))


def gymnax_bandit(environments: int, steps: int) -> Callable[[Key[Array, ""]], Any]:
    """Return Gymnax's BernoulliBandit with random actions: its own step and automatic reset, vmapped and scanned."""
    import gymnax  # noqa: PLC0415 - only the environments' benchmark needs it

    environment, parameters = gymnax.make("BernoulliBandit-misc")
    actions = environment.action_space(parameters).n

    @jax.jit
    def play(key: Key[Array, ""]) -> Any:
        key_reset, key_steps = jax.random.split(key)
        reset = jax.vmap(environment.reset, (0, None))
        _, state = reset(jax.random.split(key_reset, environments), parameters)

        def step(state: Any, key: Key[Array, ""]) -> tuple[Any, tuple[Array, Array]]:
            key_action, key_step = jax.random.split(key)
            action = jax.random.randint(key_action, (environments,), 0, actions)
            stepped = jax.vmap(environment.step, (0, 0, 0, None))
            _, state, reward, done, *_ = stepped(jax.random.split(key_step, environments), state, action, parameters)
            return state, (reward, done)

        return jax.lax.scan(step, state, jax.random.split(key_steps, steps))[1]

    return play


def categorical_rollout(
    log_offer: Float[Array, "row offer"], log_accept: Float[Array, "row offer"], plays: int
) -> Callable[[Key[Array, ""], Int[Array, "environment"], Int[Array, "environment"]], Any]:
    """Return the ultimatum game in the plain way, with a categorical draw over all offers at every play."""

    @jax.jit
    def play(key: Key[Array, ""], proposer: Int[Array, "environment"], responder: Int[Array, "environment"]) -> Any:
        def one(_: None, key: Key[Array, ""]) -> tuple[None, tuple[Array, Array]]:
            key_offer, key_answer = jax.random.split(key)
            offer = jax.random.categorical(key_offer, log_offer[proposer])
            chance = jax.random.uniform(key_answer, offer.shape)
            return None, (offer, chance < jax.numpy.exp(log_accept[responder, offer]))

        return jax.lax.scan(one, None, jax.random.split(key, plays))[1]

    return play
