"""Exact posteriors of a million runs over ten thousand hypotheses: speed, and the process's peak memory by runs.

``python -m benchmarks.streaming --runs 1000000``. Runs are generated in chunks, so only their summaries grow with their
number, and these are dropped. The peak is printed after every tenth of the runs.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections.abc import Iterator

import jax
import numpy as np

from benchmarks.report import machine
from envs.seeds import derive_key, derive_seed
from inference import Evidence, evidence, parameter_grid, stream_posteriors

_AXIS = 100


def chunks(runs: int, plays: int, at_once: int) -> Iterator[Evidence]:
    """Yield random plays at stakes from 10 to 100, some runs at a time."""
    for number, first in enumerate(range(0, runs, at_once)):
        rng = np.random.default_rng(derive_seed(0, "streaming", number))
        stake = rng.integers(10, 101, (min(at_once, runs - first), plays))
        yield evidence(stake, rng.integers(0, stake + 1), rng.random(stake.shape) < 0.7)


def peak() -> float:
    """Return the peak memory of this process, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e3 if sys.platform != "darwin" else 1e6)


def main() -> None:
    """Read the command line, measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.streaming", description=__doc__)
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--hypotheses", type=int, default=10_000, help=f"a multiple of {_AXIS}")
    parser.add_argument("--plays", type=int, default=10)
    parser.add_argument("--at-once", type=int, default=32_768, help="runs that a device takes at once")
    options = parser.parse_args()
    values = {"alpha": np.linspace(0, 4, options.hypotheses // _AXIS), "beta": np.linspace(0, 1, _AXIS)}
    grid = parameter_grid("fehr_schmidt", values, lapse=(0.01,))
    data = chunks(options.runs, options.plays, options.at_once * jax.device_count())
    done, nats, tenth = 0, 0.0, 1
    began = time.perf_counter()
    for part in stream_posteriors(grid, data, key=derive_key(0, "draws"), draws=1, runs_at_once=options.at_once):
        done += part.runs
        nats += float(part.entropy.sum())
        if 10 * done >= tenth * options.runs:
            sys.stdout.write(f"{done:>9,} runs  {time.perf_counter() - began:8.1f} s  peak {peak():7.1f} MB\n")
            sys.stdout.flush()
            tenth = 10 * done // options.runs + 1
    seconds = time.perf_counter() - began
    lines = [
        f"{options.runs:,} runs × {grid.size:,} hypotheses × {options.plays} plays: {seconds:.1f} s with compilation, "
        f"{done * options.plays / seconds:.3g} updates/s, mean entropy {nats / done:.3f} nats",
        f"a table of their probabilities would have {8e-9 * done * grid.size:.0f} GB in double precision",
        f"{jax.device_count()} device(s); {machine()}",
    ]
    sys.stdout.write("\n".join([*lines, ""]))


if __name__ == "__main__":
    main()
