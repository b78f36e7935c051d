"""Environment steps per second; a step is one transition of the MDP: an action is drawn and the state moves on.

2,048 environments × 500 steps, actions drawn inside. A play of the ultimatum game has two steps, an offer drawn from
π_θ and an answer drawn from P_θ, so 500 steps are 250 interactions; a pull of the bandit is one step with a uniform
action.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from benchmarks.conftest import Measure
from benchmarks.rivals import categorical_rollout, gymnax_bandit
from envs.policy import Norm, Policy
from envs.soft_policy import PolicyTable
from envs.vector import rollout, sampling_tables

ENVIRONMENTS, STEPS = 2_048, 500
PLAYS = STEPS // 2
STAKES = np.arange(10, 101)
KEY = jax.random.key(0)
WHAT = "environment steps"


def policies() -> PolicyTable:
    """Return the three norms at all stakes, with a row for each norm and stake."""
    tables = [Policy.of(Norm(name)).table(jnp.asarray(STAKES)) for name in ("selfish", "fair", "altruistic")]
    return PolicyTable(*(jnp.concatenate(leaves) for leaves in zip(*tables, strict=True)))


def setting() -> tuple[Int[Array, "environment"], ...]:
    """Return rows of proposers and responders, and stakes."""
    rng = np.random.default_rng(0)
    place = rng.integers(len(STAKES), size=ENVIRONMENTS)
    proposer, responder = (rng.integers(3, size=ENVIRONMENTS) * len(STAKES) + place for _ in range(2))
    return jnp.asarray(proposer), jnp.asarray(responder), jnp.asarray(STAKES[place])


def test_rollout(measure: Measure) -> None:
    tables = sampling_tables(policies())
    rows = setting()
    measure(WHAT, "steps", ENVIRONMENTS * STEPS, lambda: rollout(KEY, tables, *rows, plays=PLAYS), rounds=100)


def test_rollout_counted_in_plays(measure: Measure) -> None:
    tables = sampling_tables(policies())
    rows = setting()
    measure("plays", "plays", ENVIRONMENTS * PLAYS, lambda: rollout(KEY, tables, *rows, plays=PLAYS), rounds=100)


def test_sampling_tables(measure: Measure) -> None:
    table = policies()
    measure("sampling tables, built once", "tables", len(table.offer), lambda: sampling_tables(table), rounds=10)


def test_gymnax(measure: Measure) -> None:
    play = gymnax_bandit(ENVIRONMENTS, STEPS)
    measure(WHAT, "steps", ENVIRONMENTS * STEPS, lambda: play(KEY), who="gymnax BernoulliBandit", rounds=50)


def test_categorical(measure: Measure) -> None:
    table = policies()
    proposer, responder, _ = setting()
    play = categorical_rollout(table.offer, table.accept, PLAYS)
    who = "ultimatum, categorical draws"
    measure(WHAT, "steps", ENVIRONMENTS * STEPS, lambda: play(KEY, proposer, responder), who=who, rounds=3)
