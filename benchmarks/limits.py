"""Shares of the machine's limits that exact posteriors, NUTS and environment steps reach.

``python -m benchmarks.limits [--small]``, on a CPU or a GPU. Each task's operations and bytes are counted by hand,
since XLA counts the body of a loop once; XLA's own count (`compiled.cost_analysis`) is also printed. There are three
shares: of the arithmetic limit, of the memory's bandwidth and of the cache's bandwidth. The largest share shows the
bottleneck. If all are small, the bottleneck is latency, random access, or operations other than multiply-adds.

By hand:

* Exact posteriors: for every run, hypothesis and play an addition of an offer's and of an answer's row, each with 8
  bytes of a table from cache, and 5 operations to normalise; for every hypothesis and offer of every stake 3 in a
  normaliser, and about 25 for the score of every share or answer; an exponential counts as one. To and from memory go
  the rows' numbers, the posteriors (log-probability and what rounding took), and the tables once each way.
* NUTS: gradients of the density, as many as the sampler says it took, times what XLA counts for one, which has no loop.
  To memory go the draws; all else stays in cache.
* Environment steps: 100 integer operations for two random numbers (Threefry, 20 rounds) and 15 for a play of two steps;
  random numbers are written and read, plays are written.
"""

from __future__ import annotations

import argparse
import functools
import inspect
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from tabulate import tabulate

from benchmarks import test_envs
from benchmarks.calibration_speed import family_and_design
from benchmarks.machine_limits import CLOCKS, Clock, Limits, best_seconds, measured_limits
from benchmarks.report import machine
from envs.vector import rollout, sampling_tables
from inference import Nuts, evidence, parameter_grid
from inference.discrete.likelihood import LogPrior, rows_of, update_program
from inference.samplers.resumable import advance_share, started
from inference.samplers.runs import as_arrays
from inference.samplers.sharded import share_out
from inference.samplers.target import Target


class Work(NamedTuple):
    """A task, counted and measured.

    Attributes:
        what: The task.
        unit: What is counted.
        number: How many of them.
        seconds: Time of the fastest round, compiled before.
        flops: Operations, by hand.
        bytes: Bytes to and from memory, by hand.
        cached: Bytes to and from cache, by hand; 0 where not counted.
        xla: Operations and bytes that XLA counts.
        dtype: Precision of the arithmetic.
    """

    what: str
    unit: str
    number: float
    seconds: float
    flops: float
    bytes: float
    cached: float
    xla: tuple[float, float]
    dtype: str


def counted(program: Callable[..., Any], *arguments: Any) -> tuple[float, float]:
    """Return the operations and bytes that XLA counts in a program, with every loop's body once."""
    leaves, structure = jax.tree.flatten(arguments)
    flat = jax.jit(lambda *leaves: program(*jax.tree.unflatten(structure, leaves)))
    cost = flat.lower(*leaves).compile().cost_analysis() or {}
    return float(cost.get("flops", np.nan)), float(cost.get("bytes accessed", np.nan))


def exact_posteriors(runs: int, plays: int, axis: int, rounds: int, clock: Clock) -> Work:
    """Measure posteriors of envy and guilt on a grid, from rows to probabilities, without the search for rows."""
    grid = parameter_grid(
        "fehr_schmidt", {"alpha": np.linspace(0, 4, axis), "beta": np.linspace(0, 1, axis)}, (50.0,), (0.01,)
    )
    rng = np.random.default_rng(0)
    stake = rng.integers(10, 101, (runs, plays))
    rows = rows_of(evidence(stake, rng.integers(0, stake + 1), rng.random(stake.shape) < 0.7))
    prior = LogPrior(np.full((1, grid.size), -np.log(grid.size)), np.zeros((1, 1)))
    with jax.enable_x64(True):
        seconds = best_seconds(lambda: update_program(grid, rows, prior), rounds, clock)
        xla = counted(update_program, grid, rows, prior)
    table = int(rows.offers) + int(rows.answers)
    sums = 2.0 * runs * plays * grid.size
    offers = len(rows.cells.stake) * 101
    scores = len(rows.cells.legal.stake) + len(rows.cells.answered.stake)
    tables = (3.0 * offers + 25.0 * scores) * grid.size
    return Work(
        f"exact posteriors, {runs:,} runs × {grid.size:,} hypotheses × {plays} plays",
        "updates",
        runs * plays,
        seconds,
        sums + tables + 5.0 * runs * grid.size,
        8.0 * runs * plays + 8.0 * runs * grid.size + 16.0 * table * grid.size,
        8.0 * sums,
        xla,
        "float64",
    )


def nuts_posteriors(data_sets: int, method: Nuts, rounds: int, clock: Clock) -> Work:
    """Measure NUTS steps of all chains of many data sets, spread over devices."""
    family, design = family_and_design()
    one = jax.tree.map(lambda leaf: leaf[0], as_arrays(family.arrange(design)))
    keys = jax.random.split(jax.random.key(0), data_sets)
    simulated = jax.jit(
        jax.vmap(lambda key: family.simulate(key, family.theta(jax.random.normal(key, (family.dimension,))), one))
    )(keys)
    state = started(method, family, keys, simulated)

    def steps() -> Any:
        return share_out(lambda own: advance_share(method, family, own[0], own[1], method.steps), (state, simulated))

    gradients = float(np.sum(steps()[1]["n_steps"]))
    seconds = best_seconds(steps, rounds, clock)
    summary = family.summarise(one)
    gradient = jax.value_and_grad(Target(family, summary).log_joint)
    flops, _ = counted(gradient, jnp.zeros(family.dimension))

    def whole(state: Any, seen: Any) -> Any:
        plain: Any = inspect.unwrap(advance_share)  # compiled with options of its own, which none inside another has
        return plain(method, family, state, seen, method.steps)

    return Work(
        f"NUTS, {data_sets:,} data sets × {method.chains} × {method.steps} steps",
        "gradients",
        gradients,
        seconds,
        gradients * flops,
        4.0 * data_sets * method.chains * method.steps * (family.dimension + 6),
        0.0,
        counted(whole, state, simulated) if jax.default_backend() == "cpu" else (np.nan, np.nan),  # minutes on a GPU
        "float32",
    )


def environment_steps(environments: int, plays: int, rounds: int, clock: Clock) -> Work:
    """Measure ultimatum games of softmax users; a play has two steps."""
    tables = sampling_tables(test_envs.policies())
    rng = np.random.default_rng(0)
    setting = rng.integers(len(test_envs.STAKES), size=environments)
    proposer, responder = (
        jnp.asarray(rng.integers(3, size=environments) * len(test_envs.STAKES) + setting) for _ in range(2)
    )
    rows = (proposer, responder, jnp.asarray(test_envs.STAKES[setting]))
    played = environments * plays
    return Work(
        f"environment steps, {environments:,} environments × {2 * plays:,}",
        "steps",
        2 * played,
        best_seconds(lambda: rollout(test_envs.KEY, tables, *rows, plays=plays), rounds, clock),
        115.0 * played,
        (16.0 + 13.0) * played,
        0.0,
        counted(functools.partial(rollout, plays=plays), test_envs.KEY, tables, *rows),
        "float32",
    )


def shares(work: Work, limits: Limits) -> dict[str, float]:
    """Compute the share of each limit that a task reached.

    Example:
        >>> work = Work("sum", "terms", 4, 2.0, 100.0, 30.0, 0.0, (0.0, 0.0), "float32")
        >>> shares(work, Limits("thing", 60.0, 1.0, 500.0, 250.0, None))
        {'arithmetic': 0.1, 'memory': 0.25, 'cache': 0.0}
    """
    return {
        "arithmetic": work.flops / work.seconds / limits.arithmetic(work.dtype),
        "memory": work.bytes / work.seconds / limits.copy,
        "cache": work.cached / work.seconds / limits.cache,
    }


def stated_shares(work: Work, limits: Limits) -> list[float | None]:
    """Compute the same shares of the data sheet's arithmetic and memory, if there is one."""
    if limits.sheet is None:
        return [None, None]
    arithmetic = limits.sheet.double if work.dtype == "float64" else limits.sheet.single
    return [work.flops / work.seconds / arithmetic, work.bytes / work.seconds / limits.sheet.bandwidth]


def table(works: list[Work], limits: Limits) -> str:
    """Return a table with one row for each task."""
    rows = []
    for work in works:
        reached = shares(work, limits)
        rows.append(
            [
                work.what,
                work.seconds,
                f"{work.number / work.seconds:.3g} {work.unit}",
                work.flops / 1e9,
                work.xla[0] / 1e9,
                work.bytes / 1e9,
                work.xla[1] / 1e9,
                *(100 * share for share in reached.values()),
                max(reached, key=lambda limit: reached[limit]),
                *(None if share is None else 100 * share for share in stated_shares(work, limits)),
            ]
        )
    headers = [
        "task",
        "s",
        "a second",
        "Gflop",
        "(XLA)",
        "GB",
        "(XLA)",
        "% arithmetic",
        "% memory",
        "% cache",
        "nearest",
    ]
    return tabulate(rows, headers=[*headers, "% sheet arithmetic", "% sheet memory"], floatfmt=".3g", missingval="-")


def described(limits: Limits) -> str:
    """Describe the limits in one or two sentences."""
    measured = (
        f"{limits.device}: copy {limits.copy / 1e9:.1f} GB/s, in cache {limits.cache / 1e9:.1f} GB/s, matrix product "
        f"{limits.single / 1e9:.0f} Gflop/s in single, {limits.double / 1e9:.0f} in double precision; measured just "
        "now on one device"
    )
    if limits.sheet is None:
        return measured + "; no data sheet known"
    sheet = limits.sheet
    return measured + (
        f"; data sheet: {sheet.bandwidth / 1e12:.2f} TB/s, {sheet.single / 1e12:.0f} Tflop/s in single, "
        f"{sheet.double / 1e12:.0f} in double precision"
    )


def main() -> None:
    """Read the command line, measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.limits", description=__doc__)
    parser.add_argument("--small", action="store_true", help="sizes for two minutes on one core")
    parser.add_argument("--clock", choices=CLOCKS, default="wall", help="processor: for one core that is not idle")
    options = parser.parse_args()
    small, clock = options.small, CLOCKS[options.clock]
    on_cpu = jax.default_backend() == "cpu"
    limits = measured_limits(small, clock)
    nuts = Nuts(chains=1, warmup=200, draws=297) if on_cpu else Nuts(chains=1, warmup=60, draws=60)
    tasks: list[Callable[[], Work]] = [
        lambda: environment_steps(2_048 if on_cpu else 1 << 18, 250, 30, clock),
        lambda: exact_posteriors(250 if small else 1_000 if on_cpu else 16_000, 50, 101, 3, clock),
        lambda: nuts_posteriors(100 if small else 1_000, nuts, 2 if on_cpu else 1, clock),
    ]
    works = []
    for task in tasks:
        works.append(task())
        sys.stderr.write(table(works[-1:], limits) + "\n")  # at once, since the next may take long
    lines = [
        table(works, limits),
        described(limits),
        f"{options.clock} clock; {jax.device_count()} device(s); {machine()}",
    ]
    sys.stdout.write("\n".join([*lines, ""]))


if __name__ == "__main__":
    main()
