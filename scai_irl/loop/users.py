"""The users of every row, simulated together from the same π_θ that inference inverts."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Key

from envs.policies import PolicyTable
from envs.rollout import UserOffers, draw_user_offers, user_answers
from envs.schedule import Schedule
from envs.seeds import derive_key, keys_of_runs
from inference import named_norms
from scai_irl.loop.setting import Setting


@dataclass(frozen=True)
class Users:
    """The users of one group in one epoch.

    Attributes:
        stake: Stake of each row's epoch.
        currency: Index into the setting's currencies, of each row's run.
        table: Policies of the users' norms at each row's stake.
        drawn: Who fills the user slots, what they offer and how they would answer.
        weights: Weight of each norm in each row's population.
    """

    stake: Int[Array, "row"]
    currency: Int[np.ndarray, "row"]
    table: PolicyTable
    drawn: UserOffers
    weights: Float[Array, "row norm"]

    def answer(self, offer: Int[np.ndarray, "row play"]) -> Bool[np.ndarray, "row play"]:
        """Answer offers, as the user in each responding slot would."""
        return np.asarray(_answer(self.drawn, self.table, jnp.asarray(offer)))

    def accept_probability(self, offer: Int[np.ndarray, "row play"]) -> Float[np.ndarray, "row play"]:
        """Probability that a member of the group would accept each offer."""
        return np.asarray(_accept_probability(self.table, self.weights, jnp.asarray(offer)))


def draw_users(setting: Setting, schedule: Schedule, epoch: int) -> Users:
    """Draw the users of one epoch of all rows.

    Draws depend on the population, the group, the run and the epoch, not on the agent: agents are compared on the
    same users.
    """
    runs = jnp.asarray(setting.runs)

    def keys(purpose: str, *more: int) -> Key[Array, "row"]:
        per_condition = [
            keys_of_runs(
                derive_key(setting.seed, setting.experiment, condition.users, schedule.name, purpose, *more),
                runs,
            )
            for condition in setting.conditions
        ]
        return jnp.concatenate(per_condition)

    low, high = setting.stakes
    stake = jax.vmap(lambda key: jax.random.randint(key, (), low, high + 1))(keys("stake", epoch))
    kinds = len(setting.currencies)
    currency = jax.vmap(lambda key: jax.random.randint(key, (), 0, kinds))(keys("currency"))
    norms = named_norms(setting.user_norms, (setting.rationality,), (setting.lapse,))
    table = norms.table(stake)
    weights = setting.weights_of_row()
    drawn = jax.vmap(draw_user_offers, (0, 0, 0, None))(keys("users", epoch), table, weights, schedule.plays)
    return Users(stake, np.asarray(currency), table, drawn, weights)


@jax.jit
def _answer(drawn: UserOffers, table: PolicyTable, offer: Int[Array, "row play"]) -> Bool[Array, "row play"]:
    return jax.vmap(user_answers)(drawn, table, offer)


@jax.jit
def _accept_probability(
    table: PolicyTable, weights: Float[Array, "row norm"], offer: Int[Array, "row play"]
) -> Float[Array, "row play"]:
    in_group = jnp.einsum("rn,rno->ro", weights, jnp.exp(table.accept))
    return jnp.take_along_axis(in_group, offer, axis=1)
