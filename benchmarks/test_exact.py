"""Exact posterior updates per second; an update is one run's use of one interaction.

1,000 runs of 50 interactions, five epochs of ten with a stake each. What is timed is `inference.infer` as a user calls
it: finding what occurs, the likelihood table, the sums and the normalised posteriors; compilation is not.
"""

from __future__ import annotations

from collections.abc import Callable

import jax
import numpy as np
import pytest

from benchmarks.conftest import Measure
from benchmarks.report import OURS
from benchmarks.rivals import Gain, fehr_schmidt_gains, norm_gains, numpy_posterior, plain_numpy_posterior
from envs.simulate import simulate
from inference import Evidence, Hypotheses, evidence, infer, named_norms, parameter_grid

RUNS, EPOCHS, PLAYS = 1_000, 5, 10
UPDATES = RUNS * EPOCHS * PLAYS
GROUPS = 20  # different truths in the grid's data
LAPSE = 0.01
AXIS = np.linspace(0, 1, 101)
NORMS_RATIONALITY, GRID_RATIONALITY = 200.0, 50.0


def few() -> Hypotheses:
    return named_norms(rationality=(NORMS_RATIONALITY,), lapse=(LAPSE,))


def many() -> Hypotheses:
    return parameter_grid("fehr_schmidt", {"alpha": 4 * AXIS, "beta": AXIS}, (GRID_RATIONALITY,), (LAPSE,))


def grid_gains() -> Gain:
    alpha, beta = (axis.ravel().astype(np.float32) for axis in np.meshgrid(4 * AXIS, AXIS, indexing="ij"))
    return fehr_schmidt_gains(alpha, beta)


SIZES: dict[str, tuple[Callable[[], Hypotheses], Gain, float, int]] = {
    "3 hypotheses": (few, norm_gains, NORMS_RATIONALITY, 200),
    "10,201 hypotheses": (many, grid_gains(), GRID_RATIONALITY, 7),
}


def played(hypotheses: Hypotheses, offers: str) -> Evidence:
    """Simulate runs that each follow one of the hypotheses; or their answers to offers of any size."""
    rng = np.random.default_rng(0)
    truths = rng.integers(hypotheses.size, size=min(GROUPS, hypotheses.size * 7))
    parts = []
    for number, runs in enumerate(np.array_split(np.arange(RUNS), len(truths))):
        stake = np.repeat(rng.integers(10, 101, (len(runs), EPOCHS)), PLAYS, axis=1)
        policy = hypotheses.policy(int(truths[number]))
        plays = simulate(jax.random.key(number), policy, stake)
        offer, accepted = np.asarray(plays.offer), np.asarray(plays.accepted)
        if offers == "any":
            offer = rng.integers(0, stake + 1)
            table = policy.table(jax.numpy.arange(101))
            accepted = rng.random(stake.shape) < np.exp(np.asarray(table.accept))[stake, offer]
        parts.append((stake, offer, accepted))
    return evidence(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


RIVALS = {"numpy, plain": plain_numpy_posterior, "numpy, tuned": numpy_posterior}
"""The two numpy rivals, in single precision on one core; this project's program uses double precision on all cores."""


@pytest.mark.parametrize("offers", ["the policies'", "any"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("who", [OURS, *RIVALS])
def test_exact_posteriors(measure: Measure, size: str, offers: str, who: str) -> None:
    make, gain, rationality, rounds = SIZES[size]
    hypotheses = make()
    data = played(hypotheses, offers)
    what = f"posteriors, {size}, {offers} offers"
    if who == OURS:
        measure(what, "updates", UPDATES, lambda: infer(hypotheses, data).log_prob, rounds=rounds)
        return

    def rival() -> np.ndarray:
        return RIVALS[who](gain, rationality, LAPSE, data)

    # They do the same work; a grid's posteriors are spread out, so single precision is near enough to tell.
    np.testing.assert_allclose(infer(hypotheses, data).probabilities, rival(), atol=1e-3)
    measure(what, "updates", UPDATES, rival, who=who, rounds=max(3, rounds // 5))
