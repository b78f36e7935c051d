"""Shared fixture of the benchmarks, which measures a program and stores the result for the table at the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import pytest

from benchmarks.report import OURS, Measurement, machine, table

_MEASUREMENTS = pytest.StashKey[list[Measurement]]()

Measure = Callable[..., None]


def wait_for(result: object) -> None:
    """Wait until JAX's asynchronous computation has finished."""
    for leaf in jax.tree.leaves(result):
        if isinstance(leaf, jax.Array):
            leaf.block_until_ready()


def pytest_configure(config: pytest.Config) -> None:
    """Start with nothing measured."""
    config.stash[_MEASUREMENTS] = []


@pytest.fixture
def measure(benchmark: Any, request: pytest.FixtureRequest) -> Measure:
    """Measure ``measure(what, unit, count, program, who=…)``; a first call, which compiles, does not count."""

    def run(what: str, unit: str, count: int, program: Callable[[], object], who: str = OURS, rounds: int = 20) -> None:
        wait_for(program())
        benchmark.group = what
        benchmark.pedantic(lambda: wait_for(program()), rounds=rounds, iterations=1, warmup_rounds=1)
        if benchmark.stats is not None:  # None under --benchmark-disable
            timing = benchmark.stats.stats
            request.config.stash[_MEASUREMENTS].append(Measurement(what, who, unit, count, timing.min, timing.median))

    return run


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the table."""
    measurements = config.stash[_MEASUREMENTS]
    if measurements:
        terminalreporter.section("ours and rivals")
        terminalreporter.write_line(table(measurements))
        terminalreporter.write_line("")
        terminalreporter.write_line("ours, rival's: the fastest round; median: our median round")
        terminalreporter.write_line(machine())
