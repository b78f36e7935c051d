"""Scaling of sweeps from one worker to two, and the overhead of Ray for each cell, in one run.

``python -m benchmarks.sweep_speed``. Cells of `experiments.group_norm.one_group_norm` are worked on by one worker and
by two, by the local engine and by a Ray of its own; and cells of an experiment that does next to nothing by one worker
of each engine, so that what is left is the engine's. Every way has a new process, whose threads are limited as those of
workers are, and starts in turn. What counts is the time between outcomes from the first few on: starting Ray and
workers, and compiling, are told apart. The median of the rounds counts.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tabulate import tabulate

from benchmarks.report import machine
from scai_irl.sweep.engines import make_engine
from scai_irl.sweep.sweep_cells import cells_of, known_experiment
from scai_irl.sweep.sweep_definition import Sweep
from scai_irl.sweep.sweep_folder import whole_sweep
from scai_irl.sweep.work import Task, work
from scai_irl.sweep.worker_settings import WorkerSettings, worker_environment
from tests.scai_irl.sweep.tiny import install, on_path

REAL = {"users": ["fair"], "group": ["5v5"], "agents": ["thompson"], "runs": 20, "epochs": 2}
WAYS = {
    "local, 1 worker": ("one-group-norm", "local", 1),
    "local, 2 workers": ("one-group-norm", "local", 2),
    "ray, 1 worker": ("one-group-norm", "ray", 1),
    "ray, 2 workers": ("one-group-norm", "ray", 2),
    "local, nothing to do": ("tiny", "local", 1),
    "ray, nothing to do": ("tiny", "ray", 1),
}
WARM = 6
"""Outcomes that do not count, since workers start and compile before them."""


def timed(experiment: str, engine: str, workers: int, cells: int) -> tuple[float, float]:
    """Run a sweep in this process, and measure it.

    Returns:
        Seconds until the outcomes count, and seconds for each cell from then on.
    """
    sweep = Sweep(experiment=experiment, seeds=tuple(range(cells)), settings=REAL if experiment != "tiny" else {})
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "sweep"
        sweep_cells = cells_of(sweep, known_experiment(sweep).config)
        tasks = [Task(experiment, cell, folder, Path.cwd(), figures=False) for cell in sweep_cells]
        with whole_sweep(folder, sweep.written()):
            outcomes = make_engine(engine, WorkerSettings(folder, sweep.resources, workers)).outcomes(work, tasks)
            times = []
            for outcome in outcomes:
                assert outcome.status == "finished", outcome.error
                times.append(time.perf_counter())
    return times[WARM - 1] - began, (times[-1] - times[WARM - 1]) / (cells - WARM)


def in_new_process(way: str, cells: int, distribution: Path) -> tuple[float, float]:
    """Run a sweep in a new process with one core's threads; the engine limits the threads of its workers."""
    limits = worker_environment(Sweep(experiment="tiny", seeds=(0,)).resources)
    output = os.environ | limits | on_path(distribution) | {"RAY_worker_niceness": "0"}  # Ray's are nicer than others'
    command = [sys.executable, "-m", "benchmarks.sweep_speed", "--way", way, "--cells", str(cells)]
    done = subprocess.run(command, env=output, capture_output=True, text=True, check=True)
    start, each = json.loads(done.stdout.splitlines()[-1])
    return start, each


def report(spent: dict[str, list[tuple[float, float]]], cells: dict[str, int]) -> str:
    """Return a table of the ways, with scaling and overhead."""
    middle = {way: [statistics.median(kind) for kind in zip(*rounds, strict=True)] for way, rounds in spent.items()}
    rows = []
    for way, (start, each) in middle.items():
        all_rounds = sorted(1e3 * one for _, one in spent[way])
        rows.append([way, cells[way], start, 1e3 * each, all_rounds[0], all_rounds[-1]])
    headers = ("way", "cells", "start s", "ms a cell", "fastest", "slowest")
    lines = [tabulate(rows, headers=headers, floatfmt=("", ".0f", ".1f", ".1f", ".1f", ".1f"))]
    for engine in ("local", "ray"):
        ratio = middle[f"{engine}, 1 worker"][1] / middle[f"{engine}, 2 workers"][1]
        lines.append(f"{engine}: two workers do {ratio:.2f} times as much as one")
    overhead = 1e3 * (middle["ray, nothing to do"][1] - middle["local, nothing to do"][1])
    lines.append(f"Ray's overhead beyond start-up: {overhead:.1f} ms a cell")
    return "\n".join(lines)


def main() -> None:
    """Read the command line, measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sweep_speed", description=__doc__)
    parser.add_argument("--cells", type=int, default=60, help="cells of each sweep; five times as many of nothing")
    parser.add_argument("--rounds", type=int, default=3, help="rounds")
    parser.add_argument("--way", choices=WAYS, help="one way, in this process, for the benchmark's own use")
    options = parser.parse_args()
    if options.way:
        print(json.dumps(timed(*WAYS[options.way], options.cells)))
        return
    cells = {way: options.cells * (5 if kind == "tiny" else 1) for way, (kind, _, _) in WAYS.items()}
    spent: dict[str, list[tuple[float, float]]] = {way: [] for way in WAYS}
    with tempfile.TemporaryDirectory() as place:
        install(Path(place))
        for number in range(options.rounds):
            for way in [*WAYS][:: -1 if number % 2 else 1]:
                load = os.getloadavg()[0]
                spent[way].append(in_new_process(way, cells[way], Path(place)))
                each = 1e3 * spent[way][-1][1]
                print(f"round {number + 1}, {way}: {each:.1f} ms, load before {load:.1f}", file=sys.stderr, flush=True)
    sys.stdout.write("\n".join([report(spent, cells), machine(), ""]))


if __name__ == "__main__":
    main()
