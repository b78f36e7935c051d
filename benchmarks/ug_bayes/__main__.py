"""Run every sampler on the same data and print one table: ``python -m benchmarks.ug_bayes``."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.report import OURS, machine
from benchmarks.ug_bayes.data import problem, simulated
from benchmarks.ug_bayes.environments import NotInstalledError, python_with
from benchmarks.ug_bayes.figures import Figures, read_figures, table

PROGRAMS: dict[str, tuple[str, tuple[str, ...]]] = {
    OURS: ("ours", ()),
    "BlackJAX": ("blackjax_rival", ("blackjax",)),
    "nutpie": ("nutpie_rival", ("pymc", "nutpie", "numba")),
    "Stan": ("stan_rival", ("pystan>=3.10",)),
    "PyMC": ("pymc_rival", ("pymc",)),
}
"""Script and packages of each program."""

_ROOT = Path(__file__).parents[2]
_LIMIT = 1_800  # seconds for a process
_COMMON = ("MKL_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")


class FailedError(RuntimeError):
    """Error: a program did not finish; the message is the reason."""


def run(script: str, python: Path, data: Path, out: Path, fits: int, caches: Path, core: int) -> float:
    """Run a program on one core, and return the wall seconds until its first fit.

    Raises:
        FailedError: If it fails or takes too long.
    """
    environment = os.environ | dict.fromkeys(_COMMON, "1")
    environment |= {
        "XDG_CACHE_HOME": str(caches),
        "PYTENSOR_FLAGS": f"base_compiledir={caches / 'pytensor'}",
        "JAX_COMPILATION_CACHE_DIR": str(caches / "jax"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.2",
        "JAX_PLATFORMS": "cpu",
        "PYTHONPATH": str(_ROOT),
    }
    command = [str(python), "-m", f"benchmarks.ug_bayes.{script}", str(data), str(out), str(fits)]
    usual = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})  # what is started inherits it
    began = time.time()
    try:
        done = subprocess.run(
            command, env=environment, cwd=_ROOT, capture_output=True, text=True, check=False, timeout=_LIMIT
        )
    except subprocess.TimeoutExpired as late:
        raise FailedError(f"not done after {_LIMIT} s") from late
    finally:
        os.sched_setaffinity(0, usual)
    if done.returncode:
        raise FailedError((done.stderr.strip() or "no message").splitlines()[-1])
    with np.load(out) as stored:
        return float(stored["first_finished"]) - began


def measured(name: str, data: Path, fits: int, core: int) -> Figures:
    """Measure one program, in a process without compiled code and in one with the compiled code of the first.

    Raises:
        NotInstalledError: If it cannot be installed.
        FailedError: If it fails.
    """
    script, packages = PROGRAMS[name]
    python = python_with(packages)
    with tempfile.TemporaryDirectory() as folder:
        caches, out = Path(folder) / "caches", Path(folder) / "draws.npz"
        caches.mkdir()
        cold = run(script, python, data, out, 1, caches, core)
        cached = run(script, python, data, out, 1 + fits, caches, core)
        return read_figures(name, out, cold, cached)


def main() -> None:
    """Read the command line, measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ug_bayes", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=PROGRAMS, default=list(PROGRAMS), help="programs to measure")
    parser.add_argument("--fits", type=int, default=3, help="warm fits, over which effective draws are averaged")
    parser.add_argument("--core", type=int, default=max(os.sched_getaffinity(0)), help="core that programs are held to")
    options = parser.parse_args()
    figures, skipped = [], []
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data.npz"
        np.savez(data, **problem(simulated())._asdict())
        for name in options.only:
            sys.stderr.write(f"{name} …\n")
            try:
                figures.append(measured(name, data, options.fits, options.core))
                sys.stderr.write(f"{table(figures[-1:], OURS)}\n")
            except (NotInstalledError, FailedError) as reason:
                skipped.append(f"{name} skipped: {reason}")
    lines = [
        table(figures, OURS),
        *skipped,
        "cold and cached: wall seconds from the start of a process to its first draws",
    ]
    lines.append(
        "warm fit, sampling and ESS/s: seconds of the processor, warm-up included; ESS: the smallest, bulk, by ArviZ"
    )
    sys.stdout.write("\n".join([*lines, machine(), ""]))


if __name__ == "__main__":
    main()
