"""Simulate the users of every row from the same π_θ that inference inverts."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Key

from envs.seeds import derive_seed, keys_of_runs
from envs.simulate import UserOffers, draw_user_offers, user_answers
from envs.soft_policy import PolicyTable
from inference import named_norms
from inference.discrete.hypotheses import PolicyHypotheses
from scai_irl.loop.epoch import Epoch

_SEEDS = 1 << 32  # a JAX key is made from 32 bits


@dataclass(frozen=True)
class Users:
    """The users of one group in one epoch.

    Attributes:
        stake: Stake of each row.
        currency: Index of each row's currency among those of the setting.
        table: Policies of the users' norms at each row's stake.
        slots: Norm of the user in each slot, its offer, and the random number of its answer.
        weights: Weight of each norm in each row's population.
    """

    stake: Int[Array, "row"]
    currency: Int[np.ndarray, "row"]
    table: PolicyTable
    slots: UserOffers
    weights: Float[Array, "row norm"]

    def answer(self, offer: Int[np.ndarray, "row play"]) -> Bool[np.ndarray, "row play"]:
        """Answer offers as the user in each responding slot does."""
        return np.asarray(_answer(self.slots, self.table, jnp.asarray(offer)))

    def accept_probability(self, offer: Int[np.ndarray, "row play"]) -> Float[np.ndarray, "row play"]:
        """Probability that a member of the group would accept each offer."""
        return np.asarray(_accept_probability(self.table, self.weights, jnp.asarray(offer)))


def draw_users(epoch: Epoch) -> Users:
    """Draw the users of all rows in an epoch.

    Draws depend on the population, the group, the run and the epoch, and not on the agent. So all agents meet the same
    users.
    """
    setting, schedule, number = epoch.setting, epoch.schedule, epoch.number

    def seeds(purpose: str, *more: int) -> Int[np.ndarray, "condition"]:
        path: tuple[str | int, ...] = (schedule.name, purpose, *more)
        of_conditions = [derive_seed(setting.seed, setting.experiment, c.users, *path) for c in setting.conditions]
        return np.array([seed % _SEEDS for seed in of_conditions], np.uint32)

    weights = setting.weights_of_row(number)
    norms = named_norms(setting.user_norms, (setting.rationality,), (setting.lapse,))
    stake, currency, table, slots = _draw(
        (seeds("stake", number), seeds("currency"), seeds("users", number)),
        np.array(setting.runs),
        norms,
        weights,
        np.array(setting.stakes),
        len(setting.currencies),
        schedule.plays,
    )
    return Users(stake, np.asarray(currency), table, slots, weights)


@functools.partial(jax.jit, static_argnums=(5, 6))
def _draw(
    seeds: tuple[Int[Array, "condition"], Int[Array, "condition"], Int[Array, "condition"]],
    runs: Int[Array, "run"],
    norms: PolicyHypotheses,
    weights: Float[Array, "row norm"],
    stakes: Int[Array, "2"],
    currencies: int,
    plays: int,
) -> tuple[Int[Array, "row"], Int[Array, "row"], PolicyTable, UserOffers]:
    def keys(of_condition: Int[Array, "condition"]) -> Key[Array, "row"]:
        roots = jax.vmap(jax.random.key)(of_condition)
        return jax.vmap(keys_of_runs, (0, None))(roots, runs).reshape(-1)

    for_stake, for_currency, for_users = (keys(of_condition) for of_condition in seeds)
    stake = jax.vmap(lambda key: jax.random.randint(key, (), stakes[0], stakes[1] + 1))(for_stake)
    currency = jax.vmap(lambda key: jax.random.randint(key, (), 0, currencies))(for_currency)
    table = norms.table(stake)
    slots = jax.vmap(draw_user_offers, (0, 0, 0, None))(for_users, table, weights, plays)
    return stake, currency, table, slots


@jax.jit
def _answer(slots: UserOffers, table: PolicyTable, offer: Int[Array, "row play"]) -> Bool[Array, "row play"]:
    return jax.vmap(user_answers)(slots, table, offer)


@jax.jit
def _accept_probability(
    table: PolicyTable, weights: Float[Array, "row norm"], offer: Int[Array, "row play"]
) -> Float[Array, "row play"]:
    in_group = jnp.einsum("rn,rno->ro", weights, jnp.exp(table.accept))
    return jnp.take_along_axis(in_group, offer, axis=1)
