"""Beliefs about norms that may change, compared with a sum over all paths of hypotheses."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference import Evidence, evidence, infer, named_norms, uniform_posterior
from inference.discrete.changing import expecting_change

NORMS = named_norms(rationality=(5.0,), lapse=(0.25,))
EPOCHS = (evidence([10, 20], [1, 5], [True, False]), evidence([10, 30], [5, 15], True), evidence([10], [9], True))


def filtered(hazard: float) -> np.ndarray:
    belief = uniform_posterior(NORMS, 1)
    for seen in EPOCHS:
        belief = infer(NORMS, seen, prior=expecting_change(belief, hazard))
    return np.asarray(belief.probabilities[0])


def likelihood(seen: Evidence) -> np.ndarray:
    posterior = infer(NORMS, seen)
    return np.asarray(posterior.probabilities[0] * float(np.exp(posterior.log_evidence[0])) * NORMS.size)


@pytest.mark.parametrize("hazard", [0.0, 0.2, 1.0])
def test_the_filter_is_the_sum_over_all_paths(hazard: float) -> None:
    size = NORMS.size
    moves = (1 - hazard) * np.eye(size) + hazard / size
    of_epoch = [likelihood(seen) for seen in EPOCHS]
    last = np.zeros(size)
    for path in product(range(size), repeat=len(EPOCHS)):
        chance = 1 / size
        for step, state in enumerate(path):
            chance *= (moves[path[step - 1], state] if step else 1) * of_epoch[step][state]
        last[path[-1]] += chance
    assert filtered(hazard) == pytest.approx(last / last.sum(), rel=1e-4)


@given(st.floats(0, 1))
def test_belief_moves_towards_the_prior_and_stays_a_belief(hazard: float) -> None:
    before = infer(NORMS, EPOCHS[0])
    after = expecting_change(before, hazard).probabilities[0]
    assert after.sum() == pytest.approx(1, abs=1e-5)
    assert after == pytest.approx((1 - hazard) * before.probabilities[0] + hazard / NORMS.size, abs=1e-5)


def test_a_prior_may_be_given_and_a_hazard_is_checked() -> None:
    before = infer(NORMS, EPOCHS[0])
    assert expecting_change(before, 1.0, np.array([0.5, 0.3, 0.2])).probabilities[0] == pytest.approx([0.5, 0.3, 0.2])
    with pytest.raises(ValueError, match=r"hazard: 1\.5"):
        expecting_change(before, 1.5)
