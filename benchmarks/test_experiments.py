"""Whole experiments, from the first play to the report."""

from __future__ import annotations

import itertools
from pathlib import Path

from benchmarks.conftest import Measure
from experiments.group_norm.one_group_norm import OneGroupNorm, one_group_norm

INTERACTIONS = 3 * 3 * 20 * 5 * 10  # norms, groups, runs, epochs, interactions


def test_one_group_norm(measure: Measure, tmp_path: Path) -> None:
    """Three norms in three groups, 20 runs of 5 epochs, with Thompson sampling: tables, posteriors and figures."""
    number = itertools.count()

    def program() -> None:
        one_group_norm.run(OneGroupNorm(agents=("thompson",), out=tmp_path / str(next(number))))

    measure("one-group norm, whole", "interactions", INTERACTIONS, program, rounds=3)
