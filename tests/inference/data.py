"""Simulated evidence, and its posterior by plain enumeration for comparison."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from envs.schedule import Schedule
from envs.simulate import draw_user_offers, user_answers
from envs.soft_policy import PolicyTable
from inference import FAMILIES, Evidence, evidence
from inference.discrete.hypotheses import PolicyHypotheses
from scai_irl.testing.family_laws import (
    PLAYS,
    RUNS,
    UNSEEN,
    enumerate_posterior,
    evidence_of,
    family,
    random_evidence,
    runs_of,
)

__all__ = ["FAMILY_NAMES", "enumerate_posterior", "evidences", "family", "random_evidence", "runs_of", "simulate_group"]

FAMILY_NAMES = list(FAMILIES)


def evidences() -> st.SearchStrategy[Evidence]:
    """Strategy for arbitrary interactions."""
    return arrays(np.int64, (RUNS, PLAYS), elements=st.integers(0, UNSEEN)).map(evidence_of)


def simulate_group(
    key: jax.Array, components: PolicyHypotheses, weights: jax.Array, schedule: Schedule, epochs: int
) -> Evidence:
    """Simulate many runs at once: in run r, users hold component k with probability weights[r, k].

    Stakes are uniform on 10..100, one for each epoch. Assistants offer every amount with equal
    probability, so their behaviour does not depend on the truth.
    """
    keys = jax.random.split(key, (weights.shape[0], epochs))
    proposes, responds = jnp.asarray(schedule.user_proposes), jnp.asarray(schedule.user_responds)
    columns = _play(keys, components, weights, proposes, responds)
    return evidence(*(np.asarray(column) for column in columns))


@jax.jit
def _play(
    keys: jax.Array, components: PolicyHypotheses, weights: jax.Array, proposes: jax.Array, responds: jax.Array
) -> tuple[jax.Array, ...]:
    tables = components.table(jnp.arange(101))
    plays = len(proposes)

    def epoch(key: jax.Array, weight: jax.Array) -> tuple[jax.Array, ...]:
        key_stake, key_users, key_assistants = jax.random.split(key, 3)
        stake = jax.random.randint(key_stake, (), 10, 101)
        table = PolicyTable(*(leaf[stake] for leaf in tables))
        users = draw_user_offers(key_users, table, weight, plays)
        offer = jnp.where(proposes, users.offer, jax.random.randint(key_assistants, (plays,), 0, stake + 1))
        accepted = user_answers(users, table, offer)
        return jnp.full(plays, stake), offer, accepted, proposes, responds

    def run(keys: jax.Array, weight: jax.Array) -> tuple[jax.Array, ...]:
        return tuple(column.reshape(-1) for column in jax.vmap(epoch, (0, None))(keys, weight))

    return tuple(jax.vmap(run)(keys, weights))
