"""Made-up evidence, and the posterior by plain enumeration to compare with."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from envs.rollout import draw_user_offers, user_answers
from envs.schedule import Schedule
from envs.soft_policy import PolicyTable
from inference import FAMILIES, Evidence, evidence, make_family
from inference.discrete.hypotheses import Hypotheses, PolicyHypotheses

MANY = 300  # hypotheses that a test still takes quickly

# Stakes and offers of the made-up plays: least and greatest, fair and mean, and on the per-cent grid.
_PAIRS = [
    (1, 0),
    (1, 1),
    (10, 1),
    (10, 5),
    (10, 9),
    (33, 16),
    (97, 2),
    (97, 97),
    (100, 40),
    (100, 99),
    (450, 3),
    (450, 60),
]
# What may be seen of a play: offer seen, answer seen, accepted.
_SEEN = [(1, 0, 0), (0, 1, 0), (0, 1, 1), (1, 1, 0), (1, 1, 1)]
KINDS = [(*pair, *seen) for pair in _PAIRS for seen in _SEEN]
UNSEEN = len(KINDS)
PLAYS, RUNS = 12, 4


@functools.cache
def family(name: str) -> Hypotheses:
    """A family under two settings of λ, and with lapses, so that no data refute it; large grids are thinned."""
    hypotheses = make_family(name, [20.0, 60.0], [0.05])
    if hypotheses.size <= 2 * MANY:
        return hypotheses
    thinned: Hypotheses = jax.tree.map(lambda leaf: leaf[:: hypotheses.size // MANY], hypotheses)
    return thinned


FAMILY_NAMES = list(FAMILIES)


def evidence_of(numbers: np.ndarray) -> Evidence:
    """Plays by their number in `KINDS`, or `UNSEEN`; behind the given runs come runs that repeat one kind throughout.

    With these, all data hold the same kinds of plays at every place, and one compiled program serves them all.
    """
    throughout = np.repeat(np.arange(len(KINDS))[:, None], numbers.shape[1], axis=1)
    kinds = np.array([*KINDS, (7, 3, 0, 0, 0)])[np.concatenate([numbers, throughout])]
    stake, offer, offer_seen, answer_seen, accepted = np.moveaxis(kinds, -1, 0)
    return evidence(stake, offer, accepted, offer_seen, answer_seen)


def random_evidence(seed: int) -> Evidence:
    """Any plays whatever."""
    return evidence_of(np.random.default_rng(seed).integers(0, UNSEEN + 1, (RUNS, PLAYS)))


def evidences() -> st.SearchStrategy[Evidence]:
    """Strategy for any plays whatever."""
    return arrays(np.int64, (RUNS, PLAYS), elements=st.integers(0, UNSEEN)).map(evidence_of)


def plays_of(data: Evidence, chosen: slice | np.ndarray) -> Evidence:
    """Some plays of every run."""
    return Evidence(*(column[:, chosen] for column in data))


def runs_of(data: Evidence, chosen: slice) -> Evidence:
    """All plays of some runs."""
    return Evidence(*(column[chosen] for column in data))


@functools.cache
def _double_table(name: str) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Stakes, and by leaf the log-probabilities (stake, hypothesis, offer)."""
    stakes = np.unique([pair[0] for pair in _PAIRS] + [7])
    with jax.enable_x64(True):
        double: Hypotheses = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), family(name))
        table = jax.jit(lambda hypotheses, at: hypotheses.table(at))(double, jnp.asarray(stakes))
    return stakes, {leaf: np.asarray(values) for leaf, values in table._asdict().items()}


def enumerate_posterior(name: str, data: Evidence, prior: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """p(θ | D) and log p(D) by Bayes' rule in float64, play by play from the family's own table."""
    stakes, table = _double_table(name)
    size = family(name).size
    probability = np.full(size, 1 / size) if prior is None else prior
    joint = np.log(np.broadcast_to(probability, (data.runs, size)))
    for run, play in np.ndindex(*data.stake.shape):
        stake, offer, accepted, offer_seen, answer_seen = (column[run, play] for column in data)
        row = np.searchsorted(stakes, stake)
        if offer_seen:
            joint[run] += table["offer"][row, :, offer]
        if answer_seen:
            joint[run] += table["accept" if accepted else "reject"][row, :, offer]
    highest = joint.max(axis=1, keepdims=True)
    weight = np.exp(joint - highest)
    total = weight.sum(axis=1, keepdims=True)
    return weight / total, (highest + np.log(total))[:, 0]


def simulate_group(
    key: jax.Array, components: PolicyHypotheses, weights: jax.Array, schedule: Schedule, epochs: int
) -> Evidence:
    """Play many runs at once: in run r, users hold component k with probability weights[r, k].

    Stakes are uniform on 10..100, one for each epoch. Assistants offer any amount with equal chance, so that nothing
    in what they do depends on the truth.
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
