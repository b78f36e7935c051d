"""The adjusted Rand index compared with a count of pairs and with chance."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from experiments.subgroups.partition import adjusted_rand_index


def by_pairs(estimate: np.ndarray, truth: np.ndarray) -> float:
    """The index in its pair-counting form (Steinley 2004): 2 (a d − b c) / ((a + b)(b + d) + (a + c)(c + d))."""
    counts = {(True, True): 0, (True, False): 0, (False, True): 0, (False, False): 0}
    for one, other in itertools.combinations(range(len(estimate)), 2):
        counts[bool(estimate[one] == estimate[other]), bool(truth[one] == truth[other])] += 1
    a, b, c, d = (counts[key] for key in ((True, True), (True, False), (False, True), (False, False)))
    return 2 * (a * d - b * c) / ((a + b) * (b + d) + (a + c) * (c + d))


@pytest.mark.parametrize("seed", range(5))
def test_it_equals_a_count_of_pairs(seed: int) -> None:
    rng = np.random.default_rng(seed)
    estimate, truth = rng.integers(0, 4, 30), rng.integers(0, 3, 30)
    assert adjusted_rand_index(estimate, truth) == pytest.approx(by_pairs(estimate, truth))
    assert adjusted_rand_index(truth, estimate) == pytest.approx(by_pairs(estimate, truth))


def test_groups_drawn_at_random_have_none_on_average() -> None:
    rng = np.random.default_rng(0)
    truth = np.repeat([0, 1, 2], 8)
    indices = [adjusted_rand_index(rng.permutation(truth), truth) for _ in range(2000)]
    assert abs(np.mean(indices)) < 4 * np.std(indices) / np.sqrt(2000)


def test_names_of_groups_do_not_count() -> None:
    truth = np.array([0, 0, 1, 2, 2])
    assert adjusted_rand_index((truth + 1) % 3, truth) == 1.0
    assert adjusted_rand_index(np.zeros(3, int), np.zeros(3, int)) == 1.0
