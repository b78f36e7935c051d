"""PyMC's model sampled by nutpie, compiled by Numba once a process."""

from __future__ import annotations

from typing import Any

import nutpie

from benchmarks.ug_bayes.protocol import CHAINS, DRAWS, WARMUP, Draws, Problem, measure, now
from benchmarks.ug_bayes.pymc_rival import draws_of, model_of

_COMPILED: list[Any] = []


def fit(problem: Problem, seed: int) -> Draws:
    if not _COMPILED:
        _COMPILED.append(nutpie.compile_pymc_model(model_of(problem)))
    began = now()
    result = nutpie.sample(
        _COMPILED[0], draws=DRAWS, tune=WARMUP, chains=CHAINS, cores=1, seed=seed, progress_bar=False, save_warmup=False
    )
    return draws_of(result)._replace(sampling_began=began)


if __name__ == "__main__":
    measure(fit)
