"""Shared protocol of all programs: they read the same arrays, fit several times, and write draws and times to a file.

Only numpy and the standard library are imported, which every environment has.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

CHAINS, WARMUP, DRAWS = 4, 1_000, 1_000
UPPER = np.array([20.0, 10.0, 10.0])
"""Upper ends of α, β and τ."""
SPREAD = 0.2
"""Scale of the half-normal prior of σ."""

_TICK = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


class Problem(NamedTuple):
    """The data, (subject, play).

    Attributes:
        offer: Amount offered, of 20.
        behind: max(norm − offer, 0).
        ahead: max(offer − norm, 0).
        accepted: 1 where accepted.
    """

    offer: np.ndarray
    behind: np.ndarray
    ahead: np.ndarray
    accepted: np.ndarray


class Draws(NamedTuple):
    """Result of a fit.

    Attributes:
        group: μ, (chain, draw, parameter).
        subject: μ + σ z, (chain, draw, subject, parameter).
        divergences: Steps that diverged, after warm-up.
        sampling_began: `now` when the sampler itself began to work, after any compilation; None if that was at once.
    """

    group: np.ndarray
    subject: np.ndarray
    divergences: int
    sampling_began: tuple[float, float] | None = None


def measure(fit: Callable[[Problem, int], Draws]) -> None:
    """Fit as often as the command line ``DATA OUT FITS`` states, each time with another seed, and write the results.

    The first fit of a process is cold; the others show what a second fit of the same shapes costs.
    """
    data, out, fits = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    with np.load(data) as stored:
        problem = Problem(*(stored[name] for name in Problem._fields))
    result, spent, sampling = [], [], []
    for seed in range(1, fits + 1):
        before = now()
        draws = fit(problem, seed)
        after = now()
        began = draws.sampling_began or before
        result.append(draws)
        spent.append(np.subtract(after, before))
        sampling.append(np.subtract(after, began))
        if seed == 1:
            first = time.time()
    np.savez(
        out,
        group=np.stack([draws.group for draws in result]),
        subject=np.stack([draws.subject for draws in result]),
        divergences=np.array([draws.divergences for draws in result]),
        first_finished=np.array(first),
        fit_seconds=np.stack(spent),
        sampling_seconds=np.stack(sampling),
    )


def now() -> tuple[float, float]:
    """Return the wall seconds, and the processor seconds of this process and its children.

    On a shared machine a core's time is what a program took; the wall also shows what others did.
    """
    own = os.times()
    return time.perf_counter(), sum(own[:4]) + _of_children(os.getpid())


def _of_children(process: int) -> float:
    """Return the processor seconds of living child processes (Linux only; elsewhere only finished ones count)."""
    total = 0.0
    for file in Path(f"/proc/{process}/task").glob("*/children"):
        for child in file.read_text().split():
            try:
                fields = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
            except OSError:  # it has ended in the meantime
                continue
            total += sum(int(field) for field in fields[11:15]) / _TICK + _of_children(int(child))
    return total
